"""The formats that a graph is written in, and how many things each of them can bear."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from pytest_mlbreaks.graph import dot, mermaid, page, plain
from pytest_mlbreaks.graph.model import Graph
from pytest_mlbreaks.graph.narrow import fold


@dataclasses.dataclass(frozen=True)
class Format:
    """What writes a graph. *most* is how many nodes it shows unless told otherwise (None: all)."""

    write: Callable[[Graph], str]
    most: int | None


FORMATS: Mapping[str, Format] = {
    "html": Format(page.write, page.MOST_NODES),
    "mermaid": Format(mermaid.write, mermaid.MOST_NODES),
    "dot": Format(dot.write, dot.MOST_NODES),
    "json": Format(plain.write, None),
}


def write(graph: Graph, name: str, most: int | None = None) -> str:
    """*graph* in the format *name*, with at most about *most* things (None: as many as the format bears).

    A chart of Mermaid that GitHub would not draw is folded further.
    """
    chosen = FORMATS[name]
    limit = most or chosen.most
    if limit is None:
        return chosen.write(graph)
    text = chosen.write(fold(graph, limit))
    while name == "mermaid" and most is None and limit > 10 and mermaid.is_too_much(text):
        limit = limit * 3 // 4
        text = chosen.write(fold(graph, limit))
    return text
