"""A workflow that runs on pull requests, or on every branch, brings out what nobody has merged.

The job that deploys, moves ``latest`` or writes to the default branch has no condition on the branch: whoever pushes
last, to whatever branch, decides what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _runs
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
    conditions,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))

_OPEN = frozenset({"opened", "synchronize", "reopened", "ready_for_review", "edited", "labeled"})
_ON_PURPOSE = re.compile(
    r"(?:^|[-_./ ])(?:preview|pr|pull|ephemeral|sandbox|dev|development|staging|stage|test|tests|testing|qa|branch|"
    r"branches|review|nightly|devcontainer)(?:$|[-_./ ])",
    re.IGNORECASE,
)
_FOR_TRIAL = re.compile(r"(?:sandbox|dev|development|staging|stage|test|qa|preview|review)", re.IGNORECASE)
"""What a caller gives a reusable workflow that is not for production."""
_FEATURE = re.compile(r"^(?:feat|feature|features|fix|bugfix|chore|bug|user|users|dev|wip|patch|task)[-/*]|^\*", re.I)


def _may_come_unmerged(run: JobRun, pipeline: Pipeline) -> bool:
    """Whether events before a merge start the workflow, and the run brings something out."""
    return bool(_occasions(run)) and bool(_brings(run, pipeline))


def _brings(run: JobRun, pipeline: Pipeline) -> list[_runs.Brought]:
    names = [run.workflow.name, *(name for job in (*run.callers, run.job) for name in (job.id, job.name))]
    given = [pipeline.resolve(value).text or "" for value in run.inputs.values()]
    if any(_ON_PURPOSE.search(name.replace("_", "-")) for name in names) or any(map(_FOR_TRIAL.fullmatch, given)):
        return []
    value = pipeline.resolve(run.environment) if run.environment is not None else None
    if value is not None and value.text and _ON_PURPOSE.search(value.text):
        return []
    found = [one for one in _runs.brings(run, pipeline) if one.kind != "restart" and _runs.brings_own_commit(one)]
    return [one for one in found if not _ON_PURPOSE.search(one.image.rpartition(":")[0])]


def _occasions(run: JobRun) -> list[tuple[facts.WorkflowEvent, conditions.Occasion]]:
    """The events that start the workflow for a change that is not merged, each with an occasion of it."""
    found: list[tuple[facts.WorkflowEvent, conditions.Occasion]] = []
    for event in run.workflow.events:
        if event.event == "pull_request" and (not event.types or _OPEN & set(event.types)):
            found.append((event, _runs.PULL_REQUEST))
        elif event.event == "push":
            branch = _unmerged_branch(event)
            if branch:
                found.append((event, conditions.Occasion("push", f"refs/heads/{branch}")))
    return found


def _unmerged_branch(event: facts.WorkflowEvent) -> str:
    """A branch for changes that are not merged yet, a push to which starts the workflow; "" where there is none."""
    if not event.branches:
        branch = _runs.OTHER_BRANCH.branch
        return branch if _runs.takes_branch(event, branch) else ""
    if not any(_runs.takes_branch(event, main) for main in ("main", "master")):
        return ""  # its branches are another flow's, which the file does not tell
    for pattern in event.branches:
        if _FEATURE.match(pattern):
            branch = re.sub(r"\*+", "x", pattern)
            if _runs.takes_branch(event, branch):
                return branch
    return ""


@check.over(JobRun, where=_may_come_unmerged)
def find(run: JobRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each job that brings something out, in workflows that run before a merge, too."""
    doubt = False
    for event, occasion in _occasions(run):
        if _runs.ancestors_run(run, pipeline, occasion) is False:
            continue
        for brought in _brings(run, pipeline):
            happens = _runs.happens(run, brought, occasion)
            if happens is False:
                continue
            if (
                happens is None
                or _runs.ancestors_run(run, pipeline, occasion) is None
                or _runs.looks_at_branch(run, brought)
            ):
                doubt = True
                continue
            yield _finding(run, event, occasion, brought)
            return
    if doubt:
        yield Unjudged(run.place, "whether it does so before a merge is decided when it runs")


def _finding(run: JobRun, event: facts.WorkflowEvent, occasion: conditions.Occasion, brought: _runs.Brought) -> Finding:
    when = "on each pull request" if occasion.event == "pull_request" else "on a push to any branch"
    if event.branches and occasion.event == "push":
        when = f"on a push to a branch such as {occasion.branch!r}"
    does = {
        "image": f"pushes {brought.what}",
        "commit": f"runs {brought.what}",
        "deploy": f"deploys with {brought.what}",
        "infrastructure": f"applies infrastructure with {brought.what}",
    }[brought.kind]
    harm = {
        "image": "whoever runs that tag gets code that nobody has merged",
        "commit": "what comes of an unmerged branch is written to the default branch",
        "deploy": "code that nobody has merged goes live",
        "infrastructure": "a plan that nobody has merged is applied",
    }[brought.kind]
    because: list[tuple[Place, str]] = [(event.place, f"starts the workflow {when}")]
    if brought.place != run.place:
        because.append((brought.place, f"{brought.what} in job {run.job.id}"))
    image = brought.kind == "image"
    return Finding(
        at=run.place,
        message=f"Job {run.job.id!r} {does} {when}, without a condition on the branch: {harm}.",
        because=tuple(because),
        about=(brought.kind, occasion.event),
        severity=Severity.MEDIUM if image else None,
        lowered="it moves an image's tag; what runs that tag decides the harm" if image else "",
    )
