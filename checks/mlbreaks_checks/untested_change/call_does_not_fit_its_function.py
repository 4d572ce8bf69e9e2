"""A call does not fit the function of the repository that it calls.

Whoever changed the function did not change this call, and no test runs it. Python finds out when the line runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _rows
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    FileCalls,
    Finding,
    Pipeline,
    Severity,
    UnfitCall,
    Verdict,
    is_test_file,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("client-assumption",),
)

_PUT_ASIDE = re.compile(r"backup|\d_legacy|archive|deprecated|obsolete|\bold\b|(^|/)test\.py$| ", re.IGNORECASE)
"""In the path of a file: a copy that somebody keeps, or one that no import can name."""

_BY_HAND = " (nothing in the tree runs this script)"


def _may_run(calls: FileCalls, pipeline: Pipeline) -> bool:
    return _PUT_ASIDE.search(calls.path) is None and not is_test_file(calls.path)


@check.over(FileCalls, where=_may_run)
def find(calls: FileCalls, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the calls of a file whose function is known; those of the functions of one file are told at once."""
    script = bool(calls.unfit) and _rows.is_for_a_person(calls.path, pipeline)
    loose = bool(calls.unfit) and _rows.is_a_loose_script(calls.path, pipeline)
    for one in calls.unfit:
        if _PUT_ASIDE.search(one.function.path) or _is_started_by_hand(one):
            continue
        function = one.function
        by_hand = script or (loose and not one.call.scope)
        yield Finding(
            at=one.call.place,
            message=f"{_says(one)}.{_BY_HAND if by_hand else ''}",
            confidence=Confidence.LOW if by_hand else None,
            because=((function.place, f"{function.name}({_parameters(one)})"),),
            about=(one.call.callee, one.kind, *one.names),
            group=function.path,
            note=_says(one),
        )


def _is_started_by_hand(one: UnfitCall) -> bool:
    """Whether a flow of Prefect is only called at the end of its module: its deployments start it with arguments."""
    return not one.call.scope and any(decorator.startswith("prefect.") for decorator in one.function.decorators)


def _says(one: UnfitCall) -> str:
    name = one.function.name
    if name.endswith(".__init__"):
        name = name.removesuffix(".__init__")
    shown = " and ".join(repr(n) for n in one.names)
    if one.kind == "unknown":
        return f"{name}() is given {shown}, which it does not take: a TypeError when this line runs"
    if one.kind == "missing":
        return f"{name}() is not given {shown}, which it requires: a TypeError when this line runs"
    if one.kind == "twice":
        return f"{name}() is given {shown} twice, by position and by name: a TypeError when this line runs"
    if one.kind == "many":
        given, takes = one.names
        return f"{name}() is given {given} arguments by position and takes {takes}: a TypeError when this line runs"
    return f"{name}() gets {shown} in each other's place"


def _parameters(one: UnfitCall) -> str:
    shown = [p.name if p.default is None else f"{p.name}=..." for p in one.function.parameters]
    named = one.function.named
    if named and not one.function.more.startswith("*"):
        shown.insert(len(shown) - named, "*")
    return ", ".join(shown)
