"""Calls of the builtin ``hash``, whose results for texts differ from one process to the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from pytest_mlbreaks.formats.python import CallSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import children, within
from pytest_mlbreaks.model.facts import BuiltinHash
from pytest_mlbreaks.readers.training.nodes import around, shown

_Use = Literal["modulo", "name", "seed", "other"]

_SEEDS = frozenset({"seed", "manual_seed", "default_rng", "RandomState", "set_seed", "seed_everything", "Random"})
_TEXT_CALLS = frozenset({"builtins.str", "builtins.repr", "builtins.bytes", "json.dumps", "builtins.format"})
_TEXT_METHODS = frozenset(
    {"lower", "upper", "strip", "encode", "join", "format", "replace", "SerializeToString", "tobytes", "as_posix"}
)
_NUMBER_CALLS = frozenset({"builtins.int", "builtins.float", "builtins.len", "builtins.id", "builtins.round"})
_MANY = 1000
"""More places than work is divided into: a hash modulo this, in a text, numbers things."""
_THROUGH = frozenset({"builtins.abs", "builtins.int"})


def hashes(file: PythonFile) -> Iterator[BuiltinHash]:
    """The calls of one file that mean the builtin."""
    for site in file.calls_by_name.get("builtins.hash", ()):
        function = site.scope.function.rpartition(".")[2]
        if function in ("__hash__", "__eq__") or len(site.node.args) != 1:
            continue
        use, into, about = _used(file, site)
        yield BuiltinHash(
            place=file.place(site.node),
            of=_kind(file, site.node.args[0], site),
            use=use,
            into=into,
            about=about,
            scope=site.scope.function,
        )


def _kind(file: PythonFile, node: ast.expr, site: CallSite) -> Literal["text", "number", "unknown"]:
    if isinstance(node, ast.JoinedStr):
        return "text"
    if isinstance(node, ast.Constant):
        return "text" if isinstance(node.value, str | bytes) else "number"
    if isinstance(node, ast.Name):
        parameter = site.scope.parameters.get(node.id)
        annotation = parameter.annotation if parameter is not None else None
        if isinstance(annotation, ast.Name) and annotation.id in ("str", "bytes", "int", "float"):
            return "text" if annotation.id in ("str", "bytes") else "number"
        bound = site.scope.names.get(node.id, [])
        if len(bound) == 1 and isinstance(bound[0], ast.expr) and not isinstance(bound[0], ast.Name):
            return _kind(file, bound[0], site)
    if isinstance(node, ast.Call):
        callee = file.qualified(node.func, site.scope)
        if callee in _TEXT_CALLS or (isinstance(node.func, ast.Attribute) and node.func.attr in _TEXT_METHODS):
            return "text"
        return "number" if callee in _NUMBER_CALLS else "unknown"
    if isinstance(node, ast.Tuple | ast.BinOp):
        parts = node.elts if isinstance(node, ast.Tuple) else [node.left, node.right]
        kinds = {_kind(file, part, site) for part in parts}
        return "text" if "text" in kinds else "number" if kinds == {"number"} else "unknown"
    return "unknown"


def _used(file: PythonFile, site: CallSite) -> tuple[_Use, str, tuple[str, ...]]:
    """What the hash is used for: use, where to, and the names around it."""
    chain = around(site)
    use: _Use = "other"
    into = ""
    about = [site.scope.function.rpartition(".")[2]]
    inner: ast.AST = site.node
    for node in reversed(chain[:-1]):
        if use == "other":
            use, into = _step(file, site, node, inner)
        elif use == "modulo" and isinstance(node, ast.FormattedValue) and into.isdigit() and int(into) >= _MANY:
            use = "name"  # an identifier of so many digits
        elif isinstance(node, ast.Subscript) and inner is node.slice:
            about.append(shown(node.value))
        if isinstance(node, ast.stmt):
            about += _targets(node)
            about += _indexed(site, node)
            if use == "name":
                into = _destination(file, site, node, chain)
            break
        inner = node
    return use, into, tuple(a for a in about if a)


def _step(file: PythonFile, site: CallSite, node: ast.AST, inner: ast.AST) -> tuple[_Use, str]:
    """What one node around the hash makes of it."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mod) and inner is node.left:
            return "modulo", shown(node.right, 40)
        return "other", ""
    if isinstance(node, ast.FormattedValue | ast.JoinedStr):
        return "name", ""
    if isinstance(node, ast.Call):
        callee = file.qualified(node.func, site.scope) or ""
        if callee == "builtins.str":
            return "name", ""
        if callee.rpartition(".")[2] in _SEEDS:
            return "seed", callee
        if callee not in _THROUGH:
            return "other", ""
    return "other", ""


def _targets(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [shown(target) for target in node.targets]
    if isinstance(node, ast.AnnAssign):
        return [shown(node.target)]
    return []


def _indexed(site: CallSite, statement: ast.stmt) -> list[str]:
    """What the name that takes the hash is an index into, in this scope."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if not isinstance(target, ast.Name):
        return []
    return [
        shown(node.value)
        for node in within(children(site.scope.node))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id == target.id
    ]


def _destination(file: PythonFile, site: CallSite, statement: ast.stmt, chain: list[ast.AST]) -> str:
    """Where a text that holds the hash goes: a call, ``return``, or "" where it stays in the function."""
    if isinstance(statement, ast.Return):
        return "return"
    for node in reversed(chain[chain.index(statement) : -1]):
        if isinstance(node, ast.Call):
            callee = file.qualified(node.func, site.scope) or ""
            if callee not in ("builtins.str", "builtins.abs", "builtins.int", ""):
                return "" if _log(callee) else callee
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if isinstance(target, ast.Name):
            return _goes_out(file, site, target.id)
        return shown(target)
    return ""


def _goes_out(file: PythonFile, site: CallSite, name: str) -> str:
    """The first call that takes *name* as an argument in this scope, or ``return``; "" where there is none."""
    for node in within(children(site.scope.node)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == name:
            return "return"
        if isinstance(node, ast.Call):
            given = [*node.args, *(k.value for k in node.keywords)]
            if any(isinstance(a, ast.Name) and a.id == name for a in given):
                callee = file.qualified(node.func, site.scope) or shown(node.func)
                if not _log(callee):
                    return callee
    return ""


def _log(callee: str) -> bool:
    last = callee.rpartition(".")[2]
    return last in ("print", "debug", "info", "warning", "error", "exception", "log")
