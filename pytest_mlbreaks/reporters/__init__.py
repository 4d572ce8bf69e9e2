"""Reporters: how a report is said, one module a format."""

from __future__ import annotations

from pytest_mlbreaks import pages
from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.excerpts import Excerpts
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.report import Shown
from pytest_mlbreaks.tree import Tree


def showing(
    tree: Tree,
    packs: Packs,
    *,
    threshold: Severity | None,
    verbose: bool = False,
    color: bool = False,
    width: int = 100,
) -> Shown:
    """How to show a report on *tree*: excerpts come from it, and reasons from the pages of *packs*."""

    def why(identifier: str) -> str:
        check = packs.check(identifier)
        return pages.why(check) if check is not None else ""

    return Shown(threshold, verbose, color, width, Excerpts(tree), why)
