"""Flyte: tasks, workflows, what workflows call and in which order, launch plans.

The function of a workflow is run once, when it is compiled: each call of a task in it is a node, and only what a node
is given, ``>>`` and conditions keep it waiting.
https://docs-legacy.flyte.org/en/latest/user_guide/basics/workflows.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final
from typing import Literal as L

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Argument, FlowCode, FlowDeployment, FlowNode, FlowTask
from pytest_mlbreaks.readers.flows.code import argument, decorators, dotted, schedules, settings, value, variables
from pytest_mlbreaks.readers.flows.trace import Called, TooMuchError, Trace

PACKAGES: Final = frozenset({"flytekit", "flytekitplugins", "union"})
_KINDS: Final[dict[str, L["task", "flow"]]] = {
    "task": "task",
    "dynamic": "task",
    "eager": "task",
    "workflow": "flow",
    "reference_task": "task",
    "reference_workflow": "flow",
    "reference_launch_plan": "flow",
}
_AT_RUN_TIME: Final = {
    "dynamic": "what a dynamic workflow calls is decided when it runs",
    "eager": "what an eager workflow calls is decided when it runs",
}
_MAPS: Final = frozenset({"map_task", "map"})
_GATES: Final = {"wait_for_input": (0, "wait_for_input"), "approve": (1, "approve"), "sleep": (None, "sleep-gate")}
"""Functions that are nodes themselves: at which position their name stands, and what it is otherwise."""
_CLASSES: Final = ("Task", "Sensor", "Echo")
"""How classes of tasks are named that are made at module level."""
_PLANS: Final = frozenset({"get_or_create", "create", "get_default_launch_plan"})


def read(file: PythonFile) -> Iterator[Fact | Diagnostic]:
    """The tasks, workflows and launch plans of a file that imports flytekit."""
    module = _Module(file)
    yield from module.tasks.values()
    for site in file.functions:
        task = module.tasks.get(site.scope.qualname)
        if task is not None and task.operator.rpartition(".")[2] in ("workflow", *_AT_RUN_TIME):
            yield from module.workflow(task, site.node, site.scope)
    yield from module.plans


def _own(name: str) -> str:
    """The last part of a name of flytekit's, or of a plugin's; "" for all else."""
    return name.rpartition(".")[2] if name.partition(".")[0] in PACKAGES else ""


class _Module:
    """What a file says, with its own tasks and workflows by the name that they are known by."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.tasks: dict[str, FlowTask] = {}
        self.aliases: dict[str, str] = {}
        """Names of launch plans and map tasks, and the task or workflow that each is of."""
        self.plans: list[FlowDeployment] = []
        for site in file.functions:
            outer = site.scope.parent or file.module
            for name, call, _ in decorators(file, site.node.decorator_list, outer):
                kind = _KINDS.get(_own(name))
                if kind is not None:
                    last = site.scope.qualname.rpartition(".")[2]
                    if name.rpartition(".")[2].startswith("reference_"):
                        last = (file.text(argument(call, "name"), outer) or last).rpartition(".")[2]
                    self._add(site.scope.qualname, last, kind, name, call, site.node, outer)
        self.classes = {
            site.scope.qualname
            for site in file.classes
            if any(_own(file.qualified(base, file.module) or "") for base in site.node.bases)
        }
        for assignment in file.module.assignments:
            call = assignment.value
            if isinstance(call, ast.Call):
                self._assigned(assignment.name, call)
        for called in file.calls:
            self._plan(called.node, called.scope)

    def _add(
        self,
        name: str,
        title: str,
        kind: L["task", "flow"],
        operator: str,
        call: ast.Call | None,
        node: ast.AST,
        scope: Scope,
    ) -> None:
        told = [s for s in settings(self.file, call, scope) if s.name not in ("container_image", "environment", "name")]
        image = argument(call, "container_image")
        defined = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        self.tasks[name] = FlowTask(
            place=self.file.definition_place(node) if defined else self.file.place(node),
            orchestrator="flyte",
            kind=kind,
            name=name,
            function=name if defined else "",
            title=title,
            operator=operator,
            asynchronous=isinstance(node, ast.AsyncFunctionDef),
            image=self._image(image, scope) if image is not None else None,
            variables=variables(self.file, argument(call, "environment"), scope),
            settings=(*told, *self._packages(image, scope)),
        )

    def _assigned(self, name: str, call: ast.Call) -> None:
        """``query = SQLTask(name="query", ...)``, ``plan = LaunchPlan.get_or_create(...)``, ``each = map_task(t)``."""
        callee = self.file.qualified(call.func, self.file.module) or ""
        last = _own(callee)
        if (last[:1].isupper() and last.endswith(_CLASSES)) or callee in self.classes:
            title = (self.file.text(argument(call, "name", 0), self.file.module) or name).rpartition(".")[2]
            self._add(name, title, "task", callee, call, call, self.file.module)
        elif last in _PLANS and ".LaunchPlan." in callee:
            self.aliases[name] = dotted(_workflow_of(call, last) or call)
        elif last in _MAPS and call.args:
            self.aliases[name] = dotted(_mapped(call.args[0]))

    # ---------------------------------------------------------------------------------------------------- images

    def _spec(self, node: ast.expr | None, scope: Scope) -> ast.Call | None:
        """The ``ImageSpec(...)`` that *node* is, or names."""
        if isinstance(node, ast.Name):
            owner = scope.owner(node.id)
            bindings = owner.names[node.id] if owner is not None else []
            node = bindings[0] if len(bindings) == 1 and isinstance(bindings[0], ast.expr) else None
        if isinstance(node, ast.Call) and _own(self.file.qualified(node.func, scope) or "") in ("ImageSpec", "Image"):
            return node
        return None

    def _image(self, node: ast.expr, scope: Scope) -> Expr:
        """An image as written; one that an ``ImageSpec`` has built is named by its registry and name."""
        spec = self._spec(node, scope)
        if spec is None:
            return self.file.expr(node, scope)
        registry = self.file.text(argument(spec, "registry"), scope)
        name = self.file.text(argument(spec, "name", 0), scope) or "flytekit"
        tag = Unknown("a tag that is made of the image's contents")
        return Concat((Literal(f"{registry}/{name}:" if registry else f"{name}:"), tag))

    def _packages(self, node: ast.expr | None, scope: Scope) -> Iterator[Argument]:
        """What an ``ImageSpec`` installs: ``image.packages``, ``image.requirements``."""
        spec = self._spec(node, scope)
        for one in settings(self.file, spec, scope, "image."):
            if one.name.partition(".")[2] in ("packages", "requirements", "python_version", "base_image"):
                yield one

    # ------------------------------------------------------------------------------------------------- workflows

    def workflow(
        self, task: FlowTask, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
    ) -> Iterator[Fact | Diagnostic]:
        """What a workflow calls."""
        last = task.operator.rpartition(".")[2]
        doubts = [_AT_RUN_TIME[last]] if last in _AT_RUN_TIME else []
        if len(node.decorator_list) > 1:
            doubts.append("its function has other decorators, which may call tasks")
        trace = Trace(self.file, self._called, frozenset(), ordering=True)
        nodes: tuple[FlowNode, ...] = ()
        try:
            nodes = trace.follow(node, scope)
        except (RecursionError, TooMuchError):
            doubts.append("the workflow takes too many steps to be followed")
            message = f"the workflow {task.title} takes too many steps to be followed: what it runs is not all told"
            yield Diagnostic(task.place, "warning", message)
        yield FlowCode(
            place=task.place,
            orchestrator="flyte",
            name=task.name,
            title=task.title,
            nodes=nodes,
            doubts=tuple(doubts),
            settings=task.settings,
        )

    def _called(self, call: ast.Call, scope: Scope, awaited: bool) -> Called | None:
        function = _local(call.func, scope)
        if isinstance(function, ast.Call):
            return self._made(function, scope)
        name = self.file.qualified(function, scope) or ""
        last = _own(name)
        if last == "create_node" and call.args:
            return self._named(call.args[0], scope)
        if last in _GATES:
            position, otherwise = _GATES[last]
            title = self.file.text(argument(call, "name", position), scope) if position is not None else None
            return Called("", operator=name, sure=True, title=title or otherwise)
        if isinstance(function, ast.Attribute) and last:
            return None
        return self._named(function, scope)

    def _made(self, call: ast.Call, scope: Scope) -> Called | None:
        """What is called is itself the result of a call: ``map_task(t)``, ``partial(t, x=1)``, a launch plan."""
        name = self.file.qualified(call.func, scope) or ""
        last = _own(name)
        if last in _MAPS and call.args:
            return self._named(_mapped(_local(call.args[0], scope)), scope, mapped=True)
        if last[:1].isupper() and last.endswith(_CLASSES):
            title = (self.file.text(argument(call, "name", 0), scope) or last).rpartition(".")[2]
            return Called("", operator=name, sure=True, title=title)
        if name == "functools.partial" and call.args:
            return self._named(call.args[0], scope)
        flow = _workflow_of(call, last) if last in _PLANS and ".LaunchPlan." in name else None
        return self._named(flow, scope) if flow is not None else None

    def _named(self, node: ast.expr, scope: Scope, *, mapped: bool = False) -> Called | None:
        """The task or workflow that *node* names; an imported name may be one."""
        written = dotted(node)
        name = self.file.qualified(node, scope) if written else None
        if name is None:
            return None
        own = self.tasks.get(written if written in self.tasks else name)
        if own is not None:
            return Called(own.name, sure=True, mapped=mapped)
        if self.aliases.get(written):
            target = self.aliases[written]
            known = self.tasks.get(target)
            return Called(target, sure=True, mapped=mapped, title="" if known is not None else target)
        head = written.partition(".")[0]
        owner = scope.owner(head)
        if owner is None or head not in owner.imports or _own(name):
            return None
        return Called(name if owner.kind == "function" and name[0] != "." else written, mapped=mapped)

    # ---------------------------------------------------------------------------------------------- launch plans

    def _plan(self, call: ast.Call, scope: Scope) -> None:
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in _PLANS:
            return
        callee = self.file.qualified(function, scope) or ""
        flow = _workflow_of(call, function.attr)
        if not _own(callee) or ".LaunchPlan." not in callee or flow is None or not dotted(flow):
            return
        told = tuple(settings(self.file, call, scope))
        name = argument(call, "name", 1 if function.attr == "get_or_create" else 0)
        when = argument(call, "schedule")
        self.plans.append(
            FlowDeployment(
                place=self.file.place(call),
                orchestrator="flyte",
                name=self.file.text(name, scope) or dotted(flow),
                flow=dotted(flow),
                when=schedules({"schedule": value(self.file, when, scope)}) if when is not None else None,
                settings=tuple(s for s in told if s.name not in ("name", "workflow", "schedule")),
            )
        )


def _local(node: ast.expr, scope: Scope) -> ast.expr:
    """What a local name of a workflow stands for, where it is bound once to what a call makes."""
    owner = scope.owner(node.id) if isinstance(node, ast.Name) else None
    if owner is None or owner.kind != "function" or not isinstance(node, ast.Name):
        return node
    bindings = owner.names[node.id]
    bound = bindings[0] if len(bindings) == 1 else None
    return bound if isinstance(bound, (ast.Name, ast.Call)) else node


def _workflow_of(call: ast.Call, method: str) -> ast.expr | None:
    return argument(call, "workflow", 1 if method in ("create", "get_default_launch_plan") else 0)


def _mapped(node: ast.expr) -> ast.expr:
    """The task in ``map_task(t)`` and ``map_task(functools.partial(t, x=1))``."""
    if isinstance(node, ast.Call) and node.args and dotted(node.func).rpartition(".")[2] == "partial":
        return node.args[0]
    return node
