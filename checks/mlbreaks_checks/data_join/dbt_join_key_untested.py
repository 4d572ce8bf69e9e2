"""A dbt model joins by a key that nothing keeps unique, and nothing would notice if it were not."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._sql import Origin, base_name, gathered_later, guarded, join_keys, origin, tree_of, unique_keys
from pytest_mlbreaks.api import Check, Confidence, DbtModel, Finding, Pipeline, Place, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1", evidence="cross-artifact")


def _keeps_its_rows(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    """A SELECT of a dbt model that joins to the left, and so means to keep one row for each that it has."""
    return any(join.kind == "left" for join in select.joins) and tree_of(select.path, pipeline) is not None


@check.over(f.SqlSelect, where=_keeps_its_rows)
def find(select: f.SqlSelect, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each LEFT JOIN of a dbt model with a model or seed of its project."""
    found = tree_of(select.path, pipeline)
    if found is None or gathered_later(select, pipeline):
        return
    if guarded(found[1], pipeline) or _guarded_behind(found[1], pipeline):
        return
    untested: list[tuple[f.SqlJoin, DbtModel, str]] = []
    for join in select.joins:
        source = origin(select, join.source, pipeline) if join.kind == "left" else None
        joined = found[0].models.get(source.model) if source is not None else None
        if source is None or joined is None or joined.kind == "snapshot" or next(unique_keys(joined), None):
            continue
        keys = [source.column(name) for name in join_keys(join)]
        if not keys or None in keys:
            yield Unjudged(join.place, "a key of the join is computed")
        elif _narrowed(select, join, source) or not _plain(joined, pipeline):
            yield Unjudged(join.place, "the joined rows may be one for each key")
        else:
            untested.append((join, joined, ", ".join(key for key in keys if key is not None)))
    if untested:
        yield _finding(found[1], untested)


def _guarded_behind(model: DbtModel, pipeline: Pipeline) -> bool:
    """Whether a model that hands on the rows of this one, as many as there are, is tested, which fails the same."""
    readers = pipeline.index(DbtModel, _refs, each=True).get(model.name, ())
    ours = [reader for reader in readers if reader.project.identity == model.project.identity]
    return any(guarded(reader, pipeline) and not _gathers(reader, pipeline) for reader in ours)


def _gathers(model: DbtModel, pipeline: Pipeline) -> bool:
    selects = pipeline.index(f.SqlSelect, "path").get(model.path, ())
    return any(s.gathers for s in selects if base_name(s) == "final")


def _refs(model: DbtModel) -> list[str]:
    return list({ref.name for ref in model.refs if ref.kind == "ref"})


def _narrowed(select: f.SqlSelect, join: f.SqlJoin, source: Origin) -> bool:
    """Whether more than the key decides which rows are joined, or which of them are left."""
    if any(join.source in condition.rejects and not condition.asks for condition in select.filters):
        return True
    return len(join.conditions) > len(join_keys(join)) or next(source.conditions(), None) is not None


def _plain(joined: DbtModel, pipeline: Pipeline) -> bool:
    """Whether a model hands on rows as they are: what groups or numbers them may well keep one for each key."""
    if joined.kind == "seed":
        return True
    selects = pipeline.index(f.SqlSelect, "path").get(joined.path, ())
    return any(base_name(s) == "final" for s in selects) and not any(s.gathers for s in selects)


def _finding(model: DbtModel, untested: list[tuple[f.SqlJoin, DbtModel, str]]) -> Finding:
    shown = " and ".join(dict.fromkeys(f"{joined.name} by {keys}" for _, joined, keys in untested))
    because: list[tuple[Place, str]] = []
    for _, joined, keys in untested:
        at = joined.described[0].place if joined.described else joined.place
        because.append((at, f"no test of {joined.name} says that {keys} is unique"))
    return Finding(
        at=untested[0][0].place,
        message=f"{model.name} joins {shown}, and nothing would notice a second row for a key: there is no test of "
        "uniqueness there, and none here.",
        because=tuple(because),
        about=tuple(dict.fromkeys(joined.name for _, joined, _ in untested)),
    )
