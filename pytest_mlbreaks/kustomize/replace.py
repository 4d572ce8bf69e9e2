"""``replacements``: fields of one object that are put into others.

Rules: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/.
"""

from __future__ import annotations

import dataclasses
import re

from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.kustomize.nodes import changed, mapping, scalar, sequence
from pytest_mlbreaks.kustomize.resource import Resource, Selector, elements, text
from pytest_mlbreaks.kustomize.strategic import CannotApply

_PART = re.compile(r"\[[^\]]*\]|(?:\\.|[^.\[\\])+")


def replaced(resources: list[Resource], replacement: YamlNode) -> list[Resource]:
    """*resources* after one *replacement*. Where its value cannot be told, its targets have failed."""
    value, why = _source(resources, replacement)
    for target in elements(replacement.get("targets")):
        selected = target.get("select")
        if selected is None:
            continue
        wanted = Selector.of(selected)
        rejected = [Selector.of(one) for one in elements(target.get("reject"))]
        fields = [text(one) for one in elements(target.get("fieldPaths"))] or ["metadata.name"]
        made = []
        for resource in resources:
            if wanted.fits(resource) is False or any(one.fits(resource) for one in rejected) or resource.gone:
                made.append(resource)
            else:
                made.append(_put(resource, value, why, fields, target.get("options")))
        resources = made
    return resources


def _put(resource: Resource, value: YamlNode | None, why: str, fields: list[str], options: YamlNode | None) -> Resource:
    if value is None:
        return dataclasses.replace(resource, failed=resource.failed or why)
    create = options is not None and options.get("create") is not None
    try:
        node = resource.node
        for field in fields:
            node = _set(node, _parts(field), value, options, create)
    except CannotApply as error:
        return dataclasses.replace(resource, failed=str(error))
    name = text(node.get("metadata", "name"))
    return dataclasses.replace(resource, node=node, names=resource.names | {name})


def _source(resources: list[Resource], replacement: YamlNode) -> tuple[YamlNode | None, str]:
    source = replacement.get("source")
    if source is None:
        return replacement.get("sourceValue"), "a replacement without a source"
    selector = Selector.of(source)
    found = [resource for resource in resources if selector.fits(resource) is not False and not resource.gone]
    if len(found) != 1 or found[0].failed or selector.fits(found[0]) is None:
        return None, "the source of a replacement cannot be told"
    node: YamlNode | None = found[0].node
    if node is not None and node.get("stringData") is not None:
        return None, "the source of a replacement is a secret"
    try:
        for part in _parts(text(source.get("fieldPath")) or "metadata.name"):
            node = _below(node, part) if node is not None else None
        delimiter = text(source.get("options", "delimiter"))
        if node is not None and delimiter:
            words = text(node).split(delimiter)
            node = scalar(words[_index(source.get("options"), len(words))], node)
    except CannotApply as error:
        return None, str(error)
    return node, "the source of a replacement cannot be told"


def _index(options: YamlNode | None, count: int) -> int:
    written = options.get("index") if options is not None else None
    index = int(text(written)) if text(written).isdigit() else 0
    if index >= count:
        raise CannotApply("a part of a replacement's value is not there")
    return index


def _parts(path: str) -> list[str]:
    return [part.replace("\\.", ".") for part in _PART.findall(path)]


def _below(node: YamlNode, part: str) -> YamlNode | None:
    if node.is_mapping:
        return node.get(part)
    items = list(node.elements())
    if part.isdigit() and int(part) < len(items):
        return items[int(part)]
    return next((one for one in items if _is_meant(one, part)), None)


def _is_meant(node: YamlNode, part: str) -> bool:
    key, equals, value = part.strip("[]").partition("=")
    return bool(part.startswith("[") and equals) and node.is_mapping and text(node.get(key)) == value


def _set(node: YamlNode, parts: list[str], value: YamlNode, options: YamlNode | None, create: bool) -> YamlNode:
    if not parts:
        return _filled(node, value, options)
    part, rest = parts[0], parts[1:]
    if node.is_mapping:
        held = node.get(part)
        if held is None and not create:
            raise CannotApply("a field that a replacement fills in is not there")
        return changed(node, part, _set(held if held is not None else mapping({}, value), rest, value, options, create))
    if not node.is_sequence:
        raise CannotApply("a field that a replacement fills in is not there")
    items, hit = [], False
    for index, one in enumerate(node.elements()):
        meant = part == "*" or part == str(index) or _is_meant(one, part)
        items.append(_set(one, rest, value, options, create) if meant else one)
        hit = hit or meant
    if not hit:
        raise CannotApply("a field that a replacement fills in is not there")
    return sequence(items, node)


def _filled(node: YamlNode, value: YamlNode, options: YamlNode | None) -> YamlNode:
    """The field *node* with *value* in it: whole, or in the place of one of its words."""
    delimiter = text(options.get("delimiter")) if options is not None else ""
    if not delimiter:
        return value
    if not node.is_scalar or not value.is_scalar:
        raise CannotApply("a replacement of a part of what is no text")
    words = text(node).split(delimiter)
    words[_index(options, len(words))] = text(value)
    return scalar(delimiter.join(words), value)
