"""A step's condition is a text, which is always true.

GitHub evaluates what is inside of ``${{ }}``, puts the outcome into the rest of the text, and takes a text that is not
empty for true. The gate that it was meant to be is open every time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Verdict,
    conditions,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_SUCCESS = re.compile(
    r"^\s*\$\{\{\s*steps\.([\w-]+)\.(?:outcome|conclusion)\s*\}\}\s*==\s*['\"]success['\"]\s*$|"
    r"^\s*\$\{\{\s*(?:success\(\)|always\(\))\s*\}\}\s*$"
)
"""Conditions that ask for what is so anyway: the steps before did not fail, or the job would have stopped there."""


def _has_text(one: facts.WorkflowJob | facts.CompositeAction, pipeline: Pipeline) -> bool:
    return any("${{" in condition for condition, _, _ in _conditions(one))


def _conditions(
    one: facts.WorkflowJob | facts.CompositeAction,
) -> list[tuple[str, Place, facts.JobStep | None]]:
    found: list[tuple[str, Place, facts.JobStep | None]] = [(step.condition, step.place, step) for step in one.steps]
    if isinstance(one, facts.WorkflowJob):
        found.append((one.condition, one.place, None))
    return found


@check.over(facts.WorkflowJob, where=_has_text)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each condition of a job and its steps that has an expression in braces."""
    for condition, place, step in _conditions(job):
        if conditions.is_text(condition):
            what = f"Job {job.id!r}" if step is None else _name(step)
            steps = job.steps if step is None else (step,)
            yield from _judged(condition, place, what, steps, job.steps)


@check.over(facts.CompositeAction, where=_has_text)
def find_in_action(action: facts.CompositeAction, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the same in the steps of an action."""
    for condition, place, step in _conditions(action):
        if step is not None and conditions.is_text(condition):
            yield from _judged(condition, place, _name(step), (step,), action.steps)


def _name(step: facts.JobStep) -> str:
    named = step.name or step.id or step.uses.partition("@")[0]
    return f"The step {named!r}" if named else "The step"


def _judged(
    condition: str, place: Place, what: str, does: Sequence[facts.JobStep], around: Sequence[facts.JobStep]
) -> Iterator[Verdict]:
    asked = _SUCCESS.match(condition)
    if asked is not None:
        lenient = [step for step in around if step.id == asked[1] and step.continue_on_error]
        if not lenient:
            return
    shown = " ".join(condition.split())
    ends = "a line end" if conditions.bare(condition.strip()) != condition.strip() else "text"
    ships = any(_ships(step) for step in does)
    unknown = any(step.uses and not _ci.is_plain(step.uses) for step in does)
    yield Finding(
        at=place,
        message=(
            f"{what} runs every time: its condition {shown!r} has {ends} outside of the braces, which makes all of it "
            "a text that is never empty, and so true."
        ),
        about=(shown,),
        severity=None if ships else Severity.MEDIUM,
        lowered="" if ships else "what its action does is not told" if unknown else "it deploys nothing itself",
    )


_DEPLOYS = re.compile(r"^\./\S*\bdeploy(?!ment)", re.IGNORECASE)
"""Actions of the tree that are there to deploy."""


def _ships(step: facts.JobStep) -> bool:
    if _DEPLOYS.match(step.uses):
        return True
    if step.uses.partition("@")[0].lower() in _ci.DEPLOY_ACTIONS or step.uses.startswith("docker/build-push-action@"):
        return True
    return any(
        _ci.deploys_by_itself(command) or re.match(r"(?:docker\s+push|terraform\s+(?:apply|destroy))\b", command.text)
        for command in _ci.commands(step)
    )
