"""What the readers of flows ask of Python code: arguments, decorators, collections as they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_expr import shield
from pytest_mlbreaks.model.expr import Choice, Entries, Expr, Items, Literal, Made, Unknown
from pytest_mlbreaks.model.facts import Argument, Variable

DEPTH_LIMIT = 6
"""Levels of lists and dictionaries within one another."""
SIZE_LIMIT = 200
"""Elements of one list or dictionary."""
_WHEN = ("cron", "interval", "rrule", "schedule", "schedules", "cron_expression", "duration", "interval_second")
"""Arguments that say when a deployment runs."""


def value(file: PythonFile, node: ast.expr | None, scope: Scope, depth: int = DEPTH_LIMIT, key: str = "") -> Expr:
    """What *node* says, lists, dictionaries and calls of classes with what is in them. Values under the name of a
    secret, *key* or a key of a dictionary, are left out."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)) and depth and len(node.elts) <= SIZE_LIMIT:
        return Items(tuple(value(file, element, scope, depth - 1, key) for element in node.elts))
    if isinstance(node, ast.Dict) and depth and len(node.keys) <= SIZE_LIMIT:
        return _entries(file, node, scope, depth)
    if isinstance(node, ast.Call) and depth:
        callee = file.qualified(node.func, scope) or ""
        if callee.rpartition(".")[2][:1].isupper() or callee == "datetime.timedelta":
            return Made(
                callee,
                tuple(value(file, a, scope, depth - 1) for a in node.args[:SIZE_LIMIT]),
                tuple((k.arg, value(file, k.value, scope, depth - 1, k.arg)) for k in node.keywords if k.arg),
            )
    told = file.expr(node, scope)
    return shield(key, told, file.path) if key else told


def _entries(file: PythonFile, node: ast.Dict, scope: Scope, depth: int) -> Entries:
    found: list[tuple[str, Expr]] = []
    partial = False
    for key, given in zip(node.keys, node.values, strict=True):
        name = file.text(key, scope) if key is not None else None
        if name is None:
            partial = True
        else:
            found.append((name, value(file, given, scope, depth - 1, name)))
    return Entries(tuple(found), partial)


def settings(file: PythonFile, call: ast.Call | None, scope: Scope, prefix: str = "") -> Iterator[Argument]:
    """The named arguments of *call*, each under *prefix* and its name; ``**`` stands for what is unpacked."""
    for keyword in call.keywords if call is not None else ():
        if keyword.arg is None:
            unpacked: Expr = Unknown("what is unpacked")
            yield Argument(name=f"{prefix}**", value=unpacked, place=file.place(keyword.value))
        else:
            told = value(file, keyword.value, scope, key=keyword.arg)
            yield Argument(name=prefix + keyword.arg, value=told, place=file.place(keyword.value))


def argument(call: ast.Call | None, name: str, position: int | None = None) -> ast.expr | None:
    """The argument given under *name*, or at *position*; None where there is none."""
    if call is None:
        return None
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if position is not None and position < len(call.args):
        before = call.args[: position + 1]
        return None if any(isinstance(a, ast.Starred) for a in before) else before[-1]
    return None


def variables(file: PythonFile, node: ast.expr | None, scope: Scope) -> tuple[Variable, ...]:
    """The environment variables that a dictionary gives."""
    if not isinstance(node, ast.Dict):
        return ()
    found = []
    for key, given in zip(node.keys, node.values, strict=True):
        name = file.text(key, scope) if key is not None else None
        if name:
            told = shield(name, file.expr(given, scope), file.path)
            found.append(Variable(name=name, value=told, place=file.place(given)))
    return tuple(found)


def decorators(
    file: PythonFile, nodes: Iterable[ast.expr], scope: Scope
) -> Iterator[tuple[str, ast.Call | None, ast.expr]]:
    """Decorators by qualified name ("" where there is none), with their call where they are called."""
    for node in nodes:
        call = node if isinstance(node, ast.Call) else None
        yield file.qualified(call.func if call is not None else node, scope) or "", call, node


def dotted(node: ast.expr) -> str:
    """``a.b.c`` as it is written; "" for everything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join((node.id, *reversed(names)))


def is_true(node: ast.expr | None) -> bool:
    """Whether *node* is ``True``."""
    return isinstance(node, ast.Constant) and node.value is True


def schedules(given: dict[str, Expr]) -> Expr | None:
    """The schedule that the arguments of a deployment give: a cron text, an interval; one of several as a choice."""
    found: list[Expr] = []
    for name in _WHEN:
        held = given.get(name)
        if held is None or held == Literal(None):
            continue
        found += [_schedule(one) for one in (held.items if isinstance(held, Items) else (held,))]
    return None if not found else found[0] if len(found) == 1 else Choice(tuple(found))


def _schedule(expr: Expr) -> Expr:
    """The cron or interval of ``CronSchedule(cron=...)``, ``Cron("...")``, ``{"cron": ...}``."""
    keyed: tuple[tuple[str, Expr], ...] = ()
    if isinstance(expr, Made):
        if not expr.callee.endswith("timedelta"):
            keyed = expr.keywords
            if expr.arguments:
                return expr.arguments[0]
    elif isinstance(expr, Entries):
        keyed = expr.entries
    named = dict(keyed)
    for name in _WHEN:
        if name in named:
            return _schedule(named[name])
    return expr
