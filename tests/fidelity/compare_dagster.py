"""Compares what we say of Dagster's example projects with what Dagster makes of them.

Usage: ``python tests/fidelity/compare_dagster.py [--json] [--list] --examples FOLDER PYTHON...``: each PYTHON is the
interpreter of an environment with Dagster in it, FOLDER a checkout of
https://github.com/dagster-io/project-dagster-university, or of anything else that has code locations.
Compared are assets and ops (steps) and what they depend on (edges).
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
from typing import Any

from counting import LISTS, Count

from pytest_mlbreaks import engine
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import FolderTree

DUMP = pathlib.Path(__file__).with_name("dump_dagster.py")


@dataclasses.dataclass
class Comparison:
    """The outcome for one version."""

    version: str
    kinds: dict[str, Count]
    reasons: collections.Counter[str]
    failed: dict[str, str]

    def told(self) -> dict[str, Any]:
        """The figures, as JSON has them."""
        kinds = {kind: count.figures() for kind, count in self.kinds.items()}
        return {
            "tool": "Dagster",
            "version": self.version,
            "kinds": kinds,
            "open_reasons": dict(self.reasons),
            "not_loaded": len(self.failed),
        }


def dump(python: str, folders: list[str]) -> dict[str, Any]:
    """What the Dagster of *python* makes of the projects in *folders*. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "dagster.json"
        environment = {**os.environ, "DAGSTER_HOME": home}
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [python, str(DUMP), str(output), *folders],
            env=environment,
            check=True,
            capture_output=True,
            cwd=home,
            timeout=900,
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(truth: dict[str, Any]) -> Comparison:
    """Count found, missed and invented steps and edges of all code locations that Dagster could load."""
    kinds = {"steps": Count(), "edges": Count()}
    reasons: collections.Counter[str] = collections.Counter()
    pipelines: dict[str, Pipeline] = {}
    for location in truth["locations"]:
        folder = location["folder"]
        if folder not in pipelines:
            tree = FolderTree(pathlib.Path(folder))
            pipelines[folder] = engine.build(tree, engine.read(tree, installed(), lambda *_: None))
        path = pathlib.Path(location["file"]).relative_to(folder).as_posix()
        _location(kinds, reasons, pipelines[folder], path, location)
    return Comparison(truth["version"], kinds, reasons, truth["failed"])


def _location(
    kinds: dict[str, Count], reasons: collections.Counter[str], pipeline: Pipeline, path: str, truth: dict[str, Any]
) -> None:
    schedules = {s.identity: s for s in pipeline.all(Schedule) if s.orchestrator == "dagster"}
    steps = collections.defaultdict(set)
    for step in pipeline.all(Step):
        steps[step.pipeline].add(step.name)
    own = f"dagster:{path}"
    edges = _edges(pipeline, own)
    complete = own not in schedules or schedules[own].complete
    if not complete:
        reasons[schedules[own].reason] += 1
    kinds["steps"].add(set(truth["assets"]), steps[own], complete=complete, where=path)
    kinds["edges"].add({f"{a} -> {b}" for a, b in truth["edges"]}, edges, complete=complete, where=path)
    for name, job in truth["jobs"].items():
        found = [s for s in schedules.values() if s.name == name and s.scope]
        inside = [s for s in found if s.scope.startswith(path.rpartition("/")[0])] or found
        identity = inside[0].identity if inside else ""
        whole = not inside or inside[0].complete
        if not whole:
            reasons[inside[0].reason] += 1
        kinds["steps"].add(set(job["steps"]), steps[identity], complete=whole, where=name)
        kinds["edges"].add(
            {f"{a} -> {b}" for a, b in job["edges"]}, _edges(pipeline, identity), complete=whole, where=name
        )


def _edges(pipeline: Pipeline, schedule: str) -> set[str]:
    head = f"{schedule}/"
    return {
        f"{e.before.removeprefix(head)} -> {e.after.removeprefix(head)}"
        for e in pipeline.all(Edge)
        if e.before.startswith(head) and e.after.startswith(head)
    }


def main() -> int:
    """Print the figures of each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--examples", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object a version")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and open")
    options = parser.parse_args()
    wrong = False
    for python in options.pythons:
        comparison = compare(dump(python, [str(pathlib.Path(f).resolve()) for f in options.examples]))
        told = comparison.told()
        if options.json:
            sys.stdout.write(json.dumps(told) + "\n")
        else:
            sys.stdout.write(json.dumps(told, indent=2) + "\n")
        for kind, count in comparison.kinds.items() if options.list else ():
            for outcome in LISTS:
                for name in getattr(count, outcome):
                    sys.stdout.write(f"  {outcome} ({kind}) {name}\n")
        for path, reason in comparison.failed.items() if options.list else ():
            sys.stdout.write(f"  not loaded: {path}: {reason}\n")
        wrong = wrong or any(c.missed or c.invented for c in comparison.kinds.values())
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
