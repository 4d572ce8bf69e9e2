"""Two deploying runs of one workflow may overlap, and the older commit may finish last.

GitHub starts a run for each push and lets them run side by side, unless a concurrency group holds one back. Whichever
run comes last to the deployment decides what is live.
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
    conditions,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_OF_EACH_RUN = re.compile(
    r"github\.(?:run_id|run_number|run_attempt|sha|event\.head_commit\.id|event\.after)\b", re.IGNORECASE
)
_FOR_TESTS = re.compile(r"(?:^|[-_ ])(?:tests?|testing|e2e|integration|preview|smoke)(?:$|[-_ ])", re.IGNORECASE)
"""Names of jobs that deploy in order to test: to a place of their own, or to be taken down again."""
_ASKS_FIRST = re.compile(r"concurren|turnstyle|queue|mutex|semaphore|cancel-workflow|serial", re.IGNORECASE)


def _deploys_on_push(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    return bool(_deploying(workflow, pipeline))


@check.over(facts.Workflow, where=_deploys_on_push)
def find(workflow: facts.Workflow, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each workflow that deploys on a push to a branch."""
    for run, brought, happens in _deploying(workflow, pipeline):
        groups = [_of_a_push(group) for group in run.groups]
        if any(group and not _OF_EACH_RUN.search(group) for group in groups):
            continue
        if any(_ASKS_FIRST.search(f"{step.uses} {step.name}") for one in _line(run, pipeline) for step in one.steps):
            yield Unjudged(run.place, "something of its own keeps runs apart")
            return
        if _runs.is_self_hosted(run, pipeline):
            yield Unjudged(run.place, "its runner may take one job at a time")
            return
        if _on_many_branches(run, brought) and _runs.looks_at_branch(run, brought):
            yield Unjudged(run.place, "where it deploys to may depend on the branch")
            return
        if not happens:
            yield Unjudged(run.place, "whether it deploys on a push is decided when it runs")
            return
        yield _finding(run, brought, groups)
        return


def _deploying(workflow: facts.Workflow, pipeline: Pipeline) -> list[tuple[JobRun, _runs.Brought, bool]]:
    """The runs of the workflow that deploy on a push to a branch, and whether that is sure; the sure ones first."""
    event = _ci.on_push(workflow)
    if event is None:
        return []
    branch = next((b for b in ("main", "master", *event.branches) if _runs.takes_branch(event, b)), "")
    if not branch:
        return []
    occasion = conditions.Occasion("push", f"refs/heads/{branch}")
    found = []
    for run in pipeline.index(JobRun, _runs.started_by).get(workflow.path, ()):
        if _FOR_TESTS.search(f"{run.job.id} {run.job.name}"):
            continue
        for brought in _runs.brings(run, pipeline):
            if brought.kind != "deploy" or not _runs.brings_own_commit(brought):
                continue
            answers = (_runs.happens(run, brought, occasion), _runs.ancestors_run(run, pipeline, occasion))
            if False not in answers:
                found.append((run, brought, None not in answers))
                break
    return sorted(found, key=lambda one: not one[2])


def _on_many_branches(run: JobRun, brought: _runs.Brought) -> bool:
    """Whether pushes to more than one branch come to the deployment."""
    event = _ci.on_push(run.workflow)
    one = event is not None and len(event.branches) == 1 and not set("*?[+!") & set(event.branches[0])
    return not one and _runs.happens(run, brought, _runs.OTHER_BRANCH) is not False


def _line(run: JobRun, pipeline: Pipeline) -> list[facts.WorkflowJob]:
    return [run.job, *run.callers, *_ci.ancestors(run.job, pipeline)]


def _of_a_push(group: str) -> str:
    """The group as it is on a push: ``github.head_ref`` is empty there, and what stands behind ``||`` holds."""
    return re.sub(r"github\.head_ref\s*\|\|", "", group)


def _finding(run: JobRun, brought: _runs.Brought, groups: list[str]) -> Finding:
    job = run.job
    because: list[tuple[Place, str]] = [(brought.place, f"{brought.what} in job {job.id}")]
    why = "no concurrency group holds one back"
    if groups:
        why = f"its concurrency group {groups[-1].strip()!r} is another one in each run"
    return Finding(
        at=run.place,
        message=(
            f"Two pushes within minutes start two runs of {run.workflow.path.rpartition('/')[2]} side by side, {why}: "
            f"if job {job.id!r} of the older commit is the last to deploy, the older commit is live."
        ),
        because=tuple(because),
        about=("group" if groups else "",),
    )
