"""Writes the stages that an installed DVC sees in one repository, and their graph, as JSON. Run by that DVC's Python.

Usage: ``python dump_dvc.py OUTPUT FOLDER``: FOLDER is a repository of DVC. No stage is run.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
from typing import Any


def main(output: str, folder: str) -> None:
    """Load the repository, and write what came of it to *output*."""
    dvc = importlib.import_module("dvc")
    repo = importlib.import_module("dvc.repo").Repo(folder)
    root = pathlib.Path(repo.root_dir)
    index = repo.index
    index.check_graph()
    stages = {stage: name for stage in index.stages if (name := _name(stage, root))}
    edges = [[stages[before], stages[after]] for after, before in index.graph.edges if {before, after} <= stages.keys()]
    commands = {name: _commands(stage) for stage, name in stages.items()}
    told = {"version": dvc.__version__, "stages": commands, "edges": sorted(edges)}
    pathlib.Path(output).write_text(json.dumps(told), "utf-8")


def _name(stage: Any, root: pathlib.Path) -> str:
    """The file and name of a stage; "" for a file that DVC tracks, which is none."""
    name = getattr(stage, "name", None)
    path = pathlib.Path(stage.path).relative_to(root).as_posix()
    return f"{path}/{name}" if name else ""


def _commands(stage: Any) -> list[str]:
    command = stage.cmd
    return [command] if isinstance(command, str) else list(command or ())


if __name__ == "__main__":
    main(*sys.argv[1:3])
