"""The test set is scaled or encoded by a fit of its own, and not by the one of the training set."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import called, is_test_name, is_train_name, tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_LEARNS = frozenset({"scaler", "imputer", "vectorizer", "encoder", "projection", "selection", "dummies", "unknown"})


def _learns(fitted: facts.Fitted, pipeline: Pipeline) -> bool:
    return fitted.touch.kind in _LEARNS and not tried_out(fitted.path)


@check.over(facts.Fitted, where=_learns)
def find(fitted: facts.Fitted, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Fits that see rows of a test set, where rows of the training set are fitted on as well."""
    test = next((use for use in fitted.uses if is_test_name(use.frame)), None)
    if test is None:
        return
    alike = pipeline.index(facts.Fitted, _kind_in_file)[_kind_in_file(fitted)]
    train = next((use for one in alike for use in one.uses if is_train_name(use.frame)), None)
    if train is None:
        return
    what = called(fitted.touch)
    because = [(train.place, "the training rows have a fit of their own here")]
    if fitted.place not in (test.place, train.place):
        because.append((fitted.place, f"{what} is fitted anew in each call"))
    yield Finding(
        at=test.place,
        message=f"{what} learns from the test rows ({test.frame}) what to make of them, instead of what the training "
        "rows taught it: equal values become other numbers, or other columns, and the test says nothing of the model.",
        because=tuple(because),
        about=(test.frame,),
    )


def _kind_in_file(fitted: facts.Fitted) -> tuple[str, str, str]:
    return (fitted.path, fitted.touch.kind, fitted.touch.by)
