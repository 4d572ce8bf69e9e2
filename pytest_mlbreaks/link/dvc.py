"""DVC's stages: those that a loop makes, and the order of all, one graph over all ``dvc.yaml`` files of a tree.

https://dvc.org/doc/user-guide/pipelines/defining-pipelines: a stage comes after those whose outputs it depends on.
https://dvc.org/doc/user-guide/project-structure/dvcyaml-files#foreach-stages says what a loop makes, and the names.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.expr import (
    Concat,
    ConfigKey,
    Entries,
    Expr,
    Items,
    Literal,
    PathJoin,
    Unknown,
    literal_text,
)
from pytest_mlbreaks.model.facts import (
    Command,
    ConfigEntry,
    DvcLoop,
    DvcParameter,
    DvcPath,
    DvcStage,
    Edge,
    Fact,
    Schedule,
    Step,
)
from pytest_mlbreaks.slots import join

MOST_ITEMS = 200
"""Stages of one loop. One that makes more is one stage, as is one of which it can't be told what it makes."""

_HOLE = "{*}"
_OF_A_LOOP = "loop"
_ITEM = re.compile(r"\$\{\s*((?:item|key)(?:\.[\w.-]+)?)\s*\}")
_NOT_TOLD = Unknown("one for each item of the stage")


# -------------------------------------------------------------------------------------------------------- loops


def stages(pipeline: Pipeline, values: Values) -> list[Fact]:
    """The steps and stages that the loops of all files make, and the schedule that each file is."""
    made: list[Fact] = []
    open_loops: set[str] = set()
    for loop in pipeline.all(DvcLoop):
        items = _items(loop, pipeline, values)
        if items is None or len(items) > MOST_ITEMS:
            open_loops.add(loop.path)
            made.extend(_stage(loop, loop.name, _Item("", None), mapped=True))
            continue
        for item in items:
            made.extend(_stage(loop, f"{loop.name}@{item.key}", item, mapped=False))
    every = [*pipeline.all(DvcStage), *(fact for fact in made if isinstance(fact, DvcStage))]
    return [*made, *_schedules(every, open_loops, values)]


def _schedules(every: Iterable[DvcStage], open_loops: set[str], values: Values) -> Iterator[Schedule]:
    by_file: dict[str, list[DvcStage]] = defaultdict(list)
    for stage in every:
        by_file[stage.path].append(stage)
    for path, found in by_file.items():
        reason = "what its loops go over can't be told" if path in open_loops else ""
        if not reason and any(_HOLE in values.pattern(p.path) for s in found for p in (*s.inputs, *s.outputs)):
            reason = "paths of its stages are filled in from elsewhere"
        yield Schedule(orchestrator="dvc", name=path, complete=not reason, reason=reason, place=Place(path, 1))


class _Item:
    """One item of a loop: its *key*, which names the stage, and its *value* (None: not told). *keyed*: ``${key}`` is
    the key."""

    def __init__(self, key: str, value: Expr | None, *, keyed: bool = False) -> None:
        self.key = key
        self.value = value
        self.keyed = keyed

    def fill(self, expr: Expr) -> Expr:
        """*expr* with the item put in."""
        match expr:
            case ConfigKey(store=store, key=key) if store == _OF_A_LOOP:
                return self._named(key)
            case Concat(parts=parts):
                return join([self.fill(part) for part in parts])
            case PathJoin(parts=parts):
                return _joined(tuple(self.fill(part) for part in parts))
            case _:
                return expr

    def fill_text(self, text: str) -> str:
        """The same for a text that is kept as it is written."""
        return _ITEM.sub(lambda match: literal_text(self._named(match[1])) or match[0], text)

    def _named(self, name: str) -> Expr:
        first, *inner = name.split(".")
        if first == "key":
            return Literal(self.key) if self.keyed and not inner else _NOT_TOLD
        found: Expr | None = self.value
        for part in inner:
            if isinstance(found, Entries):
                found = dict(found.entries).get(part)
            elif isinstance(found, Items) and part.isdecimal() and int(part) < len(found.items):
                found = found.items[int(part)]
            else:
                return _NOT_TOLD
        return _NOT_TOLD if found is None or isinstance(found, Items | Entries) else found


def _joined(parts: tuple[Expr, ...]) -> Expr:
    texts = [str(part.value) for part in parts if isinstance(part, Literal)]
    if len(texts) < len(parts):
        return PathJoin(parts)
    last = texts[-1].replace("\\", "/")
    if "://" in last or last.startswith("/"):
        return Literal(last)
    normal = posixpath.normpath(posixpath.join(*texts[:-1], last))
    return Literal("" if normal == "." else normal)


def _items(loop: DvcLoop, pipeline: Pipeline, values: Values) -> list[_Item] | None:
    """What a loop goes over, or None where that can't be told."""
    told = _collection(loop.items, pipeline, values)
    if loop.matrix:
        return _combinations(told) if isinstance(told, Entries) else None
    if isinstance(told, Entries):
        return [_Item(key, value, keyed=True) for key, value in told.entries]
    if not isinstance(told, Items):
        return None
    if any(isinstance(item, Items | Entries) for item in told.items):
        return [_Item(str(index), item) for index, item in enumerate(told.items)]
    names = [literal_text(item) for item in told.items]
    found = {name: _Item(name, item) for name, item in zip(names, told.items, strict=True) if name is not None}
    return None if None in names else list(found.values())


def _combinations(axes: Entries) -> list[_Item] | None:
    """Every combination of a matrix; a part that is no text goes by the name of its axis and its index."""
    named: list[list[tuple[str, str, Expr]]] = []
    count = 1
    for axis, choices in axes.entries:
        if not isinstance(choices, Items):
            return None
        count *= len(choices.items)
        if count > MOST_ITEMS:
            return None
        fragments = []
        for index, choice in enumerate(choices.items):
            name = f"{axis}{index}" if isinstance(choice, Items | Entries) else literal_text(choice)
            if name is None:
                return None
            fragments.append((axis, name, choice))
        named.append(fragments)
    found: dict[str, _Item] = {}
    for combination in itertools.product(*named):
        key = "-".join(name for _, name, _ in combination)
        found[key] = _Item(key, Entries(tuple((axis, value) for axis, _, value in combination)), keyed=True)
    return list(found.values())


def _collection(expr: Expr, pipeline: Pipeline, values: Values) -> Expr:
    """A collection with what its parts are in other files; what is no collection is the text that it comes to, and
    unknown where that can't be told."""
    match expr:
        case Items(items=items):
            return Items(tuple(_collection(item, pipeline, values) for item in items))
        case Entries(entries=entries):
            return Entries(tuple((key, _collection(value, pipeline, values)) for key, value in entries))
        case ConfigKey(store=store, key=key) if store.startswith("file/"):
            below = _below(store.removeprefix("file/").split("|"), key, pipeline)
            if below:
                return _nested(below, pipeline, values)
    told = values.resolve(expr).only
    if told is None or told.secret:
        return _NOT_TOLD
    return Literal(str(told.value).lower() if isinstance(told.value, bool) else str(told.value))


def _below(files: Iterable[str], key: str, pipeline: Pipeline) -> dict[str, Any]:
    """What is below *key* in the first of *files* that has something there, as dictionaries."""
    prefix = f"{key}."
    for path in files:
        found: dict[str, Any] = {}
        for entry in pipeline.index(ConfigEntry, "path").get(path, ()):
            if entry.key.startswith(prefix):
                *outer, last = entry.key.removeprefix(prefix).split(".")
                inner = found
                for part in outer:
                    inner = inner.setdefault(part, {})
                inner[last] = entry.value
        if found:
            return found
    return {}


def _nested(found: dict[str, Any], pipeline: Pipeline, values: Values) -> Expr:
    entries = [
        (key, _nested(value, pipeline, values) if isinstance(value, dict) else _collection(value, pipeline, values))
        for key, value in found.items()
    ]
    if [key for key, _ in entries] == [str(index) for index in range(len(entries))]:
        return Items(tuple(value for _, value in entries))
    return Entries(tuple(entries))


def _stage(loop: DvcLoop, name: str, item: _Item, *, mapped: bool) -> Iterator[Fact]:
    step = Step(
        orchestrator="dvc",
        pipeline=loop.pipeline,
        name=name,
        operator="dvc",
        commands=tuple(_command(command, item) for command in loop.commands),
        mapped=mapped,
        place=loop.place,
    )
    yield step
    yield DvcStage(
        step=step.identity,
        name=name,
        inputs=tuple(DvcPath(path=item.fill(p.path), place=p.place) for p in loop.inputs),
        outputs=tuple(DvcPath(path=item.fill(p.path), place=p.place) for p in loop.outputs),
        parameters=tuple(
            DvcParameter(file=item.fill(p.file), key=item.fill_text(p.key), place=p.place) for p in loop.parameters
        ),
        frozen=loop.frozen,
        always_changed=loop.always_changed,
        loop=loop.name,
        place=loop.place,
    )


def _command(command: Command, item: _Item) -> Command:
    return msgspec.structs.replace(
        command,
        shell=item.fill(command.shell) if command.shell is not None else None,
        workdir=item.fill(command.workdir) if command.workdir is not None else None,
    )


# -------------------------------------------------------------------------------------------------------- order


def edges(pipeline: Pipeline, values: Values) -> list[Edge]:
    """An edge for each stage and each stage that makes something it depends on, files of parameters included: the same
    path, a folder around it, or something in it. Paths that can't be told in full are the same where what can be told
    is."""
    makers: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for stage in pipeline.all(DvcStage):
        for output in stage.outputs:
            path = posixpath.normpath(values.pattern(output.path))
            makers[path].append(stage.step)
            if _HOLE not in path:
                for folder in _above(path):
                    below[folder].append(stage.step)
    found: dict[tuple[str, str], Edge] = {}
    for stage in pipeline.all(DvcStage):
        for needed, place in _needed(stage):
            path = posixpath.normpath(values.pattern(needed))
            if not path.replace(_HOLE, "").strip("/."):
                continue
            around = [] if _HOLE in path else [step for folder in _above(path) for step in makers.get(folder, ())]
            for earlier in (*makers.get(path, ()), *around, *below.get(path, ())):
                if earlier != stage.step:
                    edge = Edge(before=earlier, after=stage.step, place=place)
                    found.setdefault((earlier, stage.step), edge)
    return list(found.values())


def _needed(stage: DvcStage) -> Iterator[tuple[Expr, Place]]:
    for path in stage.inputs:
        yield path.path, path.place
    for parameter in stage.parameters:
        yield parameter.file, parameter.place


def _above(path: str) -> Iterator[str]:
    """The folders that *path* lies in, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
