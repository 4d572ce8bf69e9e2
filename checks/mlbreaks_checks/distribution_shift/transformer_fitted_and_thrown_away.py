"""A transformer is fitted, and nothing keeps it: nobody can do the same to other rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._rows import called, is_called, keeps_results, tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Model, Pipeline, Place, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.LOW, since="0.1")

_LEARNS = frozenset({"scaler", "imputer", "vectorizer", "encoder", "projection"})
_LOOKS = re.compile(r"eval|plot|metric|visual|figure|chart|explor|drift|monitor|report|select|cluster|rank|score", re.I)


def _goes_on(fitted: facts.Fitted, pipeline: Pipeline) -> bool:
    if fitted.touch.kind not in _LEARNS or fitted.labels or not fitted.feeds or tried_out(fitted.path):
        return False
    if fitted.feeds == "return":
        name = fitted.path.rpartition("/")[2]
        looks = _LOOKS.search(name) or _LOOKS.search(fitted.scope)
        called_by_dbt = fitted.scope == "model"  # https://docs.getdbt.com/docs/build/python-models
        return not looks and (called_by_dbt or is_called(fitted.path, fitted.scope, pipeline))
    return keeps_results(pipeline, fitted.path)


@check.over(facts.Fitted, where=_goes_on)
def find(fitted: facts.Fitted, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Fitted objects that nothing holds when their function ends, the first of each function."""
    scored = pipeline.index(facts.Scored, "path").get(fitted.path, ())
    if fitted.touch.kept or any(fitted.touch in one.refitted for one in scored):
        return  # what is fitted on rows to be scored is encoder-refitted-on-serving-data
    others = pipeline.index(facts.Fitted, _function)[_function(fitted)]
    lost = [one for one in others if not one.touch.kept and _goes_on(one, pipeline)]
    if lost[0] is not fitted:
        return  # told with the first
    touch = fitted.touch
    returned = fitted.feeds == "return"
    if returned and touch.kind == "projection" and all(one.touch.kind == "projection" for one in lost):
        yield Unjudged(touch.place, "it may lay out all rows that there are")
        return
    if returned and touch.shared:
        yield Unjudged(touch.place, "other rows are transformed beside it, which may be all that there are")
        return
    where = f"{fitted.scope}()" if fitted.scope else "the notebook" if fitted.path.endswith(".ipynb") else "the script"
    names = ", ".join(dict.fromkeys(called(one.touch) for one in lost))
    because: list[tuple[Place, str]] = [(one.place, f"{called(one.touch)} is lost as well") for one in lost[1:]]
    if fitted.fed is not None:
        because.append((fitted.fed, _WHERE[fitted.feeds]))
    because += _loaded(fitted.path, pipeline)
    yield Finding(
        at=touch.place,
        message=f"{names} is fitted here and kept nowhere: what it learned ends with {where}, and no other row can be "
        "transformed the way that these were. A later run, or the code that serves, can only fit anew, on other rows.",
        because=tuple(because),
        about=(touch.by,),
        confidence=Confidence.MEDIUM if returned else None,
        lowered="the rows go to a caller, whose use of them is not followed" if returned else "",
    )


_WHERE = {
    "split": "the transformed rows are divided for training here",
    "fit": "an estimator is fitted on the transformed rows here",
    "write": "the transformed rows are written here",
    "return": "the transformed rows are returned here, without it",
    "": "",
}


def _loaded(path: str, pipeline: Pipeline) -> list[tuple[Place, str]]:
    """The first other file that loads a model that the file *path* saves."""
    for model in pipeline.index(Model, _savers, each=True).get(path, ()):
        for access in model.accesses:
            if access.mode == "load" and access.path != path and not access.path.endswith(".ipynb"):
                return [(access.place, "the model is loaded here, and can't be given such rows")]
    return []


def _savers(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(access.path for access in model.accesses if access.mode != "load"))


def _function(fitted: facts.Fitted) -> tuple[str, str]:
    return (fitted.path, fitted.scope)
