"""Why one push has to come before another."""

from __future__ import annotations

import dataclasses

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.rollout.components import Item


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why one push has to come before another, in a sentence, with the place on either side."""

    text: str
    item: Item | None
    first: Place
    then: Place
    assumed: str = ""


@dataclasses.dataclass(frozen=True)
class Edge:
    """*first* has to be pushed, and running, before *then* (ids of components)."""

    first: str
    then: str
    reasons: tuple[Reason, ...]
