"""Steps and order of flows that are functions: Prefect's flows, Flyte's workflows, ZenML's pipelines.

A flow calls functions; which of them are tasks is often said in another file. A call that is of none is left out, and
what came before it comes before what comes after it.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Fact, Pipeline
from pytest_mlbreaks.model.expr import Choice, Expr, Literal
from pytest_mlbreaks.model.facts import (
    Argument,
    Callee,
    Edge,
    FlowCode,
    FlowDeployment,
    FlowNode,
    FlowTask,
    Function,
    Schedule,
    Step,
    Trigger,
)

_HELPERS_DEPTH = 3
"""How deep functions of other files are looked through for calls of tasks."""


def flows(pipeline: Pipeline, modules: Modules, values: Values) -> list[Fact]:
    """A `Schedule`, its steps, edges and triggers for each flow."""
    codes = pipeline.all(FlowCode)
    if not codes:
        return []
    linked = _Flows(pipeline, modules, values)
    found: list[Fact] = []
    for code in codes:
        found += linked.facts(code)
    return found


class _Flows:
    """Tasks and deployments of a tree, by where they are defined."""

    def __init__(self, pipeline: Pipeline, modules: Modules, values: Values) -> None:
        self._modules = modules
        self._tasks = {(t.path, t.name): t for t in pipeline.all(FlowTask)}
        self._names = {t.name.rpartition(".")[2] for t in self._tasks.values()}
        self._functions = pipeline.index(Function, "path")
        self._deployments: dict[tuple[str, str], list[FlowDeployment]] = defaultdict(list)
        for deployment in pipeline.all(FlowDeployment):
            where = self._deployed(deployment, pipeline, values)
            if where is not None:
                self._deployments[where].append(deployment)

    def _deployed(self, deployment: FlowDeployment, pipeline: Pipeline, values: Values) -> tuple[str, str] | None:
        if deployment.entry is None:
            task = self._task(deployment.path, deployment.flow)
            return (task.path, task.name) if task is not None else None
        text = values.resolve(deployment.entry).text
        if text is None:
            return None
        folder = deployment.path.rpartition("/")[0]
        beside = [posixpath.normpath(posixpath.join(folder, text)), posixpath.normpath(text)]
        path = next((p for p in beside if p in pipeline.paths), None)
        return (path, deployment.function) if path is not None else None

    def _task(self, path: str, name: str) -> FlowTask | None:
        """The task or flow that *name* means in the file *path*."""
        own = self._tasks.get((path, name))
        if own is not None or not name:
            return own
        where = self._modules.origin(path, name)
        found = self._tasks.get(where) if where is not None else None
        module, _, last = name.rpartition(".")
        if found is None and module:  # imported inside of the flow: the callee is then the whole name
            file = self._modules.find(module, path)
            found = self._tasks.get((file, last)) if file is not None else None
        return found

    def facts(self, code: FlowCode) -> Iterator[Fact]:
        """One flow as the facts of any orchestrator."""
        known = [self._task(code.path, node.callee) for node in code.nodes]
        kept = [task is not None or node.sure for task, node in zip(known, code.nodes, strict=True)]
        doubts = [*code.doubts, *self._doubts(code, known, kept)]
        deployments = self._deployments.get((code.path, code.name), [])
        schedule = Schedule(
            place=code.place,
            orchestrator=code.orchestrator,
            name=code.title,
            scope=code.path,
            when=_when(deployments),
            settings=(*code.settings, *_deployed_settings(deployments)),
            complete=not doubts,
            reason="; ".join(doubts[:5]),
        )
        yield schedule
        made_by = deployments[0] if len(deployments) == 1 else None
        names = _names(code.nodes, known, kept, code.orchestrator)
        if not names:
            yield self._alone(code, schedule, made_by)
        for index, name in names.items():
            yield from self._step(schedule, name, code.nodes[index], known[index], made_by)
        head = f"{schedule.identity}/"
        for index, name in names.items():
            for before in _before(code.nodes, kept, index):
                yield Edge(place=code.nodes[index].place, before=head + names[before], after=head + name)
            for awaited in code.nodes[index].awaits:
                if awaited in names.values():
                    yield Edge(place=code.nodes[index].place, before=head + awaited, after=head + name)

    def _alone(self, code: FlowCode, schedule: Schedule, deployment: FlowDeployment | None) -> Step:
        """A flow that calls no task is one step itself."""
        task = self._tasks.get((code.path, code.name))
        return Step(
            place=code.place,
            orchestrator=code.orchestrator,
            pipeline=schedule.identity,
            name=code.title,
            operator=task.operator if task is not None else "",
            callee=Callee(path=code.path, name=code.name),
            image=deployment.image if deployment is not None else None,
            variables=deployment.variables if deployment is not None else (),
        )

    def _step(
        self,
        schedule: Schedule,
        name: str,
        node: FlowNode,
        task: FlowTask | None,
        deployment: FlowDeployment | None,
    ) -> Iterator[Fact]:
        image = task.image if task is not None else None
        variables = task.variables if task is not None else ()
        if deployment is not None:
            image = image if image is not None else deployment.image
            variables = (*deployment.variables, *variables)
        callee = Callee(path=task.path, name=task.function or task.name) if task is not None else None
        step = Step(
            place=node.place,
            orchestrator=schedule.orchestrator,
            pipeline=schedule.identity,
            name=name,
            operator=node.operator or (task.operator if task is not None else ""),
            callee=callee,
            image=image,
            variables=variables,
            settings=(*(task.settings if task is not None else ()), *node.settings),
            mapped=node.mapped,
        )
        yield step
        target = node.starts
        if target is None and task is not None and task.kind == "flow":
            target = Literal(task.title)
        if target is not None:
            yield Trigger(place=node.place, step=step.identity, target_pipeline=target, waits=node.waits)

    # ---------------------------------------------------------------------------------------------------- doubts

    def _doubts(self, code: FlowCode, known: Sequence[FlowTask | None], kept: Sequence[bool]) -> Iterator[str]:
        for node, task, keep in zip(code.nodes, known, kept, strict=True):
            if code.orchestrator == "zenml" and task is not None and task.kind == "flow":
                yield f"the steps of the pipeline {task.title} become its own (line {node.place.line})"
            if keep and node.sometimes:
                name = node.title or (task.title if task is not None else node.callee)
                yield f"{name} is run in some cases only (line {node.place.line})"
            elif not keep and node.submitted:
                yield f"{node.callee}, which is submitted, is not known to be a task (line {node.place.line})"
            elif not keep and self._calls_tasks(code.path, node.callee):
                yield f"{node.callee}, of another file, calls tasks (line {node.place.line})"

    def _calls_tasks(self, path: str, name: str) -> bool:
        """Whether a function that is no task itself seems to call one."""
        pending = [(path, name, 0)]
        seen: set[tuple[str, str]] = set()
        while pending:
            path, name, depth = pending.pop()
            where = self._modules.origin(path, name)
            if where is None or where in seen:
                continue
            seen.add(where)
            for function in self._functions.get(where[0], ()):
                if function.name != where[1]:
                    continue
                for called in function.calls:
                    parts = called.replace("()", "").split(".")
                    if any(part in self._names for part in parts[-2:]):
                        return True
                    if depth < _HELPERS_DEPTH and "." not in called:
                        pending.append((where[0], called, depth + 1))
        return False


def _names(
    nodes: Sequence[FlowNode], known: Sequence[FlowTask | None], kept: Sequence[bool], orchestrator: str
) -> dict[int, str]:
    """The name of each step, by its call: of several of one name, the later ones are numbered, as the tools do."""
    separator, first = ("_", 2) if orchestrator == "zenml" else ("-", 1)
    used: Counter[str] = Counter()
    found: dict[int, str] = {}
    for index, (node, task, keep) in enumerate(zip(nodes, known, kept, strict=True)):
        if keep:
            name = node.title or (task.title if task is not None else "") or node.callee
            found[index] = f"{name}{separator}{used[name] + first - 1}" if used[name] else name
            used[name] += 1
    return found


def _before(nodes: Sequence[FlowNode], kept: Sequence[bool], index: int) -> list[int]:
    """The steps before one: through calls that are none, to those that are."""
    found: dict[int, None] = {}
    seen: set[int] = set()
    pending = list(nodes[index].after)
    while pending:
        before = pending.pop()
        if before in seen or before == index:
            continue
        seen.add(before)
        if kept[before]:
            found[before] = None
        else:
            pending += nodes[before].after
    return sorted(found)


def _when(deployments: Sequence[FlowDeployment]) -> Expr | None:
    given = list(dict.fromkeys(d.when for d in deployments if d.when is not None))
    return None if not given else given[0] if len(given) == 1 else Choice(tuple(given))


def _deployed_settings(deployments: Sequence[FlowDeployment]) -> Iterator[Argument]:
    """What deployments are given, each under its name."""
    for deployment in deployments:
        head = f"deployment.{deployment.name}"
        yield Argument(name=head, value=Literal(True), place=deployment.place)
        for setting in deployment.settings:
            yield Argument(name=f"{head}.{setting.name}", value=setting.value, place=setting.place)
