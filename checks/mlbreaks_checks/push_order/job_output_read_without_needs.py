"""A job reads the outputs of a job that it does not need.

GitHub fills ``needs`` with the jobs that are listed under the job's own ``needs`` and with no other. What is asked of any
other job is an empty text, no error is raised, and nothing makes this job wait for that one.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")


def _asks(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(read.of == "needs" for read in job.reads) and not _never_runs(job)


def _never_runs(job: facts.WorkflowJob) -> bool:
    return job.condition.strip().removeprefix("${{").removesuffix("}}").strip() == "false"


@check.over(facts.WorkflowJob, where=_asks)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each other job whose outputs or result a job asks for."""
    needed = {need.casefold() for need in job.needs}
    asked: dict[str, facts.ContextRead] = {}
    for read in job.reads:
        if read.of == "needs" and read.name.casefold() not in needed:
            asked.setdefault(read.name.casefold(), read)
    others = {other.id.casefold(): other for other in pipeline.index(facts.WorkflowJob, "workflow")[job.workflow]}
    for name, read in asked.items():
        other = others.get(name)
        what = f"needs.{read.name}.{read.field}" if read.field else f"needs.{read.name}"
        if other is None:
            why = "is no job of this workflow"
            because = ((job.place, f"needs {', '.join(job.needs)}" if job.needs else "needs no job"),)
        elif pipeline.order.before(job.step) >= {other.step}:
            why = f"runs before it but does not stand under the needs of {job.id!r} itself"
            because = ((other.place, f"job {other.id}, needed only by way of another"),)
        else:
            why = f"does not stand under its needs: {job.id!r} does not wait for it either"
            because = ((other.place, f"job {other.id}"),)
        yield Finding(
            at=read.place,
            message=f"{what} is always empty in job {job.id!r}: {read.name!r} {why}.",
            because=because,
            about=(name,),
        )
