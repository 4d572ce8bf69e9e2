"""A route loads the model anew in the one process that gets the request, and there are several.

A Service, a load balancer and the workers of a server each give a request to one process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _clients, _serving, _workers
from pytest_mlbreaks.api import (
    Application,
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

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=_clients.STARTS,
)

_RELOADS = re.compile(r"re-?load|refresh(?!.*token)|switch|activate|swap|update[-_]model|load[-_]model", re.IGNORECASE)

_LOADS = re.compile(r"\.(re)?load(_\w+)?$")
"""What the method of an object is called that loads anew what it holds."""


def _runs_a_reload(process: Process, pipeline: Pipeline) -> bool:
    return isinstance(process.fact, facts.Container) and next(_reloads(process, pipeline), None) is not None


def _reloads(process: Process, pipeline: Pipeline) -> Iterator[tuple[Application, Endpoint, Place]]:
    """The routes of what a container starts that load a model, each with the load."""
    application = _clients.started(process, pipeline)
    for endpoint in application.endpoints if application is not None else ():
        if application is None or not any(_RELOADS.search(route) for route in endpoint.routes):
            continue
        if "GET" in endpoint.handler.methods and "POST" not in endpoint.handler.methods:
            continue
        load = next((call for _, call in _serving.blocking(endpoint, pipeline) if call.kind == "load"), None)
        if load is not None:
            yield application, endpoint, load.place
        elif any(_LOADS.search(callee) for reached in endpoint.reached[:1] for callee in reached.function.calls):
            yield application, endpoint, endpoint.reached[0].function.place


@check.over(Process, where=_runs_a_reload)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose application has a route that loads a model."""
    workers, at, _ = _workers.of(process, pipeline)
    replicas = _replicas(process, pipeline)
    if replicas is None:
        yield Unjudged(process.place, "how many replicas there are cannot be told")
        return
    if workers * replicas < 2:
        return
    because = [(at, f"starts {workers} workers")] if workers > 1 else []
    if replicas > 1 and process.workload is not None:
        because.append((process.workload.place, f"runs {replicas} replicas"))
    for _, endpoint, load in _reloads(process, pipeline):
        callers = list(_callers(endpoint, pipeline))
        yield Finding(
            at=endpoint.place,
            message=(
                f"{_serving.shown(endpoint)} loads the model in the one process that gets the request, and"
                f" {process.name} has {workers * replicas}: the others go on with the old one."
            ),
            because=(*because, (load, "loads it into this process"), *callers[:2]),
            group=endpoint.identity,
        )


def _replicas(process: Process, pipeline: Pipeline) -> int | None:
    """How many there are; None where that cannot be told."""
    workload = process.workload
    scaled = pipeline.index(facts.Autoscaler, "name") if workload is not None else {}
    if workload is None or workload.replicas is None:
        return None if scaled else 1
    only = pipeline.resolve(workload.replicas, process).only
    return only.value if only is not None and isinstance(only.value, int) else None


def _callers(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[Place, str]]:
    for call in pipeline.all(facts.RemoteCall):
        if call.verb in ("POST", "PUT") and _clients.is_client(call, pipeline):
            for aim in _clients.aims(call, pipeline):
                if _clients.answers(call, aim, endpoint):
                    yield call.place, "asks one of them"
                    break
