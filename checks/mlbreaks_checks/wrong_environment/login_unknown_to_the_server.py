"""A client logs in as a user, or to a database, that the server beside it does not create.

The official images create one user and one database at their first start, those that their variables name. A client
that is given other names is refused on every connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _network, _stores
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Setting,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("client-assumption",),
)


_CREATES = re.compile(r"(?:^|/)(?:langfuse/langfuse(?:-web)?|(?:berriai|litellm)/litellm(?:-\w+)*)$")
"""Images that run ``prisma migrate deploy`` at their start, which creates the database where it does not exist."""


def _logs_in(process: Process, pipeline: Pipeline) -> bool:
    """Whether a container is told to log in to a store of the tree that is known."""
    return any(_server(login, process, pipeline) is not None for login in _stores.logins(process, pipeline))


def _server(login: _stores.Login, process: Process, pipeline: Pipeline) -> tuple[Process, _stores.Store] | None:
    server = _stores.server_for(login.host, process, pipeline)
    store = _stores.store_of(server, pipeline) if server is not None and server is not process else None
    if server is None or store is None or (login.scheme and login.scheme not in store.schemes):
        return None
    return server, store


@check.over(Process, where=_logs_in)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each login that a container is given for a database or broker beside it."""
    seen: set[tuple[str, str, str]] = set()
    for login in _stores.logins(process, pipeline):
        if (login.host, login.user, login.database) not in seen:
            seen.add((login.host, login.user, login.database))
            yield from _judge(login, process, f"{login.name} has {process.name} log in", pipeline)


def _falls_back(setting: Setting, pipeline: Pipeline) -> bool:
    if setting.given or not setting.known or not _network.is_on_a_network(setting.process, pipeline):
        return False
    login, container = _default(setting), setting.process.fact
    found = _server(login, setting.process, pipeline) if login is not None else None
    if found is None or not isinstance(container, facts.Container):
        return False
    waited = {dependency.name for dependency in container.dependencies}
    return isinstance(found[0].fact, facts.Container) and found[0].fact.name in waited


def _default(setting: Setting) -> _stores.Login | None:
    for text, place in _network.texts(setting.value):
        login = _stores.read_url(setting.name, text, place)
        if login is not None:
            return login
    return None


@check.over(Setting, where=_falls_back)
def find_default(setting: Setting, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each login that the code of a compose service that waits for the server falls back to, as nothing gives
    it another. Who does not wait may share the settings of those that connect."""
    login = _default(setting)
    if login is not None:
        said = f"{setting.name} is not given to {setting.process.name}, and its default in the code logs in"
        yield from _judge(login, setting.process, said, pipeline)


def _judge(login: _stores.Login, process: Process, said: str, pipeline: Pipeline) -> Iterator[Verdict]:
    found = _server(login, process, pipeline)
    if found is None:
        return
    server, store = found
    accounts = _stores.accounts(server, store, pipeline)
    stranger = login.user not in accounts.users
    missing = bool(login.database) and accounts.databases is not None and login.database not in accounts.databases
    if accounts.reason:
        if stranger or missing:
            yield Unjudged(login.place, accounts.reason)
        return
    if not stranger and not missing:
        return
    if not stranger and login.user in accounts.users[:1] and _CREATES.search(_stores.repository(process, pipeline)):
        yield Unjudged(login.place, "its image creates the database")
        return
    asked = f"as {login.user}" if stranger else f"to the database {login.database}"
    has = accounts.users if stranger else tuple(d for d in accounts.databases or () if d not in store.databases)
    creates = f"creates {' and '.join(has) if has else 'none'}"
    yield Finding(
        at=login.place,
        message=f"{said} {asked}, but {server.name} ({store.name}) {creates}: the login is refused.",
        because=accounts.said,
        about=(login.host, login.user, login.database),
        group=f"{server.identity} {asked}",
        note=f"{process.name} logs in {asked} as well",
    )
