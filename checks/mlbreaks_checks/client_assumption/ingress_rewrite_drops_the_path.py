"""An Ingress rewrites all paths below a prefix to one.

With ``rewrite-target: /`` and no capture group, ingress-nginx sends ``/api/predict`` and ``/api/health`` to the Service
as ``/``: whatever it serves below is out of reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _clients, _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Host,
    Pipeline,
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
    also=("push-order",),
)

_TARGET = "nginx.ingress.kubernetes.io/rewrite-target"
_PLAIN = re.compile(r"/[\w./~-]*")


def _rewrites(ingress: facts.Ingress, pipeline: Pipeline) -> bool:
    """Whether ingress-nginx is told to rewrite paths."""
    return _annotation(ingress) is not None


def _annotation(ingress: facts.Ingress) -> facts.Label | None:
    return next((label for label in ingress.annotations if label.key == _TARGET), None)


@check.over(facts.Ingress, where=_rewrites)
def find(ingress: facts.Ingress, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the paths of each Ingress with a ``rewrite-target``."""
    target = _annotation(ingress)
    if target is None or "$" in target.value:
        return
    dropped = [path for path in ingress.paths if _is_dropped(path, target.value)]
    reach = [(path, _beyond(path, ingress, target.value, pipeline)) for path in dropped]
    reach = [(path, routes) for path, routes in reach if routes is None or routes]
    if not reach:
        return
    doubt = _doubt(ingress, target, pipeline)
    if doubt:
        yield Unjudged(target.place, doubt)
        return
    paths = [path.path for path, _ in reach]
    known = [(path, routes[0]) for path, routes in reach if routes]
    yield Finding(
        at=target.place,
        message=(
            f"Ingress {ingress.name} sends all that comes below {_listed(paths)} on as {target.value}: no other path "
            "of the Services behind is reached."
        ),
        because=(
            *((path.place, f"{path.path} leads to {_service(path, pipeline)}") for path, _ in reach[:3]),
            *((endpoint.place, f"{_service(path, pipeline)} answers {route}") for path, (route, endpoint) in known[:1]),
        ),
        fix=f"Write the path as {paths[0].rstrip('/')}(/|$)(.*) and the target as {target.value.rstrip('/')}/$2, or, "
        "where the Services answer below these prefixes themselves, take the rewriting out.",
    )


def _is_dropped(path: facts.IngressPath, target: str) -> bool:
    """Whether more than one path is rewritten: not where it is an exact one, or rewritten to itself, which
    ingress-nginx leaves out."""
    if path.kind == "Exact" or not _PLAIN.fullmatch(path.path):
        return False
    return path.path != target


def _beyond(
    path: facts.IngressPath, ingress: facts.Ingress, target: str, pipeline: Pipeline
) -> list[tuple[str, Endpoint]] | None:
    """The routes of the application behind that are not the target; None where there is none that is known."""
    service = pipeline.nearest(facts.NetworkService, _service(path, pipeline), ingress)
    behind = pipeline.index(Host, "declared").get(service.place, ()) if service is not None else ()
    found: list[tuple[str, Endpoint]] = []
    applications = [_clients.started(process, pipeline) for host in behind for process in host.processes]
    if not applications:
        return None
    for application in applications:
        if application is None or application.reason or application.swallows:
            return None
        found += [(route, endpoints[0]) for route, endpoints in application.routes.items() if endpoints]
    return [(route, endpoint) for route, endpoint in found if route.rstrip("/") != target.rstrip("/")]


def _service(path: facts.IngressPath, pipeline: Pipeline) -> str:
    return pipeline.pattern(path.service)


def _doubt(ingress: facts.Ingress, target: facts.Label, pipeline: Pipeline) -> str:
    """Why it may be otherwise; "" where it is so."""
    if ingress.version != "networking.k8s.io/v1":
        return "a controller for this API may append the rest of the path"
    if not _PLAIN.fullmatch(target.value):
        return "what paths are rewritten to can't be told"
    if ingress.controller and "nginx" not in ingress.controller:
        return "another controller may read the annotation"
    if _manifests.may_be_patched(ingress.path, pipeline, apart_from=("replicas", "images")):
        return _manifests.PATCHED
    return ""


def _listed(paths: list[str]) -> str:
    return " and ".join(dict.fromkeys(paths))
