"""A mark says how bad it is."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_trial.reader import Mark
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", also=("client-assumption",))

LEVELS = {"high": Severity.HIGH, "medium": Severity.MEDIUM, "low": Severity.LOW}


@check.over(Mark)
def find(mark: Mark, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """What the mark says."""
    if mark.word in LEVELS:
        because = ((mark.place, "here it is said"),)
        yield Finding(at=mark.place, message=f"This is {mark.word}.", because=because, severity=LEVELS[mark.word])
