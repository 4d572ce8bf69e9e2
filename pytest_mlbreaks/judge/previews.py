"""Which checks do not count yet. An upgrade must not turn a pipeline red.

A check that is new in the running minor version, or was raised in it, is a preview: its findings are shown and fail
nothing; they count from the next minor version on, so that everybody has had a whole minor version to see them coming.
``checks-as-of = "0.3"`` names the set that counts instead: all that 0.3 had, for as long as it says so, and what came
later is a preview whatever the running version. It may also name the running version, and then all of it counts. In the
first version of all there was nothing to upgrade from: everything counts.

Checks of other packs follow the versions of their packs, of which this knows nothing: all of them count.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from pytest_mlbreaks.check import Check, Severity

FIRST = (0, 1)
"""The first version of pytest-mlbreaks."""

Version = tuple[int, ...]


def previews(
    checks: Iterable[Check], *, running: str, as_of: str | None
) -> tuple[dict[str, str], dict[str, tuple[int, str]]]:
    """By check id, why its findings do not count; and for those that were raised, the level up to which they do, and
    why not above. *running* and *as_of* are versions (``0.3``, ``0.3.1``)."""
    new: dict[str, str] = {}
    capped: dict[str, tuple[int, str]] = {}
    for check in checks:
        if not _counts(check.since, running, as_of):
            new[check.id] = f"new in {check.since}{_when(check.since, as_of)}"
        later = [version for version in check.raised if not _counts(version, running, as_of)]
        if later:
            first = min(later, key=_parsed)
            most = Severity(min(check.raised[first]))
            capped[check.id] = (most, f"raised in {first}{_when(first, as_of)}")
    return new, capped


def _counts(since: str, running: str, as_of: str | None) -> bool:
    if as_of is not None:
        named = tuple(int(part) for part in as_of.split("."))
        return _parsed(since)[: len(named)] <= named
    current = _parsed(running)[:2]
    return current == FIRST or _parsed(since)[:2] != current


def _when(since: str, as_of: str | None) -> str:
    if as_of is not None:
        return f", and the checks are those of {as_of}"
    major, minor = _parsed(since)[:2]
    return f", counts from {major}.{minor + 1} on"


def _parsed(version: str) -> Version:
    """The numbers of a version; what follows them (``.dev1``, ``rc1``) says nothing here."""
    parts = itertools.takewhile(str.isdigit, version.split("."))
    return (*(int(part) for part in parts), 0, 0, 0)[:3]
