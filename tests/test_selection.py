"""What was asked for: checks, thresholds, reports."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.check import Check, Confidence, Severity
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.selection import SelectionError, choose, parse_report_option, parse_threshold


def check(
    name: str, confidence: Confidence = Confidence.HIGH, also: tuple[str, ...] = (), formerly: tuple[str, ...] = ()
) -> Check:
    """A check of this ``category.module``."""
    return Check(
        f"a_pack.{name}", severity=Severity.HIGH, confidence=confidence, since="0.1", also=also, formerly=formerly
    )


CHECKS = (
    check("push_order.one_thing", formerly=("old-thing",)),
    check("push_order.doubtful_thing", Confidence.LOW),
    check("data_join.other_thing", also=("cache-invalidation",)),
)
PACKS = Packs({}, (), CHECKS, {}, ())


@pytest.mark.parametrize(
    ("select", "ignore", "chosen", "whole"),
    [
        ([], [], ["one-thing", "other-thing"], True),
        (["one-thing"], [], ["one-thing"], False),
        (["push-order/one-thing"], [], ["one-thing"], False),
        (["old-thing"], [], ["one-thing"], False),
        (["push-order"], [], ["one-thing", "doubtful-thing"], False),
        (["cache-invalidation"], [], ["other-thing"], False),
        (["other-thing, push-order"], [], ["one-thing", "doubtful-thing", "other-thing"], True),
        (["push-order", "data-join"], ["doubtful-thing"], ["one-thing", "other-thing"], True),
        ([], ["push-order"], ["other-thing"], False),
        ([], ["doubtful-thing"], ["one-thing", "other-thing"], True),
        ([], [""], ["one-thing", "other-thing"], True),
    ],
)
def test_checks_are_chosen(select: list[str], ignore: list[str], chosen: list[str], whole: bool) -> None:
    """By id, former id or category, commas or not; what is off by default runs when it is selected; a part says so."""
    checks, partial = choose(PACKS, select, ignore)
    assert [one.id for one in checks] == chosen
    assert (partial is None) == whole


def test_the_reason_for_a_part_counts_what_is_missing() -> None:
    """Of the checks that would have run."""
    assert choose(PACKS, ["one-thing"], [])[1] == "1 of 2 checks were not asked for"


@pytest.mark.parametrize("names", [["one-thin"], ["push-order,one-thin"], ["push_order"]])
def test_a_name_that_is_none_is_an_error(names: list[str]) -> None:
    """It names the nearest; a slip must not silently run nothing."""
    with pytest.raises(SelectionError, match="did you mean"):
        choose(PACKS, names, [])
    with pytest.raises(SelectionError, match="did you mean"):
        choose(PACKS, [], names)


def test_thresholds() -> None:
    """Three levels and never."""
    assert [parse_threshold(text) for text in ("high", "medium", "low", "never")] == [
        *(Severity.HIGH, Severity.MEDIUM, Severity.LOW, None)
    ]
    with pytest.raises(SelectionError, match="high, medium, low, never"):
        parse_threshold("none")


def test_report_options() -> None:
    """A format, and a path where it holds one; a drive letter's colon stays in the path."""
    assert parse_report_option("json") == ("json", None)
    assert parse_report_option("json:out/r.json") == ("json", "out/r.json")
    assert parse_report_option("json:C:/r.json") == ("json", "C:/r.json")
    for text in ("", ":x", "json:"):
        with pytest.raises(SelectionError, match="FORMAT"):
            parse_report_option(text)
