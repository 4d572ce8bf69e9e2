"""The graph as JSON, version 1: what others script against. ``docs/graph.md`` and ``schema/graph-1.json`` describe
it."""

from __future__ import annotations

import json
from typing import Any

from pytest_mlbreaks import __version__
from pytest_mlbreaks.graph.model import Graph, Reason
from pytest_mlbreaks.model import Place

VERSION = 1


def write(graph: Graph) -> str:
    """The graph as one JSON object, indented; ASCII alone, so that nothing in it can steer a terminal."""
    return json.dumps(as_data(graph), indent=2) + "\n"


def as_data(graph: Graph) -> dict[str, Any]:
    """The graph as plain data, keys in the order of the contract."""
    return {
        "version": VERSION,
        "tool": {"version": __version__},
        "title": graph.title,
        "groups": [
            {
                "id": _text(group.id),
                "label": group.label,
                "tool": group.tool,
                "place": _place(group.place),
                "incomplete": group.incomplete or None,
            }
            for group in graph.groups
        ],
        "nodes": [
            {
                "id": _text(node.id),
                "kind": node.kind,
                "label": node.label,
                "tool": node.tool or None,
                "group": _text(node.group) or None,
                "environment": {
                    "tier": node.tier.value,
                    "name": node.environment or None,
                    "reason": node.reason or None,
                },
                "place": _place(node.place),
                "files": [_text(path) for path in node.files],
                "details": [{"name": name, "text": text} for name, text in node.details],
                "findings": list(node.findings),
                "members": [{"label": label, "place": _place(place)} for label, place in node.members],
            }
            for node in graph.nodes
        ],
        "links": [
            {
                "source": _text(link.source),
                "target": _text(link.target),
                "kind": link.kind,
                "reasons": [_reason(reason) for reason in link.reasons],
                "findings": list(link.findings),
            }
            for link in graph.links
        ],
        "findings": [
            {
                "check": finding.check,
                "category": finding.category,
                "level": str(finding.level),
                "place": _place(finding.place),
                "message": finding.message,
                "because": [_reason(reason) for reason in finding.because],
                "fingerprint": finding.fingerprint,
            }
            for finding in graph.findings
        ],
        "notes": list(graph.notes),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"note": reason.note, "place": _place(reason.place)}


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"path": _text(place.path), "cell": place.cell, "line": place.line, "column": place.column}


def _text(text: str) -> str:
    """*text* with the bytes of names that are no UTF-8 written out: half a surrogate is no JSON text."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
