"""Rows are copied or made up before the split, so that copies of one row are on both sides."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import called, is_train_name, tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")


def _concerns(split: facts.Split, pipeline: Pipeline) -> bool:
    return not tried_out(split.path) and not is_train_name(split.frame)


@check.over(facts.Split, where=_concerns)
def find(split: facts.Split, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Resamplings whose result is divided."""
    how = split.api.removeprefix("sklearn.model_selection.")
    for touch in split.touched:
        if touch.kind == "resampler":
            yield Finding(
                at=touch.place,
                message=f"{called(touch)} makes rows out of others before {how} divides them: rows that were made of "
                "one another stand on both sides, and the test asks for what was learned by heart.",
                because=((split.place, f"{how} divides them here"),),
                about=(touch.by,),
            )
            return
