"""An async request handler does blocking work, and its worker answers nobody meanwhile.

Code of an ``async def`` handler runs on the event loop, and so does every plain function that it calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _serving
from mlbreaks_checks._rows import is_called
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Reached,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")

_ON_A_LOOP = frozenset({"fastapi", "litestar", "web", "ray-serve", "bentoml"})
"""Frameworks that run an async handler on the event loop that answers all other requests."""

_MEASURED = re.compile(r"(^|/)(benchmarks?|loadtests?|perf)/")
"""Folders of servers that are only measured."""

_MOST = 5
"""Further handlers of a file that are shown."""

_STORE = "waits for a store by"
_DOES = {
    "predict": "runs the model by {}",
    "train": "trains by {}",
    "sleep": "sleeps by {}",
    "command": "waits for a command by {}",
    "query": f"{_STORE} {{}}",
    "answer": "waits for a model behind an API by {}",
}
_SHORT = ("predict", "query")
"""What is over soon as a rule."""


def _is_on_a_loop(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    if not endpoint.handler.asynchronous or endpoint.handler.framework not in _ON_A_LOOP:
        return False
    return not _serving.in_lambda(endpoint, pipeline)


def _is_left_out(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether the handler stands in a function that is given the application, and that nothing of the tree calls."""
    path = endpoint.handler.path
    outer = endpoint.handler.function.rpartition(".")[0]
    functions = [one for one in pipeline.index(facts.Function, "path").get(path, ()) if one.name == outer]
    given = any(one.parameters and not one.decorators for one in functions)
    return given and not pipeline.processes_of(path) and not is_called(path, outer, pipeline)


def _has_async_handlers(module: facts.PythonModule, pipeline: Pipeline) -> bool:
    endpoints = pipeline.index(Endpoint, _serving.file_of).get(module.path, ())
    return any(_is_on_a_loop(one, pipeline) for one in endpoints) and not _MEASURED.search(module.path)


@check.over(facts.PythonModule, where=_has_async_handlers)
def find(module: facts.PythonModule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the async handlers of a file; one finding for all of them."""
    found: list[tuple[Endpoint, str, Place, Reached, bool]] = []
    for endpoint in pipeline.index(Endpoint, _serving.file_of)[module.path]:
        if not _is_on_a_loop(endpoint, pipeline) or _is_left_out(endpoint, pipeline):
            continue
        if not endpoint.reached:
            yield Unjudged(endpoint.place, "several functions of this name")
            continue
        held = next(_held(endpoint, pipeline), None)
        if held is not None:
            found.append((endpoint, *held))
    if not found:
        return
    found.sort(key=lambda one: not one[4])
    endpoint, does, place, reached, long = found[0]
    because = [*_serving.way(reached), (place, does)]
    because += [(other.place, f"so does {_serving.shown(other)}: {what}") for other, what, *_ in found[1 : _MOST + 1]]
    more = f" ({len(found) - 1} more in this file do the like)" if len(found) > 1 else ""
    only_stores = all(what.startswith(_STORE) for _, what, *_ in found)
    yield Finding(
        at=endpoint.place,
        message=f"{_serving.shown(endpoint)} is async and {does} on the event loop: until that returns, this worker"
        f" answers no other request and no health probe{more}.",
        because=tuple(because),
        severity=None if long else Severity.MEDIUM,
        confidence=Confidence.MEDIUM if only_stores else None,
        lowered="a query is short as a rule" if only_stores else "",
        group="stores" if only_stores else "",
        note=f"{_serving.shown(endpoint)} {does}",
    )


def _held(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[str, Place, Reached, bool]]:
    """What holds the loop for certain, what may hold it longest first; the last is whether it may be for long."""
    found: list[tuple[str, Place, Reached, bool]] = []
    for reached, call in _serving.remote(endpoint, pipeline):
        if reached.threaded:
            continue
        if not call.awaited and not call.lazy and not call.conditional and not reached.sometimes and not reached.once:
            long = call.deadline == "none"
            found.append((f"waits for {_serving.short(call.api)}", call.place, reached, long))
    for reached, work in _serving.blocking(endpoint, pipeline):
        if reached.threaded:
            continue
        certain = not work.conditional and not reached.sometimes and not reached.once
        if work.kind in _DOES and (certain or work.kind == "predict"):
            name = f"{_serving.short(work.api)}()"
            found.append((_DOES[work.kind].format(name), work.place, reached, work.kind not in _SHORT))
    yield from sorted(found, key=lambda one: not one[3])
