"""Code that serves, or that a schedule runs, waits for another service without a limit.

``requests`` and ``urllib`` wait for ever where no timeout is given.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Process,
    Reached,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_HERE = re.compile(r"^https?://(localhost|127\.0\.0\.1|169\.254\.169\.254|metadata\.google\.internal)\b")
_LIMITS = ("execution_timeout", "dagrun_timeout", "timeout", "retry_timeout")
_HAVE_ONE = frozenset({"httpx", "aiohttp"})
"""Libraries that give up after a while by themselves (https://www.python-httpx.org/advanced/timeouts/: 5 seconds)."""
_REPORTS = re.compile(r"callback|on_fail|failure|alert|notif|slack", re.IGNORECASE)
"""What a function is called that Airflow, and no task, calls."""
_BY_IMPORTS = "the file is reached by its imports"
_MOST = 5
"""Further calls of a file that are shown."""


@dataclasses.dataclass(frozen=True)
class _Way:
    """A call without a limit, and a handler that comes to it; *pool*: on one of many threads."""

    call: facts.RemoteCall
    endpoint: Endpoint
    reached: Reached
    pool: bool


def _waits(call: facts.RemoteCall, pipeline: Pipeline) -> bool:
    """Whether it calls another service by a library that has no limit of its own."""
    return call.deadline != "default" and not _HERE.match(pipeline.pattern(call.url))


def _is_run(module: facts.PythonModule, pipeline: Pipeline) -> bool:
    calls = pipeline.index(facts.RemoteCall, "path").get(module.path, ())
    return any(_waits(call, pipeline) for call in calls) and (
        any(_endpoints(module.path, pipeline)) or any(_runners(module.path, pipeline))
    )


@check.over(facts.PythonModule, where=_is_run)
def find(module: facts.PythonModule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the HTTP calls of a file that serves or that a process runs; one finding for all of them."""
    calls = [c for c in pipeline.index(facts.RemoteCall, "path")[module.path] if _waits(c, pipeline)]
    for call in calls:
        if call.deadline == "unknown":
            yield Unjudged(call.place, "a timeout may be set elsewhere")
    open_ = [call for call in calls if call.deadline == "none"]
    if not open_:
        return
    ways = _ways(open_, pipeline)
    told = [way for way in ways if not (way.reached.sometimes and way.call.conditional)]
    if told:
        yield _of_handlers(told, open_)
        return
    if ways:
        yield Unjudged(open_[0].place, "whether a handler ever comes to it can't be told")
        return
    yield _of_runners(module.path, open_, pipeline)


def _of_runners(path: str, open_: list[facts.RemoteCall], pipeline: Pipeline) -> Verdict:
    """What is said of calls that no handler comes to: a container or a task that runs them hangs."""
    runners = list(_runners(path, pipeline))
    if not runners:
        return Unjudged(open_[0].place, "nothing is seen to run this function")
    containers = [runner for runner in runners if isinstance(runner.fact, facts.Container)]
    if containers:
        because = [(containers[0].place, f"{containers[0].name} runs this file")]
        what = f"{containers[0].name} hangs with it, and nothing ends that"
        if _imports(path, "streamlit", pipeline):
            what = f"whoever has a page of {containers[0].name} open waits with it, and nothing ends that"
        return _finding(open_, open_, what, because, Severity.MEDIUM, Confidence.MEDIUM, _BY_IMPORTS)
    steps = (p for p in pipeline.processes_of(path) if isinstance(p.fact, facts.Step) and not aside(p.place.path))
    if any(step not in runners for step in steps):
        return Unjudged(open_[0].place, "some of the tasks whose file imports it have a time limit")
    what = "a task that gets here hangs with it, and nothing ends that"
    for runner in runners:
        made = [call for call in open_ if _serving.scoped(call) in pipeline.runs(runner)]
        if made:
            because = [(runner.place, f"task {runner.name} comes to it")]
            return _finding(made, open_, what, because, Severity.MEDIUM, None, "a task waits, and no request")
    reached = {module for runner in runners for module in runner.modules}
    left = [call for call in open_ if _may_be_run(call, reached, pipeline)]
    if not left:
        return Unjudged(open_[0].place, "no task is seen to come to it")
    nearest = min(runners, key=lambda runner: runner.modules.index(path))
    because = [(caller.place, f"{caller.name} calls it") for caller in _callers(left[0], pipeline)][:1]
    because.append((Place(nearest.place.path), "tasks of this file may come to it, by its imports"))
    return _finding(left, open_, what, because, Severity.MEDIUM, Confidence.MEDIUM, _BY_IMPORTS)


def _callers(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[facts.Function]:
    """The functions that call the function of *call* by its name."""
    dotted = f".{call.path.removesuffix('.py').replace('/', '.')}.{call.scope}"
    for caller in pipeline.index(facts.Function, _callees, each=True).get(call.scope.rpartition(".")[2], ()):
        if any(
            callee == call.scope if caller.path == call.path else "." in callee and dotted.endswith(f".{callee}")
            for callee in caller.calls
        ):
            yield caller


def _may_be_run(call: facts.RemoteCall, reached: set[str], pipeline: Pipeline) -> bool:
    """Whether a task may come to a call in some way that is not followed: code that it imports speaks of the function,
    and Airflow calls it neither as a callback nor for an operator, whose tasks are told by their class."""
    operators = pipeline.index(facts.Function, _operator).get(call.path, ())
    return not operators and not _REPORTS.search(call.scope) and _is_named(call.scope, reached, pipeline)


def _operator(function: facts.Function) -> str | None:
    """The file of a method that tasks of an operator run."""
    return function.path if function.name.endswith(".execute") else None


def _is_named(function: str, reached: set[str], pipeline: Pipeline) -> bool:
    """Whether some code of the files *reached* calls or imports what is called so, or the class of a method."""
    called = pipeline.index(facts.Function, _callees, each=True)
    named = pipeline.index(facts.PythonModule, _names, each=True)
    return any(
        one.path in reached
        for name in function.split(".")
        if not name.startswith("__")
        for one in (*called.get(name, ()), *named.get(name, ()))
    )


def _callees(function: facts.Function) -> frozenset[str]:
    """The last parts of the names of what a function calls."""
    return frozenset(callee.rpartition(".")[2] for callee in function.calls)


def _names(module: facts.PythonModule) -> frozenset[str]:
    """The last parts of the names of what a module calls, and what it imports."""
    imported = {name for one in module.imports for name in (one.name, one.alias) if name}
    return frozenset(imported | {callee.rpartition(".")[2] for callee in module.calls})


def _ways(calls: list[facts.RemoteCall], pipeline: Pipeline) -> list[_Way]:
    """How handlers come to the calls of a file, the surest first, then the gravest."""
    by_scope = defaultdict(list)
    for call in calls:
        by_scope[_serving.scoped(call)].append(call)
    found = [
        _Way(call, endpoint, reached, pool=_has_a_pool(endpoint, pipeline))
        for endpoint in _endpoints(calls[0].path, pipeline)
        for reached in endpoint.reached
        for call in by_scope.get((reached.function.path, reached.function.name), ())
    ]
    return sorted(found, key=lambda way: (way.reached.sometimes, way.pool, way.call.place.sort_key))


def _has_a_pool(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether the framework runs the handler on one of many threads: Starlette has 40 for what is no ``async def``."""
    if endpoint.handler.asynchronous:
        return False
    return _imports(endpoint.handler.path, "fastapi", pipeline)


def _imports(path: str, library: str, pipeline: Pipeline) -> bool:
    modules = pipeline.index(facts.PythonModule, "path").get(path, ())
    return any(one.target.partition(".")[0] == library for module in modules for one in module.imports)


def _of_handlers(ways: list[_Way], every: list[facts.RemoteCall]) -> Finding:
    first = ways[0]
    calls = list(dict.fromkeys(way.call for way in ways))
    because = [(first.endpoint.place, f"{_serving.shown(first.endpoint)} comes to it"), *_serving.way(first.reached)]
    doubts = ["the server has a pool of threads for such handlers"] * first.pool
    doubts += ["it comes to it only in some cases"] * first.reached.sometimes
    held = "a thread of its server's pool" if first.pool else "its worker"
    return _finding(
        calls,
        every,
        f"a request that gets here holds {held}",
        because,
        Severity.MEDIUM if first.pool else None,
        Confidence.MEDIUM if first.reached.sometimes else None,
        ", and ".join(doubts),
    )


def _finding(
    calls: list[facts.RemoteCall],
    every: list[facts.RemoteCall],
    what: str,
    because: list[tuple[Place, str]],
    severity: Severity | None,
    confidence: Confidence | None,
    lowered: str,
) -> Finding:
    first = calls[0]
    others = [call for call in every if call is not first]
    more = f" ({len(others)} more in this file are like it)" if others else ""
    library = first.api.partition(".")[0]
    how = f"without a timeout, and {library} has none of its own"
    if library in _HAVE_ONE:
        how = f"with timeout=None, which takes {library}'s own away"
        confidence = Confidence.LOW
        lowered = ", and ".join(
            doubt for doubt in (lowered, "the code says that it waits as long as it takes") if doubt
        )
    return Finding(
        at=first.place,
        message=f"{_serving.short(first.api)} is called {how}: when the called service hangs, {what}{more}.",
        because=tuple(because + [(call.place, "no timeout here either") for call in others[:_MOST]]),
        severity=severity,
        confidence=confidence,
        lowered=lowered,
    )


def _endpoints(path: str, pipeline: Pipeline) -> Iterator[Endpoint]:
    """The handlers that may come to a file and that nothing else limits. AWS ends a call of a Lambda function after its
    timeout."""
    for endpoint in pipeline.index(Endpoint, _serving.reached_files, each=True).get(path, ()):
        if endpoint.handler.framework != "lambda" and not _serving.in_lambda(endpoint, pipeline):
            yield endpoint


def _runners(path: str, pipeline: Pipeline) -> Iterator[Process]:
    """The services, jobs and scheduled steps that run a file and have no limit of their own. What a container starts is
    its own; of all that it imports nobody knows what it calls."""
    for process in pipeline.processes_of(path):
        fact = process.fact
        if aside(process.place.path):
            continue
        if isinstance(fact, facts.Container) and all(entry.path != path for entry in process.entries):
            continue
        if isinstance(fact, facts.Step):
            if fact.orchestrator != "airflow" or any(fact.setting(name) is not None for name in _LIMITS):
                continue
            schedule = pipeline.one(facts.Schedule, fact.pipeline)
            if schedule is not None and _is_limited(schedule):
                continue
        yield process


def _is_limited(schedule: facts.Schedule) -> bool:
    """Whether the pipeline, or what it gives each of its steps, may have a time limit."""
    names = {setting.name for setting in schedule.settings}
    return "default_args" in names or any(n in names or f"default_args.{n}" in names for n in _LIMITS)
