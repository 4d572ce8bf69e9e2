"""A ReadWriteOnce volume is mounted by more pods than can hold it.

A claim with only ReadWriteOnce belongs to one node at a time (ReadWriteOncePod: to one pod). Further pods hang in
ContainerCreating, or, on the same node, write into the same files; a rolling update starts the new pod before the
old one lets go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    expr,
    one_deployment,
    one_namespace,
)
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_SINGLE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
_SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "Rollout"})
_RUN_TOGETHER = frozenset({*_SCALED, "DaemonSet", "CronJob"})
# Storage on a node's own disk: all pods that use it go to that node.
# https://kubernetes.io/docs/concepts/storage/volumes/#local
_NODE_LOCAL = re.compile(r"local|host-?path", re.IGNORECASE)
# Storage over the network, which many nodes can mount whatever the claim says.
_SHARED_STORAGE = re.compile(r"nfs|efs|cephfs|azure-?file|filestore|longhorn-rwx", re.IGNORECASE)
_ONE_NODE_CLUSTER = frozenset({"minikube", "kind", "k3d", "k3s", "microk8s", "docker-desktop", "local"})


def _mounts_a_claim(workload: f.Workload, pipeline: Pipeline) -> bool:
    return workload.kind in _SCALED and bool(_claims(workload, pipeline))


@check.over(f.Workload, where=_mounts_a_claim)
def find(workload: f.Workload, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each claim that a workload's pods mount to write: how many of them there can be at once."""
    for name, mount in _claims(workload, pipeline).items():
        claim = pipeline.nearest(f.VolumeClaim, name, workload)
        if claim is None:
            yield Unjudged(mount.place, "the claim is not in the tree, or several of its name are as near")
            continue
        mode = _single_mode(claim)
        if not mode or _shares_a_node(workload, claim, mode):
            continue
        because = [(claim.place, f"{name} can be mounted {mode} only")]
        pods, said = _pods(workload, pipeline)
        if pods is None:
            yield Unjudged(mount.place, "the number of replicas can't be told")
            continue
        if pods < 1 or (pods == 1 and not _rolls_over(workload, pipeline)):
            continue
        doubt = _doubt(claim, [workload], pipeline)
        if doubt:
            yield Unjudged(mount.place, doubt)
        elif pods > 1:
            why, place = said
            yield Finding(
                at=mount.place,
                message=(
                    f"{workload.kind} {workload.name} runs up to {pods} pods ({why}), and all of them mount the {mode} "
                    f"claim {name!r}: {_who_starts(mode)}."
                ),
                because=(*because, (place, why)),
                about=(name, "pods"),
            )
        else:
            trial = pipeline.environment(workload).tier is Tier.NONPROD
            yield Finding(
                at=mount.place,
                message=(
                    f"Deployment {workload.name} replaces its one pod by a rolling update, which starts the new pod "
                    f"while the old one still holds the {mode} claim {name!r}: {_who_waits(mode)}."
                ),
                because=(
                    *because,
                    (workload.place, f"its strategy is {workload.strategy or 'RollingUpdate, by default'}"),
                ),
                about=(name, "rollout"),
                severity=Severity.LOW if trial else Severity.MEDIUM,
                confidence=Confidence.MEDIUM,
                lowered="on one node both pods can mount it, and only the application may mind",
                fix="Set strategy.type: Recreate.",
                group="rollout",
                note=f"Deployment {workload.name} replaces its one pod in the same way, with the claim {name!r}",
            )


def _is_shared(claim: f.VolumeClaim, pipeline: Pipeline) -> bool:
    return bool(_single_mode(claim)) and bool(_users(claim, pipeline))


@check.over(f.VolumeClaim, where=_is_shared)
def find_shared(claim: f.VolumeClaim, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each claim that workloads mount to write: whether different ones do so at the same time."""
    users = _users(claim, pipeline)
    if len(users) < 2:
        return
    doubt = _doubt(claim, [workload for workload, _ in users.values()], pipeline)
    if doubt:
        yield Unjudged(claim.place, doubt)
        return
    mode = _single_mode(claim)
    (first, (_, mount)), *others = users.items()
    yield Finding(
        at=mount.place,
        message=(
            f"{' and '.join(users)} {'both' if len(others) == 1 else 'all'} mount the {mode} claim {claim.name!r} to "
            f"write: {_who_starts(mode, apart=True)}."
        ),
        because=(
            (claim.place, f"{claim.name} can be mounted {mode} only"),
            *((other.place, f"{name} mounts it as well as {first}") for name, (_, other) in others),
        ),
        about=("shared",),
        group="shared",
        note=f"{' and '.join(users)} share the claim {claim.name!r}",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
    )


def _users(claim: f.VolumeClaim, pipeline: Pipeline) -> dict[str, tuple[f.Workload, f.Mount]]:
    """What runs at the same time, in one environment, and mounts *claim* to write. Parts of a workload count once."""
    groups: dict[tuple[str, str], dict[str, tuple[f.Workload, f.Mount]]] = {}
    mode = _single_mode(claim)
    for container in pipeline.index(f.Container, _claims_of, each=True).get(claim.name, ()):
        workload = pipeline.one(f.Workload, container.workload)
        if workload is None or workload.kind not in _RUN_TOGETHER or claim.name in workload.claim_templates:
            continue
        if _shares_a_node(workload, claim, mode) or pipeline.nearest(f.VolumeClaim, claim.name, workload) is not claim:
            continue
        group = groups.setdefault((workload.namespace, pipeline.environment(workload).name), {})
        group.setdefault(f"{workload.kind} {workload.name}", (workload, _claims_of(container)[claim.name]))
    return max(groups.values(), key=len, default={})


def _doubt(claim: f.VolumeClaim, users: list[f.Workload], pipeline: Pipeline) -> str:
    """Why the pods may get along with the claim after all, or be other ones than are written here; "" if they can't."""
    if _manifests.any_may_be_patched((claim, *users), pipeline, apart_from=("images",)):
        return _manifests.PATCHED
    if any(_manifests.is_templated(user, pipeline, "strategy", "affinity", "nodeSelector") for user in users):
        return _manifests.TEMPLATED
    if "{{" in claim.storage_class or _SHARED_STORAGE.search(claim.storage_class):
        return "its storage class may be mounted by many nodes"
    if any(workload.node_selector for workload in users):
        return "a node selector may put all pods on one node"
    return ""


def _claims(workload: f.Workload, pipeline: Pipeline) -> dict[str, f.Mount]:
    """The claims that the pods mount to write, one for all pods, each with the first mount."""
    found: dict[str, f.Mount] = {}
    for container in pipeline.index(f.Container, "workload").get(workload.identity, ()):
        for name, mount in _claims_of(container).items():
            if name not in workload.claim_templates:
                found.setdefault(name, mount)
    return found


def _claims_of(container: f.Container) -> dict[str, f.Mount]:
    found: dict[str, f.Mount] = {}
    for mount in container.mounts:
        name = expr.literal_text(mount.source)
        if mount.kind == "claim" and not mount.read_only and name:
            found.setdefault(name, mount)
    return found


def _single_mode(claim: f.VolumeClaim) -> str:
    """The claim's access mode if it has no other than those for one node or pod, else ""."""
    modes = set(claim.access_modes)
    return claim.access_modes[0] if modes and modes <= _SINGLE else ""


def _shares_a_node(workload: f.Workload, claim: f.VolumeClaim, mode: str) -> bool:
    """Whether all pods of the workload go to one node, which may mount the claim as often as it likes."""
    if mode == "ReadWriteOncePod":
        return False
    one_node_cluster = _ONE_NODE_CLUSTER & {*workload.path.lower().split("/")[:-1], *claim.path.lower().split("/")[:-1]}
    return workload.one_node or bool(_NODE_LOCAL.search(claim.storage_class)) or bool(one_node_cluster)


def _who_starts(mode: str, apart: bool = False) -> str:
    """What happens to pods beyond the first; *apart*: of different workloads, which may keep to files of their own."""
    if mode == "ReadWriteOncePod":
        return "only one pod can start"
    if apart:
        return "they can only run on one node, and a pod that is put on a second one cannot start"
    return "pods on a second node cannot start, and those on one node write into the same files"


def _who_waits(mode: str) -> str:
    if mode == "ReadWriteOncePod":
        return "the rollout never ends"
    return "on another node it waits without end, on the same node both write into the same files"


def _parts(workload: f.Workload, pipeline: Pipeline) -> Iterator[f.Workload]:
    """The workload, and what patches of overlays say of it."""
    for part in pipeline.index(f.Workload, "name").get(workload.name, ()):
        if part.kind != workload.kind or not one_namespace(part.namespace, workload.namespace):
            continue
        if not one_deployment(part.scope, workload.scope):
            continue
        if part is workload or _manifests.is_part_of(part.path, workload.path, pipeline):
            containers = pipeline.index(f.Container, "workload").get(part.identity, ())
            if part is workload or all(container.image is None for container in containers):
                yield part


def _pods(workload: f.Workload, pipeline: Pipeline) -> tuple[int | None, tuple[str, Place]]:
    """How many pods of the workload may run at once (None: can't be told), and what says so."""
    most, said = 1, ("one replica", workload.place)
    for part in _parts(workload, pipeline):
        if part.replicas is not None:
            number = _number(part.replicas, pipeline)
            if number is None:
                return None, said
            if number > most or part is workload:
                most, said = number, (f"replicas: {number}", part.place)
    for scaler in pipeline.index(f.Autoscaler, "target_name").get(workload.name, ()):
        number = _number(scaler.maximum, pipeline)
        meant = pipeline.nearest(f.Workload, workload.name, scaler, where=_is_scaled)
        if not _manifests.is_built(workload) and not _manifests.is_part_of(scaler.path, workload.path, pipeline):
            continue
        if meant is workload and scaler.target_kind == workload.kind and number is not None and number > most:
            most, said = number, (f"maxReplicas: {number} of autoscaler {scaler.name}", scaler.place)
    return most, said


def _is_scaled(workload: f.Workload) -> bool:
    return workload.kind in _SCALED


def _number(written: expr.Expr | None, pipeline: Pipeline) -> int | None:
    only = pipeline.resolve(written).only if written is not None else None
    return only.value if only is not None and isinstance(only.value, int) else None


def _rolls_over(workload: f.Workload, pipeline: Pipeline) -> bool:
    """Whether an update starts a new pod first: maxSurge is 25 % by default, which is rounded up to one pod."""
    if workload.kind != "Deployment":
        return False
    parts = list(_parts(workload, pipeline))
    return all(part.strategy in ("", "RollingUpdate") and part.max_surge not in ("0", "0%") for part in parts)
