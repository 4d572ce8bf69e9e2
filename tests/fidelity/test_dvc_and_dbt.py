"""DVC's pipelines and dbt's projects against the tools, where these are installed (see README.md)."""

from __future__ import annotations

import importlib
import os
import pathlib
from types import ModuleType

import pytest


@pytest.mark.fidelity
@pytest.mark.parametrize("tool", ["dvc", "dbt"])
def test_nothing_is_missed_or_invented(tool: str) -> None:
    """In what we say is complete: steps and their order, as the tool has them."""
    pythons = os.environ.get(f"MLBREAKS_{tool.upper()}_PYTHONS")
    if not pythons:
        pytest.skip(f"MLBREAKS_{tool.upper()}_PYTHONS names no interpreter")
    named = os.environ.get(f"MLBREAKS_{tool.upper()}_EXAMPLES", "")
    folders = [pathlib.Path(path) for path in named.split(os.pathsep) if path]
    compare = comparison(f"compare_{tool}")
    for python in pythons.split(os.pathsep):
        told, kinds, failed = compare.compare(python, folders)
        assert not failed
        assert kinds["steps"].known
        for kind, count in kinds.items():
            assert not count.missed, f"{tool} {told['version']}: {kind}"
            assert not count.invented, f"{tool} {told['version']}: {kind}"


def comparison(name: str) -> ModuleType:
    """A script beside this file, as a module."""
    return importlib.import_module(name)
