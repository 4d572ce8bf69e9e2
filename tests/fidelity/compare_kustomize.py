"""Compares what kustomize makes of kustomizations with what we say that they come to.

Usage: ``python tests/fidelity/compare_kustomize.py [--list] [--json] --examples FOLDER... KUBECTL...``, each KUBECTL
the program (its ``kustomize`` is used), each FOLDER one with kustomizations. What our reader says of each object that
kustomize writes is compared, field by field, with what it says of the one that we build. Kustomizations that
kustomize cannot build without a network are left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
from collections import defaultdict
from typing import Any

import msgspec

from pytest_mlbreaks.formats.yaml import YAML, YamlFile
from pytest_mlbreaks.kustomize import as_generated
from pytest_mlbreaks.kustomize.build import Builder, NotBuilt
from pytest_mlbreaks.model import Fact, Place
from pytest_mlbreaks.model.expr import SecretKey, Unknown
from pytest_mlbreaks.model.facts import ConfigObject, Label, Mount, Probe, Quantity, Variable
from pytest_mlbreaks.model.near import KUSTOMIZATIONS
from pytest_mlbreaks.readers.kubernetes import READER, object_facts
from pytest_mlbreaks.reading import Source, Unreadable, Wanted
from pytest_mlbreaks.tree import FolderTree, ReadError

_HASH = re.compile(r"-[bcdfghkmt2456789]{10}(?=['\"])")
"""What kustomize puts behind the name of a generated object, which is that of its content."""

_LEFT_OUT = frozenset({"place", "scope", "generated", "partial", "workload"})
_IN_ANY_ORDER = (Variable, Label, Mount, Probe, Quantity)
"""Parts of mappings, which kustomize sorts; the order of containers and of ports is compared."""


@dataclasses.dataclass
class Outcome:
    """*known*: facts that kustomize's objects state; *found*: those that ours state alike, *differing* those that they
    state otherwise, *missed* those that they do not; *invented*: those that only ours state. *open*: those of objects
    of which we say that they cannot be told."""

    version: str
    known: int = 0
    found: int = 0
    open: int = 0
    differing: list[str] = dataclasses.field(default_factory=list)
    missed: list[str] = dataclasses.field(default_factory=list)
    invented: list[str] = dataclasses.field(default_factory=list)
    not_loaded: int = 0
    built: int = 0


def compare(kubectl: str, folders: list[str]) -> Outcome:
    """What kustomize and we make of the kustomizations below *folders*."""
    told = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, check=True).stdout
    outcome = Outcome(json.loads(told)["kustomizeVersion"].removeprefix("v"))
    for folder in folders:
        tree = _Tree(folder)
        for path in sorted(tree.paths):
            if path.rpartition("/")[2] in KUSTOMIZATIONS:
                _kustomization(kubectl, tree, path, outcome)
    return outcome


class _Tree:
    def __init__(self, folder: str) -> None:
        self.folder = pathlib.Path(folder)
        self._tree = FolderTree(self.folder)
        self.paths = frozenset(self._tree.paths())

    def parse(self, path: str) -> YamlFile | None:
        try:
            return YAML.parse(Source(path, self._tree.read(path)))
        except (ReadError, Unreadable):
            return None

    def content(self, path: str) -> str | None:
        try:
            return Source(path, self._tree.read(path)).text()
        except (ReadError, Unreadable):
            return None


def _kustomization(kubectl: str, tree: _Tree, path: str, outcome: Outcome) -> None:
    run = subprocess.run(
        [kubectl, "kustomize", str(tree.folder / path.rpartition("/")[0])],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if run.returncode:
        outcome.not_loaded += 1
        return
    outcome.built += 1
    written = YAML.parse(Source("built.yaml", run.stdout.encode()))
    theirs = _by_name([fact for fact in READER.read(written, Wanted()) if isinstance(fact, Fact)])
    outcome.known += sum(map(len, theirs.values()))
    try:
        built = Builder(tree.paths, tree.parse, tree.content).build(path)
    except NotBuilt:
        outcome.open += sum(map(len, theirs.values()))
        return
    ours: list[Fact] = []
    unclear: list[Fact] = []
    for resource in built:
        if not resource.gone:
            said = [as_generated(fact, resource) for fact in object_facts(resource.origin[0], resource.node, "x")]
            (unclear if resource.failed else ours).extend(said)
    _count(f"{tree.folder}/{path}", _by_name(ours), _by_name(unclear), theirs, outcome)


def _count(
    where: str,
    ours: dict[str, list[Fact]],
    unclear: dict[str, list[Fact]],
    theirs: dict[str, list[Fact]],
    outcome: Outcome,
) -> None:
    for name in sorted(ours.keys() | theirs.keys()):
        mine, wanted = ours.get(name, []), theirs.get(name, [])
        if not mine and name in unclear:
            outcome.open += len(wanted)
        elif not wanted:
            outcome.invented.append(f"{where}: {name}")
        elif not mine:
            outcome.missed.append(f"{where}: {name}")
        elif sorted(map(_said, mine)) == sorted(_said(_like(one, mine[0])) for one in wanted):
            outcome.found += len(wanted)
        else:
            outcome.differing.append(f"{where}: {name}: {', '.join(_fields(mine[0], _like(wanted[0], mine[0])))}")


def _by_name(facts: list[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        parts = [type(fact).__name__, *(str(getattr(fact, field, "")) for field in ("kind", "name", "namespace"))]
        workload = str(getattr(fact, "workload", "")).rpartition("#")[2]
        found[_HASH.sub("", repr((*parts, workload)))].append(fact)
    return found


def _like(theirs: Fact, ours: Fact) -> Fact:
    """*theirs* with the content of files as unknown as it is in *ours*."""
    if not isinstance(theirs, ConfigObject) or not isinstance(ours, ConfigObject):
        return theirs
    unknown = {entry.name: entry.value for entry in ours.entries if isinstance(entry.value, Unknown)}
    entries = tuple(msgspec.structs.replace(e, value=unknown.get(e.name, e.value)) for e in theirs.entries)
    return msgspec.structs.replace(theirs, entries=entries)


def _fields(mine: Fact, theirs: Fact) -> list[str]:
    names = (name for name in mine.__struct_fields__ if name not in _LEFT_OUT)
    return [n for n in names if _said(getattr(mine, n)) != _said(getattr(theirs, n))]


def _said(thing: object) -> str:
    """What is compared of a fact, or of a part of one."""
    return _HASH.sub("", repr(_bare(thing)))


def _bare(thing: Any) -> Any:
    if isinstance(thing, Place):
        return None
    if isinstance(thing, SecretKey):
        return "a secret"  # which is told by the file that it stands in
    if isinstance(thing, tuple):
        parts = tuple(_bare(one) for one in thing)
        return tuple(sorted(parts, key=repr)) if thing and isinstance(thing[0], _IN_ANY_ORDER) else parts
    if isinstance(thing, msgspec.Struct):
        names = (name for name in thing.__struct_fields__ if name not in _LEFT_OUT)
        return (type(thing).__name__, *((name, _bare(getattr(thing, name))) for name in names))
    return thing


def main() -> None:
    """Prints the counts for each program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name what differs, is missed or invented")
    parser.add_argument("--json", action="store_true", help="one JSON object a program")
    parser.add_argument("--examples", action="append", default=[], help="a folder with kustomizations")
    parser.add_argument("kubectl", nargs="+")
    options = parser.parse_args()
    for kubectl in options.kubectl:
        outcome = compare(kubectl, options.examples)
        if options.json:
            sys.stdout.write(json.dumps(as_json(outcome)) + "\n")
            continue
        sys.stdout.write(
            f"kustomize {outcome.version}: {outcome.built} built, {outcome.not_loaded} not; facts {outcome.known}, "
            f"found {outcome.found}, differing {len(outcome.differing)}, missed {len(outcome.missed)}, "
            f"open {outcome.open}, invented {len(outcome.invented)}\n"
        )
        for what in ("differing", "missed", "invented") if options.list else ():
            for one in getattr(outcome, what):
                sys.stdout.write(f"    {what}: {one}\n")


def as_json(outcome: Outcome) -> dict[str, object]:
    """The counts of an outcome, as all comparisons of this folder print them."""
    counts = {
        "known": outcome.known,
        "found": outcome.found,
        "missed": len(outcome.missed) + len(outcome.differing),
        "open": outcome.open,
        "invented": len(outcome.invented),
        "invented_open": 0,
    }
    return {
        "tool": "kustomize",
        "version": outcome.version,
        "kinds": {"facts of built objects": counts},
        "open_reasons": {"it cannot be told what it comes to": outcome.open},
        "not_loaded": outcome.not_loaded,
    }


if __name__ == "__main__":
    main()
