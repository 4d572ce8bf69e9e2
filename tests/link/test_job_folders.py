"""Which file a command of a CI job starts, by the folders of the job."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Entry, Process
from pytest_mlbreaks.testing import linked


def _entry(run: str, *files: str, steps: str = "") -> Entry:
    text = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n{steps}      - run: {run}\n"
    tree = {".github/workflows/ci.yml": text, **dict.fromkeys(files, "print()\n")}
    (entry,) = (entry for process in linked(tree).all(Process) for entry in process.entries)
    return entry


@pytest.mark.parametrize("folder", ["$GITHUB_WORKSPACE", "${GITHUB_WORKSPACE}", "${{ github.workspace }}"])
def test_the_workspace_is_the_checkout(folder: str) -> None:
    """By its variable and by its expression."""
    assert _entry(f'python "{folder}/tools/train.py"'.replace('"', ""), "tools/train.py").path == "tools/train.py"


def test_what_is_made_while_the_job_runs() -> None:
    """Files below RUNNER_TEMP are none of the tree."""
    entry = _entry("bash $RUNNER_TEMP/tools/train.sh", "tools/train.sh")
    assert (entry.path, entry.external) == (None, True)


def test_what_a_told_folder_does_not_hold_is_nowhere_else() -> None:
    """A file whose path only ends in the same words is another file."""
    assert _entry("python tools/train.py", "old/tools/train.py").path is None


def test_a_checkout_into_a_folder() -> None:
    """What lies below the folder is the tree."""
    steps = "      - uses: actions/checkout@v4\n        with: {path: code}\n"
    assert _entry("python code/tools/train.py", "tools/train.py", steps=steps).path == "tools/train.py"
