"""The graph as Mermaid: a flowchart that GitHub, GitLab and many wikis draw.

Its rules: https://mermaid.js.org/syntax/flowchart.html (entity codes stand for all that has a meaning there).
"""

from __future__ import annotations

from collections import defaultdict

from pytest_mlbreaks.graph.model import KINDS, LINKS, Graph, LinkKind, Node, NodeKind
from pytest_mlbreaks.graph.narrow import group_label
from pytest_mlbreaks.model import Tier

MOST_NODES = 150
"""Nodes that are drawn; more are folded. GitHub draws no chart of more than 500 links or 50,000 characters."""

MOST_LINKS = 480
MOST_CHARACTERS = 48_000

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._/:,()=+*@-")
_SHAPES: dict[NodeKind, tuple[str, str]] = {
    "start": ("([", "])"),
    "step": ("(", ")"),
    "dataset": ("[(", ")]"),
    "model": ("{{", "}}"),
    "image": ("[[", "]]"),
    "deployment": ("[", "]"),
    "service": ("((", "))"),
    "external": (">", "]"),
    "code": ("[/", "/]"),
    "file": ("[/", "/]"),
    "folded": ("[[", "]]"),
}
_ARROWS: dict[LinkKind, str] = {
    "uses": "-.->",
    "related": "-.->",
    "told": "-.->",
    "waits": "-.->",
    "disagrees": "-.->",
    "reads": "==>",
    "writes": "==>",
    "loads": "==>",
    "saves": "==>",
}
_CLASSES = {
    Tier.PROD: "fill:#dcefe2,stroke:#17663a,stroke-width:3px,color:#10231a",
    Tier.NONPROD: "fill:#e3e9fb,stroke:#3a52a8,stroke-dasharray:5 3,color:#141d3a",
    Tier.UNKNOWN: "fill:#f1f1f1,stroke:#6b6b6b,color:#1f1f1f",
}
_MARKS = {Tier.PROD: "production", Tier.NONPROD: "not production", Tier.UNKNOWN: ""}


def write(graph: Graph) -> str:
    """The graph as the text of one flowchart."""
    ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    by_group: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        by_group[node.group].append(node)
    lines = ["flowchart LR", *(f"  %% {_comment(note)}" for note in graph.notes)]
    for number, group in enumerate(graph.groups):
        lines.append(f'  subgraph g{number}["{_escaped(group_label(group))}"]')
        lines.extend(f"    {_node(ids[node.id], node)}" for node in by_group[group.id])
        lines.append("  end")
    lines.extend(f"  {_node(ids[node.id], node)}" for node in by_group[""])
    for link in graph.links:
        label = LINKS[link.kind]
        if link.findings:
            label = f"⚠ {_findings(len(link.findings))}: {label}"
        lines.append(f'  {ids[link.source]} {_ARROWS.get(link.kind, "-->")}|"{_escaped(label)}"| {ids[link.target]}')
    for tier, style in _CLASSES.items():
        lines.append(f"  classDef {tier.value} {style}")
        members = [ids[node.id] for node in graph.nodes if node.tier is tier]
        lines.extend(f"  class {','.join(members[i : i + 50])} {tier.value}" for i in range(0, len(members), 50))
    marked = [str(number) for number, link in enumerate(graph.links) if link.findings]
    if marked:
        lines.append(f"  linkStyle {','.join(marked)} stroke:#b3261e,stroke-width:3px")
    return "\n".join(lines) + "\n"


def _node(identifier: str, node: Node) -> str:
    left, right = _SHAPES[node.kind]
    told = [
        _escaped(node.label),
        "<br/>",
        _escaped(", ".join(filter(None, (KINDS[node.kind], node.tool, _MARKS[node.tier])))),
    ]
    if node.findings:
        told.append(f"<br/>{_escaped(f'⚠ {_findings(len(node.findings))}')}")
    return f'{identifier}{left}"{"".join(told)}"{right}'


def _findings(count: int) -> str:
    return f"{count} {'finding' if count == 1 else 'findings'}"


def _escaped(text: str) -> str:
    """*text* with an entity code for each character that is not plain."""
    return "".join(char if char in _PLAIN else f"#{ord(char)};" for char in text)


def _comment(text: str) -> str:
    """*text* as a comment: braces would be taken for a directive."""
    return "".join(char if char in _PLAIN or char in ";'" else "?" for char in text)


def is_too_much(chart: str) -> bool:
    """Whether GitHub would not draw the chart, for its length or its links."""
    links = sum('"| n' in line for line in chart.splitlines())
    return links > MOST_LINKS or len(chart) > MOST_CHARACTERS
