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
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_HERE = re.compile(r"^https?://(localhost|127\.0\.0\.1|169\.254\.169\.254|metadata\.google\.internal)\b")
_LIMITS = ("execution_timeout", "dagrun_timeout", "timeout", "retry_timeout")
_TESTS = re.compile(r"(^|/)(tests?|examples?)/")
_HAVE_ONE = frozenset({"httpx", "aiohttp"})
"""Libraries that give up after a while by themselves (https://www.python-httpx.org/advanced/timeouts/: 5 seconds)."""
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
    runners = list(_runners(module.path, pipeline))
    runner = next(iter(runners), None)
    if runner is None:
        reason = "whether a handler ever comes to it can't be told" if ways else "nothing is seen to run this function"
        yield Unjudged(open_[0].place, reason)
        return
    because = [(runner.place, f"{runner.name} runs this file")]
    what = f"{runner.name} hangs with it, and nothing ends that"
    if isinstance(runner.fact, facts.Step):
        if any(isinstance(p.fact, facts.Step) and p not in runners for p in pipeline.processes_of(module.path)):
            yield Unjudged(open_[0].place, "some of the tasks whose file imports it have a time limit")
            return
        because = [(runner.place, f"the file of task {runner.name} comes to this one")]
        what = "a task that gets here hangs with it, and nothing ends that"
    yield _finding(
        open_, open_, what, because, Severity.MEDIUM, Confidence.MEDIUM, "the file is reached by its imports"
    )


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
    modules = pipeline.index(facts.PythonModule, "path").get(endpoint.handler.path, ())
    return any(one.target.partition(".")[0] == "fastapi" for module in modules for one in module.imports)


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
    return Finding(
        at=first.place,
        message=f"{_serving.short(first.api)} is called {how}: when the called service hangs, {what}{more}.",
        because=tuple(because + [(call.place, "no timeout here either") for call in others[:_MOST]]),
        severity=severity,
        confidence=confidence,
        lowered=lowered,
    )


def _endpoints(path: str, pipeline: Pipeline) -> Iterator[Endpoint]:
    """The handlers that may come to a file and that nothing else limits."""
    for endpoint in pipeline.index(Endpoint, _files, each=True).get(path, ()):
        if not _serving.in_lambda(endpoint, pipeline):
            yield endpoint


def _files(endpoint: Endpoint) -> tuple[str, ...]:
    """The files of what a handler comes to. AWS ends a call of a Lambda function after its timeout."""
    if endpoint.handler.framework == "lambda":
        return ()
    return tuple(dict.fromkeys(reached.function.path for reached in endpoint.reached))


def _runners(path: str, pipeline: Pipeline) -> Iterator[Process]:
    """The services, jobs and scheduled steps that run a file and have no limit of their own. What a container starts is
    its own; of all that it imports nobody knows what it calls."""
    for process in pipeline.processes_of(path):
        fact = process.fact
        if _TESTS.search(process.place.path):
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
