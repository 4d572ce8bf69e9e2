"""A step of a workflow takes a variable from `env` that nothing sets.

The context holds what the workflow, the job, the step and earlier steps have set, and nothing of the runner's own.
A name that is not there is an empty text: no error, but an argument, an image or a bucket with a hole in its name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlbreaks_checks import _variables
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))


def _reads_variables(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(read.of == "env" and read.step is not None for read in job.reads)


@check.over(facts.WorkflowJob, where=_reads_variables)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each expression of a step that is a variable and nothing else."""
    known = {variable.name.casefold() for variable in _variables.of_the_job(job, pipeline)}
    said: set[str] = set()
    for read in job.reads:
        name = read.name
        if read.of != "env" or read.step is None or name.casefold() in said:
            continue
        own = {variable.name.casefold() for s in job.steps if s.index == read.step for variable in s.variables}
        if name.casefold() in known | own:
            continue
        said.add(name.casefold())
        why, left = _variables.left_before(job, read.step, name)
        if why:
            yield Unjudged(read.place, why)
        elif not left:
            close = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
            hint = f"; the job has {close[0]!r}" if close else ""
            yield Finding(
                at=read.place,
                message=f"env.{name} is always empty: neither the workflow, nor job {job.id!r}, nor a step before sets "
                f"it{hint}.",
                because=((job.place, f"job {job.id}"),),
                about=(job.id, name),
                group=job.path,
                note=f"env.{name} is empty, too",
            )
