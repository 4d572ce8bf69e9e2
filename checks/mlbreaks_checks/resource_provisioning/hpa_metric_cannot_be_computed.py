"""An autoscaler aims at the utilisation of a resource that its pods do not request.

Utilisation is usage divided by request. If one container of the pod has no request for the resource, the autoscaler
reports the metric as unknown and never scales.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")


def _looks_at_utilisation(scaler: f.Autoscaler, pipeline: Pipeline) -> bool:
    return any(_is_utilisation(metric) for metric in scaler.metrics)


@check.over(f.Autoscaler, where=_looks_at_utilisation)
def find(scaler: f.Autoscaler, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each utilisation metric of an autoscaler."""
    workload = _target(scaler, pipeline)
    if workload is None:
        yield Unjudged(scaler.place, f"{scaler.target_kind} {scaler.target_name} is not in the tree, or several are")
        return
    containers = pipeline.index(f.Container, "workload").get(workload.identity, ())
    if any(container.image is None for container in containers) or not containers:
        yield Unjudged(scaler.place, "the pod template is put together by an overlay")
        return
    defaulted = {
        resource
        for limits in pipeline.all(f.LimitRange)
        if not limits.namespace or not workload.namespace or limits.namespace == workload.namespace
        for resource in limits.requests
    }
    for metric in scaler.metrics:
        if not _is_utilisation(metric) or metric.name in defaulted:
            continue
        for container in containers:
            if container.init or (metric.container and metric.container != container.name):
                continue
            if any(q.resource == metric.name for q in (*container.requests, *container.limits)):
                continue  # a limit without a request counts as the request
            yield Finding(
                at=metric.place,
                message=(
                    f"Autoscaler {scaler.name} aims at {metric.name} utilisation, but container {container.name!r} of "
                    f"{workload.kind} {workload.name} requests no {metric.name}: the metric is unknown, and it never scales."
                ),
                because=((container.place, f"no resources.requests.{metric.name}, and no limit to take it from"),),
                about=(metric.name, container.name),
            )


def _is_utilisation(metric: f.ScalingMetric) -> bool:
    return metric.kind in ("Resource", "ContainerResource") and metric.target == "Utilization"


def _target(scaler: f.Autoscaler, pipeline: Pipeline) -> f.Workload | None:
    candidates = [
        w
        for w in pipeline.index(f.Workload, "name").get(scaler.target_name, ())
        if w.kind == scaler.target_kind and (not scaler.namespace or not w.namespace or scaler.namespace == w.namespace)
    ]
    near = [w for w in candidates if w.scope == scaler.scope]
    chosen = near or candidates
    return chosen[0] if len(chosen) == 1 else None
