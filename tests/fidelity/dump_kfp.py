"""Writes what an installed KFP compiles its own samples to, as JSON. Run by that KFP's Python.

Usage: ``python dump_kfp.py TREE OUTPUT``, TREE a checkout of github.com/kubeflow/pipelines. The samples below its
``test_data`` are imported one by one, each pipeline that one defines is compiled, and none is run.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pathlib
import sys
from typing import Any


def main(tree: str, output: str) -> None:
    """Compile every sample, and write the pipeline specs to *output*."""
    kfp: Any = importlib.import_module("kfp")
    graph: Any = importlib.import_module("kfp.dsl.graph_component")
    json_format: Any = importlib.import_module("google.protobuf.json_format")
    sys.dont_write_bytecode = True
    found: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for path in sorted(pathlib.Path(tree, "test_data").rglob("*.py")):
        source = path.read_text("utf-8")
        if "kfp" not in source or path.name == "__init__.py":
            continue
        namespace: dict[str, Any] = {"__name__": "sample", "__file__": str(path)}
        folders = [str(path.parent), str(path.parent.parent), tree]
        sys.path[:0] = folders
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(path.parent):
                exec(compile(source, str(path), "exec", dont_inherit=True), namespace)
        except (Exception, SystemExit) as error:
            failed[str(path)] = (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]
            continue
        finally:
            del sys.path[: len(folders)]
        for value in list(namespace.values()):
            own = isinstance(value, graph.GraphComponent) and value.pipeline_func.__code__.co_filename == str(path)
            if own:
                spec = json_format.MessageToDict(value.pipeline_spec)
                found.append({"file": str(path), "spec": spec})
    pathlib.Path(output).write_text(json.dumps({"version": kfp.__version__, "pipelines": found, "failed": failed}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
