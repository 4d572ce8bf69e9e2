"""An MLflow server tells its clients to store models at a path that only its own container has.

A default artifact root that is a path is handed to the clients, which write and read it themselves, on their own disks.
"""

from __future__ import annotations

import posixpath
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
    Severity,
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
    calls=("mlflow.set_tracking_uri",),
)

SHOWN = 4
"""Clients that a finding names one by one."""

_STORES = re.compile(
    r"mlflow.*\.(log|save|load)_|(^|\.)(log_model|log_artifacts?|autolog|register_model|download_artifacts)$"
)
"""Callees that hand MLflow something to keep, or ask it for what is kept."""
_FLAG = "--default-artifact-root"
_VARIABLE = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
_URI = "MLFLOW_TRACKING_URI"
_REMOTE = re.compile(r"(?!file:)[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_HOST = re.compile(r"://(?:[^/@\s]*@)?([\w.-]+)(?::(\d+))?")


def _is_server(process: Process, pipeline: Pipeline) -> bool:
    return isinstance(process.fact, facts.Container) and _arguments(process) is not None


def _arguments(process: Process) -> tuple[tuple[str, ...], Place] | None:
    """What ``mlflow server`` is started with, and where; None where the container starts something else."""
    for entry in process.entries:
        if posixpath.basename(entry.written) == "mlflow" and entry.arguments[:1] == ("server",):
            return entry.arguments, entry.place
    return None


@check.over(Process, where=_is_server)
def find(server: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs an MLflow server, and at who logs to it."""
    started = _arguments(server)
    container = server.fact
    if started is None or not isinstance(container, facts.Container):
        return
    arguments, at = started
    root = _root(server, arguments)
    if root is None:
        return
    if "{*}" in root:
        yield Unjudged(at, "the artifact root can't be told")
        return
    path = root.removeprefix("file://").removeprefix("file:")
    if _REMOTE.match(path) or not path.startswith("/"):
        return
    clients: dict[str, Place] = {}
    for name, place, process in _clients(server, pipeline):
        if process is not None and _starts_containers(process, pipeline):
            yield Unjudged(place, "the client starts containers, and what they mount is not told here")
        elif not _shares(server, process, path, pipeline):
            clients[name] = place
    if clients:
        yield Finding(
            at=at,
            message=(
                f"{server.name} hands the artifact root {path} to its clients, which do not have its disk: what "
                f"{_listed(list(clients))} {'logs or loads' if len(clients) == 1 else 'log or load'} is on a disk that "
                "nobody else has."
            ),
            because=tuple((place, f"{name} is a client of it") for name, place in list(clients.items())[:SHOWN]),
        )


def _root(server: Process, arguments: tuple[str, ...]) -> str | None:
    """The default artifact root; None where the server stores artifacts itself, or what it is told can't be seen."""
    given = server.variables.get(_VARIABLE)
    variable = None if given is None else given.text or "{*}"
    for index, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag == _FLAG:
            written = value if equals else next(iter(arguments[index + 1 : index + 2]), "{*}")
            return variable if written == "{*}" and variable else written
    return variable


def _clients(server: Process, pipeline: Pipeline) -> Iterator[tuple[str, Place, Process | None]]:
    """Who is told to use the server: its name, where, and its process (None for code that no process is known of)."""
    for host in pipeline.index(Host, "processes", each=True).get(server, ()):
        for process in pipeline.index(Process, _tracking_host, each=True).get(host.name, ()):
            if process is not server and _is_near(process, host):
                if not _stores(process, pipeline):
                    continue
                variable = process.variables[_URI]
                origins = [origin.place for alternative in variable for origin in alternative.origins]
                yield process.name, next(iter(origins), process.place), process
        yield from _code(host, pipeline)


def _stores(process: Process, pipeline: Pipeline) -> bool:
    """Whether code that the process comes to stores anything with MLflow, or loads it; True where none is known."""
    code = [path for path in process.modules if path.endswith(".py")]
    if not code:
        return True
    kinds: tuple[type[facts.Function] | type[facts.PythonModule], ...] = (facts.Function, facts.PythonModule)
    return any(
        _STORES.search(callee)
        for kind in kinds
        for path in code
        for one in pipeline.index(kind, "path").get(path, ())
        for callee in one.calls
    )


def _is_near(process: Process, host: Host) -> bool:
    """Whether the process can mean this host: one compose file, or one folder of manifests."""
    folder = host.network.partition("#")[0]
    return process.place.path == host.network or process.place.path.rpartition("/")[0] == folder


def _code(host: Host, pipeline: Pipeline) -> Iterator[tuple[str, Place, Process | None]]:
    """Code that names this server, or the port of the machine that it is published at."""
    for name in (host.name, "localhost", "127.0.0.1"):
        named: list[tuple[Place, expr.Expr | None]] = []
        named += [(read.place, read.default) for read in pipeline.index(facts.EnvRead, _default_host).get(name, ())]
        named += [(call.place, call.arguments[0].value) for call in pipeline.index(facts.Call, _set_host).get(name, ())]
        for place, written in named:
            match = _HOST.search(expr.literal_text(written) or "")
            if match and (name == host.name or (match[2] and int(match[2]) in host.published)):
                yield place.path, place, None


def _set_host(call: facts.Call) -> str | None:
    if call.callee != "mlflow.set_tracking_uri" or not call.arguments:
        return None
    match = _HOST.search(expr.literal_text(call.arguments[0].value) or "")
    return match[1] if match else None


def _tracking_host(process: Process) -> list[str]:
    value = process.variables.get(_URI)
    match = _HOST.search(value.text or "") if value is not None else None
    return [match[1]] if match else []


def _default_host(read: facts.EnvRead) -> str | None:
    if expr.literal_text(read.key) != _URI:
        return None
    match = _HOST.search(expr.literal_text(read.default) or "")
    return match[1] if match else None


def _shares(server: Process, client: Process | None, path: str, pipeline: Pipeline) -> bool:
    """Whether both have the same volume or folder at the path. Code that no container is known of may run in any that
    does, or on the machine itself, whose folder then has to be at the same path."""
    mine = _source(server, path, pipeline)
    if mine is None or client is not None:
        return mine is not None and client is not None and _source(client, path, pipeline) == mine
    beside = pipeline.index(Process, _file).get(server.place.path, ())
    return mine == path or any(_source(p, path, pipeline) == mine for p in beside if p is not server)


def _starts_containers(process: Process, pipeline: Pipeline) -> bool:
    """Whether the container has Docker's socket, so that it may only hand its settings to containers that it starts."""
    mounts = process.fact.mounts if isinstance(process.fact, facts.Container) else ()
    return any(pipeline.pattern(mount.target, process).endswith("docker.sock") for mount in mounts)


def _file(process: Process) -> str:
    return process.place.path


def _source(process: Process, path: str, pipeline: Pipeline) -> str | None:
    """What the container has at *path*: the volume or folder, and the rest of the path in it. None for its own disk."""
    container = process.fact
    best: tuple[int, str] | None = None
    for mount in container.mounts if isinstance(container, facts.Container) else ():
        target = pipeline.pattern(mount.target, process).rstrip("/")
        if mount.kind != "empty" and (path == target or path.startswith(f"{target}/")):
            source = pipeline.pattern(mount.source, process)
            rest = path[len(target) :]
            if best is None or len(target) > best[0]:
                best = (len(target), posixpath.normpath(f"{source}{rest}"))
    return best[1] if best is not None else None


def _listed(names: list[str]) -> str:
    shown = names[:3]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return (", ".join(shown) if more else " and ".join(shown)) + more
