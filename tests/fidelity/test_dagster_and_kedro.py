"""The Dagster reader against Dagster's own graphs, where both are named (see README.md)."""

from __future__ import annotations

import importlib
import os
import pathlib
from types import ModuleType

import pytest


def comparison(tool: str) -> ModuleType:
    """The script beside this file, as a module."""
    return importlib.import_module(f"compare_{tool}")


@pytest.mark.fidelity
def test_nothing_is_missed_or_invented_in_dagsters_examples() -> None:
    """In every code location and job that we say we could tell all of, steps and edges are exactly those of Dagster."""
    pythons = os.environ.get("MLBREAKS_DAGSTER_PYTHONS", "")
    examples = os.environ.get("MLBREAKS_DAGSTER_EXAMPLES", "")
    if not pythons or not examples:
        pytest.skip("MLBREAKS_DAGSTER_PYTHONS and MLBREAKS_DAGSTER_EXAMPLES name no interpreter and no examples")
    compare = comparison("dagster")
    for python in pythons.split(os.pathsep):
        outcome = compare.compare(compare.dump(python, examples.split(os.pathsep)))
        for kind, count in outcome.kinds.items():
            assert count.known, f"Dagster {outcome.version} has no {kind} at all: nothing was compared"
            assert not count.missed, f"Dagster {outcome.version}: {kind}"
            assert not count.invented, f"Dagster {outcome.version}: {kind}"


@pytest.mark.fidelity
def test_nothing_is_missed_or_invented_in_kedros_starters() -> None:
    """In every starter that we say we could tell all of, nodes and edges are exactly those of Kedro."""
    pythons = os.environ.get("MLBREAKS_KEDRO_PYTHONS", "")
    examples = os.environ.get("MLBREAKS_KEDRO_EXAMPLES", "")
    if not pythons or not examples:
        pytest.skip("MLBREAKS_KEDRO_PYTHONS and MLBREAKS_KEDRO_EXAMPLES name no interpreter and no examples")
    compare = comparison("kedro")
    for python in pythons.split(os.pathsep):
        told, kinds, _ = compare.compare(python, pathlib.Path(examples))
        for kind, count in kinds.items():
            assert count.known, f"Kedro {told['version']} has no {kind} at all: nothing was compared"
            assert not count.missed, f"Kedro {told['version']}: {kind}"
            assert not count.invented, f"Kedro {told['version']}: {kind}"
