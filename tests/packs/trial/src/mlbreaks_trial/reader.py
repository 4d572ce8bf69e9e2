"""What a ``*.marks`` file says."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pytest_mlbreaks.api import TEXT, Diagnostic, Fact, Place, Reader, TextFile, Wanted


class Mark(Fact, frozen=True, kw_only=True):
    """One line: ``high``, ``medium``, ``low``, ``crash``, or anything else, which is fine."""

    word: str

    @property
    def identity(self) -> str:
        return f"mark:{self.word}"


class Never(Fact, frozen=True, kw_only=True):
    """What no file says."""

    @property
    def identity(self) -> str:
        return "never"


def _claims(path: str) -> bool:
    return path.endswith(".marks")


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    log = os.environ.get("TRIAL_READS")
    if log:
        with open(log, "a") as lines:
            lines.write(f"{file.path}\n")
    for number, line in enumerate(file.lines, start=1):
        yield Mark(place=Place(file.path, number, 1, number, len(line) + 1), word=line)


READER = Reader("marks", 1, TEXT, (Mark, Never), _claims, _read)
