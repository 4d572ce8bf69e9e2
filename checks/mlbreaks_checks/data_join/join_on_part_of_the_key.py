"""A model joins another one by a part of what tells its rows apart, and uses nothing of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._sql import Origin, Unique, gathered_later, guarded, join_keys, origin, tree_of, unique_keys
from pytest_mlbreaks.api import Check, Confidence, DbtModel, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


def _joins_models(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    return any(j.kind in ("left", "inner", "full") for j in select.joins) and tree_of(select.path, pipeline) is not None


@check.over(f.SqlSelect, where=_joins_models)
def find(select: f.SqlSelect, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each join of a dbt model with a model of its project whose rows a test or a key tells apart."""
    found = tree_of(select.path, pipeline)
    if found is None or select.star or guarded(found[1], pipeline):
        return
    for join in select.joins:
        source = origin(select, join.source, pipeline)
        joined = found[0].models.get(source.model) if source is not None else None
        if source is not None and joined is not None and join.kind in ("left", "inner", "full"):
            yield from _judge(select, join, source, joined, pipeline)


def _judge(
    select: f.SqlSelect, join: f.SqlJoin, source: Origin, joined: DbtModel, pipeline: Pipeline
) -> Iterator[Verdict]:
    said = list(unique_keys(joined))
    keys = {source.column(name) for name in join_keys(join)}
    if None in keys:
        yield Unjudged(join.place, "a key of the join is computed")
        return
    fixed = {c.pins.name for c in source.conditions() if c.pins is not None}
    told = {key for key in keys if key is not None} | fixed
    if not keys or any(unique.columns <= told for unique in said):
        return
    used = {source.column(c.name) or c.name for c in select.mentioned if c.source in ("", join.source)}
    for unique in said:
        rest = sorted(name for name in unique.columns - told - used if not _limited(name, join, source))
        if rest and unique.columns & told and not gathered_later(select, pipeline):
            if join.conditional:
                yield Unjudged(join.place, "the join stands below a condition of the template")
                return
            yield _finding(join, joined, unique, rest)
            return


def _limited(name: str, join: f.SqlJoin, source: Origin) -> bool:
    """Whether a condition on the way to the join, or of the join, is about the column *name*."""
    texts = (*(c.text for c in source.conditions()), *(c.text for c in join.conditions))
    return any(re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) for text in texts)


def _finding(join: f.SqlJoin, joined: DbtModel, unique: Unique, rest: list[str]) -> Finding:
    keys = ", ".join(join_keys(join))
    every = ", ".join(sorted(unique.columns))
    said = unique.test.place if unique.test is not None else joined.config["unique_key"].place
    differ = " and ".join(rest)
    return Finding(
        at=join.place,
        message=f"{joined.name} has a row for each ({every}) and is joined by {keys} alone: two of its rows that "
        f"differ in {differ} repeat the row that they are joined to, and no test of this model would notice.",
        because=((said, f"what tells the rows of {joined.name} apart"),),
        about=(joined.name, keys),
    )
