"""Kubeflow Pipelines: components and pipeline functions in Python (SDK 1.8 and 2), component files, compiled pipelines.

A file is followed (see `follow`), never run. What only a run could tell is a doubt of the `KfpPipeline`. Steps, edges
and the `Schedule` are made by link, which knows the components of other files; names are those of the compiled
pipeline, the conditions, loops and exit handlers around a task before it (``condition-1/train-model``).

- A compiled pipeline is YAML of the v2 format (``deploymentSpec``). Those of v1 are workflows of Argo.
- ``packages_to_install`` are told with the component; that they are installed each time is what KFP does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.formats.python_expr import shield
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model import expr as e
from pytest_mlbreaks.model.facts import Argument, Callee, KfpComponent, KfpPipeline, KfpTask, Variable
from pytest_mlbreaks.readers.kfp.calls import Calls, Run
from pytest_mlbreaks.readers.kfp.compiled import COMPILED
from pytest_mlbreaks.readers.kfp.follow import Follower, TooMuchError
from pytest_mlbreaks.readers.kfp.values import Arg, Func, Group, Node, Task
from pytest_mlbreaks.reading import Reader, Wanted

_SCHEDULED = (("create_recurring_run", "cron_expression"), ("create_schedule", "cron"))
_COMPILES = ("pipeline_func", "pipeline_function")


def claims(path: str) -> bool:
    """Python source."""
    return path.endswith(".py")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The components and pipelines of one module. What does not parse is the Python reader's to report."""
    if file.tree is None or not any(root.startswith(("kfp", "google_cloud_pipeline")) for root in file.roots):
        return
    follower = Follower(file)
    calls = Calls(follower)
    reason = ""
    try:
        follower.run()
        _undecorated(file, follower, calls)
        calls.finish()
        _factories(file, follower, calls)
        calls.finish()
    except (RecursionError, TooMuchError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else "takes too many steps"
        for run in calls.runs:
            run.doubt([f"the file {reason} to be followed"])
    yield from {component.identity: component for component in calls.components}.values()
    when = _when(file) if len(calls.runs) == 1 else None
    for run in calls.runs:
        if run.tasks:
            yield _pipeline(file, follower, run, when)
    if reason:
        yield Diagnostic(Place(file.path, 1), "warning", f"{reason} to be followed: some pipelines may be missing")


def _undecorated(file: PythonFile, follower: Follower, calls: Calls) -> None:
    """Functions that are compiled or run as a pipeline without a decorator, which v1 allows."""
    for site in file.calls:
        given = next((k.value for k in site.node.keywords if k.arg in _COMPILES), None)
        if isinstance(given, ast.Name):
            value = follower.module.find(given.id)
            if isinstance(value, Func):
                calls.follow_as_pipeline(value)


def _factories(file: PythonFile, follower: Follower, calls: Calls) -> None:
    """Functions that define a pipeline, and that nothing in the file calls: another file may."""
    for site in file.functions:
        parent = site.scope.parent
        if parent is None or parent.kind != "function" or id(parent.node) in calls.entered:
            continue
        callees = [file.qualified(d.func if isinstance(d, ast.Call) else d, parent) for d in site.node.decorator_list]
        if any(c is not None and c.startswith("kfp.") and c.endswith(".pipeline") for c in callees):
            calls.enter_factory(Func(parent.node, follower.module, parent.qualname))


# ---------------------------------------------------------------------------------------------------------- facts


def _when(file: PythonFile) -> e.Expr | None:
    """The cron with which the file has a client run its pipeline (``kfp.Client.create_recurring_run``, Vertex AI's
    ``PipelineJob.create_schedule``)."""
    for method, argument in _SCHEDULED:
        for site in file.sites(f"*.{method}"):
            for keyword in site.node.keywords:
                if keyword.arg == argument:
                    return file.expr(keyword.value, site.scope)
    return None


def _pipeline(file: PythonFile, follower: Follower, run: Run, when: e.Expr | None) -> KfpPipeline:
    return KfpPipeline(
        name=run.name,
        function=run.function,
        tasks=tuple(_task(file, follower, task) for task in run.tasks),
        when=when,
        settings=tuple(_arguments(file, follower, run.kwargs.items())),
        doubts=tuple(run.doubts[:5]),
        place=file.definition_place(run.node),
    )


def _task(file: PythonFile, follower: Follower, task: Task) -> KfpTask:
    component = task.component
    groups: list[Group] = []
    parent: Group | None = task.parent
    while parent is not None and parent.parent is not None:
        groups.insert(0, parent)
        parent = parent.parent
    after: list[Node] = [*task.sources.values(), *(source for group in groups for source in group.sources)]
    source = None
    if component.definition is not None:
        source = Callee(path=file.path, name=component.definition.qualname)
    elif component.ref is not None:
        source = Callee(path=file.path, name=component.ref.written)
    settings = list(_arguments(file, follower, task.settings))
    if task.arguments:
        entries = tuple(_expr(file, follower, name, arg) for name, arg in task.arguments.items())
        given = e.Entries(tuple(zip(task.arguments, entries, strict=True)))
        settings.append(Argument(name="arguments", value=given, place=file.place(task.node)))
    return KfpTask(
        key=task.key,
        name=component.name,
        component=component.fact.identity if component.fact is not None else "",
        source=source,
        file=component.file,
        sure=component.sure or task.used,
        groups=tuple(group.name for group in groups),
        after=tuple(dict.fromkeys(_key(node) for node in after if node is not task)),
        image=_expr(file, follower, "image", task.image) if task.image is not None else None,
        variables=tuple(
            Variable(name=name, value=_expr(file, follower, name, arg), place=file.place(arg.node))
            for name, arg in task.variables
        ),
        settings=tuple(settings),
        trigger_rule=task.trigger_rule,
        mapped=any(group.kind == "ParallelFor" for group in groups),
        place=file.place(task.node),
    )


def _key(node: Node) -> str:
    return node.key if isinstance(node, Task) else f"group:{node.name}"


def _arguments(file: PythonFile, follower: Follower, given: Iterable[tuple[str, Arg]]) -> Iterator[Argument]:
    for name, arg in given:
        yield Argument(name=name, value=_expr(file, follower, name, arg), place=file.place(arg.node))


def _expr(file: PythonFile, follower: Follower, name: str, arg: Arg) -> e.Expr:
    return shield(name, follower.expr(arg.value, arg.node, follower.module), file.path)


__all__ = ["COMPILED", "READER", "claims", "read"]
READER: Reader[PythonFile] = Reader("kfp", 1, PYTHON, (KfpComponent, KfpPipeline), claims, read)
