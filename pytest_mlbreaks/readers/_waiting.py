"""Which calls hold their thread where they stand."""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk

_YIELD = re.compile(rb"yield")


class Held:
    """Which calls of async functions do not hold the event loop: those awaited, and those handed on in a lambda."""

    def __init__(self, file: PythonFile) -> None:
        self._file = file
        self._free: dict[int, frozenset[int]] = {}
        self._generators: dict[int, bool] = {}
        self._yields = list(file.lines_of(_YIELD)) if file.mentions(b"yield") else []
        self._lines_are_told = not self._yields or not file.mentions(b"\r")  # else Python may count them otherwise

    def is_generator(self, scope: Scope) -> bool:
        """Whether the function is a generator: calling it runs nothing yet."""
        node = scope.node
        if not self._yields or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
        following = bisect.bisect_left(self._yields, node.lineno)
        behind = following == len(self._yields) or self._yields[following] > (node.end_lineno or node.lineno)
        if behind and self._lines_are_told:
            return False  # the word does not stand in it
        if id(node) not in self._generators:
            self._generators[id(node)] = any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in walk(node))
        return self._generators[id(node)]

    def skips(self, site: CallSite) -> bool:
        """Whether the call stands in an async function and does not hold it."""
        node = site.scope.node
        if not isinstance(node, ast.AsyncFunctionDef):
            return False
        free = self._free.get(id(node))
        if free is None:
            free = self._free[id(node)] = frozenset(_freed(node))
        return id(site.node) in free


def _freed(function: ast.AsyncFunctionDef) -> Iterator[int]:
    for node in walk(function):
        if isinstance(node, ast.Await):
            yield id(node.value)
        elif isinstance(node, ast.Lambda):
            yield from map(id, walk(node))
        elif isinstance(node, ast.AsyncWith):
            yield from (id(item.context_expr) for item in node.items)


def is_async_session(file: PythonFile, callee: str) -> bool:
    """Whether *callee* begins with a factory of sessions that may be told to make those that are awaited
    (``sessionmaker(engine, class_=AsyncSession)``)."""
    maker = callee.partition("()")[0]
    return maker.endswith(".sessionmaker") and any(
        keyword.arg in ("class_", None) for site in file.sites(maker) for keyword in site.node.keywords
    )
