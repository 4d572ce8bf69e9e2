"""Kustomize: what the kustomizations of a tree come to, put in the place of the manifests that they are made of.

Each kustomization that no other one takes in is a deployment of its own: its objects have it as their scope, and each
value the place where it is written. What cannot be told stays as its own file says it. Nothing is run, nothing fetched.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from pytest_mlbreaks.formats.yaml import YAML, YamlFile
from pytest_mlbreaks.kustomize.build import Builder, NotBuilt, roots
from pytest_mlbreaks.kustomize.resource import Resource
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Unknown, literal_text
from pytest_mlbreaks.model.facts import (
    Application,
    Autoscaler,
    ConfigObject,
    Container,
    Kustomization,
    LimitRange,
    ModelAccess,
    NetworkService,
    Variable,
    VolumeClaim,
    Workload,
)
from pytest_mlbreaks.readers.kubernetes import object_facts
from pytest_mlbreaks.reading import Source, Unreadable
from pytest_mlbreaks.recognised import aside
from pytest_mlbreaks.tree import ReadError, Tree

_MANIFEST = (Workload, Container, ConfigObject, NetworkService, Autoscaler, VolumeClaim, LimitRange, ModelAccess)


def deployed(tree: Tree, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """*facts* of *tree*, with what its kustomizations come to in the place of what they are made of."""
    listed = {f.path: f.lists for f in facts if isinstance(f, Kustomization) and not aside(f.path)}
    if not listed:
        return tuple(facts)
    wanted = {literal_text(f.source) or "" for f in facts if isinstance(f, Application) and f.source is not None}
    return _Deployed(tree, facts).put(roots(listed, {source.strip("./") for source in wanted if source}))


class _Deployed:
    """The facts of one tree."""

    def __init__(self, tree: Tree, facts: Sequence[Fact]) -> None:
        self._tree = tree
        self._facts = facts
        self._paths = frozenset(tree.paths())
        self._said: dict[str, set[str]] = defaultdict(set)
        for fact in facts:
            if isinstance(fact, (*_MANIFEST, Kustomization)):
                self._said[fact.path].add(fact.identity)
        self._files: dict[str, YamlFile | None] = {}
        self._origins: dict[tuple[str, int], Resource] = {}
        self._kept: set[tuple[str, int]] = set()
        self._kept_files: set[str] = set()
        self._generators: set[str] = set()
        self._kept_generators: set[str] = set()

    def put(self, paths: Sequence[str]) -> tuple[Fact, ...]:
        """The facts, with what the kustomizations *paths* come to."""
        builder = Builder(self._paths, self._parse, self._content, self._idle())
        made: list[Fact] = []
        for path in paths:
            try:
                built = builder.build(path)
            except (NotBuilt, RecursionError):
                self._keep(path)
                continue
            for resource in built:
                made.extend(self._said_of(resource, path))
        replaced = self._replaced(builder)
        left = (fact for fact in self._facts if not (isinstance(fact, _MANIFEST) and fact.identity in replaced))
        return (*left, *made)

    def _idle(self) -> frozenset[str]:
        """The files of resources of which no reader says anything: definitions, which are long, roles and the like."""
        holders = (fact for fact in self._facts if isinstance(fact, Kustomization))
        return frozenset(path for holder in holders for path in holder.lists if path not in self._said)

    def _keep(self, root: str) -> None:
        """Leave all that the kustomization *root* takes in as its own files say it."""
        by_folder = {f.path.rpartition("/")[0] or ".": f for f in self._facts if isinstance(f, Kustomization)}
        pending = [root.rpartition("/")[0] or "."]
        while pending:
            path = pending.pop()
            holder = by_folder.get(path)
            file = holder.path if holder is not None else path
            if file not in self._kept_files:
                self._kept_files.add(file)
                pending.extend(holder.lists if holder is not None else ())

    def _said_of(self, resource: Resource, root: str) -> Iterator[Fact]:
        """The facts of an object as the kustomization *root* makes it."""
        where = resource.origin
        if resource.failed:
            self._kept.add(where)
            self._kept_generators.update(resource.generators)
            return
        self._origins.setdefault(where, resource)
        self._generators.update(resource.generators)
        if resource.gone:
            return
        for fact in object_facts(where[0], resource.node, root):
            yield as_generated(fact, resource)

    def _replaced(self, builder: Builder) -> set[str]:
        """The identities of the facts in whose place others stand."""
        found = {one for one in self._generators - self._kept_generators if _file_of(one) not in self._kept_files}
        by_file: dict[str, set[int]] = defaultdict(set)
        for path, number in self._origins.keys() - self._kept:
            if number >= 0 and path not in self._kept_files:
                by_file[path].add(number)
        for path, numbers in by_file.items():
            found.update(fact.identity for fact in self._written(path, numbers))
        for path in builder.used.applied - builder.used.open - by_file.keys():
            found.update(self._said[path])
        return found

    def _written(self, path: str, numbers: set[int]) -> Iterator[Fact]:
        """What the reader says of some objects of a file."""
        document = self._files.get(path)
        pending = list(reversed(document.documents)) if document is not None else []
        number = 0
        while pending:
            node = pending.pop()
            kind = node.get("kind")
            items = node.get("items")
            if kind is not None and (kind.text or "").endswith("List") and items is not None:
                pending.extend(reversed(list(items.elements())))
            elif number in numbers:
                yield from object_facts(path, node, path)
            number += 1

    def _parse(self, path: str) -> YamlFile | None:
        if path not in self._files:
            self._files[path] = None
            with contextlib.suppress(ReadError, Unreadable):
                self._files[path] = YAML.parse(Source(path, self._tree.read(path))) if path in self._paths else None
        return self._files[path]

    def _content(self, path: str) -> str | None:
        try:
            return Source(path, self._tree.read(path)).text() if path in self._paths else None
        except (ReadError, Unreadable):
            return None


def _file_of(generator: str) -> str:
    """The file in the identity of a generated object."""
    return generator.partition(":")[2].partition("#")[0]


def as_generated(fact: Fact, resource: Resource) -> Fact:
    """*fact*, of *resource*; a ConfigMap or Secret as a generator makes it: with what stands elsewhere, and a hash to
    its name."""
    if not resource.generators or not isinstance(fact, ConfigObject):
        return fact
    entries = tuple(_entry(one, resource) for one in fact.entries)
    return msgspec.structs.replace(fact, entries=entries, generated=True, partial=resource.partial)


def _entry(variable: Variable, resource: Resource) -> Variable:
    reason = resource.unknown.get(variable.name)
    if reason is None or resource.kind == "Secret":
        return variable
    return msgspec.structs.replace(variable, value=Unknown(reason))
