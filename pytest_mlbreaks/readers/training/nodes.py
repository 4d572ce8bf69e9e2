"""Where a node stands: found by positions, so that no tree is walked for it."""

from __future__ import annotations

import ast
import bisect
from collections.abc import Iterator
from typing import Any

from pytest_mlbreaks.formats.python import CallSite
from pytest_mlbreaks.formats.python_nodes import children

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def around(site: CallSite) -> list[ast.AST]:
    """The nodes of the call's scope that it lies in, the outermost first, the call itself last."""
    return path_to(site.scope.node, site.node)


def path_to(root: ast.AST, node: ast.AST) -> list[ast.AST]:
    """The nodes between *root* and *node*, the outermost first, *node* last; empty where it is not in there."""
    for child in children(root):
        if child is node:
            return [child]
        if _holds(child, node):
            found = path_to(child, node)
            if found:
                return [child, *found]
    return []


def statements_at(tree: ast.AST, lines: list[int]) -> Iterator[ast.stmt]:
    """The simple statements below *tree* that begin on one of *lines*, which are in order; only what holds one of them
    is looked into."""
    for field in ("body", "orelse", "handlers", "cases", "finalbody"):
        block = getattr(tree, field, None)
        for statement in block if isinstance(block, list) else ():
            first = getattr(statement, "lineno", None)
            if first is None:  # a case of a match
                yield from statements_at(statement, lines)
                continue
            inside = lines[bisect.bisect_left(lines, first) : bisect.bisect_right(lines, statement.end_lineno)]
            if not inside:
                continue
            if hasattr(statement, "body"):
                yield from statements_at(statement, inside)
            elif inside[0] == first:
                yield statement


def shown(node: ast.AST | None, limit: int = 60) -> str:
    """The source of an expression in short; "" where there is none, or it is too deep to be told."""
    if node is None:
        return ""
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        return ""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument, or None."""
    return next((k.value for k in call.keywords if k.arg == name), None)


def _holds(outer: ast.AST, inner: Any) -> bool:
    first = getattr(outer, "lineno", None)
    if first is None:
        return True  # arguments, comprehensions and `with` items have no position
    last, column, end = outer.end_lineno, outer.col_offset, outer.end_col_offset  # type: ignore[attr-defined]
    if isinstance(outer, _DEFINITIONS) and getattr(outer, "decorator_list", None):
        first = min(first, outer.decorator_list[0].lineno)  # type: ignore[union-attr]
        column = 0
    start = (inner.lineno, inner.col_offset)
    stop = (inner.end_lineno, inner.end_col_offset)
    return bool((first, column) <= start and stop <= (last, end))
