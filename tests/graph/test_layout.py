"""Where things stand: inside of their frames, not on top of each other, in the direction of the links."""

from __future__ import annotations

import itertools
import random

from pytest_mlbreaks.graph.layout import Box, lay_out
from pytest_mlbreaks.graph.model import Graph, Group, Link, Node


def made(seed: int, count: int, groups: int, links: int) -> Graph:
    """A graph of that many things, some of them in no group, with links at random (circles among them)."""
    chance = random.Random(seed)
    names = ["", *(f"g{n}" for n in range(groups))]
    nodes = [
        Node(id=f"n{n}", kind="step", label="x" * chance.randrange(1, 40), group=chance.choice(names))
        for n in range(count)
    ]
    used = {node.group for node in nodes}
    pairs = {(f"n{chance.randrange(count)}", f"n{chance.randrange(count)}") for _ in range(links)}
    return Graph(
        title="t",
        nodes=tuple(nodes),
        links=tuple(Link(source=a, target=b, kind="order") for a, b in sorted(pairs) if a != b),
        groups=tuple(Group(id=name, label=name * 20, tool="airflow") for name in names if name in used and name),
    )


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share a point of their insides."""
    return (
        one.x < other.x + other.width - 0.01
        and other.x < one.x + one.width - 0.01
        and one.y < other.y + other.height - 0.01
        and other.y < one.y + one.height - 0.01
    )


def test_nothing_lies_on_top_of_something_else() -> None:
    """Neither things nor frames, whatever the links; and all of it is inside of the drawing."""
    for seed, (count, groups, links) in enumerate(
        [(1, 1, 0), (30, 3, 60), (120, 12, 200), (300, 40, 150), (60, 0, 90)]
    ):
        graph = made(seed, count, groups, links)
        layout = lay_out(graph)
        assert set(layout.nodes) == {node.id for node in graph.nodes}
        assert not any(overlap(*pair) for pair in itertools.combinations(layout.nodes.values(), 2))
        free = [layout.nodes[node.id] for node in graph.nodes if not node.group]
        assert not any(overlap(*pair) for pair in itertools.combinations([*layout.groups.values(), *free], 2))
        assert all(
            box.x >= 0
            and box.y >= 0
            and box.x + box.width <= layout.width + 0.01
            and box.y + box.height <= layout.height + 0.01
            for box in (*layout.nodes.values(), *layout.groups.values())
        )


def test_a_thing_stands_in_its_frame() -> None:
    """Below the heading."""
    graph = made(7, 80, 6, 100)
    layout = lay_out(graph)
    for node in graph.nodes:
        if node.group:
            frame, box = layout.groups[node.group], layout.nodes[node.id]
            assert frame.x < box.x
            assert box.x + box.width < frame.x + frame.width
            assert frame.y + 20 < box.y
            assert box.y + box.height < frame.y + frame.height


def chain(length: int, group: str) -> Graph:
    """Steps one after the other."""
    nodes = tuple(Node(id=f"n{n}", kind="step", label=f"n{n}", group=group) for n in range(length))
    links = tuple(Link(source=f"n{n}", target=f"n{n + 1}", kind="order") for n in range(length - 1))
    groups = (Group(id=group, label=group, tool="airflow"),) if group else ()
    return Graph(title="t", nodes=nodes, links=links, groups=groups)


def test_a_pipeline_runs_to_the_right_and_what_is_between_pipelines_downwards() -> None:
    """So that long pipelines stand below each other."""
    inside = lay_out(chain(5, "g")).nodes
    assert [inside[f"n{n}"].x for n in range(5)] == sorted(box.x for box in inside.values())
    outside = lay_out(chain(5, "")).nodes
    assert [outside[f"n{n}"].y for n in range(5)] == sorted(box.y for box in outside.values())


def test_a_long_chain_needs_no_deep_recursion() -> None:
    """Thousands of steps one after the other are laid out like few."""
    assert len(lay_out(chain(5000, "g")).nodes) == 5000


def test_an_empty_graph_has_no_size() -> None:
    """And is no error."""
    layout = lay_out(Graph(title="t", nodes=(), links=(), groups=()))
    assert (layout.width, layout.height) == (0, 0)
