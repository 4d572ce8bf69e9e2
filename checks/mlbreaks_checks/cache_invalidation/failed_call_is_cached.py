"""A cached function of a server keeps the answer of one failed call until the server restarts.

``lru_cache`` keeps what a function returns. One that catches the error and returns ``None`` or an empty list has
returned something, and it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")

_ENDS = frozenset({"Job", "CronJob"})


def _server(kept: facts.KeptFailure, pipeline: Pipeline) -> tuple[Place, str] | None:
    """What runs the file until it is stopped, with a note."""
    for endpoint in pipeline.index(Endpoint, _serving.reached_functions, each=True).get((kept.path, kept.function), ()):
        return endpoint.place, f"{endpoint.handler.function} answers requests by it"
    for process in pipeline.processes_of(kept.path):
        if _goes_on(process, pipeline):
            return process.place, f"{process.name} runs it until it is stopped"
    return None


def _goes_on(process: Process, pipeline: Pipeline) -> bool:
    """Whether the process answers requests: one of its modules has a handler, and nothing says that it ends."""
    if not isinstance(process.fact, facts.Container) or (process.workload and process.workload.kind in _ENDS):
        return False
    handlers = pipeline.index(facts.Handler, "path")
    return any(path in handlers for path in process.modules)


def _is_served(kept: facts.KeptFailure, pipeline: Pipeline) -> bool:
    return _server(kept, pipeline) is not None


@check.over(facts.KeptFailure, where=_is_served)
def find(kept: facts.KeptFailure, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each function of a server whose results are kept and that returns a constant on an error."""
    server = _server(kept, pipeline)
    if server is None:
        return
    name = kept.function.rpartition(".")[2]
    clears = pipeline.index(facts.Function, _cleared, each=True)
    if name in clears:
        yield Unjudged(kept.place, "something clears the cache")
        return
    caught = f"an error ({kept.catches})" if kept.catches else "any error"
    yield Finding(
        at=kept.handler,
        message=(
            f"{kept.function} returns {kept.returns} on {caught}, and {kept.by} keeps that: after one failed call it "
            f"is the answer until the process restarts."
        ),
        because=((kept.place, f"{kept.function}, under {kept.by}"), server),
        about=(kept.identity,),
    )


def _cleared(function: facts.Function) -> tuple[str, ...]:
    """The functions whose caches a function clears."""
    calls = (*function.calls, *function.sometimes)
    cleared = (call.removesuffix(".cache_clear") for call in calls if call.endswith(".cache_clear"))
    return tuple(call.rpartition(".")[2] for call in cleared)
