"""An encoder writes a category that it has never seen like the one that it drops.

``OneHotEncoder`` writes the dropped category as zeros, and with ``handle_unknown="ignore"`` an unknown one, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _rows, _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

_ENCODERS = ("sklearn.preprocessing.OneHotEncoder", "sklearn.preprocessing._encoders.OneHotEncoder")
_TRIES = re.compile(r"experiment|explor|compare|benchmark", re.IGNORECASE)
"""What a file is called that serves nobody."""
_REFUSES = frozenset(
    {"Literal", "Enum", "StrEnum", "validator", "field_validator", "model_validator", "root_validator", "constr"}
    | {"AfterValidator", "BeforeValidator"}
)
"""What the file of a request's model imports that lets some values in and no others."""

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("distribution-shift",),
    calls=_ENCODERS,
)


def _is_kept(call: facts.Call, pipeline: Pipeline) -> bool:
    """Whether it makes an encoder that takes what it does not know, in a tree that answers for rows of others."""
    if call.callee not in _ENCODERS or call.omits("drop") or call.omits("handle_unknown"):
        return False
    return not _TRIES.search(call.path) and not _rows.tried_out(call.path) and _asked(call, pipeline) is not None


@check.over(facts.Call, where=_is_kept)
def find(call: facts.Call, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ``OneHotEncoder`` that is given ``drop`` and ``handle_unknown``."""
    drop, unknown = call.argument("drop"), call.argument("handle_unknown")
    asked = _asked(call, pipeline)
    if drop is None or unknown is None or asked is None:
        yield Unjudged(call.place, "what it is told to drop can't be told")
        return
    dropped, ignored = pipeline.resolve(drop.value).only, pipeline.resolve(unknown.value).only
    if dropped is None or ignored is None:
        yield Unjudged(call.place, "what it is told to drop can't be told")
        return
    if dropped.value is None or ignored.value != "ignore":
        return
    if pipeline.index(facts.PythonModule, _refuses).get(True) and pipeline.all(facts.RequestModel):
        yield Unjudged(call.place, "the model of the request may refuse what is unknown")
        return
    which = "the dropped one, the first of its column" if dropped.value == "first" else "the dropped one"
    yield Finding(
        at=call.place,
        message=f'drop={dropped.value!r} writes one category as zeros, and handle_unknown="ignore" any that it has '
        f"never seen: a new or misspelt value is answered as if it was {which}, and nobody is told.",
        because=(asked,),
    )


def _refuses(module: facts.PythonModule) -> bool:
    return not module.tests and any(one.name in _REFUSES for one in module.imports)


def _asked(call: facts.Call, pipeline: Pipeline) -> tuple[Place, str] | None:
    """Who brings rows that the encoder was not fitted on: a handler of requests, or another file that loads a model."""
    for endpoint in pipeline.all(Endpoint):
        if endpoint.routes and _serving.is_served(endpoint, pipeline):
            return endpoint.place, f"{_serving.shown(endpoint)} takes what clients send"
    for access in pipeline.index(facts.ModelAccess, "mode").get("load", ()):
        if access.path != call.path and not _rows.tried_out(access.path):
            return access.place, "a model is loaded here, for other rows"
    return None
