"""Graphs that the tests of the formats share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.graph.model import KINDS, LINKS, Graph, GraphFinding, Group, Link, Node, Reason
from pytest_mlbreaks.model import Place, Tier

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    'end "] --> x; click n0 href "javascript:alert(1)"',
    "%%{init: {'theme': 'x'}}%% `md` {{ jinja }} {% raw %}",
    '\\n \\l \\" \\N \\G & &amp; <b>',
    "subgraph",
    "&#60;script&#62; -- <!-- -->",
    "日本語 ü \U0001f600 \udcff",
    "</title></style><svg onload=alert(1)>",
)
"""Text that a repository may hold, and that must stay text."""


@pytest.fixture(scope="session")
def hostile() -> Graph:
    """A graph of every kind of thing and link, all of its text hostile."""
    kinds, links = list(KINDS), list(LINKS)
    tiers = list(Tier)
    count = 2 * len(kinds)

    def text(number: int) -> str:
        return HOSTILE[number % len(HOSTILE)]

    nodes = tuple(
        Node(
            id=f"{n} {text(n)}",
            kind=kinds[n % len(kinds)],
            label=text(n),
            tool=text(n + 1),
            tier=tiers[n % 3],
            environment=text(n + 2),
            reason=text(n + 3),
            place=Place(text(n), n + 1, 2) if n % 2 else None,
            group=("", "g0", "g1")[n % 3],
            details=((text(n), text(n + 1)),),
            findings=(n % 2,) if n % 5 == 0 else (),
            files=(text(n),),
            members=((text(n), Place(text(n), 1)), (text(n + 1), None)) if n % 4 == 0 else (),
        )
        for n in range(count)
    )
    return Graph(
        title=text(0),
        nodes=nodes,
        links=tuple(
            Link(
                source=nodes[n % count].id,
                target=nodes[(n * 7 + 1) % count].id,
                kind=links[n % len(links)],
                reasons=(Reason(text(n), Place(text(n), 1) if n % 2 else None),),
                findings=(0,) if n % 6 == 0 else (),
            )
            for n in range(2 * len(links))
            if n % count != (n * 7 + 1) % count
        ),
        groups=tuple(
            Group(id=f"g{n}", label=text(n), tool=text(n + 1), place=Place(text(n)), incomplete=text(n) if n else "")
            for n in range(2)
        ),
        findings=tuple(
            GraphFinding(
                check=text(n),
                category="push-order",
                level=(Severity.HIGH, Severity.MEDIUM)[n],
                place=Place(text(n), 1),
                message=text(n + 4),
                because=(Reason(text(n), Place(text(n), 2)),),
                fingerprint="0123",
            )
            for n in range(2)
        ),
        notes=HOSTILE,
    )


def steps(count: int) -> Graph:
    """A graph of that many steps, ten to a pipeline, one after the other."""
    nodes = tuple(Node(id=f"n{n}", kind="step", label=f"step {n}", group=f"g{n // 10}") for n in range(count))
    links = tuple(Link(source=f"n{n}", target=f"n{n + 1}", kind="order") for n in range(count - 1) if n % 10 != 9)
    groups = tuple(Group(id=f"g{n}", label=f"pipeline {n}", tool="airflow") for n in range((count + 9) // 10))
    return Graph(title="t", nodes=nodes, links=links, groups=groups)


@pytest.fixture
def many() -> Callable[[int], Graph]:
    """Makes a graph of that many steps, ten to a pipeline, one after the other."""
    return steps


@pytest.fixture(params=["empty", "one", "some", "hostile"])
def graph(request: pytest.FixtureRequest, hostile: Graph) -> Graph:
    """Graphs of several sizes, and the hostile one."""
    empty = Graph(title="t", nodes=(), links=(), groups=())
    return {"empty": empty, "one": steps(1), "some": steps(25), "hostile": hostile}[request.param]
