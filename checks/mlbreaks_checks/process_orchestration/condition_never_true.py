"""A job or step asks for an event, or a branch, that never starts its workflow.

It is skipped in each run, which is shown grey and counts as success.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _installs
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Verdict, conditions, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("untested-change", "push-order"),
)

_ASKS = re.compile(r"github\.(event_name|ref|ref_name)\b")
_MISSED = re.compile(r"'schedule'|github\.ref")
"""What a step has to ask for: one for an event that is gone is mostly what was left over of another way to start."""
_AFTER_A_FAILURE = re.compile(r"\b(failure|cancelled)\s*\(")
_LITERAL = re.compile(r"[\w./-]+")
_REFS = {"pull_request": "refs/pull/1/merge"}
"""What ``github.ref`` is where an event tells it, its number aside."""


def _asks(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    """Jobs with a condition on the event or the branch, of workflows that no other one calls, and whose events are not
    given twice."""
    workflow = _workflow(job, pipeline)
    if any(one.key == "on" for one in pipeline.index(facts.RepeatedKey, "path").get(job.path, ())):
        return False
    if workflow is None or not workflow.events or any(one.event == "workflow_call" for one in workflow.events):
        return False
    return any(_ASKS.search(condition) for condition, _, _ in _conditions(job))


@check.over(facts.WorkflowJob, where=_asks)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each such condition, for all that can start the workflow."""
    workflow = _workflow(job, pipeline)
    if workflow is None:
        return
    occasions = [occasion for event in workflow.events for occasion in _occasions(event)]
    for condition, place, what in _conditions(job):
        if not _ASKS.search(condition) or _AFTER_A_FAILURE.search(condition):
            continue
        if all(conditions.holds(condition, occasion) is False for occasion in occasions):
            yield _finding(workflow, condition, place, what)
            if what.startswith("Job"):
                return


def _workflow(job: facts.WorkflowJob, pipeline: Pipeline) -> facts.Workflow | None:
    found = pipeline.index(facts.Workflow, "path").get(job.path, ())
    return found[0] if found else None


def _conditions(job: facts.WorkflowJob) -> Iterator[tuple[str, Place, str]]:
    yield job.condition, job.place, f"Job {job.id!r}"
    for step in (one for one in job.steps if _MISSED.search(one.condition)):
        named = step.name or step.id or step.uses.partition("@")[0]
        yield step.condition, step.place, f"Step {named!r} of job {job.id!r}" if named else f"A step of job {job.id!r}"


def _occasions(event: facts.WorkflowEvent) -> list[conditions.Occasion]:
    """What a condition may be asked for upon an event: its branches where they are named one by one."""
    named = event.branches and not event.tags and not event.tags_ignore
    if event.event == "push" and named and all(_LITERAL.fullmatch(branch) for branch in event.branches):
        return [conditions.Occasion("push", f"refs/heads/{branch}") for branch in event.branches]
    return [conditions.Occasion(event.event, _REFS.get(event.event, ""))]


def _finding(workflow: facts.Workflow, condition: str, place: Place, what: str) -> Finding:
    shown = " ".join(conditions.bare(condition).split())
    events = [_told(event) for event in workflow.events]
    return Finding(
        at=place,
        message=(
            f"{what} never runs: its condition {shown!r} is false for all that starts the workflow, which is "
            f"{_installs.listed(events)}."
        ),
        because=tuple((event.place, f"starts it: {_told(event)}") for event in workflow.events[:3]),
        about=(shown,),
    )


def _told(event: facts.WorkflowEvent) -> str:
    return f"{event.event} to {_installs.listed(list(event.branches))}" if event.branches else event.event
