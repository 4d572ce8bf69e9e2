"""Compares what we say of Metaflow's own flows with the graphs that Metaflow makes of them.

Usage: ``python tests/fidelity/compare_metaflow.py [--list] [--json] [--flows FOLDER]... PYTHON...``, each PYTHON the
interpreter of an environment with Metaflow in it. FOLDER holds flows of Metaflow's repository (``test``); without it,
the tutorials of the wheel are compared.
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
from pytest_mlbreaks.tree import MemoryTree

DUMP = pathlib.Path(__file__).with_name("dump_metaflow.py")


@dataclasses.dataclass
class Comparison:
    """The outcome for one version."""

    version: str
    counts: dict[str, Count]
    reasons: Counter[str]
    failed: dict[str, str]


def dump(python: str, folders: list[str]) -> dict[str, Any]:
    """What the Metaflow of the interpreter *python* makes of its flows. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "flows.json"
        environment = {**os.environ, "HOME": home, "METAFLOW_HOME": home, "USERNAME": "examples"}
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [python, str(DUMP), str(output), *folders], env=environment, check=True, capture_output=True, timeout=600
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(truth: dict[str, Any]) -> Comparison:
    """Count steps, edges and which steps are mapped, over the flows that Metaflow could load."""
    counts = {kind: Count() for kind in ("steps", "edges", "mapped")}
    reasons: Counter[str] = Counter()
    paths = sorted({flow["file"] for flow in truth["flows"]})
    top = os.path.commonpath([os.path.dirname(p) for p in paths]) if paths else ""
    beside = [p for p in pathlib.Path(top).rglob("*.py") if top]
    tree = MemoryTree({p.relative_to(top).as_posix(): p.read_bytes() for p in beside})
    pipeline = engine.build(tree, engine.read(tree, installed(), lambda stage, done, total: None))
    schedules = {(s.scope, s.name): s for s in pipeline.all(Schedule) if s.orchestrator == "metaflow"}
    bases = {name for flow in truth["flows"] for name in flow["bases"]}
    for flow in truth["flows"]:
        path = pathlib.Path(flow["file"]).relative_to(top).as_posix()
        schedule = schedules.get((path, flow["flow"]))
        lacks = not {"start", "end"} <= flow["steps"].keys()
        if schedule is None and lacks and flow["flow"].rpartition(".")[2] in bases:
            continue  # a base of other flows, which can't be run itself
        name = f"{path}:{flow['flow']}"
        steps = pipeline.index(Step, "pipeline").get(schedule.identity, ()) if schedule else ()
        head = f"{schedule.identity}/" if schedule else ""
        edges = [e for e in pipeline.all(Edge) if schedule and e.before.startswith(head)]
        complete = schedule is None or schedule.complete
        if schedule is not None and not complete:
            reasons[schedule.reason] += 1
        known = flow["steps"]
        counts["steps"].add(_of(name, known), _of(name, [s.name for s in steps]), complete=complete)
        pairs = [f"{a} -> {b}" for a, told in known.items() for b in told["next"]]
        ours = [f"{e.before.removeprefix(head)} -> {e.after.removeprefix(head)}" for e in edges]
        counts["edges"].add(_of(name, pairs), _of(name, ours), complete=complete)
        mapped = [s for s, told in known.items() if told["mapped"]]
        counts["mapped"].add(_of(name, mapped), _of(name, [s.name for s in steps if s.mapped]), complete=complete)
    return Comparison(truth["version"], counts, reasons, truth["failed"])


def _of(flow: str, names: Any) -> set[str]:
    return {f"{flow}: {name}" for name in names}


def main() -> int:
    """Print the figures of each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and not loaded")
    parser.add_argument("--json", action="store_true", help="one JSON object for each version")
    parser.add_argument("--flows", action="append", default=[], metavar="FOLDER")
    options = parser.parse_args()
    wrong = False
    for python in options.pythons:
        outcome = compare(dump(python, [str(pathlib.Path(f).resolve()) for f in options.flows]))
        kinds = {kind: count.figures() for kind, count in outcome.counts.items()}
        wrong = wrong or any(count.missed or count.invented for count in outcome.counts.values())
        told = {
            "tool": "metaflow",
            "version": outcome.version,
            "kinds": kinds,
            "open_reasons": dict(outcome.reasons),
            "not_loaded": len(outcome.failed),
        }
        if options.json:
            sys.stdout.write(json.dumps(told) + "\n")
            continue
        sys.stdout.write(f"Metaflow {outcome.version}: {len(outcome.failed)} files that Metaflow could not load\n")
        for kind, figures in kinds.items():
            sys.stdout.write(f"  {kind:8}" + "  ".join(f"{n} {v}" for n, v in figures.items()) + "\n")
        for reason, times in outcome.reasons.most_common():
            sys.stdout.write(f"  open: {times} {reason}\n")
        if options.list:
            for kind, count in outcome.counts.items():
                for what in LISTS:
                    for name in getattr(count, what):
                        sys.stdout.write(f"  {what} ({kind}) {name}\n")
            for path, reason in outcome.failed.items():
                sys.stdout.write(f"  not loaded: {path}: {reason}\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
