"""A client reads a key of an answer that the route behind it never gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlbreaks_checks import _answers, _clients, _serving
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

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=_clients.STARTS,
)

_OF_ERRORS = frozenset({"detail", "error", "message", "errors", "code", "title", "status"})
"""Keys of the answers that frameworks and exception handlers give where something fails."""


def _reads(call: facts.RemoteCall, pipeline: Pipeline) -> bool:
    use = _answers.use_of(call, pipeline)
    return use is not None and any(not key.tested for key in use.keys) and _clients.is_client(call, pipeline)


@check.over(facts.RemoteCall, where=_reads)
def find(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each HTTP call to an application of the tree that reads keys of the answer."""
    use = _answers.use_of(call, pipeline)
    aims = tuple(_clients.aims(call, pipeline))
    if use is None:
        return
    if not aims:
        yield Unjudged(call.place, "what it calls is no application of the tree that can be told")
    for aim in aims:
        matching = [e for _, e in _clients.answering(aim) if not call.verb or call.verb in e.handler.methods]
        if len(matching) != 1 or _clients.swallowed(aim):
            yield Unjudged(call.place, "the route that answers can't be told")
            continue
        given = _given(matching[0], pipeline)
        if given is None:
            yield Unjudged(call.place, "what the route answers can't be told")
            continue
        lacking = [
            key for key in use.keys if not key.tested and key.name not in given[0] and key.name not in _OF_ERRORS
        ]
        if lacking:
            yield _finding(lacking, aim, matching[0], *given)


def _given(endpoint: Endpoint, pipeline: Pipeline) -> tuple[frozenset[str], Place, str] | None:
    """All keys that a route may answer with, where that is written, and what it is called."""
    reply, model = _answers.of(endpoint, pipeline), endpoint.answer
    if model is not None:
        if not model.complete or model.extra in ("allow", "unknown"):
            return None
        return frozenset(field.name for field in model.fields), model.place, model.name
    if reply is None or reply.keys is None:
        return None
    return frozenset(reply.keys), endpoint.place, _serving.shown(endpoint)


def _finding(
    lacking: list[facts.ReplyKey], aim: _clients.Aim, endpoint: Endpoint, keys: frozenset[str], place: Place, name: str
) -> Finding:
    first = lacking[0]
    route = aim.path.replace("{*}", "{...}")
    near = difflib.get_close_matches(first.name, sorted(keys), 1, 0.6)
    told = f" (it has {near[0]})" if near else ""
    then = "the default is taken every time" if first.default else "that raises KeyError"
    more = f", as are {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return Finding(
        at=first.place,
        message=f"{first.name!r} is read of the answer to {route}{more}, which {name} does not give{told}: {then}.",
        because=(
            (place, f"its keys: {', '.join(sorted(keys)[:8])}"),
            (endpoint.place, f"answers {route}"),
            *aim.because,
        ),
        about=(route, *(key.name for key in lacking)),
        confidence=Confidence.LOW if aim.assumed else None,
        lowered=aim.assumed,
    )
