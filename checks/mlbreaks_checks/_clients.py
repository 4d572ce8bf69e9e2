"""What checks of clients share: which application of the tree an HTTP call goes to, and by which path."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Application, Endpoint, Host, Pipeline, Place, Process, facts, is_test_file

_URL = re.compile(r"https?://([^/:{}@?#]+)(?::(\d+))?(/[^?#]*)?(?:[?#].*)?$")
_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal"})
_ASIDE = re.compile(r"(^|/)(tests?|examples?|docs?|tutorials?|notebooks?|templates?|sandbox|mocks?)(/|$)")
STARTS = ("uvicorn.run", "*.run")
"""Calls that start an application, of which a check that asks for `aims` has to be told."""
BUILT_IN = re.compile(r"^/(docs|redoc|openapi\.json|metrics|static|favicon\.ico)(/|$)")
"""Paths that frameworks and their usual extensions answer themselves."""


@dataclasses.dataclass(frozen=True)
class Aim:
    """Where a call goes: the application, the path (``{*}`` for each part that can't be told), and what says so.
    *assumed*: on what it rests that it is this application."""

    application: Application
    path: str
    because: tuple[tuple[Place, str], ...] = ()
    assumed: str = ""


def is_client(call: facts.RemoteCall, pipeline: Pipeline) -> bool:
    """Whether a call may go to an application of the tree: to this machine, or to a host that the tree declares."""
    if not pipeline.all(Application) or is_test_file(call.path):
        return False
    hosts = pipeline.index(Host, "name")
    return any(host in _HERE or host in hosts for _, host, _, _ in _urls(call, pipeline))


def aims(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Aim]:
    """The applications that the call goes to, in each process that makes it."""
    seen = set()
    for process, host, port, path in _urls(call, pipeline):
        aim = _aim(process, host, port, path, pipeline)
        if aim is not None and (aim.application.identity, path) not in seen:
            seen.add((aim.application.identity, path))
            yield aim


def _urls(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[tuple[Process | None, str, str, str]]:
    processes: tuple[Process | None, ...] = pipeline.processes_of(call.path) or (None,)
    for process in processes:
        match = _URL.match(pipeline.pattern(call.url, process))
        if match is not None and not BUILT_IN.match(match[3] or "/"):
            yield process, match[1], match[2] or "", plain(match[3] or "/")


def plain(path: str) -> str:
    """A path without a slash at its end, and with one between two parts."""
    return "/" + "/".join(part for part in path.split("/") if part)


def _aim(process: Process | None, host: str, port: str, path: str, pipeline: Pipeline) -> Aim | None:
    """A service of that name with one application; on this machine, the only application of the tree, at a port that
    it is at."""
    if host not in _HERE:
        hosts = pipeline.index(Host, "name").get(host, ())
        if process is not None and isinstance(process.fact, facts.Container):
            hosts = tuple(h for h in hosts if h.network == process.place.path) or hosts
        return _behind(hosts, path, pipeline)
    every = [app for app in pipeline.all(Application) if not _ASIDE.search(app.place.path)]
    if len(every) != 1:
        publishing = pipeline.index(Host, _published, each=True).get(int(port or 80), ())
        return _behind(publishing, path, pipeline) if all(_is_published(app, pipeline) for app in every) else None
    if int(port or 80) not in _ports(every[0], pipeline):
        return None
    return Aim(every[0], path, (), "it is taken to call the only application of the tree")


def _ports(application: Application, pipeline: Pipeline) -> set[int]:
    """The ports at which the application is: those of the services of the tree that run it, inside and outside, and the
    one that its file starts a server at; the defaults of servers where neither says so.

    Source: https://flask.palletsprojects.com/en/stable/api/#flask.Flask.run, https://www.uvicorn.org/settings/ and
    https://docs.gunicorn.org/en/stable/settings.html#bind
    """
    path = file_of(application)
    hosts = pipeline.index(Host, _running, each=True)
    behind = [host for process in pipeline.processes_of(path) for host in hosts.get(process.identity, ())]
    ports = {port for host in behind for port in (*host.ports, *host.published)}
    for call in pipeline.index(facts.Call, "path").get(path, ()):
        given = call.argument("port") if call.callee in STARTS else None
        for alternative in pipeline.resolve(given.value) if given is not None else ():
            if str(alternative.value).isdecimal():
                ports.add(int(str(alternative.value)))
    return ports or ({5000, 8000} if application.router.framework == "flask" else {8000})


def _running(host: Host) -> tuple[str, ...]:
    return tuple(process.identity for process in host.processes)


def _published(host: Host) -> tuple[int, ...]:
    return tuple(host.published)


def started(process: Process, pipeline: Pipeline) -> Application | None:
    """The one application that a process starts, where the file that it starts makes it."""
    index = pipeline.index(Application, file_of)
    found = {app for entry in process.entries if entry.path for app in index.get(entry.path, ())}
    return next(iter(found)) if len(found) == 1 else None


def _is_published(application: Application, pipeline: Pipeline) -> bool:
    """Whether services run the application and say at which port of this machine: it is at no other."""
    hosts = pipeline.index(Host, _publishing, each=True)
    return any(process.identity in hosts for process in pipeline.processes_of(file_of(application)))


def _publishing(host: Host) -> tuple[str, ...]:
    return _running(host) if host.published else ()


def _behind(hosts: tuple[Host, ...], path: str, pipeline: Pipeline) -> Aim | None:
    """The one application that services of that name, or at that port, run."""
    started = [tuple(_applications_of(process, pipeline)) for host in hosts for process in host.processes]
    if not started or any(len(applications) != 1 for applications in started) or len({a for (a,) in started}) != 1:
        return None
    application = started[0][0]
    return Aim(application, path, ((hosts[0].place, f"{hosts[0].name} runs {application.place.path}"),))


def _applications_of(process: Process, pipeline: Pipeline) -> Iterator[Application]:
    """The applications in the files that a process starts; in those that they import, where it starts none."""
    index = pipeline.index(Application, file_of)
    entries = [app for entry in process.entries if entry.path for app in index.get(entry.path, ())]
    yield from entries or [app for path in process.modules for app in index.get(path, ())]


def file_of(application: Application) -> str:
    """The file that an application is made in."""
    return application.router.path


def answering(aim: Aim) -> tuple[tuple[str, Endpoint], ...]:
    """The routes of the application that the path may match, with the handlers there."""
    return tuple(
        (route, endpoint)
        for route, endpoints in aim.application.routes.items()
        if _matches(route, aim.path)
        for endpoint in endpoints
    )


def answers(call: facts.RemoteCall, aim: Aim, endpoint: Endpoint) -> bool:
    """Whether it is that handler which answers the call: its method, and a route of as many parts, each of them the
    same, or told of neither."""
    theirs = aim.path.split("/")
    routes = (route.split("/") for route, found in aim.application.routes.items() if endpoint in found)
    fits = any(
        len(route) == len(theirs) and all(a == b or "{*}" in a for a, b in zip(route, theirs, strict=True))
        for route in routes
    )
    return fits and (not call.verb or not endpoint.handler.methods or call.verb in endpoint.handler.methods)


def swallowed(aim: Aim) -> bool:
    """Whether something else that the application takes in answers there."""
    return any(prefix == "/" or f"{aim.path}/".startswith(f"{prefix}/") for prefix in aim.application.swallows)


def _matches(route: str, path: str) -> bool:
    """Whether a route may answer a path; a part that is not told of either is taken to fit."""
    if "{*}" in path and re.search(r"\{\*\}[^/]|[^/]\{\*\}", path):
        return True  # a part of which only a piece is told, and which may hold more than one
    mine, theirs = route.split("/"), path.split("/")
    if len(mine) != len(theirs):
        return "{*}" in path or ":path" in route
    return all(a == b or "{*}" in (a, b) for a, b in zip(mine, theirs, strict=True))
