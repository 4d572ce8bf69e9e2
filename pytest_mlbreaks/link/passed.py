"""What a function's parameter can be: what the calls of it in the tree pass, or its default."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Argument, Function, Passed, PythonModule

MOST = 8
"""Calls whose arguments are looked at; a function that is called more often works on no one dataset."""

_STILL_CALLED = frozenset({"task", "step", "component", "flow", "cache", "lru_cache", "node", "staticmethod"})
"""Decorators behind which a function still gets what its calls pass."""

Key = tuple[str, str]
Caller = tuple[str, str, str]
"""File, function, and the callee as it is named there."""


class Parameters:
    """Answers by file, function and parameter."""

    def __init__(self, pipeline: Pipeline, modules: Modules) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._passed: dict[str, list[Passed]] = defaultdict(list)
        for passed in pipeline.all(Passed):
            self._passed[passed.callee.rpartition(".")[2]].append(passed)
        self._callers: dict[str, list[Caller]] | None = None
        self._meant: dict[str, dict[Key, tuple[list[Passed], set[Caller]]]] = {}
        self._known: dict[Key, tuple[Passed, ...] | None] = {}

    def given(self, path: str, function: str, name: str) -> list[Argument] | None:
        """What each call of *function* gives for its parameter *name*, the default (without a name of its own) where
        a call leaves it out; None where not all calls can be told, or there is none."""
        if "." in function or "." in name:
            return None  # of a method nobody can tell all calls
        key = (path, function)
        if key not in self._known:
            self._known[key] = self._calls(path, function)
        calls = self._known[key]
        declared = self._modules.function(path, function)
        if not calls or declared is None:
            return None
        names = [parameter.name for parameter in declared.parameters]
        if name not in names:
            return None
        default = declared.parameters[names.index(name)].default
        found = []
        for call in calls:
            given = _argument(call, name, names.index(name))
            if given is None and default is not None and not any(a.name in ("*", "**") for a in call.arguments):
                given = Argument(value=default, place=declared.place)
            if given is None:
                return None
            found.append(given)
        return found

    def _calls(self, path: str, function: str) -> tuple[Passed, ...] | None:
        """All calls of a function, or None where there may be others than those that are told."""
        candidates = self._passed.get(function, ())
        if not candidates:
            return None
        declared = self._modules.function(path, function)
        if declared is None or any(d.rpartition(".")[2] not in _STILL_CALLED for d in declared.decorators):
            return None
        if function not in self._meant:
            self._meant[function] = self._by_meaning(function)
        calls, callers = self._meant[function].get((path, function), ([], set()))
        told = {(passed.path, passed.scope, passed.callee) for passed in calls}
        return None if callers - told or len(calls) > MOST else tuple(calls)

    def _by_meaning(self, last: str) -> dict[Key, tuple[list[Passed], set[Caller]]]:
        """By what it means: the calls of whatever is called *last*, and all who call it."""
        found: dict[Key, tuple[list[Passed], set[Caller]]] = defaultdict(lambda: ([], set()))
        for passed in self._passed[last]:
            meant = self._meaning(passed.path, passed.callee)
            if meant is not None:
                found[meant][0].append(passed)
        for caller in self._calling().get(last, ()):
            meant = self._meaning(caller[0], caller[2])
            if meant is not None:
                found[meant][1].add(caller)
        return dict(found)

    def _calling(self) -> dict[str, list[Caller]]:
        """File, function and callee of whatever calls something, by the callee's last name, as far as asked for."""
        if self._callers is None:
            self._callers = defaultdict(list)
            for path, scope, calls in self._all_calls():
                for callee in calls:
                    last = callee.rpartition(".")[2]
                    if last in self._passed and callee[0] != "*":
                        self._callers[last].append((path, scope, callee))
        return self._callers

    def _all_calls(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for module in self._pipeline.all(PythonModule):
            yield module.path, "", module.calls
        for function in self._pipeline.all(Function):
            yield function.path, function.name, function.calls

    def _meaning(self, caller: str, callee: str) -> Key | None:
        """The file and name of what *callee*, as the file *caller* names it, is; None where that is not told."""
        module, _, last = callee.rpartition(".")
        if not module:
            return caller, callee
        if module.startswith("."):
            level = len(module) - len(module.lstrip("."))
            folder = caller.rpartition("/")[0]
            for _ in range(level - 1):
                folder = folder.rpartition("/")[0]
            stem = posixpath.join(folder, module.lstrip(".").replace(".", "/"))
            files = [f for f in (f"{stem}.py", posixpath.join(stem, "__init__.py")) if f in self._modules.files]
            found = files[0] if files else None
        else:
            found = self._modules.find(module, caller)
        return self._modules.definition(found, last) if found is not None else None


def _argument(call: Passed, name: str, position: int) -> Argument | None:
    for argument in call.arguments:
        if argument.name == name:
            return argument
    before = call.arguments[: position + 1]
    if len(before) == position + 1 and all(argument.name == "" for argument in before):
        return before[position]
    return None


def one_of(given: list[Argument]) -> Expr | None:
    """The expression that all of *given* are, or None where they are several."""
    first = given[0].value
    return first if all(argument.value == first for argument in given) else None
