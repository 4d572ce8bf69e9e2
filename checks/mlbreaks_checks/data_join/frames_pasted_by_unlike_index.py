"""Frames are put side by side by an index that means different rows in each of them."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")


def _elsewhere(pasted: facts.PastedRows, pipeline: Pipeline) -> bool:
    return not tried_out(pasted.path)


@check.over(facts.PastedRows, where=_elsewhere)
def find(pasted: facts.PastedRows, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Frames of which one counts from 0 and the other still has the numbers of rows among more."""
    if not pasted.certain:
        return
    yield Finding(
        at=pasted.place,
        message=f"concat(axis=1) joins by index: {pasted.fresh or 'one frame'} is numbered anew from 0, "
        f"{pasted.filtered or 'the other'} keeps the numbers that its rows had among more. Features are put beside the "
        "values of other rows, and where a number is missing beside nothing.",
        because=((pasted.by, "rows are taken out here, and keep their numbers"),),
        about=(pasted.fresh, pasted.filtered),
    )
