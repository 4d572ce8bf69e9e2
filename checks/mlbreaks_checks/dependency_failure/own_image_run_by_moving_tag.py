"""A workload runs our own image by a tag that CI moves with every push.

Each new pod pulls what was pushed last: the code changes without a deployment, and replicas of one service may run
different code.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    expr,
    facts,
    references,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

_RUNS_TO_AN_END = frozenset({"Job", "CronJob"})
_DEPLOYING = re.compile(r"deploy|release|rollout|promote|update|upgrade|(?:^|[-_/. ])cd(?:$|[-_/. ])", re.IGNORECASE)
_BY_NAME = "(deploys)"
_PROGRAM_FILES = {"make": "Makefile", "gmake": "Makefile", "just": "justfile"}
_IMAGE_UPDATER = re.compile(r"argocd-image-updater|keel\.sh|fluxcd|image-automation|flux\.weave\.works/automated")
_NOT_ON_BRANCHES = re.compile(r"refs/tags|event_name\s*==\s*'(?!push)|github\.event\.release")


@dataclasses.dataclass(frozen=True)
class _Push:
    """An image pushed under a tag, by a job that pushes to a branch set off."""

    build: facts.ImageBuild
    job: facts.WorkflowJob
    repository: str
    tag: str


def _runs_a_tag(process: Process, pipeline: Pipeline) -> bool:
    """Whether the process runs an image that CI of the tree pushes, by a tag, somewhere that may be production."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.build or container.image is None:
        return False
    if process.environment.tier is Tier.NONPROD or (process.workload is not None and process.workload.kind == "Job"):
        return False  # a Job runs once, and what is newest is what it is made for
    reference = references.split_reference(pipeline.pattern(container.image, process))
    return not reference.digest and bool(_pushes(reference, pipeline))


@check.over(Process, where=_runs_a_tag)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose image CI of the same tree pushes."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    reference = references.split_reference(pipeline.pattern(container.image, process))
    tag = reference.tag or "latest"
    pushes = _pushes(reference, pipeline)
    moved = [push for push in pushes if push.tag == tag]
    if "{*}" in tag:
        yield Unjudged(process.place, "the tag that it runs can't be told")
        return
    if not moved:
        if any("{*}" in push.tag for push in pushes):
            yield Unjudged(pushes[0].build.place, "the tag that CI pushes is worked out when it runs")
        return
    how = _pulled_anew(process, container, tag)
    if not how:
        return
    doubt = _tag_replaced(process, pipeline)
    if doubt is None:
        return
    if doubt:
        yield Unjudged(process.place, doubt)
        return
    yield _finding(process, container, f"{reference.repository}:{tag}", moved[0], how)


def _finding(process: Process, container: facts.Container, image: str, push: _Push, how: str) -> Finding:
    workload = process.workload
    kind = f"{workload.kind} {workload.name}" if workload is not None else f"Service {process.name}"
    runs_to_an_end = workload is not None and workload.kind in _RUNS_TO_AN_END
    because: list[tuple[Place, str]] = [
        (push.build.place, f"job {push.job.id} pushes {image} on each push to a branch")
    ]
    if workload is not None and isinstance(workload.schedule, expr.Literal):
        because.append((workload.place, f"it runs at {workload.schedule.value!r}"))
    when = "each run" if runs_to_an_end else "each pod that starts"
    return Finding(
        at=container.place,
        message=(
            f"{kind} runs {image}, which CI overwrites on every push, and {how}: {when} takes the code that was pushed "
            "last, without a deployment, and a rollback of the manifest brings nothing back."
        ),
        because=tuple(because),
        about=(image,),
        severity=None if runs_to_an_end else Severity.MEDIUM,
        lowered="" if runs_to_an_end else "running pods keep their code until they are replaced",
        group="tags",
        note=f"{kind} runs {image} in the same way",
    )


# -------------------------------------------------------------------------------------------- what CI pushes


def _pushes(reference: references.Reference, pipeline: Pipeline) -> list[_Push]:
    """What CI of the tree pushes, on pushes to a branch, into the repository of *reference*."""
    found: list[_Push] = []
    builds = pipeline.index(facts.ImageBuild, _names, each=True)
    candidates = (*builds.get(reference.repository.rpartition("/")[2], ()), *builds.get("{*}", ()))
    for build in candidates:
        job = next(iter(pipeline.index(facts.WorkflowJob, "step").get(build.owner, ())), None)
        if job is None or not _on_branches(job, pipeline) or _NOT_ON_BRANCHES.search(_condition_at(job, build.place)):
            continue
        process = pipeline.one(Process, f"process:{job.step}")
        for image in build.images:
            pushed = references.split_reference(pipeline.pattern(image, process))
            if references.same_repository(pushed.repository, reference.repository):
                found.append(_Push(build, job, pushed.repository, pushed.tag or "latest"))
    return found


def _names(build: facts.ImageBuild) -> set[str]:
    """The last parts of the names that a build pushes, ``{*}`` for one that only its job's variables tell."""
    if not build.pushes:
        return set()
    names = (references.split_reference(_ci.text_of(image)).repository.rpartition("/")[2] for image in build.images)
    return {"{*}" if "{*}" in name else name for name in names}


def _on_branches(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    """Whether a push to a branch sets the job off."""
    workflow = _ci.workflow_of(job, pipeline)
    event = _ci.on_push(workflow) if workflow is not None else None
    if event is None or _NOT_ON_BRANCHES.search(job.condition):
        return False
    return bool(event.branches or event.branches_ignore or not event.tags)


def _condition_at(job: facts.WorkflowJob, place: Place) -> str:
    """The condition of the step that stands at *place*."""
    before = [step for step in job.steps if (step.place.line or 0) <= (place.line or 0)]
    return before[-1].condition if before else ""


# --------------------------------------------------------------------------------------------- what is pulled


def _pulled_anew(process: Process, container: facts.Container, tag: str) -> str:
    """Why a new container takes the image that was pushed last, as a phrase; "" where it need not."""
    policy = container.pull_policy
    if container.tool == "compose":
        return f"`pull_policy: {policy}` pulls it anew" if policy in ("always", "daily", "weekly") else ""
    if policy == "Always":
        return "`imagePullPolicy: Always` pulls it anew"
    if not policy and tag == "latest":
        return "a tag `latest` without a pull policy is pulled anew"
    return ""


def _tag_replaced(process: Process, pipeline: Pipeline) -> str | None:
    """None where something puts another tag into the manifest before it is applied; why something may, or ""."""
    workload = process.workload
    marks = (*workload.annotations, *workload.pod_annotations) if workload is not None else ()
    if any(_IMAGE_UPDATER.search(f"{mark.key} {mark.value}") for mark in marks):
        return None
    replaced = _manifests.images_replaced(pipeline)
    if replaced == "does":
        return None
    if replaced == "may":
        return "a command of CI may put another tag into the manifest"
    called = pipeline.index(facts.WorkflowJob, _scripts_called, each=True)
    if _BY_NAME in called or any(
        restart.path.rpartition("/")[2] in called for restart in pipeline.all(facts.PodRestart)
    ):
        return "a script that CI deploys with may put another tag into the manifest"
    if process.workload is not None and process.workload.tool == "kubernetes":
        for name in ("kustomization.yaml", "kustomization.yml"):
            if pipeline.paths_named(name):
                return "a kustomization may put another tag into the manifest"
    return ""


def _scripts_called(job: facts.WorkflowJob) -> set[str]:
    """The last names of the scripts and Makefiles that a job calls; `_BY_NAME` too where it deploys with one, as the
    job's other commands, its name or the script's tell."""
    found: set[str] = set()
    deploys = bool(_DEPLOYING.search(f"{job.id} {job.name}"))
    for step in job.steps:
        for command in _ci.commands(step):
            deploys = deploys or _ci.deploys_by_itself(command)
            script = _script(command.words)
            if script:
                found.add(script)
                deploys = deploys or bool(_DEPLOYING.search(command.text))
        if step.uses.startswith("./"):
            found.add(step.uses.rpartition("/")[2])
            deploys = deploys or bool(_DEPLOYING.search(step.uses))
    return found | {_BY_NAME} if found and deploys else found


def _script(words: tuple[str, ...]) -> str:
    """The last name of the script or Makefile that a command runs, else ""."""
    program = words[0].rpartition("/")[2]
    if program in _PROGRAM_FILES:
        return _PROGRAM_FILES[program]
    if program in ("bash", "sh", "zsh", "source", ".") or program.startswith("python"):
        named = next((word for word in words[1:] if not word.startswith("-")), "")
        return named.rpartition("/")[2] if named.endswith((".sh", ".bash", ".py")) else ""
    return program if words[0].startswith(("./", "../")) or program.endswith((".sh", ".bash")) else ""
