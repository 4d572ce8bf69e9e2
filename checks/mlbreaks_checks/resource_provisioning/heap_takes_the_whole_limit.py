"""A Java server may use as much heap as its container has memory.

The heap is a part of what a JVM takes: threads, code, direct buffers and file mappings come on top of it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Value,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_READ_BY: dict[str, str] = {
    "ES_JAVA_OPTS": "elasticsearch",
    "OPENSEARCH_JAVA_OPTS": "opensearch",
    "LS_JAVA_OPTS": "logstash",
    "KAFKA_HEAP_OPTS": "kafka",
    "JAVA_TOOL_OPTIONS": "",
}
"""Variables that hand options to the JVM, and a word in the names of images that read them; every JVM reads the last.

Others (``JAVA_OPTS``) are read only by programs that choose to.
"""
_HEAP = re.compile(r"-Xmx(\d+)([kmgt]?)(?![\w])", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def _has_heap_and_limit(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    if not isinstance(container, facts.Container) or container.init or _limit(container) is None:
        return False
    return bool(_options(process, pipeline))


def _limit(container: facts.Container) -> facts.Quantity | None:
    return next((quantity for quantity in container.limits if quantity.resource == "memory"), None)


def _options(process: Process, pipeline: Pipeline) -> dict[str, Value]:
    """The variables of the container from which its JVM takes options."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.image is None:
        return {}
    image = references.split_reference(pipeline.pattern(container.image, process)).repository
    name = posixpath.basename(image).lower()
    return {
        variable: value
        for variable, value in process.variables.items()
        if variable in _READ_BY and _READ_BY[variable] in name
    }


@check.over(Process, where=_has_heap_and_limit)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container with a memory limit whose JVM is told how large its heap may be."""
    container = process.fact
    limit = _limit(container) if isinstance(container, facts.Container) else None
    if not isinstance(container, facts.Container) or limit is None:
        return
    allowed = pipeline.pattern(limit.amount, process)
    memory = _bytes(allowed)
    for variable, value in _options(process, pipeline).items():
        only = value.only
        if only is None or memory is None:
            yield Unjudged(container.place, "the heap or the limit can't be told")
            continue
        said = _HEAP.findall(str(only.value))
        if not said or int(said[-1][0]) * 1024 ** _POWERS[said[-1][1].lower()] < memory:
            continue
        if container.tool == "kubernetes" and _manifests.may_be_patched(container.path, pipeline, of=process.workload):
            yield Unjudged(container.place, _manifests.PATCHED)
            return
        heap = "".join(said[-1])
        yield Finding(
            at=only.origins[0].place if only.origins else container.place,
            message=(
                f"{process.name} gets {allowed} of memory and its JVM a heap of up to {heap} ({variable}): when that "
                "fills, the kernel kills the container, without an OutOfMemoryError or a heap dump."
            ),
            because=((limit.place, f"the limit, {allowed}"),),
            about=(variable,),
        )


def _bytes(text: str) -> float | None:
    """A memory limit of compose (``1g``: by 1024) or Kubernetes (``1G``: by 1000, ``1Gi``) as bytes at most."""
    match = _AMOUNT.fullmatch(text.strip("\"'"))
    return float(match[1]) * 1024 ** _POWERS[match[2].lower()] if match else None
