"""A server waits for Redis without a limit.

Before release 8, the Python client of Redis waits for an answer for ever where no ``socket_timeout`` is given.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from mlbreaks_checks import _resolution, _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

_MAKERS = tuple(
    f"redis.{module}{name}"
    for module in ("", "asyncio.", "asyncio.client.", "client.")
    for name in ("Redis", "StrictRedis", "from_url", "Redis.from_url", "StrictRedis.from_url")
)

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("dependency-failure",),
    calls=_MAKERS,
)

_LIMITS = ("socket_timeout", "socket_keepalive", "connection_pool")
"""What may end the wait; a pool has arguments of its own."""
_LIMITED_SINCE = Version("8.0")


def _is_a_client(call: facts.Call, pipeline: Pipeline) -> bool:
    """Whether it makes a client of an old release, in code that answers requests."""
    if call.callee not in _MAKERS or aside(call.path) or call.path.endswith(".ipynb"):
        return False
    return _asks_for(call, pipeline) is not None and _server(call, pipeline) is not None


@check.over(facts.Call, where=_is_a_client)
def find(call: facts.Call, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each client of Redis that a server makes, where the list of its packages asks for a release before 8."""
    asks, server = _asks_for(call, pipeline), _server(call, pipeline)
    if asks is None or server is None or any(call.argument(name) for name in _LIMITS):
        return
    if any(argument.name in ("**", "*") for argument in call.arguments):
        yield Unjudged(call.place, "a limit may be among what is unpacked")
        return
    if any("timeout" in str(one.value) for a in call.arguments for one in pipeline.resolve(a.value)):
        return  # redis://cache:6379/0?socket_timeout=2
    yield Finding(
        at=call.place,
        message=f"This client waits for Redis without a limit: {asks.name}{asks.specifier} has none of its own. Where "
        "Redis neither answers nor refuses, each request that comes here hangs, and no handler of errors is reached.",
        because=((asks.place, f"asks for {asks.name}{asks.specifier}"), server),
        group="clients",
        note="so does this one",
    )


def _server(call: facts.Call, pipeline: Pipeline) -> tuple[Place, str] | None:
    """A handler that comes to the file, or, for a middleware, what answers requests by it."""
    for endpoint in pipeline.index(Endpoint, _serving.reached_files, each=True).get(call.path, ()):
        if _serving.is_served(endpoint, pipeline):
            return endpoint.place, f"{_serving.shown(endpoint)} comes to it"
    if "middleware" in f"{call.path} {call.scope}".lower():
        return _serving.server_of(call.path, call.scope, pipeline)
    return None


def _asks_for(call: facts.Call, pipeline: Pipeline) -> facts.Requirement | None:
    """What the nearest list of packages above the file says of the client, if that is a release without a limit."""
    named = pipeline.index(facts.Requirement, by=_folder_and_name)
    parts = call.path.split("/")[:-1]
    for count in range(len(parts), -1, -1):
        found = named.get(("/".join(parts[:count]), "redis"), ())
        if found:
            return found[0] if all(map(_is_old, found)) else None
    return None


def _folder_and_name(requirement: facts.Requirement) -> tuple[str, str]:
    return _resolution.folder_of(requirement), requirement.name


def _is_old(requirement: facts.Requirement) -> bool:
    """Whether a requirement allows releases before 8 alone."""
    for specifier in _resolution.specifiers(requirement):
        try:
            version = Version(specifier.version.removesuffix(".*"))
        except InvalidVersion:
            continue
        if specifier.operator in ("==", "===", "~=") and version < _LIMITED_SINCE:
            return True
        if specifier.operator in ("<", "<=") and version <= _LIMITED_SINCE:
            return True
    return False
