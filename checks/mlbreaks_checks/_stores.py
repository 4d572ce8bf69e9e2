"""Databases and brokers that run by their official images: what each takes from its variables, and who logs in."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Iterator

from mlbreaks_checks import _ci, _network
from pytest_mlbreaks.api import Host, Pipeline, Place, Process, Value, facts, references

_LIBRARY = re.compile(r"^(?:.*/)?library/|^docker\.io/")
_INIT = "/docker-entrypoint-initdb.d"


@dataclasses.dataclass(frozen=True)
class Store:
    """A server as its image sets it up at its first start.

    *user*, *database*: the variables that name the one that it creates, the deciding one first; *users*, *databases*:
    those that are there besides; *default*: the user where no variable names one. *schemes* of URLs that lead to it.
    *makes*: a database comes to be with the first write.
    """

    name: str
    schemes: tuple[str, ...]
    user: tuple[str, ...]
    database: tuple[str, ...] = ()
    default: str = ""
    users: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    makes: bool = False


_POSTGRES = Store(
    "PostgreSQL",
    ("postgres", "postgresql"),
    ("POSTGRES_USER",),
    ("POSTGRES_DB",),
    default="postgres",
    databases=("postgres", "template0", "template1"),
)
_MYSQL_OWN = ("mysql", "sys", "information_schema", "performance_schema")
_STORES: dict[str, Store] = {
    **dict.fromkeys(
        ("postgres", "pgvector/pgvector", "ankane/pgvector", "postgis/postgis", "timescale/timescaledb"), _POSTGRES
    ),
    "mysql": Store("MySQL", ("mysql",), ("MYSQL_USER",), ("MYSQL_DATABASE",), users=("root",), databases=_MYSQL_OWN),
    "mariadb": Store(
        "MariaDB",
        ("mysql", "mariadb"),
        ("MARIADB_USER", "MYSQL_USER"),
        ("MARIADB_DATABASE", "MYSQL_DATABASE"),
        users=("root",),
        databases=_MYSQL_OWN,
    ),
    "mongo": Store("MongoDB", ("mongodb",), ("MONGO_INITDB_ROOT_USERNAME",), makes=True),
    "rabbitmq": Store("RabbitMQ", ("amqp", "amqps", "pyamqp"), ("RABBITMQ_DEFAULT_USER",), default="guest", makes=True),
}
"""Images by the names of their repositories; what they say of their variables stands on https://hub.docker.com/_/NAME."""


def repository(process: Process, pipeline: Pipeline) -> str:
    """The repository of the image that a container runs, without registry and ``library/`` where it is an official one;
    "" where it is made in the tree."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.image is None or container.build:
        return ""
    if process.dockerfile is not None:
        return ""
    return _LIBRARY.sub("", references.split_reference(pipeline.pattern(container.image, process)).repository)


def store_of(process: Process, pipeline: Pipeline) -> Store | None:
    """The store whose image the container runs; None where it is none known here, or runs something else."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.init or not starts_its_own(container):
        return None
    return _STORES.get(repository(process, pipeline))


def starts_its_own(container: facts.Container) -> bool:
    """Whether a container starts what its image starts by itself: it has no command, or options of the server alone."""
    if container.entrypoint is not None:
        return False
    words = container.command.argv if container.command is not None else ()
    if words is None:
        return False
    first = _network.plain(words[0]) if words else ""
    return not words or first.startswith("-") or first in _SERVERS


_SERVERS = frozenset({"postgres", "mysqld", "mariadbd", "mongod", "rabbitmq-server", "docker-entrypoint.sh"})


@dataclasses.dataclass(frozen=True)
class Accounts:
    """Whom and what a store creates at its first start, and where that is said. Where *reason* is not "", there may be
    others, or it can't be told."""

    users: tuple[str, ...]
    databases: tuple[str, ...] | None  # None: any
    said: tuple[tuple[Place, str], ...]
    reason: str = ""


def accounts(process: Process, store: Store, pipeline: Pipeline) -> Accounts:
    """Whom and what the store in *process* creates. ``POSTGRES_DB`` is the user's name where it is not given."""
    user, reason = _named(process, store.user, store.default)
    users = tuple(dict.fromkeys(name for name in (user, *store.users) if name))
    databases: tuple[str, ...] | None = None
    if not store.makes:
        default = user if store is _POSTGRES else ""
        database, why = _named(process, store.database, default)
        reason = reason or why
        databases = tuple(dict.fromkeys(name for name in (database, *store.databases) if name))
    said = [
        (origin.place, f"{name} of {process.name}")
        for name in (*store.user, *store.database)
        for alternative in process.variables.get(name, ())
        for origin in alternative.origins[:1]
    ]
    reason = reason or ("" if process.closed else process.open_reason) or _may_create(process, pipeline)
    return Accounts(users, databases, tuple(said[:2]) or ((process.place, f"{process.name} names none"),), reason)


def _named(process: Process, names: tuple[str, ...], default: str) -> tuple[str, str]:
    """What the first of the variables *names* that is set says, and why that can't be told."""
    for name in names:
        if f"{name}_FILE" in process.variables:
            return "", f"{name}_FILE names a file"
        value = process.variables.get(name)
        if value is not None:
            text = _text(value)
            return (text or default, "") if text is not None else ("", _why(value))
    return default, ""


def _text(value: Value) -> str | None:
    only = value.only
    return None if only is None or only.secret else str("" if only.value is None else only.value)


def _why(value: Value) -> str:
    if any(alternative.secret for alternative in value):
        return "whom the server creates is a secret"
    return "whom the server creates is set where it is started"


def _may_create(process: Process, pipeline: Pipeline) -> str:
    container = process.fact
    if isinstance(container, facts.Container):
        for mount in container.mounts:
            target = pipeline.pattern(mount.target, process)
            if target.startswith((_INIT, "/etc/rabbitmq")) or "{*}" in target:
                return "what is mounted into the server may create others"
        if said_elsewhere(container, pipeline):
            return SAID_ELSEWHERE
    creates = (
        *pipeline.index(facts.Script, _creates),
        *pipeline.index(facts.Container, _container_creates),
        *pipeline.index(facts.WorkflowJob, _job_creates),
        *pipeline.index(facts.TaskFile, _task_creates),
    )
    if True in creates:
        return "a script creates users or databases"
    return ""


_CREATES = re.compile(
    r"create\s+(?:user|role|database|login)\b|createdb|createuser|create_database|rabbitmqctl\s+add_user|createUser",
    re.IGNORECASE,
)


def _creates(script: facts.Script) -> bool:
    return _CREATES.search(script.text) is not None


def _container_creates(container: facts.Container) -> bool:
    commands = [command for command in (container.entrypoint, container.command) if command is not None]
    texts = [_network.plain(word) for command in commands for word in (*(command.argv or ()), command.shell)]
    return any(map(_CREATES.search, texts))


SAID_ELSEWHERE = "another compose file of the folder may say more of the service"
"""Why nothing is said of what a compose service lacks."""


def said_elsewhere(container: facts.Container, pipeline: Pipeline) -> bool:
    """Whether another compose file of the folder adds to the service. One that says all of it anew is another setup."""
    folder = container.path.rpartition("/")[0]
    return container.tool == "compose" and any(
        other.tool == "compose"
        and other.path != container.path
        and other.path.rpartition("/")[0] == folder
        and ("override" in other.path or (other.image is None and not other.build))
        for other in pipeline.index(facts.Container, "name").get(container.name, ())
    )


def _job_creates(job: facts.WorkflowJob) -> bool:
    return any(_CREATES.search(_ci.text_of(step.run.shell)) for step in job.steps if step.run is not None)


def _task_creates(file: facts.TaskFile) -> bool:
    return any(_CREATES.search(line.text) for task in file.tasks for line in task.lines)


# ----------------------------------------------------------------------------------------------------- clients

_URL = re.compile(
    r"(?:jdbc:|db\+|sqla\+)?(?P<scheme>postgres|postgresql|mysql|mariadb|mongodb|amqps?|pyamqp)(?:\+[a-z0-9_]+)*://"
    r"(?:(?P<user>[^\s:/@]*)(?::[^\s/@]*)?@)?(?P<host>[A-Za-z0-9][\w.-]*)(?::(?:\d+|\{\*\}))?"
    r"(?:/(?P<database>[^\s/?#'\"]*))?(?:\?[^\s'\"]*)?"
)
_HOST = re.compile(r"(?P<prefix>[A-Z0-9_]*?)_?(?:HOST|HOSTNAME|SERVER)")
_USER = ("USER", "USERNAME")
_DATABASE = ("DB", "DATABASE", "DBNAME", "DB_NAME", "NAME", "DATABASE_NAME")


@dataclasses.dataclass(frozen=True)
class Login:
    """A client that logs in: by what (*said*, *name*) and where that stands; as which user, to which database, "" where
    none is told. *schemes* of the URL, or none where the variables stand apart."""

    name: str
    place: Place
    host: str
    user: str
    database: str
    scheme: str = ""


def logins(process: Process, pipeline: Pipeline) -> Iterator[Login]:
    """The logins that a container is told: in URLs of its variables and of its command, and in variables of one
    prefix (``DB_HOST``, ``DB_USER``, ``DB_NAME``)."""
    said = told(process, pipeline)
    for name, (text, place) in said.items():
        login = read_url(name, text, place)
        if login is not None:
            yield login
        match = _HOST.fullmatch(name)
        if match is not None and re.fullmatch(r"[A-Za-z0-9][\w.-]*", text):
            yield from _apart(match["prefix"], text, said)
    container = process.fact
    if isinstance(container, facts.Container) and container.command is not None:
        command = container.command
        for word in (*(command.argv or ()), *((command.shell,) if command.shell is not None else ())):
            for match in _URL.finditer(pipeline.pattern(word, process)):
                login = read_url("The command", match[0], command.place)
                if login is not None:
                    yield login


def read_url(name: str, text: str, place: Place) -> Login | None:
    """The login in a URL that *name* holds; None where the text is none, or names no user."""
    match = _URL.fullmatch(text.strip())
    if match is None or not match["user"] or "{*}" in match["user"]:
        return None
    database = match["database"] or ""
    return Login(
        name,
        place,
        match["host"],
        urllib.parse.unquote(match["user"]),
        "" if "{*}" in database else urllib.parse.unquote(database),
        match["scheme"],
    )


def _apart(prefix: str, host: str, told: dict[str, tuple[str, Place]]) -> Iterator[Login]:
    lead = f"{prefix}_" if prefix and prefix != "PG" else prefix
    user = next((f"{lead}{end}" for end in _USER if f"{lead}{end}" in told), "")
    database = next((f"{lead}{end}" for end in _DATABASE if f"{lead}{end}" in told), "")
    if not user or not told[user][0] or "{*}" in told[user][0]:
        return
    text = told[database][0] if database else ""
    yield Login(user, told[user][1], host, told[user][0], "" if "{*}" in text else text)


def told(process: Process, pipeline: Pipeline) -> dict[str, tuple[str, Place]]:
    """What each variable of a container says, ``{*}`` for what can't be told, and where."""
    told: dict[str, tuple[str, Place]] = {}
    for name, value in process.variables.items():
        only = value.only
        if only is not None and not only.secret and only.origins:
            told[name] = (str(only.value), only.origins[0].place)
    container = process.fact
    for variable in container.variables if isinstance(container, facts.Container) else ():
        told.setdefault(variable.name, (pipeline.pattern(variable.value, process), variable.place))
    return told


def server_for(name: str, process: Process, pipeline: Pipeline) -> Process | None:
    """The one container that a client reaches by *name*: of its compose file, or behind its namespace's Service."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container):
        return None
    if container.tool == "compose":
        host = _network.host_for(name, process, pipeline)
        return host.processes[0] if host is not None else None
    first, _, rest = name.partition(".")
    if workload is None or (rest and workload.namespace and rest.partition(".")[0] != workload.namespace):
        return None
    service = pipeline.nearest(facts.NetworkService, first, workload)
    if service is None:
        return None
    behind = [p for h in pipeline.index(Host, "declared").get(service.place, ()) for p in h.processes]
    behind = [p for p in behind if isinstance(p.fact, facts.Container) and not p.fact.init]
    return behind[0] if len(behind) == 1 else None
