"""What all tests share."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ("pytester",)

# A failure must come back when the same command is run again, and a busy machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")

TRIAL = Path(__file__).parent / "packs" / "trial" / "src"

RunPytest = Callable[..., pytest.RunResult]


@pytest.fixture(scope="session")
def installed() -> None:
    """Skip where pytest would not find the plugin: it runs in processes of its own, by its entry point."""
    if not importlib.metadata.entry_points(group="pytest11", name="mlbreaks"):
        pytest.skip("pytest-mlbreaks is not installed in this environment")


@pytest.fixture
def run_pytest(installed: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunPytest:
    """Runs pytest in a process of its own, in pytester's folder, with no checks installed but those of the trial pack
    (see ``packs/trial``), and in a fixed order."""
    monkeypatch.setenv("PYTHONPATH", str(TRIAL))
    for name in ("PYTEST_ADDOPTS", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str | Path, randomly: bool = False) -> pytest.RunResult:
        fixed = ("-p", "trial_alone", *(() if randomly else ("-p", "no:randomly")))
        return pytester.runpytest_subprocess(*fixed, *arguments)

    return run
