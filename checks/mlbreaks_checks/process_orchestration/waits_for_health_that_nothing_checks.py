"""A service waits until another is healthy, and the other has no health check.

Compose refuses to start it: a container without a health check is never healthy.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_OFFICIAL = frozenset(
    {
        *("postgres", "mysql", "mariadb", "mongo", "redis", "valkey", "rabbitmq", "memcached", "neo4j", "zookeeper"),
        *("cassandra", "nginx", "httpd", "traefik", "eclipse-mosquitto", "python", "node", "golang", "ruby", "openjdk"),
        *("eclipse-temurin", "debian", "ubuntu", "alpine", "busybox", "fedora", "rockylinux"),
    }
)
"""Official images of Docker: their maintainers put no health check into any
(https://github.com/docker-library/cassandra/pull/76#issuecomment-246054271)."""


def _waits(container: facts.Container, pipeline: Pipeline) -> bool:
    return any(True for _ in _healthy(container))


def _healthy(container: facts.Container) -> Iterator[facts.Dependency]:
    return (dependency for dependency in container.dependencies if dependency.condition == "service_healthy")


@check.over(facts.Container, where=_waits)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each compose service that waits for the health of another of its file."""
    for dependency in _healthy(container):
        named = pipeline.index(Process, _service).get((container.path, dependency.name), ())
        if len(named) != 1:
            yield Unjudged(dependency.place, "the service that it waits for is in another file")
            continue
        other = named[0]
        doubt = _health(other, pipeline)
        if doubt is None:
            continue
        if doubt:
            yield Unjudged(dependency.place, doubt)
            continue
        yield Finding(
            at=dependency.place,
            message=(
                f"{container.name} waits until {dependency.name} is healthy, and nothing asks for its health: "
                f"{container.name} is never started."
            ),
            because=tuple(_proof(other)),
            about=(dependency.name,),
        )


def _proof(process: Process) -> Iterator[tuple[Place, str]]:
    if process.stage is None:
        yield process.place, f"{process.name} has no healthcheck, and its image brings none"
        return
    yield process.place, f"{process.name} has no healthcheck"
    yield process.stage.place, "its image is made here, without a HEALTHCHECK"


def _service(process: Process) -> tuple[str, str] | None:
    container = process.fact
    if not isinstance(container, facts.Container) or container.tool != "compose":
        return None
    return container.path, container.name


def _health(process: Process, pipeline: Pipeline) -> str | None:
    """None where the service has a health check; else why it may have one all the same, "" where it has none."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.probes:
        return None
    if _set_elsewhere(container, pipeline):
        return "another compose file of the folder may set the health check"
    if container.image is None and not container.build:
        return "a part of a service that another file completes"
    dockerfile, stage = process.dockerfile, process.stage
    if dockerfile is None or stage is None:
        image = pipeline.pattern(container.image, process) if container.image is not None else ""
        return (
            "" if _is_official(image) and not container.build else "whether the image has a health check can't be told"
        )
    while True:
        if stage.healthcheck:
            return None if stage.healthcheck == "set" else ""
        if stage.base_stage is None:
            break
        stage = dockerfile.stages[stage.base_stage]
    official = _is_official(pipeline.pattern(stage.base, process))
    return "" if official else "whether the base image has a health check can't be told"


def _set_elsewhere(container: facts.Container, pipeline: Pipeline) -> bool:
    """Whether another compose file of the folder speaks of the service, and of its health or where it is defined."""
    folder = container.path.rpartition("/")[0]
    return any(
        other.path != container.path and other.path.rpartition("/")[0] == folder and other.tool == "compose"
        for other in pipeline.index(facts.Container, "name").get(container.name, ())
    )


def _is_official(image: str) -> bool:
    """Whether it is one of Docker's official images, which have no health check."""
    repository = references.split_reference(image).repository.removeprefix("docker.io/").removeprefix("library/")
    return repository in _OFFICIAL
