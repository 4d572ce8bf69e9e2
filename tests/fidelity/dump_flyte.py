"""Writes the nodes that flytekit makes of workflows, as JSON. Run by the Python of an environment with flytekit.

Usage: ``python dump_flyte.py OUTPUT FOLDER...``: the Python files below each FOLDER. A workflow is compiled, and none
of its tasks is run.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import pathlib
import sys
from importlib.metadata import version
from typing import Any


def main(output: str, folders: list[str]) -> None:
    """Load every file that defines a workflow, compile it, and write what came of it to *output*."""
    workflow = importlib.import_module("flytekit.core.workflow")
    flows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for folder in folders:
        for file in sorted(pathlib.Path(folder).rglob("*.py")):
            if "@workflow" not in file.read_text("utf-8", "replace"):
                continue
            try:
                module = load(file)
            except BaseException as error:
                failed[str(file)] = f"{type(error).__name__}: {error}"[:200]
                continue
            for name, value in vars(module).items():
                if (
                    isinstance(value, workflow.PythonFunctionWorkflow)
                    and value._workflow_function.__module__ == module.__name__
                ):
                    try:
                        value.compile()
                        flows.append({"file": str(file), "flow": name, "nodes": told(value.nodes)})
                    except BaseException as error:
                        failed[f"{file}:{name}"] = f"{type(error).__name__}: {error}"[:200]
    pathlib.Path(output).write_text(
        json.dumps({"version": version("flytekit"), "flows": flows, "failed": failed}), "utf-8"
    )


def load(file: pathlib.Path) -> Any:
    """The module of *file*."""
    sys.path.insert(0, str(file.parent.parent))
    spec = importlib.util.spec_from_file_location(f"example_{abs(hash(str(file)))}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def told(nodes: list[Any]) -> list[dict[str, Any]]:
    """Nodes in the order of the code, those of a condition in its place; each after all that the condition is after."""
    found: list[dict[str, Any]] = []
    inside: dict[str, list[str]] = {}
    for node in nodes:
        before = [up.id for up in node.upstream_nodes]
        entity = node.flyte_entity
        start = len(found)
        if type(entity).__name__ == "BranchNode":
            for one in cases(entity):
                after = sorted({*before, *(up.id for up in one.upstream_nodes)})
                found.append({"id": f"{node.id}/{len(found)}", "name": called(one.flyte_entity), "after": after})
        else:
            found.append({"id": node.id, "name": called(entity), "after": before})
        inside[node.id] = [one["id"] for one in found[start:]]
    for one in found:
        one["after"] = [inner for before in one["after"] for inner in inside.get(before, [])]
    return found


def cases(branch: Any) -> list[Any]:
    """The nodes of a condition, those of conditions in it included."""
    block = branch._ifelse_block
    given = [case.then_node for case in (block.case, *(block.other or []))] + [block.else_node]
    found = []
    for node in given:
        if node is not None and type(node.flyte_entity).__name__ == "BranchNode":
            found += cases(node.flyte_entity)
        elif node is not None:
            found.append(node)
    return found


def called(entity: Any) -> str:
    """The name of a task or workflow, without its module."""
    inner = getattr(entity, "_run_task", None) or getattr(entity, "python_function_task", None) or entity
    if type(entity).__name__ == "LaunchPlan":
        inner = entity.workflow
    return str(inner.name).rpartition(".")[2]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
