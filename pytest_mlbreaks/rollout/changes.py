"""What a change does to components: which are new, gone or other, and what each provides and uses now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from pytest_mlbreaks.rollout.components import Component, Item, Use


@dataclasses.dataclass(frozen=True)
class Change:
    """A component that a change touches. *gained* and *lost* is what it provides from now on, and no longer; *begins*
    and *ceases* what it uses from now on, and no longer. *files* are those of its files that are not what they were."""

    component: Component
    what: Literal["added", "removed", "changed"]
    files: tuple[str, ...]
    gained: Mapping[Item, Use]
    lost: Mapping[Item, Use]
    begins: Mapping[Item, Use]
    ceases: Mapping[Item, Use]
    images_differ: bool = False


def difference(
    base: Mapping[str, Component], head: Mapping[str, Component], touched: frozenset[str]
) -> tuple[Change, ...]:
    """The components that differ, in the order of their titles. *touched* are the files that the two sides do not hold
    alike. What is written in another way only (lines that moved) is no difference."""
    found = []
    for name in base.keys() | head.keys():
        before, after = base.get(name), head.get(name)
        component = after or before
        if component is None:
            continue
        files = tuple(sorted(((before.files if before else set()) | (after.files if after else set())) & touched))
        same = before is not None and after is not None and before.shape == after.shape
        if same and not files:
            continue
        what: Literal["added", "removed", "changed"] = "changed"
        if before is None or after is None:
            what = "added" if before is None else "removed"
        provided = before.provides if before else {}, after.provides if after else {}
        used = before.uses if before else {}, after.uses if after else {}
        found.append(
            Change(
                component,
                what,
                files,
                gained=_only(provided[1], provided[0]),
                lost=_only(provided[0], provided[1]),
                begins=_only(used[1], used[0]),
                ceases=_only(used[0], used[1]),
                images_differ=before is None or after is None or before.images != after.images,
            )
        )
    return tuple(sorted(found, key=lambda change: change.component.title))


def _only(mine: Mapping[Item, Use], theirs: Mapping[Item, Use]) -> dict[Item, Use]:
    return {item: use for item, use in mine.items() if item not in theirs}
