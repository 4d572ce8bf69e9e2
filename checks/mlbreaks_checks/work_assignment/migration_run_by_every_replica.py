"""Every replica of a deployment migrates the database when it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._shells import of_process
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_MIGRATES = re.compile(
    r"\b(alembic(?:\s+-\S+(?:\s+\S+)?)?\s+upgrade|flask\s+db\s+upgrade|airflow\s+db\s+(?:init|migrate|upgrade)|"
    r"superset\s+db\s+upgrade|aerich\s+upgrade|prisma\s+migrate\s+deploy)\b"
)
_LOCKS = re.compile(r"advisory|flock|lock", re.IGNORECASE)


def _migrates(process: Process, pipeline: Pipeline) -> bool:
    """Containers, and no init job, that migrate a database before they start."""
    return any(_MIGRATES.search(started.text) for started in of_process(process, pipeline))


@check.over(Process, where=_migrates)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Init containers count: each pod has its own."""
    workload = process.workload
    if workload is None or workload.kind in ("Job", "CronJob", "Pod"):
        return
    started = next(s for s in of_process(process, pipeline) if _MIGRATES.search(s.text))
    command = " ".join((_MIGRATES.search(started.text) or ("",))[0].split())
    if _LOCKS.search(started.text):
        return
    scaler = _scaler(workload, pipeline)
    if workload.replicas is None and scaler is None:
        return
    replicas = pipeline.resolve(workload.replicas).only if workload.replicas is not None else None
    most = pipeline.resolve(scaler.maximum).only if scaler is not None else None
    counts = [a.value for a in (replicas, most) if a is not None and isinstance(a.value, int)]
    if not counts:
        yield Unjudged(process.place, "how many replicas there are cannot be told")
        return
    if max(counts) < 2:
        return
    by_scaler = scaler if scaler is not None and most is not None and most.value == max(counts) else None
    yield Finding(
        at=started.place,
        message=f"Each of up to {max(counts)} pods of {workload.name} runs `{command}` when it starts: two that start "
        "together change the same tables at once.",
        because=((by_scaler.place if by_scaler else workload.place, f"up to {max(counts)} replicas"),),
    )


def _scaler(workload: facts.Workload, pipeline: Pipeline) -> facts.Autoscaler | None:
    for scaler in pipeline.index(facts.Autoscaler, "target_name").get(workload.name, ()):
        if scaler.target_kind == workload.kind and scaler.namespace == workload.namespace:
            return scaler
    return None
