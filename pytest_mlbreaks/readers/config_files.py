"""YAML files that a program or a chart takes its configuration from, told by where they stand and what they are called.

Every scalar is an entry; values under keys that tell a secret are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import ConfigEntry, ConfigPackage
from pytest_mlbreaks.placeholders import TEMPLATED, kept_secret, written
from pytest_mlbreaks.reading import Reader, Wanted

ENTRY_LIMIT = 2_000
"""Entries of one file. What is longer is data."""

DEPTH_LIMIT = 50
"""Keys of one path. Nobody writes by hand what lies deeper."""

_FOLDERS = frozenset({"config", "conf", "configs", "configuration", "settings", "environments", "env", "envs"})
_NAMES = re.compile(r"(?:config|settings|values)(?:[-_.].*)?|.*[-_.](?:config|settings|values)|params|parameters")
_ELSEWHERE = re.compile(r"(?:docker-)?compose\b.*|kustomization|chart|\.gitlab-ci|\.pre-commit-config|.*\.lock")


_HEADER = 2_000
_PACKAGE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n){0,20}?#[ \t]*@package[ \t]+([\w.]+)")
"""https://hydra.cc/docs/advanced/overriding_packages/: in one of the comments that a file begins with."""


def _claims(path: str) -> bool:
    folders, _, name = path.lower().rpartition("/")
    stem, _, extension = name.rpartition(".")
    if extension not in ("yaml", "yml") or _ELSEWHERE.fullmatch(stem):
        return False
    parts = folders.split("/")
    if any(part.startswith(".") for part in parts):
        return False  # a tool's own: .github, .circleci
    return _NAMES.fullmatch(stem) is not None or not _FOLDERS.isdisjoint(parts)


def _configuration(document: YamlNode) -> bool:
    """Whether a document is no manifest, no conda environment and no list of patches."""
    if document.is_sequence:
        first = next(document.elements(), None)
        return first is None or first.get("op") is None or first.get("path") is None
    for keys in (("apiVersion", "kind"), ("channels", "dependencies"), ("repos", "ci"), ("openapi", "paths")):
        if all(document.get(key) is not None for key in keys):
            return False
    return True


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    package = _PACKAGE.match(file.text) if "@package" in file.text[:_HEADER] else None
    if package is not None:
        yield ConfigPackage(package=package[1], place=Place(file.path, 1))
    count = 0
    for document in file.documents:
        if not _configuration(document):
            continue
        for key, leaf in _leaves(document):
            if not (leaf.is_scalar or leaf.is_template):
                message = f"nested more than {DEPTH_LIMIT} deep; what is below is not read"
                yield Diagnostic(leaf.place, "note", message)
                continue
            if count == ENTRY_LIMIT:
                yield Diagnostic(leaf.place, "note", f"more than {ENTRY_LIMIT:,} entries; the rest is not read")
                return
            count += 1
            yield ConfigEntry(key=key, value=_value(file.path, key, leaf), place=leaf.place)


def _leaves(document: YamlNode) -> Iterator[tuple[str, YamlNode]]:
    """The scalars of a document with their dotted keys, in the order of the file; and what lies too deep to be looked
    into."""
    pending: list[tuple[str, YamlNode, int]] = [("", document, 0)]
    while pending:
        key, node, depth = pending.pop()
        if node.is_scalar or node.is_template:
            if key:
                yield key, node
            continue
        if depth == DEPTH_LIMIT:
            yield key, node
            continue
        prefix = f"{key}." if key else ""
        if node.is_mapping:
            inner = [(prefix + name, value, depth + 1) for name, _, value in node.items()]
        else:
            inner = [(f"{prefix}{index}", value, depth + 1) for index, value in enumerate(node.elements())]
        pending.extend(reversed(inner))


def _value(path: str, key: str, leaf: YamlNode) -> Expr:
    if leaf.is_template:
        return TEMPLATED
    if leaf.tag:
        return kept_secret(_own_name(key), leaf.text or "", path, Unknown(f"what {leaf.tag} makes of it"))
    scalar = leaf.scalar
    if isinstance(scalar, float) and not math.isfinite(scalar):
        scalar = leaf.text
    value = written(scalar) if isinstance(scalar, str) else Literal(scalar)
    if scalar is None or isinstance(scalar, bool):
        return value
    return kept_secret(_own_name(key), leaf.text or "", path, value)


def _own_name(key: str) -> str:
    """The part of a dotted key that says what the value is: the last one that is no index."""
    return next((part for part in reversed(key.split(".")) if not part.isdigit()), key)


def _claims_chart(path: str) -> bool:
    return path.endswith("Chart.yaml") and path.rpartition("/")[2] == "Chart.yaml"


def _read_chart(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What a chart says of itself, which its templates ask for as ``.Chart``."""
    for document in file.documents:
        for key, _, leaf in document.items():
            if leaf.is_scalar:
                yield ConfigEntry(key=key, value=_value(file.path, key, leaf), place=leaf.place)


CHARTS: Reader[YamlFile] = Reader("helm-charts", 1, YAML, (ConfigEntry,), _claims_chart, _read_chart)
READER: Reader[YamlFile] = Reader("config-files", 2, YAML, (ConfigEntry, ConfigPackage), _claims, _read)
