"""What a reporter shows beside a report: lines of the judged tree, and why a check matters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_mlbreaks import pages
from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.display import redact_line
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.reading import Source, Unreadable
from pytest_mlbreaks.report import About, Shown
from pytest_mlbreaks.tree import ReadError, Tree

_LINE_END = re.compile(r"\r\n|\n|\r")
_LONGEST = 2_000  # characters; a longer line is generated, and nobody reads it


class Excerpts:
    """Gives the line at a place of *tree*, as `pytest_mlbreaks.report.Shown` wants it; each file is read once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._files: dict[str, Sequence[str]] = {}

    def __call__(self, place: Place) -> str | None:
        """The first line of *place*, secrets masked and nothing else changed; None where there is no such line."""
        if place.line is None or place.side != "head":
            return None
        if place.kind == "cell":
            lines = self._cell(place)
        elif place.kind == "file":
            lines = self._lines(place.path)
        else:
            return None
        if not 1 <= place.line <= len(lines) or len(lines[place.line - 1]) > _LONGEST:
            return None
        return redact_line(place.path, lines, place.line - 1)

    def _cell(self, place: Place) -> Sequence[str]:
        """The lines of a notebook's cell, without what is no Python."""
        from pytest_mlbreaks.formats import notebook  # only where something was found in one

        try:
            cells = notebook.parse(Source(place.path, self._tree.read(place.path))).cells
        except (ReadError, Unreadable, KeyError):
            return ()
        return next((cell.lines for cell in cells if cell.number == place.cell), ())

    def _lines(self, path: str) -> Sequence[str]:
        found = self._files.get(path)
        if found is None:
            try:
                found = _LINE_END.split(Source(path, self._tree.read(path)).text())
            except (ReadError, Unreadable, KeyError):
                found = ()
            self._files[path] = found
        return found


def showing(
    tree: Tree,
    packs: Packs,
    *,
    threshold: Severity | None,
    verbose: bool = False,
    color: bool = False,
    width: int = 100,
) -> Shown:
    """How to show a report on *tree*: excerpts come from it, and what is said of checks from the pages of *packs*."""

    def about(identifier: str) -> About:
        check = packs.check(identifier)
        return pages.about(check) if check is not None else About()

    return Shown(threshold, verbose, color, width, Excerpts(tree), about)
