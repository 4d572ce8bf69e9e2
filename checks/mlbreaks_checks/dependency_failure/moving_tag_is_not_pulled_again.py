"""A workload runs `latest`, and is told to keep the image that the node has.

Which code a pod runs is then a matter of its node: one that has the image keeps it, another takes the newest.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(
    __name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("cache-invalidation",)
)

_ENDS = frozenset({"Job", "Pod"})
"""What runs once: whoever starts it looks at what it does."""


def _keeps_its_image(process: Process, pipeline: Pipeline) -> bool:
    """Whether a container that stays, or runs by a schedule, has such a policy, and its image comes from a registry."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or container.tool != "kubernetes" or container.image is None:
        return False
    if container.init or container.pull_policy != "IfNotPresent" or workload is None or workload.kind in _ENDS:
        return False
    repository = references.split_reference(pipeline.pattern(container.image, process)).repository
    if "/" not in repository or repository.startswith("localhost"):
        return False  # an image that was loaded into the node by hand
    return process.environment.tier is not Tier.NONPROD


@check.over(Process, where=_keeps_its_image)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the tags of containers of Kubernetes that have `imagePullPolicy: IfNotPresent`."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or workload is None:
        return
    image = pipeline.pattern(container.image, process)
    reference = references.split_reference(image)
    if reference.digest or reference.tag not in ("", "latest"):
        return
    doubt = _manifests.image_may_change(container.path, pipeline, container)
    if doubt:
        yield Unjudged(container.place, doubt)
        return
    yield Finding(
        at=container.place,
        message=f"{workload.kind} {workload.name} runs {image} with `imagePullPolicy: IfNotPresent`: a node that has "
        "an image of that name keeps it whatever was pushed since, and another takes the newest: what a pod runs "
        "depends on its node.",
        about=(image,),
        group="kept",
        note=f"{workload.kind} {workload.name} runs {image} in the same way",
    )
