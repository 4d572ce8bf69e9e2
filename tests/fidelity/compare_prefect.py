"""Compares what we say of Prefect's own examples with what its ``flow.visualize()`` makes of them.

Usage: ``python tests/fidelity/compare_prefect.py [--list] [--json] [--run] --examples FOLDER... PYTHON...``, PYTHON the
interpreter of an environment with Prefect in it, FOLDER a checkout of Prefect's repository, or a part of it: Python
files, and the Python blocks of its documentation (``docs/**/*.mdx``).

``visualize`` knows what a task is given by others, and the order in which the flow's code calls them. An edge of
Prefect is *found* where we say that the one task is done before the other begins, be it through others; an edge of ours
is *invented* where Prefect calls its tasks the other way round.

With ``--run`` flows are run, with tasks that only wait a moment: also those that submit and map. An edge of ours is
then *invented* where the second task began before the first had ended.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from typing import Any

from counting import LISTS, Count

from pytest_mlbreaks import engine
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import FolderTree

DUMP = pathlib.Path(__file__).with_name("dump_prefect.py")
BLOCK = re.compile(r"^([ \t]*)```python[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass
class Comparison:
    """The outcome for one version."""

    version: str
    counts: dict[str, Count]
    reasons: Counter[str]
    failed: dict[str, str]


def gather(folders: list[str], into: pathlib.Path) -> None:
    """Put the examples of *folders* that define a flow into one folder, each in a file of its own."""
    for folder in folders:
        for file in sorted(pathlib.Path(folder).rglob("*")):
            name = file.relative_to(folder).with_suffix("").as_posix().replace("/", "__").replace("-", "_")
            if file.suffix == ".py":
                texts = [file.read_text("utf-8", "replace")]
            elif file.suffix in (".mdx", ".md"):
                blocks = BLOCK.finditer(file.read_text("utf-8", "replace"))
                texts = ["\n".join(ln.removeprefix(m[1]) for ln in m[2].split("\n")) for m in blocks]
            else:
                continue
            for number, text in enumerate(texts):
                if "@flow" in text:
                    (into / f"{name}_{number}.py").write_text(text, "utf-8")


def dump(python: str, folder: pathlib.Path, *, run: bool = False) -> dict[str, Any]:
    """What the Prefect of the interpreter *python* makes of the files of *folder*, by running them if *run*."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "flows.json"
        environment = {**os.environ, "HOME": home, "PREFECT_HOME": home, "PREFECT_LOGGING_LEVEL": "CRITICAL"}
        environment.pop("PYTHONPATH", None)
        environment["DO_NOT_TRACK"] = "1"
        if not run:
            environment["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
        subprocess.run(
            [python, str(DUMP), str(output), str(folder), *(["--run"] if run else [])],
            env=environment,
            check=True,
            capture_output=True,
            cwd=home,
            timeout=1800,
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(truth: dict[str, Any], folder: pathlib.Path) -> Comparison:
    """Count steps and edges over the flows that Prefect could visualize."""
    counts = {kind: Count() for kind in ("steps", "edges")}
    reasons: Counter[str] = Counter()
    tree = FolderTree(folder)
    pipeline = engine.build(tree, engine.read(tree, installed(), lambda stage, done, total: None))
    schedules = {(s.scope, s.name): s for s in pipeline.all(Schedule) if s.orchestrator == "prefect"}
    for flow in truth["flows"]:
        path = pathlib.Path(flow["file"]).relative_to(folder).as_posix()
        schedule = schedules.get((path, flow["flow"]))
        name = f"{path}:{flow['flow']}"
        steps = pipeline.index(Step, "pipeline").get(schedule.identity, ()) if schedule else ()
        complete = schedule is None or schedule.complete
        if schedule is not None and not complete:
            reasons[re.sub(r"^.* (is run|, of another)", r"a task \1", schedule.reason.partition(";")[0])] += 1
        ours = _named(steps, flow)
        theirs = [task["name"] for task in flow["tasks"]]
        alone = {s.name for s in steps} == {flow["flow"]} and not theirs
        told = set(ours.values())
        extra = set() if alone else {s.name for s in steps} - told
        counts["steps"].add(set(theirs), set(ours), complete=complete, where=name, beyond=extra)
        head = f"{schedule.identity}/" if schedule else ""
        edges = [
            (e.before.removeprefix(head), e.after.removeprefix(head))
            for e in pipeline.all(Edge)
            if schedule and e.before.startswith(head)
        ]
        after = _closed(edges)
        known = {f"{b} -> {t['name']}" for t in flow["tasks"] for b in t["after"]}
        found = {
            f"{b} -> {t['name']}"
            for t in flow["tasks"]
            for b in t["after"]
            if ours.get(b) in after[ours.get(t["name"], "")] or ours.get(b) == ours.get(t["name"])
        }
        wrong = _contradicted(edges, ours, flow["tasks"], {s.name for s in steps if s.mapped})
        counts["edges"].add(known, found, complete=complete, where=name, beyond=wrong)
    return Comparison(truth["version"], counts, reasons, truth["failed"])


def _contradicted(
    edges: list[tuple[str, str]], ours: dict[str, str], tasks: list[dict[str, Any]], mapped: set[str]
) -> set[str]:
    """Our edges that went the other way round: in the order of calls, or by when each task began and ended."""
    known = [(number, task) for number, task in enumerate(tasks) if task["name"] in ours]
    first = {ours[task["name"]]: (number, task) for number, task in reversed(known)}
    wrong = set()
    for before, then in edges:
        if before in first and then in first and before not in mapped and then not in mapped:
            (one, earlier), (two, later) = first[before], first[then]
            if earlier["end"] > later["start"] if "end" in earlier else one > two:
                wrong.add(f"{before} -> {then}")
    return wrong


def _named(steps: Any, flow: dict[str, Any]) -> dict[str, str]:
    """Which step of ours each task of Prefect is: ``load-0`` is ``load``, and so are all runs of a mapped one."""
    names = {step.name for step in steps}
    mapped = {step.name for step in steps if step.mapped}
    found = {}
    for task in flow["tasks"]:
        base, _, number = task["name"].rpartition("-")
        own = base if number == "0" else f"{base}-{number}"
        candidates = [own, *(m for m in sorted(mapped) if re.sub(r"-\d+$", "", m) == base)]
        step = next((c for c in candidates if c in names), None)
        if step is not None:
            found[task["name"]] = step
    return found


def _closed(edges: list[tuple[str, str]]) -> dict[str, set[str]]:
    """All steps that are done before each."""
    direct: dict[str, set[str]] = defaultdict(set)
    for before, then in edges:
        direct[then].add(before)
    closed: dict[str, set[str]] = defaultdict(set)
    for step in list(direct):
        pending = [step]
        while pending:
            for before in direct.get(pending.pop(), ()):
                if before not in closed[step]:
                    closed[step].add(before)
                    pending.append(before)
    return closed


def main() -> int:
    """Print the figures of each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--examples", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="also list what is missed, invented and not loaded")
    parser.add_argument("--json", action="store_true", help="one JSON object for each version")
    parser.add_argument("--run", action="store_true", help="run the flows, with tasks that only wait")
    options = parser.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place).resolve() / "flows"
        folder.mkdir()
        gather(options.examples, folder)
        for python in options.pythons:
            outcome = compare(dump(python, folder, run=options.run), folder)
            wrong = wrong or any(count.missed or count.invented for count in outcome.counts.values())
            _print(outcome, as_json=options.json, details=options.list)
    return int(wrong)


def _print(outcome: Comparison, *, as_json: bool, details: bool) -> None:
    kinds = {kind: count.figures() for kind, count in outcome.counts.items()}
    if as_json:
        told = {
            "tool": "prefect",
            "version": outcome.version,
            "kinds": kinds,
            "open_reasons": dict(outcome.reasons),
            "not_loaded": len(outcome.failed),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.write(
        f"Prefect {outcome.version}: {len(outcome.failed)} files or flows that Prefect could not visualize\n"
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
