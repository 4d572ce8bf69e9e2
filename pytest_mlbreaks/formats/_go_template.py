"""Go templates, taken apart: text, actions and blocks (https://pkg.go.dev/text/template). Nothing is evaluated."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

MOST_NESTED = 60
"""Blocks and parentheses inside each other. Nobody writes by hand what lies deeper."""

_TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|\'(?:[^\'\\\n]|\\.)*\'|:=|[()|,=]|[^\s()|,="`\']+',
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_OPENERS = frozenset({"if", "range", "with", "define", "block"})


class Malformed(Exception):
    """Text that is no Go template; the offset at which that shows."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclasses.dataclass(frozen=True)
class Text:
    """What stands between actions, and where."""

    text: str
    start: int


@dataclasses.dataclass(frozen=True)
class Action:
    """``{{ ... }}``: its tokens, none for a comment; *start* and *end* are offsets, *trims* is for ``{{-``."""

    tokens: tuple[str, ...]
    start: int
    end: int
    trims: bool = False

    @property
    def word(self) -> str:
        """The first token, "" where there is none."""
        return self.tokens[0] if self.tokens else ""


@dataclasses.dataclass(frozen=True)
class Block:
    """``if``, ``range``, ``with``, ``define`` or ``block``: each branch with the action that opens it, and the end."""

    branches: tuple[tuple[Action, tuple[Node, ...]], ...]
    end: Action

    @property
    def kind(self) -> str:
        """The word that opens it."""
        return self.branches[0][0].word


Node = Text | Action | Block


def parse(text: str) -> tuple[Node, ...]:
    """The nodes of a template, in order. Raises Malformed where an action or a block is not closed."""
    pieces = list(_pieces(text))
    nodes, position = _nodes(pieces, 0, 0)
    if position < len(pieces):
        piece = pieces[position]
        raise Malformed(piece.start)
    return tuple(nodes)


def _pieces(text: str) -> Iterator[Text | Action]:
    position = 0
    while True:
        start = text.find("{{", position)
        if start < 0:
            break
        if start > position:
            yield Text(text[position:start], position)
        end = _end(text, start)
        inner = text[start + 2 : end - 2]
        trims = inner.startswith("-") and inner[1:2].isspace()
        inner = inner[1:] if trims else inner
        inner = inner[:-1] if inner.endswith("-") and inner[-2:-1].isspace() else inner
        comment = inner.lstrip().startswith("/*")
        yield Action(() if comment else tuple(_TOKEN.findall(inner)), start, end, trims)
        position = end
    if position < len(text):
        yield Text(text[position:], position)


def _end(text: str, start: int) -> int:
    """The offset behind the ``}}`` that closes the action at *start*: not one in a comment or in quotes."""
    opening = text[start + 2 : start + 6].lstrip("- \t\n")
    if opening.startswith("/*"):
        closed = text.find("*/", start)
        end = text.find("}}", closed) if closed >= 0 else -1
        if end < 0:
            raise Malformed(start)
        return end + 2
    position = start + 2
    while position < len(text):
        character = text[position]
        if character in '"`':
            position = _behind_quote(text, position, start)
        elif text.startswith("}}", position):
            return position + 2
        else:
            position += 1
    raise Malformed(start)


def _behind_quote(text: str, position: int, start: int) -> int:
    quote = text[position]
    position += 1
    while position < len(text) and text[position] != quote:
        position += 2 if text[position] == "\\" and quote == '"' else 1
    if position >= len(text):
        raise Malformed(start)
    return position + 1


def _nodes(pieces: list[Text | Action], position: int, depth: int) -> tuple[list[Node], int]:
    """The nodes from *position* on, up to an ``else`` or ``end`` that belongs to the block around them."""
    nodes: list[Node] = []
    while position < len(pieces):
        piece = pieces[position]
        word = piece.word if isinstance(piece, Action) else ""
        if word in ("end", "else"):
            break
        if isinstance(piece, Text) or word not in _OPENERS:
            nodes.append(piece)
            position += 1
            continue
        if depth == MOST_NESTED:
            raise Malformed(piece.start)
        block, position = _block(pieces, position, depth + 1)
        nodes.append(block)
    return nodes, position


def _block(pieces: list[Text | Action], position: int, depth: int) -> tuple[Block, int]:
    branches: list[tuple[Action, tuple[Node, ...]]] = []
    opened = pieces[position]
    while True:
        head = pieces[position]
        assert isinstance(head, Action)
        body, position = _nodes(pieces, position + 1, depth)
        branches.append((head, tuple(body)))
        if position == len(pieces):
            raise Malformed(opened.start)
        closing = pieces[position]
        assert isinstance(closing, Action)
        if closing.word == "end":
            return Block(tuple(branches), closing), position + 1


def unquoted(token: str) -> str | None:
    """The text of a string token, or None for every other token."""
    if len(token) > 1 and token[0] == token[-1] == "`":
        return token[1:-1]
    if len(token) > 1 and token[0] == token[-1] == '"':
        return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1])
    return None


@dataclasses.dataclass(frozen=True)
class Call:
    """A function with its arguments, or one operand alone: *words* are tokens and inner pipelines."""

    words: tuple[str | Pipe, ...]


@dataclasses.dataclass(frozen=True)
class Pipe:
    """Calls, each given what the one before it makes as its last argument; *fields* are taken of the outcome."""

    calls: tuple[Call, ...]
    fields: str = ""


def pipeline(tokens: tuple[str, ...]) -> Pipe | None:
    """The pipeline that *tokens* are, or None where they are none, or nested too deeply."""
    found = _pipe(tokens, 0, 0)
    return found[0] if found is not None and found[1] == len(tokens) else None


def _pipe(tokens: tuple[str, ...], position: int, depth: int) -> tuple[Pipe, int] | None:
    calls: list[Call] = []
    words: list[str | Pipe] = []
    while position < len(tokens):
        token = tokens[position]
        if token == ")":
            break
        position += 1
        if token == "|":
            if not words:
                return None
            calls.append(Call(tuple(words)))
            words = []
        elif token == "(":
            inner = _pipe(tokens, position, depth + 1) if depth < MOST_NESTED else None
            if inner is None or inner[1] >= len(tokens):
                return None
            pipe, position = inner[0], inner[1] + 1
            if position < len(tokens) and tokens[position].startswith(".") and len(tokens[position]) > 1:
                pipe, position = Pipe(pipe.calls, tokens[position]), position + 1
            words.append(pipe)
        elif token in (":=", "=", ","):
            return None
        else:
            words.append(token)
    if not words:
        return None
    return Pipe((*calls, Call(tuple(words)))), position
