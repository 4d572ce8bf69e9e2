"""A container starts a server in the mode that its makers keep for development.

Its reloader watches files that nobody changes in an image, and stays up when the server behind it is dead.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _shells
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_RELOADER = "its reloader stays up when the server behind it dies: the container runs on, and nothing starts it anew"
_SLOW = "one process with threads that is made for one developer, not for requests from outside"
_MODES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"^(?:\S*/)?(?:uv run |poetry run |python\S* -m )*(?:\S*/)?uvicorn\s.*--reload(?![\w-])"),
        "uvicorn --reload",
        _RELOADER,
    ),
    (re.compile(r"^(?:uv run |poetry run )*(?:\S*/)?fastapi dev\b(?!.*--no-reload)"), "fastapi dev", _RELOADER),
    (
        re.compile(r"^(?:uv run |poetry run )*(?:\S*/)?(?:python\S* )?(?:\S*/)?manage\.py runserver\b"),
        "manage.py runserver",
        _SLOW,
    ),
    (re.compile(r"^(?:uv run |poetry run |python\S* -m )*(?:\S*/)?flask\s(?:\S+\s)*?run\b"), "flask run", _SLOW),
    (
        re.compile(r"^(?:uv run |poetry run )*(?:\S*/)?airflow standalone\b"),
        "airflow standalone",
        "scheduler, web server and workers in one process tree, with a user and a password that it makes up",
    ),
)
_EXEC = re.compile(r"^(?:exec\s+|tini\s+(?:-\S+\s+)*|dumb-init\s+(?:-\S+\s+)*|/\S*entrypoint\S*\s+)+")
_FOR_DEVELOPMENT = "it is run for development alone"
_DEVELOPMENT = re.compile(r"(?:^|[-_./])(?:dev|develop|development|devcontainer|debug|local|reload)(?:[-_./]|$)", re.I)


def _mode(started: _shells.Started) -> tuple[str, str] | None:
    """The development mode that a command starts, and what is wrong with it."""
    for command in started.commands:
        plain = _EXEC.sub("", command)
        for pattern, name, why in _MODES:
            if pattern.search(plain):
                return name, why
    return None


def _starts_one(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> bool:
    started = _shells.of_dockerfile(dockerfile, pipeline)
    return started is not None and _mode(started) is not None and not _DEVELOPMENT.search(dockerfile.path)


def _file_of(process: Process) -> str | None:
    return process.dockerfile.path if process.dockerfile is not None else None


@check.over(facts.Dockerfile, where=_starts_one)
def find_image(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what each image starts by itself."""
    started = _shells.of_dockerfile(dockerfile, pipeline)
    mode = _mode(started) if started is not None else None
    if started is None or mode is None:
        return
    processes = pipeline.index(Process, _file_of).get(dockerfile.path, ())
    users = [p for p in processes if any(_mode(one) for one in _shells.of_process(p, pipeline))]
    if processes and not users:
        return  # all who run the image start something else
    deployed = [p for p in users if not _is_for_development(p, pipeline)]
    if users and not deployed:
        yield Unjudged(dockerfile.place, _FOR_DEVELOPMENT)
        return
    yield _finding(started, *mode, "This image starts", [(p.place, f"{p.name} runs it") for p in deployed[:3]])


def _is_own(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    if not isinstance(container, facts.Container) or not (container.command or container.entrypoint):
        return False
    return any(_mode(one) for one in _shells.of_process(process, pipeline))


@check.over(Process, where=_is_own)
def find_container(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what each container starts in place of what its image would."""
    if _is_for_development(process, pipeline):
        yield Unjudged(process.place, _FOR_DEVELOPMENT)
        return
    for started in _shells.of_process(process, pipeline):
        mode = _mode(started)
        if mode is not None and started.place.path == process.place.path:
            yield _finding(started, *mode, f"{process.name} starts", [])
            return


def _is_for_development(process: Process, pipeline: Pipeline) -> bool:
    """Whether a container is for development: by its environment, its file, or code that is mounted into it."""
    container = process.fact
    if process.environment.tier is Tier.NONPROD or _DEVELOPMENT.search(process.place.path):
        return True
    if not isinstance(container, facts.Container):
        return False
    folder = posixpath.dirname(process.place.path)
    sources = (pipeline.pattern(mount.source) for mount in container.mounts if mount.kind == "bind")
    mounted = tuple(_inside(folder, source) for source in sources)
    return any(path.endswith(".py") and path.startswith(mounted) for path in pipeline.paths) if mounted else False


def _inside(folder: str, source: str) -> str:
    """A mounted folder as the start of the paths in it, seen from the root of the tree."""
    path = posixpath.normpath(posixpath.join(folder, source))
    return "" if path == "." else f"{path}/"


def _finding(started: _shells.Started, mode: str, why: str, who: str, because: list[tuple[Place, str]]) -> Finding:
    return Finding(
        at=started.place, message=f"{who} `{mode}`, which is for development: {why}.", because=tuple(because)
    )
