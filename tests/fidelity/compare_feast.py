"""Compares what we say of the feature views of Feast's shipped templates with what Feast makes of them.

Usage: ``python tests/fidelity/compare_feast.py [--json] PYTHON...``, each PYTHON the interpreter of an environment with
Feast in it. Feast runs there, in a process of its own; we only read the files. *steps* are feature views and services,
*fields* their features, *edges* lead from a source to its view and from a view to a service.
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
from typing import Any

from counting import Count

from pytest_mlbreaks.model.facts import FeatureService, FeatureView
from pytest_mlbreaks.model.linked import FeatureGroup
from pytest_mlbreaks.testing import linked

DUMP = pathlib.Path(__file__).with_name("dump_feast.py")


@dataclasses.dataclass
class Comparison:
    """The outcome for one version."""

    version: str
    counts: dict[str, Count]
    failed: dict[str, str]


def dump(python: str) -> dict[str, Any]:
    """What the Feast of the interpreter *python* makes of its templates. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as home:
        output = pathlib.Path(home) / "feast.json"
        environment = {**os.environ, "HOME": home, "FEAST_USAGE": "False"}
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [python, str(DUMP), str(output)], env=environment, check=True, capture_output=True, cwd=home, timeout=600
        )
        loaded: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return loaded


def compare(truth: dict[str, Any]) -> Comparison:
    """Count found, missed and invented views, features and edges, file by file."""
    counts = {kind: Count(strict=True) for kind in ("steps", "fields", "edges")}
    for path, known in sorted(truth["files"].items()):
        pipeline = linked({"views.py": pathlib.Path(path).read_bytes()})
        groups = {group.name: group for group in pipeline.all(FeatureGroup)}
        services = {str(getattr(s.name, "value", "")): s for s in pipeline.all(FeatureService)}
        names = {view["name"] for view in known["views"]}
        counts["steps"].add(
            {f"{path}: {name}" for name in names | set(known["services"])},
            {f"{path}: {name}" for name in groups.keys() | services.keys()},
        )
        for view in known["views"]:
            _compare_view(counts, path, view, groups.get(view["name"]))
        taken = {(s, v) for s, views in known["services"].items() for v in views}
        said = {(name, group.name) for group in groups.values() for name, s in services.items() if s in group.services}
        counts["edges"].add({f"{path}: {v} -> {s}" for s, v in taken}, {f"{path}: {v} -> {s}" for s, v in said})
    return Comparison(truth["version"], counts, truth["failed"])


def _compare_view(counts: dict[str, Count], path: str, known: dict[str, Any], group: FeatureGroup | None) -> None:
    view: FeatureView | None = group.view if group is not None else None
    head = f"{path}: {known['name']}"
    counts["fields"].add(
        {f"{head}.{name}" for name in known["features"]},
        {f"{head}.{field.name}" for field in view.fields} if view is not None else set(),
        complete=view is None or view.complete,
        allowed=frozenset(f"{head}.{name}" for name in known["columns"]),
    )
    targets = (
        {str(getattr(s.target, "value", "{*}")) for s in group.sources if s.target} if group is not None else set()
    )
    source = {known["source"]} - {""}
    open_source = "{*}" in targets
    counts["edges"].add(
        {f"{text} -> {head}" for text in source},
        {f"{text} -> {head}" for text in targets & source},
        complete=not open_source,
    )


def figures(comparison: Comparison) -> dict[str, Any]:
    """The numbers, as `table.py` takes them."""
    kinds = {kind: count.figures() for kind, count in comparison.counts.items()}
    return {
        "tool": "Feast",
        "version": comparison.version,
        "kinds": kinds,
        "open_reasons": {"computed in the file": sum(len(c.open) for c in comparison.counts.values())},
        "not_loaded": len(comparison.failed),
    }


def main() -> int:
    """Compare for each interpreter; 1 where something was missed or invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--json", action="store_true", help="one JSON object a version")
    options = parser.parse_args()
    wrong = False
    for python in options.pythons:
        comparison = compare(dump(python))
        told = figures(comparison)
        mistakes = [m for count in comparison.counts.values() for m in (*count.missed, *count.invented)]
        lines = (
            [json.dumps(told)] if options.json else [json.dumps(told, indent=2), *mistakes, *comparison.failed.values()]
        )
        sys.stdout.write("\n".join(lines) + "\n")
        wrong = wrong or bool(mistakes)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
