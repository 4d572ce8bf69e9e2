"""A container calls another one at the port that is published on the host, not at the port it listens on.

``ports: "8001:8000"`` opens 8001 on the host. On the containers' own network the service still listens on 8000, so
``http://api:8001`` is refused, although the same port works from a developer's browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Host, Pipeline, Place, Process, Severity, Value, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_ADDRESS = re.compile(r"(?:^|[/@,\s])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{2,5})(?=[/,?\s]|$)")


def _in_compose(process: Process, pipeline: Pipeline) -> bool:
    fact = process.fact
    return (
        isinstance(fact, f.Container) and fact.tool == "compose" and not fact.host_network and bool(process.variables)
    )


@check.over(Process, where=_in_compose)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address that a compose service is given in its environment."""
    for name, value in process.variables.items():
        for host, port, place in _addresses(name, value, process, pipeline):
            if port not in host.published or port in host.ports:
                continue
            inner = host.published[port]
            yield Finding(
                at=place,
                message=(
                    f"{name} sends {process.name} to {host.name}:{port}, but {port} is only published on the host: "
                    f"inside the network {host.name} listens on {inner}."
                ),
                because=((_port_place(host, port, pipeline), f"{host.name} publishes {inner} as {port}"),),
                about=(name, host.name),
                fix=f"Use {host.name}:{inner}.",
            )


def _addresses(name: str, value: Value, process: Process, pipeline: Pipeline) -> Iterator[tuple[Host, int, Place]]:
    known = pipeline.index(Host, "network").get(process.place.path, ())
    if any(host.processes and process in host.processes and len(host.processes) > 1 for host in known):
        return
    hosts = {host.name: host for host in known}
    for alternative in value:
        if alternative.secret or not isinstance(alternative.value, str) or not alternative.origins:
            continue
        for match in _ADDRESS.finditer(alternative.value):
            host = hosts.get(match.group(1))
            if host is not None and process not in host.processes:
                yield host, int(match.group(2)), alternative.origins[0].place


def _port_place(host: Host, port: int, pipeline: Pipeline) -> Place:
    for process in host.processes:
        fact = process.fact
        for given in fact.ports if isinstance(fact, f.Container) else ():
            only = pipeline.resolve(given.published, process).only if given.published is not None else None
            if only is not None and str(only.value) == str(port):
                return given.place
    return host.place
