"""A handler that fails answers with the status of success, and says it only in the body."""

from __future__ import annotations

import re
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
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=_clients.STARTS,
)

_RELOADS = re.compile(r"re-?load|refresh(?!.*token)|switch|activate|swap|update[-_]model|load[-_]model", re.IGNORECASE)


def _acts(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether it is a route that does something, and whose errors are taken in it."""
    verbs = endpoint.handler.methods
    reply = _answers.of(endpoint, pipeline)
    return bool(endpoint.routes) and reply is not None and bool(verbs) and not {*verbs} <= {"GET", "HEAD", "OPTIONS"}


@check.over(Endpoint, where=_acts)
def find(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each route that takes anything but GET."""
    reply = _answers.of(endpoint, pipeline)
    if reply is None or not reply.failures:
        return
    first = reply.failures[0]
    callers = list(_callers(endpoint, pipeline))
    because: list[tuple[Place, str]] = [(one.place, f"so does this one ({one.says})") for one in reply.failures[1:3]]
    because += callers
    yield Finding(
        at=first.place,
        message=(
            f"Where {_serving.shown(endpoint)} fails, it answers with status 200 and a body that says {first.says!r}:"
            f" {'its caller looks at the status alone' if callers else 'who looks at the status takes it for success'}."
        ),
        because=tuple(because),
        confidence=None if callers else Confidence.LOW,
        lowered="" if callers else "no caller in the tree is seen to look at the status alone",
    )


def _callers(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[Place, str]]:
    """The requests of the tree to this route that do not read what the body says."""
    for call in pipeline.all(facts.RemoteCall):
        use = _answers.use_of(call, pipeline)
        if use is None or use.status == "unknown" or not _clients.is_client(call, pipeline):
            continue
        if any(key.name in ("status", "error", "success", "ok", "detail") for key in use.keys):
            continue
        if use.body and not use.keys:
            continue
        for aim in _clients.aims(call, pipeline):
            if _clients.answers(call, aim, endpoint):
                yield call.place, "calls it, and takes status 200 for success"
                break


def _loads(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether it is a route that is asked to load a model anew."""
    return _acts(endpoint, pipeline) and any(_RELOADS.search(route) for route in endpoint.routes)


@check.over(Endpoint, where=_loads)
def find_load(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each route that loads a model, and at what becomes of an error of the load below it."""
    reply = _answers.of(endpoint, pipeline)
    if reply is None:
        return
    for callee in reply.drops:
        method = callee.rpartition(".")[2]
        loads = pipeline.index(facts.GuardedLoad, _ways, each=True).get(method, ())
        if len({load.path for load in loads}) != 1 or "load" not in method:
            continue
        load = loads[0]
        if load.then not in ("returns", "reports"):
            yield Unjudged(load.place, "what the handler does about it cannot be told")
            continue
        yield Finding(
            at=endpoint.place,
            message=(
                f"{_serving.shown(endpoint)} answers as after a success also where {load.api} fails: that is caught"
                f" below {method}, whose result is not looked at, and no new model is there."
            ),
            because=((load.handler, "takes every error and goes on"), *_callers(endpoint, pipeline)),
            about=(load.identity,),
        )
        return


def _ways(load: facts.GuardedLoad) -> tuple[str, ...]:
    """The names of the functions after which a failed load is forgotten."""
    return tuple({name.rpartition(".")[2] for name in (load.scope, *load.callers) if name})
