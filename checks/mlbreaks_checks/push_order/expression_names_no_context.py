"""An expression of a workflow names what GitHub does not know there, so that the workflow does not run."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("wrong-environment", "untested-change"),
)


def _names_none(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(one.kind in ("name", "place") for one in job.misread)


@check.over(facts.WorkflowJob, where=_names_none)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the terms of each expression."""
    for one in job.misread:
        if one.kind == "number":
            continue
        known = one.kind == "place"
        yield Finding(
            at=one.place,
            message=(_misplaced(one) if known else _unknown(one))
            + ". GitHub refuses the whole workflow: none of its jobs runs.",
            because=((job.place, f"job {job.id}"),),
            about=(job.id, one.name),
            group=job.path,
            note=f"{one.name} is not known here, either" if known else f"{one.name} is none, either",
        )


def _misplaced(one: facts.Misread) -> str:
    hint = "; a variable of the environment can hold it, for the conditions of steps" if one.name == "secrets" else ""
    return f"The condition {one.text!r} asks for {one.name}, a context that an `if` does not have here{hint}"


def _unknown(one: facts.Misread) -> str:
    close = difflib.get_close_matches(one.name.lower(), facts.GITHUB_CONTEXTS, n=1, cutoff=0.6)
    hint = f"; {close[0]} is one" if close else f"; a text stands in single quotes: '{one.name}'"
    if one.name.isupper():
        hint = f"; secrets.{one.name}, vars.{one.name} or env.{one.name} may be meant"
    return f"${{{{ {one.text} }}}} names {one.name}, which is no context of GitHub{hint}"
