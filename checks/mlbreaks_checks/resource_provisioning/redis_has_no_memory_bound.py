"""A Redis in a container with a memory limit is not told of it.

Without ``maxmemory`` Redis takes memory until the kernel kills it at the container's limit.
"""

from __future__ import annotations

import itertools
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
    Tier,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("overloaded-backend",))

HEADROOM = 0.95
"""Share of the container's limit that ``maxmemory`` may have: it counts the data alone, without buffers and the copies
that a snapshot makes (https://redis.io/docs/latest/develop/reference/eviction/)."""

_IMAGES = frozenset({"redis", "valkey", "redis-stack", "redis-stack-server"})
_STAYING = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "Pod", "compose"})
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def _is_limited_redis(process: Process, pipeline: Pipeline) -> bool:
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or container.init or workload is None or container.image is None:
        return False
    if workload.kind not in _STAYING or _limit(container) is None:
        return False
    name = references.split_reference(pipeline.pattern(container.image, process)).repository
    return posixpath.basename(name) in _IMAGES and pipeline.environment(container).tier is not Tier.NONPROD


def _limit(container: facts.Container) -> facts.Quantity | None:
    return next((quantity for quantity in container.limits if quantity.resource == "memory"), None)


@check.over(Process, where=_is_limited_redis)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs Redis or Valkey under a memory limit."""
    container, workload = process.fact, process.workload
    limit = _limit(container) if isinstance(container, facts.Container) else None
    if not isinstance(container, facts.Container) or workload is None or limit is None:
        return
    words = _words(container, process, pipeline)
    doubt = _doubt(container, words, process, pipeline)
    if doubt:
        yield Unjudged(container.place, doubt)
        return
    allowed = pipeline.pattern(limit.amount, process)
    bound = next((word for flag, word in itertools.pairwise(words) if flag == "--maxmemory"), None)
    if bound is not None and not _too_much(bound, allowed):
        return
    told = "is not told" if bound in (None, "0") else f"may fill all of it with data (maxmemory {bound})"
    name = f"Service {process.name}" if container.tool == "compose" else f"{workload.kind} {workload.name}"
    yield Finding(
        at=container.place,
        message=(
            f"{name} has a memory limit of {allowed} and its Redis {told}: when the data has grown, the kernel kills "
            "it, instead of Redis dropping old keys or refusing a write."
        ),
        because=((limit.place, f"the limit, {allowed}"),),
        group=f"{container.path.rpartition('/')[0]}:{name}:{told}" if container.tool == "compose" else "",
        note=f"{name} of this file {told}, either",
    )


def _words(container: facts.Container, process: Process, pipeline: Pipeline) -> list[str]:
    """The words of all that the container is started with, those of a shell's text split."""
    commands = [command for command in (container.entrypoint, container.command) if command is not None]
    texts = [pipeline.pattern(word, process) for command in commands for word in command.argv or ()]
    texts += [pipeline.pattern(command.shell, process) for command in commands if command.shell is not None]
    return [word for text in texts for word in text.split()]


def _doubt(container: facts.Container, words: list[str], process: Process, pipeline: Pipeline) -> str:
    """Why something else may bound it; "" where nothing points to it."""
    if any(word.endswith(".conf") or word in ("{*}", "/bin/sh", "sh") for word in words if "=" not in word):
        return "a file or script may set maxmemory"
    if any("maxmemory" in str(a.value) for value in process.variables.values() for a in value):
        return "a variable sets maxmemory"
    if any(mount.kind in ("configmap", "bind", "unknown") for mount in container.mounts):
        return "a mounted file may set maxmemory"
    if container.tool == "kubernetes" and _manifests.may_be_patched(container.path, pipeline, of=process.workload):
        return _manifests.PATCHED
    if _manifests.is_templated(container, pipeline, "env", "envFrom", "volumeMounts"):
        return _manifests.TEMPLATED
    return ""


def _too_much(bound: str, allowed: str) -> bool:
    mine, all_of_it = _bytes(bound, 1024 if bound.lower().endswith("b") else 1000), _bytes(allowed, 1024)
    if mine is None or all_of_it is None:
        return False
    return mine == 0 or mine > all_of_it * HEADROOM


def _bytes(text: str, base: int) -> float | None:
    """A quantity of Kubernetes, compose or Redis as bytes; None where it is none. *base* is what a ``k`` is: Redis
    counts ``1mb`` by 1024 and ``1m`` by 1000, compose by 1024; a limit of Kubernetes is taken by 1024, too."""
    match = _BYTES.match(text.strip("\"'"))
    return float(match[1]) * base ** _POWERS[match[2].lower()] if match else None
