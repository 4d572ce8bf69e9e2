"""A FULL JOIN takes its key from one side only, and the rows of the other side lose theirs."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._sql import only_compiled
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_SHOWN = 3


def _joins_fully(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    """Of two sources, by equal columns. With more of them, another one may bring the key."""
    full = len(select.joins) == 1 and select.joins[0].kind == "full" and bool(select.joins[0].conditions)
    return full and not only_compiled(select.path, pipeline)


@check.over(f.SqlSelect, where=_joins_fully)
def find(select: f.SqlSelect, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each SELECT that makes one table of two by a FULL JOIN ... ON."""
    join = select.joins[0]
    if select.star:
        yield Unjudged(select.place, "the columns are those of a *")
        return
    pairs = [p for c in join.conditions if (p := _by_side(c, join.source)) is not None]
    if not pairs:
        yield Unjudged(join.place, "the join has no pair of columns that are told")
        return
    used = {column for output in select.outputs for column in output.columns}
    if any(not column.source for column in used):
        yield Unjudged(select.place, "an output names a column without its table")
        return
    plain = {output.columns[0] for output in select.outputs if output.plain}
    before, added = zip(*pairs, strict=True)
    for keys, others in ((before, added), (added, before)):
        kept, lost = keys[0].source, others[0].source
        only_one = all(key in plain for key in keys) and not any(other in used for other in others)
        if only_one and any(column.source == lost for column in used) and not _drops(select, kept):
            yield _finding(select, join, [key.name for key in keys], kept, lost)


def _by_side(condition: f.SqlCondition, added: str) -> tuple[f.SqlColumn, f.SqlColumn] | None:
    """The columns that a condition sets equal: that of the first source, then that of the one *added*."""
    left, right = condition.left, condition.right
    if left is None or right is None or not left.source or not right.source or left.source == right.source:
        return None
    return (left, right) if right.source == added else (right, left)


def _drops(select: f.SqlSelect, alias: str) -> bool:
    """Whether WHERE lets no row without *alias* through."""
    return any(alias in condition.rejects for condition in select.filters)


def _finding(select: f.SqlSelect, join: f.SqlJoin, names: list[str], kept: str, lost: str) -> Finding:
    shown = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
    first = next(o for o in select.outputs if o.plain and o.columns[0].source == kept and o.columns[0].name in names)
    taken = next(o for o in select.outputs if any(column.source == lost for column in o.columns))
    return Finding(
        at=join.place,
        message=f"A row that only {lost} has comes out of the FULL JOIN with NULL in {shown}: the key is taken from "
        f"{kept} alone.",
        because=(
            (first.place, f"the key, as {kept} has it"),
            (taken.place, f"{taken.name or 'a value'} comes from {lost}, also in rows that only {lost} has"),
        ),
        about=(kept, lost),
    )
