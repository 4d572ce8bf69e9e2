"""Image references: what a text that names an image says, and when two of them mean one repository.

``{*}`` stands for a part that can't be told, as in `Pipeline.pattern`.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Reference:
    """An image reference in its parts."""

    repository: str
    tag: str = ""
    digest: str = ""


def split_reference(text: str) -> Reference:
    """Split ``registry:5000/team/app:tag@sha256:...``; a port is not a tag."""
    rest, _, digest = text.partition("@")
    head, _, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return Reference(f"{head}/{name}" if head else name, tag, digest)


def same_repository(one: str, other: str) -> bool:
    """Whether two image names, ``{*}`` for what can't be told, can only mean one repository: equal, or equal wherever
    both are told, with at least the last component told and equal."""
    if one == other and "{*}" not in one:
        return True
    a, b = one.split("/"), other.split("/")
    if not a[-1] or a[-1] != b[-1] or "{*}" in a[-1]:
        return False
    if "{*}" not in one and "{*}" not in other:
        return False
    for left, right in zip(reversed(a), reversed(b), strict=False):
        if "{*}" not in left and "{*}" not in right and left != right:
            return False
    return True
