"""Pods take settings from a ConfigMap when they start, and nothing restarts them when it changes.

A ConfigMap used as environment variables, or mounted by subPath, is read once per pod. Applying a changed one changes
no running pod.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    expr,
    one_deployment,
    one_namespace,
    other_ci,
    pod_restart,
)
from pytest_mlbreaks.api import facts as f

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("cache-invalidation",),
)

SHOWN = 5
"""Workloads that a finding names one by one."""

_LONG_RUNNING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout", "ReplicaSet"})
_RELOADS = re.compile(r"reload|checksum|sha\d|config-?hash|config-?version|kbld", re.IGNORECASE)
_READ_ONCE_ONLY = re.compile(r"/docker-entrypoint-initdb\.d(?:/|$)")
"""Where images of databases look for scripts that they run when their volume is new, and never again.
https://github.com/docker-library/docs/blob/master/postgres/README.md"""
_RELOADER = re.compile(r"(?:^|[/_.-])reloader(?:$|[/_.-])", re.IGNORECASE)
_APPLIES = re.compile(
    r"\b(?:kubectl|oc)\b[^\n]*\b(?:apply|create|replace)\b|\b(?:helm|helmfile|kustomize|argocd|flux)\b"
)
_MANIFEST = (".yaml", ".yml", ".json", ".tf")
_VERSIONED = re.compile(r"(?<![a-z])v\d+$|[-.][0-9a-f]{8,}$|[-.]\d{4,}$")


def _is_read_at_start(holder: f.ConfigObject, pipeline: Pipeline) -> bool:
    return holder.kind == "configmap" and not holder.generated and any(True for _ in _readers(holder, pipeline))


@check.over(f.ConfigObject, where=_is_read_at_start)
def find(holder: f.ConfigObject, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ConfigMap that long-running pods read once, when they start."""
    if holder.immutable or _VERSIONED.search(holder.name) or _is_generated(holder, pipeline):
        return
    if pipeline.index(f.PodRestart, "certain").get(True) or pipeline.index(f.Step, _restarts_pods).get(True):
        return
    users: dict[str, tuple[f.Workload, Place]] = {}
    for process, workload in _readers(holder, pipeline):
        meant = pipeline.nearest(f.ConfigObject, holder.name, workload, where=_is_config_map)
        if meant is None:
            yield Unjudged(holder.place, "several ConfigMaps of one name are as near to the pods that read one")
            return
        if meant is holder and not _is_rolled(workload, process, pipeline):
            users.setdefault(f"{workload.kind} {workload.name}", (workload, _uses(process)[holder.name]))
    if users:
        doubt = _doubt(holder, [workload for workload, _ in users.values()], pipeline)
        yield Unjudged(holder.place, doubt) if doubt else _finding(holder, users)


def _doubt(holder: f.ConfigObject, users: list[f.Workload], pipeline: Pipeline) -> str:
    """Why the pods may be restarted by something after all; "" where nothing points to it."""
    if _manifests.any_may_be_patched((holder, *users), pipeline, apart_from=("replicas",)):
        return _manifests.PATCHED
    if any(_manifests.is_templated(user, pipeline, "annotations") for user in users):
        return _manifests.TEMPLATED
    if _manifests.images_replaced(pipeline) or pipeline.all(f.PodRestart):
        return "a command may put another image into the manifest with each push"
    if pipeline.index(f.Workload, _is_reloader) or _has_reloader(pipeline.paths):
        return "a Reloader of the tree may restart the pods"
    if _has_other_ci(pipeline.paths):
        return "CI that is not read may restart the pods"
    if _applied_by_hand(holder, users, pipeline):
        return "it stands in one file with its pods, which nothing in the tree applies"
    return ""


def _is_reloader(workload: f.Workload) -> bool | None:
    return _RELOADER.search(workload.name) is not None or None


@functools.lru_cache(maxsize=1)
def _has_other_ci(paths: frozenset[str]) -> bool:
    return bool(other_ci(paths))


@functools.lru_cache(maxsize=1)
def _has_reloader(paths: frozenset[str]) -> bool:
    return any(path.endswith(_MANIFEST) and _RELOADER.search(path) is not None for path in paths)


def _applied_by_hand(holder: f.ConfigObject, users: list[f.Workload], pipeline: Pipeline) -> bool:
    """Whether the ConfigMap and what reads it are one file, and nothing of the tree brings manifests to a cluster: who
    changes it there applies it, and sees the pods."""
    if any(workload.path != holder.path for workload in users):
        return False
    if _manifests.overlays(holder.path, pipeline) or pipeline.index(f.WorkflowJob, _brings_manifests).get(True):
        return False
    return not any(_APPLIES.search(script.text) for script in pipeline.all(f.Script))


def _brings_manifests(job: f.WorkflowJob) -> bool | None:
    texts = (_ci.text_of(step.run.shell) if step.run is not None else step.uses for step in job.steps)
    return any(_APPLIES.search(text) for text in texts) or None


def _finding(holder: f.ConfigObject, users: dict[str, tuple[f.Workload, Place]]) -> Finding:
    (first, (_, place)), *others = users.items()
    shown = others[:SHOWN]
    because = [(holder.place, f"ConfigMap {holder.name}: its name stays the same when its content changes")]
    because += [(at, f"{name} reads it when a pod starts, too") for name, (_, at) in shown]
    if len(others) > len(shown):
        because.append((others[len(shown)][1][1], f"and {len(others) - len(shown)} more from here on"))
    more = f" and {len(others)} more workload{'s' if len(others) > 1 else ''}" if others else ""
    read, pods = ("read", "their") if others else ("reads", "its")
    return Finding(
        at=place,
        message=(
            f"{first}{more} {read} ConfigMap {holder.name!r} when a pod starts, and nothing in the tree restarts "
            f"{pods} pods when it changes: running pods keep the old values."
        ),
        because=tuple(because),
    )


def _readers(holder: f.ConfigObject, pipeline: Pipeline) -> Iterator[tuple[Process, f.Workload]]:
    """Long-running pods that read a ConfigMap of this name, in a namespace that may be its own, when they start."""
    for process in pipeline.index(Process, _uses, each=True).get(holder.name, ()):
        workload = process.workload
        if workload is None or workload.kind not in _LONG_RUNNING or _manifests.is_rendered(workload):
            continue
        if one_namespace(holder.namespace, workload.namespace) and one_deployment(holder.scope, workload.scope):
            yield process, workload


def _uses(process: Process) -> dict[str, Place]:
    """ConfigMaps that the container reads once per pod, each with the first place that says so."""
    container = process.fact
    found: dict[str, Place] = {}
    if not isinstance(container, f.Container) or container.init:
        return found
    for source in container.variable_sources:
        name = expr.literal_text(source.name)
        if source.kind == "configmap" and name:
            found.setdefault(name, source.place)
    for variable in container.variables:
        if isinstance(variable.value, expr.ConfigKey) and variable.value.store.startswith("configmap/"):
            found.setdefault(variable.value.store.partition("/")[2], variable.place)
    for mount in container.mounts:
        name = expr.literal_text(mount.source)
        once = _READ_ONCE_ONLY.search(expr.literal_text(mount.target) or "")
        if mount.kind == "configmap" and mount.subpath and name and not once:
            found.setdefault(name, mount.place)
    return found


def _is_rolled(workload: f.Workload, process: Process, pipeline: Pipeline) -> bool:
    """Whether something gives it new pods: a mark that follows the configuration, or another image each time."""
    container = process.fact
    image = container.image if isinstance(container, f.Container) else None
    if image is not None and not pipeline.resolve(image, process).complete:
        return True
    for part in pipeline.index(f.Workload, "name").get(workload.name, ()):
        if part.kind == workload.kind and one_namespace(part.namespace, workload.namespace):
            marks = (*part.annotations, *part.pod_annotations, *part.pod_labels)
            if any(_RELOADS.search(f"{mark.key} {mark.value}") for mark in marks):
                return True
    return False


def _is_generated(holder: f.ConfigObject, pipeline: Pipeline) -> bool:
    """Whether a kustomization makes a ConfigMap of this name, or adds to it: its name then ends in a hash."""
    named = pipeline.index(f.ConfigObject, "name").get(holder.name, ())
    return any(c.generated and _is_config_map(c) and one_namespace(c.namespace, holder.namespace) for c in named)


def _is_config_map(holder: f.ConfigObject) -> bool:
    return holder.kind == "configmap"


def _restarts_pods(step: f.Step) -> bool | None:
    """Whether a step gives a workload new pods after it applied manifests (None if not: left out of the index)."""
    return any(pod_restart(_plain(command.shell)) for command in step.commands) or None


def _plain(shell: expr.Expr | None) -> str:
    if isinstance(shell, expr.Concat):
        return "".join(_plain(part) for part in shell.parts)
    return str(shell.value) if isinstance(shell, expr.Literal) else ""
