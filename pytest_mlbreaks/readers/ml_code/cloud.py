"""Steps that the SDKs of SageMaker and Vertex AI start: training and processing jobs with entry files and images,
and the steps of SageMaker pipelines with their order.

https://sagemaker.readthedocs.io/en/stable/api/training/estimators.html,
https://sagemaker.readthedocs.io/en/stable/workflows/pipelines/sagemaker.workflow.pipelines.html (a step is after those
of ``depends_on`` and those whose properties its arguments hold),
https://cloud.google.com/python/docs/reference/aiplatform/latest/google.cloud.aiplatform.CustomTrainingJob.
Outside of a pipeline the order is the code's own, and is not told: such a schedule is not complete.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Expr, Literal, PathJoin, Unknown
from pytest_mlbreaks.model.facts import Argument, Callee, Command, Edge, Schedule, Step
from pytest_mlbreaks.readers.ml_code.nodes import argument, behind, dotted, value

ROOTS = frozenset({"sagemaker", "google"})
"""Packages that the SDKs are in."""

DEPTH_LIMIT = 4
"""Names that one argument is followed through to the step that it comes from."""

_STEPS = frozenset(
    {
        *("ProcessingStep", "TrainingStep", "TuningStep", "TransformStep", "ModelStep", "CreateModelStep"),
        *("RegisterModel", "ConditionStep", "LambdaStep", "FailStep", "QualityCheckStep", "ClarifyCheckStep"),
        *("CallbackStep", "EMRStep", "NotebookJobStep", "step"),
    }
)
_WORKFLOW = ".workflow."
"""In the names of the modules that pipelines are made of, of versions 2 (``sagemaker.workflow``) and 3 of the SDK."""
_JOBS = frozenset({"Estimator", "PyTorch", "TensorFlow", "SKLearn", "XGBoost", "HuggingFace", "MXNet", "ModelTrainer"})
_VERTEX = frozenset({"CustomTrainingJob", "CustomContainerTrainingJob", "CustomPythonPackageTrainingJob"})
_SETTINGS = ("instance_type", "instance_count", "max_run", "machine_type", "accelerator_type", "use_spot_instances")


def read(file: PythonFile) -> Iterator[Fact]:
    """The steps of one module."""
    yield from _sagemaker(file)
    yield from _vertex(file)


def _calls(file: PythonFile, root: str, names: frozenset[str], within: str = ".") -> Iterator[tuple[str, CallSite]]:
    """The calls of these classes and functions of the package *root*, in a module whose name has *within*."""
    for callee, sites in file.calls_by_name.items():
        last = callee.rpartition(".")[2]
        if last in names and callee.startswith(root) and within in callee and "()" not in callee:
            for site in sites:
                yield last, site


# ------------------------------------------------------------------------------------------------------- SageMaker


def _sagemaker(file: PythonFile) -> Iterator[Fact]:
    steps = [(kind, site, _step_name(file, site, kind)) for kind, site in _calls(file, "sagemaker.", _STEPS, _WORKFLOW)]
    steps = [(kind, site, name) for kind, site, name in steps if name]
    if steps:
        yield from _pipeline(file, [(kind, site, name or "") for kind, site, name in steps])
        return
    jobs = list(_calls(file, "sagemaker.", _JOBS))
    if not jobs:
        return
    schedule = _schedule(file, "sagemaker", jobs[0][1])
    yield schedule
    seen: set[str] = set()
    for kind, site in jobs:
        name = _name(file, site, None, "base_job_name") or site.result or kind
        if name not in seen:
            seen.add(name)
            yield _job(file, schedule.identity, name, kind, site.node, site.node, site.scope)


def _step_name(file: PythonFile, site: CallSite, kind: str) -> str | None:
    """The name of a step; of ``step(function)`` without one, the function's."""
    if kind != "step":
        return _name(file, site, 0, "name")
    return _name(file, site, None, "name") or dotted(argument(site.node, 0, "_func")).rpartition(".")[2] or None


def _schedule(file: PythonFile, orchestrator: str, first: CallSite) -> Schedule:
    reason = "its jobs are started by code, in the order of that code"
    return Schedule(
        orchestrator=orchestrator, name=file.path, complete=False, reason=reason, place=file.place(first.node)
    )


def _name(file: PythonFile, site: CallSite, position: int | None, keyword: str) -> str | None:
    node = argument(site.node, position, keyword)
    return file.text(node, site.scope) if node is not None else None


def _pipeline(file: PythonFile, steps: list[tuple[str, CallSite, str]]) -> Iterator[Fact]:
    pipelines = [site for _, site in _calls(file, "sagemaker.", frozenset({"Pipeline"}), _WORKFLOW)]
    computed = any(site.loops for _, site, _ in steps)
    once = list({name: (kind, site, name) for kind, site, name in reversed(steps)}.values())[::-1]
    told = len(pipelines) == 1 and not computed and len(once) == len(steps)
    steps = once
    reason = "its steps are made in a loop" if computed else "it is put together elsewhere"
    first = pipelines[0] if pipelines else steps[0][1]
    schedule = Schedule(
        orchestrator="sagemaker",
        name=file.path,
        complete=told,
        reason="" if told else reason,
        place=file.place(first.node),
    )
    yield schedule
    outer = {id(call.node.func): call.node for call in file.calls if isinstance(call.node.func, ast.Call)}
    by_node = {id(site.node): name for _, site, name in steps}
    for kind, site, name in steps:
        work = argument(site.node, None, "estimator", "processor", "tuner", "transformer", "step_args")
        called, scope = behind(file, work, site.scope)
        args = called if isinstance(called, ast.Call) else site.node
        if isinstance(args.func, ast.Attribute) and args is not site.node:
            made, inner = behind(file, args.func.value, scope)
            maker, maker_scope = (made, inner) if isinstance(made, ast.Call) else (args, scope)
        else:
            maker, maker_scope = args, scope
        code = args if argument(args, None, "code") is not None else site.node
        if argument(code, None, "code") is None:
            code = maker
        yield _job(file, schedule.identity, name, kind, code, maker, maker_scope, site)
        asked = outer.get(id(site.node), site.node)  # of `step(function)(arguments)` those arguments count, too
        for before in dict.fromkeys(_earlier(file, asked, site.scope, by_node, 0)):
            if before != name:
                identity = f"{schedule.identity}/{before}"
                yield Edge(before=identity, after=f"{schedule.identity}/{name}", place=file.place(site.node))


def _earlier(file: PythonFile, node: ast.AST, scope: Scope, by_node: dict[int, str], depth: int) -> Iterator[str]:
    """The steps that the arguments below *node* speak of, through names that are bound once."""
    for inner in walk(node):
        if not isinstance(inner, ast.Name) or inner is node:
            continue
        bound, owner = behind(file, inner, scope)
        if bound is None or bound is inner:
            continue
        made = bound.func if isinstance(bound, ast.Call) and isinstance(bound.func, ast.Call) else bound
        if id(made) in by_node:
            yield by_node[id(made)]
        elif depth < DEPTH_LIMIT:
            yield from _earlier(file, bound, owner, by_node, depth + 1)


def _job(
    file: PythonFile,
    pipeline: str,
    name: str,
    kind: str,
    code: ast.Call,
    maker: ast.Call,
    scope: Scope,
    step: CallSite | None = None,
) -> Step:
    """The step of a job: *code* is the call that names the code, *maker* the one that names image and machine."""
    source = argument(code, None, "source_code")
    if source is not None:
        source, scope = behind(file, source, scope)
    if isinstance(source, ast.Call):
        code = source
    script = argument(code, None, "code", "entry_point", "entry_script")
    place = file.place(step.node if step is not None else maker)
    commands: tuple[Command, ...] = ()
    if script is not None:
        folder = argument(code, None, "source_dir")
        path = _path(file, script, folder, scope)
        commands = (Command(argv=(Literal("python"), path), place=file.place(script)),)
    return Step(
        orchestrator="sagemaker",
        pipeline=pipeline,
        name=name,
        operator=kind,
        callee=_callee(file, kind, code),
        commands=commands,
        image=value(file, argument(maker, None, "image_uri", "training_image"), scope),
        settings=tuple(_settings(file, maker, scope)),
        place=place,
    )


def _callee(file: PythonFile, kind: str, code: ast.Call) -> Callee | None:
    """The function that ``step(function)`` runs."""
    name = dotted(argument(code, 0, "_func")) if kind == "step" else ""
    return Callee(path=file.path, name=name) if name else None


def _path(file: PythonFile, script: ast.expr, folder: ast.expr | None, scope: Scope) -> Expr:
    path = file.expr(script, scope)
    if folder is None:
        return path
    around = file.expr(folder, scope)
    if isinstance(around, Unknown) or around == Literal(None):
        return path
    if isinstance(around, Literal) and str(around.value).startswith(("s3://", "git")):
        return Unknown("its code lies in a bucket or another repository")
    return PathJoin((around, path))


def _settings(file: PythonFile, call: ast.Call, scope: Scope) -> Iterator[Argument]:
    for name in _SETTINGS:
        node = argument(call, None, name)
        if node is not None:
            yield Argument(name=name, value=file.expr(node, scope), place=file.place(node))


# ------------------------------------------------------------------------------------------------------ Vertex AI


def _vertex(file: PythonFile) -> Iterator[Fact]:
    jobs = list(_calls(file, "google.cloud.aiplatform", _VERTEX))
    if not jobs:
        return
    schedule = _schedule(file, "vertex", jobs[0][1])
    yield schedule
    seen: set[str] = set()
    for kind, site in jobs:
        node, scope = site.node, site.scope
        name = _name(file, site, 0, "display_name") or site.result or kind
        if name in seen:
            continue
        seen.add(name)
        yield Step(
            orchestrator="vertex",
            pipeline=schedule.identity,
            name=name,
            operator=kind,
            commands=tuple(_vertex_commands(file, kind, node, scope)),
            image=value(file, argument(node, None, "container_uri", "python_package_gcs_uri"), scope)
            if kind != "CustomPythonPackageTrainingJob"
            else value(file, argument(node, None, "container_uri"), scope),
            settings=tuple(_settings(file, node, scope)),
            place=file.place(node),
        )


def _vertex_commands(file: PythonFile, kind: str, node: ast.Call, scope: Scope) -> Iterator[Command]:
    script = argument(node, 1, "script_path") if kind == "CustomTrainingJob" else None
    module = argument(node, 2, "python_module_name") if kind == "CustomPythonPackageTrainingJob" else None
    command = argument(node, 2, "command") if kind == "CustomContainerTrainingJob" else None
    if script is not None:
        yield Command(argv=(Literal("python"), file.expr(script, scope)), place=file.place(script))
    elif module is not None:
        argv = (Literal("python"), Literal("-m"), file.expr(module, scope))
        yield Command(argv=argv, place=file.place(module))
    elif command is not None:
        listed, inner = behind(file, command, scope)
        if isinstance(listed, ast.List) and not dotted(listed):
            yield Command(argv=tuple(file.expr(e, inner) for e in listed.elts), place=file.place(command))
