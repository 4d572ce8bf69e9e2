"""A step of a job asks for what a step leaves that has not run, or that the job does not have.

In GitHub's expressions a property that is not there is an empty text: a condition on it is decided the same way every
time, and an argument built from it is empty.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1")

_SEES_ALL_STEPS = frozenset({"outputs", "environment"})
"""Keys of a job that are worked out when its steps are done. The others can't name a step at all."""


def _asks(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    never = job.condition.strip().removeprefix("${{").removesuffix("}}").strip() == "false"
    return not never and any(read.of == "steps" for read in job.reads)


@check.over(facts.WorkflowJob, where=_asks)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each step that an expression of a job asks for."""
    first: dict[str, facts.JobStep] = {}
    for step in job.steps:
        if step.id:
            first.setdefault(step.id.casefold(), step)
    said: set[str] = set()
    for read in job.reads:
        name = read.name.casefold()
        if read.of != "steps" or name in said or (read.step is None and read.key not in _SEES_ALL_STEPS):
            continue
        step = first.get(name)
        if step is not None and (read.step is None or step.index < read.step):
            continue
        said.add(name)
        what = f"steps.{read.name}.{read.field}" if read.field else f"steps.{read.name}"
        because = [(job.place, f"job {job.id}")]
        if step is None:
            close = difflib.get_close_matches(name, list(first), n=1, cutoff=0.5)
            why = f"no step of job {job.id!r} has this id"
            because = [(first[near].place, f"step {first[near].id}") for near in close] or because
        elif step.index == read.step:
            why = "the step asks for its own, before it has run"
        else:
            why = "that step comes later"
            because = [(step.place, f"step {step.id}")]
        yield Finding(at=read.place, message=f"{what} is always empty: {why}.", because=tuple(because), about=(name,))
