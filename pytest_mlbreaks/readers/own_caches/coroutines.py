"""Coroutines under a decorator that keeps results, and knows nothing of coroutines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import FunctionSite, PythonFile
from pytest_mlbreaks.model.facts import KeptCoroutine

_KEEP: Final = frozenset({"functools.lru_cache", "functools.cache", "functools.cached_property"})
"""They keep what a call returns, and what a call of an ``async def`` returns can be awaited once."""


def kept_coroutines(file: PythonFile) -> Iterator[KeptCoroutine]:
    """The coroutines of one file whose first result is given out again."""
    if not file.mentions(b"async def") or not file.mentions(b"cache"):
        return
    for site in file.functions:
        if isinstance(site.node, ast.AsyncFunctionDef):
            by = _keeper(file, site)
            if by:
                calls = file.calls_by_name.get(site.scope.qualname, ())
                yield KeptCoroutine(
                    place=file.definition_place(site.node),
                    function=site.scope.qualname,
                    by=by,
                    awaited=tuple(sorted((file.place(call.node) for call in calls), key=lambda place: place.sort_key)),
                )


def _keeper(file: PythonFile, site: FunctionSite) -> str:
    """The decorator next to the function that keeps results, or "": one further out keeps what others make of it."""
    parent = site.scope.parent
    decorators = site.node.decorator_list
    if parent is None or not decorators:
        return ""
    nearest = decorators[-1]
    name = file.qualified(nearest.func if isinstance(nearest, ast.Call) else nearest, parent) or ""
    return name if name in _KEEP else ""
