"""A step tells a service to reload, deploy or run something, and is green also where the service refuses.

``requests`` and ``httpx`` raise nothing for an answer of 4xx or 5xx.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _answers, _clients, _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    expr,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("push-order",),
    calls=_clients.STARTS,
)

_ACTS = re.compile(
    r"re-?load|refresh(?!_?token)|deploy|trigger|promote|restart|roll-?(out|back)|dag_?runs?\b|activate|switch"
    r"|materiali[sz]e|invalidate|re-?index|re-?train|publish|pipelines?/|/start\b|/run\b|/jobs?\b",
    re.IGNORECASE,
)
"""What the path of a request says where it sets something going."""

_ACTING = re.compile(
    r"re-?load|refresh_(?!token|access)|deploy|trigger|promote|restart|roll-?out|activate|materiali[sz]e|invalidate"
    r"|re-?index|re-?train",
    re.IGNORECASE,
)
"""What a function is called that sets something going."""

_TELLS = re.compile(
    r"slack|telemetry|webhook|telegram|discord|hooks\.|hc-ping|healthchecks|/metrics/job|pushgateway|pagerduty|opsgenie|teams\b"
    r"|statsd|login|oauth|auth/|token\b|cancel",
    re.IGNORECASE,
)
"""What a request is called that only tells people or a monitor something, or asks for a login."""

_CHAT = re.compile(r"slack|telegram|discord|pagerduty|opsgenie|teams_", re.IGNORECASE)
"""What the variable is called that holds the address of such a service."""

_BLIND = re.compile(r"on_failure|on_success|on_retry|callback|alert|notify_(slack|team|user)", re.IGNORECASE)


def _acts(call: facts.RemoteCall, pipeline: Pipeline) -> bool:
    """Whether its address, or the function that makes it, says that a request sets something going."""
    if call.verb not in ("POST", "PUT", "PATCH"):
        return False
    url = pipeline.pattern(call.url)
    path = url.partition("://")[2].partition("/")[2]
    function = call.scope.rpartition(".")[2]
    named = call.url.name if isinstance(call.url, expr.Name) else ""
    if _TELLS.search(url) or _CHAT.search(named) or _BLIND.search(call.scope):
        return False
    return _ACTS.search(f"/{path}") is not None or _ACTING.search(function) is not None


def _steps(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Process]:
    """The steps of an orchestrator whose code the request stands in."""
    for process in pipeline.processes_of(call.path):
        if isinstance(process.fact, facts.Step):
            yield process


@check.over(facts.RemoteCall, where=_acts)
def find(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each request of a step that sets something going."""
    use = _answers.use_of(call, pipeline)
    if use is None:
        return
    if use.status in ("unread", "shown") and any(not (key.default or key.tested) for key in use.keys):
        return  # reading the key fails where the body is that of a refusal
    ignored = use.status in ("unread", "shown")
    if use.body or (use.status == "unknown" and not use.reports):
        yield Unjudged(call.place, "the answer is handed on")
        return
    if not ignored and not use.reports:
        return
    step = _step(call, pipeline)
    because: list[tuple[Place, str]] = []
    if use.reports and use.handler is not None:
        because.append((use.handler, "takes every error and goes on"))
    failing = _failing(call, pipeline)
    because += [(step.place, f"{step.name} is green all the same")] if step is not None else []
    because += failing
    then = "a refusal leaves the step green" if step is not None else "where it is refused, the code goes on as if done"
    yield Finding(
        at=call.place,
        message=f"{_serving.short(call.api)} {_said(call, pipeline)}, and {_how(use)}: {then}.",
        because=tuple(because),
    )


def _step(call: facts.RemoteCall, pipeline: Pipeline) -> Process | None:
    """The step that comes to the request by what it calls."""
    made_in = _serving.scoped(call)
    return next((step for step in _steps(call, pipeline) if made_in in pipeline.runs(step)), None)


def _said(call: facts.RemoteCall, pipeline: Pipeline) -> str:
    url = pipeline.pattern(call.url).replace("{*}", "{...}")
    shown = url.partition("?")[0]
    return f"asks {shown}" if "://" in shown or shown.count("/") > 1 else f"sets something going in {call.scope}"


def _how(use: facts.ReplyUse) -> str:
    if use.reports:
        return (
            "every error is caught and only reported"
            if use.status == "read"
            else ("nothing looks at the answer and every error is caught")
        )
    return "the status of the answer is only printed" if use.status == "shown" else "nothing looks at the answer"


def _failing(call: facts.RemoteCall, pipeline: Pipeline) -> list[tuple[Place, str]]:
    """The handler of the tree that answers, where it can be told."""
    if not _clients.is_client(call, pipeline):
        return []
    for aim in _clients.aims(call, pipeline):
        for route, endpoint in _clients.answering(aim):
            return [(endpoint.place, f"{endpoint.handler.function} answers {route}")]
    return []
