"""Tables as SQLAlchemy maps them, and rows that code puts into them."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.facts.base import Fact
from pytest_mlbreaks.model.place import Place


class MappedTable(Fact, frozen=True, kw_only=True):
    """A class that SQLAlchemy or SQLModel maps to a table. *unique*: the columns that tell rows apart, each by
    themselves or together; *told*: that is all of it."""

    called: ClassVar[str] = "mapped table"

    name: str
    unique: tuple[tuple[str, ...], ...] = ()
    told: bool = True

    @property
    def identity(self) -> str:
        return f"mapped-table:{self.path}#{self.name}"


class LookedUpInsert(Fact, frozen=True, kw_only=True):
    """Code that looks for a row of *model* (qualified) by the *columns*, and makes one where there is none, at
    *inserted*. *only*: the look-up fails where there are several. *refuses*: it raises where there is one.
    *tried*: its function takes errors of something.
    """

    called: ClassVar[str] = "row that is looked for and inserted"

    model: str
    columns: tuple[str, ...]
    only: bool = False
    refuses: bool = False
    tried: bool = False
    inserted: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"looked-up-insert:{self.path}#{self.scope}:{self.model}"
