"""Compares which workloads kustomize changes with which ones we say that a kustomization may change.

Usage: ``python tests/fidelity/compare_kustomize.py [--list] [--json] --examples FOLDER... KUBECTL...``, each KUBECTL
the program (its ``kustomize`` is used), each FOLDER one with kustomizations. What these say of images, replicas,
variables and commands is compared; those that kustomize cannot build without a network are left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
from typing import Any

from mlbreaks_checks import _manifests

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import Container, Fact, Kustomization, Workload
from pytest_mlbreaks.readers.kubernetes import READER
from pytest_mlbreaks.reading import Source, Wanted
from pytest_mlbreaks.tree import FolderTree

_HASH = re.compile(r"-[a-z0-9]{10}(?=')|SecretKey\(store='[^']*'")
"""What kustomize puts behind the name of a generated ConfigMap, and the file that a secret stands in: no changes."""


@dataclasses.dataclass
class Outcome:
    """*known*: workloads that kustomize changes; *found*: of these, those we say it may change; *missed* the others.
    *kept*: those that it leaves as they are; *left* of these, those of which we say so."""

    version: str
    known: int = 0
    found: int = 0
    missed: list[str] = dataclasses.field(default_factory=list)
    kept: int = 0
    left: int = 0
    not_loaded: int = 0
    built: int = 0


def compare(kubectl: str, folders: list[str]) -> Outcome:
    """What kustomize and we say of the kustomizations below *folders*."""
    told = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, check=True).stdout
    outcome = Outcome(json.loads(told)["kustomizeVersion"].removeprefix("v"))
    for folder in folders:
        tree = FolderTree(pathlib.Path(folder))
        pipeline = engine.build(tree, engine.read(tree, packs.load(), lambda *_: None))
        for holder in pipeline.all(Kustomization):
            built = subprocess.run(
                [kubectl, "kustomize", str(pathlib.Path(folder) / holder.path.rpartition("/")[0])],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            if built.returncode:
                outcome.not_loaded += 1
                continue
            outcome.built += 1
            made = YAML.parse(Source("built.yaml", built.stdout.encode()))
            facts = [fact for fact in READER.read(made, Wanted()) if isinstance(fact, Fact)]
            _holder(folder, holder, facts, pipeline, outcome)
    return outcome


def _holder(folder: str, holder: Kustomization, made: list[Fact], pipeline: Pipeline, outcome: Outcome) -> None:
    results = [fact for fact in made if isinstance(fact, Workload)]
    for workload in pipeline.all(Workload):
        if holder.path not in _manifests.overlays(workload.path, pipeline):
            continue
        containers = pipeline.index(Container, "workload").get(workload.identity, ())
        same = [w for w in results if w.kind == workload.kind and w.name.endswith(workload.name)]
        if len(same) != 1 and not any(w.name == workload.name for w in same):
            continue
        result = next((w for w in same if w.name == workload.name), same[0])
        theirs = [fact for fact in made if isinstance(fact, Container) and fact.workload == result.identity]
        changed = _said(workload, containers) != _said(result, theirs)
        may = _manifests.may_be_patched(workload.path, pipeline, of=workload)
        if changed:
            outcome.known += 1
            outcome.found += may
            if not may:
                outcome.missed.append(f"{folder}/{holder.path}: {workload.kind} {workload.name}")
        else:
            outcome.kept += 1
            outcome.left += not may


def _said(workload: Workload, containers: Any) -> str:
    """What is compared of a workload and its containers."""
    parts = [
        (
            c.name,
            c.image,
            [w.argv for w in (c.entrypoint, c.command) if w],
            sorted((v.name, repr(v.value)) for v in c.variables),
        )
        for c in sorted(containers, key=lambda c: c.name)
    ]
    limits = [sorted((q.resource, repr(q.amount)) for q in (*c.requests, *c.limits)) for c in containers]
    return _HASH.sub("", repr((workload.replicas, workload.strategy, parts, sorted(limits))))


def main() -> None:
    """Prints the counts for each program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name what is missed")
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
            f"kustomize {outcome.version}: {outcome.built} built, {outcome.not_loaded} not; changed {outcome.known}, "
            f"found {outcome.found}, missed {len(outcome.missed)}; left as they are {outcome.kept}, "
            f"found {outcome.left}\n"
        )
        for one in outcome.missed if options.list else ():
            sys.stdout.write(f"    missed: {one}\n")


def as_json(outcome: Outcome) -> dict[str, object]:
    """The counts of an outcome, as all comparisons of this folder print them."""
    changed = {"known": outcome.known, "found": outcome.found, "missed": len(outcome.missed), "open": 0}
    kept = {"known": outcome.kept, "found": outcome.left, "missed": 0, "open": outcome.kept - outcome.left}
    none = {"invented": 0, "invented_open": 0}
    return {
        "tool": "kustomize",
        "version": outcome.version,
        "kinds": {"changed workloads": changed | none, "unchanged workloads": kept | none},
        "open_reasons": {"a patch may concern it": outcome.kept - outcome.left},
        "not_loaded": outcome.not_loaded,
    }


if __name__ == "__main__":
    main()
