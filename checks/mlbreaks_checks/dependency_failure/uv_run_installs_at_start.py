"""A container starts with `uv run`, which first installs what the build left out.

`uv run` brings the environment up to date before the command: each new container asks the package index for the groups
that `uv sync` was told to leave out, and does not start while the index can't be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _development, _installs
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Install,
    Packages,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_RUN = re.compile(r"(?:^|[\s;&|(/])uv\s+run\s+(?P<rest>[^;&|\n]*)")
_VALUES = frozenset(
    {
        "--no-group",
        "--group",
        "--extra",
        "--only-group",
        "--package",
        "--directory",
        "--project",
        "-p",
        "--python",
        "--with",
    }
)
_OFF = frozenset({"--no-sync", "--no-project", "--isolated", "--offline"})


def _starts_with_uv_run(packages: Packages, pipeline: Pipeline) -> bool:
    return _synced(packages) is not None and any(_concerned(packages, pipeline))


def _concerned(packages: Packages, pipeline: Pipeline) -> Iterator[tuple[Process, dict[str, str]]]:
    """The processes of an image that start with `uv run`, and what is given to it; none of a developer's machine."""
    for process in packages.image.processes:
        options = _options(process, pipeline)
        if options is not None and not _development.is_local(process, pipeline):
            yield process, options


@check.over(Packages, where=_starts_with_uv_run)
def find(packages: Packages, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each image that `uv sync` fills and whose processes start with `uv run`."""
    install = _synced(packages)
    if install is None:
        return
    if not install.files:
        yield Unjudged(install.place, "the project that is installed can't be told")
        return
    project = install.files[0]
    found: list[tuple[Process, list[facts.Requirement]]] = []
    for process, options in _concerned(packages, pipeline):
        if _held(process, options):
            continue
        missing = _missing(project, options, packages, pipeline)
        if missing:
            found.append((process, missing))
    if not found:
        return
    process, missing = found[0]
    names = _installs.listed(sorted({requirement.name for requirement in missing}))
    others = [(other.place, f"{other.name} starts the same way") for other, _ in found[1:]]
    yield Finding(
        at=process.place,
        message=(
            f"{process.name} starts with `uv run`, which installs what is missing first: {names}, which the build left "
            "out, come from the package index with each new container, and without it nothing starts."
        ),
        because=(
            (install.place, "the environment is built here, without them"),
            (missing[0].place, f"{missing[0].name} is in a group that `uv run` installs by default"),
            *others,
        ),
        about=("uv run",),
        confidence=None if process.closed else Confidence.MEDIUM,
        lowered="" if process.closed else f"UV_NO_SYNC may be set: {process.open_reason}",
    )


def _synced(packages: Packages) -> Install | None:
    """The last `uv sync` of an image."""
    of_uv = [i for i in packages.installs if i.tool == "uv" and (i.lock or i.passed_over or i.fixed == "a lock file")]
    return of_uv[-1] if of_uv else None


def _options(process: Process, pipeline: Pipeline) -> dict[str, str] | None:
    """What is given to the `uv run` that the process starts with, by option; None where it does not."""
    match = _RUN.search(" ".join(_words(command, process, pipeline) for command in _start(process)))
    if match is None:
        return None
    options: dict[str, str] = {}
    words = iter(match["rest"].split())
    for word in words:
        if not word.startswith("-"):
            break
        name, equals, value = word.partition("=")
        options[name] = value if equals or word not in _VALUES else next(words, "")
    return options


def _start(process: Process) -> Iterator[facts.Command]:
    """The entrypoint and the command that a container starts with: its own, else those of its image."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    entrypoint, command = container.entrypoint, container.command
    stage = process.stage
    while stage is not None:
        if entrypoint is None and container.entrypoint is None:
            entrypoint = stage.entrypoint
            command = command or stage.command
        above = stage.base_stage
        if entrypoint is not None or process.dockerfile is None or above is None:
            break
        stage = process.dockerfile.stages[above]
    yield from (part for part in (entrypoint, command) if part is not None)


def _words(command: facts.Command, process: Process, pipeline: Pipeline) -> str:
    parts = (*(command.argv or ()), *((command.shell,) if command.shell is not None else ()))
    return " ".join(pipeline.pattern(part, process) for part in parts)


def _held(process: Process, options: dict[str, str]) -> bool:
    given = process.variables.get("UV_NO_SYNC")
    return not _OFF.isdisjoint(options) or (given is not None and given.text not in ("", "0", "false"))


def _missing(
    project: facts.RequirementFile, options: dict[str, str], packages: Packages, pipeline: Pipeline
) -> list[facts.Requirement]:
    """What `uv run` with *options* installs and the image does not hold: the groups that are defaults."""
    if {"--no-default-groups", "--only-group", "--only-dev"} & options.keys():
        return []
    out = {options.get("--no-group", "")}
    if {"--no-dev", "--production"} & options.keys():
        out.add("dev")
    groups = set(project.defaults) - out
    return [
        requirement
        for requirement in pipeline.index(facts.Requirement, "path").get(project.path, ())
        if requirement.group in groups and requirement.name not in packages.installed and not requirement.marker
    ]
