"""A limit on requests counts by the address of the connection, which behind a proxy is the proxy's.

All users then share one allowance: it is used up by the first busy minute, or it is set so high that it limits nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _network, _shells
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("client-assumption",),
)

_TRUSTS = re.compile(r"forwarded[-_]allow[-_]ips", re.IGNORECASE)
_MIDDLEWARE = frozenset({"ProxyHeadersMiddleware", "ProxyFix", "TrustedProxyMiddleware", "XForwardedMiddleware"})
_VARIABLE = "FORWARDED_ALLOW_IPS"


def _is_behind_an_ingress(limit: facts.AddressLimit, pipeline: Pipeline) -> bool:
    return not aside(limit.path) and _ingress(limit.path, pipeline) is not None


@check.over(facts.AddressLimit, where=_is_behind_an_ingress)
def find(limit: facts.AddressLimit, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at limits of servers that an Ingress of the tree leads to."""
    found = _ingress(limit.path, pipeline)
    if found is None or pipeline.index(facts.PythonModule, _corrects).get(True):
        return
    process, place, ingress = found
    if _VARIABLE in process.variables or any(
        _TRUSTS.search(started.text) for started in _shells.of_process(process, pipeline)
    ):
        return
    if not process.closed:
        yield Unjudged(limit.place, "what the server is started with can't all be told")
        return
    yield Finding(
        at=limit.place,
        message=f"The limit counts by {limit.by}, and {process.name} is reached through Ingress {ingress}: that is the "
        "address of the ingress controller for every request, so that all users share one allowance.",
        because=((place, f"Ingress {ingress} leads to {process.name}"),),
    )


def _ingress(path: str, pipeline: Pipeline) -> tuple[Process, Place, str] | None:
    """The container that runs the file and has the name of a Service that an Ingress leads to."""
    for process in pipeline.processes_of(path):
        container, workload = process.fact, process.workload
        if not isinstance(container, facts.Container) or container.tool != "kubernetes" or workload is None:
            continue
        for ingress in pipeline.index(facts.Ingress, _services, each=True).get(workload.name, ()):
            for one in ingress.paths:
                if _network.plain(one.service) == workload.name:
                    return process, one.place, ingress.name
    return None


def _services(ingress: facts.Ingress) -> set[str]:
    return {_network.plain(path.service) for path in ingress.paths}


def _corrects(module: facts.PythonModule) -> bool:
    """Whether a file brings what puts the client's address in place of the proxy's."""
    return any((one.name or "") in _MIDDLEWARE for one in module.imports)
