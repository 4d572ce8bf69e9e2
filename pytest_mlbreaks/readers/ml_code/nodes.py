"""What the parts of this reader ask of the nodes of a call."""

from __future__ import annotations

import ast

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.model.expr import Expr, Literal, Made, Unknown


def argument(node: ast.Call, position: int | None, *names: str) -> ast.expr | None:
    """The argument under one of *names*, or at *position*; None where it is not given or unpacked."""
    for keyword in node.keywords:
        if keyword.arg in names:
            return keyword.value
    if position is None or position >= len(node.args):
        return None
    leading = node.args[: position + 1]
    return None if any(isinstance(a, ast.Starred) for a in leading) else leading[position]


def behind(file: PythonFile, node: ast.expr | None, scope: Scope) -> tuple[ast.expr | None, Scope]:
    """What a name of the file that is bound once is bound to, with the scope of that; else *node* itself."""
    for _ in range(4):
        if not isinstance(node, ast.Name):
            break
        owner = scope.owner(node.id)
        bindings = owner.names[node.id] if owner is not None else []
        if owner is None or len(bindings) != 1 or not isinstance(bindings[0], ast.expr):
            break
        node, scope = bindings[0], owner
    return node, scope


def elements(file: PythonFile, node: ast.expr | None, scope: Scope) -> tuple[list[ast.expr], Scope] | None:
    """The elements of a list that is written out, also through a name; None where it can't be told."""
    node, scope = behind(file, node, scope)
    if not isinstance(node, (ast.List, ast.Tuple)) or any(isinstance(e, ast.Starred) for e in node.elts):
        return None
    return list(node.elts), scope


def dotted(node: ast.expr | None) -> str:
    """The names of ``a.b.c``, "" for what is no name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def value(file: PythonFile, node: ast.expr | None, scope: Scope) -> Expr | None:
    """What *node* says of its value, a call that makes an object included; None for None and for what is not there."""
    if node is None:
        return None
    told = file.expr(node, scope)
    if isinstance(told, Unknown):
        callee = file.qualified(node, scope) or ""
        if callee.endswith("()") and callee[0] != "*":
            return Made(callee[:-2])
    return None if told == Literal(None) else told


def method_sites(file: PythonFile, *names: str) -> list[tuple[str, CallSite]]:
    """The calls of methods of these names, upon whatever value; each with its method."""
    return [(name, site) for name in names for site in file.methods_by_name.get(name, ())]
