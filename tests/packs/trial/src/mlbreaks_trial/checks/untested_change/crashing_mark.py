"""A mark makes this check crash."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_trial.reader import Mark
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")


@check.over(Mark)
def find(mark: Mark, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Crashes at the word."""
    if mark.word == "crash":
        raise ValueError(mark.word)
    yield from ()
