"""DVC's pipelines and dbt's projects against the tools, where these are installed (see README.md)."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import sys
from types import ModuleType

import pytest

HERE = pathlib.Path(__file__).parent


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


@pytest.mark.parametrize("tool", ["dvc", "dbt"])
def test_what_is_said_to_be_open_is_no_mistake(tool: str) -> None:
    """Only where we say that we could tell all is a difference missed or invented."""
    count = comparison(f"compare_{tool}").Count()
    count.add("x", {"a", "b"}, {"b", "c"}, complete=False)
    count.add("y", {"a"}, {"a", "c"}, complete=True)
    assert (count.known, count.found) == (3, 2)
    assert (count.open, count.invented_open) == (["x: a"], ["x: c"])
    assert (count.missed, count.invented) == ([], ["y: c"])


def comparison(name: str) -> ModuleType:
    """A script beside this file, as a module: tests are no package."""
    spec = importlib.util.spec_from_file_location(f"mlbreaks_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
