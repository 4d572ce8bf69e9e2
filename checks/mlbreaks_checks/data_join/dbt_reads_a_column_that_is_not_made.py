"""A dbt model, test or contract names a column that the model it reads does not make."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from mlbreaks_checks._sql import base_name
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    DbtModel,
    DbtTree,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    expr,
)
from pytest_mlbreaks.api import facts as f

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

SHOWN = 4
"""Columns that a finding names one by one."""

_REF = "dbt_ref."
_NAME = re.compile(r"(?!jinja__)[a-z_]\w*")
_DEEPEST = 12
_OF_THE_DATABASE = ("_partition", "_table_suffix", "_file", "metadata$", "rowid", "rownum", "ctid", "sysdate", "value")
"""Columns that every table has, or that are none: https://cloud.google.com/bigquery/docs/querying-partitioned-tables."""

_QUOTED = ("{", '"', "`", "'")
"""What stands before a name that dbt hands on as it is: a template, a quoted name, a text."""

_REBUILT = frozenset({"", "view", "table", "ephemeral"})
"""Materialisations that make a relation anew, with the columns of its SELECT and no others. An incremental table keeps
those that it has had."""


def _concerned(model: DbtModel, pipeline: Pipeline) -> bool:
    """Whether a model reads others, or something is said of its columns; and whether dbt builds it."""
    said = any(test.column for entry in model.described for test in entry.tests)
    return (bool(model.refs) or said) and model.setting("enabled") in (None, expr.Literal(True))


@check.over(DbtModel, where=_concerned)
def find(model: DbtModel, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each model of a dbt project: at what it reads of other models, and at its tests and its contract."""
    tree = pipeline.one(DbtTree, model.project.identity)
    if tree is None:
        return
    made = _Made(tree, pipeline)
    yield from _of_reads(model, made, pipeline)
    yield from _of_properties(model, made)


# -------------------------------------------------------------------------------------------------------- findings


def _of_reads(model: DbtModel, made: _Made, pipeline: Pipeline) -> Iterator[Verdict]:
    missing: dict[str, dict[str, Place]] = {}
    uncertain = {ref.name for ref in model.refs if ref.conditional or ref.version}
    for select in pipeline.index(f.SqlSelect, "path").get(model.path, ()):
        of_models = {s.alias: s.table.removeprefix(_REF) for s in select.sources if s.table.startswith(_REF)}
        if not of_models:
            continue
        own = {name for name, _ in select.passed} | {output.name for output in select.outputs}
        for column, place in _read(select):
            name = column.name.partition(".")[0]
            upstream = of_models.get(column.source, "")
            columns = made.by_name(upstream) if upstream and upstream not in uncertain else None
            if columns is None or name in columns or not _NAME.fullmatch(name) or name.startswith(_OF_THE_DATABASE):
                continue
            if not select.joins and name in own and (name, name) not in select.passed:
                continue  # another column of the same SELECT, by its new name
            missing.setdefault(upstream, {}).setdefault(name, place)
    for upstream, columns_at in missing.items():
        read = made.model(upstream)
        if read is not None:
            first = next(iter(columns_at))
            yield Finding(
                at=columns_at[first],
                message=(
                    f"{model.name} reads {_listed(columns_at)} of {upstream}, which does not make "
                    f"{'it' if len(columns_at) == 1 else 'them'}: the database refuses the query."
                ),
                because=((read.place, f"{upstream} makes {_listed(made.by_name(upstream) or ())} and no others"),),
                about=(upstream, *sorted(columns_at)),
            )


def _read(select: f.SqlSelect) -> Iterator[tuple[f.SqlColumn, Place]]:
    """The columns that a SELECT names together with whose they are."""
    for output in select.outputs:
        for column in output.columns:
            yield column, output.place
    for column in select.mentioned:
        yield column, select.place
    if len(select.sources) == 1:
        for _, name in select.passed:
            yield f.SqlColumn(name=name, source=select.sources[0].alias), select.place


def _of_properties(model: DbtModel, made: _Made) -> Iterator[Verdict]:
    for entry in model.described:
        tested = {t.column.lower(): t for t in entry.tests if t.column and not t.column.startswith(_QUOTED)}
        contract = _contract(model, entry)
        if not tested and not contract:
            continue
        columns = made.by_name(model.name)
        if columns is None:
            yield Unjudged(entry.place, "what columns the model makes can't be told")
            continue
        for name in sorted(tested.keys() - columns - {c.name for c in entry.columns if contract}):
            yield Finding(
                at=next((c.place for c in entry.columns if c.name == name), tested[name].place),
                message=(
                    f"{model.name} is tested by its column {name}, which it does not make: the test fails whatever the "
                    "data is."
                ),
                because=((model.place, f"{model.name} makes {_listed(columns)} and no others"),),
                about=(name,),
                severity=Severity.MEDIUM,
                lowered="a test fails, and not the model",
                group=entry.path,
                note=f"{model.name} and its column {name}",
            )
        declared = {column.name.strip('"`') for column in entry.columns}
        if contract and declared and declared != columns:
            differing = sorted(declared ^ columns)
            yield Finding(
                at=entry.place,
                message=(
                    f"The contract of {model.name} and its SELECT differ in {_listed(differing)}: dbt stops at it."
                ),
                because=((model.place, f"it makes {_listed(sorted(columns))}"),),
                about=("contract",),
            )


def _contract(model: DbtModel, entry: f.DbtProperties) -> bool:
    """Whether the model's contract is enforced."""
    said = model.setting("contract")
    given = dict(said.entries).get("enforced") if isinstance(said, expr.Entries) else None
    if given is None:
        given = model.setting("contract.enforced")
    return given == expr.Literal(True)


def _listed(names: Mapping[str, Place] | frozenset[str] | tuple[str, ...] | list[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


# --------------------------------------------------------------------------------------------------------- columns


@dataclasses.dataclass(frozen=True)
class _Made:
    """The columns of the models of a project."""

    tree: DbtTree
    pipeline: Pipeline

    def model(self, name: str) -> DbtModel | None:
        return self.tree.model(f.DbtRef(kind="ref", name=name, place=self.tree.place))

    def by_name(self, name: str, depth: int = 0) -> frozenset[str] | None:
        """All columns of a model; None where they can't be told, or may be more."""
        model = self.model(name)
        if model is None or model.kind != "model" or not model.path.endswith(".sql") or depth > _DEEPEST:
            return None
        if any(entry.versions for entry in model.described):
            return None  # which of them is read is not told where the query is
        kind = expr.literal_text(model.setting("materialized")) if model.setting("materialized") is not None else ""
        if kind is None or kind.lower() not in _REBUILT:
            return None
        queries = self.pipeline.index(f.SqlQuery, "path").get(model.path, ())
        if len(queries) != 1 or queries[0].kind != "select":
            return None
        selects = self.pipeline.index(f.SqlSelect, "query").get(queries[0].identity, ())
        return self._of("final", selects, depth)

    def _of(self, name: str, selects: tuple[f.SqlSelect, ...], depth: int) -> frozenset[str] | None:
        """The columns of the CTE or result *name* of a statement."""
        first = next((select for select in selects if select.name == name), None)
        if first is None or first.columns is None or depth > _DEEPEST:
            return None
        found: set[str] = set()
        for column in first.columns:
            if not column.endswith("*"):
                found.add(column)
                continue
            wanted = column.removesuffix("*").removesuffix(".")
            for source in first.sources:
                if wanted not in ("", source.alias):
                    continue
                columns = self._of_source(source, first, selects, depth + 1)
                if columns is None:
                    return None
                found |= columns
        return frozenset(found)

    def _of_source(
        self, source: f.SqlSource, reader: f.SqlSelect, selects: tuple[f.SqlSelect, ...], depth: int
    ) -> frozenset[str] | None:
        if source.kind == "query":
            return self._of(source.query, selects, depth) if source.query != base_name(reader) else None
        if source.table.startswith(_REF):
            return self.by_name(source.table.removeprefix(_REF), depth)
        return None
