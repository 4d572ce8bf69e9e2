"""Parts of a graph: what hangs together with some files, what findings concern, and as much as can be looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from pytest_mlbreaks.graph.model import KINDS, Graph, Group, Link, LinkKind, Node, NodeKind, Reason
from pytest_mlbreaks.model import Place, Tier

FEWEST = 3
"""So many nodes at least are folded into one: fewer are no easier to read as one."""

MOST_REASONS = 20
"""Reasons that a folded link keeps; how many there are is told."""

PLURALS: dict[NodeKind, str] = {
    "start": "schedules",
    "step": "steps",
    "dataset": "datasets",
    "model": "models",
    "image": "images",
    "deployment": "deployments",
    "service": "services",
    "external": "external hosts",
    "code": "files of code",
    "file": "files",
    "folded": "things",
}


def connected(graph: Graph, paths: Collection[str]) -> Graph:
    """The part of *graph* that comes before or after what stands in the files or folders *paths* (or is run from them),
    and the groups of these things."""

    def within(path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in paths)

    def placed(reason: Reason) -> bool:
        return reason.place is not None and within(reason.place.path)

    chosen = {
        node.id
        for node in graph.nodes
        if (node.place is not None and within(node.place.path)) or any(map(within, node.files))
    }
    for link in graph.links:
        if any(map(placed, link.reasons)):
            chosen |= {link.source, link.target}
    forward: dict[str, list[str]] = defaultdict(list)
    back: dict[str, list[str]] = defaultdict(list)
    for link in graph.links:
        forward[link.source].append(link.target)
        back[link.target].append(link.source)
    kept = _closure(chosen, forward) | _closure(chosen, back)
    shown = _only(graph, kept)
    names = ", ".join(sorted(paths))
    note = f"only what comes before and after {names} is shown; {len(graph.nodes) - len(kept)} other things are not"
    return msgspec.structs.replace(shown, notes=(*graph.notes, note))


def concerning(graph: Graph) -> Graph:
    """What findings concern, and what is linked to it."""
    found = {node.id for node in graph.nodes if node.findings}
    for link in graph.links:
        if link.findings:
            found |= {link.source, link.target}
    kept = set(found)
    for link in graph.links:
        if link.source in found or link.target in found:
            kept |= {link.source, link.target}
    note = (
        f"only what findings concern and its neighbours is shown; {len(graph.nodes) - len(kept)} other things are not"
    )
    return msgspec.structs.replace(_only(graph, kept), notes=(*graph.notes, note))


def _closure(start: Iterable[str], following: Mapping[str, Sequence[str]]) -> set[str]:
    seen = set(start)
    stack = list(seen)
    while stack:
        for other in following.get(stack.pop(), ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def _only(graph: Graph, kept: Collection[str]) -> Graph:
    """The graph of the nodes *kept* alone, with the findings that concern them."""
    nodes = [node for node in graph.nodes if node.id in kept]
    links = [link for link in graph.links if link.source in kept and link.target in kept]
    told = sorted({number for node in nodes for number in node.findings} | {n for link in links for n in link.findings})
    new = {number: position for position, number in enumerate(told)}
    used = {node.group for node in nodes}

    def renumbered(findings: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(new[number] for number in findings)

    return msgspec.structs.replace(
        graph,
        nodes=tuple(msgspec.structs.replace(node, findings=renumbered(node.findings)) for node in nodes),
        links=tuple(msgspec.structs.replace(link, findings=renumbered(link.findings)) for link in links),
        groups=tuple(group for group in graph.groups if group.id in used),
        findings=tuple(graph.findings[number] for number in told),
    )


# ------------------------------------------------------------------------------------------------------- folding


def fold(graph: Graph, most: int) -> Graph:
    """*graph* with at most about *most* nodes: the largest crowds become one node each, which names its members.

    First go those of a group that no finding and no other group concerns (by folder of their files, then all of them),
    then leaves of one neighbour, then whole groups, then all of a kind, at last the groups of a tool. Nothing is
    dropped: each link leads to what its end was folded into.
    """
    before = len(graph.nodes)
    for crowds in (_folders, _quiet, _leaves, _whole, _kinds, _tools):
        if len(graph.nodes) <= most:
            break
        graph = _folded(graph, most, crowds)
    if len(graph.nodes) < before:
        standing = sum(bool(node.members) for node in graph.nodes)
        hidden = sum(len(node.members) for node in graph.nodes)
        note = f"{hidden} of {before} things are folded into {standing}, to show no more than {most}"
        graph = msgspec.structs.replace(graph, notes=(*graph.notes, note))
    return graph


Crowds = Callable[[Graph], Mapping[tuple[str, ...], Sequence[Node]]]


def _folded(graph: Graph, most: int, crowds: Crowds) -> Graph:
    """Fold the largest of *crowds*, until there are few enough nodes."""
    found = {key: nodes for key, nodes in crowds(graph).items() if len(nodes) >= FEWEST}
    left = len(graph.nodes)
    into: dict[str, str] = {}
    made: list[Node] = []
    for key, nodes in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        if left <= most:
            break
        node = _together(key, nodes)
        made.append(node)
        into |= {member.id: node.id for member in nodes}
        left -= len(nodes) - 1
    return _with(graph, made, into)


def _together(key: tuple[str, ...], nodes: Sequence[Node]) -> Node:
    """One node for several."""
    kinds = Counter(_kind_of(node) for node in nodes)
    count = sum(max(len(node.members), 1) for node in nodes)
    what = PLURALS[next(iter(kinds))] if len(kinds) == 1 else "things"
    tiers = {node.tier for node in nodes}
    tools = {node.tool for node in nodes}
    groups = {node.group for node in nodes}
    environments = sorted({node.environment for node in nodes if node.environment})
    where = f" in {key[2].rpartition('/')[2]}" if key[0] == "folder" and key[2] else ""
    return Node(
        id=f"folded:{'/'.join(key)}",
        kind="folded",
        label=f"{count} {what}{where}",
        tool=tools.pop() if len(tools) == 1 else "",
        tier=tiers.pop() if len(tiers) == 1 else Tier.UNKNOWN,
        environment=", ".join(environments[:3]) + (" …" if len(environments) > 3 else ""),
        place=nodes[0].place if len({node.place for node in nodes}) == 1 else None,
        group=groups.pop() if len(groups) == 1 else "",
        details=(("stands for", ", ".join(f"{n} × {KINDS[kind]}" for kind, n in kinds.most_common())),),
        findings=tuple(sorted({number for node in nodes for number in node.findings})),
        files=tuple(dict.fromkeys(path for node in nodes for path in node.files)),
        members=tuple(member for node in nodes for member in (node.members or ((node.label, node.place),))),
    )


def _kind_of(node: Node) -> NodeKind:
    return node.kind


def _with(graph: Graph, made: Sequence[Node], into: Mapping[str, str]) -> Graph:
    """The graph with *made* in the place of the nodes that went *into* them."""
    nodes = [node for node in graph.nodes if node.id not in into] + list(made)
    links: dict[tuple[str, str, LinkKind], Link] = {}
    for link in graph.links:
        source, target = into.get(link.source, link.source), into.get(link.target, link.target)
        if source == target:
            continue
        key = (source, target, link.kind)
        before = links.get(key)
        reasons = (*before.reasons, *link.reasons) if before is not None else link.reasons
        found = {*before.findings, *link.findings} if before is not None else set(link.findings)
        links[key] = Link(source=source, target=target, kind=link.kind, reasons=reasons, findings=tuple(sorted(found)))
    used = {node.group for node in nodes}
    return msgspec.structs.replace(
        graph,
        nodes=tuple(nodes),
        links=tuple(map(_short, links.values())),
        groups=tuple(group for group in graph.groups if group.id in used),
    )


def _short(link: Link) -> Link:
    more = len(link.reasons) - MOST_REASONS
    if more <= 0:
        return link
    return msgspec.structs.replace(link, reasons=(*link.reasons[:MOST_REASONS], Reason(f"and {more} more")))


def _folders(graph: Graph) -> Mapping[tuple[str, ...], Sequence[Node]]:
    """As `_quiet`, those alone whose files lie in one folder and are not one and the same file."""
    found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for nodes in _quiet(graph).values():
        for node in nodes:
            if node.place is not None:
                found["folder", node.group, node.place.path.rpartition("/")[0]].append(node)
    return {key: nodes for key, nodes in found.items() if len({n.place.path for n in nodes if n.place}) > 1}


def _quiet(graph: Graph) -> Mapping[tuple[str, ...], Sequence[Node]]:
    """Nodes of one group without a finding and without a link out of it."""
    group = {node.id: node.group for node in graph.nodes}
    loud = {node.id for node in graph.nodes if node.findings or not node.group or node.kind == "folded"}
    for link in graph.links:
        if link.findings or group[link.source] != group[link.target]:
            loud |= {link.source, link.target}
    found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if node.id not in loud:
            found["quiet", node.group].append(node)
    return found


def _leaves(graph: Graph) -> Mapping[tuple[str, ...], Sequence[Node]]:
    """Nodes of one kind and group whose only neighbour is the same, and is reached the same way."""
    ends: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for link in graph.links:
        ends[link.source].add((link.kind, "to", link.target))
        ends[link.target].add((link.kind, "from", link.source))
    found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if len(ends[node.id]) == 1 and not node.findings and node.kind != "folded":
            found["leaves", node.kind, node.group, *next(iter(ends[node.id]))].append(node)
    # two leaves that are each other's only neighbour can't both be folded away from each other
    taken = {key[-1] for key in found}
    return {key: [n for n in nodes if n.id not in taken] for key, nodes in found.items()}


def _whole(graph: Graph) -> Mapping[tuple[str, ...], Sequence[Node]]:
    """All of a group."""
    found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if node.group:
            found["group", node.group].append(node)
    return found


def _kinds(graph: Graph) -> Mapping[tuple[str, ...], Sequence[Node]]:
    """What is in no group, by kind and tool."""
    found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if not node.group:
            found["kind", node.kind, node.tool].append(node)
    return found


def _tools(graph: Graph) -> Mapping[tuple[str, ...], Sequence[Node]]:
    """All groups of a tool."""
    found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        found["tool", node.tool].append(node)
    return found


def group_label(group: Group) -> str:
    """How a group is headed."""
    return f"{group.tool}: {group.label}" if group.tool else group.label


def shown_place(place: Place | None) -> str:
    """A place as people write it, or ""."""
    return str(place) if place is not None else ""
