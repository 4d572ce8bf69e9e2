"""Lock files are known by name."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model.facts import LockFile
from pytest_mlbreaks.readers import lock_files
from pytest_mlbreaks.reading import Source, Wanted


@pytest.mark.parametrize(
    ("path", "tool"), [("a/uv.lock", "uv"), ("poetry.lock", "poetry"), ("pylock.gpu.toml", "pylock")]
)
def test_lock_files(path: str, tool: str) -> None:
    """Claimed, and said by which tool; the content is not looked at."""
    assert lock_files.claims(path)
    (fact,) = lock_files.read(Source(path, b"\xff"), Wanted())
    assert isinstance(fact, LockFile)
    assert fact.tool == tool


@pytest.mark.parametrize("path", ["uv.lock.bak", "pylock.py", "lock/readme"])
def test_other_files(path: str) -> None:
    """Names that only look alike."""
    assert not lock_files.claims(path)
