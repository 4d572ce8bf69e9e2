"""JSON patches (RFC 6902) on nodes."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.kustomize.nodes import changed, sequence
from pytest_mlbreaks.kustomize.strategic import CannotApply

Change = tuple[str, YamlNode | None]
"""What an operation does at the end of its path, and the value that it brings."""


def patched(node: YamlNode, operations: YamlNode) -> YamlNode:
    """*node* with the list of *operations* done to it, in order. Raises CannotApply."""
    if not operations.is_sequence:
        raise CannotApply("a JSON patch is a list")
    for operation in operations.elements():
        what, path = _text(operation, "op"), _pointer(operation, "path")
        value = operation.get("value")
        if what in ("add", "replace"):
            if value is None:
                raise CannotApply("an operation without a value")
            node = _at(node, path, (what, value))
        elif what == "remove":
            node = _at(node, path, (what, None))
        elif what in ("move", "copy"):
            source = _pointer(operation, "from")
            found = _look(node, source)
            node = _at(node, source, ("remove", None)) if what == "move" else node
            node = _at(node, path, ("add", found))
        elif what == "test":
            if value is None or not same(_look(node, path), value):
                raise CannotApply("a test of a JSON patch fails")
        else:
            raise CannotApply("an operation of a JSON patch is not known")
    return node


def _at(node: YamlNode, path: Sequence[str], change: Change) -> YamlNode:
    if not path:
        raise CannotApply("a JSON patch of a whole object")
    key, rest = path[0], path[1:]
    if node.is_mapping:
        held = node.get(key)
        if rest:
            if held is None:
                raise CannotApply("a path of a JSON patch leads nowhere")
            return changed(node, key, _at(held, rest, change))
        if change[0] != "add" and held is None:
            raise CannotApply("a path of a JSON patch leads nowhere")
        return changed(node, key, change[1])
    if not node.is_sequence:
        raise CannotApply("a path of a JSON patch leads nowhere")
    return sequence(_in_list(list(node.elements()), key, rest, change), node)


def _in_list(items: list[YamlNode], key: str, rest: Sequence[str], change: Change) -> list[YamlNode]:
    what, value = change
    if key == "-" and not rest and what == "add" and value is not None:
        return [*items, value]
    if not key.isdigit() or int(key) > len(items) or (int(key) == len(items) and (rest or what != "add")):
        raise CannotApply("a path of a JSON patch leads nowhere")
    index = int(key)
    if rest:
        items[index] = _at(items[index], rest, change)
    elif what == "add" and value is not None:
        items.insert(index, value)
    elif what == "replace" and value is not None:
        items[index] = value
    else:
        del items[index]
    return items


def _look(node: YamlNode, path: Sequence[str]) -> YamlNode:
    for key in path:
        items = list(node.elements())
        if node.is_mapping:
            found = node.get(key)
        else:
            found = items[int(key)] if key.isdigit() and int(key) < len(items) else None
        if found is None:
            raise CannotApply("a path of a JSON patch leads nowhere")
        node = found
    return node


def same(one: YamlNode, other: YamlNode) -> bool:
    """Whether two nodes hold the same."""
    if one.is_mapping and other.is_mapping:
        keys = one.entries.keys()
        return keys == other.entries.keys() and all(same(one.entries[k][1], other.entries[k][1]) for k in keys)
    if one.is_sequence and other.is_sequence:
        mine, theirs = list(one.elements()), list(other.elements())
        return len(mine) == len(theirs) and all(map(same, mine, theirs))
    return one.is_scalar and other.is_scalar and one.text == other.text


def _text(operation: YamlNode, key: str) -> str:
    node = operation.get(key)
    return (node.text or "") if node is not None else ""


def _pointer(operation: YamlNode, key: str) -> list[str]:
    text = _text(operation, key)
    if not text.startswith("/"):
        raise CannotApply("a path of a JSON patch does not begin with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]
