"""A scheduler inside of a web application starts in each of its workers and replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _workers
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Verdict,
    expr,
    facts,
)

_STARTS = (
    "apscheduler.schedulers.background.BackgroundScheduler().start",
    "apscheduler.schedulers.asyncio.AsyncIOScheduler().start",
    "apscheduler.schedulers.gevent.GeventScheduler().start",
    "flask_apscheduler.APScheduler().start",
)
_ADDS = (*(start.replace(".start", ".add_job") for start in _STARTS), "*.add_job")

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=(*_STARTS, *_ADDS),
)

_OWN = re.compile(r"refresh|reload|warm|cache|heartbeat|metric|health|ping|flush", re.IGNORECASE)
_LOCK = re.compile(r"lock|leader|elect", re.IGNORECASE)
_SWITCH = re.compile(r"sched|cron|leader|primary|jobs?$", re.IGNORECASE)


def _schedules(process: Process, pipeline: Pipeline) -> bool:
    """Containers that serve an application whose code starts a scheduler."""
    return isinstance(process.fact, facts.Container) and bool(_started(process, pipeline))


@check.over(Process, where=_schedules)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """What counts is how many processes there are: workers of the server, times replicas."""
    start = _started(process, pipeline)[0]
    workers, at, preloads = _workers.of(process, pipeline)
    replicas = _replicas(process, pipeline)
    if replicas is None:
        yield Unjudged(process.place, "how many replicas there are cannot be told")
        return
    copies = workers * replicas
    if copies < 2:
        return
    reason = _may_be_one(start, process, pipeline, preloads and replicas == 1)
    if reason:
        yield Unjudged(start.place, reason)
        return
    because = [(at, f"starts {workers} workers")] if workers > 1 else []
    if replicas > 1 and process.workload is not None:
        because.append((process.workload.place, f"runs {replicas} replicas"))
    yield Finding(
        at=start.place,
        message=f"This scheduler starts in each of {copies} processes of {process.name}: a job runs {copies} times.",
        because=tuple(because),
    )


def _started(process: Process, pipeline: Pipeline) -> list[facts.Call]:
    return [
        call
        for module in process.modules
        for call in pipeline.index(facts.Call, "path").get(module, ())
        if call.callee in _STARTS
    ]


def _replicas(process: Process, pipeline: Pipeline) -> int | None:
    """How many there are at most; None where that cannot be told."""
    workload = process.workload
    if workload is None or workload.replicas is None:
        return 1
    only = pipeline.resolve(workload.replicas, process).only
    return only.value if only is not None and isinstance(only.value, int) else None


def _may_be_one(start: facts.Call, process: Process, pipeline: Pipeline, preloads: bool) -> str:
    """Why the jobs may run once all the same, or may be meant for each process; "" where nothing says so."""
    if preloads:
        return "the application is loaded before the server forks"
    module = start.path
    calls = [c for f in pipeline.index(facts.Function, "path").get(module, ()) for c in f.calls]
    calls += [c for m in pipeline.index(facts.PythonModule, "path").get(module, ()) for c in m.calls]
    if any(_LOCK.search(call) for call in calls):
        return "something like a lock may keep them apart"
    reads = pipeline.index(facts.EnvRead, "path").get(module, ())
    if any(isinstance(r.key, expr.Literal) and _SWITCH.search(str(r.key.value)) for r in reads):
        return "a variable may switch it on in one process only"
    added = [c for c in pipeline.index(facts.Call, "path").get(module, ()) if c.callee in _ADDS]
    names = [a.value.name for c in added for a in c.arguments[:1] if isinstance(a.value, expr.Name)]
    if names and all(_OWN.search(name) for name in names):
        return "its jobs may be meant for each process"
    return ""
