"""Compares what the Airflow reader says of Airflow's shipped examples with what Airflow makes of them.

Usage: ``python tests/fidelity/compare_airflow.py [--list] PYTHON...``, each PYTHON the interpreter of an environment
with Airflow in it. Airflow runs there, in a process of its own; we only read the files.
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

from counting import LISTS, Count

from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.readers.airflow import READER
from pytest_mlbreaks.reading import Source, Wanted

DUMP = pathlib.Path(__file__).with_name("dump_airflow.py")
RULES = {"", "all_success"}


@dataclasses.dataclass
class Comparison:
    """The outcome for one Airflow version."""

    version: str
    counts: dict[str, Count]
    incomplete: dict[str, str]
    failed: dict[str, str]


def dump(python: str) -> dict[str, Any]:
    """What the Airflow of the interpreter *python* makes of its examples. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "dags.json"
        environment = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [python, str(DUMP), str(output)], env=environment, check=True, capture_output=True, cwd=home, timeout=600
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


@dataclasses.dataclass
class Said:
    """One DAG as the reader states it."""

    schedule: Schedule
    steps: dict[str, Step]
    edges: set[str]


def said_of(path: str) -> dict[str, Said]:
    """The DAGs that the reader states of one file, by id."""
    document = PYTHON.parse(Source(path, pathlib.Path(path).read_bytes()))
    facts = list(READER.read(document, Wanted()))
    result = {}
    for schedule in facts:
        if isinstance(schedule, Schedule):
            head = f"{schedule.identity}/"
            steps = {f.name: f for f in facts if isinstance(f, Step) and f.pipeline == schedule.identity}
            edges = {
                f"{f.before.removeprefix(head)} -> {f.after.removeprefix(head)}"
                for f in facts
                if isinstance(f, Edge) and f.before.startswith(head)
            }
            result[schedule.name] = Said(schedule, steps, edges)
    return result


def compare(truth: dict[str, Any]) -> Comparison:
    """Count found, missed and invented DAGs, tasks and edges, and tasks whose rule or mapping we tell wrongly."""
    counts = {kind: Count() for kind in ("dags", "tasks", "edges", "rules", "mapped")}
    incomplete: dict[str, str] = {}
    by_file: dict[str, dict[str, dict[str, Any]]] = {}
    for dag in truth["dags"]:
        by_file.setdefault(dag["file"], {})[dag["dag"]] = dag["tasks"]
    for path, known in sorted(by_file.items()):
        said = said_of(path)
        doubtful = any(not one.schedule.complete for one in said.values())
        counts["dags"].add(set(known), set(said), complete=not doubtful)
        for name, tasks in known.items():
            one = said.get(name)
            if one is not None and not one.schedule.complete:
                incomplete[name] = one.schedule.reason
            _compare_dag(counts, name, tasks, one, complete=not doubtful if one is None else one.schedule.complete)
    return Comparison(truth["version"], counts, incomplete, truth["failed"])


def _compare_dag(
    counts: dict[str, Count], name: str, tasks: dict[str, Any], one: Said | None, *, complete: bool
) -> None:
    steps = one.steps if one is not None else {}
    counts["tasks"].add(_of(name, tasks), _of(name, steps), complete=complete)
    edges = {f"{task} -> {after}" for task, told in tasks.items() for after in told["downstream"]}
    counts["edges"].add(_of(name, edges), _of(name, one.edges if one is not None else ()), complete=complete)
    both = tasks.keys() & steps.keys()
    rules = {f"{t}={tasks[t]['trigger_rule']}" for t in both if tasks[t]["trigger_rule"] not in RULES}
    told = {f"{t}={steps[t].trigger_rule}" for t in both if steps[t].trigger_rule not in RULES}
    counts["rules"].add(_of(name, rules), _of(name, told), complete=complete)
    mapped = {t for t in both if tasks[t]["mapped"]}
    counts["mapped"].add(_of(name, mapped), _of(name, {t for t in both if steps[t].mapped}), complete=complete)


def _of(dag: str, names: Any) -> set[str]:
    return {f"{dag}: {name}" for name in names}


def table(comparison: Comparison) -> Iterator[str]:
    """The figures, line by line."""
    yield f"Airflow {comparison.version}: {len(comparison.failed)} example files that Airflow itself could not load"
    yield f"  {'':8}{'known':>7}{'found':>7}{'missed':>8}{'open':>6}{'invented':>10}{'invented in open':>18}"
    for kind, count in comparison.counts.items():
        yield (
            f"  {kind:8}{count.known:>7}{count.found:>7}{len(count.missed):>8}{len(count.open):>6}"
            f"{len(count.invented):>10}{len(count.invented_open):>18}"
        )
    yield f"  {len(comparison.incomplete)} DAGs that the reader says it could not tell all of"


def details(comparison: Comparison) -> Iterator[str]:
    """Everything that is not as it should be, and why."""
    for kind, count in comparison.counts.items():
        for outcome in LISTS:
            for name in getattr(count, outcome):
                yield f"  {outcome} ({kind}) {name}"
    for name, reason in comparison.incomplete.items():
        yield f"  incomplete: {name}: {reason}"
    for path, reason in comparison.failed.items():
        yield f"  not loaded by Airflow: {pathlib.Path(path).name}: {reason}"


def figures(comparison: Comparison) -> dict[str, Any]:
    """The figures for a table over all tools."""
    named = {"steps": "tasks", "edges": "edges"}
    return {
        "tool": "Airflow",
        "version": comparison.version,
        "kinds": {kind: comparison.counts[name].figures() for kind, name in named.items()},
        "open_reasons": dict(collections.Counter(comparison.incomplete.values()).most_common()),
        "not_loaded": len(comparison.failed),
    }


def main() -> int:
    """Print a table for each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and incomplete")
    parser.add_argument("--json", action="store_true", help="one JSON object a version")
    options = parser.parse_args()
    wrong = False
    for python in options.pythons:
        comparison = compare(dump(python))
        if options.json:
            sys.stdout.write(json.dumps(figures(comparison)) + "\n")
            wrong = wrong or any(c.missed or c.invented for c in comparison.counts.values())
            continue
        lines = [*table(comparison), *(details(comparison) if options.list else ())]
        sys.stdout.write("\n".join(lines) + "\n")
        wrong = wrong or any(c.missed or c.invented for c in comparison.counts.values())
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
