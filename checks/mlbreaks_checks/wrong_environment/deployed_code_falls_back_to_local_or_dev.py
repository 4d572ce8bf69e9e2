"""A container leaves a variable unset, and its code then connects to itself instead of to a service.

In a container, localhost is the container itself: the client connects to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlbreaks_checks import _asked
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
    Tier,
    Unjudged,
    Verdict,
)
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_LOOPBACK = re.compile(r"(?:^|//|@)(localhost|127\.0\.0\.1)(?::(\d{2,5}))?(?=[/:?,]|$)")
# Where a server listens, or what may call it; not where a client connects to.
_BIND = re.compile(
    r"(^|_)(BIND|LISTEN|SERVER_HOST|SERVER_NAME|UVICORN|GUNICORN|APP_HOST|API_HOST|WEB_HOST|ALLOWED|CORS|ORIGINS?|"
    r"TRUSTED|REDIRECT|CALLBACK|PUBLIC|EXTERNAL|FRONTEND|DOMAIN|MASTER_ADDR)(_|$)|^HOST(NAME)?$",
    re.IGNORECASE,
)
# Words of names that say nothing of which service is meant.
_ANY = frozenset(
    {
        *("host", "hostname", "url", "uri", "port", "server", "service", "services", "svc", "api", "base", "endpoint"),
        *("endpoints", "addr", "address", "http", "https", "app", "application", "client", "main", "internal"),
        *(
            "default",
            "connection",
            "conn",
            "string",
            "name",
            "dsn",
            "backend",
            "the",
            "image",
            "latest",
            "data",
            "docker",
            "local",
        ),
        *("database", "store", "storage", "model", "models", "tracking", "remote", "grpc", "node", "cluster"),
    }
)
# Names of one and the same thing.
_SAME = {
    "postgresql": "postgres",
    "pg": "postgres",
    "pgvector": "postgres",
    "timescaledb": "postgres",
    "mongodb": "mongo",
    "mariadb": "mysql",
    "rabbit": "rabbitmq",
    "amqp": "rabbitmq",
    "elastic": "elasticsearch",
    "es": "elasticsearch",
    "chromadb": "chroma",
    "valkey": "redis",
}
# What servers listen on that nobody lists: the defaults of their images.
_LISTENS_ON = {
    "redis": 6379,
    "postgres": 5432,
    "mysql": 3306,
    "mongo": 27017,
    "rabbitmq": 5672,
    "kafka": 9092,
    "elasticsearch": 9200,
    "qdrant": 6333,
    "milvus": 19530,
    "ollama": 11434,
    "neo4j": 7687,
    "clickhouse": 8123,
}
# Ports that anything may listen on, and so tell nothing.
_ANYONES = frozenset({80, 443, 3000, 5000, 8000, 8001, 8080, 8081, 8888, 9000, 9090})


def _local_default(setting: Setting, pipeline: Pipeline) -> re.Match[str] | None:
    """The address of this machine in the default of a variable that tells a client where to connect."""
    if setting.read.default is None or _BIND.search(setting.name):
        return None
    default = pipeline.resolve(setting.read.default, setting.process).text
    return _LOOPBACK.search(default) if default is not None else None


def _asks_for_a_host(process: Process, pipeline: Pipeline) -> bool:
    return (
        isinstance(process.fact, f.Container)
        and not process.fact.init
        and any(_local_default(setting, pipeline) for setting in _asked.settings(process, pipeline))
    )


@check.over(Process, where=_asks_for_a_host)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each variable with a loopback default that code of a container asks for and nothing sets."""
    container = process.fact
    if not isinstance(container, f.Container) or container.host_network:
        return
    missing: dict[str, list[Setting]] = {}
    meant: dict[str, Host] = {}
    asked = _asked.settings(process, pipeline)
    elsewhere = _asked.merged(process, pipeline)
    for setting in asked:
        address = _local_default(setting, pipeline)
        if address is None or setting.given or _beside(setting, address, process, pipeline):
            continue
        if setting.name in elsewhere or _asked.is_second_choice(setting, asked):
            continue
        reason = _asked.unknown(setting, process, pipeline)
        if reason:
            yield Unjudged(setting.place, reason)
            continue
        host = _service_meant(setting, address, process, pipeline)
        if host is None:
            yield Unjudged(setting.place, "no other service of the tree is clearly meant")
        else:
            meant[host.name] = host
            missing.setdefault(host.name, []).append(setting)
    for name, settings in missing.items():
        yield _finding(process, meant[name], settings, pipeline)


def _finding(process: Process, host: Host, settings: Sequence[Setting], pipeline: Pipeline) -> Finding:
    names = list(dict.fromkeys(setting.name for setting in settings))
    default = pipeline.resolve(settings[0].read.default, process).text
    reads: dict[Place, str] = {}
    for setting in settings:
        reads.setdefault(setting.place, f"without {setting.name}, the default is used")
    severity, confidence, lowered = None, None, ""
    if _asked.is_compose(process) and process.environment.tier is not Tier.PROD:
        severity, lowered = Severity.MEDIUM, "nothing says that this compose file is production's"
    elif process.environment.tier is Tier.NONPROD:
        severity, lowered = Severity.MEDIUM, f"{process.environment.name} is not production"
    if process.assumed:
        confidence, lowered = Confidence.MEDIUM, f"that it runs this code is assumed: {process.assumed}"
    elif all(setting.read.scope for setting in settings):
        confidence, lowered = Confidence.MEDIUM, "the function that asks for it may not be called here"
    return Finding(
        at=process.place,
        message=(
            f"{process.name} is not given {' and '.join(names)}, so its code connects to {default!r}: inside its "
            f"container that is the container itself, not {host.name}."
        ),
        because=(*reads.items(), (host.place, f"{host.name} runs beside it")),
        about=(host.identity,),
        fix=f"Give {process.name} the variable {names[0]} with the address of {host.name}.",
        severity=severity,
        confidence=confidence,
        lowered=lowered,
        group=f"{host.name}:{','.join(names)}",
        note=f"{process.name} is not given {'it' if len(names) == 1 else 'them'}, either",
    )


def _localhost(process: Process) -> str | None:
    """What containers of one localhost have in common: the pod, or the service whose network they are in."""
    fact = process.fact
    if isinstance(fact, f.Container) and fact.tool == "compose":
        return f"{process.place.path}#{fact.shares_network_of or fact.name}"
    return process.workload.identity if process.workload is not None else None


def _port(setting: Setting, address: re.Match[str], process: Process, pipeline: Pipeline) -> int | None:
    """The port that goes with the address: its own, or the default of the variable beside (``REDIS_PORT``)."""
    if address[2]:
        return int(address[2])
    beside = re.sub(r"HOST(NAME)?|ADDR(ESS)?", "PORT", setting.name, flags=re.IGNORECASE)
    for other in _asked.settings(process, pipeline):
        if other.name == beside and other.name != setting.name and other.read.default is not None:
            only = pipeline.resolve(other.read.default).only
            if only is not None and str(only.value).isdecimal():
                return int(str(only.value))
    return None


def _beside(setting: Setting, address: re.Match[str], process: Process, pipeline: Pipeline) -> bool:
    """Whether what is meant is in the container itself, or in another one of its localhost."""
    port = _port(setting, address, process, pipeline)
    words = _words(setting.name)
    for other in pipeline.index(Process, _localhost).get(_localhost(process), ()):
        if not isinstance(other.fact, f.Container):
            continue
        own = _image_words(other)
        if other is process:
            own = {word for word in own if word in _LISTENS_ON}  # a client may be called after its server
        else:
            own |= _words(other.fact.name)
        if (
            port in _ports_of(other, pipeline)
            or words & own
            or port in {_LISTENS_ON.get(word) for word in own} - {None}
        ):
            return True
    return False


def _service_meant(setting: Setting, address: re.Match[str], process: Process, pipeline: Pipeline) -> Host | None:
    """The other service of the same network that the variable's name or the port speaks of, if there is exactly one."""
    port = _port(setting, address, process, pipeline)
    words = _words(setting.name)
    named: dict[tuple[str, ...], Host] = {}
    listening: dict[tuple[str, ...], Host] = {}
    for host in _reached(process, pipeline):
        if process in host.processes:
            continue
        behind = tuple(other.identity for other in host.processes) if _asked.is_compose(process) else (host.name,)
        own = _words(host.name).union(*(_image_words(other) for other in host.processes))
        ports = host.ports | {_LISTENS_ON[word] for word in own if word in _LISTENS_ON}
        reachable = ports | (set() if _asked.is_compose(process) else set(host.published))
        if words & own and (port is None or not reachable or port in reachable or port in host.published):
            named.setdefault(behind, host)
        if port is not None and port not in _ANYONES and port in reachable:
            listening.setdefault(behind, host)
    found = named or listening
    return next(iter(found.values())) if len(found) == 1 else None


def _reached(process: Process, pipeline: Pipeline) -> tuple[Host, ...]:
    """The hosts that a process reaches by name: of its compose file, or of its namespace (else of its folder)."""
    if _asked.is_compose(process):
        return pipeline.index(Host, "network").get(process.place.path, ())
    namespace = process.workload.namespace if process.workload is not None else ""
    if namespace:
        return pipeline.index(Host, _namespace).get(namespace, ())
    return pipeline.index(Host, "network").get(f"{process.place.path.rpartition('/')[0]}#", ())


def _namespace(host: Host) -> str | None:
    return host.network.partition("#")[2] or None


def _ports_of(process: Process, pipeline: Pipeline) -> set[int]:
    fact = process.fact
    given = [port.container for port in fact.ports] if isinstance(fact, f.Container) else []
    given += process.stage.ports if process.stage is not None else ()
    values = [pipeline.resolve(port, process).only for port in given]
    return {int(str(v.value)) for v in values if v is not None and str(v.value).isdecimal()}


def _image_words(process: Process) -> set[str]:
    text = process.image.text if process.image is not None else None
    return _words(text.partition("@")[0].rpartition("/")[2].partition(":")[0]) if text else set()


def _words(name: str) -> set[str]:
    """The words of a name that tell one service from another."""
    words = (_SAME.get(word, word) for word in re.split(r"[^a-z0-9]+|(?<=[a-z])\d+$", name.lower()))
    return {word for word in words if len(word) > 2 and word not in _ANY}
