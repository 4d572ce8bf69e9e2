"""Writes what Prefect's ``flow.visualize()`` makes of flows, as JSON. Run by the Python of an environment with Prefect.

Usage: ``python dump_prefect.py OUTPUT FOLDER [--run]``: the Python files below FOLDER. Flows are called as
``visualize`` calls them: their code runs, that of their tasks does not. Parameters without a default get a text.

With ``--run`` flows are run by Prefect's own engine, on a server of this process and with tasks that only wait a moment
and tell when they began and ended, and which results of others they were given.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import importlib.util
import inspect
import io
import json
import pathlib
import signal
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

LIMIT_SECONDS = 20


def main(output: str, folder: str, *, run: bool) -> None:
    """Load every file that defines a flow, call its flows, and write what came of it to *output*."""
    flows_of_tool = importlib.import_module("prefect.flows")
    visualization = importlib.import_module("prefect.utilities.visualization")
    kind = flows_of_tool.Flow
    for method in ("serve", "deploy"):
        setattr(kind, method, lambda self, *args, **kwargs: None)
    setattr(importlib.import_module("prefect"), "serve", lambda *args, **kwargs: None)  # noqa: B010
    flows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
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
                tasks = observed(flow, module) if run else visualized(flow, visualization.TaskVizTracker)
            except BaseException as error:
                failed[f"{file}:{flow.name}"] = f"{type(error).__name__}: {error}"[:200]
                continue
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


def arguments(flow: Any) -> dict[str, str]:
    """A text for each parameter without a default."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(flow.fn).parameters.items()
    return {name: "text" for name, p in parameters if p.default is p.empty and p.kind in named}


def visualized(flow: Any, tracker: Any) -> list[dict[str, Any]]:
    """The tasks that ``visualize`` tracks in the flow's own function."""
    with tracker() as tracked, limited(), contextlib.redirect_stdout(io.StringIO()):
        result = flow.fn(**arguments(flow))
        if inspect.iscoroutine(result):
            asyncio.run(result)
    return [{"name": t.name, "after": [u.name for u in t.upstream_tasks]} for t in tracked.tasks]


class Result:
    """What a task of a run gives: it can be used as much else."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __iter__(self) -> Any:
        return iter(("1", "2"))

    def __getitem__(self, key: Any) -> Any:
        return self

    def __len__(self) -> int:
        return 2

    def __int__(self) -> int:
        return 1

    def __add__(self, other: Any) -> Any:
        return self

    __radd__ = __mul__ = __rmul__ = __sub__ = __add__


def observed(flow: Any, module: Any) -> list[dict[str, Any]]:
    """Run a flow, and tell of each run of a task when it was and whose results it was given."""
    runs: list[dict[str, Any]] = []
    lock = threading.Lock()
    tasks = importlib.import_module("prefect.tasks")
    for task in {id(v): v for v in vars(module).values() if isinstance(v, tasks.Task)}.values():
        task.fn = stand_in(task, runs, lock)
    flow.should_validate_parameters = False
    with limited(), contextlib.redirect_stdout(io.StringIO()):
        result = flow(**arguments(flow))
        if inspect.iscoroutine(result):
            asyncio.run(result)
    return runs


def stand_in(task: Any, runs: list[dict[str, Any]], lock: Any) -> Any:
    """A function for a task that waits a moment."""

    def begin(given: Any) -> dict[str, Any]:
        with lock:
            number = sum(run["task"] == task.name for run in runs)
            run = {"task": task.name, "name": f"{task.name}-{number}", "start": time.monotonic()}
            run["after"] = sorted({runs[one]["name"] for one in results(given)})
            run["number"] = len(runs)
            runs.append(run)
        return run

    original = inspect.unwrap(task.fn)
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def waits(*args: Any, **kwargs: Any) -> Any:
            run = begin((args, kwargs))
            await asyncio.sleep(0.2)
            run["end"] = time.monotonic()
            return Result(run["number"])

        return waits

    @functools.wraps(original)
    def sleeps(*args: Any, **kwargs: Any) -> Any:
        run = begin((args, kwargs))
        time.sleep(0.2)
        run["end"] = time.monotonic()
        return Result(run["number"])

    return sleeps


def results(given: Any) -> set[int]:
    """The numbers of the results in *given*, lists and dictionaries included."""
    if isinstance(given, Result):
        return {given.number}
    if isinstance(given, dict):
        return {n for v in given.values() for n in results(v)}
    if isinstance(given, (list, tuple, set)):
        return {n for v in given for n in results(v)}
    return set()


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
    if "--run" in sys.argv:
        with importlib.import_module("prefect.testing.utilities").prefect_test_harness(180):
            main(sys.argv[1], sys.argv[2], run=True)
    else:
        main(sys.argv[1], sys.argv[2], run=False)
