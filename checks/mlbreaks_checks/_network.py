"""Who calls whom on the network of a compose file, and on which ports a service there listens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_mlbreaks.api import Host, Pipeline, Place, Process, Setting, Value, expr, facts

SERVERS = (
    *("uvicorn.run", "*.start_http_server", "prometheus_client.start_http_server", "*.add_insecure_port"),
    *(
        "*.add_secure_port",
        "*.serve_forever",
        "*.HTTPServer",
        "http.server.HTTPServer",
        "*.launch",
        "*.start_wsgi_server",
    ),
    *("http.server.ThreadingHTTPServer", "socketserver.TCPServer", "aiohttp.web.run_app", "waitress.serve", "*.run"),
)
"""Calls that may start a server."""

_HOST_PORT = r"(?:[^\s/@,'\"]*@)?([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{2,5})(?=[/,?;'\"\]})]|$)"
_WHOLE = re.compile(rf"(?:[A-Za-z][A-Za-z0-9+.-]*://)?{_HOST_PORT}(?:[/?;][^\s,]*)?")
_WITHIN = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://{_HOST_PORT}")
_SCRIPT = re.compile(r"\.(sh|bash)\b|entrypoint|supervisord")
_CONFIGURATION = re.compile(
    r"\.(ini|conf|ya?ml|toml|cfg|cnf|json|xml|properties|template|tmpl)$|^/etc/(?!localtime|timezone|ssl|hosts)|"
    r"/(conf|config)/?$"
)
_SERVERS_OWN = re.compile(r"\.(ini|conf|cnf)(\.\w+)?$|^/etc/")
NOT_CALLED = re.compile(
    r"ORIGIN|CORS|ADVERTISED|LISTENER|ALLOWED|TRUSTED|REDIRECT|CALLBACK|PUBLIC|EXTERNAL|BROWSER|ISSUER|AUDIENCE|"
    r"^HOST_|(^|_)LOCAL_|^VITE_|^REACT_APP_",
    re.IGNORECASE,
)
"""Names of variables whose addresses are told to others, are for the outside (a browser, the host), or are compared
with what others say, and not called."""


def addresses(text: str) -> Iterator[tuple[str, int]]:
    """The hosts and ports of a value: it is an address, a list of such, or has ``scheme://host:port`` and no prose."""
    if ":" not in text:
        return
    text = text.strip(" \t\n'\"")
    whole = [_WHOLE.fullmatch(part.strip()) for part in text.split(",")]
    if all(whole):
        yield from ((match[1], int(match[2])) for match in whole if match is not None)
    elif text.startswith(("{", "[")) or not re.search(r"\s", text):
        yield from ((match[1], int(match[2])) for match in _WITHIN.finditer(text))


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
    written = [text for part in parts if (text := pipeline.resolve(part, process).text)]
    return [(word, command.place) for text in written for word in re.split(r"[\s='\"]+", text)]


def given(process: Process, pipeline: Pipeline) -> Iterator[tuple[str, str, Iterable[tuple[str, Place]]]]:
    """What tells a process whom to call: how a sentence about it begins, its name, and its texts."""
    for name, value in process.variables.items():
        if not NOT_CALLED.search(name):
            yield f"{name} sends {process.name} to", name, texts(value)
    yield f"The command of {process.name} calls", "command", command_texts(process, pipeline)


def default(setting: Setting) -> tuple[str, str, Iterable[tuple[str, Place]]]:
    """The same, of a setting that nothing gives its process."""
    said = f"{setting.name} is not given to {setting.process.name}, and its default in the code is"
    return said, setting.name, texts(setting.value)


def falls_back(setting: Setting, pipeline: Pipeline) -> bool:
    """Whether a compose service's code takes its own default for whom to call."""
    return (
        not setting.given
        and setting.known
        and not NOT_CALLED.search(setting.name)
        and is_on_a_network(setting.process, pipeline)
        and any(any(addresses(text)) for text, _ in texts(setting.value))
    )


def host_for(name: str, process: Process, pipeline: Pipeline) -> Host | None:
    """The one service of the process's compose file that has this name."""
    if isinstance(process.fact, facts.Container) and name in process.fact.extra_hosts:
        return None
    for host in pipeline.index(Host, "name").get(name, ()):
        if host.network == process.place.path and len(host.processes) == 1:
            return host
    return None


def same_service(host: Host, pipeline: Pipeline) -> Iterator[Process]:
    """The service behind the host, what other compose files of its folder (overrides) say of it, and what is in its
    network (``network_mode: service:NAME``)."""
    folder = host.network.rpartition("/")[0]
    for other in pipeline.index(Host, "name").get(host.name, ()):
        if other.network.rpartition("/")[0] == folder:
            yield from other.processes
    yield from pipeline.index(Process, _network_of).get((host.network, host.name), ())


def _network_of(process: Process) -> tuple[str, str] | None:
    fact = process.fact
    if isinstance(fact, facts.Container) and fact.shares_network_of:
        return process.place.path, fact.shares_network_of
    return None


def may_listen(host: Host, port: int, pipeline: Pipeline) -> str:
    """Why the service may listen on *port* inside though `listens` knows nothing of it; "" where nothing says so."""
    for process in same_service(host, pipeline):
        container = process.fact
        if any(_SCRIPT.search(text) for text in starts(process)) or any(
            entry.kind == "script" and not entry.external and not (entry.path or entry.written).endswith(".py")
            for entry in process.entries
        ):
            return "a script starts the called service"
        mounts = container.mounts if isinstance(container, facts.Container) else ()
        copies = process.stage.copies if process.stage is not None else ()
        mounted = [plain(part) for mount in mounts for part in (mount.source, mount.target)]
        copied = [plain(part) for copy in copies for part in (*copy.sources, copy.target) if not copy.origin]
        if any(map(_CONFIGURATION.search, mounted)) or any(map(_SERVERS_OWN.search, copied)):
            return "the called service has configuration of its own"
        if _speaks_of(process, port, pipeline):
            return "the called service's code speaks of this port"
    return ""


def _speaks_of(process: Process, port: int, pipeline: Pipeline) -> bool:
    """Whether the number stands in a constant, a default or an argument of the code that the process reaches."""
    number = re.compile(rf"(?<!\d){port}(?!\d)")
    for path in process.modules:
        written = [constant.value for constant in pipeline.index(facts.Constant, "path").get(path, ())]
        written += [read.default for read in pipeline.index(facts.EnvRead, "path").get(path, ()) if read.default]
        for function in pipeline.index(facts.Function, "path").get(path, ()):
            written += [parameter.default for parameter in function.parameters if parameter.default]
        for call in pipeline.index(facts.Call, "path").get(path, ()):
            written += [argument.value for argument in call.arguments]
        if any(number.search(str(a.value)) for one in written for a in pipeline.resolve(one, process) if not a.secret):
            return True
    return False


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
