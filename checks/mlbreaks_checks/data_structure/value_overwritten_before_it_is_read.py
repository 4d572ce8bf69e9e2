"""A branch gives a name a value, and the next line that has the name gives it another one in each case."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("process-orchestration", "hyperparameter"),
)


def _is_run(value: facts.OverwrittenValue, pipeline: Pipeline) -> bool:
    return not tried_out(value.path)


@check.over(facts.OverwrittenValue, where=_is_run)
def find(value: facts.OverwrittenValue, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at plain names in functions; those of one function are told at once."""
    yield Finding(
        at=value.place,
        message=f"{value.name} is set here where `{value.condition}` decides so, and line {value.by.line} gives it "
        "another value before anything reads it: the condition makes no difference to it.",
        because=((value.by, f"{value.name} is replaced here in each case"),),
        about=(value.scope, value.name),
        group=f"{value.path}#{value.scope}",
        note=f"{value.name} is replaced unread, too",
    )
