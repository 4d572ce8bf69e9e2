"""How much of a folder of repositories could be linked: ``shares.py FOLDER [--sample N --seed S] [--json]``.

FOLDER holds one repository in each of its folders; they are read, never run. For entry files, datasets, images and
models: how many of them could be told, and the ten commonest reasons why the others could not. For relations across
tools: how many, by kind; ``--sample N`` prints N of them, drawn by the seed, with both places, for reading by hand.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.link.relations import Relation, crossing, relations
from pytest_mlbreaks.model import Dataset, Model, Pipeline, Process
from pytest_mlbreaks.model.facts import Container, DatasetAccess, ModelAccess
from pytest_mlbreaks.recognised import aside
from pytest_mlbreaks.references import split_reference
from pytest_mlbreaks.tree import FolderTree

KINDS = ("entry files", "datasets", "datasets of own code", "images", "models")
Told = tuple[bool, str]
"""Whether one thing could be told, and why not."""


@dataclasses.dataclass
class Tally:
    """What was counted so far."""

    known: Counter[str] = dataclasses.field(default_factory=Counter)
    unknown: dict[str, Counter[str]] = dataclasses.field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    edges: list[tuple[str, Relation]] = dataclasses.field(default_factory=list)

    def add(self, kind: str, told: Told) -> None:
        """Count one thing."""
        is_known, reason = told
        if is_known:
            self.known[kind] += 1
        else:
            self.unknown[kind][reason] += 1


def entry_files(pipeline: Pipeline) -> Iterator[Told]:
    """What steps and containers start that is no tool, nor an installed module, nor in somebody else's image."""
    for process in pipeline.all(Process):
        for entry in process.entries:
            if not entry.external:
                yield entry.path is not None, entry.reason


def datasets(pipeline: Pipeline, *, own: bool = False) -> Iterator[Told]:
    """The calls that read or write a dataset; models of dbt are no calls."""
    named = {id(access) for dataset in pipeline.all(Dataset) for access in dataset.accesses}
    for access in pipeline.all(DatasetAccess):
        if access.api != "dbt" and not (own and aside(access.path)):
            value = pipeline.resolve(access.target)
            yield id(access) in named, value.reason or "a name that says nothing by itself"


def own_datasets(pipeline: Pipeline) -> Iterator[Told]:
    """The same, of code that is no test, example or documentation."""
    return datasets(pipeline, own=True)


def images(pipeline: Pipeline) -> Iterator[Told]:
    """The images that steps and containers name: of a Dockerfile of the tree, or somebody else's by a whole name."""
    for process in pipeline.all(Process):
        fact = process.fact
        if fact.image is None and not (isinstance(fact, Container) and fact.build):
            continue
        if process.dockerfile is not None:
            yield True, ""
        elif fact.image is None:
            yield False, "its Dockerfile is not in the tree"
        else:
            repository = split_reference(pipeline.pattern(fact.image, process)).repository
            reason = process.image.reason if process.image is not None else ""
            yield bool(repository) and "{*}" not in repository, reason or "its name is one of several"


def models(pipeline: Pipeline) -> Iterator[Told]:
    """The models that code loads: made by code of the tree, lying in the tree, or somebody else's by a whole name."""
    made = {id(use) for model in pipeline.all(Model) if _is_saved(model) for use in model.accesses}
    for access in pipeline.all(ModelAccess):
        if access.mode != "load":
            continue
        pattern = pipeline.pattern(access.target)
        elsewhere = access.kind in ("hub", "registry") or "://" in pattern
        here = pattern in pipeline.paths or pipeline.has_folder(pattern.rstrip("/")) if pattern else False
        if id(access) in made or here or (elsewhere and "{*}" not in pattern and pattern):
            yield True, ""
        else:
            yield False, pipeline.resolve(access.target).reason or "nothing of the tree saves it under that name"


def _is_saved(model: Model) -> bool:
    return any(access.mode != "load" for access in model.accesses)


def measure(folder: Path) -> Tally:
    """The tally over all repositories of *folder*."""
    tally = Tally()
    loaded = packs.load()
    for repository in sorted(path for path in folder.iterdir() if path.is_dir()):
        tree = FolderTree(repository)
        pipeline = engine.build(tree, engine.read(tree, loaded, lambda *_: None))
        for kind, told in zip(KINDS, (entry_files, datasets, own_datasets, images, models), strict=True):
            for one in told(pipeline):
                tally.add(kind, one)
        tally.edges += ((repository.name, relation) for relation in crossing(relations(pipeline)))
    return tally


def figures(tally: Tally) -> dict[str, object]:
    """The tally as plain data."""
    shares: dict[str, object] = {}
    for kind in KINDS:
        known, unknown = tally.known[kind], tally.unknown[kind]
        of = known + unknown.total()
        share = round(known / of, 3) if of else None
        shares[kind] = {"known": known, "of": of, "share": share, "unknown": dict(unknown.most_common(10))}
    kinds = Counter(f"{r.kind}: {r.tool_from} -> {r.tool_to}" for _, r in tally.edges)
    shares["relations across tools"] = {"count": len(tally.edges), "kinds": dict(kinds.most_common())}
    return shares


def show(tally: Tally) -> None:
    """Print the tally for people."""
    for kind in KINDS:
        known, unknown = tally.known[kind], tally.unknown[kind]
        of = known + unknown.total()
        print(f"\n{kind}: {known} of {of}" + (f" ({known / of:.1%})" if of else ""))
        for reason, count in unknown.most_common(10):
            print(f"  {count:6}  {reason or 'no reason given'}")
    print(f"\nrelations across tools: {len(tally.edges)}")
    for (kind, source, target), count in Counter(
        (r.kind, r.tool_from, r.tool_to) for _, r in tally.edges
    ).most_common():
        print(f"  {count:6}  {kind}: {source} -> {target}")


def main() -> None:
    """Measure, print, and draw the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tally = measure(arguments.folder)
    if arguments.json:
        print(json.dumps(figures(tally), indent=1))
    else:
        show(tally)
    edges = sorted(tally.edges, key=lambda pair: (pair[0], str(pair[1])))
    drawn = random.Random(arguments.seed).sample(edges, min(arguments.sample, len(edges)))
    for name, relation in drawn:
        print(f"\n{name}: {relation.kind}")
        print(f"  {relation.tool_from} {relation.from_identity}\n    at {relation.from_place}")
        print(f"  {relation.tool_to} {relation.to_identity}\n    at {relation.to_place}")
        if relation.through:
            print(f"  through {relation.through}")


if __name__ == "__main__":
    main()
