"""An image is tagged with `github.ref`, which has slashes in it, so that no image is built or pushed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Verdict, expr, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_TAGS = {"docker/build-push-action": ("tags",), "docker/bake-action": ("set",)}
_COMMAND = re.compile(
    r"\b(?:docker|podman|buildah|nerdctl)\s+(?:buildx\s+)?(?:build|tag|push|pull|run)\b[^\n;&|]*:[\"']?$"
)
_IN_LIST = re.compile(r"[\w}]:$")
_WHOLE = frozenset({"github.ref", "github.event.ref"})


def _names_images(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(True for _ in _tags(job))


@check.over(facts.WorkflowJob, where=_names_images)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the tags of build actions, and at commands that name an image."""
    for written, place, wanted in _tags(job):
        parts = written.parts if isinstance(written, expr.Concat) else (written,)
        before = ""
        for part in parts:
            if isinstance(part, expr.Literal):
                before += str(part.value)
                continue
            if isinstance(part, expr.Context) and part.name in _WHOLE and wanted.search(before):
                at = place  # of an input that of its name
                if wanted is _COMMAND and place.line is not None:
                    at = Place(place.path, place.line + before.count("\n"))
                yield Finding(
                    at=at,
                    message=f"${{{{ {part.name} }}}} is refs/heads/... or refs/tags/..., and a tag of an image has no "
                    f"slash: job {job.id!r} ends here, without an image. github.ref_name is the name alone.",
                    because=((job.place, f"job {job.id}"),),
                    about=(job.id, part.name),
                    group=job.identity,
                    note="and here",
                )
            before += "{*}"


def _tags(job: facts.WorkflowJob) -> Iterator[tuple[expr.Expr, Place, re.Pattern[str]]]:
    for step in job.steps:
        for given in step.inputs:
            if given.name in _TAGS.get(step.uses.partition("@")[0].lower(), ()):
                yield given.value, given.place, _IN_LIST
        if step.run is not None and step.run.shell is not None:
            yield step.run.shell, step.run.place, _COMMAND
