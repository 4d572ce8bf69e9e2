"""TOML: the data as the standard library reads it, and the text to find places in."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.reading import Format, Source, Unreadable

_LINE = re.compile(r"at line (\d+), column (\d+)")
LOOKS = 1_000_000
"""Lines looked at for places in one file; beyond it an entry's place is its table."""


class TomlFile:
    """A TOML file: its *data*, and its *lines*."""

    def __init__(self, path: str, text: str, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self.lines = tuple(text.replace("\r\n", "\n").split("\n"))
        self._taken: set[tuple[int, int]] = set()
        self._heads = {n: head for n, line in enumerate(self.lines, 1) if "[" in line and (head := _head(line))}
        self._tables: dict[str, list[int]] = {}
        self._next: dict[str, int] = {}
        self._budget = LOOKS

    def place(self, text: str, table: str) -> Place:
        """Where *text* next stands within the table *table* (``project``, ``tool.poetry.dependencies``); the table's
        own line, or the file, where it can't be found. Each place is given once."""
        lines = self._table(table)
        head = Place(self.path, lines[0], 1) if lines and self._heads.get(lines[0]) == table else Place(self.path, 1)
        first = self._next.get(table, 0)
        # entries are asked for in their order, so that what comes next stands below what was found last
        for position in (*range(first, len(lines)), *range(first)):
            number = lines[position]
            self._budget -= 1
            if self._budget < 0:
                break
            line = self.lines[number - 1]
            at = line.find(text)
            while at >= 0:
                if (number, at) not in self._taken:
                    self._taken.add((number, at))
                    self._next[table] = position
                    return Place(self.path, number, at + 1, number, at + 1 + len(text))
                at = line.find(text, at + 1)
        return head

    def _table(self, table: str) -> list[int]:
        """The lines of a table, of those below it and, for a dotted key, of those above it; its own head first."""
        if table not in self._tables:
            own: list[int] = []
            others: list[int] = []
            name = ""
            for number in range(1, len(self.lines) + 1):
                name = self._heads.get(number, name)
                if name == table:
                    own.append(number)
                elif name.startswith(f"{table}.") or (name and table.startswith(f"{name}.")):
                    others.append(number)
            self._tables[table] = own + others
        return self._tables[table]


def _head(line: str) -> str | None:
    """The name of the table that a line opens, without quotes and blanks; None where it opens none."""
    text = line.partition("#")[0].strip()
    if not (text.startswith("[") and text.endswith("]")) or "," in text:
        return None
    name = text.strip("[]")
    return re.sub(r"[\s\"']", "", name) if "[" not in name and "]" not in name else None


def _parse(source: Source) -> TomlFile:
    text = source.text()
    try:
        return TomlFile(source.path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        match = _LINE.search(str(error))
        place = Place(source.path, int(match[1]), int(match[2])) if match else Place(source.path)
        raise Unreadable(place, f"TOML can't be parsed: {str(error).partition(' (at')[0]}") from error
    except RecursionError as error:
        raise Unreadable(Place(source.path), "TOML is nested too deeply; not read") from error


TOML: Format[TomlFile] = Format("toml", _parse)
