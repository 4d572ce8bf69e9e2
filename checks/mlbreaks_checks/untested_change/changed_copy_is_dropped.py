"""A method that works on a copy is called as if it changed its object: nothing takes the copy."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_WITHOUT: dict[str, str] = {
    **dict.fromkeys(("sort_values", "sort_index", "sort", "sorted", "numpy.sort"), "it stays in the order that it had"),
    **dict.fromkeys(("permutation", "numpy.random.permutation"), "nothing is shuffled"),
    **dict.fromkeys(("drop", "dropna", "drop_duplicates", "dropDuplicates"), "it keeps all that it had"),
    **dict.fromkeys(("fillna", "ffill", "bfill"), "its missing values stay missing"),
    **dict.fromkeys(("rename", "withColumnRenamed"), "its columns keep their names"),
    **dict.fromkeys(("set_index", "reset_index", "reindex"), "it keeps the index that it had"),
}
"""What is so because nothing takes the copy; of the others: that it is unchanged."""


@check.over(facts.CopyDropped)
def find(copy: facts.CopyDropped, pipeline: Pipeline) -> Iterator[Verdict]:
    """Statements that make a changed copy and drop it; those of one file are told at once."""
    together = sorted(pipeline.index(facts.CopyDropped, "path")[copy.path], key=lambda one: one.place.line or 0)
    if copy is not together[0]:
        return
    result = _WITHOUT.get(copy.method, "it is as it was")
    yield Finding(
        at=copy.place,
        message=f"{_called(copy)} gives a changed copy, and nothing takes it: {result}.",
        because=tuple((one.place, f"the copy of {_called(one)} is dropped, too") for one in together[1:6]),
        about=(copy.name, copy.method),
    )


def _called(copy: facts.CopyDropped) -> str:
    return f"{copy.method}()" if copy.kind in ("array", "list") else f"{copy.name}.{copy.method}()"
