"""A version of a workflow stands without quotes, is read as a number, and loses its last zero."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))


def _names_a_number(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(one.kind == "number" for one in job.misread)


@check.over(facts.WorkflowJob, where=_names_a_number)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at inputs, variables and dimensions whose name speaks of a version."""
    for one in job.misread:
        if one.kind == "number":
            read = one.text.rstrip("0")
            yield Finding(
                at=one.place,
                message=f"{one.name}: {one.text} is a number to YAML, so that job {job.id!r} gets version {read}, "
                f"which is another one than {one.text}, or none at all.",
                because=((job.place, f"job {job.id}"),),
                about=(job.id, one.name, one.text),
                group=job.path,
                note=f"{one.text} is read as {read} here, too",
            )
