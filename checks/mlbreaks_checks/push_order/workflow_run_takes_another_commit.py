"""A workflow that follows another one ships the newest commit, not the one that was tested.

On ``workflow_run``, ``github.sha`` and a checkout without ``ref`` are the head of the default branch at that moment,
whatever commit the workflow before it ran on.
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
    expr,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_CHECKOUT = "a checkout without `ref`"
_TESTED = re.compile(r"workflow_run\.(?:head_sha|head_commit\.id|head_branch)|workflow_run\.id|\bpull_requests\b")
_SHA_IN_SHELL = re.compile(r"\$\{?GITHUB_SHA\b")
_NOTED = re.compile(r"(?:appsettings set|set env|--(?:set|update)-env-vars|--env)\b[^|;]*\b\w+=[\"']?$")
"""What comes before a commit's name that is only noted in a setting of what runs."""
_DOWNLOADS = re.compile(r"download-artifact|dawidd6/action-download", re.IGNORECASE)
_FROM_CHECKOUT = re.compile(
    r"^(?:kubectl\s.*(?:apply|replace)\b|oc\s.*(?:apply|replace)\b|helm\b|helmfile\b|terraform\b|tofu\b|sam\b|cdk\b|"
    r"serverless\b|sls\b|databricks\b|docker\s+(?:build|buildx)\b|git\s+push\b|dvc\b|(?:aws\s+s3|gsutil)\b|.*\s--source\b|"
    r"gcloud\s.*(?:app|functions)\s+deploy\b|(?:modal|prefect|astro|bentoml|fly|flyctl|firebase|chalice|zappa|eb)\b)"
)
"""Commands that deploy what stands in the working directory, and not an image that was built before."""
_SHIPS = re.compile(r"^docker\s+(?:pull|push)\b|^dvc\s+(?:push|repro)\b")


def _follows_another(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    """Whether only another workflow's end, or a hand, starts the workflow, and it ships something."""
    events = {event.event for event in workflow.events}
    if "workflow_run" not in events or not events <= {"workflow_run", "workflow_dispatch"}:
        return False
    return any(_ships(run, pipeline) is not None for run in _runs_of(workflow, pipeline))


def _runs_of(workflow: facts.Workflow, pipeline: Pipeline) -> tuple[JobRun, ...]:
    return pipeline.index(JobRun, _runs.started_by).get(workflow.path, ())


@check.over(facts.Workflow, where=_follows_another)
def find(workflow: facts.Workflow, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each workflow that ships something when another workflow has ended."""
    for run in _runs_of(workflow, pipeline):
        shipped = _ships(run, pipeline)
        if shipped is None:
            continue
        if any(_TESTED.search(text) for step in run.steps for text in _texts(step)):
            continue
        if any("head_sha" in condition for condition in run.conditions):
            continue
        taken = _takes_head(run)
        if taken is not None and taken[1] == _CHECKOUT and not _ships_checkout(run, pipeline):
            continue
        if taken is None:
            yield Unjudged(run.place, "where it takes the code from can't be told")
            continue
        yield _finding(run, shipped, taken, pipeline)
        return


def _texts(step: facts.JobStep) -> Iterator[str]:
    """All that the step is told, with what it asks of GitHub by name."""
    pending: list[expr.Expr | None] = [one.value for one in (*step.inputs, *step.variables)]
    if step.run is not None:
        pending.append(step.run.shell)
    while pending:
        one = pending.pop()
        if isinstance(one, expr.Context):
            yield one.name
        elif isinstance(one, expr.Literal):
            yield str(one.value)
        elif isinstance(one, expr.Concat):
            pending.extend(one.parts)
        elif isinstance(one, expr.Choice):
            pending.extend(one.options)


def _ships(run: JobRun, pipeline: Pipeline) -> tuple[str, Place] | None:
    """The first thing that the run brings out, by its name and place."""
    if _ci.works_locally(run.steps):
        return None
    for brought in _runs.brings(run, pipeline):
        return brought.what, brought.place
    for build in pipeline.index(facts.ImageBuild, "owner").get(run.job.step, ()):
        if build.pushes:
            return "a pushed image", build.place
    for step in run.steps:
        for command in _ci.commands(step):
            if _SHIPS.match(command.text):
                return f"`{' '.join(command.words[:2])}`", command.place
    return None


def _only_notes(step: facts.JobStep) -> bool:
    """Whether the step only writes the commit's name into a setting."""
    shell = step.run.shell if step.run is not None else None
    if not isinstance(shell, expr.Concat):
        return False
    before = ""
    noted = []
    for part in shell.parts:
        if isinstance(part, expr.Context) and part.name == "github.sha":
            noted.append(_NOTED.search(before.replace("\\\n", " ").rpartition("\n")[2]) is not None)
        before += str(part.value) if isinstance(part, expr.Literal) else "{*}"
    return bool(noted) and all(noted)


def _takes_head(run: JobRun) -> tuple[Place, str] | None:
    """Where the run takes what is newest, and by what: the commit's name, or a checkout. None where neither is seen."""
    for step in run.steps:
        if not _only_notes(step) and any(text == "github.sha" or _SHA_IN_SHELL.search(text) for text in _texts(step)):
            return step.place, "github.sha"
    if any(_DOWNLOADS.search(step.uses) for step in run.steps):
        return None
    for step in run.steps:
        if step.uses.startswith("actions/checkout@"):
            given = {one.name.lower() for one in step.inputs}
            return None if given & {"ref", "repository"} else (step.place, _CHECKOUT)
    return None


def _ships_checkout(run: JobRun, pipeline: Pipeline) -> bool:
    """Whether what the run brings out is made of its checkout."""
    if pipeline.index(facts.ImageBuild, "owner").get(run.job.step, ()):
        return True
    return any(_FROM_CHECKOUT.match(command.text) for step in run.steps for command in _ci.commands(step))


def _finding(run: JobRun, shipped: tuple[str, Place], taken: tuple[Place, str], pipeline: Pipeline) -> Finding:
    event = _runs.event(run, "workflow_run")
    names = event.workflows if event is not None else ()
    name = names[0] if names else "?"
    because: list[tuple[Place, str]] = [(taken[0], f"{taken[1]}: the head of the default branch when this starts")]
    if shipped[1] != taken[0]:
        because.append((shipped[1], f"{shipped[0]} in job {run.job.id}"))
    before = next((one for one in pipeline.all(facts.Workflow) if one.name == name), None)
    pulls = before is not None and any(one.event == "pull_request" for one in before.events)
    if before is not None:
        because.append((before.place, f"{name!r} runs on a commit of its own"))
    if event is not None and event.branches:
        pulls = False
    also = " It also runs after pull requests, whose commit is not the head either." if pulls else ""
    return Finding(
        at=run.place,
        message=(
            f"Job {run.job.id!r} starts when {name!r} has ended, and ships what {taken[1]} stands for: the newest "
            f"commit of the default branch, which need not be the one that {name!r} ran on.{also}"
        ),
        because=tuple(because),
        about=(name,),
    )
