"""Metaflow: classes of flows, their steps, and code that reads what runs of flows have left.

Rules are those of ``metaflow.graph.FlowGraph``, which itself reads a flow's source and runs none of it: a step goes on
to what the last statement of its method names, and that has to be ``self.next(...)``.
https://docs.metaflow.org/metaflow/basics, https://docs.metaflow.org/production/event-triggering
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import ClassSite, PythonFile, Scope
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Argument, DatasetAccess, FlowClass, FlowStep, Variable
from pytest_mlbreaks.readers.flows.code import argument, decorators, dotted, is_true, settings, value, variables

RUNNERS: Final = ("kubernetes", "batch", "nvidia", "nvct")
"""Decorators that have a step run in a container of its own."""
_INPUTS: Final = {"Parameter": "parameter", "JSONType": "parameter", "IncludeFile": "file", "Config": "config"}
_EVERY: Final = ("cron", "hourly", "daily", "weekly")
_CLIENT: Final = ("metaflow.DataArtifact", "metaflow.Flow", "metaflow.Run", "metaflow.Step", "metaflow.Task")


def read(file: PythonFile) -> Iterator[Fact]:
    """The flows of a file that imports Metaflow, and the flows whose runs it reads."""
    for site in file.classes:
        found = _class(file, site)
        if found is not None:
            yield found
            if found.flow:
                yield from _artifacts(found)
    yield from _client(file)


def _own(name: str, last: str) -> bool:
    """Whether a qualified name is Metaflow's own *last* (``metaflow.step``, ``metaflow.decorators.step``)."""
    return name.startswith("metaflow.") and name.rpartition(".")[2] == last


# ------------------------------------------------------------------------------------------------------- classes


def _class(file: PythonFile, site: ClassSite) -> FlowClass | None:
    outer = site.scope.parent or file.module
    flow = False
    bases: list[str] = []
    for base in site.node.bases:
        name = file.qualified(base, outer) or ""
        if _own(name, "FlowSpec"):
            flow = True
        elif not name.startswith("builtins."):
            bases.append(dotted(base))
    methods = [n for n in site.node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    steps = tuple(step for method in methods if (step := _step(file, method, site.scope)) is not None)
    if not (flow or steps or bases):
        return None
    named = {step.name for step in steps}
    given = list(_class_settings(file, site, outer))
    return FlowClass(
        place=file.definition_place(site.node),
        name=site.scope.qualname,
        flow=flow,
        bases=tuple(bases),
        steps=steps,
        plain=tuple(m.name for m in methods if m.name not in named),
        when=_when(file, site, outer),
        awaits=tuple(_awaits(file, site, outer)),
        settings=tuple(given),
    )


def _class_settings(file: PythonFile, site: ClassSite, outer: Scope) -> Iterator[Argument]:
    """What decorators of the class are given, and its parameters: ``project.name``, ``parameter.alpha``."""
    for name, call, node in decorators(file, site.node.decorator_list, outer):
        if name.startswith("metaflow."):
            yield from _decoration(file, name.rpartition(".")[2], call, node, outer)
    for assignment in site.scope.assignments:
        call = assignment.value
        if isinstance(call, ast.Call):
            callee = file.qualified(call.func, site.scope) or ""
            kind = _INPUTS.get(callee.rpartition(".")[2]) if callee.startswith("metaflow.") else None
            if kind is not None:
                name = file.text(argument(call, "name", 0), site.scope) or assignment.name
                default = value(file, argument(call, "default", 1), site.scope, key=name)
                yield Argument(name=f"{kind}.{name}", value=default, place=file.place(assignment.node))


def _decoration(file: PythonFile, name: str, call: ast.Call | None, node: ast.expr, scope: Scope) -> Iterator[Argument]:
    """The arguments of a decorator under its name; the name alone where there is none."""
    if call is None or not call.keywords:
        yield Argument(name=name, value=Literal(True), place=file.place(node))
    yield from settings(file, call, scope, f"{name}.")


def _when(file: PythonFile, site: ClassSite, outer: Scope) -> Expr | None:
    """The cron or preset of ``@schedule``, which is daily unless it says otherwise."""
    for name, call, _ in decorators(file, site.node.decorator_list, outer):
        if _own(name, "schedule"):
            cron = argument(call, "cron")
            if cron is not None and not (isinstance(cron, ast.Constant) and cron.value is None):
                return file.expr(cron, outer)
            preset = next((e for e in _EVERY[1:] if is_true(argument(call, e))), "daily")
            return Literal(f"@{preset}")
    return None


def _awaits(file: PythonFile, site: ClassSite, outer: Scope) -> Iterator[Expr]:
    """The flows that ``@trigger_on_finish`` names; of ``a.branch.FlowName`` the last part is the flow."""
    for name, call, _ in decorators(file, site.node.decorator_list, outer):
        if not _own(name, "trigger_on_finish"):
            continue
        given = argument(call, "flow")
        many = argument(call, "flows")
        nodes = [given] if given is not None else []
        if isinstance(many, (ast.List, ast.Tuple)):
            nodes += many.elts
        elif many is not None:
            yield Unknown("a list of flows that is computed")
        for node in nodes:
            named = _named_flow(node)
            text = file.text(named, outer)
            yield Literal(text.rpartition(".")[2]) if text is not None else file.expr(named, outer)


def _named_flow(node: ast.expr) -> ast.expr:
    """``"Flow"``, or the name in ``{"name": "Flow", "project": ...}``."""
    if isinstance(node, ast.Dict):
        for key, held in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "name":
                return held
    return node


# --------------------------------------------------------------------------------------------------------- steps


@dataclasses.dataclass
class _Given:
    """What the decorators of a step say."""

    step: bool = False
    begins: bool = False
    ends: bool = False
    operator: str = "metaflow.step"
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: list[Argument] = dataclasses.field(default_factory=list)


def _step(file: PythonFile, method: ast.FunctionDef | ast.AsyncFunctionDef, cls: Scope) -> FlowStep | None:
    given = _Given()
    for name, call, node in decorators(file, method.decorator_list, cls):
        if _own(name, "step"):
            given.step = True
            given.begins, given.ends = is_true(argument(call, "start")), is_true(argument(call, "end"))
        elif name.startswith("metaflow."):
            _decorated(file, given, name.rpartition(".")[2], call, node, cls)
    if not given.step:
        return None
    tail = method.body[-1]
    transition = _transition(tail)
    return FlowStep(
        name=method.name,
        next=transition.next if transition else (),
        split=transition.split if transition else "linear",  # type: ignore[arg-type]
        joins=len(method.args.args) > 1,
        told=transition is not None,
        begins=given.begins,
        ends=given.ends,
        operator=given.operator,
        image=given.image,
        variables=given.variables,
        settings=tuple(given.settings),
        place=file.definition_place(method),
        next_place=file.place(tail) if transition else None,
    )


def _decorated(file: PythonFile, given: _Given, name: str, call: ast.Call | None, node: ast.expr, cls: Scope) -> None:
    if name in RUNNERS:
        given.operator = f"metaflow.{name}"
        image = argument(call, "image")
        if image is not None and not (isinstance(image, ast.Constant) and image.value is None):
            given.image = file.expr(image, cls)
    if name == "environment":
        given.variables += variables(file, argument(call, "vars"), cls)
        return
    given.settings += _decoration(file, name, call, node, cls)


@dataclasses.dataclass(frozen=True)
class _Transition:
    next: tuple[str, ...]
    split: str


def _transition(tail: ast.stmt) -> _Transition | None:
    """What ``self.next(...)`` says; None where *tail* is none that Metaflow takes."""
    call = tail.value if isinstance(tail, ast.Expr) else None
    if not isinstance(call, ast.Call) or dotted(call.func) != "self.next":
        return None
    names = [k.arg for k in call.keywords]
    if names == ["condition"] and len(call.args) == 1 and isinstance(call.args[0], ast.Dict):
        targets = _targets(call.args[0].values)
        return _Transition(tuple(dict.fromkeys(targets)), "switch") if targets else None
    targets = _targets(call.args)
    if not targets or (names and names not in (["foreach"], ["num_parallel"])) or (names and len(targets) > 1):
        return None
    split = "foreach" if names else "branch" if len(targets) > 1 else "linear"
    return _Transition(tuple(targets), split)


def _targets(nodes: list[ast.expr]) -> list[str]:
    """The steps that ``self.x`` name; none where one of them is anything else."""
    names = [dotted(node) for node in nodes]
    if not all(name.startswith("self.") and name.count(".") == 1 for name in names):
        return []
    return [name[len("self.") :] for name in names]


# ---------------------------------------------------------------------------------------------- what runs leave


def _address(name: Expr) -> Expr:
    """The dataset that a flow's artifacts are, told as one."""
    if isinstance(name, Literal):
        return Literal(f"metaflow://{name.value}")
    return Concat((Literal("metaflow://"), name)) if not isinstance(name, Unknown) else name


def _artifacts(flow: FlowClass) -> Iterator[Fact]:
    """A flow keeps what its steps leave on ``self``, for all who ask for a run of it."""
    last = next((step for step in flow.steps if step.ends or step.name == "end"), None)
    if last is not None:
        yield DatasetAccess(
            place=last.place,
            mode="write",
            target=_address(Literal(flow.name)),
            api="metaflow.FlowSpec",
            scope=f"{flow.name}.{last.name}",
        )


def _client(file: PythonFile) -> Iterator[Fact]:
    """``Flow("Train").latest_run``, ``Run(f"Train/{id}")``: the flow is what stands before the first slash."""
    for callee in _CLIENT:
        for site in file.sites(callee):
            given = argument(site.node, "pathspec", 0)
            if given is None:
                continue
            yield DatasetAccess(
                place=file.place(site.node),
                mode="read",
                target=_address(_flow_of(_pathspec(file, given, site.scope), whole=callee == "metaflow.Flow")),
                api=callee,
                scope=site.scope.function,
            )


def _pathspec(file: PythonFile, node: ast.expr, scope: Scope) -> Expr:
    """What names the run; ``current.flow_name`` is the flow that the code stands in."""
    if file.qualified(node, scope) != "metaflow.current.flow_name":
        return file.expr(node, scope)
    cls: Scope | None = scope
    while cls is not None and cls.kind != "class":
        cls = cls.parent
    return Literal(cls.qualname) if cls is not None else Unknown("the flow that is running")


def _flow_of(pathspec: Expr, *, whole: bool) -> Expr:
    """The flow that ``Flow/run/step`` begins with; *whole*: it can be nothing but the flow's name."""
    first = pathspec.parts[0] if isinstance(pathspec, Concat) else pathspec
    if isinstance(first, Literal) and isinstance(first.value, str):
        head, slash, _ = first.value.partition("/")
        if head and (slash or first is pathspec):
            return Literal(head)
    return pathspec if whole and not isinstance(pathspec, Concat) else Unknown("the name of a flow that is computed")
