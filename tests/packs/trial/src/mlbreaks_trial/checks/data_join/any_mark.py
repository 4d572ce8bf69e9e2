"""A mark is empty."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_trial.reader import Mark
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")


@check.over(Mark)
def find(mark: Mark, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Whether there is a word."""
    if not mark.word:
        yield Unjudged(mark.place, "empty")
