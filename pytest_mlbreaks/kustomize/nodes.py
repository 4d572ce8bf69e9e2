"""Nodes of manifests that are put together of several files: each part keeps the place where it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import yaml

from pytest_mlbreaks.formats.yaml import YamlFile, YamlNode
from pytest_mlbreaks.model import Place

Entries = dict[str, tuple[YamlNode, YamlNode]]

_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset("0123456789.-+")


class _Made(YamlNode):
    """The base of what is put together. *at* is the node by whose place it is known."""

    __slots__ = ("_at",)

    def __init__(self, node: yaml.Node, at: YamlNode) -> None:
        super().__init__(node, at.file)
        self._at = at

    @property
    def place(self) -> Place:
        return self._at.place


class _Mapping(_Made):
    __slots__ = ()

    def __init__(self, entries: Entries, at: YamlNode) -> None:
        super().__init__(yaml.MappingNode(f"{_TAG}map", []), at)
        self._entries = entries


class _Sequence(_Made):
    __slots__ = ("_items",)

    def __init__(self, items: Sequence[YamlNode], at: YamlNode) -> None:
        super().__init__(yaml.SequenceNode(f"{_TAG}seq", []), at)
        self._items = tuple(items)

    def elements(self) -> Iterator[YamlNode]:
        return iter(self._items)


class _Scalar(_Made):
    __slots__ = ()

    @property
    def text_place(self) -> Place:
        return self._at.text_place


def mapping(entries: Mapping[str, tuple[YamlNode, YamlNode]], at: YamlNode) -> YamlNode:
    """A mapping of *entries* (key and value by the key's text), which stands where *at* does."""
    return _Mapping(dict(entries), at)


def sequence(items: Sequence[YamlNode], at: YamlNode) -> YamlNode:
    """A list of *items*, which stands where *at* does."""
    return _Sequence(items, at)


def scalar(text: str, at: YamlNode, *, number: bool = False) -> YamlNode:
    """A text, or a whole *number*, which stands where *at* does."""
    return _Scalar(yaml.ScalarNode(f"{_TAG}{'int' if number else 'str'}", text), at)


def changed(node: YamlNode, key: str, value: YamlNode | None, at: YamlNode | None = None) -> YamlNode:
    """The mapping *node* with *value* under *key*, or without it (None). *at*: where a key that is new stands."""
    entries = dict(node.entries)
    if value is None:
        entries.pop(key, None)
    else:
        old = entries.get(key)
        entries[key] = (old[0] if old is not None else scalar(key, at or value), value)
    return mapping(entries, node)


def changed_below(
    node: YamlNode, keys: Sequence[str], change: Callable[[YamlNode | None], YamlNode | None], at: YamlNode
) -> YamlNode:
    """The mapping *node* with what lies below *keys* as *change* makes it of what is there (None: nothing); mappings on
    the way that are not there are made, and stand where *at* does."""
    key, rest = keys[0], keys[1:]
    held = node.get(key)
    if rest:
        below = held if held is not None and held.is_mapping else mapping({}, at)
        return changed(node, key, changed_below(below, rest, change, at), at)
    return changed(node, key, change(held), at)


def rewritten(node: YamlNode, change: Callable[[str, YamlNode], YamlNode | None], key: str = "") -> YamlNode:
    """*node* with each mapping in it as *change* makes it, which is given the key that it stands under, and answers
    None for what stays as it is; from the inside out. What does not change is the same node."""
    if node.is_mapping:
        entries = {name: (at, rewritten(value, change, name)) for name, (at, value) in node.entries.items()}
        if any(entries[name][1] is not value for name, (_, value) in node.entries.items()):
            node = mapping(entries, node)
        return change(key, node) or node
    if node.is_sequence:
        old = list(node.elements())
        new = [rewritten(element, change, key) for element in old]
        if any(one is not other for one, other in zip(old, new, strict=True)):
            return sequence(new, node)
    return node


def at_line(path: str, text: str, line: int) -> YamlFile:
    """*text*, which stands in the file *path* from *line* on, as YAML of its own."""
    return YamlFile(path, "\n" * (line - 1) + text)
