"""Patterns of paths as ``.gitignore`` has them, without its negation of what lies in a folder that is left out.

The rules are git's (https://git-scm.com/docs/gitignore): a pattern with a slash before its end is anchored at the
root, another one is looked for at any depth; ``*`` and ``?`` stop at a slash, ``**`` does not; a slash at the end asks
for a folder; ``!`` takes back what an earlier pattern said; the last pattern that fits decides. What lies in a folder
that fits, fits. Matching takes time in proportion to path times pattern, whatever they are.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Iterable

_ANY = "**"


@dataclasses.dataclass(frozen=True)
class _Pattern:
    text: str
    parts: tuple[re.Pattern[str] | None, ...]  # None for ``**``
    taken_back: bool
    folders_only: bool


class Globs:
    """Several patterns, asked together. Paths are relative to the root, with ``/``."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(_compiled(pattern) for pattern in patterns if pattern.strip("/! "))
        self._folders: dict[str, str | None] = {"": None}

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def folder(self, path: str) -> str | None:
        """The pattern by which the folder *path*, or one above it, fits; None where none does."""
        if path not in self._folders:
            above = self.folder(path.rpartition("/")[0])
            self._folders[path] = above if above is not None else self._decides(path, is_folder=True)
        return self._folders[path]

    def file(self, path: str) -> str | None:
        """The pattern by which the file *path*, or a folder that it lies in, fits; None where none does."""
        within = self.folder(path.rpartition("/")[0])
        return within if within is not None else self._decides(path, is_folder=False)

    def _decides(self, path: str, *, is_folder: bool) -> str | None:
        parts = path.split("/")
        for pattern in reversed(self._patterns):
            if (is_folder or not pattern.folders_only) and _fits(pattern.parts, parts):
                return None if pattern.taken_back else pattern.text
        return None


def _compiled(text: str) -> _Pattern:
    pattern = text.removeprefix("!")
    folders_only = pattern.endswith("/")
    parts = pattern.strip("/").split("/")
    if len(parts) == 1 and not pattern.startswith("/"):
        parts.insert(0, _ANY)
    compiled = tuple(None if part == _ANY else re.compile(fnmatch.translate(part)) for part in parts if part)
    return _Pattern(text, compiled, text.startswith("!"), folders_only)


def _fits(pattern: tuple[re.Pattern[str] | None, ...], parts: list[str]) -> bool:
    """Whether all of *parts* fit: as in `fnmatch`, it is enough to come back to the last ``**``. One at the end asks
    for something to stand there: ``a/**`` is what lies in ``a``, not ``a`` itself."""
    at, here = 0, 0
    back: tuple[int, int] | None = None
    while here < len(parts):
        wanted = pattern[at] if at < len(pattern) else None
        if at < len(pattern) and wanted is None:
            back = (at, here)
            at += 1
            if at == len(pattern):
                return True
        elif wanted is not None and wanted.match(parts[here]):
            at, here = at + 1, here + 1
        elif back is not None:
            back = (back[0], back[1] + 1)
            at, here = back[0] + 1, back[1]
        else:
            return False
    return at == len(pattern)
