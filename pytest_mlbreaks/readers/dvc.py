"""DVC pipelines: the stages of a ``dvc.yaml``, and what they declare to read and write. Their order is made by link.

Rules are those of https://dvc.org/doc/user-guide/project-structure/dvcyaml-files: paths are relative to the stage's
``wdir``, which is relative to the file's folder; ``${x}`` is a value of ``vars`` or of a parameters file
(``params.yaml`` unless others are named). Values of ``vars`` that stand in the file are put in; those of another file
are `ConfigKey`. A stage with ``foreach`` or ``matrix`` is stated as a `DvcLoop`, from which link makes its stages, as
it makes the `Schedule`: whether all of a file could be told is only known once its values are.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Mapping

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import ConfigKey, Entries, Expr, Items, Literal, PathJoin, Unknown
from pytest_mlbreaks.model.facts import Command, DvcLoop, DvcParameter, DvcPath, DvcStage, Step
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import secret_key
from pytest_mlbreaks.slots import Slots, plain

DEFAULT_PARAMETERS = "params.yaml"
"""Beside the ``dvc.yaml``: where parameters stand that are named without a file."""

STAGE_LIMIT = 500
"""Stages of one file. The largest surveyed has some thirty."""

LOOP = "loop"
"""The store of the keys ``item`` and ``key``, which each item of a loop fills in."""

_TEMPLATE = re.compile(r"\\\$\{|\$\{([^${}\n]{1,200})\}")
_INDEX = re.compile(r"\[([^\[\]]*)\]")
_OF_ITEM = frozenset({"item", "key"})
_OUTPUTS = ("outs", "metrics", "plots")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?")
_NESTED = 20


# ---------------------------------------------------------------------------------------------------- templates


@dataclasses.dataclass(frozen=True)
class _Vars:
    """What ``${x}`` can be: *values* that stand in the file by dotted key (*nodes*: its lists and mappings), then
    *files* of the tree, first come. *looped*: ``item`` and ``key`` are those of a loop."""

    values: Mapping[str, Expr]
    nodes: Mapping[str, YamlNode]
    files: tuple[str, ...]
    looped: bool = False

    def expr(self, text: str) -> Expr:
        """The expression that a templated *text* is."""
        if "${" not in text:
            return Literal(text)
        slots = Slots()
        try:
            replaced = _TEMPLATE.sub(lambda match: self._replaced(match, slots), plain(text))
        except ValueError:
            return Unknown("too many placeholders")
        return slots.expr(slots.redact(replaced))

    def _replaced(self, match: re.Match[str], slots: Slots) -> str:
        if match[1] is None:
            return "${"  # escaped
        return slots.hold(self.named(_dotted(match[1])))

    def named(self, key: str) -> Expr:
        """The value of the dotted *key*."""
        if self.looped and key.partition(".")[0] in _OF_ITEM:
            return ConfigKey(LOOP, key)  # goes before a value of that name
        if key in self.values:
            return self.values[key]
        if key in self.nodes:
            return self.collection(self.nodes[key])
        return ConfigKey(f"file/{'|'.join(self.files)}", key)

    def collection(self, node: YamlNode, depth: int = 0) -> Expr:
        """A list or mapping, or a ``${x}`` that is one; what is no collection is the text that it is written as."""
        if depth > _NESTED:
            return Unknown("nested too deeply")
        if node.is_sequence:
            return Items(tuple(self.collection(element, depth + 1) for element in node.elements()))
        if node.is_mapping:
            return Entries(tuple((name, self.collection(value, depth + 1)) for name, _, value in node.items()))
        text = node.text or ""
        whole = _TEMPLATE.fullmatch(text.strip())
        if whole is not None and whole[1] is not None:
            return self.named(_dotted(whole[1]))
        return self.expr(text) if "${" in text else Literal(_written(node))


def _dotted(key: str) -> str:
    """A key with its indices as further parts: ``a[0]`` is ``a.0``."""
    return _INDEX.sub(lambda index: "." + index[1].strip("'\""), key.strip())


def _written(node: YamlNode) -> str:
    """A scalar as DVC puts it into a text: truth values in lower case, numbers with a point as Python writes them."""
    text = node.text or ""
    if node.quoted:
        return text
    if text in ("True", "TRUE", "False", "FALSE"):
        return text.lower()
    return str(float(text)) if _FLOAT.fullmatch(text) else text


def _vars(node: YamlNode | None, folder: str, outer: _Vars | None = None) -> _Vars:
    """The variables that ``vars`` gives, those of *outer* behind them."""
    values: dict[str, Expr] = dict(outer.values) if outer is not None else {}
    nodes: dict[str, YamlNode] = dict(outer.nodes) if outer is not None else {}
    files: list[str] = []
    for element in node.elements() if node is not None else ():
        if element.is_mapping:
            for key, inner in _below(element):
                if inner.is_scalar:
                    values[key] = _value(key, inner)
                else:
                    nodes[key] = inner
        elif element.text:
            files.append(_inside(folder, element.text.partition(":")[0]))
    known = outer.files if outer is not None else (_inside(folder, DEFAULT_PARAMETERS),)
    return _Vars(values, nodes, tuple(dict.fromkeys((*known, *files))))


def _value(key: str, node: YamlNode) -> Expr:
    if secret_key(key.rpartition(".")[2]):
        return Unknown("a secret")
    return Unknown("a value of another") if "${" in (node.text or "") else Literal(_written(node))


def _below(mapping: YamlNode) -> Iterator[tuple[str, YamlNode]]:
    """What is below a mapping, by dotted keys."""
    pending: list[tuple[str, YamlNode, int]] = [("", mapping, 0)]
    while pending:
        key, node, depth = pending.pop()
        if key:
            yield key, node
        if depth < _NESTED:
            prefix = f"{key}." if key else ""
            inner = node.items() if node.is_mapping else ((str(i), e, e) for i, e in enumerate(node.elements()))
            pending.extend((prefix + name, value, depth + 1) for name, _, value in inner)


# ------------------------------------------------------------------------------------------------------- stages


def _inside(folder: str, path: str) -> str:
    """*path*, as written in a file of *folder*, as a path of the tree; DVC takes ``\\`` as ``/`` on Windows."""
    path = path.replace("\\", "/")
    if "://" in path or path.startswith("/"):
        return path
    normal = posixpath.normpath(posixpath.join(folder, path))
    return "" if normal == "." else normal


@dataclasses.dataclass(frozen=True)
class _Stage:
    """A stage as written: *body* is below ``do`` for ``foreach``, *loop* is what a loop goes over."""

    name: str
    place: Place
    body: YamlNode
    variables: _Vars
    workdir: Expr
    loop: YamlNode | None
    matrix: bool

    def path(self, written: str) -> Expr:
        """A path of the stage, seen from the root of the tree."""
        text = self.variables.expr(written)
        if isinstance(self.workdir, Literal) and isinstance(text, Literal):
            return Literal(_inside(str(self.workdir.value), str(text.value)))
        if self.workdir == Literal(""):
            return text
        return PathJoin((self.workdir, text))


def _stages(file: YamlFile, document: YamlNode) -> Iterator[_Stage]:
    folder = file.path.rpartition("/")[0]
    outer = _vars(document.get("vars"), folder)
    stages = document.get("stages")
    for name, key, node in list(stages.items() if stages is not None else ())[:STAGE_LIMIT]:
        body = node.get("do") or node
        if not body.is_mapping:
            continue
        matrix = node.get("matrix")
        loop = matrix or node.get("foreach")
        outside = dataclasses.replace(outer, looped=loop is not None)
        workdir = _workdir(_text(body.get("wdir")), folder, outside)
        variables = outside
        if body.get("vars") is not None:
            at = str(workdir.value) if isinstance(workdir, Literal) else folder
            variables = dataclasses.replace(_vars(body.get("vars"), at, outside), looped=outside.looped)
        yield _Stage(name, key.place, body, variables, workdir, loop, matrix is not None)


def _workdir(written: str, folder: str, variables: _Vars) -> Expr:
    told = variables.expr(written)
    if isinstance(told, Literal):
        return Literal(_inside(folder, str(told.value)))
    return PathJoin((Literal(folder), told)) if folder else told


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _true(node: YamlNode | None) -> bool:
    return node is not None and node.scalar is True


def _listed(node: YamlNode | None) -> Iterator[tuple[str, YamlNode]]:
    """The paths of a list whose elements are paths, or paths with options; each with its node."""
    if node is None:
        return
    for element in [node] if node.is_mapping or node.is_scalar else node.elements():
        if element.text:
            yield element.text, element
        for path, key, _ in element.items():
            yield path, key


def _paths(stage: _Stage, *fields: str) -> tuple[DvcPath, ...]:
    return tuple(
        DvcPath(path=stage.path(written), place=node.place)
        for field in fields
        for written, node in _listed(stage.body.get(field))
    )


def _parameters(stage: _Stage) -> Iterator[DvcParameter]:
    """``params``: keys of the default file, or lists of keys by file; a file without keys counts as a whole."""
    default = stage.path(DEFAULT_PARAMETERS)
    node = stage.body.get("params")
    for element in node.elements() if node is not None else ():
        if element.text:
            yield DvcParameter(file=default, key=_key(stage, element.text), place=element.place)
        for written, key_node, keys in element.items():
            names = [e for e in keys.elements() if e.text]
            if not names:
                yield DvcParameter(file=stage.path(written), place=key_node.place)
            for name in names:
                yield DvcParameter(file=stage.path(written), key=_key(stage, name.text or ""), place=name.place)


def _key(stage: _Stage, written: str) -> str:
    """The key of a parameter, with what stands in the file put in."""
    told = stage.variables.expr(written)
    return str(told.value) if isinstance(told, Literal) else written


def _commands(stage: _Stage) -> Iterator[Command]:
    node = stage.body.get("cmd")
    if node is None:
        return
    for element in node.elements() if node.is_sequence else [node]:
        if element.text:
            shell = stage.variables.expr(element.text)
            yield Command(shell=shell, workdir=stage.workdir, place=element.text_place)


def _read_document(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    for stage in _stages(file, document):
        yield from _stated(stage, f"dvc:{file.path}")


def _stated(stage: _Stage, pipeline: str) -> Iterator[Fact]:
    commands = tuple(_commands(stage))
    inputs, outputs = _paths(stage, "deps"), _paths(stage, *_OUTPUTS)
    parameters = tuple(_parameters(stage))
    frozen, always_changed = _true(stage.body.get("frozen")), _true(stage.body.get("always_changed"))
    if stage.loop is not None:
        yield DvcLoop(
            pipeline=pipeline,
            name=stage.name,
            items=stage.variables.collection(stage.loop),
            matrix=stage.matrix,
            commands=commands,
            inputs=inputs,
            outputs=outputs,
            parameters=parameters,
            frozen=frozen,
            always_changed=always_changed,
            place=stage.place,
        )
        return
    step = Step(
        orchestrator="dvc",
        pipeline=pipeline,
        name=stage.name,
        operator="dvc",
        commands=commands,
        place=stage.place,
    )
    yield step
    yield DvcStage(
        step=step.identity,
        name=stage.name,
        inputs=inputs,
        outputs=outputs,
        parameters=parameters,
        frozen=frozen,
        always_changed=always_changed,
        place=stage.place,
    )


def _claims(path: str) -> bool:
    return path.endswith("dvc.yaml") and path.rpartition("/")[2] == "dvc.yaml"


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for document in file.documents[:1]:
        if document.is_mapping:
            yield from _read_document(file, document)


READER: Reader[YamlFile] = Reader("dvc", 2, YAML, (Step, DvcStage, DvcLoop), _claims, _read)
