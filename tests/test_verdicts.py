"""Confidence is what reading has shown: the verdicts on repositories that nobody had developed against decide."""

from __future__ import annotations

import collections
import csv
import dataclasses
from pathlib import Path

import pytest

from pytest_mlbreaks import packs
from pytest_mlbreaks.check import Check, Confidence

VERDICTS = Path(__file__).parent.parent / "benchmarks" / "verdicts"
SURE = 0.9
"""The share of a check's findings that has to be right for high confidence."""
ENOUGH, SETS = 10, 2
"""Findings read, and sets that they are from, which are enough to say that a check is not good enough to be on."""


@dataclasses.dataclass
class Reading:
    """What was read of a check on the unseen sets, before anything was mended for them."""

    read: int = 0
    right: int = 0
    sets: set[str] = dataclasses.field(default_factory=set)


def readings() -> dict[str, Reading]:
    """By check id."""
    found: dict[str, Reading] = collections.defaultdict(Reading)
    for file in sorted(VERDICTS.glob("unseen-*.tsv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                reading = found[row["check"]]
                reading.read += 1
                reading.right += row["verdict"] == "right"
                reading.sets.add(file.name)
    return dict(found)


READ = readings()
CHECKS = {check.id: check for check in packs.load().checks}


@pytest.mark.parametrize("check", [check for id_, check in CHECKS.items() if id_ in READ], ids=lambda check: check.id)
def test_confidence_is_what_was_read(check: Check) -> None:
    """High where 9 of 10 findings on unseen repositories were right; opt-in where fewer than half were, of enough."""
    reading = READ[check.id]
    share = reading.right / reading.read
    if share < SURE:
        assert check.confidence is not Confidence.HIGH, f"{reading.right} of {reading.read} were right"
    if share < 0.5 and reading.read >= ENOUGH and len(reading.sets) >= SETS:
        assert check.confidence is Confidence.LOW, f"{reading.right} of {reading.read} were right"


def test_what_was_read_is_of_checks_that_are_there() -> None:
    """A check that is renamed takes its readings along."""
    assert READ
    assert READ.keys() <= CHECKS.keys()
