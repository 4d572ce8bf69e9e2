"""What is learned from all rows, the test rows among them, is learned before they are split."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import called, is_train_name, keeps_results, tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1")

_MILD = frozenset({"scaler", "imputer", "unknown"})
"""Kinds whose leak moves a metric by next to nothing (https://arxiv.org/abs/2604.04199), or can't be told."""

_LEAKS = frozenset({"projection", "selection", "vectorizer", *_MILD})


_WHY = {
    "scaler": "a scaler's leak is small",
    "imputer": "an imputer's leak is small",
    "unknown": "what it learns can't be told",
}


def _concerns(split: facts.Split, pipeline: Pipeline) -> bool:
    return not tried_out(split.path) and keeps_results(pipeline, split.path) and not is_train_name(split.frame)


@check.over(facts.Split, where=_concerns)
def find(split: facts.Split, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Fits that saw the rows before they were divided."""
    leaks = [touch for touch in split.touched if touch.kind in _LEAKS]
    if not leaks:
        return
    first = min(leaks, key=lambda touch: (touch.kind in _MILD, touch.place.sort_key))
    mild = first.kind in _MILD
    rows = f"{split.frame!r}" if split.frame else "the rows"
    how = split.api.removeprefix("sklearn.model_selection.")
    yield Finding(
        at=first.place,
        message=f"{called(first)} is fitted on all of {rows}, which {how} divides into train and test only afterwards: "
        "the test rows have shaped the features that the model is tested on.",
        because=(
            (split.place, f"{how} divides them here"),
            *((t.place, f"{called(t)} saw them all as well") for t in leaks if t is not first),
        ),
        about=(first.kind,),
        severity=Severity.LOW if mild else None,
        lowered=_WHY[first.kind] if mild else "",
    )
