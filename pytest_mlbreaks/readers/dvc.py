"""DVC pipelines: the stages of a ``dvc.yaml``, and what they declare to read and write. Their order is made by link.

Rules are those of https://dvc.org/doc/user-guide/project-structure/dvcyaml-files: paths are relative to the stage's
``wdir``, which is relative to the file's folder; ``${x}`` is a value of ``vars`` or of a parameters file
(``params.yaml`` unless others are named). Values of ``vars`` that stand in the file are put in; those of another file
are `ConfigKey`. A stage with ``foreach`` or ``matrix`` is stated once, for all of its items.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Mapping

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import ConfigKey, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Command, DvcParameter, DvcPath, DvcStage, Schedule, Step
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import secret_key
from pytest_mlbreaks.slots import Slots, plain

DEFAULT_PARAMETERS = "params.yaml"
"""Beside the ``dvc.yaml``: where parameters stand that are named without a file."""

STAGE_LIMIT = 500
"""Stages of one file. The largest surveyed has some thirty."""

_TEMPLATE = re.compile(r"\\\$\{|\$\{([^${}\n]{1,200})\}")
_INDEX = re.compile(r"\[([^\[\]]*)\]")
_OF_ITEM = frozenset({"item", "key"})
_OUTPUTS = ("outs", "metrics", "plots")


# ---------------------------------------------------------------------------------------------------- templates


@dataclasses.dataclass(frozen=True)
class _Vars:
    """What ``${x}`` can be: *values* that stand in the file by dotted key, then *files* of the tree, first come."""

    values: Mapping[str, Expr]
    files: tuple[str, ...]

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
        key = _INDEX.sub(lambda index: "." + index[1].strip("'\""), match[1].strip())
        if key in self.values:
            return slots.hold(self.values[key])
        if key.partition(".")[0] in _OF_ITEM:
            return slots.hold(Unknown("one for each item of the stage"))
        return slots.hold(ConfigKey(f"file/{'|'.join(self.files)}", key))


def _vars(node: YamlNode | None, folder: str, outer: _Vars | None = None) -> _Vars:
    """The variables that ``vars`` gives, those of *outer* behind them."""
    values: dict[str, Expr] = dict(outer.values) if outer is not None else {}
    files: list[str] = []
    for element in node.elements() if node is not None else ():
        if element.is_mapping:
            values |= dict(_leaves(element))
        elif element.text:
            files.append(_inside(folder, element.text.partition(":")[0]))
    known = outer.files if outer is not None else (_inside(folder, DEFAULT_PARAMETERS),)
    return _Vars(values, tuple(dict.fromkeys((*known, *files))))


def _leaves(mapping: YamlNode) -> Iterator[tuple[str, Expr]]:
    """The scalars below a mapping by their dotted keys."""
    pending: list[tuple[str, YamlNode, int]] = [("", mapping, 0)]
    while pending:
        key, node, depth = pending.pop()
        if node.is_scalar:
            text = node.text or ""
            if secret_key(key.rpartition(".")[2]):
                yield key, Unknown("a secret")
            else:
                yield key, Unknown("a value of another") if "${" in text else Literal(text)
        elif depth < 20:
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
    """A stage as written: *body* is below ``do`` for ``foreach``."""

    name: str
    place: Place
    body: YamlNode
    variables: _Vars
    workdir: Expr
    mapped: bool

    def path(self, written: str) -> Expr:
        """A path of the stage, seen from the root of the tree."""
        text = self.variables.expr(written)
        if isinstance(self.workdir, Literal) and isinstance(text, Literal):
            return Literal(_inside(str(self.workdir.value), str(text.value)))
        if self.workdir == Literal(""):
            return text
        if isinstance(self.workdir, Literal):
            return self.variables.expr(posixpath.join(str(self.workdir.value), written.replace("\\", "/")))
        return Unknown("the stage's folder is computed")


def _stages(file: YamlFile, document: YamlNode) -> Iterator[_Stage]:
    folder = file.path.rpartition("/")[0]
    outer = _vars(document.get("vars"), folder)
    stages = document.get("stages")
    for name, key, node in list(stages.items() if stages is not None else ())[:STAGE_LIMIT]:
        body = node.get("do") or node
        if not body.is_mapping:
            continue
        written = _text(body.get("wdir"))
        variables = outer
        workdir: Expr = Literal(folder)
        if written:
            told = variables.expr(written)
            workdir = Literal(_inside(folder, str(told.value))) if isinstance(told, Literal) else told
        if body.get("vars") is not None:
            at = str(workdir.value) if isinstance(workdir, Literal) else folder
            variables = _vars(body.get("vars"), at, outer)
        mapped = node.get("foreach") is not None or node.get("matrix") is not None
        yield _Stage(name, key.place, body, variables, workdir, mapped)


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
            yield DvcParameter(file=default, key=element.text, place=element.place)
        for written, key_node, keys in element.items():
            names = [e for e in keys.elements() if e.text]
            if not names:
                yield DvcParameter(file=stage.path(written), place=key_node.place)
            for name in names:
                yield DvcParameter(file=stage.path(written), key=name.text or "", place=name.place)


def _commands(stage: _Stage) -> Iterator[Command]:
    node = stage.body.get("cmd")
    if node is None:
        return
    for element in node.elements() if node.is_sequence else [node]:
        if element.text:
            shell = stage.variables.expr(element.text)
            yield Command(shell=shell, workdir=stage.workdir, place=element.text_place)


def _read_document(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    pipeline = f"dvc:{file.path}"
    told, found = True, False
    for stage in _stages(file, document):
        found = True
        step = Step(
            orchestrator="dvc",
            pipeline=pipeline,
            name=stage.name,
            operator="dvc",
            commands=tuple(_commands(stage)),
            mapped=stage.mapped,
            place=stage.place,
        )
        made = DvcStage(
            step=step.identity,
            name=stage.name,
            inputs=_paths(stage, "deps"),
            outputs=_paths(stage, *_OUTPUTS),
            parameters=tuple(_parameters(stage)),
            frozen=_true(stage.body.get("frozen")),
            always_changed=_true(stage.body.get("always_changed")),
            place=stage.place,
        )
        told = told and all(isinstance(path.path, Literal) for path in (*made.inputs, *made.outputs))
        yield step
        yield made
    if found:
        reason = "" if told else "paths of its stages are filled in from elsewhere"
        yield Schedule(orchestrator="dvc", name=file.path, complete=told, reason=reason, place=document.place)


def _claims(path: str) -> bool:
    return path.endswith("dvc.yaml") and path.rpartition("/")[2] == "dvc.yaml"


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for document in file.documents[:1]:
        if document.is_mapping:
            yield from _read_document(file, document)


READER: Reader[YamlFile] = Reader("dvc", 1, YAML, (Schedule, Step, DvcStage), _claims, _read)
