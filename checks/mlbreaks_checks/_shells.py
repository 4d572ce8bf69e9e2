"""What a container really starts, and whether a shell stands between it and the signals of who stops it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Literal

from pytest_mlbreaks.api import Pipeline, Place, Process, facts

Shell = Literal["sh", "bash", "other", ""]

_SHELLS = {"sh": "sh", "dash": "sh", "ash": "sh", "bash": "bash"}
_DEBIAN = re.compile(
    r"(^|/)(debian|ubuntu|python|pypy|node|cuda|pytorch|tensorflow|miniconda3|mambaforge|micromamba|airflow|uv|spark|"
    r"r-base|openjdk|mlflow|jupyter|base-notebook|scipy-notebook|buildpack-deps)(:|@|$)"
)
_NOT_DEBIAN = re.compile(r"alpine|ubi\d|fedora|rocky|centos|amazonlinux|distroless|windows|nanoserver|oracle|\brhel")
_SEPARATOR = re.compile(r"\n|;|&&|\|\|")


@dataclasses.dataclass(frozen=True)
class Started:
    """The command that a container starts: *text*, and the *shell* that takes it ("" for none: it is started itself).

    *script*: *text* is that of a shell script of the tree, which every shell runs as a child of itself.
    """

    text: str
    shell: Shell
    place: Place
    script: bool = False

    @property
    def commands(self) -> list[str]:
        """The simple commands of the text, in order, as written."""
        joined = re.sub(r"\\\r?\n", " ", self.text)
        lines = (part.strip() for part in _SEPARATOR.split(joined))
        return [line for line in lines if line and not line.startswith("#")]


def of_dockerfile(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Started | None:
    """What the last stage starts by its own CMD and ENTRYPOINT; None where it has none, or that is not one command."""
    if not dockerfile.stages:
        return None
    stage = dockerfile.stages[-1]
    return _started(stage.entrypoint, stage.command, dockerfile, pipeline, None)


def of_process(process: Process, pipeline: Pipeline) -> Iterator[Started]:
    """What a container starts, by its manifest where that says so, else by its image; and the scripts of the tree that
    it starts first."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    stage = process.stage
    entrypoint = container.entrypoint or (stage.entrypoint if stage is not None else None)
    command = container.command or (stage.command if stage is not None and container.entrypoint is None else None)
    started = _started(entrypoint, command, process.dockerfile, pipeline, process)
    if started is not None:
        yield started
    first = process.entries[0] if process.entries else None
    if first is not None and first.kind == "script" and first.path is not None:
        for script in pipeline.index(facts.Script, "path").get(first.path, ()):
            yield Started(script.text, "other", Place(script.path), script=True)


def _started(
    entrypoint: facts.Command | None,
    command: facts.Command | None,
    dockerfile: facts.Dockerfile | None,
    pipeline: Pipeline,
    process: Process | None,
) -> Started | None:
    deciding = entrypoint if entrypoint is not None and entrypoint.shell is not None else command or entrypoint
    if deciding is None:
        return None
    if deciding.shell is not None:
        if entrypoint is not None and deciding is not entrypoint:
            return None  # arguments of the entry point
        shell = _default_shell(dockerfile, pipeline) if dockerfile is not None else "sh"
        return Started(pipeline.pattern(deciding.shell, process), shell, deciding.place)
    words = [
        pipeline.pattern(argument, process)
        for part in (entrypoint, command)
        for argument in (part.argv if part is not None and part.argv is not None else ())
    ]
    name = words[0].rpartition("/")[2] if words else ""
    if name in _SHELLS and len(words) > 2 and re.fullmatch(r"-[a-z]*c", words[1]):
        shell = (
            "bash" if name == "bash" else _default_shell(dockerfile, pipeline) if dockerfile is not None else "other"
        )
        return Started(words[2], shell, deciding.place)
    return Started(" ".join(words), "", deciding.place) if words else None


def _default_shell(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Shell:
    """What ``/bin/sh`` is in the last stage: dash on Debian and Ubuntu, something else where the base is another."""
    stage = dockerfile.stages[-1]
    for _ in dockerfile.stages:
        if stage.base_stage is None:
            break
        stage = dockerfile.stages[stage.base_stage]
    image = pipeline.pattern(stage.base).lower()
    if _NOT_DEBIAN.search(image):
        return "other"
    return "sh" if _DEBIAN.search(re.sub(r":.*", ":", image)) or "slim" in image or "bookworm" in image else "other"
