"""What we say of Feast's templates against Feast itself, where it is installed (see README.md)."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import sys
from types import ModuleType

import pytest

HERE = pathlib.Path(__file__).parent


def comparison() -> ModuleType:
    """The script beside this file, as a module: tests are no package."""
    spec = importlib.util.spec_from_file_location("mlbreaks_compare_feast", HERE / "compare_feast.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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


def test_a_difference_is_counted() -> None:
    """What Feast has and we do not say is missed, unless we say that it is open; what only we say is invented."""
    count = comparison().Count()
    count.add({"a", "b"}, {"a", "c", "d"}, allowed=frozenset({"d"}))
    count.add({"x"}, set(), complete=False)
    assert (count.known, count.found, count.missed, count.open, count.invented) == (3, 1, ["b"], ["x"], ["c"])
