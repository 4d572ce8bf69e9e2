"""Writes the graphs that an installed Metaflow makes of flows, as JSON. Run by that Metaflow's Python.

Usage: ``python dump_metaflow.py OUTPUT FOLDER...``: the flows of each folder, or those of the wheel's tutorials where
none is given. A flow's file is imported, and none of its steps is run.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import json
import os
import pathlib
import sys
from importlib.metadata import version
from typing import Any


def main(output: str, folders: list[str]) -> None:
    """Load every file that defines a flow, and write what came of it to *output*."""
    metaflow = importlib.import_module("metaflow")
    graph = importlib.import_module("metaflow.graph")
    home = pathlib.Path(str(metaflow.__file__)).parent
    flows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for folder in [pathlib.Path(f) for f in folders] or [home / "tutorials"]:
        for file in sorted(folder.rglob("*.py")):
            if "FlowSpec" not in file.read_text("utf-8", "replace"):
                continue
            try:
                module = load(file)
            except BaseException as error:
                failed[str(file)] = f"{type(error).__name__}: {error}"[:200]
                continue
            for cls in vars(module).values():
                if not (inspect.isclass(cls) and issubclass(cls, metaflow.FlowSpec) and cls is not metaflow.FlowSpec):
                    continue
                if cls.__module__ == module.__name__:
                    with contextlib.suppress(BaseException):
                        flows.append(told(cls, graph.FlowGraph(cls), file))
    pathlib.Path(output).write_text(
        json.dumps({"version": version("metaflow"), "flows": flows, "failed": failed}), "utf-8"
    )


def load(file: pathlib.Path) -> Any:
    """The module of *file*, imported in its own folder as if it had been started there."""
    os.chdir(file.parent)
    sys.path.insert(0, str(file.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"example_{abs(hash(str(file)))}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        with contextlib.redirect_stdout(io.StringIO()):
            spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(file.parent))


def told(cls: Any, graph: Any, file: pathlib.Path) -> dict[str, Any]:
    """One flow: its steps, what each goes on to, and whether it is inside of a foreach."""
    nodes = {node.name: node for node in graph}
    return {
        "file": str(file),
        "flow": cls.__qualname__,
        "bases": [base.__name__ for base in cls.__mro__[1:]],
        "steps": {
            name: {
                "next": sorted({n for n in node.out_funcs if n in nodes and n != name}),
                "mapped": bool(node.is_inside_foreach),
            }
            for name, node in nodes.items()
        },
    }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
