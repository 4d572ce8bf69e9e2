"""A container counts as ready while a part that its requests need is missing.

The health route answers 200 whatever it finds, a probe looks at the status alone, and a failed start is only logged.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _answers, _clients, _manifests, _serving
from pytest_mlbreaks.api import (
    Application,
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Process,
    Reached,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_MODEL = re.compile(r"model|predictor|classifier|estimator|pipeline|recommender|embedder|engine$", re.IGNORECASE)
_OPTIONAL = re.compile(
    r"drift|monitor|metric|cache|redis|explain|shap|tracer|tracing|telemetry|prometheus|feedback|database|^db$",
    re.IGNORECASE,
)
_HEALTH = re.compile(r"health|ready|live|ping|status|metrics|info|docs", re.IGNORECASE)

_LONG = 7
"""Letters of a method's name that tells whose it is."""


@dataclasses.dataclass(frozen=True)
class _Lack:
    """A part that may be missing: where its failure is tolerated, and what then fails."""

    failure: facts.ToleratedFailure
    part: str
    needed: Place
    note: str


def _decides(process: Process, probe: facts.Probe, pipeline: Pipeline) -> str:
    """What the answer to a probe decides; "" where nothing waits for it."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return ""
    if probe.kind in ("readiness", "startup"):
        return "gets requests"
    waiting = pipeline.index(facts.Container, _waits_for, each=True).get((container.path, container.name), ())
    return f"lets {waiting[0].name} start" if probe.kind == "healthcheck" and waiting else ""


def _waits_for(container: facts.Container) -> tuple[tuple[str, str], ...]:
    return tuple((container.path, d.name) for d in container.dependencies if d.condition == "service_healthy")


def _is_asked(process: Process, pipeline: Pipeline) -> bool:
    return any(True for _ in _asked(process, pipeline))


def _asked(process: Process, pipeline: Pipeline) -> Iterator[tuple[facts.Probe, str, Endpoint, facts.Reply]]:
    """The probes of a container that decide something, with the handlers that answer them."""
    container = process.fact
    if not isinstance(container, facts.Container) or pipeline.environment(container).tier is Tier.NONPROD:
        return
    for probe in container.probes:
        decides = _decides(process, probe, pipeline)
        endpoint = _answers.health_route(process, probe, pipeline) if decides else None
        reply = _answers.of(endpoint, pipeline) if endpoint is not None else None
        if endpoint is not None and reply is not None:
            yield probe, decides, endpoint, reply


@check.over(Process, where=_is_asked)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose readiness a handler of the tree answers."""
    application = _clients.started(process, pipeline)
    for probe, decides, endpoint, reply in _asked(process, pipeline):
        if application is None or reply.fails or _refuses(endpoint, pipeline):
            continue
        lack = next(_lacks(process, application, endpoint, reply, pipeline), None)
        if lack is None and not reply.unwell:
            continue
        if isinstance(process.fact, facts.Container) and _manifests.may_be_patched(
            process.fact.path, pipeline, of=process.workload
        ):
            yield Unjudged(probe.place, _manifests.PATCHED)
            continue
        if lack is not None:
            yield _finding(process, probe, decides, endpoint, lack)
        else:
            yield _says_so(process, probe, decides, endpoint, reply.unwell[0])
        return


def _refuses(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether a function that the handler comes to ends with an error where a part is missing."""
    index = pipeline.index(facts.Refusal, _scoped)
    return any(index.get((reached.function.path, reached.function.name)) for reached in endpoint.reached)


def _scoped(refusal: facts.Refusal) -> tuple[str, str]:
    return refusal.path, refusal.scope


def _lacks(
    process: Process, application: Application, health: Endpoint, reply: facts.Reply, pipeline: Pipeline
) -> Iterator[_Lack]:
    """The parts whose failure at start is tolerated, that requests need, and that the health route does not miss."""
    failures = pipeline.index(facts.ToleratedFailure, "path")
    refusals = pipeline.index(facts.Refusal, "part")
    for path in process.modules:
        for failure in failures.get(path, ()):
            for part in failure.parts:
                if part in reply.touches or _OPTIONAL.search(part.rpartition(".")[2]):
                    continue
                for refusal in refusals.get(part, ()):
                    needed = _needed(refusal, process, application, health)
                    if needed is not None:
                        yield _Lack(failure, part, needed.place, f"{_serving.shown(needed)} needs it")
            for part in failure.holders:
                name = part.rpartition(".")[2]
                if part in reply.asks and _MODEL.search(part) and not _OPTIONAL.search(name):
                    yield _Lack(
                        failure, part, health.place, f"{_serving.shown(health)} tells of {name}, with status 200"
                    )


def _needed(refusal: facts.Refusal, process: Process, application: Application, health: Endpoint) -> Endpoint | None:
    """A handler that comes to the refusal, other than those that tell of health."""
    if refusal.path not in process.modules:
        return None
    for endpoint in application.endpoints:
        if endpoint is health or all(_HEALTH.search(route) for route in endpoint.routes):
            continue
        if any(_comes_to(reached, refusal) for reached in endpoint.reached):
            return endpoint
    return None


def _comes_to(reached: Reached, refusal: facts.Refusal) -> bool:
    """Whether a function is the one that refuses, or calls a method of its name and of no common one."""
    if (reached.function.path, reached.function.name) == (refusal.path, refusal.scope):
        return True
    owner, _, method = refusal.scope.rpartition(".")
    return bool(owner) and len(method) >= _LONG and any(c.endswith(f".{method}") for c in reached.function.calls)


def _finding(process: Process, probe: facts.Probe, decides: str, endpoint: Endpoint, lack: _Lack) -> Finding:
    name = lack.part.rpartition(".")[2]
    return Finding(
        at=probe.place,
        message=(
            f"{process.name} {decides} as soon as {_serving.shown(endpoint)} answers, which it does with 200 also where"
            f" {name} is missing: a failed {_serving.short(lack.failure.api)} is only reported at start."
        ),
        because=(
            (lack.failure.handler, f"where {_serving.short(lack.failure.api)} fails, the start goes on"),
            (endpoint.place, "answers with the status of success in every case"),
            (lack.needed, lack.note),
        ),
        about=(lack.part,),
        group=f"{endpoint.identity}",
        note=f"asks {process.name} the same",
    )


def _says_so(
    process: Process, probe: facts.Probe, decides: str, endpoint: Endpoint, said: facts.FailureAnswer
) -> Finding:
    """The same where the route itself calls the service unhealthy."""
    return Finding(
        at=probe.place,
        message=(
            f"{process.name} {decides} as soon as {_serving.shown(endpoint)} answers with a status from 200 to 399,"
            f" which it does also where its body says {said.says!r}: no probe reads the body."
        ),
        because=((said.place, f"{said.says}, with the status of success"),),
        about=(said.says,),
        group=f"{endpoint.identity}",
        note=f"asks {process.name} the same",
    )
