"""Writes the pipelines that an installed Kedro makes of one project, as JSON. Run by that Kedro's Python.

Usage: ``python dump_kedro.py OUTPUT SOURCE PACKAGE``: SOURCE is the folder that PACKAGE lies in.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
from typing import Any


def main(output: str, source: str, package: str) -> None:
    """Load all pipelines of the project, and write what came of them to *output*."""
    sys.path.insert(0, source)
    kedro = importlib.import_module("kedro")
    project = importlib.import_module("kedro.framework.project")
    project.configure_project(package)
    nodes: set[str] = set()
    edges: set[tuple[str, str]] = set()
    for pipeline in dict(project.pipelines).values():
        for node, before in pipeline.node_dependencies.items():
            nodes |= {_name(node)}
            edges |= {(_name(earlier), _name(node)) for earlier in before}
    told = {"version": kedro.__version__, "nodes": sorted(nodes), "edges": sorted(edges)}
    pathlib.Path(output).write_text(json.dumps(told), "utf-8")


def _name(node: Any) -> str:
    """The name of a node; of one that is given none, its function, without the hash that Kedro appends."""
    if node._name:
        return str(node.name)
    return f"{node.namespace}.{node._func_name}" if node.namespace else str(node._func_name)


if __name__ == "__main__":
    main(*sys.argv[1:4])
