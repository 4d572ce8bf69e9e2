"""What DVC recorded: the last run of each stage (``dvc.lock``), and the data that is tracked by itself (``*.dvc``).

https://dvc.org/doc/user-guide/project-structure/dvcyaml-files#dvclock-file and
https://dvc.org/doc/user-guide/project-structure/dvc-files say what stands in them. Paths of a ``dvc.lock`` are as the
stage writes them, relative to its ``wdir``, which stands in ``dvc.yaml`` alone: they are stated as written. Those of a
``*.dvc`` file are seen from its own folder.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Expr, Literal
from pytest_mlbreaks.model.facts import DvcData, DvcRecord, DvcRecorded, DvcRecordedValue
from pytest_mlbreaks.placeholders import kept_secret
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url

STAGE_LIMIT = 2_000
"""Records of one file: stages of loops have one each."""

VALUE_LIMIT = 1_000
"""Values of parameters of one record."""

_DEPTH = 20
_OLD_HASH = "md5-dos2unix"
"""The hash of DVC before version 3, which names none: line ends of text files are made alike before it is taken."""
_DIGESTS = ("md5", "etag", "checksum")


def _recorded(node: YamlNode, path: str) -> DvcRecorded:
    """A file or folder with its hash, "" where there is none."""
    kind = next((kind for kind in _DIGESTS if _text(node.get(kind))), "")
    algorithm = _text(node.get("hash")) or (_OLD_HASH if kind == "md5" else kind)
    return DvcRecorded(
        path=path.replace("\\", "/"),
        digest=f"{algorithm}:{_text(node.get(kind))}" if kind else "",
        place=node.place,
    )


def _all_recorded(nodes: YamlNode | None) -> tuple[DvcRecorded, ...]:
    found = nodes.elements() if nodes is not None else ()
    return tuple(_recorded(node, path) for node in found if (path := _text(node.get("path"))))


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _commands(node: YamlNode | None) -> tuple[str, ...]:
    if node is None:
        return ()
    nodes = node.elements() if node.is_sequence else (node,)
    return tuple(redact_url(one.text) for one in nodes if one.text)


def _values(parameters: YamlNode | None) -> Iterator[DvcRecordedValue]:
    """Each scalar of the parameters that a record keeps, by file, key that the stage named, and dotted key."""
    for file, _, keys in parameters.items() if parameters is not None else ():
        for key, key_node, value in keys.items():
            for below, leaf in _leaves(key, value):
                told = kept_secret(below.rpartition(".")[2], leaf.text or "", file, _literal(leaf))
                yield DvcRecordedValue(
                    file=file.replace("\\", "/"), of=key, key=below, value=told, place=key_node.place
                )


def _literal(leaf: YamlNode) -> Expr:
    scalar = leaf.scalar
    return Literal(leaf.text if isinstance(scalar, float) and not math.isfinite(scalar) else scalar)


def _leaves(key: str, node: YamlNode) -> Iterator[tuple[str, YamlNode]]:
    pending: list[tuple[str, YamlNode, int]] = [(key, node, 0)]
    while pending:
        at, found, depth = pending.pop()
        if found.is_scalar:
            yield at, found
        elif depth < _DEPTH:
            inner = [(name, value) for name, _, value in found.items()]
            inner = inner or [(str(index), value) for index, value in enumerate(found.elements())]
            pending.extend((f"{at}.{name}", value, depth + 1) for name, value in reversed(inner))


def _record(name: str, key: YamlNode, node: YamlNode, pipeline: str) -> Iterator[Fact | Diagnostic]:
    values: list[DvcRecordedValue] = []
    for value in _values(node.get("params")):
        if len(values) == VALUE_LIMIT:
            yield Diagnostic(key.place, "note", f"more than {VALUE_LIMIT:,} values of parameters; the rest is not read")
            break
        values.append(value)
    yield DvcRecord(
        pipeline=pipeline,
        name=name,
        commands=_commands(node.get("cmd")),
        inputs=_all_recorded(node.get("deps")),
        outputs=_all_recorded(node.get("outs")),
        values=tuple(values),
        place=key.place,
    )


def _lock(file: YamlFile, document: YamlNode) -> Iterator[Fact | Diagnostic]:
    stages = document.get("stages")
    if stages is None and document.get("schema") is None:
        stages = document  # the first version of the format: stages at the top
    pipeline = f"dvc:{file.path.removesuffix('.lock')}.yaml"
    for index, (name, key, node) in enumerate(stages.items() if stages is not None else ()):
        if index == STAGE_LIMIT:
            yield Diagnostic(key.place, "note", f"more than {STAGE_LIMIT:,} stages; the rest is not read")
            return
        if node.is_mapping:
            yield from _record(name, key, node, pipeline)


def _data(file: YamlFile, document: YamlNode) -> Iterator[DvcData]:
    """The data of a ``*.dvc`` file, and whence ``dvc import`` or ``dvc import-url`` took it."""
    folder = posixpath.join(file.path.rpartition("/")[0], _text(document.get("wdir")).replace("\\", "/"))
    sources = document.get("deps")
    source = next((node for node in sources.elements() if node.is_mapping), None) if sources is not None else None
    url = revision = ""
    if source is not None:
        url = redact_url(_text(source.get("repo", "url")) or _text(source.get("path")))
        revision = _text(source.get("repo", "rev_lock"))
    for out in _all_recorded(document.get("outs")):
        yield DvcData(
            data=posixpath.normpath(posixpath.join(folder, out.path)),
            digest=out.digest,
            source=url,
            revision=revision,
            place=out.place,
        )


def _claims(path: str) -> bool:
    if not path.endswith((".dvc", "dvc.lock")):
        return False
    name = path.rpartition("/")[2]
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for document in file.documents[:1]:
        if document.is_mapping:
            yield from _lock(file, document) if file.path.endswith(".lock") else _data(file, document)


READER: Reader[YamlFile] = Reader("dvc-locks", 1, YAML, (DvcRecord, DvcData), _claims, _read)
