"""Env files (``.env``): ``KEY=value`` lines, as python-dotenv, Compose and kustomize read them.

Where these differ (``#`` after a value, ``$NAME``), the reading is Compose's:
https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import EnvVar, Expr, Literal
from pytest_mlbreaks.model.facts import EnvFile, Variable
from pytest_mlbreaks.placeholders import kept_secret, written
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url

QUOTED_LINES_LIMIT = 200
"""Lines of one quoted value. A quote that stays open longer is one that was forgotten."""

_LINE = re.compile(r"(\s*(?:export\s+)?)([A-Za-z_][\w.-]*)[ \t]*(?:(=|: )[ \t]*(.*))?$")
_COMMENT = re.compile(r"(?:^|(?<=\s))#")
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\"": '"', r"\\": "\\"}
_ESCAPE = re.compile(r"\\[nrt\"\\]")


def _claims(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    entries: dict[str, Variable] = {}
    unread = None
    index = 0
    while index < len(file.lines):
        line = file.lines[index]
        index += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            unread = unread or index
            continue
        start = len(match[1])
        place = Place(file.path, index, start + 1, index, len(line.rstrip()) + 1)
        if match[3] is None:
            entries[match[2]] = Variable(name=match[2], value=EnvVar(match[2], None, "host"), place=place)
            continue
        value, more = _value(file, match[2], match[4], index)
        index += more
        entries[match[2]] = Variable(name=match[2], value=value, place=place)
    if unread is not None:
        yield Diagnostic(Place(file.path, unread), "note", "no KEY=value line; not read")
    yield EnvFile(entries=tuple(entries.values()), place=Place(file.path))


def _value(file: TextFile, name: str, raw: str, following: int) -> tuple[Expr, int]:
    """The expression after the ``=`` of *name*, and how many of the *following* lines belong to it."""
    quote = raw[:1]
    if quote not in ("'", '"'):
        text = _COMMENT.split(raw, maxsplit=1)[0].strip()
        return kept_secret(name, text, file.path, written(text)), 0
    body, more = raw[1:], 0
    while (end := _closing(body, quote)) < 0:
        if following + more >= len(file.lines) or more == QUOTED_LINES_LIMIT:
            text = _COMMENT.split(raw, maxsplit=1)[0].strip()  # a quote that never closes is a character like any other
            return kept_secret(name, text, file.path, written(text)), 0
        body = f"{body}\n{file.lines[following + more]}"
        more += 1
    text = body[:end]
    if quote == "'":
        return kept_secret(name, text, file.path, Literal(redact_url(text))), more
    text = _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], text)
    return kept_secret(name, text, file.path, written(text)), more


def _closing(body: str, quote: str) -> int:
    """Index of the quote that closes *body*, or -1. A backslash keeps the quote behind it from closing."""
    position = body.find(quote)
    while position > 0 and (len(body[:position]) - len(body[:position].rstrip("\\"))) % 2:
        position = body.find(quote, position + 1)
    return position


READER: Reader[TextFile] = Reader("env-files", 1, TEXT, (EnvFile,), _claims, _read)
