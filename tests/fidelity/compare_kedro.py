"""Compares what we say of Kedro's starter projects with what Kedro makes of them.

Usage: ``python tests/fidelity/compare_kedro.py [--json] [--list] --examples FOLDER PYTHON...``: each PYTHON is the
interpreter of an environment with Kedro in it, FOLDER a checkout of https://github.com/kedro-org/kedro-starters, whose
templates are filled in with the starter's own name. Compared are nodes (steps) and which hands what on (edges).
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from counting import LISTS, Count

from pytest_mlbreaks import engine
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import FolderTree

DUMP = pathlib.Path(__file__).with_name("dump_kedro.py")
TEMPLATE = "{{ cookiecutter.repo_name }}"
SLOT = re.compile(r"\{\{\s*cookiecutter\.(\w+)\s*\}\}")


def projects(examples: pathlib.Path, into: pathlib.Path) -> Iterator[tuple[str, pathlib.Path, str]]:
    """The starters of *examples* with their templates filled in below *into*: name, folder, package."""
    for starter in sorted(f.parent for f in examples.glob(f"*/{TEMPLATE}")):
        name = starter.name
        package = name.replace("-", "_")
        filled = {"repo_name": name, "python_package": package, "project_name": name}

        def fill(match: re.Match[str], filled: dict[str, str] = filled) -> str:
            return filled.get(match[1], match[0])

        for path in sorted((starter / TEMPLATE).rglob("*")):
            if path.is_file():
                target = into / SLOT.sub(fill, path.relative_to(starter).as_posix())
                target.parent.mkdir(parents=True, exist_ok=True)
                data = path.read_bytes()
                if b"cookiecutter." in data:
                    data = SLOT.sub(fill, data.decode("utf-8")).encode("utf-8")
                target.write_bytes(data)
        yield name, into / name, package


def dump(python: str, project: pathlib.Path, package: str) -> dict[str, Any] | str:
    """What the Kedro of *python* makes of *project*, or why it can't load it."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "kedro.json"
        environment = {**os.environ, "KEDRO_DISABLE_TELEMETRY": "true"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [python, str(DUMP), str(output), str(project / "src"), package],
            env=environment,
            check=False,
            capture_output=True,
            cwd=project,
            timeout=300,
            text=True,
        )
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["failed"])[-1]
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(python: str, examples: pathlib.Path) -> tuple[dict[str, Any], dict[str, Count], dict[str, str]]:
    """The figures as JSON has them, the counts, and the starters that Kedro could not load."""
    kinds = {"steps": Count(), "edges": Count()}
    reasons: collections.Counter[str] = collections.Counter()
    failed: dict[str, str] = {}
    version = ""
    with tempfile.TemporaryDirectory() as folder:
        for name, project, package in projects(examples, pathlib.Path(folder)):
            truth = dump(python, project, package)
            if isinstance(truth, str):
                failed[name] = truth
                continue
            version = truth["version"]
            tree = FolderTree(project)
            pipeline = engine.build(tree, engine.read(tree, installed(), lambda *_: None))
            [schedule] = [s for s in pipeline.all(Schedule) if s.orchestrator == "kedro" and not s.scope]
            head = f"{schedule.identity}/"
            steps = {s.name for s in pipeline.all(Step) if s.pipeline == schedule.identity}
            edges = {
                f"{e.before.removeprefix(head)} -> {e.after.removeprefix(head)}"
                for e in pipeline.all(Edge)
                if e.after.startswith(head)
            }
            if not schedule.complete:
                reasons[schedule.reason] += 1
            kinds["steps"].add(set(truth["nodes"]), steps, complete=schedule.complete, where=name)
            known = {f"{a} -> {b}" for a, b in truth["edges"]}
            kinds["edges"].add(known, edges, complete=schedule.complete, where=name)
    told = {
        "tool": "Kedro",
        "version": version,
        "kinds": {kind: count.figures() for kind, count in kinds.items()},
        "open_reasons": dict(reasons),
        "not_loaded": len(failed),
    }
    return told, kinds, failed


def main() -> int:
    """Print the figures of each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--examples", required=True, metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("--json", action="store_true", help="one JSON object a version")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and open")
    options = parser.parse_args()
    wrong = False
    for python in options.pythons:
        told, kinds, failed = compare(python, options.examples)
        sys.stdout.write(json.dumps(told, indent=None if options.json else 2) + "\n")
        for kind, count in kinds.items() if options.list else ():
            for outcome in LISTS:
                for name in getattr(count, outcome):
                    sys.stdout.write(f"  {outcome} ({kind}) {name}\n")
        for name, reason in failed.items() if options.list else ():
            sys.stdout.write(f"  not loaded: {name}: {reason}\n")
        wrong = wrong or any(c.missed or c.invented for c in kinds.values())
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
