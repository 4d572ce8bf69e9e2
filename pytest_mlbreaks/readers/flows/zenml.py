"""ZenML: steps, pipelines, what pipelines call and in which order, schedules.

The function of a pipeline is run once, when it is compiled: each call of a step in it is a step of the pipeline, which
waits for what it is given, and for what ``after`` names. https://docs.zenml.io/concepts/steps_and_pipelines
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final
from typing import Literal as L

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import FlowCode, FlowDeployment, FlowNode, FlowTask
from pytest_mlbreaks.readers.flows.code import argument, decorators, dotted, is_true, schedules, settings, value
from pytest_mlbreaks.readers.flows.trace import Called, TooMuchError, Trace

PACKAGE: Final = "zenml"
_KINDS: Final[dict[str, L["task", "flow"]]] = {"step": "task", "pipeline": "flow"}
_BESIDE: Final = frozenset({"map", "submit", "product"})
"""Methods of a step that only dynamic pipelines call."""


def read(file: PythonFile) -> Iterator[Fact | Diagnostic]:
    """The steps, pipelines and schedules of a file that imports ZenML."""
    module = _Module(file)
    yield from module.tasks.values()
    for site in file.functions:
        task = module.tasks.get(site.scope.qualname)
        if task is not None and task.kind == "flow":
            yield from module.pipeline(task, site.node, site.scope)
    yield from module.schedules()


def _kind(name: str) -> L["task", "flow"] | None:
    return _KINDS.get(name.rpartition(".")[2]) if name.startswith(f"{PACKAGE}.") else None


class _Module:
    """What a file says, with its own steps and pipelines by the name that they are known by."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.tasks: dict[str, FlowTask] = {}
        self._dynamic: set[str] = set()
        for site in file.functions:
            outer = site.scope.parent or file.module
            for name, call, _ in decorators(file, site.node.decorator_list, outer):
                kind = _kind(name)
                if kind is not None:
                    self._add(site.scope.qualname, kind, name, call, site.node, outer)

    def _add(
        self, name: str, kind: L["task", "flow"], operator: str, call: ast.Call | None, node: ast.AST, scope: Scope
    ) -> None:
        title = self.file.text(argument(call, "name"), scope)
        self.tasks[name] = FlowTask(
            place=self.file.definition_place(node),
            orchestrator="zenml",
            kind=kind,
            name=name,
            function=name,
            title=title or name.rpartition(".")[2],
            operator=operator,
            settings=tuple(s for s in settings(self.file, call, scope) if s.name != "name"),
        )
        if is_true(argument(call, "dynamic")):
            self._dynamic.add(name)

    # ------------------------------------------------------------------------------------------------- pipelines

    def pipeline(
        self, task: FlowTask, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
    ) -> Iterator[Fact | Diagnostic]:
        """What a pipeline calls."""
        doubts = list(self._doubts(task, node))
        trace = Trace(self.file, self._called, frozenset(), ordering=False)
        nodes: tuple[FlowNode, ...] = ()
        try:
            nodes = trace.follow(node, scope)
        except (RecursionError, TooMuchError):
            doubts.append("the pipeline takes too many steps to be followed")
            message = f"the pipeline {task.title} takes too many steps to be followed: what it runs is not all told"
            yield Diagnostic(task.place, "warning", message)
        yield FlowCode(
            place=task.place,
            orchestrator="zenml",
            name=task.name,
            title=task.title,
            nodes=nodes,
            doubts=tuple(doubts),
            settings=task.settings,
        )

    def _doubts(self, task: FlowTask, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
        """Why calls of a pipeline may be other steps, or stand in another order, than the code says."""
        if task.name in self._dynamic:
            yield "what a dynamic pipeline calls is decided when it runs"
        given = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        lists = {
            target.id
            for inner in walk(node)
            if isinstance(inner, ast.Assign) and isinstance(inner.value, (ast.List, ast.ListComp, ast.Tuple))
            for target in inner.targets
            if isinstance(target, ast.Name)
        }
        for inner in walk(node):
            if not isinstance(inner, ast.Call):
                continue
            if isinstance(inner.func, ast.Name) and inner.func.id in given:
                yield f"{inner.func.id}, a parameter, may be a step (line {inner.lineno})"
            after = argument(inner, "after")
            if after is not None and not all(_told(part, lists) for part in _parts(after)):
                yield f"what a step waits for is put together (line {inner.lineno})"

    def _called(self, call: ast.Call, scope: Scope, awaited: bool) -> Called | None:
        """The step or pipeline that a call is of, with or without ``with_options`` before it."""
        mapped = False
        function = _bound(call.func, scope)
        if isinstance(function, ast.Attribute) and function.attr in _BESIDE:
            mapped = function.attr != "submit"
            function = _bound(function.value, scope)
        while isinstance(function, ast.Call):
            made = function.func
            if not isinstance(made, ast.Attribute) or made.attr not in ("with_options", "configure"):
                return None
            function = _bound(made.value, scope)
        written = dotted(function)
        name = self.file.qualified(function, scope) if written else None
        if name is None:
            return None
        title = self.file.text(argument(call, "id"), scope) or ""
        after = argument(call, "after")
        awaits = tuple(text for part in _parts(after) if (text := self.file.text(part, scope)))
        own = self.tasks.get(written if written in self.tasks else name)
        if own is not None:
            return Called(own.name, sure=True, mapped=mapped, title=title, awaits=awaits)
        head = written.partition(".")[0]
        owner = scope.owner(head)
        if owner is None or head not in owner.imports:
            return None
        sure = name.startswith(f"{PACKAGE}.") and name.endswith("_step")
        return Called(
            name if owner.kind == "function" and name[0] != "." else written,
            sure=sure,
            mapped=mapped,
            title=title or (name.rpartition(".")[2] if sure else ""),
            awaits=awaits,
        )

    # ------------------------------------------------------------------------------------------------- schedules

    def schedules(self) -> Iterator[FlowDeployment]:
        """``training.with_options(schedule=Schedule(cron_expression="..."))``"""
        for site in self.file.calls:
            function = site.node.func
            if not isinstance(function, ast.Attribute) or function.attr != "with_options":
                continue
            when = argument(site.node, "schedule")
            flow = dotted(function.value)
            if when is None or not flow:
                continue
            node = _bound(when, site.scope)
            told = schedules({"schedule": value(self.file, node, site.scope)})
            yield FlowDeployment(
                place=self.file.place(site.node),
                orchestrator="zenml",
                name=self.file.text(argument(node if isinstance(node, ast.Call) else None, "name"), site.scope) or flow,
                flow=flow,
                when=told,
                settings=tuple(s for s in settings(self.file, site.node, site.scope) if s.name != "schedule"),
            )


def _parts(after: ast.expr | None) -> list[ast.expr]:
    """The elements of what ``after`` is given."""
    if after is None:
        return []
    return after.elts if isinstance(after, (ast.List, ast.Tuple, ast.Set)) else [after]


def _told(part: ast.expr, lists: set[str]) -> bool:
    """Whether a part of ``after`` is a text, or names what a step gives: none of *lists*, in which texts may be."""
    if isinstance(part, ast.Name):
        return part.id not in lists
    return isinstance(part, (ast.Constant, ast.Subscript, ast.Call))


def _bound(node: ast.expr, scope: Scope) -> ast.expr:
    """What a local name stands for, where it is bound once to what a call makes, or to another name."""
    for _ in range(4):
        owner = scope.owner(node.id) if isinstance(node, ast.Name) else None
        if owner is None or not isinstance(node, ast.Name):
            return node
        bindings = owner.names.get(node.id, [])
        bound = bindings[0] if len(bindings) == 1 else None
        if not isinstance(bound, (ast.Name, ast.Call)):
            return node
        node = bound
    return node
