"""The Airflow reader against Airflow's own DagBag, where Airflow is installed (see README.md)."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType

import pytest


def pythons() -> list[str]:
    """The interpreters that have Airflow."""
    given = os.environ.get("MLBREAKS_AIRFLOW_PYTHONS", "")
    if given:
        return given.split(os.pathsep)
    return [sys.executable] if importlib.util.find_spec("airflow") is not None else []


def comparison() -> ModuleType:
    """The script beside this file, as a module."""
    return importlib.import_module("compare_airflow")


@pytest.mark.fidelity
def test_nothing_is_missed_or_invented_in_airflows_examples() -> None:
    """In every DAG that the reader says it could tell all of, its tasks and edges are exactly those of Airflow."""
    found = pythons()
    if not found:
        pytest.skip("Airflow is not installed, and MLBREAKS_AIRFLOW_PYTHONS names no interpreter that has it")
    compare = comparison()
    for python in found:
        outcome = compare.compare(compare.dump(python))
        for kind, count in outcome.counts.items():
            assert count.known, f"Airflow {outcome.version} has no {kind} at all: nothing was compared"
            assert not count.missed, f"Airflow {outcome.version}: {kind}"
            assert not count.invented, f"Airflow {outcome.version}: {kind}"
            assert count.found >= 0.96 * count.known, f"Airflow {outcome.version}: {kind}"
