"""Objects that a Helm template renders only while the cluster does not have them, or only when it is installed.

Nothing is evaluated: a guard is ``if not (lookup KIND NAME)``, also by way of a variable or as a part of an ``and``, or
``if .Release.IsInstall``.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final
from typing import Literal as L

from pytest_mlbreaks.formats._go_template import Action, Block, Malformed, Node, Text, parse, unquoted

Guard = L["lookup", "install"]

_LOOKUP_WORDS: Final = 5
"""``lookup``, version, kind, namespace and name, of which those in parentheses are more."""
_INSTALL: Final = frozenset({".Release.IsInstall", "$.Release.IsInstall"})
_SEPARATOR: Final = re.compile(r"^---\s*$", re.MULTILINE)
_KEEP: Final = re.compile(r"helm\.sh/resource-policy[\"']?\s*:\s*[\"']?keep")
_KIND: Final = re.compile(r"^kind:[ \t]*(\S+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Guarded:
    """An object below a guard. *line* is that of the guard; *name* as it is written; *itself*: whether it is what is
    looked up, None where that can't be told; *kept*: whether it says that Helm is not to delete it, None likewise."""

    kind: str
    name: str
    guard: Guard
    line: int
    itself: bool | None
    kept: bool | None


def guarded(text: str) -> list[Guarded]:
    """The guarded objects of a template; none, after one look, where it has no such guard. Raises nothing."""
    if "lookup" not in text and "IsInstall" not in text:
        return []
    try:
        nodes = parse(text)
    except Malformed:
        return []
    return list(_in(nodes, text, {}))


@dataclasses.dataclass(frozen=True)
class _Lookup:
    kind: str
    name: tuple[str, ...]


def _in(nodes: Sequence[Node], text: str, known: dict[str, _Lookup]) -> Iterator[Guarded]:
    for node in nodes:
        if isinstance(node, Action):
            _note(node.tokens, known)
        elif isinstance(node, Block):
            yield from _block(node, text, known)


def _note(tokens: tuple[str, ...], known: dict[str, _Lookup]) -> None:
    """Remembers what a variable looks up; one that is set to something else is none."""
    if len(tokens) < 3 or not tokens[0].startswith("$") or tokens[1] not in (":=", "="):
        return
    found = _lookup(tokens[2:])
    if found is not None and tokens[1] == ":=":
        known[tokens[0]] = found
    else:
        known.pop(tokens[0], None)


def _block(block: Block, text: str, known: dict[str, _Lookup]) -> Iterator[Guarded]:
    head, body = block.branches[0]
    guard = _guard(head.tokens[1:], known) if block.kind == "if" else None
    others = [branch for _, branch in block.branches[1:]]
    if guard is not None and not any(_KIND.search(_written(branch, text)) for branch in others):
        yield from _objects(head, _written(body, text), text, guard)
    for _, branch in block.branches:
        yield from _in(branch, text, dict(known))


def _guard(tokens: tuple[str, ...], known: dict[str, _Lookup]) -> _Lookup | Guard | None:
    """What a condition looks up and wants to be absent, or that it wants an installation; None for other conditions."""
    tokens = _bare(tokens)
    if len(tokens) == 1 and tokens[0] in _INSTALL:
        return "install"
    if tokens[:1] == ("not",):
        inner = _bare(tokens[1:])
        return known.get(inner[0]) if len(inner) == 1 else _lookup(inner)
    if tokens[:1] == ("and",):
        parts = (_guard(part, known) for part in _operands(tokens[1:]))
        return next((part for part in parts if part is not None), None)
    return None


def _lookup(tokens: tuple[str, ...]) -> _Lookup | None:
    tokens = _bare(tokens)
    operands = _operands(tokens)
    if len(operands) != _LOOKUP_WORDS or operands[0] != ("lookup",) or len(operands[2]) != 1:
        return None
    kind = unquoted(operands[2][0])
    return _Lookup(kind, operands[4]) if kind else None


def _bare(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Without parentheses around all of it."""
    while len(tokens) > 1 and tokens[0] == "(" and tokens[-1] == ")" and len(_operands(tokens)) == 1:
        tokens = tokens[1:-1]
    return tokens


def _operands(tokens: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Words, and what stands in parentheses as one."""
    found: list[tuple[str, ...]] = []
    inside: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        inside.append(token)
        if depth <= 0:
            found.append(tuple(inside))
            inside = []
    return found


def _written(nodes: Sequence[Node], text: str) -> str:
    """The text of nodes as it stands in the template."""
    if not nodes:
        return ""
    first, last = nodes[0], nodes[-1]
    return text[_start(first) : _end(last)]


def _start(node: Node) -> int:
    return node.branches[0][0].start if isinstance(node, Block) else node.start


def _end(node: Node) -> int:
    if isinstance(node, Text):
        return node.start + len(node.text)
    return node.end.end if isinstance(node, Block) else node.end


def _objects(head: Action, body: str, text: str, guard: _Lookup | Guard) -> Iterator[Guarded]:
    for part in _SEPARATOR.split(body):
        kind = _KIND.search(part)
        if kind is None or "helm.sh/hook:" in part.replace('"', "").replace("'", ""):
            continue
        metadata = _metadata(part)
        written = next((line[7:].strip() for line in metadata if line.startswith("  name:")), "")
        yield Guarded(
            kind=kind.group(1).strip("\"'"),
            name=written,
            guard="install" if isinstance(guard, str) else "lookup",
            line=text.count("\n", 0, head.start) + 1,
            itself=True if isinstance(guard, str) else _is_itself(kind.group(1), written, guard),
            kept=_kept(part, metadata),
        )


def _metadata(part: str) -> list[str]:
    """The lines below ``metadata:`` of an object."""
    lines = part.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("metadata:")), len(lines))
    return list(itertools.takewhile(lambda line: not line[:1].strip() or line[:2] == "{{", lines[start + 1 :]))


def _is_itself(kind: str, name: str, looked: _Lookup) -> bool | None:
    """Whether an object is the one that is looked up."""
    if kind.strip("\"'") != looked.kind or any("{{" in token for token in looked.name):
        return False  # braces inside a string are text: nothing has such a name
    action = re.fullmatch(r"[\"']?\{\{-?\s*(.*?)\s*-?\}\}[\"']?", name)
    mine = re.findall(r'"[^"]*"|[^\s()|"]+', action.group(1)) if action else [f'"{name.strip(chr(34) + chr(39))}"']
    theirs = [token for token in looked.name if token not in ("(", ")", "|")]
    if [token for token in mine if token != "quote"] == theirs:
        return True
    return False if len(mine) == len(theirs) == 1 and mine[0][:1] == theirs[0][:1] == '"' else None


def _kept(part: str, metadata: list[str]) -> bool | None:
    """Whether an annotation keeps the object; None where a template makes annotations."""
    if _KEEP.search(part):
        return True
    for line, following in zip(metadata, [*metadata[1:], ""], strict=True):
        if line.startswith("  annotations:") and ("{{" in line or following.lstrip().startswith("{{")):
            return None
    return False
