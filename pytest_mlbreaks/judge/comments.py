"""Real comments of the languages that are read: what stands in a string is none.

Each language is a table for one scanner, which goes over a text once; Python and YAML have scanners of their own
(`tokenize`, libyaml). A language that is not known here has no comments.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
import tokenize
from collections.abc import Iterator
from typing import Any

import yaml

YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True)
class Comment:
    """A comment: its first and last line and first column (1-based), its text without the marks, and whether nothing
    else stands on its lines."""

    line: int
    end_line: int
    column: int
    text: str
    alone: bool


@dataclasses.dataclass(frozen=True)
class Scanner:
    """What ends up where in a text of one language: strings, comments, and (for SQL) ends of statements."""

    tokens: re.Pattern[str]

    def spans(self, text: str) -> Iterator[tuple[str, int, int, str]]:
        """(kind, start, end, text within): ``comment``, ``string`` or ``end``."""
        for match in self.tokens.finditer(text):
            kind = match.lastgroup or ""
            if kind == "heredoc":  # a shell's text that stands in lines of its own
                kind = "string"
            yield kind, match.start(), match.end(), match[0]


def _scanner(*alternatives: str) -> Scanner:
    return Scanner(re.compile("|".join(alternatives), re.MULTILINE))


# None of these can fail after it began: a string or comment that is not closed ends with the line or the text. So
# no part of a text is looked at twice.
_HASH = r"(?P<comment>\#[^\n]*+)"
_HASH_APART = r"(?P<comment>(?:^|(?<=[\s;&|(]))\#[^\n]*+)"
_LINE_HASH = r"(?P<comment>^[ \t]*+\#[^\n]*+)"
_DOUBLE = r'(?P<double>"(?:[^"\\\n]|\\[^\n])*+"?)'
_SINGLE = r"(?P<single>'(?:[^'\\\n]|\\[^\n])*+'?)"
_BLOCK = r"(?P<block>/\*(?:[^*]|\*(?!/))*+(?:\*/)?)"
_JINJA = r"(?P<jinja>\{\#(?:[^#]|\#(?!\}))*+(?:\#\})?)"
_SLASHES = r"(?P<comment>//[^\n]*+)"
_LONG_DOUBLE = r'(?P<long_double>"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:""")?)'
_LONG_SINGLE = r"(?P<long_single>'''(?:[^'\\]|\\[\s\S]|'(?!''))*+(?:''')?)"
_TEMPLATE = r"(?P<template>`(?:[^`\\]|\\[\s\S])*+`?)"

_SHELL = _scanner(
    r"(?P<heredoc><<-?[ \t]*+(?P<q>['\"]?)(?P<word>[A-Za-z_]\w*+)(?P=q)"
    r"[^\n]*+\n(?:(?![ \t]*+(?P=word)[ \t]*+$)[^\n]*+(?:\n|\Z))*+)",
    r"(?P<escaped>\\[\s\S])",
    r'(?P<double>"(?:[^"\\]|\\[\s\S])*+"?)',
    r"(?P<single>'[^']*+'?)",
    _HASH_APART,
)
_SQL = _scanner(
    r"(?P<single>'(?:[^']|'')*+'?)",
    r'(?P<double>"[^"\n]*+"?)',
    r"(?P<template>`[^`\n]*+`?)",
    r"(?P<comment>--[^\n]*+)",
    _BLOCK,
    _JINJA,
    r"(?P<end>;)",
)
_SCANNERS = {
    "toml": _scanner(_LONG_DOUBLE, _LONG_SINGLE, _DOUBLE, r"(?P<single>'[^'\n]*+'?)", _HASH),
    "shell": _SHELL,
    "sql": _SQL,
    "jinja": _scanner(_JINJA),
    "env": _scanner(_DOUBLE, r"(?P<single>'[^'\n]*+'?)", _HASH_APART),
    "hash": _scanner(r"(?P<comment>(?:^|(?<=\s))\#[^\n]*+)"),
    "docker": _scanner(_LINE_HASH),
    "slashes": _scanner(_DOUBLE, _SINGLE, _TEMPLATE, _SLASHES, _BLOCK),
    "hcl": _scanner(_DOUBLE, _HASH, _SLASHES.replace("comment", "slashes"), _BLOCK),
    # a notebook's cell may hold magics, at which tokenize stops
    "cell": _scanner(_LONG_DOUBLE, _LONG_SINGLE, _DOUBLE, _SINGLE, _HASH),
}
_COMMENTS = ("comment", "block", "jinja", "slashes")
_MARKS = re.compile(r"^(?:\{#-?|/\*+|//+|--+|#+)|(?:-?#\}|\*+/)$")

_BY_ENDING = {
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".toml",), "toml"),
    **dict.fromkeys((".sh", ".bash", ".zsh"), "shell"),
    **dict.fromkeys((".sql",), "sql"),
    **dict.fromkeys((".j2", ".jinja", ".jinja2"), "jinja"),
    **dict.fromkeys((".env", ".envrc"), "env"),
    **dict.fromkeys((".txt", ".in", ".cfg", ".ini", ".conf", ".properties", ".mk", ".dockerignore"), "hash"),
    **dict.fromkeys((".js", ".jsx", ".ts", ".tsx", ".jsonc", ".json5", ".go", ".java", ".scala"), "slashes"),
    **dict.fromkeys((".groovy", ".kt"), "slashes"),
    **dict.fromkeys((".tf", ".tfvars", ".hcl"), "hcl"),
    ".ipynb": "notebook",
    ".dockerfile": "docker",
}
_BY_NAME = {"dockerfile": "docker", "containerfile": "docker", "pipfile": "toml", "makefile": "hash"} | {
    "jenkinsfile": "slashes",
    ".env": "env",
}


def language(path: str) -> str:
    """The language of a file, by its name; "" where none with comments is known."""
    name = path.rpartition("/")[2].lower()
    first, dot, ending = name.rpartition(".")
    if dot + ending in _BY_ENDING:
        return _BY_ENDING[dot + ending]
    for begin in (name, f".{name.split('.')[1]}" if name.startswith(".") and "." in name[1:] else first.split(".")[0]):
        if begin in _BY_NAME:
            return _BY_NAME[begin]
    return ""


def comments(kind: str, text: str) -> list[Comment]:
    """The comments of a text in language *kind*, in their order; none where the text is not of that language."""
    if kind == "python":
        found = _python(text)
    elif kind == "yaml":
        found = _yaml(text)
    elif kind in _SCANNERS:
        found = _scanned(_SCANNERS[kind], text)
    else:
        return []
    return list(_placed(found, text))


def cells(text: str) -> dict[int, str]:
    """The code of a notebook by cell, counted from 1 over all cells; nothing where it is no notebook."""
    try:
        data = json.loads(text)
        whole = data.get("cells") or [cell for sheet in data.get("worksheets", ()) for cell in sheet["cells"]]
        return {
            number: "".join(cell.get("source", cell.get("input", "")))
            for number, cell in enumerate(whole, start=1)
            if cell.get("cell_type") == "code"
        }
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}


def statement_ends(text: str) -> list[int]:
    """The offsets of the semicolons of a SQL text that end statements."""
    return [start for kind, start, _, _ in _SQL.spans(text) if kind == "end"]


def _scanned(scanner: Scanner, text: str) -> Iterator[tuple[int, int]]:
    for kind, start, end, _ in scanner.spans(text):
        if kind in _COMMENTS:
            yield start, end


def _offsets(text: str) -> list[int]:
    starts = [0]
    starts.extend(match.end() for match in re.finditer("\n", text))
    return starts


def _python(text: str) -> Iterator[tuple[int, int]]:
    starts = _offsets(text)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                begin = starts[token.start[0] - 1] + token.start[1]
                yield begin, begin + len(token.string)
    except (tokenize.TokenError, SyntaxError, IndexError):
        return  # what comes after it is no Python


def _yaml(text: str) -> Iterator[tuple[int, int]]:
    """A ``#`` at the start of a line or after a blank is a comment in YAML, except within a scalar."""
    candidates = [match.start() for match in re.finditer(r"(?:^|(?<=\s))#", text, re.MULTILINE)]
    scalars: list[tuple[int, int]] = []
    reached = len(text)
    try:
        for token in yaml.scan(text, Loader=YAML_LOADER):
            if isinstance(token, yaml.ScalarToken):
                scalars.append((token.start_mark.index, token.end_mark.index))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        reached = mark.index if mark is not None else 0
    within = iter([*scalars, (len(text) + 1, len(text) + 1)])
    start, end = next(within)
    done = 0
    for position in candidates:
        while end <= position:
            start, end = next(within)
        in_block = start < position and text[start] in "|>"
        header = in_block and "\n" not in text[start:position]
        if position < done or position >= reached or (start <= position and not header):
            continue
        line_end = text.find("\n", position)
        done = len(text) if line_end < 0 else line_end
        yield position, done


_BLANKS = re.compile(r"[ \t]*+")
_LINE_END = re.compile(r"[ \t]*+(?:\n|\Z)")


def _placed(found: Iterator[tuple[int, int]], text: str) -> Iterator[Comment]:
    line, line_start, indent = 1, 0, _BLANKS.match(text)
    counted = 0
    for start, end in found:
        skipped = text.count("\n", counted, start)
        counted = start
        if skipped:
            line += skipped
            line_start = text.rfind("\n", 0, start) + 1
            indent = _BLANKS.match(text, line_start)
        within = text[start:end]
        blank = len(within) - len(within.lstrip())
        before = indent is None or indent.end() >= start
        alone = before and (within.endswith("\n") or _LINE_END.match(text, end) is not None)
        body = _MARKS.sub("", within.strip())  # its lines stay lines: what stands on them has a place
        last = line + within.rstrip().count("\n")
        yield Comment(line, last, start + blank - line_start + 1, body.strip(" \t\r"), alone)
