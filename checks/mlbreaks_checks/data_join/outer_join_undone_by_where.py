"""A WHERE condition drops the rows that an outer join keeps, and that the query provides for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._sql import only_compiled
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.LOW, since="0.1")

_SELECTS_A_STATE = re.compile(
    r"(?:^|_)(?:date|ds|dt|day|week|month|partition\w*|partitiontime|snapshot\w*|version|run_id|suffix)(?:_|$)"
)
"""Columns that say which state of a table is meant, rather than which of its rows."""


def _joins_outer(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    outer = any(alias for join in select.joins for alias in join.optional) and bool(select.filters)
    return outer and not only_compiled(select.path, pipeline)


@check.over(f.SqlSelect, where=_joins_outer)
def find(select: f.SqlSelect, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each SELECT with an outer join and a WHERE clause."""
    provided = {alias for output in select.outputs for alias in output.handles}
    asked = {alias for condition in select.filters for alias in condition.handles}
    for join in select.joins:
        for alias in join.optional:
            undoing = [c for c in select.filters if alias in c.rejects]
            if not undoing or any(c.asks for c in undoing):
                continue
            states = all(_selects_a_state(c, alias) for c in undoing)
            if not states and alias not in provided | asked:
                continue  # an inner join that is written as an outer one: nothing says that more was meant
            if any(c.conditional for c in undoing):
                yield Unjudged(undoing[0].place, "the condition stands below a condition of a template")
            else:
                sure = alias in asked or (states and alias in provided)
                yield _finding(select, join, alias, undoing[0], sure, alias in provided | asked)
                break
    if any(condition.unowned and condition.clause == "where" for condition in select.filters):
        yield Unjudged(select.place, "a condition names a column without its table")


def _selects_a_state(condition: f.SqlFilter, alias: str) -> bool:
    return condition.pins is not None and condition.pins.source == alias and _state(condition.pins.name)


def _state(column: str) -> bool:
    return _SELECTS_A_STATE.search(column.lower()) is not None


def _finding(
    select: f.SqlSelect, join: f.SqlJoin, alias: str, condition: f.SqlFilter, sure: bool, provided: bool
) -> Finding:
    kind = join.kind.upper()
    because: list[tuple[Place, str]] = [(join.place, f"{kind} JOIN: where nothing matches, {alias} is NULL")]
    for output in select.outputs:
        if alias in output.handles:
            name = f" of {output.name}" if output.name else ""
            because.append((output.place, f"the value{name} provides for rows without {alias}"))
            break
    for other in select.filters:
        if alias in other.handles:
            because.append((other.place, f"rows without {alias} are asked for"))
            break
    meant = "which the query provides for" if provided else "although it says no more than which state of it to read"
    return Finding(
        at=condition.place,
        message=f"{condition.text} drops every row for which the {kind} JOIN found nothing in {alias}, {meant}.",
        because=tuple(because),
        about=(alias,),
        confidence=None if sure else Confidence.MEDIUM,
        lowered=""
        if sure
        else f"nothing but the {kind} JOIN says that rows without {alias} are wanted"
        if not provided
        else f"NULL may also stand in {alias} itself",
    )
