"""Patterns of paths, as git has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.globs import Globs


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("legacy/", "legacy/a/b.py", True),
        ("legacy/", "x/legacy/a.py", True),
        ("legacy/", "legacy", False),
        ("/legacy", "x/legacy/a.py", False),
        ("legacy", "legacy", True),
        ("*.sql", "a/b.sql", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/**/c.py", "a/b/d/c.py", True),
        ("a/**/c.py", "a/c.py", True),
        ("**/x", "q/w/x", True),
        ("a/**", "a", False),
        ("a/**", "a/b/c", True),
        ("a/**/b/**/c", "a/x/b/b/y/c", True),
        ("a/**/b/**/c", "a/x/b/b/y/d", False),
        ("a?c", "a/c", False),
        ("[!a]x", "bx", True),
        ("A.py", "a.py", False),
        ("services/*/old", "services/q/old/z.py", True),
    ],
)
def test_a_pattern_fits_as_in_a_gitignore(pattern: str, path: str, fits: bool) -> None:
    """The rules are git's."""
    assert (Globs([pattern]).file(path) is not None) is fits


def test_the_last_pattern_that_fits_decides() -> None:
    """What an earlier pattern leaves out, a later one takes back; not what lies in a folder that is left out."""
    globs = Globs(["*.py", "!keep.py", "old/"])
    assert globs.file("a/b.py") == "*.py"
    assert globs.file("a/keep.py") is None
    assert globs.file("old/keep.py") == "old/"


def test_nothing_is_no_pattern() -> None:
    """An empty pattern, or a slash alone, fits nothing."""
    assert not Globs(["", "/", "!", "  "])
    assert Globs([]).file("a") is None


@given(
    st.lists(st.text(alphabet="a*?/![]\\.", max_size=12), max_size=4), st.text(alphabet="a/.b", min_size=1, max_size=20)
)
def test_any_text_is_a_pattern(patterns: list[str], path: str) -> None:
    """A pattern never fails, and what lies in a folder that fits, fits."""
    globs = Globs(patterns)
    if globs.folder(path) is not None:
        assert globs.file(f"{path}/x") is not None
    globs.file(path)


def test_a_hostile_pattern_ends() -> None:
    """A pattern that would take a regular expression longer than anybody waits is decided at once."""
    assert Globs(["**/" + "a/**/" * 50 + "b", "*a" * 60 + "b"]).file("/".join(["a" * 200] * 300)) is None
