"""Who calls whom on the network of a compose file, and on which ports a service there listens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Host, Pipeline, Place, Process, Value, expr, facts

ADDRESS = re.compile(r"(?:^|[/@,\s='\"])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{2,5})(?=[/,?;\s'\"]|$)")
NOT_CALLED = re.compile(
    r"ORIGIN|CORS|ADVERTISED|LISTENER|ALLOWED|TRUSTED|REDIRECT|CALLBACK|PUBLIC|EXTERNAL|BROWSER|ISSUER|AUDIENCE",
    re.IGNORECASE,
)
"""Names of variables whose addresses are told to others, or compared with what they say, and not called."""


def is_on_a_network(process: Process, pipeline: Pipeline) -> bool:
    """Whether a process is a compose service with a network of its own."""
    fact = process.fact
    return isinstance(fact, facts.Container) and fact.tool == "compose" and not fact.host_network


def texts(value: Value) -> Iterator[tuple[str, Place]]:
    """The texts that a value can be, each with the place that says so; secrets left out."""
    for alternative in value:
        if not alternative.secret and isinstance(alternative.value, str) and alternative.origins:
            yield alternative.value, alternative.origins[0].place


def command_texts(process: Process, pipeline: Pipeline) -> list[tuple[str, Place]]:
    """The texts of the command that a container is given."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.command is None:
        return []
    command = container.command
    parts = (*(command.argv or ()), *((command.shell,) if command.shell is not None else ()))
    return [(text, command.place) for part in parts if (text := pipeline.resolve(part, process).text)]


def host_for(name: str, process: Process, pipeline: Pipeline) -> Host | None:
    """The one service of the process's compose file that has this name."""
    for host in pipeline.index(Host, "name").get(name, ()):
        if host.network == process.place.path and len(host.processes) == 1:
            return host
    return None


def same_service(host: Host, pipeline: Pipeline) -> Iterator[Process]:
    """The service behind the host, and what other compose files of its folder (overrides) say of it."""
    folder = host.network.rpartition("/")[0]
    for other in pipeline.index(Host, "name").get(host.name, ()):
        if other.network.rpartition("/")[0] == folder:
            yield from other.processes


def listens(host: Host, port: int, pipeline: Pipeline) -> bool:
    """Whether the service may listen on *port* inside: some file says so, or its own settings speak of the number."""
    number = re.compile(rf"(?<!\d){port}(?!\d)")
    if port in host.ports:
        return True
    for process in same_service(host, pipeline):
        container = process.fact
        if not isinstance(container, facts.Container):
            continue
        if container.host_network:
            return True
        for given in container.ports:
            if any(str(a.value).partition("/")[0] == str(port) for a in pipeline.resolve(given.container, process)):
                return True
        if any(number.search(str(a.value)) for value in process.variables.values() for a in value if not a.secret):
            return True
        if any(number.search(text) for text in starts(process)):
            return True
    return False


def starts(process: Process) -> Iterator[str]:
    """The texts of what a container runs: entrypoint, command, probes, and those of its image."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    commands = [container.entrypoint, container.command, *(probe.command for probe in container.probes)]
    if process.stage is not None:
        commands += [process.stage.entrypoint, process.stage.command]
    for command in commands:
        parts = (*(command.argv or ()), command.shell) if command is not None else ()
        yield from map(plain, parts)


def published(host: Host, port: int, pipeline: Pipeline) -> tuple[int, Place] | None:
    """The port inside that is published as *port*, and the place that says so."""
    for process in same_service(host, pipeline):
        container = process.fact
        for given in container.ports if isinstance(container, facts.Container) else ():
            inner = pipeline.resolve(given.container, process).only
            outer = pipeline.resolve(given.published, process) if given.published is not None else ()
            if inner is not None and any(str(a.value) == str(port) for a in outer):
                text = str(inner.value).partition("/")[0]
                if text.isdecimal():
                    return int(text), given.place
    return None


def plain(written: expr.Expr | None) -> str:
    """The literal pieces of an expression, one after the other."""
    if isinstance(written, expr.Concat):
        return "".join(plain(part) for part in written.parts)
    return str(written.value) if isinstance(written, expr.Literal) else ""
