"""A deployment may fail and its job is green all the same, so that what comes after it goes on.

``continue-on-error`` or ``|| true`` stands at the command that deploys, and nothing asks how it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _runs
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    JobRun,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("untested-change",))


_NOT_PRODUCTION = re.compile(
    r"(?:^|[-_./ ])(?:dev|development|staging|stage|preview|pr|test|qa|sandbox)(?:$|[-_./ \d])"
)


def _deploys(run: JobRun, pipeline: Pipeline) -> bool:
    return bool(_brings(run, pipeline))


def _brings(run: JobRun, pipeline: Pipeline) -> list[_runs.Brought]:
    return [one for one in _runs.brings(run, pipeline) if one.kind in ("deploy", "infrastructure")]


@check.over(JobRun, where=_deploys)
def find(run: JobRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each command and action of a job that deploys."""
    lost: list[tuple[_runs.Brought, str]] = []
    for brought in _brings(run, pipeline):
        how = _lost(run, brought)
        if how and _in_a_function(brought):
            yield Unjudged(brought.place, "it stands in a function of the script, which may undo what failed")
            return
        if how and _asked_for(run, brought):
            yield Unjudged(brought.place, "something asks how the deployment ended")
            return
        if how:
            lost.append((brought, how))
    if lost:
        yield _finding(run, lost, pipeline)


def _lost(run: JobRun, brought: _runs.Brought) -> str:
    """How the failure of what deploys is lost; "" where it is not."""
    there = [command for one in _ci.elsewhere(brought.step) for command in one.commands] if brought.remote else []
    for command in there or _ci.commands(brought.step):
        if command.place == brought.place and command.swallowed and not command.leaves:
            return "what follows `||` makes its failure a success"
    if brought.step.continue_on_error:
        return "its step has `continue-on-error: true`"
    if any(job.continue_on_error for job in (run.job, *run.callers)):
        return f"job {run.job.id} has `continue-on-error: true`"
    return ""


_FUNCTION = re.compile(r"\s*(?:function\s+[\w-]+\s*(?:\(\s*\))?|[\w-]+\s*\(\s*\))\s*\{\s*")
"""A line that begins a function of a shell."""


def _in_a_function(brought: _runs.Brought) -> bool:
    """Whether the command is written in a function of its step's script: as the rows around it are indented."""
    command = next((one for one in _ci.commands(brought.step) if one.place == brought.place), None)
    if command is None or brought.step.run is None:
        return False
    rows = _ci.text_of(brought.step.run.shell).splitlines()
    start = " ".join(command.words[:3])
    at = next((index for index, row in enumerate(rows) if row.lstrip().startswith(start)), None)
    depth = _indent(rows[at]) if at is not None else 0
    for row in reversed(rows[:at] if at is not None else ()):
        if row.strip() and _indent(row) < depth:
            if _FUNCTION.fullmatch(row):
                return True
            depth = _indent(row)
    return False


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def _asked_for(run: JobRun, brought: _runs.Brought) -> bool:
    """Whether a later step asks how the deployment's ended, or waits for the rollout and may fail itself."""
    if any("steps.*" in step.condition for step in run.steps) or any(
        read.of == "steps" and read.name == brought.step.id and read.field.startswith(("outcome", "conclusion"))
        for read in run.job.reads
    ):
        return True
    after = False
    for step in run.steps:
        for command in _ci.commands(step):
            after = after or command.place == brought.place
            waits = command.words[:2] in (
                ("kubectl", "rollout"),
                ("kubectl", "wait"),
                ("argocd", "app"),
                ("curl", "-f"),
            )
            if (
                after
                and waits
                and not command.swallowed
                and not step.continue_on_error
                and "restart" not in command.words
            ):
                return True
    return False


def _finding(run: JobRun, lost: list[tuple[_runs.Brought, str]], pipeline: Pipeline) -> Finding:
    brought, how = lost[0]
    needing = [job for job in _ci.siblings(run.job, pipeline) if run.job.id in job.needs]
    on_failure = [job for job in needing if "failure()" in job.condition and "success()" not in job.condition]
    after = [job for job in needing if job not in on_failure]
    because: list[tuple[Place, str]] = [(one.place, one.what) for one, _ in lost[1:3]]
    because.extend((job.place, f"{job.id} needs {run.job.id}, and goes on") for job in after[:2])
    because.extend((job.place, f"{job.id} waits for a failure, which never comes") for job in on_failure[:1])
    more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
    goes_on = f"and {after[0].id!r} goes on" if after else "and the run is green"
    trial = _NOT_PRODUCTION.search(f"{run.job.id} {_ci.text_of(run.environment)}".lower())
    return Finding(
        at=brought.place,
        message=(
            f"Job {run.job.id!r} deploys with {brought.what}{more}, and {how}: when it fails, the old version stays, "
            f"{goes_on}."
        ),
        because=tuple(because),
        about=(brought.what,),
        severity=Severity.MEDIUM if trial else None,
        lowered="what it deploys to is not production by its name" if trial else "",
    )
