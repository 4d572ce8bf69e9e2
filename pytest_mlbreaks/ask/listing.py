"""What was read, as a list: facts by kind and place."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from pytest_mlbreaks.display import clean
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.secrets import redact_url


class KindError(Exception):
    """No kind of fact has that name; the text says which is near."""


def chosen(names: Iterable[str], types: Sequence[type[Fact]]) -> frozenset[type[Fact]]:
    """The types of facts that are called so, whatever the case (none: all). Raises KindError."""
    by_name = {kind.__name__.lower(): kind for kind in types}
    found = set()
    for name in names:
        kind = by_name.get(name.strip().lower())
        if kind is None:
            near = difflib.get_close_matches(name.lower(), list(by_name), n=1, cutoff=0.5)
            hint = f"did you mean {by_name[near[0]].__name__}?" if near else "see `mlbreaks facts`"
            raise KindError(f"no facts of kind {clean(name, 80)!r}; {hint}")
        found.add(kind)
    return frozenset(found or types)


def table(facts: Sequence[Fact]) -> str:
    """A line for each fact, in reading order: place, kind, identity; and how many there are of each kind."""
    rows = [(str(fact.place), type(fact).__name__, clean(redact_url(fact.identity), 200)) for fact in facts]
    first = min(max((len(place) for place, _, _ in rows), default=0), 60)
    second = max((len(kind) for _, kind, _ in rows), default=0)
    lines = [f"{clean(place, 300):<{first}}  {kind:<{second}}  {what}".rstrip() for place, kind, what in rows]
    counts = Counter(kind for _, kind, _ in rows).most_common()
    told = ", ".join(f"{kind} {count:,}" for kind, count in counts)
    lines += ["", f"{len(rows):,} facts: {told}" if rows else "no facts"]
    return "\n".join(lines) + "\n"
