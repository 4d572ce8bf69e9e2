"""A container calls another one at the port that is published on the host, not at the port it listens on.

``ports: "8001:8000"`` opens 8001 on the host. On the containers' own network the service still listens on 8000, so
``http://api:8001`` is refused, although the same port works from a developer's browser.
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
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=_network.SERVERS,
)


@check.over(Process, where=_network.is_on_a_network)
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
            if host is None or process in host.processes or _network.listens(host, port, pipeline):
                continue
            inner = _network.published(host, port, pipeline)
            if inner is None:
                continue
            reason = _network.may_listen(host, port, pipeline) or _may_be_told(host, inner[0], pipeline)
            if reason:
                yield Unjudged(place, reason)
                continue
            yield Finding(
                at=place,
                message=(
                    f"{said} {host.name}:{port}, but {port} is only published on the host: inside the network "
                    f"{host.name} listens on {inner[0]}."
                ),
                because=((inner[1], f"{host.name} publishes {inner[0]} as {port}"),),
                about=(name, host.name),
                fix=f"Use {host.name}:{inner[0]}.",
            )


def _may_be_told(host: Host, inner: int, pipeline: Pipeline) -> str:
    """Why a variable that is not known may move the service from port *inner*; "" where its command names the port."""
    number = re.compile(rf"(?<!\d){inner}(?!\d)")
    processes = tuple(_network.same_service(host, pipeline))
    if any(number.search(text) for process in processes for text in _network.starts(process)):
        return ""
    return next((process.open_reason for process in processes if not process.closed), "")
