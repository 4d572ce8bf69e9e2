"""Pods take settings from a ConfigMap when they start, and nothing restarts them when it changes.

A ConfigMap used as environment variables, or mounted by subPath, is read once per pod. Applying a changed one changes
no running pod.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Process, Severity, Unjudged, Verdict, expr
from pytest_mlbreaks.api import facts as f

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    evidence="cross-artifact",
    also=("cache-invalidation",),
)

_LONG_RUNNING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout", "ReplicaSet"})
_RELOADS = re.compile(r"reload|checksum|sha\d|config-hash|confighash|config-version|kbld", re.IGNORECASE)
_VERSIONED = re.compile(r"(?<![a-z])v\d+$|[-.][0-9a-f]{8,}$|[-.]\d{4,}$")
_RESTARTS = re.compile(
    r"rollout\s+restart|kubectl\s+(?:-\S+\s+\S+\s+)*(?:delete\s+pods?|replace\s+--force)|helm\s+upgrade"
)


def _takes_config_at_start(process: Process, pipeline: Pipeline) -> bool:
    workload = process.workload
    return workload is not None and workload.kind in _LONG_RUNNING and bool(_uses(process, pipeline))


@check.over(Process, where=_takes_config_at_start)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ConfigMap that a long-running pod reads once."""
    workload = process.workload
    if workload is None:
        return
    marks = (*workload.annotations, *workload.pod_annotations)
    for name, place in _uses(process, pipeline).items():
        holder = _config_map(name, process, pipeline)
        if holder is None:
            yield Unjudged(place, f"ConfigMap {name} is not in the tree")
            continue
        if holder.generated or holder.immutable or _VERSIONED.search(name):
            continue
        if any(_RELOADS.search(f"{mark.key} {mark.value}") for mark in marks) or _restarted(pipeline):
            continue
        yield Finding(
            at=place,
            message=(
                f"{workload.kind} {workload.name} reads ConfigMap {name!r} when a pod starts, and nothing in the tree "
                "restarts its pods when that changes: running pods keep the old values."
            ),
            because=((holder.place, f"ConfigMap {name}: its name stays the same when its content changes"),),
            about=(name,),
        )


def _uses(process: Process, pipeline: Pipeline) -> dict[str, Place]:
    """ConfigMaps that the container reads once per pod, each with the first place that says so."""
    container = process.fact
    found: dict[str, Place] = {}
    if not isinstance(container, f.Container) or container.init:
        return found
    for source in container.variable_sources:
        name = pipeline.resolve(source.name, process).text
        if source.kind == "configmap" and name:
            found.setdefault(name, source.place)
    for variable in container.variables:
        if isinstance(variable.value, expr.ConfigKey) and variable.value.store.startswith("configmap/"):
            found.setdefault(variable.value.store.partition("/")[2], variable.place)
    for mount in container.mounts:
        if mount.kind == "configmap" and mount.subpath:
            name = pipeline.resolve(mount.source, process).text
            if name:
                found.setdefault(name, mount.place)
    return found


def _config_map(name: str, process: Process, pipeline: Pipeline) -> f.ConfigObject | None:
    """The ConfigMap of the tree that the process means: of its namespace, in its folder or one around it."""
    scope = process.workload.scope if process.workload else ""
    namespace = process.workload.namespace if process.workload else ""
    candidates = [
        c
        for c in pipeline.index(f.ConfigObject, "name").get(name, ())
        if c.kind == "configmap" and (not namespace or not c.namespace or c.namespace == namespace)
    ]
    near = [c for c in candidates if c.scope == scope]
    chosen = near or candidates
    return chosen[0] if chosen else None


def _restarted(pipeline: Pipeline) -> bool:
    """Whether a step of the tree restarts pods after it applied manifests."""
    return any(pipeline.index(f.Step, _restart_commands).get(True, ()))


def _restart_commands(step: f.Step) -> bool | None:
    for command in step.commands:
        text = _plain(command.shell)
        if _RESTARTS.search(text):
            return True
    return None


def _plain(shell: expr.Expr | None) -> str:
    if isinstance(shell, expr.Concat):
        return "".join(_plain(part) for part in shell.parts)
    return str(shell.value) if isinstance(shell, expr.Literal) else ""
