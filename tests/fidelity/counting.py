"""What all comparisons count: what the tool has, and what of it we say."""

from __future__ import annotations

import dataclasses

LISTS = ("missed", "open", "invented", "invented_open")


@dataclasses.dataclass
class Count:
    """How many things of one kind the tool has, and what we said of them. *missed* and *invented* are mistakes; *open*
    and *invented_open* are the same where we say that we could not tell all. With *strict*, what is said beyond what
    the tool has is a mistake there, too."""

    known: int = 0
    found: int = 0
    missed: list[str] = dataclasses.field(default_factory=list)
    open: list[str] = dataclasses.field(default_factory=list)
    invented: list[str] = dataclasses.field(default_factory=list)
    invented_open: list[str] = dataclasses.field(default_factory=list)
    strict: bool = False

    def add(
        self,
        known: set[str],
        said: set[str],
        *,
        complete: bool = True,
        where: str = "",
        beyond: set[str] | None = None,
        allowed: frozenset[str] = frozenset(),
    ) -> None:
        """Compare two sets of names, of the flow or project *where*; *complete*: we say that we could tell all of it.

        *beyond* is what is said beyond what is known, where that is not the difference of the two. What of it is
        *allowed*, or has ``{*}`` in it and so claims nothing, is no mistake.
        """
        head = f"{where}: " if where else ""
        self.known += len(known)
        self.found += len(known & said)
        (self.missed if complete else self.open).extend(head + name for name in sorted(known - said))
        extra = (said - known if beyond is None else beyond) - allowed
        invented = self.invented if complete or self.strict else self.invented_open
        invented.extend(head + name for name in sorted(extra) if "{*}" not in name)

    def figures(self) -> dict[str, int]:
        """The counts alone."""
        return {"known": self.known, "found": self.found, **{name: len(getattr(self, name)) for name in LISTS}}
