"""YAML with positions, by libyaml where PyYAML has it. Nothing is constructed: tags are never acted on.

What YAML allows and no pipeline means (repeated keys, aliases that grow without bound) becomes a diagnostic.
"""

from __future__ import annotations

import io
import math
import operator
import re
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import yaml

from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.model.expr import Scalar
from pytest_mlbreaks.reading import Format, Source, Unreadable

EXPANSION_LIMIT = 200_000
"""Nodes of one document, aliases expanded. The largest file of the surveyed pipelines has a tenth of that."""

_STANDARD_TAGS = "tag:yaml.org,2002:"
_MAPPING, _SEQUENCE, _TEXT = (f"{_STANDARD_TAGS}{kind}" for kind in ("map", "seq", "str"))
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_TAGS = 20_000
"""Texts whose tags are remembered."""

_LONGEST = 40
"""Letters of a text whose tag is remembered: numbers, dates and truth values are no longer."""
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_ANCHOR = re.compile(r"(?:^|[\s\[{,:\ufeff])&\S", re.MULTILINE)
_DOCUMENT_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)


class _Loader(_Base):  # type: ignore[misc]
    """PyYAML's loader, which is asked for the tag of each node: that of a scalar is remembered by its text, and no tag
    goes by the path to a node."""

    _tags: ClassVar[dict[str, str]] = {}
    _first = frozenset(letter for letter in _Base.yaml_implicit_resolvers if letter)

    # No resolver goes by the path to a node. Both are called for each node: these take what they are given, do nothing
    # that anybody would notice, and are no Python code.
    descend_resolver: ClassVar[Any] = operator.is_
    ascend_resolver: ClassVar[Any] = int

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """The tag of a node that has none."""
        if kind is not yaml.ScalarNode:
            return _MAPPING if kind is yaml.MappingNode else _SEQUENCE
        if not value or not implicit[0]:
            return str(super().resolve(kind, value, implicit))
        if value[0] not in self._first:
            return _TEXT
        tag = self._tags.get(value)
        if tag is None:
            tag = str(super().resolve(kind, value, implicit))
            if len(value) <= _LONGEST:
                if len(self._tags) >= _MOST_TAGS:
                    self._tags.clear()
                self._tags[value] = tag
        return tag


class YamlNode:
    """A mapping, sequence or scalar with its place. Merge keys (``<<``) apply; of repeated keys the last counts."""

    __slots__ = ("_entries", "_file", "_node")

    def __init__(self, node: yaml.Node, file: YamlFile) -> None:
        self._node = node
        self._file = file
        self._entries: dict[str, tuple[YamlNode, YamlNode]] | None = None

    @property
    def file(self) -> YamlFile:
        """The file that the node is of."""
        return self._file

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    @property
    def is_scalar(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode)

    @property
    def place(self) -> Place:
        return self._file.place_of(self._node)

    @property
    def text_place(self) -> Place:
        """Place of a scalar's text: for block style that is the line after the indicator."""
        place = self.place
        if not self.block or place.line is None:
            return place
        return Place(place.path, place.line + 1, None, place.end_line, place.end_column)

    @property
    def text(self) -> str | None:
        """The text of a scalar as written, quotes and folding undone; None for null and for everything else."""
        if not isinstance(self._node, yaml.ScalarNode) or self._node.tag == "tag:yaml.org,2002:null":
            return None
        return str(self._node.value)

    @property
    def tag(self) -> str:
        """The application's own tag (``!Ref``), which says that the text is not the value; "" where there is none."""
        tag = str(self._node.tag or "")
        if tag.startswith(_STANDARD_TAGS):
            return tag if tag.startswith(f"{_STANDARD_TAGS}python/") else ""
        return "" if tag == "!" else tag

    @property
    def is_template(self) -> bool:
        """Whether this is ``{{ x }}`` without quotes, which YAML takes for a mapping whose key is a mapping."""
        node = self._node
        return (
            isinstance(node, yaml.MappingNode)
            and len(node.value) == 1
            and isinstance(node.value[0][0], yaml.MappingNode)
        )

    @property
    def quoted(self) -> bool:
        """Whether a scalar is in quotes or in block style (so that ``"1"`` is text)."""
        return isinstance(self._node, yaml.ScalarNode) and bool(self._node.style)

    @property
    def block(self) -> bool:
        """Whether a scalar is in literal or folded block style: its text then starts on the next line."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.style in ("|", ">")

    @property
    def literal(self) -> bool:
        """Whether a scalar is in literal block style: each line of its text is a line of the file."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.style == "|"

    @property
    def scalar(self) -> Scalar:
        """The scalar as text, number, truth value or None, by YAML 1.1 as Kubernetes and GitHub read it."""
        text = self.text
        if text is None:
            return None
        tag = self._node.tag
        if tag == "tag:yaml.org,2002:bool":
            return text.lower() in ("true", "yes", "on", "y")
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            number = _number(text.replace("_", ""))
            return text if number is None else number
        return text

    def get(self, *keys: str) -> YamlNode | None:
        """The value under the keys, one after the other; None where one is missing or not a mapping."""
        node = self
        for key in keys:
            entries = node._entries  # which is what is asked for most
            entry = (node.entries if entries is None else entries).get(key)
            if entry is None:
                return None
            node = entry[1]
        return node

    def key_place(self, key: str) -> Place:
        """Where *key* stands in this mapping (the mapping's own place if it has no such key)."""
        entry = self.entries.get(key)
        return entry[0].place if entry else self.place

    def items(self) -> Iterator[tuple[str, YamlNode, YamlNode]]:
        """Key text, key node and value of a mapping; nothing for other nodes."""
        for text, (key, value) in self.entries.items():
            yield text, key, value

    def elements(self) -> Iterator[YamlNode]:
        """The elements of a sequence; nothing for other nodes."""
        if isinstance(self._node, yaml.SequenceNode):
            for child in self._node.value:
                yield YamlNode(child, self._file)

    @property
    def entries(self) -> dict[str, tuple[YamlNode, YamlNode]]:
        """Key and value nodes of a mapping by the key's text."""
        if self._entries is None:
            self._entries = {}
            if isinstance(self._node, yaml.MappingNode):
                self._fill(self._entries, self._node, frozenset())
        return self._entries

    def _fill(self, into: dict[str, tuple[YamlNode, YamlNode]], node: yaml.MappingNode, seen: frozenset[int]) -> None:
        own: dict[str, tuple[YamlNode, YamlNode]] = {}
        file = self._file
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            text = key.value
            if text == "<<" and not key.style:
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for base in reversed(merged):  # the first of several bases wins
                    if isinstance(base, yaml.MappingNode) and id(base) not in seen:
                        self._fill(into, base, seen | {id(node)})
            else:
                own[text] = (YamlNode(key, file), YamlNode(value, file))
        into.update(own)

    def __repr__(self) -> str:
        return f"<YamlNode {type(self._node).__name__} at {self.place}>"


class RepeatedName(NamedTuple):
    """A key that one mapping has twice: its text, the *first* place, and the one where it stands again."""

    text: str
    first: Place
    again: Place


class YamlFile:
    """The documents of a YAML file that could be parsed, and what was found wrong with the others; *repeated* are the
    keys that one mapping has twice."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.diagnostics: list[Diagnostic] = []
        self.repeated: list[RepeatedName] = []
        self._offsets: dict[str, int] = {}  # name of a stream -> lines before it
        # an alias needs an anchor; a star alone is a cron or a glob more often than not
        self._aliases = "*" in text and "&" in text and _ANCHOR.search(text) is not None
        self.documents: tuple[YamlNode, ...] = tuple(self._parse(text))

    def release(self) -> None:
        """Forget the documents, which know the file; so all of it is freed at once."""
        self.documents = ()

    def place_of(self, node: yaml.Node) -> Place:
        """Place of a node; the end of a block scalar or collection is where its text ends."""
        start, end = node.start_mark, node.end_mark
        offset = self._offsets.get(start.name, 0)
        return Place(self.path, start.line + 1 + offset, start.column + 1, end.line + 1 + offset, end.column + 1)

    def _parse(self, text: str) -> Iterator[YamlNode]:
        try:
            roots = list(_compose(text))
        except (yaml.YAMLError, RecursionError) as error:
            roots = list(self._parse_apart(text, error))
        for root in roots:
            if self._sound(root):
                yield YamlNode(root, self)

    def _parse_apart(self, text: str, error: Exception) -> Iterator[yaml.Node]:
        """The documents that parse on their own, when the file as a whole does not."""
        starts = [0, *(m.start() for m in _DOCUMENT_START.finditer(text) if m.start())]
        if len(starts) == 1 or isinstance(error, RecursionError):
            self.diagnostics.append(self._why(text, error, 0))
            return
        lines, before = 0, 0
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            lines, before = lines + text.count("\n", before, start), start
            name = f"document at line {lines + 1}"
            self._offsets[name] = lines
            try:
                yield from list(_compose(text[start:end], name))
            except (yaml.YAMLError, RecursionError) as part_error:
                self.diagnostics.append(self._why(text[start:end], part_error, lines))

    def _why(self, text: str, error: Exception, lines: int) -> Diagnostic:
        mark = getattr(error, "problem_mark", None)
        place = Place(self.path, mark.line + 1 + lines, mark.column + 1) if mark else Place(self.path, lines + 1)
        if "{{" in text or "{%" in text:
            return Diagnostic(place, "warning", "a template, not YAML until it is rendered; not read")
        if isinstance(error, RecursionError):
            return Diagnostic(place, "error", "YAML is nested too deeply; not read")
        problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
        return Diagnostic(place, "error", f"YAML can't be parsed: {problem}")

    def _sound(self, root: yaml.Node) -> bool:
        """Whether a document is finite and of a sane size; notes repeated keys on the way."""
        if not self._aliases:  # the document is a tree, as large as its text
            pending = [root]
            while pending:
                node = pending.pop()
                if node.__class__ is yaml.MappingNode:
                    if len(node.value) > 1:
                        self._note_repeated_keys(node)
                    pending += [value for _, value in node.value if value.__class__ is not yaml.ScalarNode]
                elif node.__class__ is yaml.SequenceNode:
                    pending += [value for value in node.value if value.__class__ is not yaml.ScalarNode]
            return True
        sizes: dict[int, int] = {}
        stack: list[tuple[yaml.Node, bool]] = [(root, False)]
        open_nodes: set[int] = set()
        while stack:
            node, done = stack.pop()
            if isinstance(node, yaml.ScalarNode):
                continue
            identity = id(node)
            children = _children(node)
            if done:
                open_nodes.discard(identity)
                sizes[identity] = 1 + sum(sizes.get(id(c), 1) for c in children)
                continue
            if identity in sizes:
                continue
            if identity in open_nodes:
                self.diagnostics.append(
                    Diagnostic(self.place_of(node), "error", "YAML alias contains itself; not read")
                )
                return False
            open_nodes.add(identity)
            stack.append((node, True))
            stack.extend((c, False) for c in children if id(c) not in sizes and not isinstance(c, yaml.ScalarNode))
            if isinstance(node, yaml.MappingNode):
                self._note_repeated_keys(node)
        size = sizes.get(id(root), 1)
        if size > EXPANSION_LIMIT:
            shown = f"{size:,}" if size < 10**12 else "over a million million"
            self.diagnostics.append(
                Diagnostic(self.place_of(root), "error", f"YAML expands to {shown} nodes through aliases; not read")
            )
            return False
        return True

    def _note_repeated_keys(self, node: yaml.MappingNode) -> None:
        if len(node.value) == 1:
            return
        try:
            texts = {key.value for key, _ in node.value}
        except TypeError:  # a key that is a collection: its value is a list
            texts = set()
        if len(texts) == len(node.value):
            return
        seen: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            first = seen.setdefault(key.value, key)
            if first is not key:
                found = RepeatedName(key.value, self.place_of(first), self.place_of(key))
                self.repeated.append(found)
                message = f"key {found.text!r} is repeated (first on line {found.first.line}); the last one counts"
                self.diagnostics.append(Diagnostic(found.again, "warning", message))


def _number(digits: str) -> int | float | None:
    """The number that *digits* are in YAML 1.1, where a leading zero means octal; None where they are none, or one that
    64 bits do not hold."""
    if len(digits) > 100:
        return None
    base = 8 if _OCTAL.fullmatch(digits) else 10
    for convert in (lambda t: int(t, base), lambda t: int(t, 0), float):
        try:
            number: int | float = convert(digits)
        except ValueError:
            continue
        held = math.isfinite(number) if isinstance(number, float) else abs(number) < 2**63
        return number if held else None
    return None


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


class _Named(io.StringIO):
    """Text whose name is kept in every mark, by which `YamlFile.place_of` knows the lines before it."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def _compose(text: str, name: str = "") -> Iterator[yaml.Node]:
    loader = _Loader(_Named(text, name) if name else text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


def _parse(source: Source) -> YamlFile:
    text = source.text()
    if "\0" in text:
        raise Unreadable(Place(source.path), "contains null bytes: not text")
    return YamlFile(source.path, text)


YAML: Format[YamlFile] = Format("yaml", _parse, YamlFile.release)
