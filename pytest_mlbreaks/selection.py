"""What was asked for: which checks, which threshold, which reports. The plugin and the command mean the same by it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Check, Severity
from pytest_mlbreaks.engine import default_checks
from pytest_mlbreaks.packs import Packs


class SelectionError(ValueError):
    """Something asked for that there is not; the text names what is nearest."""


def choose(
    packs: Packs,
    select: Iterable[str],
    ignore: Iterable[str],
    *,
    selected: Collection[str] | None = None,
    ignored: Collection[str] = (),
    locked: Collection[str] = (),
) -> tuple[tuple[Check, ...], str | None]:
    """The checks to run, and the reason why they are not all that are on by default (None: they are).

    *select* and *ignore* hold ids or categories, several to an item where commas part them. Nothing selected stands
    for what the configuration says: the ids *selected* (None: all checks that are on by default) without those
    *ignored*, and with those *locked*, which nothing ignores. A check or category that is selected runs even if it is
    not on by default. Raises SelectionError.
    """
    usual = default_checks(packs)
    asked, left = _expand(packs, select), _expand(packs, ignore) or ()
    if asked is not None:
        chosen = tuple(check for check in asked if check not in left)
    else:
        base = {check.id for check in usual} if selected is None else {*selected}
        wanted = (base - {*ignored} - {check.id for check in left}) | {*locked}
        chosen = tuple(check for check in packs.checks if check.id in wanted)
    left_out = sum(check not in chosen for check in usual)
    return chosen, f"{left_out} of {len(usual)} checks were not asked for" if left_out else None


def _expand(packs: Packs, names: Iterable[str]) -> tuple[Check, ...] | None:
    parts = [part.strip() for name in names for part in name.split(",") if part.strip()]
    if not parts:
        return None
    wanted: set[str] = set()
    for part in parts:
        named = packs.named(part)
        if named is None:
            known = [check.id for check in packs.checks] + list(taxonomy.categories())
            raise SelectionError(f"no check or category {part!r}{_nearest(part.rpartition('/')[2], known)}")
        wanted.update(check.id for check in named)
    return tuple(check for check in packs.checks if check.id in wanted)


def named(packs: Packs, names: Iterable[str]) -> frozenset[str]:
    """The ids of the checks that *names*, ids or categories, stand for. Raises SelectionError."""
    return frozenset(check.id for check in _expand(packs, names) or ())


def parse_threshold(text: str) -> Severity | None:
    """The severity of this name; None for ``never``. Raises SelectionError."""
    if text == "never":
        return None
    try:
        return Severity[text.upper()]
    except KeyError:
        raise SelectionError(f"no threshold {text!r}: it is one of high, medium, low, never") from None


def parse_report_option(text: str) -> tuple[str, str | None]:
    """Format and path of ``FORMAT[:PATH]``; the path None stands for standard output. Raises SelectionError."""
    name, colon, path = text.partition(":")
    if not name or (colon and not path):
        raise SelectionError(f"{text!r}: a report is asked for as FORMAT or FORMAT:PATH")
    return name, path or None


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
