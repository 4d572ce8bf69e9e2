"""Functions whose results are kept for good, and that return a constant where something fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import FunctionSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model.facts import KeptFailure
from pytest_mlbreaks.readers.training.nodes import shown

_KEEP: Final = frozenset(
    {
        "functools.lru_cache",
        "functools.cache",
        "async_lru.alru_cache",
        "streamlit.cache_resource",
        "streamlit.cache_data",
    }
)
"""Decorators that keep what a function returns, and nothing where it raises, until the process ends."""
_EXPIRES: Final = frozenset({"ttl"})
_PASSING: Final = frozenset(
    {
        *("builtins.Exception", "builtins.BaseException", "builtins.OSError", "builtins.IOError"),
        *("builtins.ConnectionError", "builtins.TimeoutError", "builtins.FileNotFoundError"),
    }
)
"""Errors that may pass, built in. Those of a client of something outside may pass as well."""
_CLIENTS: Final = frozenset({"requests", "httpx", "aiohttp", "redis", "sqlalchemy", "psycopg2", "psycopg", "botocore"})


def kept_failures(file: PythonFile) -> Iterator[KeptFailure]:
    """The functions of one file that keep what they return on a failure."""
    if not file.mentions(b"cache"):
        return
    for site in file.functions:
        by = _keeper(file, site)
        if not by:
            continue
        for handler, answer in _handlers(file, site):
            yield KeptFailure(
                place=file.definition_place(site.node),
                function=site.scope.qualname,
                by=by,
                catches=shown(handler.type),
                returns=ast.unparse(answer.value) if answer.value is not None else "None",
                handler=file.place(answer),
            )
            break


def _keeper(file: PythonFile, site: FunctionSite) -> str:
    """The decorator that keeps the function's results for good, or ""."""
    parent = site.scope.parent
    if parent is None:
        return ""
    for decorator in site.node.decorator_list:
        called = isinstance(decorator, ast.Call)
        name = file.qualified(decorator.func if called else decorator, parent) or ""
        if name in _KEEP and not (called and any(k.arg in _EXPIRES or k.arg is None for k in decorator.keywords)):
            return name
    return ""


def _handlers(file: PythonFile, site: FunctionSite) -> Iterator[tuple[ast.ExceptHandler, ast.Return]]:
    """The handlers for errors that may pass, with the constant that they return."""
    for node in within(list(site.node.body)):
        if not isinstance(node, ast.Try) or not any(isinstance(n, ast.Call) for n in within(list(node.body))):
            continue
        for handler in node.handlers:
            last = handler.body[-1]
            if isinstance(last, ast.Return) and _is_constant(last.value) and _may_pass(file, handler, site):
                yield handler, last


def _is_constant(value: ast.expr | None) -> bool:
    if value is None or isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Dict):
        return not value.keys
    return isinstance(value, ast.List | ast.Tuple) and not value.elts


def _may_pass(file: PythonFile, handler: ast.ExceptHandler, site: FunctionSite) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = [file.qualified(one, site.scope) or "" for one in types]
    return any(name in _PASSING or name.partition(".")[0] in _CLIENTS for name in names)
