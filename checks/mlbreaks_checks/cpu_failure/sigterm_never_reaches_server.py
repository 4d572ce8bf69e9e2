"""A shell stands before a server or trainer that handles SIGTERM, and keeps the signal to itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks._dockerfiles import UNUSED, is_unused
from mlbreaks_checks._shells import Started, of_dockerfile, of_process
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
    expr,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=("signal.signal", "*.add_signal_handler"),
)

_GRACEFUL = re.compile(
    r"^(?:\w+=\S*\s+)*(?:(?:poetry|uv|pdm|pipenv) run\s+)?(?:\S*/)?(?:python[\d.]*\s+(?:-[uBOI]\s+)*-m\s+)?"
    r"(uvicorn|gunicorn|hypercorn|celery|dramatiq|rq|tritonserver|daphne|arq)\s"
)
"""Servers and workers that end what they are at when SIGTERM comes."""

_PYTHON = re.compile(
    r"^(?:\w+=\S*\s+)*(?:(?:poetry|uv|pdm|pipenv) run\s+)?(?:\S*/)?(python[\d.]*|torchrun|accelerate)\s"
)
_CHOOSES = re.compile(r"^\s*(?:if|elif|case)\b[^\n]*\$\{?1\b", re.MULTILINE)
"""A branch of a script upon its first argument."""
_HANDS_ON = re.compile(r"(^|[\s;&|(])(exec|trap|tini|dumb-init|supervisord|honcho|circusd|s6-svscan)\s")


def _has_command(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> bool:
    """Dockerfiles that say what is started, and it handles SIGTERM."""
    started = of_dockerfile(dockerfile, pipeline)
    return started is not None and _server(started) is not None


@check.over(facts.Dockerfile, where=_has_command)
def in_image(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Iterator[Verdict]:
    """What an image starts by itself."""
    started = of_dockerfile(dockerfile, pipeline)
    running = pipeline.index(Process, by=_image_file).get(dockerfile.path, ())
    if running and all(_replaces_command(process) for process in running):
        return
    if started is not None and is_unused(dockerfile, pipeline):
        yield Unjudged(started.place, UNUSED)
    elif started is not None:
        yield from _judged(started, [], f"The image of {dockerfile.path}")


def _image_file(process: Process) -> str | None:
    return process.dockerfile.path if process.dockerfile is not None else None


def _replaces_command(process: Process) -> bool:
    """Whether a container says itself what it starts."""
    container = process.fact
    return isinstance(container, facts.Container) and bool(container.entrypoint or container.command)


def _says_how(process: Process, pipeline: Pipeline) -> bool:
    """Containers that start something that handles SIGTERM by a command of their own, or by a script."""
    return any(_of_its_own(started, process, pipeline) for started in of_process(process, pipeline))


def _starts(process: Process) -> tuple[str, str]:
    """The folder and the name of a container, and its command: the same service in another compose file is a twin."""
    command = process.fact.command if isinstance(process.fact, facts.Container) else None
    words = command.argv if command is not None and command.argv is not None else ()
    return process.place.path.rpartition("/")[0], f"{process.name} {len(words)}"


def _of_its_own(started: Started, process: Process, pipeline: Pipeline) -> bool:
    if not started.script and process.dockerfile is not None and started.place.path == process.dockerfile.path:
        return bool(_handlers(process, pipeline)) and _server(started) is None and _python(started)
    return _server(started) is not None or (_python(started) and bool(_handlers(process, pipeline)))


@check.over(Process, where=_says_how)
def in_container(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """What a manifest starts, or a script of the image."""
    for started in of_process(process, pipeline):
        if not _of_its_own(started, process, pipeline):
            continue
        if _is_for_development(process, pipeline) and not _handlers(process, pipeline):
            yield Unjudged(started.place, "its code is mounted from the working copy: a container of development")
            continue
        verdicts = list(_judged(started, _handlers(process, pipeline), process.name))
        twins = [p for p in pipeline.index(Process, by=_starts)[_starts(process)] if _says_how(p, pipeline)]
        if verdicts and isinstance(verdicts[0], Finding) and len(twins) > 1 and not started.script:
            if twins[0] is process:
                also = tuple((p.place, f"{p.name} starts it in the same way") for p in twins[1:4])
                yield dataclasses.replace(verdicts[0], because=(*verdicts[0].because, *also))
            continue
        yield from verdicts


def _is_for_development(process: Process, pipeline: Pipeline) -> bool:
    """Whether a compose service has the whole working copy mounted, and nothing says that it is production's."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.tool != "compose":
        return False
    if process.environment.tier is Tier.PROD:
        return False
    sources = [pipeline.resolve(mount.source).text for mount in container.mounts if mount.kind == "bind"]
    return any(source is not None and source.rstrip("/") in (".", "..") for source in sources)


def _judged(started: Started, handlers: list[Place], who: str) -> Iterator[Verdict]:
    if not started.shell or _HANDS_ON.search(started.text):
        return
    last = started.commands[-1] if started.commands else ""
    server = _server(started)
    if started.shell == "bash" and not started.script:
        if "|" not in last and not last.endswith("&") and (_GRACEFUL.match(last + " ") or _PYTHON.match(last)):
            return  # bash -c becomes its last command
    elif started.shell == "other" and not started.script:
        yield Unjudged(
            started.place, "which shell /bin/sh is there, and whether it becomes its last command, is not told"
        )
        return
    if started.script and _CHOOSES.search(started.text):
        yield Unjudged(started.place, "what the script starts depends on its argument")
        return
    what = server or "python"
    shell = "a shell script" if started.script else started.shell
    message = (
        f"{who} starts {what} below {shell}, which does not hand on SIGTERM: {what} is not told to stop, "
        "and is killed with all that it is at when the grace period is over."
    )
    because = tuple((place, "handles SIGTERM") for place in handlers[:2])
    if handlers:
        yield Finding(at=started.place, message=message, because=because)
    else:
        lowered = "the server's own orderly end is lost, and no handler of the tree's code"
        yield Finding(at=started.place, message=message, severity=Severity.MEDIUM, lowered=lowered)


def _server(started: Started) -> str | None:
    """The server that the last but comments command of the text starts."""
    for command in reversed(started.commands):
        match = _GRACEFUL.match(re.sub(r"^exec\s+", "", command) + " ")
        if match is not None:
            return match[1]
    return None


def _python(started: Started) -> bool:
    return any(_PYTHON.match(re.sub(r"^exec\s+", "", command)) for command in started.commands)


def _handlers(process: Process, pipeline: Pipeline) -> list[Place]:
    """Where code of the process asks to be told of SIGTERM."""
    return [
        call.place
        for module in process.modules
        for call in pipeline.index(facts.Call, "path").get(module, ())
        if call.callee in check.calls and any(_sigterm(a.value) for a in call.arguments[:1])
    ]


def _sigterm(value: expr.Expr) -> bool:
    return isinstance(value, expr.Name) and value.name.rpartition(".")[2] == "SIGTERM"
