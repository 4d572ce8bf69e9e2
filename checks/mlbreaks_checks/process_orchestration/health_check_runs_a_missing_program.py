"""A health check runs a program that its image does not have.

Slim images have neither ``curl`` nor ``wget``. The check then fails each time, however well the server is.
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
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_USUAL = frozenset({"curl", "wget", "nc"})
_LACKS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"(?:python|node|debian|openjdk|ruby|php|perl):[\w.-]*slim[\w.-]*"), _USUAL),
    (re.compile(r"(?:debian|ubuntu|mlflow/mlflow)(?::.*)?"), _USUAL),
    (re.compile(r"(?:python|node|golang|ruby):[\w.-]*alpine[\w.-]*|alpine(?::.*)?"), frozenset({"curl"})),
)
"""Official images, and which of the usual programs they do not have (``docker run IMAGE which curl wget nc``)."""

_KINDS = frozenset({"healthcheck", "liveness", "readiness", "startup"})
_FALLBACK = re.compile(r"\|\|\s*(?!exit\b|false\b|kill\b)\S")


def _asks_by_program(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    return isinstance(container, facts.Container) and any(True for _ in _asked(container, process, pipeline))


def _asked(container: facts.Container, process: Process, pipeline: Pipeline) -> Iterator[tuple[facts.Probe, str]]:
    """The probes of the container that run one of the usual programs, and which."""
    for probe in container.probes:
        command = probe.command
        if command is None or probe.kind not in _KINDS:
            continue
        words = [pipeline.pattern(word, process) for word in command.argv or ()]
        shell = pipeline.pattern(command.shell, process) if command.shell is not None else ""
        if words and posixpath.basename(words[0]) in ("sh", "bash") and len(words) > 2:
            shell = words[2]
        if not shell and words:
            shell = words[0]
        program = posixpath.basename(shell.split()[0]) if shell.split() else ""
        if program in _USUAL and not _FALLBACK.search(shell):
            yield probe, program


@check.over(Process, where=_asks_by_program)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose health is asked for by ``curl``, ``wget`` or ``nc``."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    base, base_at, doubt = _base(process, container, pipeline)
    lacks = next((programs for pattern, programs in _LACKS if pattern.fullmatch(base)), None)
    for probe, program in _asked(container, process, pipeline):
        if lacks is None:
            yield Unjudged(probe.place, "what its image holds can't be told")
        elif program in lacks and not _is_brought(program, process, container, pipeline):
            if doubt or (
                container.tool == "kubernetes"
                and _manifests.may_be_patched(container.path, pipeline, of=process.workload)
            ):
                yield Unjudged(probe.place, doubt or _manifests.PATCHED)
                continue
            yield _finding(process, container, probe, program, base, base_at, pipeline)


def _base(process: Process, container: facts.Container, pipeline: Pipeline) -> tuple[str, Place, str]:
    """The image that the container's own is made from, where that is said, and why it may be another one."""
    dockerfile, stage = process.dockerfile, process.stage
    if dockerfile is None or stage is None:
        image = pipeline.pattern(container.image, process) if container.image is not None else ""
        return _short(image), container.place, ""
    while stage.base_stage is not None:
        stage = dockerfile.stages[stage.base_stage]
    doubt = "the Dockerfile is only assumed to be the image's" if process.assumed else ""
    return _short(pipeline.pattern(stage.base, process)), stage.place, doubt


def _short(image: str) -> str:
    """An image without the registry's name and digest."""
    name = references.split_reference(image)
    repository = name.repository.removeprefix("docker.io/").removeprefix("library/").removeprefix("ghcr.io/")
    return f"{repository}:{name.tag}" if name.tag else repository


def _is_brought(program: str, process: Process, container: facts.Container, pipeline: Pipeline) -> bool:
    """Whether anything that makes the image, or starts the container, speaks of the program."""
    wanted = "netcat" if program == "nc" else program
    commands = [command for command in (container.entrypoint, container.command) if command is not None]
    if process.dockerfile is not None:
        commands += [run for stage in process.dockerfile.stages for run in stage.runs]
    for command in commands:
        texts = [pipeline.pattern(word, process) for word in command.argv or ()]
        texts += [pipeline.pattern(command.shell, process)] if command.shell is not None else []
        if any(wanted in text or "busybox" in text or text.startswith("{*}") for text in texts):
            return True
    copies = [copy for stage in process.dockerfile.stages for copy in stage.copies] if process.dockerfile else []
    return any(wanted in pipeline.pattern(copy.target, process) for copy in copies)


def _finding(
    process: Process,
    container: facts.Container,
    probe: facts.Probe,
    program: str,
    base: str,
    base_at: Place,
    pipeline: Pipeline,
) -> Finding:
    waiting = _waiting(container, process, pipeline)
    if container.tool == "kubernetes":
        then = "the pod is restarted for ever" if probe.kind != "readiness" else "the pod never gets a request"
    elif waiting:
        then = f"{waiting[0][0]} never starts"
    else:
        then = "it is never healthy"
    asked = "health check" if probe.kind == "healthcheck" else f"{probe.kind} probe"
    alone = container.tool == "compose" and not waiting
    because = [(base_at, f"{base} has no {program}, and nothing installs it")]
    because += [(at, f"{name} waits until it is healthy") for name, at in waiting]
    return Finding(
        at=probe.place,
        message=f"The {asked} of {process.name} runs {program}, which its image does not have: {then}.",
        because=tuple(because),
        about=(probe.kind,),
        severity=Severity.MEDIUM if alone else None,
        lowered="nothing in the tree waits for its health" if alone else "",
    )


def _waiting(container: facts.Container, process: Process, pipeline: Pipeline) -> list[tuple[str, Place]]:
    """The services of the compose file that wait until the container is healthy."""
    if container.tool != "compose":
        return []
    return [
        (other.name, dependency.place)
        for other in pipeline.index(facts.Container, "path").get(container.path, ())
        for dependency in other.dependencies
        if dependency.name == process.name and dependency.condition == "service_healthy"
    ]
