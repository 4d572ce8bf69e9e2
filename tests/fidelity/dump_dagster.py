"""Writes the assets and jobs that an installed Dagster makes of example code, as JSON. Run by that Dagster's Python.

Usage: ``python dump_dagster.py OUTPUT FOLDER...``: each folder is looked through for modules that make definitions
(``definitions.py``, ``repository.py``); each is imported as a module of the package that it lies in.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
from typing import Any


def main(output: str, folders: list[str]) -> None:
    """Load the code locations below *folders*, and write what came of them to *output*."""
    dagster = importlib.import_module("dagster")
    locations = []
    failed: dict[str, str] = {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.py")):
            if path.name not in ("definitions.py", "repository.py") or "defs" in path.parts:
                continue
            try:
                locations += [{"folder": folder, "file": str(path), **told} for told in _load(path)]
            except Exception as error:  # an example that lacks something here is told, and left out
                failed[str(path)] = f"{type(error).__name__}: {error}"[:300]
    told = {"version": dagster.__version__, "locations": locations, "failed": failed}
    pathlib.Path(output).write_text(json.dumps(told), "utf-8")


def _load(path: pathlib.Path) -> list[dict[str, Any]]:
    names = [path.stem]
    root = path.parent
    while root.parent.name != "src" and ((root / "__init__.py").exists() or (root.parent / "__init__.py").exists()):
        names.insert(0, root.name)
        root = root.parent
    if root.parent.name == "src":
        names.insert(0, root.name)
        root = root.parent
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module = importlib.import_module(".".join(names))
    found = []
    for value in list(vars(module).values()):
        kind = type(value).__name__
        if kind == "LazyDefinitions":
            value = value()
            kind = type(value).__name__
        if kind in ("Definitions", "RepositoryDefinition"):
            repository = value.get_repository_def() if kind == "Definitions" else value
            found.append(_told(repository))
    return found


def _told(repository: Any) -> dict[str, Any]:
    graph = repository.asset_graph
    keys = {key.to_user_string() for key in graph.executable_asset_keys}
    edges = [
        (parent.to_user_string(), key.to_user_string())
        for key in graph.executable_asset_keys
        for parent in graph.get(key).parent_keys
        if parent.to_user_string() in keys
    ]
    jobs = {}
    for job in repository.get_all_jobs():
        if job.name.startswith("__") or job.asset_layer.executable_asset_keys:
            continue
        structure = job.graph
        jobs[job.name] = _flat(structure, "")
    return {"assets": sorted(keys), "edges": sorted(set(edges)), "jobs": jobs}


def _flat(graph: Any, prefix: str) -> dict[str, Any]:
    """The ops below *graph* by their handles, and the order among the ops of one level."""
    steps: list[str] = []
    edges: list[tuple[str, str]] = []
    for node in graph.nodes:
        name = prefix + node.name
        if type(node).__name__ == "GraphNode":
            inner = _flat(node.definition, f"{name}.")
            steps += inner["steps"]
            edges += inner["edges"]
            continue
        steps.append(name)
        for upstream in graph.dependency_structure.input_to_upstream_outputs_for_node(node.name).values():
            for handle in upstream:
                if type(handle.node).__name__ != "GraphNode":
                    edges.append((prefix + handle.node.name, name))
    return {"steps": sorted(steps), "edges": sorted(set(edges))}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
