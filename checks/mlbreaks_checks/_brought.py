"""What popular packages bring along when they are installed.

The table is made from the metadata on PyPI (``_brought.txt`` says when and how): what the newest releases for two
versions of Python need, one after the other. It says more than one release may need, never less than the newest.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

_TABLE = Path(__file__).with_name("_brought.txt")
_ALWAYS = frozenset({"pip", "setuptools", "wheel"})
"""What an image with Python may hold without anybody asking for it."""


@functools.cache
def _needs() -> dict[str, tuple[str, ...]]:
    """By package, and by ``package[extra]``: what it needs itself."""
    found: dict[str, list[str]] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *needed = line.split()
            found.setdefault(name, []).extend(needed)
    return {name: tuple(needed) for name, needed in found.items()}


@functools.cache
def _closure(name: str) -> frozenset[str] | None:
    needs = _needs()
    if name not in needs:
        return None
    seen = {name}
    pending = [name]
    while pending:
        for needed in needs.get(pending.pop(), ()):
            if needed not in seen:
                seen.add(needed)
                pending.append(needed)
    return frozenset(one.partition("[")[0] for one in seen)


def along(name: str, extras: Sequence[str]) -> frozenset[str] | None:
    """All that the installation of *name* with *extras* brings, itself too, by normalised name; None where the table
    does not hold it."""
    found = _closure(name)
    for extra in extras:
        more = _closure(f"{name}[{extra.lower().replace('_', '-')}]")
        found = found | more if found is not None and more is not None else None
    return found


def is_told(name: str) -> bool:
    """Whether the table holds *name*, and it is no part of every installation of Python."""
    return name in _needs() and name not in _ALWAYS
