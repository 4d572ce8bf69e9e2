"""A client in a container reaches Kafka by the listener that is advertised as localhost.

A broker answers the first request with the address that the listener advertises, and all that follows goes there. In
the client's container localhost is the container itself, where no broker is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlbreaks_checks import _network, _stores
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Setting,
    Severity,
    Unjudged,
    Value,
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

_ADVERTISED = ("KAFKA_ADVERTISED_LISTENERS", "KAFKA_CFG_ADVERTISED_LISTENERS")
_LISTENERS = ("KAFKA_LISTENERS", "KAFKA_CFG_LISTENERS")
_LISTENER = re.compile(r"\s*([A-Za-z0-9_]+)://([^:,\s]*):(\d+)\s*")
_SELF = frozenset({"localhost", "127.0.0.1"})


def _first(process: Process, names: tuple[str, ...]) -> Value | None:
    return next((process.variables[name] for name in names if name in process.variables), None)


def _text(value: Value) -> tuple[str, Place] | None:
    """What a variable is, or is by default where the shell may set another; None where that can't be told."""
    found = value.alternatives[0] if len(value.alternatives) == 1 else None
    if found is None or found.secret or not found.origins or "$" in str(found.value):
        return None
    return str(found.value), found.origins[0].place


def _parsed(text: str) -> dict[str, tuple[str, int]] | None:
    """Host and port by the listener's name; None where a part can't be read."""
    matches = [_LISTENER.fullmatch(part) for part in text.split(",") if part.strip()]
    if not all(matches):
        return None
    return {match[1]: (match[2], int(match[3])) for match in matches if match is not None}


def _is_broker(process: Process) -> bool:
    return _first(process, _ADVERTISED) is not None


def _brokers(
    process: Process, texts: Iterable[tuple[str, Place]], pipeline: Pipeline
) -> Iterator[tuple[Process, int, Place]]:
    """The brokers that these texts lead to, with the ports, and where that stands."""
    container = process.fact
    shared = container.shares_network_of if isinstance(container, facts.Container) else ""
    for text, place in texts:
        for name, port in _network.addresses(text):
            broker = _stores.server_for(name, process, pipeline)
            if broker is None or broker is process or not _is_broker(broker):
                continue
            if not (shared and isinstance(broker.fact, facts.Container) and broker.fact.name == shared):
                yield broker, port, place


def _calls_a_broker(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    if not isinstance(container, facts.Container) or container.host_network or _is_broker(process):
        return False
    return any(any(_brokers(process, texts, pipeline)) for _, _, texts in _network.given(process, pipeline))


@check.over(Process, where=_calls_a_broker)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address of a broker that a container is given: in its variables, and in its command."""
    for said, name, texts in _network.given(process, pipeline):
        for broker, port, place in _brokers(process, texts, pipeline):
            yield from _judge(said, name, process, broker, port, place)


def _falls_back(setting: Setting, pipeline: Pipeline) -> bool:
    if not _network.falls_back(setting, pipeline) or _is_broker(setting.process):
        return False
    container = setting.process.fact
    if not isinstance(container, facts.Container):
        return False
    waited = {dependency.name for dependency in container.dependencies}
    found = [broker for broker, _, _ in _brokers(setting.process, _network.texts(setting.value), pipeline)]
    return any(isinstance(broker.fact, facts.Container) and broker.fact.name in waited for broker in found)


@check.over(Setting, where=_falls_back)
def find_default(setting: Setting, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address of a broker that the code of a compose service that waits for it falls back to, as nothing
    gives it another. Who does not wait may share the settings of those that connect."""
    said, name, texts = _network.default(setting)
    for broker, port, place in _brokers(setting.process, texts, pipeline):
        yield from _judge(said, name, setting.process, broker, port, place)


def _judge(said: str, name: str, process: Process, broker: Process, port: int, place: Place) -> Iterator[Verdict]:
    value, listeners = _first(broker, _ADVERTISED), _first(broker, _LISTENERS)
    told = _text(value) if value is not None else None
    advertised = _parsed(told[0]) if told is not None else None
    bound = _text(listeners) if listeners is not None else None
    ports = _parsed(bound[0]) if bound is not None else advertised if listeners is None else None
    if advertised is None or ports is None or told is None:
        yield Unjudged(place, "what the broker advertises can't be told")
        return
    name_of = next((one for one, (_, number) in ports.items() if number == port), None)
    host, outer = advertised.get(name_of or "", ("", 0))
    if host not in _SELF:
        return
    inner = next((f"{h}:{p}" for n, (h, p) in advertised.items() if h and h not in _SELF), "")
    yield Finding(
        at=place,
        message=(
            f"{said} {broker.name}:{port}, but that listener ({name_of}) is advertised as {host}:{outer}: after the "
            f"first answer {process.name} looks for the broker in its own container."
        ),
        because=((told[1], f"{broker.name} advertises {name_of}://{host}:{outer}"),),
        about=(name, broker.name, str(port)),
        group=f"{broker.identity} {name_of}",
        note=f"{process.name} calls {broker.name}:{port} as well",
        fix=f"Use {inner}." if inner else "Advertise a listener by a name that other containers know.",
    )
