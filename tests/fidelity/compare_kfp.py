"""Compares what is said of Kubeflow Pipelines' own samples with what its compiler makes of them.

Usage: ``python tests/fidelity/compare_kfp.py [--list] [--json] --tree TREE [PYTHON...]``. TREE is a checkout of
github.com/kubeflow/pipelines, each PYTHON the interpreter of an environment with ``kfp`` in it: that compiles the
samples below ``test_data``, in a process of its own. Without a PYTHON the compiled files that stand beside the samples
are the truth. We only read.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import yaml
from counting import LISTS, Count

from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import linked

DUMP = pathlib.Path(__file__).with_name("dump_kfp.py")


@dataclasses.dataclass
class Compiled:
    """A compiled pipeline, laid open: its tasks by their path, and its edges between tasks."""

    name: str
    steps: set[str] = dataclasses.field(default_factory=set)
    edges: set[str] = dataclasses.field(default_factory=set)
    mapped: set[str] = dataclasses.field(default_factory=set)


def compiled(spec: dict[str, Any]) -> Compiled:
    """What the compiler's output says, read by itself and not by our reader."""
    result = Compiled(spec["pipelineInfo"]["name"])
    _dag(spec, spec["root"]["dag"], "", result, mapped=False)
    return result


def _dag(
    spec: dict[str, Any], dag: dict[str, Any], prefix: str, into: Compiled, *, mapped: bool
) -> tuple[set[str], set[str]]:
    """Lay a graph open; gives the tasks that it begins with, and those that it ends with."""
    ends: dict[str, tuple[set[str], set[str]]] = {}
    before: dict[str, set[str]] = {}
    for name, task in dag["tasks"].items():
        inner = spec.get("components", {}).get(task["componentRef"]["name"], {}).get("dag")
        many = mapped or "parameterIterator" in task or "artifactIterator" in task
        path = f"{prefix}{name}"
        if inner is None:
            into.steps.add(path)
            if many:
                into.mapped.add(path)
            ends[name] = ({path}, {path})
        else:
            ends[name] = _dag(spec, inner, f"{path}/", into, mapped=many)
        given = [v for kind in task.get("inputs", {}).values() for v in kind.values()]
        outputs = [o.get("taskOutputParameter") or o.get("taskOutputArtifact") for o in given]
        before[name] = {o["producerTask"] for o in outputs if o} | set(task.get("dependentTasks", ()))
    for name, earlier in before.items():
        for one in earlier:
            into.edges |= {f"{last} -> {first}" for last in ends[one][1] for first in ends[name][0]}
    followed = {one for earlier in before.values() for one in earlier}
    first = {path for name, (heads, _) in ends.items() if not before[name] for path in heads}
    return first, {path for name, (_, tails) in ends.items() if name not in followed for path in tails}


def dump(python: str, tree: str) -> dict[str, Any]:
    """What the KFP of the interpreter *python* compiles the samples to. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "pipelines.json"
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [python, str(DUMP), tree, str(output)], env=environment, check=True, capture_output=True, timeout=900
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def goldens(tree: str) -> dict[str, Any]:
    """The compiled files beside the samples, as `dump` gives them: of the sample with the same file name."""
    pipelines = []
    for path in sorted(pathlib.Path(tree, "test_data").rglob("*.yaml")):
        source = path.with_name(f"{path.stem.replace('-', '_')}.py")
        text = path.read_text("utf-8")
        if source.exists() and "deploymentSpec:" in text:
            spec = next(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
            if list(spec["root"]["dag"]["tasks"]) != [spec["pipelineInfo"]["name"]]:  # else a component by itself
                pipelines.append({"file": str(source), "spec": spec})
    return {"version": "compiled files", "pipelines": pipelines, "failed": {}}


@dataclasses.dataclass
class Said:
    """One pipeline as we state it."""

    schedule: Schedule
    steps: dict[str, Step]
    edges: set[str]


def said_of(tree: str) -> dict[str, list[Said]]:
    """The pipelines that are stated of the samples, by file."""
    root = pathlib.Path(tree)
    samples = [p for ending in ("*.py", "*.yaml") for p in sorted((root / "test_data").rglob(ending))]
    with mock.patch("pytest_mlbreaks.recognised.is_test_data", return_value=False):  # or nothing would be read
        pipeline = linked({p.relative_to(root).as_posix(): p.read_bytes() for p in samples})
    steps = pipeline.index(Step, "pipeline")
    edges = collections.defaultdict(set)
    for edge in pipeline.all(Edge):
        head, _, before = edge.before.partition("#")
        name, _, before = before.partition("/")
        edges[f"{head}#{name}"].add(f"{before} -> {edge.after.removeprefix(f'{head}#{name}/')}")
    result: dict[str, list[Said]] = collections.defaultdict(list)
    for schedule in pipeline.all(Schedule):
        if schedule.orchestrator == "kfp" and schedule.place.path.endswith(".py"):
            own = {step.name: step for step in steps.get(schedule.identity, ())}
            result[schedule.place.path].append(Said(schedule, own, edges[schedule.identity]))
    return result


@dataclasses.dataclass
class Comparison:
    """The outcome for one version, or for the compiled files."""

    version: str
    counts: dict[str, Count]
    incomplete: dict[str, str]
    failed: dict[str, str]


def compare(truth: dict[str, Any], tree: str) -> Comparison:
    """Count found, missed and invented pipelines, steps and edges, and which steps run once for each item of a loop."""
    counts = {kind: Count() for kind in ("pipelines", "steps", "edges", "mapped")}
    incomplete: dict[str, str] = {}
    said = said_of(tree)
    by_file: dict[str, list[Compiled]] = collections.defaultdict(list)
    for one in truth["pipelines"]:
        by_file[pathlib.Path(one["file"]).relative_to(tree).as_posix()].append(compiled(one["spec"]))
    for path, known in sorted(by_file.items()):
        ours = {one.schedule.name: one for one in said.get(path, ())}
        # a pipeline that is a task of another is told with that one
        mine = {k.name for k in known} & set(ours)
        used = {k.name for k in known if any(f"{k.name}/" in s for o in known if o is not k for s in o.steps)}
        doubtful = any(not one.schedule.complete for one in ours.values())
        counts["pipelines"].add({k.name for k in known} - (used - mine), mine, complete=not doubtful, where=path)
        for one in known:
            if one.name in used - mine:
                continue
            told = ours.get(one.name)
            complete = not doubtful if told is None else told.schedule.complete
            if told is not None and not complete:
                incomplete[f"{path}: {one.name}"] = told.schedule.reason
            steps = told.steps if told is not None else {}
            name = f"{path}: {one.name}"
            counts["steps"].add(one.steps, set(steps), complete=complete, where=name)
            counts["edges"].add(one.edges, told.edges if told is not None else set(), complete=complete, where=name)
            mapped = {step.name for step in steps.values() if step.mapped}
            both = one.steps & set(steps)
            counts["mapped"].add(one.mapped & both, mapped & both, complete=complete, where=name)
    return Comparison(truth["version"], counts, incomplete, truth["failed"])


def table(comparison: Comparison) -> Iterator[str]:
    """The figures, line by line."""
    yield f"KFP {comparison.version}: {len(comparison.failed)} samples that KFP itself could not load"
    yield f"  {'':10}{'known':>7}{'found':>7}{'missed':>8}{'open':>6}{'invented':>10}{'invented in open':>18}"
    for kind, count in comparison.counts.items():
        yield (
            f"  {kind:10}{count.known:>7}{count.found:>7}{len(count.missed):>8}{len(count.open):>6}"
            f"{len(count.invented):>10}{len(count.invented_open):>18}"
        )
    yield f"  {len(comparison.incomplete)} pipelines of which we say that not all could be told"


def details(comparison: Comparison) -> Iterator[str]:
    """Everything that is not as it should be, and why."""
    for kind, count in comparison.counts.items():
        for outcome in LISTS:
            for name in getattr(count, outcome):
                yield f"  {outcome} ({kind}) {name}"
    for name, reason in comparison.incomplete.items():
        yield f"  incomplete: {name}: {reason}"
    for path, reason in comparison.failed.items():
        yield f"  not loaded by KFP: {pathlib.Path(path).name}: {reason}"


def numbers(comparison: Comparison) -> dict[str, Any]:
    """The outcome as numbers, for `table.py`."""
    kinds = {kind: count.figures() for kind, count in comparison.counts.items()}
    reasons = collections.Counter(comparison.incomplete.values())
    failed = len(comparison.failed)
    version = comparison.version
    return {"tool": "kfp", "version": version, "kinds": kinds, "open_reasons": dict(reasons), "not_loaded": failed}


def main() -> int:
    """Print a table for each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--tree", default=os.environ.get("MLBREAKS_KFP_TREE", ""), help="or MLBREAKS_KFP_TREE")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and incomplete")
    parser.add_argument("--json", action="store_true", help="print one JSON object a version")
    options = parser.parse_args()
    if not options.tree:
        parser.error("--tree, or MLBREAKS_KFP_TREE, must name a checkout of github.com/kubeflow/pipelines")
    truths = [dump(python, options.tree) for python in options.pythons] or [goldens(options.tree)]
    wrong = False
    for truth in truths:
        comparison = compare(truth, options.tree)
        lines = [*table(comparison), *(details(comparison) if options.list else ())]
        sys.stdout.write(json.dumps(numbers(comparison)) + "\n" if options.json else "\n".join(lines) + "\n")
        wrong = wrong or any(c.missed or c.invented for c in comparison.counts.values())
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
