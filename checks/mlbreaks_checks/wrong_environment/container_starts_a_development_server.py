"""A container starts a server in the mode that its makers keep for development.

Its reloader watches files that nobody changes in an image, and stays up when the server behind it is dead.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _development, _shells
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
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_FOR_DEVELOPMENT = "it is run for development alone"


def _starts_one(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> bool:
    started = _shells.of_dockerfile(dockerfile, pipeline)
    return (
        started is not None
        and _development.mode(started) is not None
        and not _development.NAMED.search(dockerfile.path)
    )


def _file_of(process: Process) -> str | None:
    return process.dockerfile.path if process.dockerfile is not None else None


@check.over(facts.Dockerfile, where=_starts_one)
def find_image(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what each image starts by itself."""
    started = _shells.of_dockerfile(dockerfile, pipeline)
    mode = _development.mode(started) if started is not None else None
    if started is None or mode is None:
        return
    processes = pipeline.index(Process, _file_of).get(dockerfile.path, ())
    users = [p for p in processes if any(_development.mode(one) for one in _shells.of_process(p, pipeline))]
    if processes and not users:
        return  # all who run the image start something else
    deployed = [p for p in users if not _development.is_for_development(p, pipeline)]
    if users and not deployed:
        yield Unjudged(dockerfile.place, _FOR_DEVELOPMENT)
        return
    yield _finding(started, *mode, "This image starts", [(p.place, f"{p.name} runs it") for p in deployed[:3]])


def _is_own(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    if not isinstance(container, facts.Container) or not (container.command or container.entrypoint):
        return False
    return any(_development.mode(one) for one in _shells.of_process(process, pipeline))


@check.over(Process, where=_is_own)
def find_container(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what each container starts in place of what its image would."""
    if _development.is_for_development(process, pipeline):
        yield Unjudged(process.place, _FOR_DEVELOPMENT)
        return
    if _replaces_a_server(process, pipeline):
        yield Unjudged(process.place, "the image itself starts a server for production")
        return
    for started in _shells.of_process(process, pipeline):
        mode = _development.mode(started)
        if mode is not None and started.place.path == process.place.path:
            yield _finding(started, *mode, f"{process.name} starts", [])
            return


def _replaces_a_server(process: Process, pipeline: Pipeline) -> bool:
    """Whether a compose file starts this in place of what the image starts by itself, and that is no server for
    development: whoever deploys the image gets that one, and the compose file is what one works with."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.tool != "compose" or process.dockerfile is None:
        return False
    started = _shells.of_dockerfile(process.dockerfile, pipeline)
    return started is not None and bool(started.commands) and _development.mode(started) is None


def _finding(started: _shells.Started, mode: str, why: str, who: str, because: list[tuple[Place, str]]) -> Finding:
    return Finding(
        at=started.place, message=f"{who} `{mode}`, which is for development: {why}.", because=tuple(because)
    )
