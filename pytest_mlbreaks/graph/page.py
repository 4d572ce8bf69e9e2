"""The graph as one page of HTML: nothing is fetched, and nothing of the repository is ever taken for markup or code.

All text goes through an autoescaping template or, as JSON, through ``textContent``. A Content-Security-Policy lets the
browser run this page's own script and style alone, by their hashes, and go nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_mlbreaks import __version__
from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.graph.layout import LEFT, RIGHT, Box, Layout, lay_out, text_width
from pytest_mlbreaks.graph.model import KINDS, LINKS, Graph, Link, LinkKind, Node, NodeKind, Reason, tier_word
from pytest_mlbreaks.graph.narrow import group_label, shown_place
from pytest_mlbreaks.model import Tier

MOST_NODES = 400
"""Nodes that are drawn; more are folded."""

MARGIN = 40.0

_HERE = Path(__file__).parent
_TAGS = {Tier.PROD: "PROD", Tier.NONPROD: "NON-PROD", Tier.UNKNOWN: ""}
_STYLES: dict[LinkKind, str] = {
    "starts": "order",
    "order": "order",
    "waits": "order",
    "reads": "data",
    "writes": "data",
    "loads": "data",
    "saves": "data",
    "builds": "made",
    "runs": "made",
    "uses": "made",
    "routes": "net",
    "calls": "net",
    "told": "net",
    "related": "made",
    "disagrees": "flagged",
}
_STYLE_WORDS = {
    "order": "order: starts, runs before, is waited for",
    "data": "data: reads, writes, loads, saves",
    "net": "network: calls, is given the address of, leads to",
    "made": "code and images: builds, is run by, uses",
    "flagged": "a finding rests on both ends",
}
_ICONS: dict[NodeKind, str] = {
    "start": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.6V8l2.6 1.6",
    "step": "M3 4h10v8H3zM6.6 6v4l3.4-2z",
    "dataset": "M3 4.2c0-2.4 10-2.4 10 0v7.6c0 2.4-10 2.4-10 0zM3 4.2c0 2.4 10 2.4 10 0M3 8c0 2.4 10 2.4 10 0",
    "model": "M8 2l5.2 3v6L8 14l-5.2-3V5zM8 8l5.2-3M8 8v6M8 8L2.8 5",
    "image": "M2.5 5L8 2.5 13.5 5v6L8 13.5 2.5 11zM2.5 5L8 7.5 13.5 5M8 7.5v6",
    "deployment": "M3 3h10v4H3zM3 9h10v4H3zM5 5h.1M5 11h.1",
    "service": "M8 3a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM8 7v3M3.5 13.5v-2h9v2M8 10v3.5",
    "external": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c-4 4-4 8 0 12M8 2c4 4 4 8 0 12",
    "code": "M6 4L2.5 8 6 12M10 4l3.5 4-3.5 4",
    "file": "M4 2h5l3 3v9H4zM9 2v3h3",
    "folded": "M3 6h8v7H3zM5 6V3.5h8V11h-2",
}
_ROUND: dict[NodeKind, float] = {"start": 23, "service": 23, "external": 23, "step": 9, "folded": 4, "deployment": 3}


def write(graph: Graph) -> str:
    """The graph as a page, in ASCII: it reads the same whatever encoding it is stored in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    layout = lay_out(graph)
    script, style = _asset("page.js"), _asset("page.css")
    template = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("page.html")
    page = template.render(
        title=graph.title,
        version=__version__,
        policy=_policy(script, style),
        script=_Raw(script),
        style=_Raw(style),
        data=_Raw(_data(graph, layout)),
        width=round(layout.width + 2 * MARGIN),
        height=round(layout.height + 2 * MARGIN),
        groups=list(_groups(graph, layout)),
        links=list(_links(graph, layout)),
        tools=sorted({node.tool for node in graph.nodes if node.tool}),
        kinds=_legend_kinds(graph),
        styles=[(name, _STYLE_WORDS[name]) for name in _STYLE_WORDS],
        tiers=[(tier.value, tier_word(tier), _TAGS[tier]) for tier in Tier],
        count=len(graph.nodes),
        findings=len(graph.findings),
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


class _Raw(str):
    """Text of our own, which a template takes as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="ascii").replace("\r\n", "\n")


def _policy(script: str, style: str) -> str:
    """The Content-Security-Policy: our own script and style run, and nothing is fetched from anywhere."""
    own = f"script-src {_hash(script)}; style-src {_hash(style)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _legend_kinds(graph: Graph) -> list[tuple[str, str]]:
    used = {node.kind for node in graph.nodes}
    return [(word, _ICONS[kind]) for kind, word in KINDS.items() if kind in used]


# ------------------------------------------------------------------------------------------------------- drawing


def _groups(graph: Graph, layout: Layout) -> Iterator[dict[str, Any]]:
    """The groups with their nodes; at last, in a group without a box, those of none."""
    numbers = {node.id: number for number, node in enumerate(graph.nodes)}
    by_group: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        by_group[node.group].append(node)
    degrees: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for link in graph.links:
        degrees[link.source][1] += 1
        degrees[link.target][0] += 1

    def drawn(nodes: list[Node]) -> list[dict[str, Any]]:
        found = [_node(numbers[n.id], n, layout.nodes[n.id].moved(MARGIN, MARGIN), degrees[n.id], graph) for n in nodes]
        return sorted(found, key=lambda one: (one["x"], one["y"]))

    for number, group in enumerate(graph.groups):
        box = layout.groups[group.id].moved(MARGIN, MARGIN)
        label = group_label(group)
        yield {
            "number": number,
            "box": _rounded(box),
            "label": label,
            "shown": _fitted(label, box.width / 0.95 - 24),
            "incomplete": group.incomplete,
            "nodes": drawn(by_group[group.id]),
        }
    if by_group[""]:
        yield {"number": None, "box": None, "label": "in no pipeline", "incomplete": "", "nodes": drawn(by_group[""])}


def _node(number: int, node: Node, box: Box, degrees: list[int], graph: Graph) -> dict[str, Any]:
    kind = KINDS[node.kind]
    caption = " · ".join(filter(None, (kind, node.tool)))
    badge = 26.0 if node.findings else 0.0
    worst = max((graph.findings[found].level for found in node.findings), default=None)
    told = [
        f"{node.label}, {caption.replace(' · ', ', ')}",
        f"environment {tier_word(node.tier)}",
        f"{len(node.findings)} {'finding' if len(node.findings) == 1 else 'findings'}" if node.findings else "",
        f"{degrees[0]} in, {degrees[1]} out",
    ]
    return {
        "number": number,
        **_rounded(box),
        "kind": node.kind,
        "tier": node.tier.value,
        "tag": _TAGS[node.tier],
        "icon": _ICONS[node.kind],
        "label": _fitted(node.label, box.width - LEFT - RIGHT - badge + 10),
        "caption": _fitted(caption, (box.width - LEFT - 4) * 1.2),
        "aria": ", ".join(filter(None, told)),
        "full": node.label,
        "outline": _outline(node.kind, box),
        "count": len(node.findings),
        "worst": str(worst) if worst is not None else "",
    }


def _rounded(box: Box) -> dict[str, Any]:
    return {"x": round(box.x, 1), "y": round(box.y, 1), "w": round(box.width, 1), "h": round(box.height, 1)}


def _outline(kind: NodeKind, box: Box) -> str:
    """The shape of a kind of node, around the origin of its box, as a path."""
    w, h = round(box.width, 1), round(box.height, 1)
    if kind == "dataset":
        return f"M0 5C0 -2 {w} -2 {w} 5V{h - 5}C{w} {h + 2} 0 {h + 2} 0 {h - 5}Z"
    if kind == "model":
        return f"M12 0H{w - 12}L{w} {h / 2}L{w - 12} {h}H12L0 {h / 2}Z"
    if kind in ("code", "file"):
        return f"M0 0H{w - 12}L{w} 12V{h}H0Z"
    if kind == "image":
        return f"M8 0H{w - 8}L{w} 8V{h - 8}L{w - 8} {h}H8L0 {h - 8}V8Z"
    r = _ROUND.get(kind, 3)
    return (
        f"M{r} 0H{w - r}A{r} {r} 0 0 1 {w} {r}V{h - r}A{r} {r} 0 0 1 {w - r} {h}"
        f"H{r}A{r} {r} 0 0 1 0 {h - r}V{r}A{r} {r} 0 0 1 {r} 0Z"
    )


def _fitted(text: str, width: float) -> str:
    """*text* cut to about *width* pixels: a path keeps its end, anything else its beginning."""
    if text_width(text) <= width:
        return text
    keep_end = "/" in text and " " not in text
    shown = text
    while len(shown) > 4 and text_width(shown) + 9 > width:
        shown = shown[1:] if keep_end else shown[:-1]
    return f"…{shown}" if keep_end else f"{shown.rstrip()}…"


def _links(graph: Graph, layout: Layout) -> Iterator[dict[str, Any]]:
    numbers = {node.id: number for number, node in enumerate(graph.nodes)}
    group = {node.id: node.group for node in graph.nodes}
    label = {node.id: node.label for node in graph.nodes}
    for number, link in enumerate(graph.links):
        source = layout.nodes[link.source].moved(MARGIN, MARGIN)
        target = layout.nodes[link.target].moved(MARGIN, MARGIN)
        outer = not group[link.source] or group[link.source] != group[link.target]
        path, middle = _down(source, target) if outer else _across(source, target)
        yield {
            "number": number,
            "source": numbers[link.source],
            "target": numbers[link.target],
            "style": _STYLES[link.kind],
            "outer": outer,
            "flagged": bool(link.findings),
            "count": len(link.findings),
            "path": path,
            "x": middle[0],
            "y": middle[1],
            "aria": f"{_findings(link)}: {label[link.source]} {LINKS[link.kind]} {label[link.target]}",
        }


def _findings(link: Link) -> str:
    return f"{len(link.findings)} {'finding' if len(link.findings) == 1 else 'findings'}"


def _across(source: Box, target: Box) -> tuple[str, tuple[float, float]]:
    """A link from the right side of one box to the left side of another, and its middle. One that leads back, or stays
    in its column, leaves and enters so that it is seen to."""
    sx, sy = source.x + source.width, source.y + source.height / 2
    tx, ty = target.x, target.y + target.height / 2
    if tx >= sx + 8:
        bend = min(max((tx - sx) / 2, 20.0), 160.0)
        return _curve(sx, sy, sx + bend, sy, tx - bend, ty, tx, ty)
    if abs(source.x - target.x) < source.width:  # one column: out and in on the right
        tx = target.x + target.width
        out = max(sx, tx) + 34
        return _curve(sx, sy, out, sy, out, ty, tx, ty)
    sx, tx = source.x, target.x + target.width  # back: from the left side to the right one
    bend = min(max((sx - tx) / 2, 20.0), 160.0)
    return _curve(sx, sy, sx - bend, sy, tx + bend, ty, tx, ty)


def _down(source: Box, target: Box) -> tuple[str, tuple[float, float]]:
    """A link from the lower side of one box to the upper side of another; up from the upper side to the lower one;
    beside each other as `_across`."""
    sx, tx = source.x + source.width / 2, target.x + target.width / 2
    if target.y >= source.y + source.height + 8:
        sy, ty = source.y + source.height, target.y
        bend = min(max((ty - sy) / 2, 18.0), 120.0)
        return _curve(sx, sy, sx, sy + bend, tx, ty - bend, tx, ty)
    if source.y >= target.y + target.height + 8:
        sy, ty = source.y, target.y + target.height
        bend = min(max((sy - ty) / 2, 18.0), 120.0)
        return _curve(sx, sy, sx, sy - bend, tx, ty + bend, tx, ty)
    return _across(source, target)


def _curve(*points: float) -> tuple[str, tuple[float, float]]:
    """A cubic curve by its four points, as a path, and the middle of it."""
    x0, y0, x1, y1, x2, y2, x3, y3 = (round(value, 1) for value in points)
    middle = (round((x0 + 3 * x1 + 3 * x2 + x3) / 8, 1), round((y0 + 3 * y1 + 3 * y2 + y3) / 8, 1))
    return f"M{x0} {y0}C{x1} {y1} {x2} {y2} {x3} {y3}", middle


# ------------------------------------------------------------------------------------------------------- details


def _data(graph: Graph, layout: Layout) -> str:
    """What the script shows of nodes and links, as JSON that ends no element."""
    numbers = {node.id: number for number, node in enumerate(graph.nodes)}
    labels = {group.id: group_label(group) for group in graph.groups}
    data = {
        "nodes": [_node_data(node, layout.nodes[node.id].moved(MARGIN, MARGIN), labels) for node in graph.nodes],
        "links": [
            {
                "s": numbers[link.source],
                "t": numbers[link.target],
                "kind": LINKS[link.kind],
                "why": [_reason(reason) for reason in link.reasons],
                "findings": list(link.findings),
            }
            for link in graph.links
        ],
        "groups": [
            {"label": labels[group.id], "incomplete": group.incomplete, "place": shown_place(group.place)}
            for group in graph.groups
        ],
        "findings": [
            {
                "check": f"{finding.category}/{finding.check}",
                "level": str(finding.level),
                "rank": int(finding.level) - int(Severity.LOW),
                "place": str(finding.place),
                "message": finding.message,
                "because": [_reason(reason) for reason in finding.because],
            }
            for finding in graph.findings
        ],
        "notes": list(graph.notes),
    }
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _node_data(node: Node, box: Box, labels: Mapping[str, str]) -> dict[str, Any]:
    environment = tier_word(node.tier)
    if node.environment:
        environment += f" ({node.environment}{f', by its {node.reason}' if node.reason else ''})"
    return {
        "label": node.label,
        "kind": KINDS[node.kind],
        "tool": node.tool,
        "tier": node.tier.value,
        "environment": environment,
        "place": shown_place(node.place),
        "group": labels.get(node.group, ""),
        "details": list(node.details),
        "findings": list(node.findings),
        "members": [[label, shown_place(place)] for label, place in node.members],
        **_rounded(box),
    }


def _reason(reason: Reason) -> list[str]:
    return [reason.note, shown_place(reason.place)]
