"""What we say of Feast's templates against Feast itself, where it is installed (see README.md)."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest


def comparison() -> ModuleType:
    """The script beside this file, as a module."""
    return importlib.import_module("compare_feast")


@pytest.mark.fidelity
def test_nothing_is_missed_or_invented_in_feasts_templates() -> None:
    """Views, their features, their sources and services are exactly those of Feast."""
    given = os.environ.get("MLBREAKS_FEAST_PYTHONS", "")
    if not given:
        pytest.skip("MLBREAKS_FEAST_PYTHONS names no interpreter that has Feast")
    compare = comparison()
    for python in given.split(os.pathsep):
        outcome = compare.compare(compare.dump(python))
        for kind, count in outcome.counts.items():
            assert count.known, f"Feast {outcome.version} has no {kind} at all: nothing was compared"
            assert not count.missed, f"Feast {outcome.version}: {kind}"
            assert not count.invented, f"Feast {outcome.version}: {kind}"
