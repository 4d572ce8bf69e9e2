"""What we say of pipelines of GitLab CI against gitlab-ci-local, where it is installed (see README.md)."""

from __future__ import annotations

import importlib
import os
import pathlib
from types import ModuleType

import pytest


def comparison() -> ModuleType:
    """The script beside this file, as a module."""
    return importlib.import_module("compare_gitlab")


@pytest.mark.fidelity
def test_nothing_is_missed_or_invented_in_pipelines_of_gitlab() -> None:
    """Jobs, their order and the lines of their scripts are exactly those of the tool, in what we call complete."""
    programs = os.environ.get("MLBREAKS_GITLAB_PROGRAMS", "")
    examples = os.environ.get("MLBREAKS_GITLAB_EXAMPLES", "")
    if not programs or not examples:
        pytest.skip("MLBREAKS_GITLAB_PROGRAMS and MLBREAKS_GITLAB_EXAMPLES name no gitlab-ci-local with its test cases")
    compare = comparison()
    for program in programs.split(os.pathsep):
        found = compare.compare(program, pathlib.Path(examples))
        for kind, count in found["kinds"].items():
            assert count["known"], f"{found['version']} has no {kind} at all: nothing was compared"
            assert not count["missed"], f"{found['version']}: {kind}"
            assert not count["invented"], f"{found['version']}: {kind}"
