"""Pages: the Markdown file beside a check, its documentation and its test."""

from __future__ import annotations

from pytest_mlbreaks.check import Check


def what_to_do(check: Check) -> str:
    """The first paragraph of the page's "What to do"."""
    return ""
