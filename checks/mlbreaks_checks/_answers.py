"""What checks of answers share: the facts about a handler's answer, and the health route that a probe asks."""

from __future__ import annotations

import re

from mlbreaks_checks import _clients
from pytest_mlbreaks.api import Endpoint, Pipeline, Process, expr, facts

_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::[^\s/'\")]+)?(/[^\s'\")?#]*)")
_FAILS_ON_ERRORS = re.compile(r"\bcurl\b.*\s(-[a-zA-Z]*f|--fail)|\bwget\b|urlopen|raise_for_status|status")


def of(endpoint: Endpoint, pipeline: Pipeline) -> facts.Reply | None:
    """What the handler answers."""
    found = pipeline.index(facts.Reply, scoped).get((endpoint.handler.path, endpoint.handler.function), ())
    return found[0] if len(found) == 1 else None


def scoped(reply: facts.Reply) -> tuple[str, str]:
    """File and function of an answer."""
    return reply.path, reply.function


def use_of(call: facts.RemoteCall, pipeline: Pipeline) -> facts.ReplyUse | None:
    """What is made of the answer to a request."""
    found = pipeline.index(facts.ReplyUse, "place").get(call.place, ())
    return found[0] if found else None


def asked_path(probe: facts.Probe) -> str:
    """The path that a probe asks, and whose answer it takes for good or bad by its status; "" where there is none."""
    if probe.path.startswith("/"):
        return probe.path.partition("?")[0]
    if probe.command is None:
        return ""
    command = probe.command
    words = [part.value for part in (command.argv or (command.shell,)) if isinstance(part, expr.Literal)]
    text = " ".join(str(word) for word in words)
    match = _URL.search(text)
    return match[1] if match is not None and _FAILS_ON_ERRORS.search(text) else ""


def health_route(process: Process, probe: facts.Probe, pipeline: Pipeline) -> Endpoint | None:
    """The one handler that answers a probe of a container, where that can be told."""
    path = asked_path(probe)
    application = _clients.started(process, pipeline) if path else None
    if application is None:
        return None
    endpoints = application.routes.get(_clients.plain(path), ())
    return endpoints[0] if len(endpoints) == 1 else None
