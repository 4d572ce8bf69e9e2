"""What the parts of this reader ask of the nodes of a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from pytest_mlbreaks.formats.python_nodes import children, within

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_BROAD = frozenset({"Exception", "BaseException"})


def shown(node: ast.AST | None, limit: int = 80) -> str:
    """The source of an expression in short; "" where there is none, or it is too deep to be told."""
    if node is None:
        return ""
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        return ""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def awaited(node: ast.expr) -> ast.expr:
    """What is awaited, or *node* itself."""
    return node.value if isinstance(node, ast.Await) else node


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes every error that a program recovers from."""
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _BROAD for kind in types)


def raises(statements: list[ast.stmt]) -> bool:
    """Whether a ``raise`` stands among *statements*, functions that are defined there aside."""
    return any(isinstance(node, ast.Raise) for node in within(list(statements)))


def ordered(nodes: list[Any]) -> Iterator[ast.AST]:
    """The nodes of `within`, in the order in which they are written."""
    pending: list[ast.AST] = list(reversed(nodes))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _DEFINITIONS):
            pending.extend(reversed(children(node)))
