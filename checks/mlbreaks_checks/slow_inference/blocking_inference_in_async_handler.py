"""An async request handler does blocking work, and its worker answers nobody meanwhile.

Code of an ``async def`` handler runs on the event loop, and so does every plain function that it calls.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _serving
from mlbreaks_checks._rows import is_called
from pytest_mlbreaks.api import (
    Answer,
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
    aside,
    facts,
)

_ENGINES = ("sqlalchemy.create_engine", "sqlalchemy.engine.create_engine", "sqlmodel.create_engine")

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", calls=_ENGINES)

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
    "fetch": "reads a file that is elsewhere by {}",
    "service": "waits for another service by {}",
}
_SHORT = ("predict", "query", "fetch", "service")
"""What is over soon as a rule, or may have a limit that is not told."""


def _is_on_a_loop(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    if not endpoint.handler.asynchronous or endpoint.handler.framework not in _ON_A_LOOP:
        return False
    return not _serving.in_lambda(endpoint, pipeline)


def _of_an_engine(call: facts.Call) -> str | None:
    return call.callee if call.callee in _ENGINES and not aside(call.path) else None


def _asks_a_file(place: Place, pipeline: Pipeline) -> Answer:
    """Whether the engines of SQLAlchemy in the part of the tree that *place* is in (its first folder; else all) have
    their databases in files beside them."""
    engines = pipeline.index(facts.Call, _of_an_engine)
    calls = [call for callee in _ENGINES for call in engines.get(callee, ())]
    part = place.path.partition("/")[0] + "/"
    near = [call for call in calls if call.path.startswith(part)] or calls
    answers = {_is_in_a_file(call, pipeline) for call in near} or {Answer.NO}
    if Answer.NO in answers:
        return Answer.NO
    return Answer.CANNOT_TELL if Answer.CANNOT_TELL in answers else Answer.YES


def _is_in_a_file(engine: facts.Call, pipeline: Pipeline) -> Answer:
    url = engine.argument("url", 0)
    if url is None:
        return Answer.NO
    if pipeline.pattern(url.value).startswith("sqlite"):
        return Answer.YES
    value = pipeline.resolve(url.value)
    told = [str(one.value).startswith("sqlite") for one in value]
    if not told or not all(told):
        return Answer.NO
    return Answer.YES if value.complete else Answer.CANNOT_TELL


def _is_left_out(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether nothing puts the handler into an application: it stands in a function that is given one, and that nothing
    of the tree calls, or in a file that nothing loads."""
    if not _serving.is_served(endpoint, pipeline):
        return True
    path = endpoint.handler.path
    outer = endpoint.handler.function.rpartition(".")[0]
    functions = [one for one in pipeline.index(facts.Function, "path").get(path, ()) if one.name == outer]
    given = any(one.parameters and not one.decorators for one in functions)
    return given and not pipeline.processes_of(path) and not is_called(path, outer, pipeline)


def _has_async_handlers(module: facts.PythonModule, pipeline: Pipeline) -> bool:
    endpoints = pipeline.index(Endpoint, _serving.file_of).get(module.path, ())
    return any(_is_on_a_loop(one, pipeline) for one in endpoints) and not _MEASURED.search(module.path)


@dataclasses.dataclass(frozen=True)
class _Held:
    """What holds the loop: what the handler does, where, and on which way it comes to it. *long*: it may take long."""

    does: str
    place: Place
    reached: Reached
    long: bool
    of_sqlalchemy: bool = False

    @property
    def is_store(self) -> bool:
        return self.does.startswith(_STORE)


_NEAR = 2
"""Calls from the handler down behind which a prediction that is made in some cases only is still the handler's work;
what lies deeper may be how a model is made where there is none."""


@check.over(facts.PythonModule, where=_has_async_handlers)
def find(module: facts.PythonModule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the async handlers of a file; one finding for all of them."""
    found: list[tuple[Endpoint, _Held]] = []
    for endpoint in pipeline.index(Endpoint, _serving.file_of)[module.path]:
        if not _is_on_a_loop(endpoint, pipeline) or _is_left_out(endpoint, pipeline):
            continue
        if not endpoint.reached:
            yield Unjudged(endpoint.place, "its function is not told")
            continue
        files: set[Answer] = set()
        for held in _held(endpoint, pipeline):
            asks_a_file = _asks_a_file(held.place, pipeline) if held.of_sqlalchemy else Answer.NO
            files.add(asks_a_file)
            if asks_a_file is Answer.NO:
                found.append((endpoint, held))
                break
        if files and Answer.NO not in files and Answer.CANNOT_TELL in files:
            yield Unjudged(endpoint.place, "the database may be a file beside it")
    if found:
        found.sort(key=lambda one: (not one[1].long, one[1].is_store))
        yield _finding(found)


def _finding(found: list[tuple[Endpoint, _Held]]) -> Finding:
    """The finding of a file, by the handlers that are held and what holds each of them."""
    endpoint, held = found[0]
    because = [*_serving.way(held.reached), (held.place, held.does)]
    because += [(one.place, f"so does {_serving.shown(one)}: {other.does}") for one, other in found[1 : _MOST + 1]]
    more = f" ({len(found) - 1} more in this file do the like)" if len(found) > 1 else ""
    only_stores = all(one.is_store for _, one in found)
    return Finding(
        at=endpoint.place,
        message=f"{_serving.shown(endpoint)} is async and {held.does} on the event loop: until that returns, this"
        f" worker answers no other request and no health probe{more}.",
        because=tuple(because),
        severity=None if held.long else Severity.MEDIUM,
        confidence=Confidence.MEDIUM if only_stores else None,
        lowered="a query is short as a rule" if only_stores else "",
        group="stores" if only_stores else "",
        note=f"{_serving.shown(endpoint)} {held.does}",
    )


def _held(endpoint: Endpoint, pipeline: Pipeline) -> list[_Held]:
    """What holds the loop for certain, what may hold it longest first."""
    found: list[_Held] = []
    for reached, call in _serving.remote(endpoint, pipeline):
        if reached.threaded:
            continue
        if not call.awaited and not call.lazy and not call.conditional and not reached.sometimes and not reached.once:
            long = call.deadline == "none"
            found.append(_Held(f"waits for {_serving.short(call.api)}", call.place, reached, long))
    for reached, work in _serving.blocking(endpoint, pipeline):
        if reached.threaded:
            continue
        certain = not work.conditional and not reached.sometimes and not reached.once
        if work.kind in _DOES and (certain or (work.kind == "predict" and len(reached.via) <= _NEAR)):
            does = _DOES[work.kind].format(f"{_serving.short(work.api)}()")
            sql = work.api.startswith(("sqlalchemy.", "sqlmodel."))
            long = work.kind not in _SHORT and not work.api.startswith("psutil.")  # a measurement ends by itself
            found.append(_Held(does, work.place, reached, long, sql))
    return sorted(found, key=lambda one: (not one.long, one.is_store))
