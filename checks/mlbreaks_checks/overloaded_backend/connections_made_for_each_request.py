"""A request handler makes a new pool of connections for each request.

Pools are made to be kept. Where each request brings its own, the database has as many connections as there are
requests, and refuses everybody when it has no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Reached,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

_ENGINE = ("an engine", "dispose")
_MONGO = ("a MongoDB client", "close")
_MAKERS = {
    "sqlalchemy.create_engine": _ENGINE,
    "sqlalchemy.engine.create_engine": _ENGINE,
    "sqlalchemy.ext.asyncio.create_async_engine": _ENGINE,
    "sqlmodel.create_engine": _ENGINE,
    "asyncpg.create_pool": ("a pool", "close"),
    "psycopg_pool.ConnectionPool": ("a pool", "close"),
    "psycopg_pool.AsyncConnectionPool": ("a pool", "close"),
    "psycopg2.pool.SimpleConnectionPool": ("a pool", "closeall"),
    "psycopg2.pool.ThreadedConnectionPool": ("a pool", "closeall"),
    "pymongo.MongoClient": _MONGO,
    "pymongo.AsyncMongoClient": _MONGO,
    "motor.motor_asyncio.AsyncIOMotorClient": _MONGO,
}
"""What makes a pool, what to call it, and the method that gives its connections back."""

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=tuple(_MAKERS),
)

_IN_PROCESS = re.compile(r"^(sqlite|duckdb)\b")


def _is_made_in_a_handler(call: facts.Call, pipeline: Pipeline) -> bool:
    return bool(call.callee in _MAKERS and call.scope and _ways(call, pipeline))


@check.over(facts.Call, where=_is_made_in_a_handler)
def find(call: facts.Call, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each pool that is made in a function that a request handler comes to."""
    ways = [(endpoint, reached) for endpoint, reached in _ways(call, pipeline) if not reached.once]
    url = call.argument("url", 0) or call.argument("name_or_url", 0)
    if not ways or (url is not None and _IN_PROCESS.match(pipeline.pattern(url.value))):
        return
    if not call.omits("poolclass"):
        yield Unjudged(call.place, "what pool it has is said by an argument")
        return
    what, closing = _MAKERS[call.callee]
    endpoint, reached = min(ways, key=lambda way: (way[1].sometimes, len(way[1].via)))
    if reached.sometimes or call.callee in reached.function.sometimes:
        yield Unjudged(call.place, "a handler comes to it in some cases alone")
        return
    if any(_closes(name, closing) for one in (*reached.via, reached.function) for name in one.calls):
        return
    others = len({one.handler.identity for one, _ in ways}) - 1
    more = f" (so does each of {others} other handler{'s' if others > 1 else ''})" if others else ""
    yield Finding(
        at=call.place,
        message=f"Each request that {_serving.shown(endpoint)} answers makes {what} of its own{more}, with "
        "connections that no other request uses: as many as there are requests, until the database takes no more.",
        because=((endpoint.place, f"{_serving.shown(endpoint)} comes to it"), *_serving.way(reached)),
    )


def _closes(name: str, method: str) -> bool:
    """Whether a callee is the method of a value that may be the pool; a session of it is none."""
    return name.rpartition(".")[2] == method and "essionmaker" not in name


def _ways(call: facts.Call, pipeline: Pipeline) -> list[tuple[Endpoint, Reached]]:
    """The handlers that come to the function that a call is in. A Lambda function answers one request at a time."""
    return [
        (endpoint, reached)
        for endpoint in pipeline.index(Endpoint, _serving.reached_functions, each=True).get((call.path, call.scope), ())
        for reached in endpoint.reached
        if (reached.function.path, reached.function.name) == (call.path, call.scope)
        and endpoint.handler.framework != "lambda"
        and _serving.is_served(endpoint, pipeline)
    ]
