"""What no file says is said."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_trial.reader import Never
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")


@check.over(Never)
def find(never: Never, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Never called."""
    yield Unjudged(never.place, "cannot be")
