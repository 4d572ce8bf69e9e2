"""Settings as written: plain data in which every key and value knows its line. From YAML and from TOML."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_mlbreaks.formats.yaml import YAML, YamlNode
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.reading import Source, Unreadable


class ConfigError(ValueError):
    """A mistake in a configuration; *place* is the file, as people know it, and the line."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place.path}:{place.line}: {message}" if place.line else f"{place.path}: {message}")
        self.place = place
        self.message = message


@dataclasses.dataclass(frozen=True)
class Node:
    """A value: a dict of (place of the key, node), a list of nodes, or a scalar. *written* is a YAML scalar's text
    where that is no quoted string: ``0.10`` is the number 0.1, and may be meant as text."""

    value: dict[str, tuple[Place, Node]] | list[Node] | str | int | float | bool | None
    place: Place
    written: str | None = None

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, (_, node) in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


# --------------------------------------------------------------------------------------------------------- YAML


def from_yaml(path: str, data: bytes) -> Node:
    """The settings of a YAML file (an empty one has none). Raises ConfigError."""
    try:
        file = YAML.parse(Source(path, data))
    except Unreadable as error:
        raise ConfigError(error.place, error.message) from error
    for diagnostic in file.diagnostics:
        raise ConfigError(diagnostic.place, diagnostic.message)
    if len(file.documents) > 1:
        raise ConfigError(file.documents[1].place, "a second document: settings are one")
    if not file.documents:
        return Node({}, Place(path, 1))
    node = _yaml(file.documents[0])
    return Node({}, node.place) if node.value is None else node


def _yaml(node: YamlNode) -> Node:
    place = node.place
    if node.tag:
        raise ConfigError(place, f"the tag {node.tag} means nothing here")
    if node.is_mapping:
        return Node({key: (key_node.place, _yaml(value)) for key, key_node, value in node.items()}, place)
    if node.is_sequence:
        return Node([_yaml(element) for element in node.elements()], place)
    return Node(node.scalar, place, None if node.quoted else node.text)


# --------------------------------------------------------------------------------------------------------- TOML

_HEAD = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")

Path = tuple[str | int, ...]


def from_toml(path: str, data: bytes, *, within: Sequence[str]) -> Node | None:
    """The settings in the table *within* (``("tool", "mlbreaks")``) of a TOML file; None where it has no such table.
    Raises ConfigError."""
    try:
        text = Source(path, data).text()
    except Unreadable as error:
        raise ConfigError(error.place, error.message) from error
    try:
        table: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        told = str(error).partition(" (at")[0]
        raise ConfigError(Place(path, int(line[1]) if line else None), f"TOML can't be parsed: {told}") from error
    for key in within:
        table = table.get(key) if isinstance(table, dict) else None
    return None if table is None else _Toml(path, text).node(tuple(within), table)


class _Toml:
    """Where things stand in a TOML file: the line of each key that stands at the start of one, and of each table. What
    stands within a value (an array, an inline table) is looked for from the line of its key on."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines = text.split("\n")
        self._known: dict[Path, int] = {}
        counts: dict[Path, int] = {}
        table: Path = ()
        for number, line in enumerate(self._lines, start=1):
            head = _HEAD.match(line)
            if head:
                table = self._numbered(tuple(_parts(head[2])), counts)
                if head[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self._note(table, number)
            elif key := _KEY.match(line):
                self._note((*table, *_parts(key[1])), number)

    def _numbered(self, names: tuple[str, ...], counts: dict[Path, int]) -> Path:
        """The path of a table, with the number of the element for each array of tables on the way."""
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            if path in counts and position < len(names) - 1:
                path = (*path, counts[path])
        return path

    def _note(self, path: Path, number: int) -> None:
        for length in range(len(path), 0, -1):
            self._known.setdefault(path[:length], number)

    def node(self, path: Path, value: Any, line: int = 1) -> Node:
        """*value* and all in it with places; *line* is where to look for what no line starts with."""
        line = self._known.get(path, line)
        if isinstance(value, dict):
            entries = {}
            for key, inner in value.items():
                at = self._known.get((*path, key)) or self._find(key, line)
                entries[key] = (Place(self._path, at), self.node((*path, key), inner, at))
            return Node(entries, Place(self._path, line))
        if isinstance(value, list):
            elements = []
            for number, inner in enumerate(value):
                line = self._known.get((*path, number)) or (self._find(inner, line) if isinstance(inner, str) else line)
                elements.append(self.node((*path, number), inner, line))
            return Node(elements, Place(self._path, self._known.get(path, line)))
        plain = value if isinstance(value, str | int | float | bool) else str(value)
        return Node(plain, Place(self._path, line))

    def _find(self, text: str, line: int) -> int:
        """The first line from *line* on that holds *text*; *line* where none of the next hundred does."""
        for number in range(line, min(line + 100, len(self._lines) + 1)):
            if text in self._lines[number - 1]:
                return number
        return line


def _parts(dotted: str) -> Iterator[str]:
    return (part.strip("\"'") for part in _PART.findall(dotted))
