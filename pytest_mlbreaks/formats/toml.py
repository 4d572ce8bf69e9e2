"""TOML: the data as the standard library reads it, and the text to find places in."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.reading import Format, Source, Unreadable

_LINE = re.compile(r"at line (\d+), column (\d+)")
_TABLE = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")


class TomlFile:
    """A TOML file: its *data*, and its *lines*."""

    def __init__(self, path: str, text: str, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self.lines = tuple(text.replace("\r\n", "\n").split("\n"))
        self._taken: set[tuple[int, int]] = set()

    def place(self, text: str, table: str) -> Place:
        """Where *text* next stands within the table *table* (``project``, ``tool.poetry.dependencies``); the table's
        own line, or the file, where it can't be found. Each place is given once."""
        inside = False
        head = Place(self.path, 1)
        for number, line in enumerate(self.lines, 1):
            match = _TABLE.match(line)
            if match:
                name = match[1].replace('"', "").replace("'", "").replace(" ", "")
                inside = name == table or name.startswith(f"{table}.") or table.startswith(f"{name}.")
                if name == table:
                    head = Place(self.path, number, 1)
            if not inside:
                continue
            at = line.find(text)
            while at >= 0:
                if (number, at) not in self._taken:
                    self._taken.add((number, at))
                    return Place(self.path, number, at + 1, number, at + 1 + len(text))
                at = line.find(text, at + 1)
        return head


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
