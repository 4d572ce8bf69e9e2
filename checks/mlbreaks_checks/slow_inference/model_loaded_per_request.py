"""A model is loaded from disk or a registry in each request.

The time of loading is added to every answer, and the store that it is loaded from has to be up for each of them.
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
    Reached,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")

_MEANT = re.compile(
    r"(^|[_/.-])(re)?(load|fresh|deploy|train|start|warm|init|set)(ed|ing|up)?([_/.-]|$)|reload|refresh|retrain|rollback"
    r"|promote|register|switch|update|activate|upload|startup|evaluat",
    re.IGNORECASE,
)
"""Names of handlers whose work it is to load a model."""

_ANSWERS = re.compile(
    r"predict|infer|score|classif|recommend|detect|forecast|embed|search|chat|query|answer|generat|summar|translat"
    r"|segment|similar|rank",
    re.IGNORECASE,
)
"""Names of handlers that answer by a model."""

_MOST = 5
"""Loads of a handler that are shown."""


def _answers(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    name = f"{endpoint.handler.function}/{'/'.join(endpoint.routes)}"
    if _MEANT.search(name):
        return False
    return bool(_ANSWERS.search(name)) or any(
        call.kind == "predict" for _, call in _serving.blocking(endpoint, pipeline)
    )


@check.over(Endpoint, where=_answers)
def find(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each handler that answers by a model."""
    loads = [(reached, call) for reached, call in _serving.blocking(endpoint, pipeline) if call.kind == "load"]
    always = [(r, call) for r, call in loads if not (call.conditional or r.sometimes or r.once)]
    if not always:
        if any(not reached.once for reached, _ in loads):
            yield Unjudged(endpoint.place, "the model is loaded only in some cases")
        elif not endpoint.reached:
            yield Unjudged(endpoint.place, "its function is not told")
        return
    reached, first = always[0]
    yield Finding(
        at=first.place,
        message=f"{_serving.shown(endpoint)} loads {_what(first, always)} in each request: every answer waits for it,"
        " and fails when it can't be loaded.",
        because=(
            (endpoint.place, f"{endpoint.handler.function} runs for each request"),
            *_serving.way(reached),
            *((call.place, f"also loaded in each request: {call.api}") for _, call in always[1:_MOST]),
        ),
        about=(endpoint.handler.function,),
    )


def _what(first: facts.BlockingCall, always: list[tuple[Reached, facts.BlockingCall]]) -> str:
    more = f" and {len(always) - 1} more" if len(always) > 1 else ""
    return f"by {first.api}{more}"
