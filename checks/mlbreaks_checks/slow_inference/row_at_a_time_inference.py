"""A model is asked about one row at a time, in a loop over all of them.

What a call costs whatever its size is paid for each row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import Check, Confidence, Endpoint, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")

_LOOKED_AT = re.compile(
    r"eval|benchmark|metric|explain|shap|analy[sz]e|notebook|experiment|sandbox|demo|compar|debug", re.IGNORECASE
)
"""Names of code that looks at a model, rather than uses it."""


def _predicts_in_a_loop(call: facts.BlockingCall, pipeline: Pipeline) -> bool:
    return (
        call.kind == "predict"
        and call.loops > 0
        and not call.lazy
        and not _LOOKED_AT.search(call.path)
        and not _LOOKED_AT.search(call.scope)
    )


@check.over(facts.BlockingCall, where=_predicts_in_a_loop)
def find(call: facts.BlockingCall, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each prediction in a loop; one finding for each function."""
    if not call.single:
        return
    beside = [c for c in pipeline.index(facts.BlockingCall, _serving.scoped)[_serving.scoped(call)] if c.single]
    if beside[0] is not call:
        return
    endpoints = pipeline.index(Endpoint, _serving.reached_functions, each=True).get(_serving.scoped(call), ())
    because = [(endpoint.place, f"{_serving.shown(endpoint)} comes to it") for endpoint in endpoints[:1]]
    because += [(other.place, f"and again by {_serving.short(other.api)}()") for other in beside[1:3]]
    yield Finding(
        at=call.place,
        message=f"{call.scope or 'This module'} calls {_serving.short(call.api)}() once for each item of a loop: what a"
        " call costs whatever its size is paid for every item.",
        because=tuple(because),
    )
