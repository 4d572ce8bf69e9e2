"""A container runs an image by a short name under which nobody publishes one.

A name without a registry and an organisation is one of Docker's official images. Some well-known servers are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_PUBLISHED = {
    "airflow": "apache/airflow",
    "kafka": "apache/kafka",
    "minio": "quay.io/minio/minio",
    "mlflow": "ghcr.io/mlflow/mlflow",
    "prometheus": "prom/prometheus",
    "qdrant": "qdrant/qdrant",
    "weaviate": "cr.weaviate.io/semitechnologies/weaviate",
}
"""Servers that are no official image (https://github.com/docker-library/official-images), and where theirs is."""


def _is_short(container: facts.Container, pipeline: Pipeline) -> bool:
    if container.image is None or container.build or aside(container.path):
        return False
    return references.split_reference(pipeline.pattern(container.image)).repository in _PUBLISHED


@check.over(facts.Container, where=_is_short)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose image has the bare name of such a server."""
    image = pipeline.pattern(container.image)
    reference = references.split_reference(image)
    name = reference.repository
    if container.tool == "kubernetes" and (doubt := _manifests.image_may_change(container.path, pipeline, container)):
        yield Unjudged(container.place, doubt)
        return
    kept = container.tool == "compose" or container.pull_policy in ("Never", "IfNotPresent")
    kept = kept or (not container.pull_policy and reference.tag not in ("", "latest"))
    if _is_built(name, pipeline):
        return
    if kept and _may_be_built(name, pipeline):
        yield Unjudged(container.place, "the tree may build an image of that name")
        return
    elsewhere = _elsewhere(name, container, pipeline)
    yield Finding(
        at=container.place,
        message=f"{container.name} runs {image}, and Docker Hub has no official image {name}: the pull fails wherever "
        "nobody made one of that name by hand.",
        because=() if elsewhere is None else ((elsewhere.place, f"here it is {pipeline.pattern(elsewhere.image)}"),),
        about=(image,),
        group="names",
        note=f"{container.name} runs {image}",
        fix=f"{name} is published as {_PUBLISHED[name]}; name a release of it.",
    )


def _last(image: str) -> str:
    return references.split_reference(image).repository.rpartition("/")[2]


def _built(build: facts.ImageBuild) -> list[str]:
    return [_last(_ci.text_of(image)) for image in build.images]


def _is_built(name: str, pipeline: Pipeline) -> bool:
    """Whether something of the tree builds an image of that name, or a script gives one that name."""
    if name in pipeline.index(facts.ImageBuild, _built, each=True):
        return True
    named = re.compile(
        rf"(?:\bbuild\b.*\s-t|--tag|\btag\s+\S+|\bimage\s+load|\bload\s+docker-image)[\s=]+\S*\b{name}\b"
    )
    return any(named.search(script.text) for script in pipeline.all(facts.Script)) or any(
        named.search(line.text) for file in pipeline.all(facts.TaskFile) for task in file.tasks for line in task.lines
    )


def _may_be_built(name: str, pipeline: Pipeline) -> bool:
    """Whether the tree has a Dockerfile for it, which somebody may build by hand."""
    return any(name in dockerfile.path.lower() for dockerfile in pipeline.all(facts.Dockerfile))


def _elsewhere(name: str, container: facts.Container, pipeline: Pipeline) -> facts.Container | None:
    """Another container of the tree that runs the server by its full name."""
    for other in pipeline.all(facts.Container):
        if other.image is not None and other.path != container.path and not other.build:
            repository = references.split_reference(pipeline.pattern(other.image)).repository
            if repository != name and repository.rpartition("/")[2] in (name, f"cp-{name}"):
                return other
    return None
