"""What checks of serving code share: what a request handler does, and what to call it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Endpoint, Pipeline, Place, Reached, facts


def scoped(fact: facts.BlockingCall | facts.RemoteCall) -> tuple[str, str]:
    """File and function of a call."""
    return fact.path, fact.scope


def blocking(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[Reached, facts.BlockingCall]]:
    """The calls that hold the thread in a handler and in what it comes to, the nearest first."""
    index = pipeline.index(facts.BlockingCall, scoped)
    for reached in endpoint.reached:
        for call in index.get((reached.function.path, reached.function.name), ()):
            if not call.lazy:
                yield reached, call


def remote(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[Reached, facts.RemoteCall]]:
    """The HTTP requests that a handler and what it comes to make, the nearest first."""
    index = pipeline.index(facts.RemoteCall, scoped)
    for reached in endpoint.reached:
        for call in index.get((reached.function.path, reached.function.name), ()):
            yield reached, call


def file_of(endpoint: Endpoint) -> str:
    """The file that a handler is in."""
    return endpoint.handler.path


def shown(endpoint: Endpoint) -> str:
    """What people call a handler: ``predict (POST /predict)``."""
    handler = endpoint.handler
    route = endpoint.routes[0].replace("{*}", "{...}") if endpoint.routes else ""
    said = " ".join(part for part in ("/".join(handler.methods[:1]), route) if part)
    return f"{handler.function} ({said})" if said and route else handler.function


def short(api: str) -> str:
    """A callee as people write it: the method alone for those of values, else the whole name."""
    if api.startswith(("requests.", "httpx.")):
        return api.replace("()", "")
    return api.rpartition(".")[2] if api[0] == "*" or "()" in api else api


def way(reached: Reached) -> Iterator[tuple[Place, str]]:
    """The functions between a handler and what it comes to, with a note for each."""
    for function in (*reached.via[1:], *((reached.function,) if reached.via else ())):
        yield function.place, f"it calls {function.name}"
