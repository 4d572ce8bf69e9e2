"""What a graph is made of: nodes, links, groups. All text in it is fit to be shown: on one line, without secrets."""

from __future__ import annotations

from typing import Literal

import msgspec

from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.model import Place, Tier

NodeKind = Literal[
    "start",  # what starts a pipeline: a schedule, events
    "step",
    "dataset",
    "model",
    "image",
    "deployment",  # a container that a compose file or a manifest runs
    "service",  # a name on a network
    "external",  # a host outside of the tree that code calls
    "code",
    "file",
    "folded",  # several nodes in the place of one
]

LinkKind = Literal[
    "starts",
    "order",
    "waits",
    "reads",
    "writes",
    "loads",
    "saves",
    "builds",
    "runs",
    "uses",
    "calls",
    "told",  # a variable holds the other's address; nothing that could be told reads it
    "routes",
    "related",  # tied together by link, in a way that has no kind of its own here
    "disagrees",  # a finding about one of them rests on the other
]

KINDS: dict[NodeKind, str] = {
    "start": "schedule",
    "step": "step",
    "dataset": "dataset",
    "model": "model",
    "image": "image",
    "deployment": "deployment",
    "service": "service",
    "external": "external host",
    "code": "code",
    "file": "file",
    "folded": "folded",
}
"""Nodes: what people call each kind."""

LINKS: dict[LinkKind, str] = {
    "starts": "starts",
    "order": "runs before",
    "waits": "is waited for by",
    "reads": "is read by",
    "writes": "writes",
    "loads": "is loaded by",
    "saves": "saves",
    "builds": "builds",
    "runs": "is run by",
    "uses": "uses the code of",
    "calls": "calls",
    "told": "is given the address of",
    "routes": "leads to",
    "related": "is tied to",
    "disagrees": "rests on",
}
"""Links: how each kind reads from its source to its target."""


class Reason(msgspec.Struct, frozen=True):
    """What in the tree says that a link is there."""

    note: str
    place: Place | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One thing. *tool* is the orchestrator, the platform, or "" where the thing is nobody's in particular; *group* the
    id of its `Group`, or "". *reason* says what named its environment. *details* are name and text. *findings* are
    positions in `Graph.findings`. *files* are those whose code it runs. *members* are the labels and places of what a
    folded node stands for."""

    id: str
    kind: NodeKind
    label: str
    tool: str = ""
    tier: Tier = Tier.UNKNOWN
    environment: str = ""
    reason: str = ""
    place: Place | None = None
    group: str = ""
    details: tuple[tuple[str, str], ...] = ()
    findings: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    members: tuple[tuple[str, Place | None], ...] = ()


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One thing leads to another: things flow, or run, from *source* to *target* (ids of nodes)."""

    source: str
    target: str
    kind: LinkKind
    reasons: tuple[Reason, ...] = ()
    findings: tuple[int, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline of an orchestrator, a compose file, the manifests of a folder. *incomplete* says why not all of it
    could be told, or is ""."""

    id: str
    label: str
    tool: str
    place: Place | None = None
    incomplete: str = ""


class GraphFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as the graph shows it."""

    check: str
    category: str
    level: Severity
    place: Place
    message: str
    because: tuple[Reason, ...] = ()
    fingerprint: str = ""


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. *notes* are what a reader has to know of what is not shown: what was folded, left out, cut off."""

    title: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    groups: tuple[Group, ...]
    findings: tuple[GraphFinding, ...] = ()
    notes: tuple[str, ...] = ()


def tier_word(tier: Tier) -> str:
    """What an environment of that tier is called."""
    return {Tier.PROD: "production", Tier.NONPROD: "not production", Tier.UNKNOWN: "unknown"}[tier]
