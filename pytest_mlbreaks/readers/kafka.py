"""Objects of Strimzi (https://strimzi.io/docs/operators/latest/configuring): where brokers keep their data, topics, and
connectors of Kafka Connect. Connectors are read from JSON, too, as its REST interface takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.helm import BRACKETS, HELM, HOLE, SOMETIMES, HelmFile
from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Choice, Literal
from pytest_mlbreaks.model.facts import BrokerStorage, Connector, KafkaTopic, Label
from pytest_mlbreaks.reading import Reader, Wanted

_GROUP = "kafka.strimzi.io"
_JSON = re.compile(
    r"(?:^|/)(?:(?:[^/]*[-_.])?(?:connect(?:ors?)?|sink)(?:[-_.][^/]*)?|(?:kafka-?)?connect(?:ors?)?/[^/]+)\.json$",
    re.IGNORECASE,
)
_SECRET = re.compile(r"password|secret|token|credential|\.key$|jaas|url", re.IGNORECASE)


def _text(node: YamlNode | None) -> str:
    """What a node says, "" where a template fills it in; in an object that is rendered only sometimes, what it says
    then."""
    said = node.text or "" if node is not None else ""
    hole = HOLE.fullmatch(said)
    if node is not None and hole is not None and isinstance(node.file, HelmFile):
        filled = node.file.holes[int(hole[1])].expr
        written = filled.options[0] if isinstance(filled, Choice) and SOMETIMES in filled.options else filled
        said = str(written.value) if isinstance(written, Literal) else ""
    return "" if any(bracket in said for bracket in BRACKETS) else said


def _claims(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and "/.github/" not in f"/{path}"


def _claims_json(path: str) -> bool:
    return _JSON.search(path) is not None


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The objects of a manifest, or of a template of a chart."""
    for node in file.documents:
        if not _text(node.get("apiVersion")).startswith(f"{_GROUP}/"):
            continue
        kind, name = _text(node.get("kind")), node.get("metadata", "name")
        place = name.place if name is not None else node.place
        if kind == "KafkaTopic":
            replicas = _text(node.get("spec", "replicas"))
            yield KafkaTopic(place=place, name=_text(name), replicas=int(replicas) if replicas.isdecimal() else None)
        elif kind in ("Kafka", "KafkaNodePool"):
            spec = node.get("spec", "kafka") if kind == "Kafka" else node.get("spec")
            yield from _storage(spec, kind, _text(name))
        elif kind == "KafkaConnector":
            yield Connector(
                place=place,
                name=_text(name),
                kind=_text(node.get("spec", "class")),
                settings=tuple(_settings(node.get("spec", "config"))),
            )


def _storage(spec: YamlNode | None, kind: str, name: str) -> Iterator[BrokerStorage]:
    storage = spec.get("storage") if spec is not None else None
    if storage is None:
        return
    volumes = storage.get("volumes")
    parts = [storage, *(volumes.elements() if volumes is not None and volumes.is_sequence else ())]
    for part in parts:
        given = part.get("type") if part.is_mapping else None
        if given is not None and _text(given) == "ephemeral":
            yield BrokerStorage(place=given.place, kind=kind, name=name)
            return


def _settings(config: YamlNode | None) -> Iterator[Label]:
    """The entries of a connector, without what may hold a secret."""
    for key, _, node in config.items() if config is not None and config.is_mapping else ():
        if not _SECRET.search(key) and node.is_scalar:
            yield Label(key=key, value=_text(node), place=node.place)


def _read_json(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """A connector, as ``POST /connectors`` takes it, or its configuration alone."""
    for node in file.documents:
        inner = node.get("config") if node.is_mapping else None
        config = inner if inner is not None and inner.is_mapping else node
        cls = config.get("connector.class") if config.is_mapping else None
        if cls is not None and _text(cls):
            yield Connector(
                place=cls.place,
                name=_text(node.get("name")),
                kind=_text(cls),
                settings=tuple(_settings(config)),
            )


def _read_template(file: HelmFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    yield from _read(file, wanted)


_FACTS = (BrokerStorage, KafkaTopic, Connector)
READER: Reader[YamlFile] = Reader("kafka", 1, YAML, _FACTS, _claims, _read)
TEMPLATES: Reader[HelmFile] = Reader("kafka-templates", 1, HELM, _FACTS, _claims, _read_template, templates=True)
CONNECTORS: Reader[YamlFile] = Reader("kafka-connectors", 1, YAML, (Connector,), _claims_json, _read_json)
