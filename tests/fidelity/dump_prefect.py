"""Writes what Prefect's ``flow.visualize()`` makes of flows, as JSON. Run by the Python of an environment with Prefect.

Usage: ``python dump_prefect.py OUTPUT FOLDER...``: the Python files below each FOLDER. Flows are called as
``visualize`` calls them: their code runs, that of their tasks does not. Parameters without a default get a text.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import io
import json
import pathlib
import signal
import sys
from importlib.metadata import version
from typing import Any

LIMIT_SECONDS = 20


def main(output: str, folders: list[str]) -> None:
    """Load every file that defines a flow, call its flows, and write what came of it to *output*."""
    flows_of_tool = importlib.import_module("prefect.flows")
    visualization = importlib.import_module("prefect.utilities.visualization")
    kind = flows_of_tool.Flow
    for method in ("serve", "deploy"):
        setattr(kind, method, lambda self, *args, **kwargs: None)
    importlib.import_module("prefect").serve = lambda *args, **kwargs: None
    flows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for folder in folders:
        for file in sorted(pathlib.Path(folder).rglob("*.py")):
            if "@flow" not in file.read_text("utf-8", "replace"):
                continue
            try:
                module = load(file, visualization.TaskVizTracker)
            except BaseException as error:
                failed[str(file)] = f"{type(error).__name__}: {error}"[:200]
                continue
            for flow in {id(v): v for v in vars(module).values() if isinstance(v, kind)}.values():
                if flow.fn.__module__ != module.__name__:
                    continue
                try:
                    with visualization.TaskVizTracker() as tracker, limited():
                        called(flow)
                except BaseException as error:
                    failed[f"{file}:{flow.name}"] = f"{type(error).__name__}: {error}"[:200]
                    continue
                tasks = [{"name": t.name, "after": [u.name for u in t.upstream_tasks]} for t in tracker.tasks]
                flows.append({"file": str(file), "flow": flow.name, "function": flow.fn.__qualname__, "tasks": tasks})
    told = {"version": version("prefect"), "flows": flows, "failed": failed}
    pathlib.Path(output).write_text(json.dumps(told), "utf-8")


def load(file: pathlib.Path, tracker: Any) -> Any:
    """The module of *file*; flows that it calls itself are only noted."""
    spec = importlib.util.spec_from_file_location(f"example_{abs(hash(str(file)))}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with contextlib.redirect_stdout(io.StringIO()), tracker(), limited():
        spec.loader.exec_module(module)
    return module


def called(flow: Any) -> None:
    """Run the flow's own function."""
    given = {
        name: "text"
        for name, parameter in inspect.signature(flow.fn).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    with contextlib.redirect_stdout(io.StringIO()):
        result = flow.fn(**given)
        if inspect.iscoroutine(result):
            asyncio.run(result)


@contextlib.contextmanager
def limited() -> Any:
    """Raise TimeoutError after LIMIT_SECONDS."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
