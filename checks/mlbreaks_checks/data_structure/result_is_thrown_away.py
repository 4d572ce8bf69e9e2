"""A call makes a changed copy, or an object to act with, and nothing takes it.

The frame, the array, or the server stays as it was, and no error says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("process-orchestration",),
)


def _is_run(dropped: facts.DroppedResult, pipeline: Pipeline) -> bool:
    return not tried_out(dropped.path)


@check.over(facts.DroppedResult, where=_is_run)
def find(dropped: facts.DroppedResult, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Looks at calls that are a statement of their own; those of one file are told at once."""
    if dropped.tried:
        yield Unjudged(dropped.place, "the call may be made to see whether it fails")
        return
    if dropped.method and dropped.api in pipeline.index(facts.Function, _method) and not dropped.sure:
        yield Unjudged(dropped.place, "code of the repository has a method of that name")
        return
    yield Finding(
        at=dropped.place,
        message=f"{dropped.written}() {_effect(dropped)}; nothing takes it, so that this line does nothing.",
        about=(dropped.scope, dropped.written),
        group=dropped.path,
        note=f"nor does anything take what {dropped.written}() makes",
    )


def _effect(dropped: facts.DroppedResult) -> str:
    if dropped.api.endswith("build_from_flow"):
        return "makes a deployment and does not apply it"
    return "makes a changed copy, and what it is called on stays as it was" if dropped.method else "makes a new object"


def _method(function: facts.Function) -> str | None:
    owner, _, name = function.name.rpartition(".")
    return name if owner else None
