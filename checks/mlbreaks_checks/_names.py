"""Names that were probably meant to be one."""

from __future__ import annotations

import difflib
import re


def is_slip(one: str, other: str) -> bool:
    """Whether two names differ by a slip of one letter within one word: not by a number or a whole word, by which
    names are told apart on purpose (``_v2``, ``prod`` and ``prd``)."""
    mine, theirs = (re.split(r"[^a-z0-9]+", name.lower()) for name in (one, other))
    if len(mine) != len(theirs):
        return False
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    if len(pairs) != 1:
        return not pairs
    a, b = pairs[0]
    letters = len(a) - sum(
        block.size for block in difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    )
    slip = abs(len(a) - len(b)) <= 1 and letters <= 1
    return slip and min(len(a), len(b)) > 4 and not any(c.isdigit() for c in a + b)
