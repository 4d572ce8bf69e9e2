"""Rows that a join finds no partner for become a number, and are written out as if it had been found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Dataset, Finding, Pipeline, Place, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_NUMBER = re.compile(r"-?\d+(\.\d*)?$")


def _is_written(join: facts.FilledJoin, pipeline: Pipeline) -> bool:
    return join.written is not None and bool(_NUMBER.match(join.value)) and not tried_out(join.path)


@check.over(facts.FilledJoin, where=_is_written)
def find(join: facts.FilledJoin, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Left and outer joins whose result is filled as a whole and written."""
    if join.counts or join.written is None:
        return  # what was counted and not found is 0
    because: list[tuple[Place, str]] = [(join.written, "the filled rows are written here")]
    because += _readers(join, pipeline)
    yield Finding(
        at=join.place,
        message=f"Rows without a partner in the {join.how} join get {join.value} in every column that the other side "
        "should have given, and are written like the rest: when the other side is late or incomplete, no row says so.",
        because=tuple(because),
    )


def _readers(join: facts.FilledJoin, pipeline: Pipeline) -> list[tuple[Place, str]]:
    """The first other file that reads what is written."""
    for dataset in pipeline.index(Dataset, _paths, each=True).get(join.path, ()):
        if any(a.place == join.written for a in dataset.accesses):
            for access in dataset.accesses:
                if access.mode == "read" and access.path != join.path:
                    return [(access.place, "they are read here")]
    return []


def _paths(dataset: Dataset) -> tuple[str, ...]:
    return tuple(dict.fromkeys(access.path for access in dataset.accesses))
