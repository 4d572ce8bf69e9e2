"""A job deploys an image, or code, beside the job that pushes the image or migrates the database.

Jobs of a workflow run side by side unless ``needs`` orders them: which comes first is a matter of the runners' luck.
"""

from __future__ import annotations

import dataclasses
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
    expr,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_MIGRATES = re.compile(
    r"^(?:alembic\s+(?:-\S+\s+\S+\s+)*upgrade|flyway\s.*\bmigrate|feast\s+apply|atlas\s+migrate\s+apply|"
    r"(?:python\S*\s+)?\S*manage\.py\s+migrate|flask\s+db\s+upgrade|prisma\s+migrate\s+deploy|liquibase\s.*\bupdate)\b"
)
_LATER = re.compile(r"post|contract|backfill|clean|seed|test|check|verify", re.IGNORECASE)
"""Names of migrations that are meant to come after, or are a trial."""
_OCCASIONS = (
    conditions.Occasion("push", "refs/heads/main"),
    conditions.Occasion("push", "refs/heads/master"),
    conditions.Occasion("push", "refs/tags/v1.0.0"),
    conditions.Occasion("release", "refs/tags/v1.0.0"),
    conditions.Occasion("workflow_dispatch", "refs/heads/main"),
    conditions.Occasion("schedule", "refs/heads/main"),
    conditions.Occasion("workflow_run", "refs/heads/main"),
)


@dataclasses.dataclass(frozen=True)
class _Made:
    """Something that a deployment needs: by which run, *what*, and where."""

    run: JobRun
    what: str
    place: Place
    image: bool


def _may_need_another(run: JobRun, pipeline: Pipeline) -> bool:
    return bool(_deploys(run, pipeline)) and bool(_needed(run, pipeline))


def _deploys(run: JobRun, pipeline: Pipeline) -> list[_runs.Brought]:
    return [one for one in _runs.brings(run, pipeline) if one.kind == "deploy"]


@check.over(JobRun, where=_may_need_another)
def find(run: JobRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each job that deploys, in workflows of which another job pushes its image, or migrates."""
    deploy = _deploys(run, pipeline)[0]
    for made in _needed(run, pipeline):
        if made.run.job.step in pipeline.order.before(run.job.step):
            continue
        together = _together(run, made.run)
        if together is False:
            continue
        if together is None:
            yield Unjudged(run.place, "whether both run on one event is decided when they run")
            return
        after = run.job.step in pipeline.order.before(made.run.job.step)
        if after and (not made.image and _LATER.search(f"{made.run.job.id} {made.run.job.name}")):
            continue
        yield _finding(run, deploy, made, after=after)
        return


def _finding(run: JobRun, deploy: _runs.Brought, made: _Made, *, after: bool) -> Finding:
    other = made.run.job
    how = f"runs before job {other.id!r}" if after else f"does not wait for job {other.id!r}"
    harm = "what it asks for may not be there, or be the one of the last time"
    if not made.image:
        harm = "new code may meet the old tables"
    return Finding(
        at=run.place,
        message=f"Job {run.job.id!r} deploys with {deploy.what} and {how}, which {made.what}: {harm}.",
        because=((deploy.place, f"{deploy.what} in job {run.job.id}"), (made.place, f"job {other.id} {made.what}")),
        about=(other.id,),
        confidence=None if made.image else Confidence.LOW if after else None,
        lowered="it may be meant to come after" if after and not made.image else "",
    )


def _needed(run: JobRun, pipeline: Pipeline) -> list[_Made]:
    """What other jobs of the same workflow make that the run's deployment needs."""
    words = _words(run, pipeline)
    found: list[_Made] = []
    for other in pipeline.index(JobRun, _runs.started_by).get(run.workflow.path, ()):
        if other.job.workflow != run.job.workflow or other.callers != run.callers or other.job is run.job:
            continue
        for build in pipeline.index(facts.ImageBuild, "owner").get(other.job.step, ()):
            for name in _names(build, other, pipeline) if build.pushes else ():
                if any(_names_image(word, name) for word in words):
                    found.append(_Made(other, f"pushes the image {name}", build.place, True))
                    break
        for step in other.steps:
            for command in _ci.commands(step):
                if _MIGRATES.match(command.text) and not _ci.works_locally(other.steps):
                    found.append(_Made(other, f"runs `{' '.join(command.words[:3])}`", command.place, False))
    return found if any(one.image for one in found) or len(_all_deploying(run, pipeline)) == 1 else []


def _names_image(text: str, name: str) -> bool:
    """Whether a text names an image by the last part of its name: behind a slash, or with a tag or digest."""
    if name not in text:
        return False
    last = re.escape(name)
    return re.search(rf"/{last}(?=[:@\"'\s,]|$)|(?<![\w./-]){last}[:@]\S", text) is not None


def _all_deploying(run: JobRun, pipeline: Pipeline) -> list[JobRun]:
    """The runs of the workflow that deploy: with more than one, which of them a migration is for can't be told."""
    others = pipeline.index(JobRun, _runs.started_by).get(run.workflow.path, ())
    return [one for one in others if _deploys(one, pipeline)]


def _words(run: JobRun, pipeline: Pipeline) -> list[str]:
    """The texts of the steps that deploy, variables filled in."""
    texts: list[str] = []
    for brought in _deploys(run, pipeline):
        step = brought.step
        written: list[expr.Expr | None] = [one.value for one in step.inputs]
        if step.run is not None:
            written.append(step.run.shell)
        for one in written:
            if one is not None:
                texts.append(pipeline.pattern(_runs.with_variables(one, run, step, pipeline)))
    return texts


def _names(build: facts.ImageBuild, run: JobRun, pipeline: Pipeline) -> Iterator[str]:
    """The last parts of the names under which an image is pushed, where they say something."""
    step = run.steps[0] if run.steps else None
    for image in build.images:
        text = pipeline.pattern(_runs.with_variables(image, run, step, pipeline) if step is not None else image)
        name = references.split_reference(text).repository.rpartition("/")[2]
        if len(name) > 3 and "{*}" not in name:
            yield name


def _together(run: JobRun, other: JobRun) -> bool | None:
    """Whether one event comes to both jobs: None where that can't be told."""
    unsure = False
    for occasion in _OCCASIONS:
        event = _runs.event(run, occasion.event)
        if event is None or (occasion.event == "push" and not _takes(event, occasion)):
            continue
        answers = [conditions.holds(text, occasion) for text in (*run.conditions, *other.conditions)]
        if False in answers:
            continue
        if None not in answers:
            return True
        unsure = True
    return None if unsure else False


def _takes(event: facts.WorkflowEvent, occasion: conditions.Occasion) -> bool:
    if occasion.ref.startswith("refs/tags/"):
        return bool(event.tags)
    return _runs.takes_branch(event, occasion.branch)
