"""A container publishes a port, and its image starts nothing that listens there.

Some images bring a program and start none: without a command they run a Python shell, which ends at once.
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
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")

_IMAGE = re.compile(r"^ghcr\.io/mlflow/mlflow$")


def _has_no_command(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    if not isinstance(container, facts.Container) or container.image is None or container.build:
        return False
    return _IMAGE.match(references.split_reference(pipeline.pattern(container.image, process)).repository) is not None


@check.over(Process, where=_has_no_command)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs MLflow's own image."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    if container.command is not None or container.entrypoint is not None:
        return
    if container.tool == "kubernetes" and (doubt := _manifests.image_may_change(container.path, pipeline, container)):
        yield Unjudged(container.place, doubt)
        return
    if _manifests.is_templated(container, pipeline, "command", "args"):
        yield Unjudged(container.place, _manifests.TEMPLATED)
        return
    image = pipeline.pattern(container.image, process)
    yield Finding(
        at=container.place,
        message=f"{process.name} runs {image} without a command, and that image starts no server by itself: the "
        "container ends at once, and nothing answers where the tracking server should be.",
        because=tuple((port.place, "nothing listens on this port") for port in container.ports[:1]),
        fix="Give it one: mlflow server --host 0.0.0.0 --port 5000.",
    )
