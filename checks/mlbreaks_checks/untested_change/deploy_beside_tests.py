"""A deployment and the tests start side by side, in two workflows, on the same push

Nothing orders two workflows of one event: the deployment is done before the tests have failed. Only a rule of the
hosting service, which stands in no file, can have run them before the merge.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, conditions, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_OTHER_EVENT = re.compile(r"github\.event_name\s*==\s*'(?!push)")
_BYPASS = re.compile(r"\b(?:hotfix|rollback|emergency|docs?|documentation|pages|website)\b", re.IGNORECASE)


def _deploys_on_branch_push(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    event = _ci.on_push(workflow)
    if event is None or (event.tags and not event.branches) or _BYPASS.search(f"{workflow.name} {workflow.path}"):
        return False
    return bool(_deployments(workflow, pipeline))


@check.over(facts.Workflow, where=_deploys_on_branch_push)
def find(workflow: facts.Workflow, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each workflow that deploys, or pushes an image, on a push to a branch."""
    jobs = pipeline.index(facts.WorkflowJob, "workflow").get(workflow.identity, ())
    if any(_ci.tests_behind(job, pipeline) is not None for job in jobs):
        return
    # one that asks nobody first is the worst
    deployments = sorted(_deployments(workflow, pipeline), key=lambda pair: pair[0].environment is not None)
    unasked = [
        pair for pair in deployments if not any(map(_ci.waits_for_checks, (pair[0], *_ci.ancestors(pair[0], pipeline))))
    ]
    job, deploy = (unasked or deployments)[0]
    if not unasked:
        yield Unjudged(job.place, "it waits for other checks of the commit")
        return
    if any(True for one in jobs for _ in _ci.opaque(one, pipeline)):
        yield Unjudged(job.place, "one of its jobs may run tests that can't be seen")
        return
    event = _ci.on_push(workflow)
    for other in pipeline.all(facts.Workflow) if event is not None else ():
        same = _ci.on_push(other)
        if other is workflow or same is None or event is None:
            continue
        if not _share_a_branch(event, same) or not _share_a_path(event, same, pipeline):
            continue
        asks = job.environment is not None
        for tested, test in _ci.tested_jobs(other, pipeline):
            if tested.condition:
                continue
            yield Finding(
                at=job.place,
                message=(
                    f"Job {job.id!r} brings out {deploy.what} on the same push that starts the tests in "
                    f"{other.name or other.path!r}: two workflows of one event run side by side, and it is done "
                    "whether the tests pass or fail."
                ),
                because=(
                    (deploy.place, f"{deploy.what} is brought out here"),
                    (test.place, f"{tested.id} runs the tests, in a workflow of its own"),
                ),
                about=(other.path,),
                severity=Severity.LOW if asks else None,
                lowered="a person or a rule may have to let it into its environment" if asks else "",
            )
            return


def _deployments(workflow: facts.Workflow, pipeline: Pipeline) -> list[tuple[facts.WorkflowJob, _ci.Deploy]]:
    """The jobs of the workflow that deploy on a push, each with the first thing that it brings out."""
    found = []
    for job in pipeline.index(facts.WorkflowJob, "workflow").get(workflow.identity, ()):
        if _OTHER_EVENT.search(job.condition):
            continue
        # an image under a name of its own is not live before something runs it: that is another place's business
        deploys = [d for d in _ci.deploys(job, pipeline) if not d.image or d.moving]
        if deploys:
            found.append((job, deploys[0]))
    return found


def _share_a_branch(one: facts.WorkflowEvent, other: facts.WorkflowEvent) -> bool:
    """Whether a push to one of the usual default branches, or to a branch that both name, starts both."""
    names = {"main", "master", *one.branches, *other.branches}
    return any(_takes(one, name) and _takes(other, name) for name in names if not any(c in name for c in "*?!["))


def _share_a_path(one: facts.WorkflowEvent, other: facts.WorkflowEvent, pipeline: Pipeline) -> bool:
    """Whether a change of one file of the tree can start both. Most of it is decided by how the filters begin."""
    if not one.paths or not other.paths:
        return True
    mine, theirs = ([re.split(r"[*?\[]", p)[0] for p in e.paths if not p.startswith("!")] for e in (one, other))
    if not any(a.startswith(b) or b.startswith(a) for a in mine for b in theirs):
        return False
    return any(
        path.startswith(tuple(mine)) and conditions.matches(one.paths, path) and conditions.matches(other.paths, path)
        for path in pipeline.paths
    )


def _takes(event: facts.WorkflowEvent, branch: str) -> bool:
    if event.branches:
        return any(fnmatch.fnmatchcase(branch, pattern) for pattern in event.branches if not pattern.startswith("!"))
    if event.tags:
        return False
    return not any(fnmatch.fnmatchcase(branch, pattern) for pattern in event.branches_ignore)
