"""An autoscaler cannot work out how many pods are wanted.

Utilisation is usage divided by request. If one container of the pod has no request for the resource, the autoscaler
reports the metric as unknown and never scales; nor does it if the workload that it aims at is not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _manifests
from mlbreaks_checks._names import is_slip
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, one_namespace
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_DOES_NOT_MATTER = frozenset({"images", "replicas"})
"""What a kustomization may change without giving a container requests, or an autoscaler bounds or another target."""


def _is_whole(scaler: f.Autoscaler, pipeline: Pipeline) -> bool:
    return bool(_aims_at(scaler, pipeline)[1]) and (_bounds(scaler, pipeline) is not None or bool(scaler.metrics))


@check.over(f.Autoscaler, where=_is_whole)
def find(scaler: f.Autoscaler, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at an autoscaler's bounds, at its target, and at each of its utilisation metrics."""
    bounds = _bounds(scaler, pipeline)
    if bounds is not None and bounds[0] > bounds[1]:
        if _is_patched(scaler, pipeline):
            yield Unjudged(scaler.place, _manifests.PATCHED)
            return
        yield Finding(
            at=scaler.place,
            message=(
                f"Autoscaler {scaler.name} wants at least {bounds[0]} and at most {bounds[1]} pods: "
                "Kubernetes refuses it, and the workload stays as it is."
            ),
            about=("bounds",),
        )
        return
    kind, name = _aims_at(scaler, pipeline)
    workload = pipeline.nearest(f.Workload, name, scaler, where=lambda w: w.kind == kind and _is_template(w, pipeline))
    if workload is None:
        yield _no_target(scaler, kind, name, pipeline)
        return
    found = list(_metrics(scaler, workload, pipeline))
    if found and (_is_patched(scaler, pipeline) or _is_patched(workload, pipeline)):
        yield Unjudged(scaler.place, _manifests.PATCHED)
        return
    yield from found


def _metrics(scaler: f.Autoscaler, workload: f.Workload, pipeline: Pipeline) -> Iterator[Verdict]:
    containers = pipeline.index(f.Container, "workload").get(workload.identity, ())
    defaulted = _defaulted(workload, pipeline)
    for metric in scaler.metrics:
        if metric.kind not in ("Resource", "ContainerResource") or metric.target != "Utilization":
            continue
        if metric.name in defaulted:
            continue
        for container in containers:
            if container.init and container.restart != "Always":
                continue  # it has ended before the pod is measured
            if metric.container and metric.container != container.name:
                continue
            if _requests(container, metric.name, workload, pipeline):
                continue
            if _manifests.is_templated(container, pipeline, "resources"):
                yield Unjudged(container.place, _manifests.TEMPLATED)
                return
            yield Finding(
                at=metric.place,
                message=(
                    f"Autoscaler {scaler.name} aims at {metric.name} utilisation, but container {container.name!r} of "
                    f"{workload.kind} {workload.name} requests no {metric.name}: the metric is unknown, and it never "
                    "scales."
                ),
                because=((container.place, f"no resources.requests.{metric.name}, and no limit to take it from"),),
                about=(metric.name, container.name),
            )


def _is_template(workload: f.Workload, pipeline: Pipeline) -> bool:
    """Whether the workload is written out, and not the patch of one: its containers have images."""
    containers = pipeline.index(f.Container, "workload").get(workload.identity, ())
    return bool(containers) and all(container.image is not None for container in containers)


def _defaulted(workload: f.Workload, pipeline: Pipeline) -> set[str]:
    """Resources for which a LimitRange gives the containers of the workload's namespace a request."""
    found: set[str] = set()
    for namespace, limits in pipeline.index(f.LimitRange, "namespace").items():
        if one_namespace(str(namespace), workload.namespace):
            found.update(resource for limit in limits for resource in limit.requests)
    return found


def _requests(container: f.Container, resource: str, workload: f.Workload, pipeline: Pipeline) -> bool:
    """Whether the container, or a patch of it, requests the resource; a limit without a request counts as one."""
    for part in pipeline.index(f.Workload, "name").get(workload.name, ()):
        if part.kind == workload.kind and one_namespace(part.namespace, workload.namespace):
            for other in pipeline.index(f.Container, "workload").get(part.identity, ()):
                same = other is container or (other.name == container.name and other.image is None)
                if same and any(q.resource == resource for q in (*other.requests, *other.limits)):
                    return True
    return False


def _no_target(scaler: f.Autoscaler, kind: str, name: str, pipeline: Pipeline) -> Verdict:
    named = [w for w in pipeline.index(f.Workload, "name").get(name, ()) if w.tool == "kubernetes"]
    folder = scaler.path.rpartition("/")[0]
    near = [w for w in pipeline.index(f.Workload, _folder).get(folder, ()) if w.kind == kind]
    near = [w for w in near if one_namespace(w.namespace, scaler.namespace)]
    near = [w for w in near if w.name not in pipeline.index(f.Autoscaler, "target_name")]
    slips = [w for w in near if is_slip(w.name, name)]
    if named or len(slips) != 1 or pipeline.unread_near(scaler.path) is not None:
        return Unjudged(scaler.place, f"its target, a {kind}, is not in the tree, or several are")
    if _manifests.renamed(pipeline):
        return Unjudged(scaler.place, "a kustomization puts something before or after names")
    if _is_patched(scaler, pipeline) or _is_patched(slips[0], pipeline):
        return Unjudged(scaler.place, _manifests.PATCHED)
    return Finding(
        at=scaler.place,
        message=(
            f"Autoscaler {scaler.name} aims at {kind} {name!r}, which is not in the tree; {slips[0].name!r} is, "
            "beside it: an autoscaler without its target never scales."
        ),
        because=((slips[0].place, f"{kind} {slips[0].name}, which no autoscaler aims at"),),
        about=(name,),
        confidence=Confidence.MEDIUM,
        lowered=f"{name} may be made by something else than this tree",
    )


def _is_patched(thing: f.Workload | f.Autoscaler, pipeline: Pipeline) -> bool:
    return _manifests.may_be_patched(thing.path, pipeline, apart_from=_DOES_NOT_MATTER, of=thing)


def _aims_at(scaler: f.Autoscaler, pipeline: Pipeline) -> tuple[str, str]:
    """Kind and name of the target; those of the autoscaler that it patches, where it names none itself."""
    if scaler.target_name:
        return scaler.target_kind, scaler.target_name
    whole = pipeline.nearest(f.Autoscaler, scaler.name, scaler, where=_has_target)
    return (whole.target_kind, whole.target_name) if whole is not None else ("", "")


def _bounds(scaler: f.Autoscaler, pipeline: Pipeline) -> tuple[int, int] | None:
    """The least and the most pods, where both can be told; the least is 1 by default."""
    most = pipeline.resolve(scaler.maximum).only if scaler.maximum is not None else None
    least = pipeline.resolve(scaler.minimum).only if scaler.minimum is not None else None
    if most is None or least is None or not isinstance(most.value, int) or not isinstance(least.value, int):
        return None
    return least.value, most.value


def _folder(workload: f.Workload) -> str:
    return workload.path.rpartition("/")[0]


def _has_target(scaler: f.Autoscaler) -> bool:
    return bool(scaler.target_name)
