"""Code reaches a service of its compose file over the address of one machine's Docker bridge.

172.17.0.1 is the host, as containers on Docker's default bridge see it. It is so on Linux, where nobody set up another
network; the port that the service publishes there is open to whoever reaches the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _network
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, aside, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
)

_BRIDGE = "172.17.0.1"


def _is_the_bridge(address: facts.Address, pipeline: Pipeline) -> bool:
    return address.host == _BRIDGE and not aside(address.path)


@check.over(facts.Address, where=_is_the_bridge)
def find(address: facts.Address, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each address in code that is that of Docker's default bridge."""
    found = _publisher(address.port, pipeline)
    if found is None:
        yield Unjudged(address.place, "no compose file of the tree publishes that port")
        return
    service, place, inner = found
    yield Finding(
        at=address.place,
        message=f"{address.scheme}://{_BRIDGE}:{address.port} is one host's Docker bridge, as containers on Linux see "
        f"it: on another machine, in a cluster, or where the bridge has another address, {service} is not found there.",
        because=((place, f"{service} publishes {address.port}"),),
        about=(service,),
        fix=f"Take the address from a variable, and set it to {service}:{inner} in compose.",
        group=f"{address.port}",
        note="so does this",
    )


def _publisher(port: int, pipeline: Pipeline) -> tuple[str, Place, str] | None:
    """The compose service that publishes the port: its name, where it does so, and the port inside."""
    for container in pipeline.all(facts.Container):
        if container.tool != "compose":
            continue
        for given in container.ports:
            if given.published is not None and _network.plain(given.published) == str(port):
                return container.name, given.place, _network.plain(given.container).partition("/")[0]
    return None
