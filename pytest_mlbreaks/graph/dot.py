"""The graph in the language of Graphviz (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections import defaultdict

from pytest_mlbreaks.graph.model import KINDS, LINKS, Graph, LinkKind, Node, NodeKind, tier_word
from pytest_mlbreaks.graph.narrow import group_label
from pytest_mlbreaks.model import Tier

MOST_NODES = 1000
"""Nodes that are written; more are folded."""

_SHAPES: dict[NodeKind, str] = {
    "start": "cds",
    "step": "box",
    "dataset": "cylinder",
    "model": "hexagon",
    "image": "box3d",
    "deployment": "component",
    "service": "ellipse",
    "external": "house",
    "code": "note",
    "file": "note",
    "folded": "folder",
}
_STYLES: dict[LinkKind, str] = {
    "uses": "dotted",
    "related": "dotted",
    "told": "dotted",
    "waits": "dashed",
    "disagrees": "dashed",
    "reads": "bold",
    "writes": "bold",
    "loads": "bold",
    "saves": "bold",
}
_TIERS = {
    Tier.PROD: 'style="filled,bold", fillcolor="#dcefe2", color="#17663a"',
    Tier.NONPROD: 'style="filled,dashed", fillcolor="#e3e9fb", color="#3a52a8"',
    Tier.UNKNOWN: 'style="filled", fillcolor="#f1f1f1", color="#6b6b6b"',
}


def write(graph: Graph) -> str:
    """The graph as the text of one digraph."""
    ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    by_group: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        by_group[node.group].append(node)
    lines = [
        f"digraph {_quoted(graph.title)} {{",
        '  graph [rankdir=LR, newrank=true, fontname="Helvetica"];',
        '  node [fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=9];',
    ]
    if graph.notes:
        lines.append(f"  label={_quoted('; '.join(graph.notes))};")
    for number, group in enumerate(graph.groups):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(group_label(group))};"]
        lines.extend(f"    {_node(ids[node.id], node)}" for node in by_group[group.id])
        lines.append("  }")
    lines.extend(f"  {_node(ids[node.id], node)}" for node in by_group[""])
    for link in graph.links:
        label = LINKS[link.kind]
        style = f"style={_STYLES.get(link.kind, 'solid')}"
        if link.findings:
            label = f"{_findings(len(link.findings))}: {label}"
            style += ', color="#b3261e", fontcolor="#b3261e", penwidth=2'
        tip = "; ".join(reason.note for reason in link.reasons[:5])
        lines.append(
            f"  {ids[link.source]} -> {ids[link.target]} [label={_quoted(label)}, {style}, edgetooltip={_quoted(tip)}];"
        )
    return "\n".join([*lines, "}"]) + "\n"


def _node(identifier: str, node: Node) -> str:
    told = [node.label, ", ".join(filter(None, (KINDS[node.kind], node.tool)))]
    if node.tier is not Tier.UNKNOWN:
        told.append(tier_word(node.tier))
    if node.findings:
        told.append(_findings(len(node.findings)))
    tip = str(node.place) if node.place is not None else node.label
    label = "\\n".join(_inner(line) for line in told)
    return f'{identifier} [label="{label}", shape={_SHAPES[node.kind]}, {_TIERS[node.tier]}, tooltip={_quoted(tip)}];'


def _findings(count: int) -> str:
    return f"! {count} {'finding' if count == 1 else 'findings'}"


def _quoted(text: str) -> str:
    return f'"{_inner(text)}"'


def _inner(text: str) -> str:
    """*text* as it stands inside of quotes. Graphviz reads entities of HTML in labels, so an ampersand is one
    itself."""
    shown = "".join(char if char.isprintable() else "�" for char in text)
    return shown.replace("&", "&amp;").replace("\\", "&#92;").replace('"', '\\"')
