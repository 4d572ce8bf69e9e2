"""Calls that do not fit the function of the tree that they call."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Literal

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import FileCalls, Pipeline, UnfitCall
from pytest_mlbreaks.model.facts import CallShape, CallShapes, Function

Problem = tuple[Literal["unknown", "missing", "twice", "many", "swapped"], tuple[str, ...]]

_KEEP = frozenset(
    {
        *("builtins.staticmethod", "builtins.classmethod", "functools.lru_cache", "functools.cache"),
        *(
            "contextlib.contextmanager",
            "contextlib.asynccontextmanager",
            "typing.override",
            "typing_extensions.override",
        ),
        *("torch.no_grad", "torch.inference_mode", "tenacity.retry", "backoff.on_exception", "backoff.on_predicate"),
        *("prefect.task", "prefect.flow", "airflow.decorators.task", "airflow.sdk.task", "functools.wraps"),
        *("streamlit.cache_data", "streamlit.cache_resource"),
    }
)
"""Decorators behind which a function takes the arguments that it is written with."""

_PLAIN = frozenset({"builtins.staticmethod", "builtins.classmethod"})
"""Decorators behind which a coroutine is still one that has to be awaited."""

_PREFECT = frozenset(
    {"wait_for", "return_state", "upstream_tasks", "task_args", "mapped", "flow", "key_tasks", "run", "idempotency_key"}
)
"""What a call of a Prefect task or flow takes beside the function's own parameters.

Source: https://docs.prefect.io/v3/api-ref/python/prefect-tasks (``Task.__call__``).
"""


def file_calls(pipeline: Pipeline, modules: Modules) -> Iterator[FileCalls]:
    """By file, the calls of functions of the tree that Python would refuse, or whose variables are named like other
    parameters of it."""
    for shapes in pipeline.all(CallShapes):
        told = 0
        unfit: list[UnfitCall] = []
        unawaited: list[tuple[CallShape, Function]] = []
        known: dict[str, tuple[Function | None, bool]] = {}
        for shape in shapes.calls:
            if shape.callee not in known:
                known[shape.callee] = _called(shapes.path, shape.callee, modules)
            function, bound = known[shape.callee]
            if function is None or function.more == "?" or any(d not in _KEEP for d in function.decorators):
                continue
            told += 1
            if shape.dropped and function.asynchronous and _PLAIN.issuperset(function.decorators):
                unawaited.append((shape, function))
            problem = _problem(shape, function, bound)
            if problem is not None:
                unfit.append(UnfitCall(shape, function, *problem))
        if told:
            yield FileCalls(shapes, told, tuple(unfit), tuple(unawaited))


def _called(path: str, callee: str, modules: Modules) -> tuple[Function | None, bool]:
    """The function that a call of *callee* means, and whether it gets an object before its arguments."""
    functions, classes = modules.callable_names
    if "()" in callee:
        owner, _, method = callee.partition("().")
        found = _function(path, f"{owner}.{method}", modules) if method.rpartition(".")[2] in functions else None
        return found, True
    last = callee.rpartition(".")[2]
    if last in functions:
        found = _function(path, callee, modules)
        if found is not None:
            return found, "builtins.classmethod" in found.decorators
    return _function(path, f"{callee}.__init__", modules) if last in classes else None, True


def _function(path: str, callee: str, modules: Modules) -> Function | None:
    """The one function that the dotted *callee* of the file *path* names, import aliases being expanded in it."""
    if not callee.startswith("."):
        here = modules.function(path, callee)
        if here is not None:
            return here
    level = len(callee) - len(callee.lstrip("."))
    parts = callee.lstrip(".").split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = _module(path, level, parts[:cut], modules)
        if module is not None:
            return modules.function(module, ".".join(parts[cut:])) if module != path else None
    if level:
        module = _module(path, level, [], modules)
        return modules.function(module, ".".join(parts)) if module is not None else None
    return None


def _module(path: str, level: int, parts: list[str], modules: Modules) -> str | None:
    if not level:
        found = modules.find(".".join(parts), path)
        return found if found is not None and _on_path(path, found, len(parts), modules) else None
    folder = posixpath.dirname(path)
    for _ in range(level - 1):
        folder = posixpath.dirname(folder)
    stem = posixpath.join(folder, *parts)
    return next((f for f in (f"{stem}.py", posixpath.join(stem, "__init__.py")) if f in modules.files), None)


def _on_path(path: str, found: str, depth: int, modules: Modules) -> bool:
    """Whether the module *found*, of a dotted name of *depth* parts, is likely what the file *path* imports by it: a
    module in the middle of a package of the tree is only a namesake of a library, unless the file is beside it."""
    base = found.removesuffix("/__init__.py").removesuffix(".py")
    for _ in range(depth):
        base = posixpath.dirname(base)
    return base == posixpath.dirname(path) or posixpath.join(base, "__init__.py") not in modules.files


def _problem(shape: CallShape, function: Function, bound: bool) -> Problem | None:
    """What is wrong with a call: the kind, and the names that are concerned; None where it fits."""
    static = "builtins.staticmethod" in function.decorators
    parameters = function.parameters[1:] if bound and not static else function.parameters
    if bound and not static and not function.parameters:
        return None
    names = [p.name for p in parameters]
    by_position = names[: len(names) - function.named] if function.named else names
    extra = _PREFECT if any(d.startswith("prefect.") for d in function.decorators) else frozenset()
    if "**" not in function.more:
        unknown = tuple(n for n in shape.names if n not in names and n not in extra)
        if unknown:
            return "unknown", unknown
    if function.more not in ("*", "***") and shape.given > len(by_position):
        return "many", (str(shape.given), str(len(by_position)))
    taken = set(by_position[: shape.given])
    twice = tuple(n for n in shape.names if n in taken)
    if twice:
        return "twice", twice
    if not any(d.endswith(".task") and d.startswith("airflow") for d in function.decorators):
        missing = tuple(p.name for p in parameters if p.default is None and p.name not in taken | set(shape.names))
        if missing:
            return "missing", missing
    return _swapped(shape, by_position)


def _swapped(shape: CallShape, by_position: list[str]) -> Problem | None:
    """Two variables that are named like each other's parameter."""
    pairs = list(zip(shape.passed, by_position, strict=False))
    for i, (passed, parameter) in enumerate(pairs):
        for other, there in pairs[i + 1 :]:
            if passed and other and passed != other and passed == there and other == parameter:
                return "swapped", (passed, other)
    return None
