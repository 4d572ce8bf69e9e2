"""Suppressions in comments: ``# mlbreaks: ignore[check-id, other] reason``, and what lines each is about."""

from __future__ import annotations

import ast
import dataclasses
import re
import warnings
from collections.abc import Callable, Iterator, Sequence

import yaml

from pytest_mlbreaks.judge import comments
from pytest_mlbreaks.judge.comments import Comment
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.place import PlaceKind

MARK = "mlbreaks:"
"""What a text must hold for its comments to be looked at."""

_AT = re.compile(r"(?:^|(?<=[\s#/;]))mlbreaks:\s*+(?P<rest>\S[^\n]*+|$)")
_IGNORE = re.compile(r"ignore\s*+\[(?P<ids>[^\]]*+)\]\s*+[-:–—]*+\s*+(?P<reason>[^\n]*+)")
_WORD = re.compile(r"[\w-]*+")

Lines = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Directive:
    """A suppression as written: the ids that it names, and its reason, maybe none. *wrong* says why it is none at all.
    *alone* and *line*, *end_line* (within its cell, in a notebook) say what it is about."""

    place: Place
    ids: tuple[str, ...]
    reason: str
    wrong: str
    line: int
    end_line: int
    alone: bool


def directive(text: str) -> tuple[tuple[str, ...], str, str] | None:
    """The ids, the reason, and what is wrong, of the suppression in the text of a comment; None where there is none."""
    found = _AT.search(text)
    if found is None:
        return None
    told = _IGNORE.match(found["rest"])
    if told is None:
        word = _WORD.match(found["rest"])
        if word is not None and word[0] == "ignore":
            return (), "", "it names no check: `mlbreaks: ignore[check-id] reason`"
        if found.start() > 0 or (word is not None and not word[0]):
            return None  # a text that speaks of mlbreaks
        return (), "", "what is known here is `mlbreaks: ignore[check-id] reason`"
    ids = tuple(dict.fromkeys(one.strip() for one in told["ids"].split(",") if one.strip()))
    wrong = "" if ids else "it names no check: `mlbreaks: ignore[check-id] reason`"
    return ids, " ".join(told["reason"].split()), wrong


class Suppressions:
    """The suppressions in one file, and which of them is about a place."""

    def __init__(self, path: str, text: str) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        kind = comments.language(path)
        if kind == "notebook":
            self._parts = {cell: _Part(path, "cell", code, cell) for cell, code in comments.cells(text).items()}
        else:
            self._parts = {0: _Part(path, kind, text, None)}

    @property
    def directives(self) -> Iterator[Directive]:
        """All of them, in reading order."""
        return (one for part in self._parts.values() for one in part.directives)

    def about(self, place: Place) -> tuple[Directive, ...]:
        """Those that are on a line of the statement that *place* stands in, or in comment lines right above it."""
        part = self._parts.get(place.cell or 0)
        if part is None or not part.directives:
            return ()
        first, last = part.statement(place)
        return tuple(one for one in part.directives if part.covers(one, first, last))

    def lines(self, one: Directive) -> Lines:
        """The lines that *one* is about, itself included: up to the one below it."""
        return one.line, self._parts[one.place.cell or 0].below(one)


class _Part:
    """One text of a file: all of it, or a notebook's cell."""

    def __init__(self, path: str, kind: str, text: str, cell: int | None) -> None:
        self._kind, self._text = kind, text
        found = comments.comments(kind, text)
        self._alone = {line for one in found if one.alone for line in range(one.line, one.end_line + 1)}
        self._below: dict[int, int] = {}  # by line of comments alone, the first below it that is none
        for line in sorted(self._alone, reverse=True):
            self._below[line] = self._below.get(line + 1, line + 1)
        self.directives = tuple(_directives(path, found, cell))
        self._lines: list[str] | None = None
        self._statements: list[Lines] | None = None

    def covers(self, one: Directive, first: int, last: int) -> bool:
        """Whether *one* is on the lines *first* to *last*, or above them with comments alone between."""
        return first <= one.end_line <= last or (one.alone and self.below(one) == first)

    def below(self, one: Directive) -> int:
        """The line that a comment stands above; its own, where something else stands on that."""
        return self._below[one.end_line] if one.alone else one.line

    def statement(self, place: Place) -> Lines:
        """The first and last line of the statement that *place* stands in."""
        if place.line is None:
            return self._head()
        start, end = place.line, max(place.line, place.end_line or place.line)
        if self._kind in ("python", "cell"):
            found = _narrowest(self._known(_python_statements), start)
            return found or (start, end)
        if self._kind == "yaml":
            return _narrowest(self._known(_yaml_entries), start) or (start, start)
        if self._kind == "sql":
            return _narrowest(self._known(_sql_statements), start) or (start, end)
        if self._kind in ("docker", "shell", "hash"):
            return self._continued(start, end)
        return start, end

    def _head(self) -> Lines:
        """What stands for a whole file: its lines down to the first that is neither blank nor a comment."""
        for number, line in enumerate(self._split(), start=1):
            if line.strip() and number not in self._alone and not (number == 1 and line.startswith("#!")):
                return 1, number
        return 1, 1

    def _continued(self, start: int, end: int) -> Lines:
        lines = self._split()
        while start > 1 and start - 2 < len(lines):
            above = start - 2
            while above >= 0 and above + 1 in self._alone and self._kind == "docker":
                above -= 1  # comments may stand within an instruction
            if above < 0 or not lines[above].rstrip().endswith("\\"):
                break
            start = above + 1
        while end < len(lines) and (lines[end - 1].rstrip().endswith("\\") or (end in self._alone and start < end)):
            end += 1
        return start, end

    def _split(self) -> list[str]:
        if self._lines is None:
            self._lines = self._text.split("\n")
        return self._lines

    def _known(self, find: Callable[[str, set[int]], Iterator[Lines]]) -> list[Lines]:
        if self._statements is None:
            self._statements = list(find(self._text, self._alone))
        return self._statements


def _directives(path: str, found: Sequence[Comment], cell: int | None) -> Iterator[Directive]:
    for comment in found:
        for offset, text in enumerate(comment.text.split("\n")):
            said = directive(text.strip()) if MARK in text else None
            if said is None:
                continue
            ids, reason, wrong = said
            line = comment.line + offset
            column = comment.column if not offset else None
            kind: PlaceKind = "file" if cell is None else "cell"
            place = Place(path, line, column, kind=kind, cell=cell)
            yield Directive(place, ids, reason, wrong, line, comment.end_line, comment.alone)


def _narrowest(statements: Sequence[Lines], line: int) -> Lines | None:
    """The shortest of the statements that hold *line*."""
    return min((one for one in statements if one[0] <= line <= one[1]), key=lambda s: s[1] - s[0], default=None)


def _python_statements(text: str, alone: set[int]) -> Iterator[Lines]:
    """The lines of each statement; of one that holds others, those of its head, decorators included."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in strings
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    blank = {number for number, line in enumerate(text.split("\n"), start=1) if not line.strip()} | alone
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        if isinstance(node, ast.match_case):
            first = node.pattern.lineno
        else:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        body = getattr(node, "body", None) or getattr(node, "cases", None)
        if not body:
            yield first, getattr(node, "end_lineno", None) or first
            continue
        inner = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        last = min([inner.lineno, *(d.lineno for d in getattr(inner, "decorator_list", ()))]) - 1
        while last > first and last in blank:
            last -= 1
        yield first, max(first, last)


def _yaml_entries(text: str, alone: set[int]) -> Iterator[Lines]:
    """The lines of each scalar, from the key or dash before it on."""
    begin: int | None = None
    key = False
    try:
        for token in yaml.scan(text, Loader=comments.YAML_LOADER):
            if isinstance(token, yaml.KeyToken):
                begin, key = token.start_mark.line, True
            elif isinstance(token, yaml.BlockEntryToken):
                begin, key = token.start_mark.line, False
            elif isinstance(token, yaml.ScalarToken):
                end = token.end_mark
                last = end.line if end.column or end.line == token.start_mark.line else end.line - 1
                yield (token.start_mark.line if begin is None else begin) + 1, last + 1
                if not key:
                    begin = None
                key = False
            elif not isinstance(token, yaml.ValueToken | yaml.TagToken | yaml.AnchorToken):
                begin = None
    except (yaml.YAMLError, RecursionError):
        return


def _sql_statements(text: str, alone: set[int]) -> Iterator[Lines]:
    lines = text.split("\n")
    first = number = 1
    counted = 0
    for offset in [*comments.statement_ends(text), len(text)]:
        number += text.count("\n", counted, offset)
        counted = offset
        if number < first:
            continue  # another statement of a line
        while first < number and (not lines[first - 1].strip() or first in alone):
            first += 1  # what stands above a statement is not in it
        yield first, max(first, number)
        first = number + 1
