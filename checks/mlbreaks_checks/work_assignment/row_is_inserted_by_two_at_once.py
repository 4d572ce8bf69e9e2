"""A request looks for a row and inserts it where there is none, and two that come at once both do.

Between the look-up and the commit another request may do the same: neither sees the other's row.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
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
    also=("data-join",),
)


def _is_of_a_request(insert: facts.LookedUpInsert, pipeline: Pipeline) -> bool:
    return not aside(insert.path) and _endpoint(insert, pipeline) is not None


@check.over(facts.LookedUpInsert, where=_is_of_a_request)
def find(insert: facts.LookedUpInsert, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at rows that a handler, or what it comes to, looks for before it inserts them."""
    endpoint = _endpoint(insert, pipeline)
    name = insert.model.rpartition(".")[2]
    tables = pipeline.index(facts.MappedTable, "name").get(name, ())
    if endpoint is None:
        return
    if len(tables) != 1 or not tables[0].told:
        yield Unjudged(insert.place, "what is unique in the table can't be told")
        return
    table = tables[0]
    apart = any(set(one) <= set(insert.columns) for one in table.unique)
    if apart and (insert.refuses or insert.tried):
        return  # the second is refused either way, or its error is taken
    if not apart and pipeline.index(facts.PythonModule, _migrates).get(True):
        yield Unjudged(insert.place, "a migration may make the columns unique")
        return
    by = " and ".join(insert.columns)
    then = (
        "the second is refused by the table, and answered with an error."
        if apart
        else f"nothing in the table forbids it, and there are two rows for one {by}"
        + (", upon which each later look-up fails." if insert.only else ".")
    )
    yield Finding(
        at=insert.place,
        message=f"{insert.scope} looks for a row of {name} by {by} and inserts one where there is none: two requests "
        f"that come at once both find none, and both insert; {then}",
        because=(
            (insert.inserted, "it is made here"),
            (table.place, f"{by} {'is' if len(insert.columns) == 1 else 'are'} {'' if apart else 'not '}unique"),
            (endpoint.place, f"{_serving.shown(endpoint)} comes to it"),
        ),
        about=(name, *insert.columns),
        severity=Severity.LOW if apart else None,
        lowered="only the second of two requests fails" if apart else "",
    )


def _endpoint(insert: facts.LookedUpInsert, pipeline: Pipeline) -> Endpoint | None:
    """A handler that comes to the function."""
    reaching = pipeline.index(Endpoint, _serving.reached_functions, each=True)
    for endpoint in reaching.get((insert.path, insert.scope), ()):
        if endpoint.handler.framework != "lambda" and _serving.is_served(endpoint, pipeline):
            return endpoint
    return None


def _migrates(module: facts.PythonModule) -> bool:
    return any(one.target == "alembic" and one.name == "op" for one in module.imports)
