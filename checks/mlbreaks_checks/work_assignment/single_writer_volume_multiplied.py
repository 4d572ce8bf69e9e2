"""A ReadWriteOnce volume is mounted by more pods than can hold it.

A claim with only ReadWriteOnce belongs to one node at a time (ReadWriteOncePod: to one pod). Further replicas hang in
ContainerCreating, or, on the same node, write into the same files; a rolling update starts the new pod before the
old one lets go.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_SINGLE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def _mounts_a_claim(process: Process, pipeline: Pipeline) -> bool:
    fact = process.fact
    return isinstance(fact, f.Container) and fact.tool == "kubernetes" and any(m.kind == "claim" for m in fact.mounts)


@check.over(Process, where=_mounts_a_claim)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each claim that a container mounts to write."""
    container, workload = process.fact, process.workload
    if not isinstance(container, f.Container) or workload is None:
        return
    for mount in container.mounts:
        if mount.kind != "claim" or mount.read_only:
            continue
        name = pipeline.resolve(mount.source, process).text
        if name is None:
            yield Unjudged(mount.place, "the claim's name can't be told")
            continue
        if name in workload.claim_templates:
            continue
        claim = _claim(name, workload, pipeline)
        if claim is None:
            yield Unjudged(mount.place, f"claim {name} is not in the tree")
            continue
        if not claim.access_modes or not set(claim.access_modes) <= _SINGLE:
            continue
        mode = claim.access_modes[0]
        because = ((claim.place, f"{name} can be mounted {mode} only"),)
        pods, why = _pods(workload, pipeline)
        if pods > 1:
            yield Finding(
                at=mount.place,
                message=(
                    f"{workload.kind} {workload.name} runs up to {pods} pods ({why}), and all of them mount the {mode} "
                    f"claim {name!r}: only those on one node can start."
                ),
                because=because,
                about=(name, "pods"),
            )


def _claim(name: str, workload: f.Workload, pipeline: Pipeline) -> f.VolumeClaim | None:
    candidates = [
        c
        for c in pipeline.index(f.VolumeClaim, "name").get(name, ())
        if not workload.namespace or not c.namespace or c.namespace == workload.namespace
    ]
    near = [c for c in candidates if c.scope == workload.scope]
    chosen = near or candidates
    return chosen[0] if len(chosen) == 1 or near else None


def _pods(workload: f.Workload, pipeline: Pipeline) -> tuple[int, str]:
    """How many pods of the workload may run at once, and what says so."""
    most, why = 1, "one replica"
    if workload.replicas is not None:
        only = pipeline.resolve(workload.replicas).only
        if only is not None and isinstance(only.value, int) and only.value > most:
            most, why = only.value, f"replicas: {only.value}"
    for scaler in pipeline.index(f.Autoscaler, "target_name").get(workload.name, ()):
        same = not scaler.namespace or not workload.namespace or scaler.namespace == workload.namespace
        only = pipeline.resolve(scaler.maximum).only if scaler.maximum is not None else None
        if same and scaler.target_kind == workload.kind and only is not None and isinstance(only.value, int):
            if only.value > most and scaler.scope == workload.scope:
                most, why = only.value, f"maxReplicas: {only.value} of autoscaler {scaler.name}"
    return most, why
