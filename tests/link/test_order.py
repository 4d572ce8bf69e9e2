"""Which step is done before which."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.order import StepOrder
from pytest_mlbreaks.model import Answer, Pipeline, Place
from pytest_mlbreaks.model.facts import Edge, Schedule, Step

PLACE = Place("dag.py", 1)


def order(edges: list[tuple[str, str]], *, complete: bool = True) -> StepOrder:
    """Steps a to d of one pipeline, x of another."""
    facts = [Schedule(place=PLACE, orchestrator="airflow", name=n, complete=complete) for n in ("one", "two")]
    steps = [Step(place=PLACE, orchestrator="airflow", pipeline="airflow:one", name=n) for n in "abcd"]
    other = Step(place=PLACE, orchestrator="airflow", pipeline="airflow:two", name="x")
    links = [Edge(place=PLACE, before=f"airflow:one/{a}", after=f"airflow:one/{b}") for a, b in edges]
    return StepOrder(Pipeline([*facts, *steps, other, *links], []))


@pytest.mark.parametrize(
    ("first", "then", "answer"),
    [
        ("one/a", "one/c", Answer.YES),
        ("one/c", "one/a", Answer.NO),
        ("one/a", "one/d", Answer.NO),
        ("one/a", "two/x", Answer.CANNOT_TELL),
        ("one/a", "one/gone", Answer.CANNOT_TELL),
    ],
)
def test_paths(first: str, then: str, answer: Answer) -> None:
    """A path says yes; no path says no only within one pipeline that is told."""
    assert order([("a", "b"), ("b", "c")]).reaches(f"airflow:{first}", f"airflow:{then}") is answer


def test_a_pipeline_that_is_not_told_gives_no_no() -> None:
    """Some edge may be missing."""
    assert order([], complete=False).reaches("airflow:one/a", "airflow:one/b") is Answer.CANNOT_TELL


def test_circles_end() -> None:
    """Each is before the other, and before itself."""
    assert order([("a", "b"), ("b", "a")]).before("airflow:one/a") == {"airflow:one/a", "airflow:one/b"}
