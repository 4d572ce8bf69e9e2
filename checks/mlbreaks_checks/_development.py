"""Which containers are for development: those that only a developer's machine runs are nobody's production."""

from __future__ import annotations

import posixpath
import re

from mlbreaks_checks import _shells
from pytest_mlbreaks.api import Pipeline, Process, Tier, aside, facts

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
NAMED = re.compile(r"(?:^|[-_./])(?:dev|develop|development|devcontainer|debug|local|reload)(?:[-_./]|$)", re.I)
"""Paths that say that they are for development."""


def mode(started: _shells.Started) -> tuple[str, str] | None:
    """The development mode that a command starts, and what is wrong with it."""
    for command in started.commands:
        plain = _EXEC.sub("", command)
        for pattern, name, why in _MODES:
            if pattern.search(plain):
                return name, why
    return None


def is_for_development(process: Process, pipeline: Pipeline) -> bool:
    """Whether a container is for development: by its environment, its file, code that is mounted into it, or a manifest
    of Kubernetes that runs what the compose file runs under the same name."""
    container = process.fact
    if process.environment.tier is Tier.NONPROD or NAMED.search(process.place.path):
        return True
    if not isinstance(container, facts.Container):
        return False
    if container.tool == "compose" and any(
        workload.kind == "Deployment" and workload.tool == "kubernetes" and not aside(workload.path)
        for workload in pipeline.index(facts.Workload, "name").get(process.name, ())
    ):
        return True
    folder = posixpath.dirname(process.place.path)
    sources = (pipeline.pattern(mount.source) for mount in container.mounts if mount.kind == "bind")
    mounted = tuple(_inside(folder, source) for source in sources)
    return any(path.endswith(".py") and path.startswith(mounted) for path in pipeline.paths) if mounted else False


def _inside(folder: str, source: str) -> str:
    """A mounted folder as the start of the paths in it, seen from the root of the tree."""
    path = posixpath.normpath(posixpath.join(folder, source))
    return "" if path == "." else f"{path}/"


def is_local(process: Process, pipeline: Pipeline) -> bool:
    """Whether only a developer's machine runs a container, as it starts a server in a mode for development, upon the
    code of the working copy."""
    return any(mode(started) for started in _shells.of_process(process, pipeline)) and is_for_development(
        process, pipeline
    )
