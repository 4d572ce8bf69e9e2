"""Pipelines of Kubeflow Pipelines: steps and edges of all files together.

A task runs a component of its own file, of another module, or of a component file; what is itself a pipeline is laid
open. Names are those that the compiler gives (kfp/dsl/pipeline_context.py): a second ``train`` is ``train-2``. Order is
the compiler's, too (``get_dependencies`` in kfp/compiler/compiler_utils.py): where two tasks lie in different groups,
the whole of one group comes after the whole of the other.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections import defaultdict
from collections.abc import Iterator

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Fact, Pipeline, Place
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Edge, Import, KfpComponent, KfpPipeline, KfpTask, Schedule, Step

Path = tuple[str, ...]

EDGE_LIMIT = 20_000
"""Edges of one pipeline, between tasks; the largest real one has some two hundred."""
STEP_LIMIT = 5000
"""Steps of one pipeline, those of pipelines in it included."""


@dataclasses.dataclass
class _Leaf:
    """A task that runs something, at its *path*: the groups and pipelines around it, and its name."""

    path: Path
    task: KfpTask
    component: KfpComponent | None
    mapped: bool


@dataclasses.dataclass
class _Graph:
    """A pipeline with what is in it laid open. *edges* are between two things of one group."""

    leaves: list[_Leaf] = dataclasses.field(default_factory=list)
    edges: dict[tuple[Path, Path], Place] = dataclasses.field(default_factory=dict)
    doubts: list[str] = dataclasses.field(default_factory=list)


class _Linker:
    def __init__(self, pipeline: Pipeline, modules: Modules, values: Values) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._values = values
        self._components = {c.identity: c for c in pipeline.all(KfpComponent)}
        self._functions = {(c.path, c.function): c for c in self._components.values() if c.function}
        self._files = {c.path: c for c in self._components.values() if c.operator == "file" and not c.function}
        self._pipelines = {(p.path, p.function): p for p in pipeline.all(KfpPipeline) if p.function}
        self._compiled = {p.path: p for p in pipeline.all(KfpPipeline) if not p.function}
        self._graphs: dict[str, _Graph] = {}
        self._active: set[str] = set()
        self.nested: set[str] = set()
        """Pipelines that are a task of another."""

    def graph(self, pipeline: KfpPipeline) -> _Graph:
        """The graph of *pipeline*, made once."""
        if pipeline.identity not in self._graphs:
            self._active.add(pipeline.identity)
            self._graphs[pipeline.identity] = self._made(pipeline)
            self._active.discard(pipeline.identity)
        return self._graphs[pipeline.identity]

    def _made(self, pipeline: KfpPipeline) -> _Graph:
        graph = _Graph(doubts=list(pipeline.doubts))
        paths: dict[str, Path] = {}
        dropped: dict[str, KfpTask] = {}
        taken: set[str] = set()
        kept: list[tuple[KfpTask, Path]] = []
        for task in pipeline.tasks:
            for depth, name in enumerate(task.groups):
                paths.setdefault(f"group:{name}", task.groups[: depth + 1])
            if task.key.startswith("group:"):
                path = (*task.groups, task.key.rpartition("/")[2].removeprefix("group:"))
                paths[task.key] = paths[task.key.removeprefix("group:")] = path
                kept.append((task, path))
                continue
            component, inner = self._runs(task, graph)
            if component is None and inner is None and not task.sure:
                dropped[task.key] = task
                continue
            path = (*task.groups, task.name)
            if pipeline.function:  # else the compiler has chosen the name
                name = inner.name if inner is not None else (component.name if component is not None else "")
                path = (*task.groups, _unique(name or task.name or "component", taken))
            paths[task.key] = path
            kept.append((task, path))
            if inner is not None:
                self._lay_open(graph, inner, path, task)
            else:
                graph.leaves.append(_Leaf(path, task, component, task.mapped))
        for task, path in kept:
            for key in _through(task.after, dropped):
                before = paths.get(key)
                if before is not None and before != path:
                    _relate(graph, before, path, task.place)
        return graph

    def _lay_open(self, graph: _Graph, inner: KfpPipeline, path: Path, task: KfpTask) -> None:
        """Put what is in the pipeline *inner* below *path*."""
        if inner.identity in self._active:
            graph.doubts.append(f"{inner.name} runs itself")
            return
        found = self.graph(inner)
        graph.doubts += [f"{inner.name}: {doubt}" for doubt in found.doubts]
        if len(graph.leaves) + len(found.leaves) > STEP_LIMIT:
            graph.doubts.append("it has more tasks than are followed")
            return
        for leaf in found.leaves:
            graph.leaves.append(_Leaf((*path, *leaf.path), leaf.task, leaf.component, leaf.mapped or task.mapped))
        for (before, after), place in found.edges.items():
            graph.edges.setdefault(((*path, *before), (*path, *after)), place)

    # -------------------------------------------------------------------------------------------- what a task runs

    def _runs(self, task: KfpTask, graph: _Graph) -> tuple[KfpComponent | None, KfpPipeline | None]:
        """The component or pipeline that a task runs; neither where the tree doesn't tell, or it is no task."""
        if task.component:
            return self._components.get(task.component), None
        if task.file is not None:
            return self._of_file(task.file, task.place.path, graph)
        if task.source is None:
            return None, None
        own = self._pipelines.get((task.source.path, task.source.name))
        where = self._modules.definition(task.source.path, task.source.name)
        if own is None and where is None:
            return None, None
        key = where if own is None and where is not None else (task.source.path, task.source.name)
        inner = own or self._pipelines.get(key)
        if inner is not None:
            self.nested.add(inner.identity)
            return None, inner
        component = self._functions.get(key)
        if component is not None and component.file is not None:
            found, compiled = self._of_file(component.file, component.path, graph)
            return (component, None) if found is None and compiled is None else (found, compiled)
        if component is None and self._knows_kfp(key[0]):
            graph.doubts.append(f"{task.source.name} of {key[0]} may make tasks")
        return component, None

    def _knows_kfp(self, path: str) -> bool:
        return any(i.target.partition(".")[0] == "kfp" for i in self._pipeline.index(Import, "path").get(path, ()))

    def _of_file(self, file: Expr, path: str, graph: _Graph) -> tuple[KfpComponent | None, KfpPipeline | None]:
        """What the component *file*, named in the code of *path*, describes: a component, or a compiled pipeline."""
        text = self._values.pattern(file)
        path = self._file_of(text, path.rpartition("/")[0]) if "://" not in text else ""
        if path in self._files:
            return self._files[path], None
        compiled = self._compiled.get(path)
        if compiled is None:
            graph.doubts.append("a component is described outside of the tree")
            return None, None
        runs = [other for other in compiled.tasks if not other.key.startswith("group:")]
        if len(runs) == 1 and runs[0].key == compiled.name:  # a component that was compiled by itself
            return self._components.get(runs[0].component), None
        self.nested.add(compiled.identity)
        return None, compiled

    def _file_of(self, text: str, folder: str) -> str:
        """The file of the tree that is meant by a path, the beginning of which may not be known."""
        tail = posixpath.normpath(text.rpartition("{*}")[2].replace("\\", "/"))
        known = self._files.keys() | self._compiled.keys()
        for candidate in (posixpath.normpath(posixpath.join(folder, tail)), tail):
            if candidate in known:
                return candidate
        plain = tail.lstrip("./")
        ending = [path for path in known if path.endswith(f"/{plain}")] if plain else []
        return ending[0] if len(ending) == 1 else ""


def _unique(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique)
    return unique


def _through(after: tuple[str, ...], dropped: dict[str, KfpTask]) -> Iterator[str]:
    """What a task comes after, seen through what turned out to be no task."""
    pending, seen = list(after), set(after)
    while pending:
        key = pending.pop()
        if key not in dropped:
            yield key
            continue
        fresh = [before for before in dropped[key].after if before not in seen]
        seen.update(fresh)
        pending += fresh


def _relate(graph: _Graph, before: Path, after: Path, place: Place) -> None:
    """An edge between the two groups or tasks in which the paths part."""
    depth = 0
    while depth < min(len(before), len(after)) and before[depth] == after[depth]:
        depth += 1
    if depth < len(before) and depth < len(after):
        graph.edges.setdefault((before[: depth + 1], after[: depth + 1]), place)


class _Ends:
    """The first and last tasks of each group of a graph."""

    def __init__(self, graph: _Graph) -> None:
        self._children: dict[Path, dict[Path, None]] = defaultdict(dict)
        for leaf in graph.leaves:
            for depth in range(len(leaf.path)):
                self._children[leaf.path[:depth]][leaf.path[: depth + 1]] = None
        self._preceded = {after for before, after in graph.edges if self._holds(before)}
        self._followed = {before for before, after in graph.edges if self._holds(after)}
        self._leaves = {leaf.path for leaf in graph.leaves}
        self._known: dict[tuple[Path, bool], tuple[Path, ...]] = {}

    def _holds(self, path: Path) -> bool:
        return path in self._children[path[:-1]]

    def of(self, path: Path, *, last: bool) -> tuple[Path, ...]:
        """The tasks that *path*, a task or a group, begins or ends with."""
        if path in self._leaves:
            return (path,)
        key = (path, last)
        if key not in self._known:
            closed = self._followed if last else self._preceded
            ends = [child for child in self._children.get(path, ()) if child not in closed]
            self._known[key] = tuple(leaf for end in ends for leaf in self.of(end, last=last))
        return self._known[key]


def pipelines(pipeline: Pipeline, modules: Modules, values: Values) -> Iterator[Fact]:
    """The schedule, steps and edges of each pipeline that is no task of another. One that is compiled from a function
    of the tree is told by the function alone."""
    linker = _Linker(pipeline, modules, values)
    made = [(found, linker.graph(found)) for found in pipeline.all(KfpPipeline)]
    written = {found.name for found, _ in made if found.function}
    for found, graph in made:
        if found.identity in linker.nested or (not found.function and found.name in written):
            continue
        yield from _stated(found, graph)


def _stated(found: KfpPipeline, graph: _Graph) -> Iterator[Fact]:
    ends = _Ends(graph)
    edges: dict[tuple[Path, Path], Place] = {}
    doubts = list(dict.fromkeys(graph.doubts))
    for (before, after), place in graph.edges.items():
        firsts = ends.of(after, last=False)
        for last in ends.of(before, last=True):
            for first in firsts:
                edges.setdefault((last, first), place)
        if len(edges) > EDGE_LIMIT:
            doubts.append("it has more edges than are followed")
            break
    schedule = Schedule(
        orchestrator="kfp",
        name=found.name,
        scope=found.path,
        when=found.when,
        settings=found.settings,
        complete=not doubts,
        reason="; ".join(doubts[:5]),
        place=found.place,
    )
    yield schedule
    for leaf in graph.leaves:
        yield _step(leaf, schedule.identity)
    for (before, after), place in edges.items():
        head = schedule.identity
        yield Edge(before=f"{head}/{'/'.join(before)}", after=f"{head}/{'/'.join(after)}", place=place)


def _step(leaf: _Leaf, pipeline: str) -> Step:
    task, component = leaf.task, leaf.component
    given = component.variables if component is not None else ()
    return Step(
        orchestrator="kfp",
        pipeline=pipeline,
        name="/".join(leaf.path),
        operator=component.operator if component is not None else "component",
        callee=component.callee if component is not None else None,
        commands=component.commands if component is not None else (),
        image=task.image or (component.image if component is not None else None),
        variables=(*given, *task.variables),
        settings=task.settings,
        trigger_rule=task.trigger_rule,
        mapped=leaf.mapped,
        group="/".join(leaf.path[:-1]),
        place=task.place,
    )
