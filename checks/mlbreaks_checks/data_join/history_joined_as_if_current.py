"""A dbt snapshot, which keeps every version of a row, is joined without saying which version."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._sql import Origin, gathered_later, guarded, join_keys, origin, tree_of
from pytest_mlbreaks.api import Check, Confidence, DbtModel, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_VERSION = frozenset({"dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted"})
"""Columns that dbt adds to a snapshot."""


def _joins_a_snapshot(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    return any(_snapshot(select, join, pipeline) is not None for join in select.joins)


def _snapshot(select: f.SqlSelect, join: f.SqlJoin, pipeline: Pipeline) -> tuple[DbtModel, Origin] | None:
    """The snapshot of the project that *join* adds, if it is one."""
    found = tree_of(select.path, pipeline)
    source = origin(select, join.source, pipeline) if found is not None else None
    model = found[0].models.get(source.model) if found is not None and source is not None else None
    return (model, source) if model is not None and source is not None and model.kind == "snapshot" else None


@check.over(f.SqlSelect, where=_joins_a_snapshot)
def find(select: f.SqlSelect, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each join of a dbt model with a snapshot of its project."""
    for join in select.joins:
        found = _snapshot(select, join, pipeline)
        if found is None:
            continue
        snapshot, source = found
        keys = {source.column(name) for name in join_keys(join)}
        if snapshot.setting("snapshot_meta_column_names") is not None:
            yield Unjudged(join.place, "the snapshot gives its columns other names")
        elif not keys or None in keys:
            yield Unjudged(join.place, "a key of the join is computed")
        elif not _says_which(select, join, source) and not gathered_later(select, pipeline):
            consumer = tree_of(select.path, pipeline)
            if consumer is None or not guarded(consumer[1], pipeline):
                yield _finding(join, snapshot)


def _says_which(select: f.SqlSelect, join: f.SqlJoin, source: Origin) -> bool:
    """Whether any column of versions plays a part, or may (under another name, or in a subquery)."""
    used = {source.column(c.name) for c in select.mentioned if c.source in ("", join.source)}
    filters = " ".join(c.text for c in (*source.conditions(), *select.filters)).lower()
    texts = filters + " ".join(c.text for c in join.conditions).lower()
    return select.star or None in used or any(name in used or name in texts for name in _VERSION)


def _finding(join: f.SqlJoin, snapshot: DbtModel) -> Finding:
    keys = ", ".join(join_keys(join))
    return Finding(
        at=join.place,
        message=f"{snapshot.name} is a snapshot and is joined by {keys} alone: every row is repeated for each version "
        "that its partner has had.",
        because=(
            (snapshot.place, f"the snapshot {snapshot.name}: a new row for each change, dbt_valid_to tells which"),
        ),
        about=(snapshot.name, keys),
    )
