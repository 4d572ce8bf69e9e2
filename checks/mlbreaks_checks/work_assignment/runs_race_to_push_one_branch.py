"""Runs that overlap push what they made to one branch, and git takes the first push only.

A run works on the commit that started it. When another run, or a person, has pushed to the branch by the time it is
done, git rejects its push, since the branch has moved on.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))

_COMMITS = "stefanzweifel/git-auto-commit-action"
"""Commits, and pushes to the branch that is checked out; to pull is no aim of it (its README, "Limitations")."""
_ELSEWHERE = frozenset({"create_branch", "push_options"})
_MAIN = frozenset({"main", "master"})
_FORCED = re.compile(r"^(?:--force.*|-f|--tags|--follow-tags|--delete|-d|--mirror|--all|refs/tags/.*|\+.*)$")
_COMPUTED = re.compile(r"\{\*\}|\$\{?\w+\}?")
_BRINGS_UP_TO_DATE = frozenset({"clone", "pull", "rebase", "fetch", "merge", "reset"})
"""A clone is of this moment, too, and mostly of another repository."""
_TIDIES = re.compile(r"\bfmt\b|format|\blint|\bstyle\b|pre-commit|auto-?fix", re.IGNORECASE)
"""Words of commits that only rewrite how code looks: what they lose, the next run does again."""


@dataclasses.dataclass(frozen=True)
class _Push:
    place: Place
    known: bool = True  # whether the branch that it goes to can be told


def _pushes(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return _when(job, pipeline) is not None and _push(job, pipeline) is not None


@check.over(facts.WorkflowJob, where=_pushes)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each job that, on a push or by a schedule, commits something and pushes it to the branch it is on."""
    workflow, push, when = pipeline.one(facts.Workflow, job.workflow), _push(job, pipeline), _when(job, pipeline)
    if workflow is None or push is None or when is None or job.concurrency or workflow.concurrency:
        return
    if not push.known:
        yield Unjudged(push.place, "which branch it pushes to is decided when it runs")
        return
    event, why = when
    yield Finding(
        at=push.place,
        message=(
            f"Job {job.id!r} runs {why} and pushes what it made to the branch, as that was when the run started: if "
            "another run or a person has pushed meanwhile, git rejects it, the result of this run is lost, and the "
            "branch keeps the older one."
        ),
        because=((event, f"runs {why}, with no concurrency group"),),
        about=(job.id,),
    )


def _when(job: facts.WorkflowJob, pipeline: Pipeline) -> tuple[Place, str] | None:
    """The event that starts the job by itself while the branch may move, and words for it."""
    workflow = pipeline.one(facts.Workflow, job.workflow)
    for event in workflow.events if workflow is not None else ():
        if event.event == "schedule":
            return event.place, "by a schedule"
        if event.event == "push" and (event.branches or not event.tags):
            return event.place, "on each push"
    return None


def _push(job: facts.WorkflowJob, pipeline: Pipeline) -> _Push | None:
    """The step or command by which the job pushes a commit of its own to the branch that it is on, without a pull."""
    committed = False
    if job.contents in ("read", "none") and not _has_another_key(job):
        return None
    for step in _ci.steps_of(job, pipeline):
        if step.uses.partition("@")[0].lower() == _COMMITS:
            return _by_action(step)
        for command in _ci.commands(step):
            words = command.words
            if words[:1] != ("git",) or len(words) < 2:
                continue
            moves = words[1] in ("checkout", "switch") and len(words) > 2
            if words[1] in _BRINGS_UP_TO_DATE or moves:
                return None
            if words[1] == "commit":
                if _TIDIES.search(" ".join(words)):
                    return None
                committed = True
            if words[1] == "push" and committed:
                known = _goes_to_its_branch(words[2:])
                return None if known is False else _Push(command.place, known is True)
    return None


def _has_another_key(job: facts.WorkflowJob) -> bool:
    """Whether the checkout is given something else to push with than the token of the job."""
    return any(given.name in ("token", "ssh-key") for step in job.steps for given in step.inputs)


def _by_action(step: facts.JobStep) -> _Push | None:
    given = {variable.name: _ci.text_of(variable.value) for variable in step.inputs}
    if _ELSEWHERE & given.keys() or _TIDIES.search(given.get("commit_message", "")):
        return None
    branch = given.get("branch", "main")
    if branch not in _MAIN and not _COMPUTED.fullmatch(branch):
        return None
    return _Push(step.place, branch in _MAIN)


def _goes_to_its_branch(words: tuple[str, ...]) -> bool | None:
    """Whether ``git push`` with these words adds to the branch that the run started from, without force."""
    if any(_FORCED.match(word) for word in words):
        return False
    plain = [word for word in words if not word.startswith("-")]
    if plain and plain[0] != "origin" and "github.com" not in plain[0]:
        return False
    target = plain[1].rpartition(":")[2].removeprefix("refs/heads/") if len(plain) > 1 else ""
    if target in ("", "HEAD", *_MAIN):
        return True
    return None if _COMPUTED.fullmatch(target) else False
