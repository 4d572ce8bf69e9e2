"""A container calls another one at the port that is published on the host, not at the port it listens on.

``ports: "8001:8000"`` opens 8001 on the host. On the containers' own network the service still listens on 8000, so
``http://api:8001`` is refused, although the same port works from a developer's browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Host,
    Pipeline,
    Place,
    Process,
    Setting,
    Severity,
    Value,
    Verdict,
    expr,
)
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_ADDRESS = re.compile(r"(?:^|[/@,\s='\"])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{2,5})(?=[/,?;\s'\"]|$)")
# Addresses that are told to others, or compared with what they say, and not called.
_NOT_CALLED = re.compile(
    r"ORIGIN|CORS|ADVERTISED|LISTENER|ALLOWED|TRUSTED|REDIRECT|CALLBACK|PUBLIC|EXTERNAL|BROWSER|ISSUER|AUDIENCE",
    re.IGNORECASE,
)


def _is_on_a_network(process: Process, pipeline: Pipeline) -> bool:
    fact = process.fact
    return isinstance(fact, f.Container) and fact.tool == "compose" and not fact.host_network


@check.over(Process, where=_is_on_a_network)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address that a compose service is given: in its variables, and in its command line."""
    for name, value in process.variables.items():
        if not _NOT_CALLED.search(name):
            yield from _judge(process, f"{name} sends {process.name} to", name, _texts(value), pipeline)
    container = process.fact
    if isinstance(container, f.Container) and container.command is not None:
        command = container.command
        parts = (*(command.argv or ()), *((command.shell,) if command.shell is not None else ()))
        texts = [(text, command.place) for part in parts if (text := pipeline.resolve(part, process).text)]
        yield from _judge(process, f"The command of {process.name} calls", "command", texts, pipeline)


def _falls_back(setting: Setting, pipeline: Pipeline) -> bool:
    return (
        not setting.given
        and setting.known
        and not _NOT_CALLED.search(setting.name)
        and _is_on_a_network(setting.process, pipeline)
        and any(_ADDRESS.search(text) for text, _ in _texts(setting.value))
    )


@check.over(Setting, where=_falls_back)
def find_default(setting: Setting, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address that a compose service's code falls back to, as nothing gives it another."""
    said = f"{setting.name} is not given to {setting.process.name}, and its default in the code is"
    yield from _judge(setting.process, said, setting.name, _texts(setting.value), pipeline)


def _texts(value: Value) -> Iterator[tuple[str, Place]]:
    for alternative in value:
        if not alternative.secret and isinstance(alternative.value, str) and alternative.origins:
            yield alternative.value, alternative.origins[0].place


def _judge(
    process: Process,
    said: str,
    name: str,
    texts: Iterator[tuple[str, Place]] | list[tuple[str, Place]],
    pipeline: Pipeline,
) -> Iterator[Verdict]:
    for text, place in texts:
        for match in _ADDRESS.finditer(text):
            host, port = _host(match.group(1), process, pipeline), int(match.group(2))
            if host is None or process in host.processes or _listens(host, port, pipeline):
                continue
            inner = _published(host, port, pipeline)
            if inner is None:
                continue
            yield Finding(
                at=place,
                message=(
                    f"{said} {host.name}:{port}, but {port} is only published on the host: inside the network "
                    f"{host.name} listens on {inner[0]}."
                ),
                because=((inner[1], f"{host.name} publishes {inner[0]} as {port}"),),
                about=(name, host.name),
                fix=f"Use {host.name}:{inner[0]}.",
            )


def _host(name: str, process: Process, pipeline: Pipeline) -> Host | None:
    """The one service of the process's compose file that has this name."""
    for host in pipeline.index(Host, "name").get(name, ()):
        if host.network == process.place.path and len(host.processes) == 1:
            return host
    return None


def _same_service(host: Host, pipeline: Pipeline) -> Iterator[Process]:
    """The service behind the host, and what other compose files of its folder (overrides) say of it."""
    folder = host.network.rpartition("/")[0]
    for other in pipeline.index(Host, "name").get(host.name, ()):
        if other.network.rpartition("/")[0] == folder:
            yield from other.processes


def _listens(host: Host, port: int, pipeline: Pipeline) -> bool:
    """Whether the service may listen on *port* inside: some file says so, or its own settings speak of the number."""
    number = re.compile(rf"(?<!\d){port}(?!\d)")
    if port in host.ports:
        return True
    for process in _same_service(host, pipeline):
        container = process.fact
        if not isinstance(container, f.Container):
            continue
        if container.host_network:
            return True
        for given in container.ports:
            if any(str(a.value).partition("/")[0] == str(port) for a in pipeline.resolve(given.container, process)):
                return True
        if any(number.search(str(a.value)) for value in process.variables.values() for a in value if not a.secret):
            return True
        commands = [container.entrypoint, container.command, *(probe.command for probe in container.probes)]
        if process.stage is not None:
            commands += [process.stage.entrypoint, process.stage.command]
        for command in commands:
            parts = (*(command.argv or ()), command.shell) if command is not None else ()
            if any(number.search(_plain(part)) for part in parts):
                return True
    return False


def _published(host: Host, port: int, pipeline: Pipeline) -> tuple[int, Place] | None:
    """The port inside that is published as *port*, and the place that says so."""
    for process in _same_service(host, pipeline):
        container = process.fact
        for given in container.ports if isinstance(container, f.Container) else ():
            inner = pipeline.resolve(given.container, process).only
            outer = pipeline.resolve(given.published, process) if given.published is not None else ()
            if inner is not None and any(str(a.value) == str(port) for a in outer):
                text = str(inner.value).partition("/")[0]
                if text.isdecimal():
                    return int(text), given.place
    return None


def _plain(written: expr.Expr | None) -> str:
    if isinstance(written, expr.Concat):
        return "".join(_plain(part) for part in written.parts)
    return str(written.value) if isinstance(written, expr.Literal) else ""
