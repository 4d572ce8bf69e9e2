"""Compares what we say of DVC's pipelines with what DVC makes of them.

Usage: ``python tests/fidelity/compare_dvc.py [--json] [--list] [--examples FOLDER]... PYTHON...``: each PYTHON is the
interpreter of an environment with DVC in it; FOLDER is one, or holds several, of DVC's example repositories
(https://github.com/iterative/example-get-started and others). Compared are stages (steps), the order that their paths
give (edges), and commands with everything put in; over the examples, and over the cases below, which say in few lines
what DVC's documentation says of loops, variables and paths. No stage is run.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from counting import LISTS, Count

from pytest_mlbreaks import engine
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import FolderTree

DUMP = pathlib.Path(__file__).with_name("dump_dvc.py")

CASES: dict[str, dict[str, str]] = {
    "loops": {
        "dvc.yaml": """\
vars:
  - langs: [fi, sv]
    threshold: 0.50
    sizes: {small: {rows: 10}, large: {rows: 1000}}
stages:
  fetch: {foreach: "${langs}", do: {cmd: "get ${item}", outs: ["raw/${item}"]}}
  clean: {foreach: [fi, sv], do: {cmd: "clean ${item} ${threshold}", deps: ["raw/${item}"], outs: ["clean/${item}"]}}
  merge: {cmd: merge clean, deps: [clean], outs: [all.csv]}
  cut: {foreach: "${sizes}", do: {cmd: "cut ${key} ${item.rows}", deps: [all.csv], outs: ["${key}.csv"]}}
  train:
    foreach: [{name: a, data: small}, {name: b, data: large}]
    do: {cmd: "train ${item.name}", deps: ["${item.data}.csv"], outs: ["${item.name}.bin"]}
  flags: {foreach: [true, 1, 0.10, 1.0], do: {cmd: "flag ${item}"}}
""",
    },
    "matrices": {
        "dvc.yaml": """\
stages:
  prepare: {cmd: prepare, params: [lr, split.size], outs: [data]}
  train:
    matrix: {model: "${models}", feature: [{kind: text}, {kind: image}], deep: [true, false]}
    cmd: train ${item.model} ${item.feature.kind} ${item.deep} ${key}
    deps: [data/train.csv]
    outs: ["models/${key}.bin"]
  report: {cmd: report, deps: [models], metrics: [report.json: {cache: false}]}
""",
        "params.yaml": "models: [cnn, bert]\nlr: 0.1\nsplit: {size: 0.2}\n",
    },
    "files of variables": {
        "dvc.yaml": """\
vars:
  - conf/paths.yaml
  - conf/more.yaml:names,wanted
stages:
  one: {cmd: "one ${paths.raw[0]}", deps: ["${paths.raw[0]}"], outs: ["${wanted}"]}
  two: {foreach: "${names}", do: {cmd: "two ${item}", deps: ["${wanted}/x.csv"], outs: ["out/${item}"]}}
  three: {wdir: "${folder}", vars: [local.yaml], cmd: "three ${deep.er}", deps: ["../out"], outs: [../final/x]}
""",
        "params.yaml": "folder: sub\n",
        "conf/paths.yaml": "paths: {raw: [raw/a.csv, raw/b.csv]}\n",
        "conf/more.yaml": "names: [x, y]\nwanted: made\nother: 1\n",
        "sub/local.yaml": "deep: {er: value}\n",
    },
    "several folders": {
        "dvc.yaml": "stages:\n  last: {cmd: last, deps: [a/out, b/model.bin], params: [a/best.yaml: [lr]]}\n",
        "a/dvc.yaml": """\
stages:
  make: {cmd: make, outs: [out]}
  tune: {cmd: tune, deps: [out/x], outs: [best.yaml]}
""",
        "b/dvc.yaml": """\
stages:
  train:
    wdir: ..
    cmd:
      - echo start
      - train
    deps: [a/out/train.csv]
    outs: [b/model.bin: {persist: true}]
    plots: [b/curve.csv: {x: step}]
  frozen: {cmd: frozen, deps: [model.bin], outs: [late], frozen: true, always_changed: true}
  show: {cmd: show, deps: [curve.csv, late]}
""",
    },
}
"""Repositories by name: the files of each."""


def repositories(examples: Sequence[pathlib.Path], into: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """The examples and the cases, each copied below *into* as a repository of DVC."""
    for source in (one for folder in examples for one in (folder, *sorted(folder.iterdir()))):
        if (source / ".dvc").is_dir():
            for path in source.rglob("*"):
                relative = path.relative_to(source)
                if path.is_file() and relative.parts[0] != ".git":
                    _write(into / source.name / relative, path.read_bytes())
            yield source.name, into / source.name
    for name, files in CASES.items():
        for path_of, text in files.items():
            _write(into / name / path_of, text.encode("utf-8"))
        _write(into / name / ".dvc" / "config", b"")
        yield name, into / name


def _write(path: pathlib.Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def dump(python: str, repository: pathlib.Path) -> dict[str, Any] | str:
    """What the DVC of *python* makes of *repository*, or why it can't load it."""
    # a checkout that was copied has no Git
    (repository / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n", "utf-8")
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "dvc.json"
        environment = {**os.environ, "DVC_NO_ANALYTICS": "true"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [python, str(DUMP), str(output), str(repository)],
            env=environment,
            check=False,
            capture_output=True,
            cwd=repository,
            timeout=300,
            text=True,
        )
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["failed"])[-1]
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(
    python: str, examples: Sequence[pathlib.Path] = ()
) -> tuple[dict[str, Any], dict[str, Count], dict[str, str]]:
    """The figures as JSON has them, the counts, and the repositories that DVC could not load."""
    kinds = {"steps": Count(), "edges": Count(), "commands": Count()}
    reasons: collections.Counter[str] = collections.Counter()
    failed: dict[str, str] = {}
    version = ""
    with tempfile.TemporaryDirectory() as folder:
        for name, repository in repositories(examples, pathlib.Path(folder)):
            truth = dump(python, repository)
            if isinstance(truth, str):
                failed[name] = truth
                continue
            version = truth["version"]
            tree = FolderTree(repository)
            pipeline = engine.build(tree, engine.read(tree, installed(), lambda *_: None))
            schedules = [s for s in pipeline.all(Schedule) if s.orchestrator == "dvc"]
            complete = all(schedule.complete for schedule in schedules)
            reasons.update(schedule.reason for schedule in schedules if not schedule.complete)
            for kind, (known, said) in _both(truth, pipeline).items():
                told_all = complete and not any("{*}" in one for one in said)
                kinds[kind].add(known, said, complete=told_all, where=name)
    told = {
        "tool": "DVC",
        "version": version,
        "kinds": {kind: count.figures() for kind, count in kinds.items()},
        "open_reasons": dict(reasons),
        "not_loaded": len(failed),
    }
    return told, kinds, failed


def _both(truth: dict[str, Any], pipeline: Pipeline) -> dict[str, tuple[set[str], set[str]]]:
    """By kind, what DVC has and what we say."""
    steps = {s.identity.removeprefix("dvc:"): s for s in pipeline.all(Step) if s.orchestrator == "dvc"}
    edges = {f"{e.before} -> {e.after}".replace("dvc:", "") for e in pipeline.all(Edge) if e.after.startswith("dvc:")}
    said = {f"{name}: {pipeline.pattern(c.shell)}" for name, step in steps.items() for c in step.commands}
    commands = {f"{name}: {command}" for name, given in truth["stages"].items() for command in given}
    return {
        "steps": (set(truth["stages"]), set(steps)),
        "edges": ({f"{before} -> {after}" for before, after in truth["edges"]}, edges),
        "commands": (commands, said),
    }


def main() -> int:
    """Print the figures of each environment; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--examples", metavar="FOLDER", type=pathlib.Path, action="append", default=[])
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
