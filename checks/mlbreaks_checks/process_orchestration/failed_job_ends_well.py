"""A job only reports that its work failed, and ends with success.

Whoever started it sees success: no retry, no alert, and what comes next works on what an earlier run left.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_CHOOSES = ("short_circuit", "shortcircuit", "branch", "sensor")


def _is_job(ending: facts.EndsWell, pipeline: Pipeline) -> bool:
    """Whether it may be what a job does: nobody takes its answer."""
    return (not ending.answers or (ending.started and not ending.asked)) and not aside(ending.path)


@check.over(facts.EndsWell, where=_is_job)
def find(ending: facts.EndsWell, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each job of a script, a task or a flow that only reports a failure of its work."""
    runners = [one for one in pipeline.processes_of(ending.path) if _runs(one, ending)]
    if any(_misses_outputs(one, pipeline) for one in runners):
        yield Unjudged(ending.place, "DVC misses the outputs of the stage, and fails it for that")
        return
    flows = [one for one in pipeline.index(facts.FlowCode, "path").get(ending.path, ()) if one.name == ending.function]
    because = [(one.place, f"{one.name} runs it") for one in runners[:2]]
    because += [(one.place, f"it is the flow {one.title}") for one in flows[:1]]
    named = [f"{one.name!r} succeeds" for one in runners] + ["the run of the flow is completed" for _ in flows]
    if not (named or ending.whole) and ending.started and ending.reads is not None and ending.writes is not None:
        because = [(ending.reads, "reads what it works on"), (ending.writes, "writes what others read")]
        named = ["the script ends with status 0"]
    if not named:
        return
    if ending.then == "other":
        yield Unjudged(ending.place, "what the handler does about it cannot be told")
        return
    what = _what(ending)
    yield Finding(
        at=ending.handler,
        message=f"Where {what} fails, for whatever reason, that is only reported, and {named[0]}.",
        because=((ending.place, "what may fail"), *because),
        about=(ending.function or ending.first,),
        group=ending.path.rpartition("/")[0] or "scripts",
        note="so it is here",
    )


def _what(ending: facts.EndsWell) -> str:
    if not ending.whole:
        return f"{ending.first}, which gets {' and '.join(repr(name) for name in ending.needed[:2])},"
    return ending.function or "the script"


def _runs(process: Process, ending: facts.EndsWell) -> bool:
    """Whether a step of an orchestrator, or a container of a job, starts the function or the script."""
    fact = process.fact
    if isinstance(fact, facts.Step):
        if fact.mapped or any(word in fact.operator.lower() for word in _CHOOSES):
            return False
    elif process.workload is None or process.workload.kind not in ("Job", "CronJob"):
        return False
    entries = [entry for entry in process.entries if entry.path == ending.path]
    return any(e.function == ending.function if e.function else ending.started for e in entries)


def _misses_outputs(process: Process, pipeline: Pipeline) -> bool:
    """Whether the step is a stage of DVC with outputs: DVC removes them before it runs the stage."""
    stages = pipeline.index(facts.DvcStage, "step").get(process.fact.identity, ())
    return any(stage.outputs for stage in stages)
