"""The outage taxonomy: categories, their two axes and what is stated and inferred about them (`taxonomy.yaml`)."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any, Literal

import msgspec
import yaml

Basis = Literal["stated", "inferred"]


class Position(msgspec.Struct, frozen=True):
    """A place on an axis, 1 to 5, and whether the study states the side or we inferred it."""

    value: int
    basis: Basis


class Axis(msgspec.Struct, frozen=True):
    """*ml*: 1 not ML, 5 ML. *distributed*: 1 one machine, 5 between systems."""

    ml: Position
    distributed: Position


class Category(msgspec.Struct, frozen=True):
    """A cause of outages. *rank* is its order in the study (None: not among its 19 names)."""

    id: str
    name: str
    axis: Axis
    why: str
    rank: int | None = None

    @property
    def prior(self) -> float:
        """Estimated share of outages, 0 to 1: a geometric series over the study's order, which fits its published
        figures (96 outages, the largest cause 15). An estimate, to be replaced by a team's own register."""
        if self.rank is None:
            return 0.0
        weights = {c.id: 0.85 ** (c.rank - 1) for c in categories().values() if c.rank is not None}
        return float(weights[self.id] / sum(weights.values()))


@functools.cache
def categories() -> dict[str, Category]:
    """All categories by id, in the study's order."""
    text = resources.files("pytest_mlbreaks").joinpath("taxonomy.yaml").read_text(encoding="utf-8")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = msgspec.convert(yaml.load(text, loader), type=list[Category])
    return {entry.id: entry for entry in entries}


def category(identifier: str) -> Category:
    """The category *identifier*. Raises KeyError."""
    return categories()[identifier]
