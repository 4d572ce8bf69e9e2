"""Compares pipelines of GitLab CI as we put them together with what gitlab-ci-local makes of the same files.

Usage: ``python tests/fidelity/compare_gitlab.py [--list] [--json] --examples FOLDER PROGRAM...``, each PROGRAM a
``gitlab-ci-local``, FOLDER the ``tests/test-cases`` of its repository. It only prints its preview of each pipeline;
no job is run.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import yaml
from counting import Count

from pytest_mlbreaks.link.gitlab import WORKSPACE
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import linked

KINDS = ("steps", "edges", "scripts")
_KEYWORDS = {"stages", "variables", "default", "workflow", "include", "cache", "image", "services", "spec"}


def preview(program: str, folder: pathlib.Path) -> dict[str, Any] | None:
    """The pipeline of *folder* with everything put together; None where the tool refuses it."""
    state = tempfile.TemporaryDirectory()
    options = ["--preview", "--cwd", str(folder), "--json-schema-validation=false", "--state-dir", state.name]
    with state:
        run = subprocess.run([program, *options], capture_output=True, text=True, timeout=120, check=False)
    if run.returncode or not run.stdout.strip():
        return None
    loaded = yaml.safe_load(run.stdout)
    return loaded if isinstance(loaded, dict) else None


def truth(made: dict[str, Any]) -> dict[str, set[str]]:
    """Steps, edges and script lines of a preview. Where a job has no ``needs`` it waits for the stages before it, but
    for what is started by hand and may fail (https://docs.gitlab.com/ci/jobs/job_control/#types-of-manual-jobs)."""
    jobs = {
        name: job
        for name, job in made.items()
        if name not in _KEYWORDS and isinstance(job, dict) and not name.startswith(".")
    }
    stages = list(made.get("stages") or ())
    edges: set[str] = set()
    for name, job in jobs.items():
        if job.get("needs") is not None:
            edges |= {f"{need['job']} -> {name}" for need in job["needs"] if need.get("job") in jobs}
            continue
        earlier = stages[: stages.index(job.get("stage", "test"))] if job.get("stage", "test") in stages else []
        edges |= {
            f"{other} -> {name}"
            for other, one in jobs.items()
            if one.get("stage", "test") in earlier and not _holds_up_nothing(one)
        }
    scripts = {
        f"{name}: {line}"
        for name, job in jobs.items()
        for line in _lines([job.get("before_script"), job.get("script"), job.get("after_script")])
    }
    return {"steps": set(jobs), "edges": edges, "scripts": scripts}


def _holds_up_nothing(job: dict[str, Any]) -> bool:
    rules = job.get("rules")
    if not rules:
        return job.get("when") == "manual" and job.get("allow_failure") is not False
    return any(
        rule.get("when", job.get("when")) == "manual" and rule.get("allow_failure", job.get("allow_failure")) is True
        for rule in rules
    )


def _lines(written: Any) -> set[str]:
    if isinstance(written, list):
        return {line for one in written for line in _lines(one)}
    text = "" if written is None else str(written).replace("${CI_PROJECT_DIR}", "$CI_PROJECT_DIR")
    return {line.strip() for line in text.splitlines() if line.strip()}


def said(folder: pathlib.Path) -> tuple[dict[str, set[str]], str]:
    """The same as we state it, and why there may be more."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yml") if path.is_file()}
    pipeline = linked(files)
    schedule = next((one for one in pipeline.all(Schedule) if one.name == ".gitlab-ci.yml"), None)
    if schedule is None:
        return {kind: set() for kind in KINDS}, "no pipeline"
    head = f"{schedule.identity}/"
    steps = [step for step in pipeline.all(Step) if step.pipeline == schedule.identity]
    scripts = {
        f"{step.name}: {line.replace(WORKSPACE, '$CI_PROJECT_DIR')}"
        for step in steps
        for command in step.commands
        if isinstance(command.shell, Literal)
        for line in _lines(command.shell.value)
    }
    edges = {
        f"{edge.before.removeprefix(head)} -> {edge.after.removeprefix(head)}"
        for edge in pipeline.all(Edge)
        if edge.before.startswith(head)
    }
    return {"steps": {step.name for step in steps}, "edges": edges, "scripts": scripts}, schedule.reason


def compare(program: str, examples: pathlib.Path) -> dict[str, Any]:
    """All examples, as one JSON object."""
    counts = {kind: Count() for kind in KINDS}
    reasons: collections.Counter[str] = collections.Counter()
    refused = 0
    for folder in sorted(path.parent for path in examples.glob("*/.gitlab-ci.yml")):
        made = preview(program, folder)
        if made is None:
            refused += 1
            continue
        known = truth(made)
        ours, reason = said(folder)
        if reason:
            reasons[reason] += 1
        for kind in KINDS:
            counts[kind].add(known[kind], ours[kind], complete=not reason, where=folder.name)
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "tool": "gitlab-ci-local",
        "version": version,
        "kinds": {kind: dataclasses.asdict(count) for kind, count in counts.items()},
        "open_reasons": dict(reasons),
        "not_loaded": refused,
    }


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Print a table, or JSON; 1 where something is missed or invented in what we call complete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--examples", type=pathlib.Path, required=True)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    wrong = False
    for program in options.programs:
        found = compare(program, options.examples)
        listed = {kind: dict(count) for kind, count in found["kinds"].items()}
        for count in found["kinds"].values():
            count |= {key: len(value) for key, value in count.items() if isinstance(value, list)}
            wrong = wrong or bool(count["missed"] or count["invented"])
        if options.json:
            _say(json.dumps(found))
            continue
        _say(f"{found['tool']} {found['version']}, not loaded: {found['not_loaded']}, {found['open_reasons']}")
        for kind, count in found["kinds"].items():
            _say(f"  {kind}: {count}")
            for key in ("missed", "invented") if options.list else ():
                for one in listed[kind][key]:
                    _say(f"    {key}: {one}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
