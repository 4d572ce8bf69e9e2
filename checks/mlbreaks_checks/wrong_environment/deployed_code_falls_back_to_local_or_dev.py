"""A deployed process leaves a setting unset, and its code then talks to localhost or a development resource.

In a container, localhost is the container itself: the client connects to nothing. A sandbox answers, and takes the
production data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Host, Pipeline, Setting, Severity, Tier, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_LOOPBACK = re.compile(r"(?:^|//|@)(localhost|127\.0\.0\.1)(?::(\d{2,5}))?(?=[/:?,]|$)")
# Where a server listens, not where a client connects to.
_BIND = re.compile(
    r"(^|_)(BIND|LISTEN|SERVER_HOST|UVICORN|GUNICORN|APP_HOST|API_HOST|WEB_HOST|ALLOWED|CORS|ORIGIN)", re.I
)


def _asks_for_a_host(setting: Setting, pipeline: Pipeline) -> bool:
    if not isinstance(setting.process.fact, f.Container) or setting.read.default is None:
        return False
    default = pipeline.resolve(setting.read.default).text
    return default is not None and bool(_LOOPBACK.search(default)) and not _BIND.search(setting.name)


@check.over(Setting, where=_asks_for_a_host)
def find(setting: Setting, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each variable with a loopback default that code of a container asks for."""
    process, container = setting.process, setting.process.fact
    default = pipeline.resolve(setting.read.default).text
    match = _LOOPBACK.search(default or "")
    if not isinstance(container, f.Container) or match is None or setting.given:
        return
    if not setting.known:
        yield Unjudged(setting.place, process.open_reason)
        return
    if process.environment.tier is Tier.NONPROD or container.host_network:
        return
    twin = _service_meant(setting, pipeline)
    if twin is None:
        yield Unjudged(setting.place, "no other service of the tree is clearly meant")
        return
    yield Finding(
        at=setting.place,
        message=(
            f"{process.name} runs this code without {setting.name}, so it connects to {default!r}: inside its container "
            f"that is the container itself, not {twin.name}."
        ),
        because=(
            (process.place, f"{process.name} sets no {setting.name}"),
            (twin.place, f"{twin.name} runs beside it"),
        ),
        about=(setting.read.identity,),
        fix=f"Give {process.name} the variable {setting.name} with the address of {twin.name}.",
    )


def _service_meant(setting: Setting, pipeline: Pipeline) -> Host | None:
    """The other service of the same network that the setting's name or port speaks of, if there is exactly one."""
    container = setting.process.fact
    if not isinstance(container, f.Container) or container.tool != "compose":
        return None
    words = {w for w in re.split(r"[_\W]+", setting.name.lower()) if len(w) > 2}
    meant = []
    for host in pipeline.index(Host, "network").get(setting.process.place.path, ()):
        if setting.process in host.processes:
            continue
        if words & {w for w in re.split(r"[_\W]+", host.name.lower()) if len(w) > 2}:
            meant.append(host)
    return meant[0] if len(meant) == 1 else None
