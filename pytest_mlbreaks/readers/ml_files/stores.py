"""What a file of Feast, BentoML or TorchServe says of a feature store or of a model that is served.

https://docs.feast.dev/reference/feature-repository/feature-store-yaml,
https://docs.bentoml.com/en/latest/reference/bentoml/bento-build-options.html,
https://docs.pytorch.org/serve/configuration.html#config-model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YamlFile, YamlNode
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Expr, Literal
from pytest_mlbreaks.model.facts import Argument, FeatureStore, ServedModel
from pytest_mlbreaks.placeholders import kept_secret, written

_PLAIN = re.compile(r"[\w.-]+:\d{1,5}")
"""A host and its port: no secret, though the key is called a connection string."""
_ADDRESSES = ("connection_string", "host", "path", "url")
_WORKERS = ("minWorkers", "maxWorkers", "batchSize", "maxBatchDelay", "responseTimeout", "startupTimeout", "deviceType")


def feast(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    """The store; one without a project is none."""
    project = _text(document.get("project"))
    if not project:
        return
    online, offline = document.get("online_store"), document.get("offline_store")
    yield FeatureStore(
        project=project,
        provider=_text(document.get("provider")),
        registry=_address(file.path, document.get("registry"), "registry"),
        online=_type(online),
        online_address=_address(file.path, online, "") if online is not None and online.is_mapping else None,
        offline=_type(offline),
        place=document.key_place("project"),
    )


def _type(node: YamlNode | None) -> str:
    if node is None:
        return ""
    return _text(node.get("type")) if node.is_mapping else (node.text or "null")


def _address(path: str, node: YamlNode | None, name: str) -> Expr | None:
    if node is None:
        return None
    if not node.is_mapping:
        return kept_secret(name, node.text, path, written(node.text)) if node.text else None
    found = next((key for key in _ADDRESSES if _text(node.get(key))), None)
    if found is None:
        return None
    text = _text(node.get(found)).partition(",")[0]  # of Redis, what follows may be its password
    return Literal(text) if _PLAIN.fullmatch(text) else kept_secret(found, text, path, written(text))


def bentofile(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    """The service that a bento is built of."""
    service = _text(document.get("service"))
    if service:
        yield ServedModel(
            server="bentoml",
            name=_text(document.get("name")) or service,
            target=written(service),
            settings=tuple(_models(document.get("models"))),
            place=document.key_place("service"),
        )


def _models(node: YamlNode | None) -> Iterator[Argument]:
    for element in node.elements() if node is not None else ():
        tag = element.text or _text(element.get("tag"))
        if tag:
            yield Argument(name="models", value=written(tag), place=element.place)


def torchserve(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    """What TorchServe is told of one model. A file of another tool has none of its keys."""
    found = [name for name in _WORKERS if document.get(name) is not None]
    if not found:
        return
    settings = []
    for name in found:
        node = document.get(name)
        if node is not None and node.is_scalar:
            settings.append(Argument(name=name, value=Literal(node.scalar), place=node.place))
    batch, delay = _number(document.get("batchSize")), _number(document.get("maxBatchDelay"))
    yield ServedModel(
        server="torchserve",
        name="",
        max_batch=batch,
        batching=None if batch is None else batch > 1,
        delay_ms=None if delay is None else float(delay),
        settings=tuple(settings),
        place=document.place,
    )


def _number(node: YamlNode | None) -> int | None:
    value = node.scalar if node is not None and node.is_scalar else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""
