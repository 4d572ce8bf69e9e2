"""Compares what we say of the workloads of Helm charts with what Helm makes of them with the charts' own values.

Usage: ``python tests/fidelity/compare_helm.py [--list] [--json] [--charts FOLDER]... HELM...``, each HELM the program.
The chart that ``helm create`` writes is compared always, and every chart below a FOLDER that Helm can render.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator

import counting

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model import Pipeline, Value
from pytest_mlbreaks.model.expr import Context, Expr, SecretKey
from pytest_mlbreaks.model.facts import Container, Fact, Workload
from pytest_mlbreaks.readers.kubernetes import READER
from pytest_mlbreaks.reading import Source, Wanted
from pytest_mlbreaks.tree import FolderTree

RELEASE = "release"
KINDS = ("containers", "images", "variables", "ports", "replicas")


class Count(counting.Count):
    """The same, with values: what we say cannot be told is *open*."""

    def value(self, what: str, theirs: str, mine: Value | None) -> None:
        """Counts one value that Helm makes against ours (None: not stated)."""
        self.known += 1
        told = [str(alternative.value) for alternative in mine] if mine is not None else []
        if mine is None:
            self.missed.append(what)
        elif mine.only is None or mine.only.secret:
            self.open.append(what)
        elif _same(told[0], theirs):
            self.found += 1
        else:
            self.missed.append(what)
            self.invented.append(f"{what}: {told[0]!r}, and it is {theirs!r}")


@dataclasses.dataclass
class Outcome:
    """What came of one version of Helm."""

    version: str
    counts: dict[str, Count] = dataclasses.field(default_factory=lambda: {kind: Count() for kind in KINDS})
    unread: frozenset[str] = frozenset()  # of the chart that is looked at
    charts: int = 0
    not_loaded: int = 0


def _same(one: str, other: str) -> bool:
    return one == other or one.lower() == other.lower() in ("true", "false")


def compare(helm: str, folders: Iterable[str] = ()) -> Outcome:
    """What Helm and we say of the same charts."""
    version = subprocess.run([helm, "version", "--short"], capture_output=True, text=True, check=True).stdout.strip()
    outcome = Outcome(version.partition("+")[0].removeprefix("v"))
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([helm, "create", "created"], cwd=made, capture_output=True, check=True)
        for root in (made, *folders):
            for file in sorted(pathlib.Path(root).rglob("Chart.yaml")):
                inside = any((folder / "Chart.yaml").is_file() for folder in file.parent.parents)
                if (file.parent / "templates").is_dir() and not inside:
                    _chart(helm, file.parent, outcome)
    return outcome


def _chart(helm: str, folder: pathlib.Path, outcome: Outcome) -> None:
    with tempfile.TemporaryDirectory() as copied:
        chart = pathlib.Path(copied) / "chart"
        shutil.copytree(folder, chart)
        done = subprocess.run([helm, "template", RELEASE, str(chart)], capture_output=True, text=True, check=False)
        if done.returncode:
            outcome.not_loaded += 1
            return
        outcome.charts += 1
        tree = FolderTree(pathlib.Path(copied))
        reading = engine.read(tree, packs.load(), lambda *_: None)
        outcome.unread = frozenset(diagnostic.place.path for diagnostic in reading.diagnostics)
        pipeline = engine.build(tree, reading)
        theirs = dict(_rendered(done.stdout))
        for path in sorted({*theirs, *(c.path for c in pipeline.all(Container))}):
            if path.startswith(("chart/templates/", "chart/charts/")) and "/templates/tests/" not in path:
                _file(folder.name, path, theirs.get(path, []), pipeline, outcome)


def _rendered(text: str) -> Iterator[tuple[str, list[Fact]]]:
    """The facts of what Helm made, by the template that it names above each document, as a path below the copy."""
    parts: dict[str, list[str]] = defaultdict(list)
    for document in text.split("\n---\n"):
        named = next((line for line in document.splitlines() if line.startswith("# Source: ")), "")
        if named:
            parts["chart/" + named.removeprefix("# Source: ").partition("/")[2]].append(document)
    for path, documents in parts.items():
        source = Source(path, "\n---\n".join(documents).encode())
        yield path, [fact for fact in READER.read(YAML.parse(source), Wanted()) if isinstance(fact, Fact)]


def _file(chart: str, path: str, theirs: list[Fact], pipeline: Pipeline, outcome: Outcome) -> None:
    counts = outcome.counts
    own = list(pipeline.index(Container, "path").get(path, ()))
    made = [fact for fact in theirs if isinstance(fact, Container)]
    workloads = {fact.identity: fact for fact in theirs if isinstance(fact, Workload)}
    for container in made:
        what = f"{chart}/{path}#{container.name}"
        counts["containers"].known += 1
        mine = _matching(container, own)
        if mine is None:
            is_open = path in outcome.unread or any(
                {"containers", "initContainers", "*"} & set(w.untold) for w in pipeline.all(Workload)
            )
            (counts["containers"].open if is_open else counts["containers"].missed).append(what)
            continue
        own.remove(mine)
        counts["containers"].found += 1
        _container(what, container, mine, pipeline, counts)
        workload, ours = workloads.get(container.workload), pipeline.one(Workload, mine.workload)
        if workload is not None and workload.replicas is not None and ours is not None:
            value = pipeline.resolve(ours.replicas) if ours.replicas is not None else None
            counts["replicas"].value(f"{what} replicas", _text(pipeline, workload.replicas), value)
    counts["containers"].invented_open += [f"{chart}/{path}#{container.name}" for container in own]


def _matching(container: Container, own: list[Container]) -> Container | None:
    """Ours of the same name; else the only one left of a name that can't be told."""
    named = [one for one in own if one.name == container.name]
    templated = [one for one in own if "{{" in one.name]
    return next(iter(named or templated), None)


def _text(pipeline: Pipeline, written: Expr) -> str:
    only = pipeline.resolve(written).only
    return "" if only is None else str(only.value)


def _container(what: str, theirs: Container, mine: Container, pipeline: Pipeline, counts: dict[str, Count]) -> None:
    if theirs.image is not None:
        counts["images"].value(
            what, _text(pipeline, theirs.image), pipeline.resolve(mine.image) if mine.image else None
        )
    more = {"*", "env"} & set(mine.untold)
    own = {variable.name: variable for variable in mine.variables}
    for variable in theirs.variables:
        name = f"{what} {variable.name}"
        given = own.get(variable.name)
        if given is None:
            counts["variables"].known += 1
            (counts["variables"].open if more else counts["variables"].missed).append(name)
        elif isinstance(variable.value, SecretKey | Context):
            counts["variables"].known += 1
            if type(given.value) is type(variable.value):
                counts["variables"].found += 1
            else:
                counts["variables"].open.append(name)
        else:
            counts["variables"].value(name, _text(pipeline, variable.value), pipeline.resolve(given.value))
    ours = [pipeline.resolve(port.container) for port in mine.ports]
    for port in theirs.ports:
        text = _text(pipeline, port.container)
        name = f"{what} port {text}"
        counts["ports"].known += 1
        if any(value.only is not None and _same(str(value.only.value), text) for value in ours):
            counts["ports"].found += 1
        elif {"*", "ports"} & set(mine.untold) or any(not value.complete for value in ours):
            counts["ports"].open.append(name)
        else:
            counts["ports"].missed.append(name)


def main() -> None:
    """Prints a table for each program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name what is not found")
    parser.add_argument("--json", action="store_true", help="one JSON object a program")
    parser.add_argument("--charts", action="append", default=[], help="a folder with charts")
    parser.add_argument("helm", nargs="+")
    options = parser.parse_args()
    for helm in options.helm:
        outcome = compare(helm, options.charts)
        if options.json:
            _say(json.dumps(as_json(outcome)))
            continue
        _say(f"Helm {outcome.version}: {outcome.charts} charts, {outcome.not_loaded} that Helm can't render")
        for kind, count in outcome.counts.items():
            _say(f"  {kind:12}", "  ".join(f"{name} {number}" for name, number in count.figures().items()))
            for name in counting.LISTS if options.list else ():
                for one in getattr(count, name):
                    _say(f"      {name}: {one}")


def _say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")


def as_json(outcome: Outcome) -> dict[str, object]:
    """The counts of an outcome, as all comparisons of this folder print them."""
    kinds = {kind: count.figures() for kind, count in outcome.counts.items()}
    reasons = {"made by a template": sum(len(count.open) for count in outcome.counts.values())}
    return {
        "tool": "helm",
        "version": outcome.version,
        "kinds": kinds,
        "open_reasons": reasons,
        "not_loaded": outcome.not_loaded,
    }


if __name__ == "__main__":
    main()
