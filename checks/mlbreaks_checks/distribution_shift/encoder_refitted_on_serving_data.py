"""A loaded model is given rows that were encoded by what those rows happen to hold."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import called, tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Model, Pipeline, Place, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")

_LEARNS = frozenset({"scaler", "imputer", "vectorizer", "encoder", "projection", "dummies", "unknown"})


def _scores(scored: facts.Scored, pipeline: Pipeline) -> bool:
    return not tried_out(scored.path)


@check.over(facts.Scored, where=_scores)
def find(scored: facts.Scored, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Predictions of loaded models on rows that something was fitted on."""
    refitted = [touch for touch in scored.refitted if touch.kind in _LEARNS]
    if not refitted:
        return
    first = refitted[0]
    if first.kind == "dummies":
        what = "pandas.get_dummies makes the columns out of the values that this batch happens to have"
        if first.method == "drop_first":
            what += ", and drops the first of them, whichever that is today"
    else:
        name = called(first)
        what = f"{name[0].upper()}{name[1:]} is fitted anew on the rows that are to be scored"
    because: list[tuple[Place, str]] = [(scored.place, f"the loaded model's {scored.method} is given them here")]
    because += [(touch.place, f"{called(touch)} as well") for touch in refitted[1:]]
    because += _trained(scored, pipeline)
    yield Finding(
        at=first.place,
        message=f"{what}: the same row becomes something else in another batch, or in training.",
        because=tuple(because),
        about=(first.kind, first.by),
    )


def _trained(scored: facts.Scored, pipeline: Pipeline) -> list[tuple[Place, str]]:
    """Where the model that this file loads is saved, if that is one place."""
    for model in pipeline.index(Model, _loaders, each=True).get(scored.path, ()):
        saves = [a for a in model.accesses if a.mode != "load" and a.path != scored.path]
        if len(saves) == 1:
            return [(saves[0].place, "the model was trained and saved here")]
    return []


def _loaders(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(access.path for access in model.accesses if access.mode == "load"))
