"""Reach: which functions of the tree a process comes to, by the calls from what it starts.

A file that is imported is not yet code that runs: the tasks of one DAG file share its imports, and each calls a
function of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pytest_mlbreaks.link.serving import Key, Serving
from pytest_mlbreaks.model import Pipeline, Process
from pytest_mlbreaks.model.facts import Container, Function, Handler, PythonModule, Workload

MOST_FUNCTIONS = 2_000
"""Functions that one process is followed into."""

_SHORT = 4
"""A method's name of fewer letters (``get``, ``run``) tells too little to be followed by name alone."""
_COMMON = frozenset({"fit", "predict", "transform", "predict_proba", "load", "save", "train", "close", "read", "write"})
_ENDS = frozenset({"Job", "CronJob"})


class Reach:
    """Answers it for all processes of a pipeline; each is followed once."""

    def __init__(self, pipeline: Pipeline, serving: Serving) -> None:
        self._pipeline = pipeline
        self._serving = serving
        self._found: dict[int, dict[Key, tuple[str, ...]]] = {}
        self._methods: dict[str, list[Function]] | None = None
        self._steps: dict[Key, tuple[tuple[str, ...], tuple[Key | str, ...]]] = {}

    def of(self, process: Process) -> dict[Key, tuple[str, ...]]:
        """The functions that *process* comes to, by file and name ("" for a module's own code), with what each calls.

        What answers requests is called by its framework: all functions of the files that it imports may then run.
        """
        found = self._found.get(id(process))
        if found is None:
            found = self._found[id(process)] = self._follow(process)
        return found

    def target(self, path: str, callee: str) -> Key | None:
        """The function of the tree that *callee* means in the file *path*."""
        return self._serving.called(path, callee)

    def serves(self, process: Process) -> tuple[Handler, ...]:
        """The request handlers in the code of a container that stays up; a job or a step of CI answers nobody."""
        workload: Workload | None = process.workload
        if not isinstance(process.fact, Container) or (workload is not None and workload.kind in _ENDS):
            return ()
        by_path = self._pipeline.index(Handler, "path")
        return tuple(handler for path in process.modules for handler in by_path.get(path, ()))

    def from_script(self, path: str, modules: tuple[str, ...]) -> dict[Key, tuple[str, ...]]:
        """The same for a file that somebody starts by hand, and that imports *modules*."""
        return self._walk([(path, "")], modules)

    def _follow(self, process: Process) -> dict[Key, tuple[str, ...]]:
        starts: list[Key] = [(e.path, e.function) for e in process.entries if e.path is not None]
        if self.serves(process):
            by_path = self._pipeline.index(Function, "path")
            starts += [(f.path, f.name) for path in process.modules for f in by_path.get(path, ())]
        found = self._walk(starts, process.modules)
        for path in process.modules:
            found.setdefault((path, ""), ())
        return found

    def _walk(self, starts: Iterable[Key], modules: tuple[str, ...]) -> dict[Key, tuple[str, ...]]:
        pending = list(starts)
        within = frozenset(modules)
        seen: dict[Key, tuple[str, ...]] = {}
        while pending and len(seen) < MOST_FUNCTIONS:
            key = pending.pop()
            if key in seen:
                continue
            step = self._steps.get(key)
            if step is None:
                step = self._steps[key] = self._step(key)
            seen[key] = step[0]
            for called in step[1]:
                target = self._method(called, key, within) if isinstance(called, str) else called
                if target is not None and target not in seen:
                    pending.append(target)
        return seen

    def _step(self, key: Key) -> tuple[tuple[str, ...], tuple[Key | str, ...]]:
        """What a function calls, and of that what may be followed: functions of the tree, and names of methods."""
        calls = self._calls(key)
        followed: list[Key | str] = []
        for callee in calls:
            target = self._serving.called(key[0], callee)
            if target is not None:
                followed.append(target)
            elif callee[:2] == "*.":
                name = callee.rpartition(".")[2]
                if name not in _COMMON and len(name) >= _SHORT:
                    followed.append(name)
        return calls, tuple(followed)

    def _calls(self, key: Key) -> tuple[str, ...]:
        if key[1]:
            function = self._serving.function(key)
            return function.calls if function is not None else ()
        module = self._pipeline.index(PythonModule, "path").get(key[0], ())
        return module[0].calls if module else ()

    def _method(self, name: str, asking: Key, modules: frozenset[str]) -> Key | None:
        """A method of an object that is not known: the one method of that name in the files that are imported."""
        if self._methods is None:
            self._methods = defaultdict(list)
            for function in self._pipeline.all(Function):
                if "." in function.name:
                    self._methods[function.name.rpartition(".")[2]].append(function)
        found = [f for f in self._methods.get(name, ()) if f.path in modules or f.path == asking[0]]
        return (found[0].path, found[0].name) if len(found) == 1 else None
