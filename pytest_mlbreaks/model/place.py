"""Where something stands in the judged tree."""

from __future__ import annotations

from typing import Literal

import msgspec

PlaceKind = Literal["file", "cell", "test", "table"]
Side = Literal["head", "base"]


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A position: path relative to the root with ``/``; lines and columns 1-based, columns in Unicode code points.

    For a notebook cell ``line`` counts within the cell and ``file_line`` within the ``.ipynb``.
    What does not apply, or cannot be told, is ``None``.
    """

    path: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    kind: PlaceKind = "file"
    cell: int | None = None
    file_line: int | None = None
    side: Side = "head"

    def __str__(self) -> str:
        parts = [self.path]
        if self.cell is not None:
            parts.append(f"cell {self.cell}")
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)

    @property
    def sort_key(self) -> tuple[str, int, int, int]:
        """Reading order: path, cell, line, column."""
        return (self.path, self.cell or 0, self.line or 0, self.column or 0)


class Diagnostic(msgspec.Struct, frozen=True):
    """Something about the tree that kept us from reading or understanding a part of it.

    ``error``: the file, or a part of it, was not read; ``warning``: read, with a doubt; ``note``: good to know.
    *topic*: about reading the tree, or about settings: suppressions and the configuration.
    """

    place: Place
    level: Literal["error", "warning", "note"]
    message: str
    topic: Literal["reading", "settings"] = "reading"
