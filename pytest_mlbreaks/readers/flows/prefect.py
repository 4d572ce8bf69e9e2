"""Prefect 2 and 3: tasks, flows, what flows call and in which order, and what deploys them.

A flow is a function that runs: a task that is called is waited for, one that is submitted or mapped runs beside what
follows, until its future is asked for its result, or is given to another task.
https://docs.prefect.io/v3/concepts/tasks, https://docs.prefect.io/v3/how-to-guides/workflows/run-work-concurrently
"""

from __future__ import annotations

import ast
import posixpath
import sys
from collections.abc import Iterator
from typing import Final
from typing import Literal as L

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Entries, Expr, Literal, Made, Unknown
from pytest_mlbreaks.model.facts import DatasetAccess, FlowCode, FlowDeployment, FlowNode, FlowTask, Variable
from pytest_mlbreaks.readers.flows.code import argument, decorators, dotted, schedules, settings, value
from pytest_mlbreaks.readers.flows.trace import Called, TooMuchError, Trace

_KINDS: Final[dict[str, L["task", "flow"]]] = {"task": "task", "flow": "flow", "materialize": "task"}
_BESIDE: Final = frozenset({"submit", "map", "delay", "apply_async"})
"""Methods of a task that start it, and do not wait for it."""
_WAITING: Final = frozenset({"result", "wait", "as_completed", "aresult"})
_RUN_DEPLOYMENT: Final = frozenset({"run_deployment", "arun_deployment"})
_ALIASES: Final = 4
"""Local names for local names of a task that are followed."""
_SERVES: Final = frozenset({"serve", "deploy", "to_deployment", "ato_deployment"})
_NOT_OF_DEPLOYMENT: Final = frozenset(
    {"name", "flow", "image", "job_variables", "cron", "interval", "rrule", "schedule"}
)


def read(file: PythonFile) -> Iterator[Fact | Diagnostic]:
    """The tasks, flows and deployments of a file that imports Prefect."""
    module = _Module(file)
    yield from module.tasks.values()
    yield from module.assets
    for site in file.functions:
        task = module.tasks.get(site.scope.qualname)
        if task is not None and task.kind == "flow":
            yield from module.flow(task, site.node, site.scope)
    yield from module.deployments()


def _kind(name: str) -> L["task", "flow"] | None:
    """Whether a qualified name is the decorator ``task`` or ``flow`` of Prefect (``prefect.task``,
    ``prefect.tasks.task``)."""
    return _KINDS.get(name.rpartition(".")[2]) if name.startswith("prefect.") else None


class _Module:
    """What a file says, with its own tasks and flows by the name that they are known by."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.tasks: dict[str, FlowTask] = {}
        self.assets: list[DatasetAccess] = []
        self.used: set[int] = set()
        """The ids of nodes that name a task which is called."""
        for site in file.functions:
            outer = site.scope.parent or file.module
            for name, call, _ in decorators(file, site.node.decorator_list, outer):
                kind = _kind(name)
                if kind is not None:
                    told = file.definition_place(site.node)
                    self._add(site.scope.qualname, site.scope.qualname, site.node, kind, name, call, outer, told)
        for assignment in file.module.assignments:
            if isinstance(assignment.value, ast.Call):
                self._assigned(assignment.name, assignment.value)

    def _add(
        self,
        name: str,
        function: str,
        node: ast.AST | None,
        kind: L["task", "flow"],
        operator: str,
        call: ast.Call | None,
        scope: Scope,
        place: Place,
    ) -> None:
        last = function.rpartition(".")[2]
        title = self.file.text(argument(call, "name"), scope)
        self.tasks[name] = FlowTask(
            place=place,
            orchestrator="prefect",
            kind=kind,
            name=name,
            function=function,
            title=title or (last.replace("_", "-") if kind == "flow" else last),
            operator=operator,
            asynchronous=isinstance(node, ast.AsyncFunctionDef),
            settings=tuple(s for s in settings(self.file, call, scope) if s.name != "name"),
        )
        if operator.endswith(".materialize") and call is not None:
            self._materialised(call, scope, name)

    def _materialised(self, call: ast.Call, scope: Scope, task: str) -> None:
        """The assets that a task makes, and those that it says it is made of, are named by URIs."""
        needed = argument(call, "asset_deps")
        from_others = needed.elts if isinstance(needed, (ast.List, ast.Tuple)) else []
        for mode, nodes in (("write", call.args), ("read", from_others)):
            for node in nodes:
                key = argument(node, "key", 0) if isinstance(node, ast.Call) else node
                self.assets.append(
                    DatasetAccess(
                        place=self.file.place(node),
                        mode=mode,  # type: ignore[arg-type]
                        target=self.file.expr(key, scope),
                        api="prefect.assets.materialize",
                        scope=task,
                    )
                )

    def _assigned(self, name: str, call: ast.Call) -> None:
        """``load = task(load_file)``, ``load = task(name="x")(load_file)``, ``slow = load.with_options(...)``."""
        module, place = self.file.module, self.file.place(call)
        with_options, made = call, call.func
        if isinstance(made, ast.Call):
            with_options, made = made, made.func
        operator = self.file.qualified(made, module) or ""
        kind = _kind(operator)
        if kind is not None and call.args:
            function = dotted(call.args[0])
            if function:
                self._add(name, function, None, kind, operator, with_options, module, place)
        elif isinstance(made, ast.Attribute) and made.attr == "with_options" and call is with_options:
            base = self.tasks.get(dotted(made.value))
            if base is not None:
                self._add(name, base.function, None, base.kind, base.operator, call, module, place)

    # ----------------------------------------------------------------------------------------------------- flows

    def flow(
        self, task: FlowTask, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
    ) -> Iterator[Fact | Diagnostic]:
        """What a flow calls."""
        asynchronous = isinstance(node, ast.AsyncFunctionDef)

        def recognise(call: ast.Call, within: Scope, awaited: bool) -> Called | None:
            return self._called(call, within, awaited=awaited, asynchronous=asynchronous)

        trace = Trace(self.file, recognise, _WAITING, ordering=False)
        doubts: tuple[str, ...] = ()
        nodes: tuple[FlowNode, ...] = ()
        try:
            nodes = trace.follow(node, scope)
        except (RecursionError, TooMuchError):
            doubts += ("the flow takes too many steps to be followed",)
            message = f"the flow {task.title} takes too many steps to be followed: what it runs is not all told"
            yield Diagnostic(task.place, "warning", message)
        doubts += tuple(self._passed_on(node, scope))
        yield FlowCode(
            place=task.place,
            orchestrator="prefect",
            name=task.name,
            title=task.title,
            nodes=nodes,
            doubts=doubts,
            settings=task.settings,
        )

    def _passed_on(self, node: ast.AST, scope: Scope) -> Iterator[str]:
        """Tasks that the flow names and does not call itself: who gets them may."""
        for inner in walk(node):
            if not isinstance(inner, ast.Name) or not isinstance(inner.ctx, ast.Load) or id(inner) in self.used:
                continue
            if inner.id in self.tasks and self.file.qualified(inner, scope) == inner.id:
                yield f"{inner.id} is passed on (line {inner.lineno})"

    def _called(self, call: ast.Call, scope: Scope, *, awaited: bool, asynchronous: bool) -> Called | None:
        base: ast.expr = call.func
        method = title = ""
        if isinstance(base, ast.Attribute) and base.attr in _BESIDE:
            method, base = base.attr, base.value
        for _ in range(_ALIASES):
            while isinstance(base, ast.Call) and (inner := _optioned(base)) is not None:
                title = title or self.file.text(argument(base, "name"), scope) or ""
                base = inner
            alias = _alias(base, scope)
            if alias is None:
                break
            base = alias
        self.used.add(id(base))
        written = dotted(base)
        name = self.file.qualified(base, scope) if written else None
        if name is None or name.startswith(("builtins.", "*")):
            return None
        if name.startswith("prefect.") and name.rpartition(".")[2] in _RUN_DEPLOYMENT:
            return self._deployment_run(call, scope, asynchronous=asynchronous, awaited=awaited)
        own = self.tasks.get(name.replace("()", ""))
        beside = bool(method) or (not awaited and (own.asynchronous if own is not None else asynchronous))
        mapped = method == "map"
        if own is not None:
            return Called(own.name, sure=True, blocks=not beside, mapped=mapped, title=title)
        if not self._is_imported(written, scope) or name.startswith("prefect."):
            return None
        package = name.partition(".")[0]
        if package.startswith("prefect_") and not any(part[:1].isupper() for part in name.split(".")):
            last = name.rpartition(".")[2]
            return Called(written, operator=name, sure=True, blocks=not beside, mapped=mapped, title=title or last)
        if package in sys.stdlib_module_names:
            return None
        owner = scope.owner(written.partition(".")[0])
        local = owner is not None and owner.kind == "function" and name[0] != "."
        return Called(name if local else written, submitted=bool(method), blocks=not beside, mapped=mapped, title=title)

    def _is_imported(self, written: str, scope: Scope) -> bool:
        owner = scope.owner(written.partition(".")[0])
        return owner is not None and written.partition(".")[0] in owner.imports

    def _deployment_run(self, call: ast.Call, scope: Scope, *, asynchronous: bool, awaited: bool) -> Called:
        """``run_deployment("flow/deployment")`` starts a flow elsewhere, and waits for it unless its timeout is 0."""
        given = argument(call, "name", 0)
        text = self.file.text(given, scope)
        limit = argument(call, "timeout")
        waits = not (isinstance(limit, ast.Constant) and limit.value == 0)
        starts: Expr = Unknown("a deployment whose name is computed")
        if text is not None:
            starts = Literal(text.partition("/")[0])
        return Called(
            "",
            operator="prefect.deployments.run_deployment",
            sure=True,
            blocks=awaited or not asynchronous,
            title=text or "run_deployment",
            starts=starts,
            waits=waits,
            settings=tuple(settings(self.file, call, scope)),
        )

    # ----------------------------------------------------------------------------------------------- deployments

    def deployments(self) -> Iterator[FlowDeployment]:
        """``flow.serve()``, ``flow.deploy()``, ``flow.to_deployment()`` and ``Deployment.build_from_flow()``."""
        for site in self.file.calls:
            function = site.node.func
            if not isinstance(function, ast.Attribute):
                continue
            if function.attr in _SERVES:
                yield from self._served(site.node, function.value, site.scope)
            elif function.attr == "build_from_flow" and site.callee.startswith("prefect."):
                flow = argument(site.node, "flow", 0)
                if flow is not None and dotted(flow):
                    yield self._deployment(site.node, site.scope, flow=dotted(flow))

    def _served(self, call: ast.Call, owner: ast.expr, scope: Scope) -> Iterator[FlowDeployment]:
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute) and owner.func.attr == "from_source":
            entry = self.file.text(argument(owner, "entrypoint", 1), scope)
            source = self.file.text(argument(owner, "source", 0), scope)
            if entry is not None:
                yield self._from_source(call, scope, entry, source or "")
            return
        written = dotted(owner)
        name = self.file.qualified(owner, scope) if written else None
        own = self.tasks.get(name or "")
        if (own is not None and own.kind == "flow") or (
            own is None and written and self._is_imported(written, scope) and not (name or "").startswith("prefect")
        ):
            yield self._deployment(call, scope, flow=own.name if own is not None else written)

    def _from_source(self, call: ast.Call, scope: Scope, entrypoint: str, source: str) -> FlowDeployment:
        path, _, function = entrypoint.rpartition(":")
        folder = source if source and "://" not in source and not source.startswith(("/", "git@")) else ""
        entry = Literal(posixpath.normpath(posixpath.join(folder, path.replace("\\", "/"))))
        return self._deployment(call, scope, entry=entry, function=function)

    def _deployment(
        self, call: ast.Call, scope: Scope, *, flow: str = "", entry: Expr | None = None, function: str = ""
    ) -> FlowDeployment:
        variables = argument(call, "job_variables")
        inner = value(self.file, variables, scope) if variables is not None else None
        image = argument(call, "image")
        told = tuple(settings(self.file, call, scope))
        return FlowDeployment(
            place=self.file.place(call),
            orchestrator="prefect",
            name=self.file.text(argument(call, "name", 0), scope) or flow or function,
            flow=flow,
            entry=entry,
            function=function,
            when=schedules({s.name: s.value for s in told}),
            image=image_of(value(self.file, image, scope)) if image is not None else image_of(inner),
            variables=tuple(_environment(inner, self.file.place(call))),
            settings=tuple(s for s in told if s.name not in _NOT_OF_DEPLOYMENT),
        )


def _optioned(call: ast.Call) -> ast.expr | None:
    """The task in ``task.with_options(...)``."""
    function = call.func
    return function.value if isinstance(function, ast.Attribute) and function.attr == "with_options" else None


def _alias(base: ast.expr, scope: Scope) -> ast.expr | None:
    """What a local name of a function stands for, where it is bound once."""
    owner = scope.owner(base.id) if isinstance(base, ast.Name) else None
    if owner is None or owner.kind != "function" or not isinstance(base, ast.Name):
        return None
    bindings = owner.names[base.id]
    bound = bindings[0] if len(bindings) == 1 else None
    return bound if isinstance(bound, (ast.Name, ast.Attribute, ast.Call)) else None


def image_of(expr: Expr | None) -> Expr | None:
    """The image that a deployment names: as text, ``DockerImage(name=, tag=)``, or a key of job variables."""
    if isinstance(expr, Entries):
        return dict(expr.entries).get("image")
    if isinstance(expr, Made):
        named = dict(expr.keywords)
        name, tag = named.get("name"), named.get("tag")
        if isinstance(name, Literal) and isinstance(tag, Literal):
            return Literal(f"{name.value}:{tag.value}")
        return name if tag is None else Unknown("an image that is put together")
    return expr


def _environment(job: Expr | None, place: Place) -> Iterator[Variable]:
    given = dict(job.entries).get("env") if isinstance(job, Entries) else None
    for name, held in given.entries if isinstance(given, Entries) else ():
        yield Variable(name=name, value=held, place=place)
