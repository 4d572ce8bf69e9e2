"""Parts of a graph: what is shown of it, and that nothing is lost without a word."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.graph.model import Graph, GraphFinding, Group, Link, Node, Reason
from pytest_mlbreaks.graph.narrow import concerning, connected, fold
from pytest_mlbreaks.model import Place


def node(name: str, group: str = "", findings: tuple[int, ...] = (), path: str = "") -> Node:
    """A step."""
    place = Place(path or f"{name}.py", 1)
    return Node(id=name, kind="step", label=name, group=group, place=place, findings=findings)


def link(source: str, target: str, findings: tuple[int, ...] = ()) -> Link:
    """An order."""
    reason = Reason("declared order", Place("order.py", 3))
    return Link(source=source, target=target, kind="order", reasons=(reason,), findings=findings)


def finding(name: str) -> GraphFinding:
    """A finding of that check."""
    return GraphFinding(
        check=name, category="push-order", level=Severity.HIGH, place=Place("a.py", 1), message="It breaks."
    )


def graph(nodes: list[Node], links: list[Link], findings: tuple[GraphFinding, ...] = ()) -> Graph:
    """A graph of them, with the groups that they name."""
    names = dict.fromkeys(n.group for n in nodes if n.group)
    groups = tuple(Group(id=name, label=name, tool="airflow") for name in names)
    return Graph(title="t", nodes=tuple(nodes), links=tuple(links), groups=groups, findings=findings)


def ids(part: Graph) -> set[str]:
    """The ids of its nodes."""
    return {one.id for one in part.nodes}


def crowd(pipelines: int, steps: int) -> Graph:
    """Pipelines of steps in a row, tied to each other by their first steps."""
    nodes = [node(f"{p}.{s}", f"g{p}", path=f"dags/{p}.py") for p in range(pipelines) for s in range(steps)]
    links = [link(f"{p}.{s}", f"{p}.{s + 1}") for p in range(pipelines) for s in range(steps - 1)]
    links += [link(f"{p}.0", f"{p + 1}.0") for p in range(pipelines - 1)]
    return graph(nodes, links)


def test_paths_show_what_comes_before_and_after() -> None:
    """And neither what only shares a predecessor nor what stands alone; how much is not shown is told."""
    whole = graph(
        [node(name) for name in ("a", "b", "c", "side", "alone")], [link("a", "b"), link("b", "c"), link("a", "side")]
    )
    part = connected(whole, ["b.py"])
    assert ids(part) == {"a", "b", "c"}
    assert part.notes == ("only what comes before and after b.py is shown; 2 other things are not",)


def test_paths_also_mean_the_files_that_a_thing_runs() -> None:
    """A step belongs to its script, too; a folder means all that is in it."""
    runner = Node(id="r", kind="step", label="r", place=Place("dags/d.py", 1), files=("jobs/fit.py",))
    whole = graph([runner, node("other")], [])
    assert ids(connected(whole, ["jobs"])) == {"r"}
    assert ids(connected(whole, ["job"])) == set()


def test_findings_only_shows_their_things_and_neighbours() -> None:
    """A finding on a line concerns both of its ends; the findings keep belonging to the same things."""
    findings = (finding("one"), finding("two"))
    nodes = [node("a"), node("b", findings=(1,)), node("c"), node("d"), node("e", findings=()), node("f")]
    whole = graph(nodes, [link("a", "b"), link("c", "d"), link("d", "e", (0,))], findings)
    part = concerning(whole)
    assert ids(part) == {"a", "b", "c", "d", "e"}
    (told,) = [n for n in part.nodes if n.id == "b"]
    assert [part.findings[n].check for n in told.findings] == ["two"]


def test_a_finding_that_is_cut_off_is_not_listed() -> None:
    """The list of a part has the findings of the part, and positions lead into it."""
    whole = graph([node("a", findings=(0,)), node("b", findings=(1,))], [], (finding("one"), finding("two")))
    part = connected(whole, ["b.py"])
    assert [f.check for f in part.findings] == ["two"]
    assert part.nodes[0].findings == (0,)


def test_a_small_graph_is_not_folded() -> None:
    """What fits stays as it is."""
    whole = crowd(3, 5)
    assert fold(whole, 15) == whole


@pytest.mark.parametrize("most", [400, 150, 20, 5])
@pytest.mark.parametrize(("pipelines", "steps"), [(3, 1000), (300, 10), (1500, 2), (3000, 1)])
def test_thousands_are_folded_and_none_is_dropped(pipelines: int, steps: int, most: int) -> None:
    """Whatever their shape: no more are shown than asked for, each is a node or a member of one, and it is said."""
    whole = crowd(pipelines, steps)
    small = fold(whole, most)
    assert len(small.nodes) <= most
    assert sum(max(len(one.members), 1) for one in small.nodes) == pipelines * steps
    assert small.notes[-1].endswith(f"to show no more than {most}")
    known = ids(small)
    assert all(one.source in known and one.target in known for one in small.links)


def test_three_thousand_things_of_no_group_are_folded() -> None:
    """Tables without a pipeline, each with a reader of its own."""
    nodes = [Node(id=f"t{n}", kind="dataset", label=f"t{n}") for n in range(1500)]
    nodes += [Node(id=f"c{n}", kind="code", label=f"c{n}.py") for n in range(1500)]
    whole = graph(nodes, [link(f"t{n}", f"c{n}") for n in range(1500)])
    small = fold(whole, 400)
    assert len(small.nodes) <= 400
    assert sum(max(len(one.members), 1) for one in small.nodes) == 3000


def test_what_findings_concern_is_folded_last() -> None:
    """Things with findings and their lines stay while crowds without any can go."""
    nodes = [node(f"s{n}", "g", findings=(0,) if n == 50 else ()) for n in range(100)]
    whole = graph(nodes, [link(f"s{n}", f"s{n + 1}") for n in range(99)], (finding("one"),))
    small = fold(whole, 40)
    assert "s50" in ids(small)


def test_a_folded_thing_keeps_the_findings_of_its_members() -> None:
    """Where they had to go, too, nothing of them is lost."""
    nodes = [node(f"s{n}", "g", findings=(n,)) for n in range(10)]
    whole = graph(nodes, [], tuple(finding(f"f{n}") for n in range(10)))
    small = fold(whole, 2)
    assert sorted(number for one in small.nodes for number in one.findings) == list(range(10))


def test_lines_of_a_folded_crowd_become_one_with_all_reasons() -> None:
    """Up to a number that anybody reads; the rest is counted."""
    nodes = [node("hub"), *(node(f"s{n}", "g") for n in range(50))]
    whole = graph(nodes, [link("hub", f"s{n}") for n in range(50)])
    small = fold(whole, 2)
    (one,) = small.links
    assert one.reasons[-1].note == "and 30 more"
