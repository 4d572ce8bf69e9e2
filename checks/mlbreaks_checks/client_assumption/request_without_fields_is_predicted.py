"""A request without any field is answered with a prediction.

Each field of the model behind the route has a value of its own. What a client forgets or misspells is made up, and the
answer is about a case that there is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Severity,
    Verdict,
    aside,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_PREDICTS = re.compile(r"predict|infer|scor(?:e|ing)|classif|forecast|detect|estimat", re.IGNORECASE)
_CALLS = re.compile(r"^(?:predict\w*|decision_function|score_samples)$")
_KNOB = re.compile(
    r"top_?[kpn]$|^[knm]$|temperature|threshold|limit|max_|min_|num_|verbose|explain|include|return|stream|model|version|"
    r"seed|batch|horizon|lang|format|user|session|request_id|debug|steps|page|offset|size$",
    re.IGNORECASE,
)
"""What says how to answer, and is no property of the case that is asked about."""
FEWEST = 3
"""Fields that make a case. Two may well be options of the question."""


def _predicts(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether a handler with a body that can be told asks a model for a prediction."""
    if endpoint.body is None or not endpoint.body.complete or aside(endpoint.handler.path):
        return False
    if not _PREDICTS.search("/".join((endpoint.handler.function, *endpoint.routes))):
        return False
    calls = (callee.rpartition(".")[2] for reached in endpoint.reached for callee in reached.function.calls)
    return any(map(_CALLS.match, calls))


@check.over(Endpoint, where=_predicts)
def find(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each request handler that predicts, and reads its body into a pydantic model."""
    model = endpoint.body
    if model is None or any(field.required or not field.default for field in model.fields):
        return
    features = [field for field in model.fields if not _KNOB.search(field.name)]
    if len(features) < FEWEST:
        return
    shown = " and ".join(f"{field.name} is {field.default}" for field in features[:2])
    unknown = "" if model.extra == "forbid" else " or misspelled"
    yield Finding(
        at=model.place,
        message=(
            f"{_serving.shown(endpoint)} predicts for a body of `{{}}`: each of the {len(model.fields)} fields of "
            f"{model.name} has a value of its own ({shown}), which is used where the field is missing{unknown}."
        ),
        because=((endpoint.place, f"{endpoint.handler.function} reads its body into it"),),
        about=(model.name,),
    )
