"""An incremental dbt model without a unique key appends rows that it already has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, DbtModel, Finding, Pipeline, Severity, Unjudged, Verdict, expr
from pytest_mlbreaks.api import facts as f

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("process-orchestration",),
)

_REPLACES = frozenset({"insert_overwrite", "microbatch"})
"""Strategies that replace what a run covers."""

_APPENDS = frozenset({"append", "merge", "delete+insert", "default"})
"""Strategies that append where no unique key is given."""

_HARMLESS = frozenset({"config", "ref", "source", "is_incremental"})
_OWN_NEWEST = re.compile(r"\(\s*SELECT\b.*\bMAX\(.*\{\{ this \}\}", re.IGNORECASE | re.DOTALL)
_LOOKS_BACK = re.compile(r"\bINTERVAL\b|\bDATE_?ADD\(|\bDATE_?SUB\(|\bTIMESTAMP_?(?:SUB|ADD)\(|\) - \d", re.IGNORECASE)
_CLOCK = re.compile(r"\bcurrent_|\bnow\(|\bgetdate\(|\bsysdate|\btoday\(|\{\{ \.\.\. \}\}|@\w", re.IGNORECASE)


def _incremental(model: DbtModel, pipeline: Pipeline) -> bool:
    return expr.literal_text(model.setting("materialized")) == "incremental"


@check.over(DbtModel, where=_incremental)
def find(model: DbtModel, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each incremental model of a dbt project."""
    key = model.setting("unique_key")
    if key is not None and key != expr.Literal(None):
        return
    strategy = model.setting("incremental_strategy")
    named = expr.literal_text(strategy) if strategy is not None else "default"
    if named in _REPLACES:
        return
    if named not in _APPENDS:
        yield Unjudged(model.place, "a strategy that is not known")
    elif named == "default" and _may_replace(pipeline):
        yield Unjudged(model.place, "the adapter replaces partitions by default")
    elif model.file is None:
        yield Unjudged(model.place, "a model that is not SQL")
    else:
        yield from _judge(model, model.file, pipeline)


def _may_replace(pipeline: Pipeline) -> bool:
    """Whether the tree asks for an adapter whose default strategy is insert_overwrite."""
    packages = pipeline.index(f.Requirement, "name")
    return any(name in packages for name in ("dbt-athena", "dbt-athena-community", "dbt-glue"))


def _judge(model: DbtModel, file: f.DbtFile, pipeline: Pipeline) -> Iterator[Verdict]:
    selects = pipeline.index(f.SqlSelect, "path").get(model.path, ())
    conditions = [c for select in selects for c in select.filters]
    if not selects:
        yield Unjudged(model.place, "its SQL can't be parsed")
    elif not file.incremental and not file.own:
        if set(file.calls) - _HARMLESS or any(_CLOCK.search(c.text) for c in conditions):
            yield Unjudged(model.place, "what a run selects is computed")
        else:
            yield _finding(model, "no is_incremental() limits what it selects: each run appends all of it again")
    else:
        yield from _overlap(model, [c for c in conditions if "{{ this }}" in c.text])


def _overlap(model: DbtModel, own: list[f.SqlFilter]) -> Iterator[Verdict]:
    """What is said of the conditions that compare with what the model already holds."""
    if len(own) != 1 or not _OWN_NEWEST.search(own[0].text):
        yield Unjudged(model.place, "how it leaves out what it has can't be told")
        return
    text = own[0].text
    newest = _OWN_NEWEST.search(text)
    before = text[: newest.start()] if newest is not None else ""
    if _LOOKS_BACK.search(text):
        yield _finding(model, f"{text} looks back over rows that it has: each run appends them again", own[0])
    elif ">=" in before:
        yield _finding(
            model, f"{text} takes the newest rows that it has once more: each run appends them again", own[0]
        )


def _finding(model: DbtModel, why: str, condition: f.SqlFilter | None = None) -> Finding:
    said = model.config["materialized"]
    return Finding(
        at=condition.place if condition is not None else said.place,
        message=f"{model.name} is incremental and has no unique_key, and {why}.",
        because=((said.place, "materialized as incremental, without unique_key: dbt only appends"),),
        about=("overlap" if condition is not None else "everything",),
        group=model.project.identity,
        note=f"{model.name} is incremental and appends its rows again, too",
    )
