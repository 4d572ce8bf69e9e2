"""Where things stand: a group's nodes from left to right, as the links lead, and the groups from top to bottom.

Each group is laid out by itself: a node stands right of all that lead to it (longest path, links that close a circle do
not count), and the order in a layer is that of the middle of its neighbours (barycentre, some sweeps). Then groups and
the nodes of no group are laid out the same way, as boxes, downwards: pipelines are wide and low. What does not hang
together is put beside and below each other.
"""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pytest_mlbreaks.graph.model import KINDS, Graph, Node

HEIGHT = 46.0
"""Of a node, in pixels."""

NARROWEST, WIDEST = 132.0, 250.0
LEFT, RIGHT = 40.0, 16.0
"""Room beside a node's label."""

GAP_X, GAP_Y = 56.0, 16.0
"""Between the layers of a group, and the nodes of a layer."""

BOX_GAP_X, BOX_GAP_Y = 34.0, 64.0
"""The same between groups, of a layer and between layers."""

HEAD, PAD = 34.0, 14.0
"""A group's heading, and the room around what is in it."""

TALLEST = 5
"""Nodes of one layer that stand in one column at least, before they make a second one."""

NARROWEST_ROW = 1100.0
"""A row of boxes that is no wider is not broken into two."""

SWEEPS = 4

Link = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Box:
        """The same box, further to the right and down."""
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Boxes of nodes and of groups by id, and the size of it all."""

    nodes: Mapping[str, Box]
    groups: Mapping[str, Box]
    width: float
    height: float


def lay_out(graph: Graph) -> Layout:
    """Boxes for all of *graph*. The same graph always gives the same."""
    by_group: dict[str, list[Node]] = defaultdict(list)
    group = {node.id: node.group for node in graph.nodes}
    for node in graph.nodes:
        by_group[node.group].append(node)
    inner: dict[str, list[Link]] = defaultdict(list)
    outer: list[Link] = []
    for link in graph.links:
        mine, theirs = group[link.source], group[link.target]
        if mine and mine == theirs:
            inner[mine].append((link.source, link.target))
        else:
            outer.append((mine or link.source, theirs or link.target))
    sizes: dict[str, tuple[float, float]] = {}
    within: dict[str, dict[str, Box]] = {}
    for one in graph.groups:
        members = by_group[one.id]
        tallest = max(TALLEST, math.ceil(math.sqrt(len(members) * 1.5))) * (HEIGHT + GAP_Y)
        boxes = _layered({n.id: (_width(n), HEIGHT) for n in members}, inner[one.id], GAP_X, GAP_Y, tallest)
        within[one.id] = {name: box.moved(PAD, HEAD) for name, box in boxes.items()}
        width = max((box.x + box.width for box in boxes.values()), default=0.0)
        height = max((box.y + box.height for box in boxes.values()), default=0.0)
        heading = min(text_width(f"{one.tool}: {one.label}") * 0.95 + 12, 420.0)
        sizes[one.id] = (max(width, heading) + 2 * PAD, height + HEAD + PAD)
    for node in by_group[""]:
        sizes[node.id] = (_width(node), HEIGHT)
    placed = _packed(sizes, outer)
    nodes: dict[str, Box] = {}
    for one in graph.groups:
        corner = placed[one.id]
        nodes |= {name: box.moved(corner.x, corner.y) for name, box in within[one.id].items()}
    nodes |= {node.id: placed[node.id] for node in by_group[""]}
    groups = {one.id: placed[one.id] for one in graph.groups}
    return Layout(
        nodes,
        groups,
        max((box.x + box.width for box in placed.values()), default=0.0),
        max((box.y + box.height for box in placed.values()), default=0.0),
    )


def text_width(text: str) -> float:
    """About how wide *text* is, in pixels, at 13 pixels of a sans-serif font."""
    return sum(13.0 if unicodedata.east_asian_width(c) in "WF" else _NARROW.get(c, 7.7) for c in text)


_NARROW = {**dict.fromkeys("iljtfr.,:;'|!()[]/ -", 5.0), **dict.fromkeys("mwMW@%", 11.6)}


def _width(node: Node) -> float:
    badge = 26.0 if node.findings else 0.0
    caption = text_width(f"{KINDS[node.kind]} · {node.tool}") * 0.8
    return min(max(text_width(node.label) + badge, caption, NARROWEST - LEFT - RIGHT) + LEFT + RIGHT, WIDEST)


# ------------------------------------------------------------------------------------------------------- layers


def _layered(
    sizes: Mapping[str, tuple[float, float]], links: Sequence[Link], gap_x: float, gap_y: float, tallest: float
) -> dict[str, Box]:
    """Boxes in layers. A layer higher than *tallest* is broken into several columns."""
    ranks = _ranks(list(sizes), links)
    layers: dict[int, list[str]] = defaultdict(list)
    for name in sizes:
        layers[ranks[name]].append(name)
    ordered = _ordered([layers[rank] for rank in sorted(layers)], links)
    columns = [column for layer in ordered for column in _columns(layer, sizes, gap_y, tallest)]
    heights = [sum(sizes[name][1] for name in column) + gap_y * (len(column) - 1) for column in columns]
    middle = max(heights, default=0.0) / 2
    boxes: dict[str, Box] = {}
    x = 0.0
    for column, height in zip(columns, heights, strict=True):
        y = middle - height / 2
        widest = max(sizes[name][0] for name in column)
        for name in column:
            width, own = sizes[name]
            boxes[name] = Box(x, y, width, own)
            y += own + gap_y
        x += widest + gap_x
    return boxes


def _downwards(sizes: Mapping[str, tuple[float, float]], links: Sequence[Link], widest: float) -> dict[str, Box]:
    """Boxes in layers from top to bottom: the same, turned over. A layer wider than *widest* is broken into several
    rows."""
    turned = {name: (height, width) for name, (width, height) in sizes.items()}
    boxes = _layered(turned, links, BOX_GAP_Y, BOX_GAP_X, widest)
    return {name: Box(box.y, box.x, box.height, box.width) for name, box in boxes.items()}


def _columns(
    layer: Sequence[str], sizes: Mapping[str, tuple[float, float]], gap: float, tallest: float
) -> list[list[str]]:
    """The layer in as many columns as keep it below *tallest*, of about the same height."""
    total = sum(sizes[name][1] + gap for name in layer)
    wanted = total / max(1, math.ceil(total / tallest))
    columns: list[list[str]] = [[]]
    height = 0.0
    for name in layer:
        own = sizes[name][1] + gap
        if columns[-1] and height + own / 2 > wanted:
            columns.append([])
            height = 0.0
        columns[-1].append(name)
        height += own
    return columns


def _ranks(names: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """The layer of each: one further than all that lead to it; a link that would close a circle does not count."""
    known = set(names)
    following: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys(links):
        if source in known and target in known and source != target:
            following[source].append(target)
    finished: list[str] = []
    state: dict[str, int] = {}  # 1: on the way, 2: done
    kept: dict[str, list[str]] = defaultdict(list)
    led = {target for targets in following.values() for target in targets}
    for start in sorted(names, key=lambda name: name in led):  # stable: those that nothing leads to go first
        if start in state:
            continue
        stack = [(start, iter(following[start]))]
        state[start] = 1
        while stack:
            name, rest = stack[-1]
            for target in rest:
                if state.get(target) == 1:
                    continue
                kept[name].append(target)
                if target not in state:
                    state[target] = 1
                    stack.append((target, iter(following[target])))
                    break
            else:
                state[name] = 2
                finished.append(name)
                stack.pop()
    ranks = dict.fromkeys(names, 0)
    for name in reversed(finished):
        for target in kept[name]:
            ranks[target] = max(ranks[target], ranks[name] + 1)
    for name in finished:  # what only leads somewhere stands right before it
        if name not in led and kept[name]:
            ranks[name] = min(ranks[target] for target in kept[name]) - 1
    return ranks


def _ordered(layers: list[list[str]], links: Sequence[Link]) -> list[list[str]]:
    """The layers with each node near its neighbours."""
    near: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        near[source].append(target)
        near[target].append(source)
    at: dict[str, float] = {}
    for layer in layers:
        _spread(layer, at)
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            middles = {name: _middle(name, near[name], at) for name in layer}
            layer.sort(key=lambda name: middles[name])
            _spread(layer, at)
    return layers


def _spread(layer: Sequence[str], at: dict[str, float]) -> None:
    for position, name in enumerate(layer):
        at[name] = (position + 0.5) / len(layer)


def _middle(name: str, near: Iterable[str], at: Mapping[str, float]) -> float:
    found = [at[other] for other in near if other in at]
    return sum(found) / len(found) if found else at[name]


# ------------------------------------------------------------------------------------------------------- packing


def _packed(sizes: Mapping[str, tuple[float, float]], links: Sequence[Link]) -> dict[str, Box]:
    """Boxes of all; each part that hangs together in layers of its own, the parts in rows, the largest first."""
    parts: list[tuple[float, float, dict[str, Box]]] = []
    for names in _parts(list(sizes), links):
        own = set(names)
        area = sum((sizes[name][0] + BOX_GAP_X) * (sizes[name][1] + BOX_GAP_Y) for name in names)
        widest = max(math.sqrt(area * 1.6), NARROWEST_ROW)
        boxes = _downwards({name: sizes[name] for name in names}, [link for link in links if link[0] in own], widest)
        width = max(box.x + box.width for box in boxes.values())
        height = max(box.y + box.height for box in boxes.values())
        parts.append((width, height, boxes))
    parts.sort(key=lambda part: (-part[1], -part[0]))
    area = sum((width + BOX_GAP_X) * (height + BOX_GAP_Y) for width, height, _ in parts)
    row_width = max([math.sqrt(area * 1.7), *(width for width, _, _ in parts)])
    return _rows(parts, row_width)


def _rows(parts: Sequence[tuple[float, float, dict[str, Box]]], row_width: float) -> dict[str, Box]:
    """The parts in rows of that width; low ones stand on top of each other below the height of their row."""
    placed: dict[str, Box] = {}
    x = y = row_height = 0.0
    column_y = column_width = 0.0
    for width, height, boxes in parts:
        if row_height and column_y + height <= row_height and width <= max(column_width, 1.0) * 1.35:
            corner = (x, y + column_y)
            column_width = max(column_width, width)
        else:
            x += column_width + BOX_GAP_X / 2 if column_width else 0.0
            if x and x + width > row_width:
                x, y = 0.0, y + row_height + BOX_GAP_Y
                row_height = 0.0
            row_height = max(row_height, height)
            corner = (x, y)
            column_y, column_width = 0.0, width
        column_y += height + BOX_GAP_Y
        placed |= {name: box.moved(*corner) for name, box in boxes.items()}
    return placed


def _parts(names: Sequence[str], links: Sequence[Link]) -> list[list[str]]:
    """The names by what hangs together, in their order."""
    parent = {name: name for name in names}

    def top(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for source, target in links:
        parent[top(source)] = top(target)
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[top(name)].append(name)
    return list(found.values())
