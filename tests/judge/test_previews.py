"""Which checks do not count yet: an upgrade must not turn a pipeline red."""

from __future__ import annotations

import pytest

from pytest_mlbreaks import testing
from pytest_mlbreaks.check import Check, Confidence, Severity
from pytest_mlbreaks.judge.previews import previews

MODULE = "pack.push_order.some_check"


def check(since: str, **raised: tuple[Severity, Confidence]) -> Check:
    """A check that came with *since* and was raised in versions (``v0_4``)."""
    versions = {name[1:].replace("_", "."): before for name, before in raised.items()}
    return Check(MODULE, severity=Severity.HIGH, confidence=Confidence.HIGH, since=since, raised=versions)


@pytest.mark.parametrize(
    ("since", "running", "as_of", "counts"),
    [
        ("0.1", "0.1.0", None, True),  # there was nothing to upgrade from
        ("0.1", "0.1.7", None, True),
        ("0.4", "0.4.0", None, False),
        ("0.4", "0.4.9", None, False),
        ("0.4", "0.5.0rc1", None, True),
        ("0.3", "0.4.0", None, True),
        ("1.0", "1.0.0", None, False),
        ("0.9", "1.0.0", None, True),
        ("0.4", "0.9.0", "0.3", False),
        ("0.3", "0.9.0", "0.3", True),
        ("0.3", "0.9.0", "0.3.2", True),
        ("0.10", "0.11.0", "0.9", False),
        ("0.4", "0.4.0", "0.4", True),  # who asks for the running version gets all of it
        ("1.0", "1.2.0", "0.9", False),
        ("0.4", "0.9.0", "0", True),
    ],
)
def test_a_new_check_counts_from_the_next_minor_version_on(
    since: str, running: str, as_of: str | None, counts: bool
) -> None:
    """Or from the version that the configuration names."""
    new, capped = previews([check(since)], running=running, as_of=as_of)
    assert (not new) is counts
    assert capped == {}


def test_a_preview_says_why_and_from_when_on_it_counts() -> None:
    """What somebody has to know of it."""
    assert previews([check("0.4")], running="0.4.1", as_of=None)[0] == {"some-check": "new in 0.4, counts from 0.5 on"}
    assert previews([check("0.4")], running="0.4.1", as_of="0.3")[0] == {
        "some-check": "new in 0.4, and the checks are those of 0.3"
    }


def test_a_raised_check_counts_up_to_what_it_was() -> None:
    """Of several raises that do not count yet, the earliest says what it was before; one that counts says nothing."""
    raised = {
        "v0_2": (Severity.LOW, Confidence.LOW),
        "v0_4": (Severity.MEDIUM, Confidence.HIGH),
        "v0_5": (Severity.HIGH, Confidence.MEDIUM),
    }
    _, capped = previews([check("0.1", **raised)], running="0.9.0", as_of="0.3")
    assert capped == {"some-check": (Severity.MEDIUM, "raised in 0.4, and the checks are those of 0.3")}
    assert previews([check("0.1", **raised)], running="0.9.0", as_of=None) == ({}, {})


def test_every_check_counts_in_the_first_version() -> None:
    """All that is installed now, for a start."""
    assert previews(testing.installed().checks, running="0.1.0", as_of=None) == ({}, {})
