"""A server loads its model once, by a name which a pipeline of the tree moves.

The pipeline gives the alias or stage to a new version. A process that is running keeps what it loaded: whatever the
registry says, the old model answers until somebody restarts the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _moving, _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

_BESIDE = re.compile(r"challenger|candidate|previous|archive|rollback|backup|shadow|staging|\bdev", re.IGNORECASE)
"""Aliases and stages that no server of production asks for by default."""
_STARTS = re.compile(
    r"(?:^|[._])(?:lifespan|start_?up|on_start_?up|startup_event|load_context|setup|init_app|create_app|__init__|load)$"
)
_AT_START = re.compile(r"asynccontextmanager|\bon_event$|\.on_startup$|on_app_init")
_AGAIN = re.compile(
    r"(?:^|\.)(?:Thread|Timer|create_task|ensure_future|BackgroundScheduler|AsyncIOScheduler|BackgroundTasks|add_job|"
    r"repeat_every|run_forever|add_periodic_task|signal|watch|awatch|Observer)(?:$|\(\))|(?:^|\.)add_task$"
)
_RELOADS = re.compile(r"load|refresh|update|switch|activate|promote|rollback|deploy|webhook|admin", re.IGNORECASE)
_LOOKS_AT_CLOCK = re.compile(
    r"^(?:time\.(?:time|monotonic|perf_counter)|datetime\.datetime\.(?:now|utcnow))$|ttl", re.IGNORECASE
)
_RESTARTS = re.compile(
    r"rollout restart|docker(?:-| )compose\s+(?:\S+\s+)*(?:restart|up)\b|docker (?:service update|restart)"
    r"|force-new-deployment|systemctl (?:--user )?restart|supervisorctl restart|pm2 (?:restart|reload)"
    r"|/(?:-/)?(?:reload|refresh)[\w/-]*|\bkill -HUP\b"
)


@check.over(Pipeline, given=(facts.ModelAccess, facts.Handler))
def find(_: Pipeline, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each model that a server loads by an alias or a stage, where a pipeline of the tree moves that."""
    movers = [one for one in _moving.moved(pipeline) if not aside(one.path)]
    told: set[str] = set()
    for access in _moving.taken(pipeline):
        moving = [one for one in movers if _moving.meets(access, one) and one.path != access.path]
        if not access.labels:
            moving = [one for one in moving if not one.labels or any(not _BESIDE.search(text) for text in one.labels)]
        if not moving or aside(access.path) or access.path in told:
            continue
        how = _loaded(access, pipeline)
        if how is None:
            continue
        runs = [(one, step) for one in moving for step in _run_by(one, pipeline)]
        if not runs:
            continue
        told.add(access.path)
        reason = _again(access, how, runs, pipeline)
        if reason:
            yield Unjudged(access.place, reason)
            continue
        mover, step = runs[0]
        yield Finding(
            at=access.place,
            message=(
                f"The server asks for {access.shown} {how.said}, and {step.name!r} moves it while the server runs: "
                "the old model answers until somebody restarts it."
            ),
            because=(
                (mover.place, f"{mover.api} moves it"),
                (step.place, f"{step.name} runs that"),
                *((place, note) for place, note in how.way),
            ),
            about=(access.api,),
        )


# ------------------------------------------------------------------------------------------------- loaded when


class _Once:
    """How a server comes to load a model once: in words, the places on the way, and the files of it."""

    def __init__(self, said: str, way: tuple[tuple[Place, str], ...], keys: frozenset[_moving.Key]) -> None:
        self.said = said
        self.way = way
        self.keys = keys


def _loaded(access: _moving.Moving, pipeline: Pipeline) -> _Once | None:
    """How the access is made once by a server; None where it is made for requests, or by no server."""
    callers = _moving.callers((access.path, access.scope), pipeline)
    endpoints = pipeline.index(Endpoint, _serving.reached_functions, each=True)
    reaching = endpoints.get((access.path, access.scope), ()) if access.scope else ()
    for endpoint in reaching:
        for reached in endpoint.reached:
            if (reached.function.path, reached.function.name) != (access.path, access.scope):
                continue
            method = access.api.rpartition(".")[2]
            sometimes = any(callee.rpartition(".")[2] == method for callee in reached.function.sometimes)
            if not (reached.once or reached.sometimes or sometimes) or _reloads(endpoint):
                return None
    if reaching:
        handler = reaching[0].handler
        return _Once("at the first request", ((handler.place, f"{handler.function} comes to it"),), frozenset(callers))
    servers = pipeline.index(facts.Handler, "path")
    for path, function in callers:
        if path not in servers and path not in pipeline.index(facts.Router, "path"):
            continue
        if not function:
            return _Once("when it starts", ((Place(path, 1), "the server's module"),), frozenset(callers))
        for one in pipeline.index(facts.Function, "path").get(path, ()):
            if one.name == function and _at_start(one):
                return _Once("when it starts", ((one.place, f"{function} runs at the start"),), frozenset(callers))
    return None


def _reloads(endpoint: Endpoint) -> bool:
    """Whether it is a handler's work to load a model, for those who may ask for it."""
    return bool(_RELOADS.search("/".join((endpoint.handler.function, *endpoint.routes))))


def _at_start(function: facts.Function) -> bool:
    return bool(_STARTS.search(function.name)) or any(_AT_START.search(one) for one in function.decorators)


# ------------------------------------------------------------------------------------------------ who moves it


def _run_by(mover: _moving.Moving, pipeline: Pipeline) -> list[facts.Step]:
    """The steps of orchestrators and CI that run the code which moves the name."""
    found = [process.fact for process in pipeline.processes_of(mover.path) if _calls(process, mover, pipeline)]
    return [fact for fact in found if isinstance(fact, facts.Step)]


def _calls(process: Process, mover: _moving.Moving, pipeline: Pipeline) -> bool:
    """Whether the process starts with what comes to the call that moves the name."""
    entries = {entry.path for entry in process.entries}
    return any(path in entries for path, _ in _moving.callers((mover.path, mover.scope), pipeline))


# ------------------------------------------------------------------------------------------------ what may help


def _again(
    access: _moving.Moving, how: _Once, runs: list[tuple[_moving.Moving, facts.Step]], pipeline: Pipeline
) -> str:
    """What may load the model again, or restart the server; "" where nothing of the tree is seen to."""
    files = {path for path, _ in how.keys} | {access.path}
    for path in files:
        modules = pipeline.index(facts.PythonModule, "path").get(path, ())
        functions = pipeline.index(facts.Function, "path").get(path, ())
        calls = {callee for module in modules for callee in module.calls}
        calls.update(callee for function in functions for callee in function.calls)
        if any(_AGAIN.search(callee) for callee in calls):
            return "something in the server runs beside the requests, and may load the model again"
        if how.said != "when it starts" and any(_LOOKS_AT_CLOCK.search(callee) for callee in calls):
            return "the server may load the model again after some time"
    if pipeline.all(facts.PodRestart) or True in pipeline.index(facts.Step, _restarts):
        return "something of the tree restarts servers"
    if any(_deploys_after(mover, step, pipeline) for mover, step in runs):
        return "the workflow that moves the name deploys as well"
    return ""


def _deploys_after(mover: _moving.Moving, step: facts.Step, pipeline: Pipeline) -> bool:
    """Whether a workflow that deploys runs the step, or names the script or the pipeline that moves the name."""
    script = mover.path.rpartition("/")[2].removesuffix(".py")
    names = re.compile(rf"\bdvc\s+(?:repro|exp\s+run)\b|\b{re.escape(script)}\b|\b(?:re)?train\w*\.(?:py|sh)\b")
    for workflow in pipeline.all(facts.Workflow):
        jobs = pipeline.index(facts.WorkflowJob, "path").get(workflow.path, ())
        if not any(_ci.deploys(job, pipeline) for job in jobs):
            continue
        if any(job.step == step.identity for job in jobs):
            return True
        texts = (_ci.text_of(one.run.shell) for job in jobs for one in job.steps if one.run is not None)
        if any(names.search(text) for text in texts):
            return True
    return False


def _restarts(step: facts.Step) -> bool | None:
    texts = (_ci.text_of(one.shell) for one in step.commands if one.shell is not None)
    return any(_RESTARTS.search(text) for text in texts) or None
