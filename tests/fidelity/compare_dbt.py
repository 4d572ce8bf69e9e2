"""Compares what we say of dbt projects with what dbt makes of them.

Usage: ``python tests/fidelity/compare_dbt.py [--json] [--list] [--examples FOLDER]... PYTHON...``: each PYTHON is the
interpreter of an environment with dbt-core and dbt-duckdb in it; FOLDER is one, or holds several, of the examples
of dbt (https://github.com/dbt-labs/jaffle-shop, https://github.com/dbt-labs/jaffle_shop_duckdb,
https://github.com/dbt-labs/dbt-starter-project) with their packages, where they name some, in ``dbt_packages``.
Compared are models, seeds, snapshots and exposures (steps) and which of them refers to which (edges), as ``dbt parse``
writes them to its manifest; over the examples, and over the cases below. Nothing is run, and no database is asked.
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
from collections.abc import Iterator, Sequence
from typing import Any

from counting import LISTS, Count

from pytest_mlbreaks import engine
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import FolderTree

PROFILE = re.compile(r"^profile:\s*['\"]?([\w-]+)", re.MULTILINE)
PROJECT = "name: shop\nversion: '1.0'\nprofile: shop\n"

CASES: dict[str, dict[str, str]] = {
    "versions": {
        "models/orders_v1.sql": "select 1 as id",
        "models/new_orders.sql": "select 1 as id",
        "models/reads.sql": "select * from {{ ref('orders') }} join {{ ref('orders', v=1) }} using (id)",
        "models/schema.yml": """\
models:
  - name: orders
    latest_version: 2
    versions: [{v: 1}, {v: 2, defined_in: new_orders}]
""",
    },
    "models in Python": {
        "models/raw.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/scored.py": """\
def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("raw")
""",
        "models/late.sql": "select * from {{ ref('scored') }} where id in (select id from {{ source('web', 'hits') }})",
        "models/schema.yml": "sources: [{name: web, tables: [{name: hits}]}]\n",
    },
    "macros": {
        "macros/all.sql": """\
{% macro newest() %}(select max(id) from {{ ref('base') }}){% endmacro %}
{% macro nothing() %}1{% endmacro %}
""",
        "models/base.sql": "select {{ nothing() }} as id",
        "models/late.sql": "select * from {{ ref('other') }} where id = {{ newest() }}",
        "models/named.sql": "select {{ shop.newest() }} as id",
        "models/other.sql": "select 1 as id",
    },
    "snapshots, seeds and exposures": {
        "seeds/countries.csv": "id,name\n1,x\n",
        "models/base.sql": "select * from {{ ref('countries') }}",
        "snapshots/old.sql": """\
{% snapshot base_history %}
{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='s') }}
select * from {{ ref('base') }}
{% endsnapshot %}
""",
        "models/kept.sql": "select * from {{ ref('base_history') }}",
        "models/schema.yml": """\
exposures:
  - name: board
    type: dashboard
    owner: {email: a@example.com}
    depends_on: [ref('kept'), "ref('base')"]
""",
    },
    "a snapshot of a properties file": {
        "models/base.sql": "select 1 as id",
        "models/after.sql": "select * from {{ ref('history') }}",
        "snapshots/all.yml": """\
snapshots:
  - name: history
    relation: ref('base')
    config: {unique_key: id, strategy: check, check_cols: all}
""",
    },
    "switched off": {
        "dbt_project.yml": PROJECT + "models: {shop: {old: {+enabled: false}}}\n",
        "models/old/gone.sql": "select 1 as id",
        "models/off.sql": "{{ config(enabled=false) }} select 1 as id",
        "models/on.sql": "select 1 as id",
    },
}
"""Projects by name: the files of each."""


def projects(examples: Sequence[pathlib.Path], into: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """The examples and the cases, each copied below *into* with a profile for it."""
    for source in (one for folder in examples for one in (folder, *sorted(folder.iterdir()))):
        if (source / "dbt_project.yml").is_file():
            for path in source.rglob("*"):
                relative = path.relative_to(source)
                if path.is_file() and relative.parts[0] != ".git":
                    _write(into / source.name / relative, path.read_bytes())
            yield source.name, into / source.name
    for name, files in CASES.items():
        for path_of, text in {"dbt_project.yml": PROJECT, **files}.items():
            _write(into / name / path_of, text.encode("utf-8"))
        yield name, into / name


def _write(path: pathlib.Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def dump(python: str, project: pathlib.Path) -> dict[str, Any] | str:
    """The manifest that the dbt of *python* writes of *project*, or why it can't load it."""
    profile = PROFILE.search((project / "dbt_project.yml").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as home:
        said = (
            f"{profile[1] if profile else 'shop'}:\n  target: dev\n  outputs: {{dev: {{type: duckdb, path: x.db}}}}\n"
        )
        (pathlib.Path(home) / "profiles.yml").write_text(said, "utf-8")
        environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
        environment.pop("PYTHONPATH", None)
        start = "import sys; from dbt.cli.main import cli; sys.argv[0] = 'dbt'; cli()"
        done = subprocess.run(
            [
                python,
                "-c",
                start,
                "parse",
                "--profiles-dir",
                home,
                "--target-path",
                f"{home}/target",
                "--no-use-colors",
            ],
            env=environment,
            check=False,
            capture_output=True,
            cwd=project,
            timeout=300,
            text=True,
        )
        if done.returncode:
            return " ".join((done.stdout.strip() or done.stderr.strip()).splitlines()[-3:])
        loaded: dict[str, Any] = json.loads((pathlib.Path(home) / "target" / "manifest.json").read_text("utf-8"))
        return loaded


def _known(manifest: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The names of a manifest's nodes, and its edges; of the project itself, without its packages."""
    own = manifest["metadata"]["project_name"]
    names = {
        identity: pathlib.PurePosixPath(node["path"]).stem if node.get("version") else node["name"]
        for identity, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot") and node["package_name"] == own
    }
    names |= {identity: f"exposure {node['name']}" for identity, node in manifest["exposures"].items()}
    edges = {
        f"{names[parent]} -> {names[child]}"
        for child, parents in manifest["parent_map"].items()
        for parent in parents
        if child in names and parent in names
    }
    return set(names.values()), edges


def compare(
    python: str, examples: Sequence[pathlib.Path] = ()
) -> tuple[dict[str, Any], dict[str, Count], dict[str, str]]:
    """The figures as JSON has them, the counts, and the projects that dbt could not load."""
    kinds = {"steps": Count(), "edges": Count()}
    reasons: collections.Counter[str] = collections.Counter()
    failed: dict[str, str] = {}
    version = ""
    with tempfile.TemporaryDirectory() as folder:
        for name, project in projects(examples, pathlib.Path(folder)):
            manifest = dump(python, project)
            if isinstance(manifest, str):
                failed[name] = manifest
                continue
            version = manifest["metadata"]["dbt_version"]
            tree = FolderTree(project)
            pipeline = engine.build(tree, engine.read(tree, installed(), lambda *_: None))
            [schedule] = [s for s in pipeline.all(Schedule) if s.orchestrator == "dbt" and s.scope == "dbt_project.yml"]
            head = f"{schedule.identity}/"
            steps = {s.name for s in pipeline.all(Step) if s.pipeline == schedule.identity}
            edges = {
                f"{e.before.removeprefix(head)} -> {e.after.removeprefix(head)}"
                for e in pipeline.all(Edge)
                if e.after.startswith(head)
            }
            if not schedule.complete:
                reasons[schedule.reason] += 1
            known_steps, known_edges = _known(manifest)
            kinds["steps"].add(known_steps, steps, complete=schedule.complete, where=name)
            kinds["edges"].add(known_edges, edges, complete=schedule.complete, where=name)
    told = {
        "tool": "dbt",
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
