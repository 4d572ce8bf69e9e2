"""GitHub's filters of events, and its conditions (``if``), answered for one event at a time.

Rules: "Workflow syntax" (filter patterns, ``on``) and "Evaluate expressions" of GitHub's documentation,
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet and
https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable

_LONGEST = 2_000
"""Characters of a condition that are looked at; a longer one is not told."""

_MOST_STARS = 12
"""Stars of a filter pattern; one with more is taken for a plain text, as matching it could take for ever."""

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.[\w*-]+|\[\s*'[^']*'\s*\])*)|(?P<operator>\|\||&&|[!=<>]=|[!<>(),]))"
)
_EXPRESSION = re.compile(r"\$\{\{(?:[^'}]|'[^']*'|\}(?!\}))*\}\}")
_INDEX = re.compile(r"\[\s*'([^']*)'\s*\]")


@dataclasses.dataclass(frozen=True)
class Occasion:
    """An event on which a workflow may run: *event* (``push``), *ref* (``refs/heads/main``; "" where not told)."""

    event: str
    ref: str = ""

    @property
    def branch(self) -> str:
        """The branch or tag without its prefix."""
        return re.sub(r"^refs/(?:heads|tags|pull)/", "", self.ref)


@dataclasses.dataclass(frozen=True)
class _Known:
    value: str | float | bool | None


_Term = _Known | None
"""What a part of a condition is: None where that can't be told."""


def bare(condition: str) -> str:
    """The condition without the ``${{ }}`` around all of it."""
    text = condition.strip()
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        return text[3:-2].strip()
    return text


def is_text(condition: str) -> bool:
    """Whether a condition is a text with ``${{ }}`` in it: GitHub fills the expressions in, and takes the text that
    comes of it, which is never empty, for true. The line end of a YAML block is such a text, too.

    Source: https://codeql.github.com/codeql-query-help/actions/actions-if-expression-always-true-high/
    """
    if "${{" not in condition or len(condition) > _LONGEST:
        return False
    return bool(_EXPRESSION.sub("", condition))


def holds(condition: str, occasion: Occasion) -> bool | None:
    """Whether a job or step with the ``if`` *condition* runs on *occasion*, all before it having gone well.

    None where that can't be told. An empty condition holds.
    """
    text = bare(condition)
    if not text or is_text(condition):
        return True
    if "${{" in text or len(text) > _LONGEST:
        return None
    tokens = _tokens(text)
    if tokens is None:
        return None
    parser = _Parser(tokens, occasion)
    try:
        term = parser.alternatives()
    except (IndexError, RecursionError, ValueError):
        return None
    if parser.position != len(tokens):
        return None
    return None if term is None else _truth(term)


def _tokens(text: str) -> list[tuple[str, str]] | None:
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return tokens if not text[position:].strip() else None
        position = match.end()
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind]))
    return tokens


def _truth(term: _Known) -> bool:
    """What GitHub takes for false: false, 0, an empty text, null."""
    return bool(term.value)


def _same(left: _Known, right: _Known) -> bool:
    """Equality as GitHub has it: texts without regard to case, other types made into numbers."""
    if isinstance(left.value, str) and isinstance(right.value, str):
        return left.value.casefold() == right.value.casefold()
    if type(left.value) is type(right.value):
        return left.value == right.value
    return _number(left.value) == _number(right.value)  # nan, which no text of letters is, equals nothing


def _number(value: str | float | bool | None) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except ValueError:
        return float("nan")


class _Parser:
    """A condition, taken apart and answered in one go; `None` is what can't be told."""

    def __init__(self, tokens: list[tuple[str, str]], occasion: Occasion) -> None:
        self.tokens = tokens
        self.occasion = occasion
        self.position = 0

    def _next(self, *texts: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] in (("operator", text) for text in texts):
            self.position += 1
            return True
        return False

    def alternatives(self) -> _Term:
        """``a || b``: true where one is, and told to be false only where all are."""
        found = [self._all()]
        while self._next("||"):
            found.append(self._all())
        if len(found) == 1:
            return found[0]
        if any(term is not None and _truth(term) for term in found):
            return _Known(True)
        return None if None in found else _Known(False)

    def _all(self) -> _Term:
        found = [self._comparison()]
        while self._next("&&"):
            found.append(self._comparison())
        if len(found) == 1:
            return found[0]
        if any(term is not None and not _truth(term) for term in found):
            return _Known(False)
        return None if None in found else _Known(True)

    def _comparison(self) -> _Term:
        left = self._operand()
        if self._next("=="):
            right = self._operand()
            return None if left is None or right is None else _Known(_same(left, right))
        if self._next("!="):
            right = self._operand()
            return None if left is None or right is None else _Known(not _same(left, right))
        if self._next("<", ">", "<=", ">="):
            self._operand()
            return None
        return left

    def _operand(self) -> _Term:
        if self._next("!"):
            inner = self._operand()
            return None if inner is None else _Known(not _truth(inner))
        if self._next("("):
            inner = self.alternatives()
            self._close()
            return inner
        kind, text = self.tokens[self.position]
        self.position += 1
        if kind == "string":
            return _Known(text[1:-1].replace("''", "'"))
        if kind == "number":
            return _Known(float(text))
        if kind != "name":
            raise ValueError(text)
        if self._next("("):
            return self._call(text.lower())
        return self._name(_INDEX.sub(r".\1", text).lower())

    def _close(self) -> None:
        if not self._next(")"):
            raise ValueError(")")

    def _call(self, function: str) -> _Term:
        arguments: list[_Term] = []
        if not self._next(")"):
            arguments.append(self.alternatives())
            while self._next(","):
                arguments.append(self.alternatives())
            self._close()
        if function in ("always", "success"):
            return _Known(True)
        if function in ("failure", "cancelled"):
            return _Known(False)
        if function in ("startswith", "endswith", "contains") and len(arguments) == 2:
            return _text_call(function, arguments[0], arguments[1])
        return None

    def _name(self, name: str) -> _Term:
        if name in ("true", "false", "null"):
            return _Known({"true": True, "false": False, "null": None}[name])
        event, ref = self.occasion.event, self.occasion.ref
        if name == "github.event_name":
            return _Known(event)
        if name in ("github.ref", "github.ref_name"):
            return _Known(ref if name.endswith("ref") else self.occasion.branch) if ref else None
        if name == "github.ref_type" and ref:
            return _Known("tag" if ref.startswith("refs/tags/") else "branch")
        for_pull_requests = event.startswith("pull_request")
        if name in ("github.head_ref", "github.base_ref"):
            return None if for_pull_requests else _Known("")
        if name.startswith("github.event.pull_request"):
            return None if for_pull_requests or "review" in event or "comment" in event else _Known(None)
        if name.startswith("github.event.inputs"):
            return None if event == "workflow_dispatch" else _Known(None)
        if name.startswith("github.event.workflow_run"):
            return None if event == "workflow_run" else _Known(None)
        return None


def _text_call(function: str, first: _Term, second: _Term) -> _Term:
    if first is None or second is None or not isinstance(first.value, str) or not isinstance(second.value, str):
        return None
    text, piece = first.value.casefold(), second.value.casefold()
    if function == "contains":
        return _Known(piece in text)
    return _Known(text.startswith(piece) if function == "startswith" else text.endswith(piece))


# ------------------------------------------------------------------------------------------------------ filters


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether a filter of branches, tags or paths takes *text*: the last pattern that fits decides, ``!`` excludes."""
    taken = False
    for pattern in patterns:
        negative = pattern.startswith("!")
        if taken is negative and _compiled(pattern[1:] if negative else pattern).fullmatch(text):
            taken = not negative
    return taken


@functools.lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression that a filter pattern is; one that is none fits nothing but itself."""
    if pattern.count("*") > _MOST_STARS:
        return re.compile(re.escape(pattern))
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if pattern.startswith("**/", position) and (position == 0 or pattern[position - 1] == "/"):
            pieces.append("(?:.*/)?")
            position += 3
        elif pattern.startswith("**", position):
            pieces.append(".*")
            position += 2
        elif character == "*":
            pieces.append("[^/]*")
            position += 1
        elif character in "?+" and pieces:
            pieces.append(character)
            position += 1
        elif character == "[" and (end := pattern.find("]", position + 1)) > 0:
            pieces.append(pattern[position : end + 1])
            position = end + 1
        elif character == "\\" and position + 1 < len(pattern):
            pieces.append(re.escape(pattern[position + 1]))
            position += 2
        else:
            pieces.append(re.escape(character))
            position += 1
    try:
        return re.compile("".join(pieces))
    except re.error:
        return re.compile(re.escape(pattern))
