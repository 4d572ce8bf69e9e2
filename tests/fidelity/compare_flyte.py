"""Compares what we say of Flyte's own examples with the nodes that flytekit makes of them.

Usage: ``python tests/fidelity/compare_flyte.py [--list] [--json] --examples FOLDER... PYTHON...``, each PYTHON the
interpreter of an environment with flytekit in it, FOLDER a checkout of flyteorg/flytesnacks, or a part of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter
from typing import Any

from counting import LISTS, Count

from pytest_mlbreaks import engine
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import FolderTree

DUMP = pathlib.Path(__file__).with_name("dump_flyte.py")


@dataclasses.dataclass
class Comparison:
    """The outcome for one version."""

    version: str
    counts: dict[str, Count]
    reasons: Counter[str]
    failed: dict[str, str]


def dump(python: str, folder: pathlib.Path) -> dict[str, Any]:
    """What the flytekit of the interpreter *python* makes of the files of *folder*."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "flows.json"
        environment = {**os.environ, "HOME": home}
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [python, str(DUMP), str(output), str(folder)],
            env=environment,
            check=True,
            capture_output=True,
            cwd=home,
            timeout=900,
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(truth: dict[str, Any], folder: pathlib.Path) -> Comparison:
    """Count steps and edges over the workflows that flytekit could compile."""
    counts = {kind: Count() for kind in ("steps", "edges")}
    reasons: Counter[str] = Counter()
    tree = FolderTree(folder)
    pipeline = engine.build(tree, engine.read(tree, installed(), lambda stage, done, total: None))
    schedules = {(s.scope, s.name): s for s in pipeline.all(Schedule) if s.orchestrator == "flyte"}
    for flow in truth["flows"]:
        path = pathlib.Path(flow["file"]).relative_to(folder).as_posix()
        schedule = schedules.get((path, flow["flow"]))
        name = f"{path}:{flow['flow']}"
        steps = pipeline.index(Step, "pipeline").get(schedule.identity, ()) if schedule else ()
        complete = schedule is None or schedule.complete
        if schedule is not None and not complete:
            reasons[schedule.reason] += 1
        names = _names(flow["nodes"])
        alone = [s.name for s in steps] == [flow["flow"]] and not names
        ours = set() if alone else {s.name for s in steps}
        counts["steps"].add(set(names.values()), ours, complete=complete, where=name)
        head = f"{schedule.identity}/" if schedule else ""
        edges = {
            f"{e.before.removeprefix(head)} -> {e.after.removeprefix(head)}"
            for e in pipeline.all(Edge)
            if schedule and e.before.startswith(head)
        }
        known = {f"{names[b]} -> {names[n['id']]}" for n in flow["nodes"] for b in n["after"]}
        counts["edges"].add(known, edges, complete=complete, where=name)
    return Comparison(truth["version"], counts, reasons, truth["failed"])


def _names(nodes: list[dict[str, Any]]) -> dict[str, str]:
    """The name that we give each node: of several of one task, the later ones are numbered."""
    used: Counter[str] = Counter()
    found = {}
    for node in nodes:
        name = node["name"]
        found[node["id"]] = f"{name}-{used[name]}" if used[name] else name
        used[name] += 1
    return found


def main() -> int:
    """Print the figures of each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--examples", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and not loaded")
    parser.add_argument("--json", action="store_true", help="one JSON object for each version")
    options = parser.parse_args()
    wrong = False
    for python in options.pythons:
        for given in options.examples:
            folder = pathlib.Path(given).resolve()
            outcome = compare(dump(python, folder), folder)
            wrong = wrong or any(count.missed or count.invented for count in outcome.counts.values())
            _print(outcome, as_json=options.json, details=options.list)
    return int(wrong)


def _print(outcome: Comparison, *, as_json: bool, details: bool) -> None:
    kinds = {kind: count.figures() for kind, count in outcome.counts.items()}
    if as_json:
        told = {
            "tool": "flyte",
            "version": outcome.version,
            "kinds": kinds,
            "open_reasons": dict(outcome.reasons),
            "not_loaded": len(outcome.failed),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.write(
        f"flytekit {outcome.version}: {len(outcome.failed)} files or workflows that it could not load or compile\n"
    )
    for kind, figures in kinds.items():
        sys.stdout.write(f"  {kind:8}" + "  ".join(f"{n} {v}" for n, v in figures.items()) + "\n")
    for reason, times in outcome.reasons.most_common():
        sys.stdout.write(f"  open: {times} {reason}\n")
    if details:
        for kind, count in outcome.counts.items():
            for what in LISTS:
                for name in getattr(count, what):
                    sys.stdout.write(f"  {what} ({kind}) {name}\n")
        for path, reason in outcome.failed.items():
            sys.stdout.write(f"  not loaded: {pathlib.Path(path).name}: {reason}\n")


if __name__ == "__main__":
    sys.exit(main())
