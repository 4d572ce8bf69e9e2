"""A manifest sets the number of pods that an autoscaler decides.

Each time the manifest is applied, Kubernetes takes the number in it, whatever the autoscaler has found to be needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Tier, Unjudged, Verdict, expr, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

_OF_TESTS = re.compile(r"(^|/)(test|tests|testing|e2e|load-?tests?|benchmarks?)/")


def _has_target(scaler: facts.Autoscaler, pipeline: Pipeline) -> bool:
    tiers = (pipeline.environment(scaler).tier, pipeline.environment(scaler.place).tier)
    if Tier.NONPROD in tiers or _OF_TESTS.search(scaler.path):
        return False
    return _target(scaler, pipeline) is not None


def _target(scaler: facts.Autoscaler, pipeline: Pipeline) -> facts.Workload | None:
    """The workload that the autoscaler scales, where it is written out and no patch."""
    kind = scaler.target_kind
    found = pipeline.nearest(
        facts.Workload, scaler.target_name, scaler, where=lambda w: w.kind == kind and w.tool == "kubernetes"
    )
    if found is None or not pipeline.index(facts.Container, "workload").get(found.identity):
        return None
    return found


@check.over(facts.Autoscaler, where=_has_target)
def find(scaler: facts.Autoscaler, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each autoscaler whose workload is in the tree."""
    workload = _target(scaler, pipeline)
    if workload is None or not isinstance(workload.replicas, expr.Literal):
        return
    maximum = scaler.maximum.value if isinstance(scaler.maximum, expr.Literal) else None
    number = workload.replicas.value
    if isinstance(maximum, int) and isinstance(number, int) and number >= maximum:
        return  # it never asks for more
    if _manifests.is_rendered(workload):
        yield Unjudged(workload.place, "it is made by a chart")
        return
    if bool(workload.namespace) != bool(scaler.namespace):
        yield Unjudged(workload.place, "one of the two names no namespace")
        return
    if _manifests.any_may_be_patched((workload, scaler), pipeline, apart_from=("images",)):
        yield Unjudged(workload.place, _manifests.PATCHED)
        return
    upper = f", up to {maximum}" if maximum is not None else ""
    yield Finding(
        at=workload.place,
        message=(
            f"{workload.kind} {workload.name} sets replicas to {number}, and autoscaler {scaler.name} decides how many "
            f"there are{upper}: each time the manifest is applied, pods beyond {number} are stopped, whatever the load."
        ),
        because=((scaler.place, f"{scaler.name} scales it"),),
    )
