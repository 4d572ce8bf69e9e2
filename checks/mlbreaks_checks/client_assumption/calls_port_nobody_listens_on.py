"""A service is called at a port that nothing in its container listens on.

What a service of a compose file listens on stands in its Dockerfile, its command, and on the right side of ``ports``. A
call to any other port is refused, on every run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlbreaks_checks import _network
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
    Unjudged,
    Verdict,
    facts,
    is_test_file,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    evidence="cross-artifact",
    calls=_network.SERVERS,
)

_PORT = re.compile(r"(?:(?:^|\s)(?:--?[a-z_-]*port|-p)[=\s]+|(?:0\.0\.0\.0|\[::\]|\s):)(\d{2,5})\b")


def _is_sent_to_a_service(process: Process, pipeline: Pipeline) -> bool:
    if not _network.is_on_a_network(process, pipeline):
        return False
    given = [text for value in process.variables.values() for text, _ in _network.texts(value)]
    given += [text for text, _ in _network.command_texts(process, pipeline)]
    hosts = (_network.host_for(name, process, pipeline) for text in given for name, _ in _network.addresses(text))
    return any(host is not None and process not in host.processes for host in hosts)


@check.over(Process, where=_is_sent_to_a_service)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address that a compose service is given: in its variables, and in its command line."""
    for said, name, texts in _network.given(process, pipeline):
        yield from _judge(process, said, name, texts, pipeline)


@check.over(Setting, where=_network.falls_back)
def find_default(setting: Setting, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address that a compose service's code falls back to, as nothing gives it another."""
    said, name, texts = _network.default(setting)
    yield from _judge(setting.process, said, name, texts, pipeline)


def _judge(
    process: Process, said: str, name: str, texts: Iterable[tuple[str, Place]], pipeline: Pipeline
) -> Iterator[Verdict]:
    for text, place in texts:
        for called, port in _network.addresses(text):
            host = _network.host_for(called, process, pipeline)
            if host is None or process in host.processes or _network.published(host, port, pipeline) is not None:
                continue  # a published port is what client-uses-published-port looks at
            yield from _against(host, port, place, said, name, "", pipeline)


def _names_a_service(address: facts.Address, pipeline: Pipeline) -> bool:
    return (
        address.host in pipeline.index(Host, "name")
        and not is_test_file(address.path)
        and bool(pipeline.processes_of(address.path))
    )


@check.over(facts.Address, where=_names_a_service)
def find_in_code(address: facts.Address, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address that stands in code which a process runs, where it can be of one service only."""
    hosts = pipeline.index(Host, "name")[address.host]
    if len(hosts) > 1 or len(hosts[0].processes) != 1:
        yield Unjudged(address.place, "several services have this name")
        return
    host = hosts[0]
    callers = pipeline.processes_of(address.path)
    if host.processes[0] in callers or not _network.is_on_a_network(host.processes[0], pipeline):
        return
    beside = [c for c in callers if _network.is_on_a_network(c, pipeline) and c.place.path == host.network]
    dags = [c.fact.pipeline for c in callers if isinstance(c.fact, facts.Step) and c.fact.orchestrator == "airflow"]
    if not beside and not dags:
        yield Unjudged(address.place, "what runs this code is not on the network of that service")
        return
    said = f"This code, which {beside[0].name} runs, calls" if beside else f"DAG {dags[0].rpartition('#')[2]} calls"
    assumed = "" if beside else f"Airflow is taken to be on the network of {host.network}"
    yield from _against(host, address.port, address.place, said, "code", assumed, pipeline)


def _against(
    host: Host, port: int, place: Place, said: str, name: str, assumed: str, pipeline: Pipeline
) -> Iterator[Verdict]:
    if _network.listens(host, port, pipeline):
        return
    process = host.processes[0]
    if process.dockerfile is None or process.stage is None:
        yield Unjudged(place, "what the called image listens on is not in the tree")
        return
    ports = _told(host, process, pipeline)
    if port in ports:
        return
    reason = "" if ports else "the called service's ports are not told"
    reason = reason or _may_open_more(process, port, pipeline) or _network.may_listen(host, port, pipeline)
    if reason:
        yield Unjudged(place, reason)
        return
    numbers = " and ".join(map(str, sorted(ports)))
    yield Finding(
        at=place,
        message=f"{said} {host.name}:{port}, but {host.name} listens on {numbers} only: the call is refused.",
        because=tuple(
            (where, f"{host.name} listens on {number}")
            for number, where in sorted(ports.items(), key=lambda item: item[0])
        ),
        about=(name, host.name, str(port)),
        fix=f"Use {host.name}:{numbers}." if len(ports) == 1 else "",
        confidence=Confidence.MEDIUM if assumed else None,
        lowered=assumed,
    )


def _told(host: Host, process: Process, pipeline: Pipeline) -> dict[int, Place]:
    """The ports that the service is said to listen on, by its commands, its image and its compose file."""
    ports: dict[int, Place] = {}
    stage = process.stage
    for one in _network.same_service(host, pipeline):
        for match in _PORT.finditer(" ".join(_network.starts(one))):
            command = stage.command or stage.entrypoint if stage is not None else None
            ports.setdefault(int(match[1]), command.place if command is not None else one.place)
        if isinstance(one.fact, facts.Container):
            for given in one.fact.ports:
                _add(ports, _number(given, one, pipeline), given.place)
    for exposed in stage.ports if stage is not None else ():
        found = pipeline.resolve(exposed, process).only
        if found is not None and stage is not None:
            _add(ports, str(found.value), stage.place)
    return ports


def _number(port: facts.Port, process: Process, pipeline: Pipeline) -> str:
    only = pipeline.resolve(port.container, process).only
    return "" if only is None else str(only.value)


def _add(ports: dict[int, Place], text: str, place: Place) -> None:
    number = text.partition("/")[0]
    if number.isdecimal():
        ports.setdefault(int(number), place)


def _may_open_more(process: Process, port: int, pipeline: Pipeline) -> str:
    """Why the service may listen on *port* for all that its files say; "" where that can be excluded."""
    if not process.entries or any(entry.path is None for entry in process.entries):
        return "what the called service runs can't be told"
    calls = pipeline.index(facts.Call, "path")
    constants = pipeline.index(facts.Constant, "path")
    reads = pipeline.index(facts.EnvRead, "path")
    for path in process.modules:
        for constant in constants.get(path, ()):
            if _is(port, pipeline.resolve(constant.value, process)):
                return "the called service's code speaks of this port"
        for read in reads.get(path, ()):
            if read.default is not None and _is(port, pipeline.resolve(read.default, process)):
                return "the called service's code speaks of this port"
        for call in calls.get(path, ()):
            if call.callee in _network.SERVERS and not _other_port(call, port, process, pipeline):
                return "the called service's code may open this port"
    return ""


def _is(port: int, value: Iterable[object]) -> bool:
    return any(str(getattr(alternative, "value", "")) == str(port) for alternative in value)


def _other_port(call: facts.Call, port: int, process: Process, pipeline: Pipeline) -> bool:
    """Whether no argument of a call that may start a server is, or may be, *port*."""
    given = [a for a in call.arguments if a.name in ("", "port", "server_port", "*", "**")]
    numbers = [pipeline.resolve(a.value, process) for a in given]
    if call.callee == "*.run" and not any(a.name == "port" for a in given):
        return True  # a server of that kind names its port, or listens on 5000 or 8000
    return all(value.only is not None and str(port) not in str(value.only.value) for value in numbers)
