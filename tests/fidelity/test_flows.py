"""The readers of flows against Metaflow, Prefect and flytekit themselves, where those are installed (see README.md)."""

from __future__ import annotations

import importlib
import os
import pathlib
from types import ModuleType

import pytest


def script(name: str) -> ModuleType:
    """A script beside this file, as a module."""
    return importlib.import_module(name)


def pythons(tool: str) -> list[str]:
    """The interpreters that have *tool*, as ``MLBREAKS_TOOL_PYTHONS`` names them. Skips where none is named."""
    given = os.environ.get(f"MLBREAKS_{tool.upper()}_PYTHONS", "")
    if not given:
        pytest.skip(f"MLBREAKS_{tool.upper()}_PYTHONS names no interpreter that has it")
    return given.split(os.pathsep)


def examples(tool: str) -> str:
    """The checkout with the examples of *tool*. Skips where none is named."""
    given = os.environ.get(f"MLBREAKS_{tool.upper()}_EXAMPLES", "")
    if not given:
        pytest.skip(f"MLBREAKS_{tool.upper()}_EXAMPLES names no checkout of the tool's examples")
    return given


@pytest.mark.fidelity
def test_metaflows_tutorials() -> None:
    """Steps, edges and which steps are mapped are exactly those of Metaflow."""
    compare = script("compare_metaflow")
    for python in pythons("metaflow"):
        outcome = compare.compare(compare.dump(python, []))
        for kind, count in outcome.counts.items():
            assert count.known, kind
            assert (count.missed, count.open, count.invented) == ([], [], []), kind


@pytest.mark.fidelity
def test_prefects_examples(tmp_path: pathlib.Path) -> None:
    """No task or edge that Prefect's ``visualize`` knows is missing, and none is invented."""
    compare = script("compare_prefect")
    found = pythons("prefect")
    compare.gather([examples("prefect")], tmp_path)
    for python in found:
        outcome = compare.compare(compare.dump(python, tmp_path), tmp_path)
        for kind, count in outcome.counts.items():
            assert count.known, kind
            assert (count.missed, count.invented) == ([], []), kind


@pytest.mark.fidelity
def test_flytes_examples() -> None:
    """Nodes and edges are exactly those of flytekit, in workflows that the reader says it could tell all of."""
    compare = script("compare_flyte")
    found = pythons("flyte")
    folder = pathlib.Path(examples("flyte")).resolve()
    for python in found:
        outcome = compare.compare(compare.dump(python, folder), folder)
        for kind, count in outcome.counts.items():
            assert count.known, kind
            assert (count.missed, count.invented) == ([], []), kind
