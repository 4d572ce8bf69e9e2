"""A query writes a label that has not arrived as a negative one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._sql import origin, tree_of
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("data-join",))

_LABEL = re.compile(
    r"label|target|y|(?:is_|has_|label_|target_)?(?:churn(?:ed)?|converted|conversion|clicked|fraud|fraudulent|defaulted|"
    r"purchased|label|target)|(?:churn|fraud|click|conversion|default)_(?:label|target)"
)
_NEGATIVE = re.compile(r"0(?:\.0*)?|FALSE|'(?:0|no|negative|false)'", re.IGNORECASE)
_MAY_LIMIT_AGE = re.compile(
    r"\bcurrent_|\bnow\(|\bgetdate\(|\binterval\b|date_?(?:sub|add|diff)\(|\bselect\b|\bexists\b|\{\{|@\w|:\w",
    re.IGNORECASE,
)


def _fills_a_label(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    return any(_label(output) for output in select.outputs)


def _label(output: f.SqlOutput) -> bool:
    return bool(output.handles) and _LABEL.fullmatch(output.name) is not None and _negative(output.default)


def _negative(default: str) -> bool:
    return _NEGATIVE.fullmatch(default) is not None


@check.over(f.SqlSelect, where=_fills_a_label)
def find(select: f.SqlSelect, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each output called like a label that comes from the optional side of a join."""
    for output in select.outputs:
        if not _label(output):
            continue
        alias = output.handles[0]
        join = next((j for j in select.joins if alias in j.optional), None)
        if join is None or any(alias in c.rejects for c in select.filters):
            continue
        source = origin(select, alias, pipeline)
        if source is not None and _watched(select, source.table, pipeline):
            continue
        texts = [c.text for c in select.filters] + [c.text for c in join.conditions]
        if any(_MAY_LIMIT_AGE.search(text) for text in texts):
            yield Unjudged(output.place, "a condition may keep out what can have no label yet")
        else:
            yield _finding(output, join, source.table if source is not None else alias, alias)


def _watched(select: f.SqlSelect, table: str, pipeline: Pipeline) -> bool:
    """Whether dbt asks how old the source of the label is."""
    found = tree_of(select.path, pipeline)
    if found is None or not table.startswith("dbt_source__"):
        return False
    group, _, name = table.removeprefix("dbt_source__").partition(".")
    return any(entry.freshness is not None for entry in found[0].sources.get((group, name), ()))


def _finding(output: f.SqlOutput, join: f.SqlJoin, table: str, alias: str) -> Finding:
    name = re.sub(r"^dbt_(?:ref|source__(\w+))\.", lambda m: f"{m[1]}." if m[1] else "", table)
    return Finding(
        at=output.place,
        message=f"{output.name} is {output.default} wherever {name} has no row, also where it has none yet: an outcome "
        "that is late is learned as a negative one.",
        because=((join.place, f"{join.kind.upper()} JOIN: {alias} is NULL where nothing has arrived"),),
        about=(output.name,),
    )
