"""Objects that are made at the first call, and kept in a global or a class before they are complete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pytest_mlbreaks.formats.python import FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model.facts import ContainedErrors, KeptEarly
from pytest_mlbreaks.readers.own_caches.nodes import awaited, catches_all, raises, shown

_COMPLETES: Final = re.compile(
    r"_*(?:async_|a)?(?:init|initiali[sz]e|load|set_?up|connect|open|warm_?up|warm|build|fit|restore|bootstrap)(?:_|$)"
)
"""Names of methods without which an object can't be used."""
_STARTS: Final = re.compile(r"_*start(?:_|$)")
"""That of a thread can hardly fail; one that is awaited connects."""

_REACHES: Final = re.compile(
    r"load|connect|download|open$|pretrained|fetch|[cC]lient$|Producer|Consumer|engine$|session$"
)
"""Calls that ask something outside of the process."""


class _Kept(NamedTuple):
    """Where something is made and kept: the target's text, the statement, and those that stand behind it."""

    name: str
    statement: ast.Assign
    rest: list[ast.stmt]
    locked: bool


def kept_early(file: PythonFile) -> Iterator[KeptEarly]:
    """The objects of one file that are kept before they are complete."""
    if not file.mentions(b"None") and not file.mentions(b"if not "):
        return
    for site in file.functions:
        if not _can_keep(site):
            continue
        for kept in _kept(list(site.node.body), frozenset(), site.scope, False):
            call = _completed(kept)
            if call is None:
                continue
            assert isinstance(call.node.func, ast.Attribute)
            yield KeptEarly(
                place=file.place(kept.statement),
                name=kept.name,
                made=_made(file, kept.statement.value, site.scope),
                step=call.node.func.attr,
                completed=file.place(call.node),
                awaited=call.awaited,
                locked=kept.locked,
                scope=site.scope.function,
            )


def flagged_early(file: PythonFile) -> Iterator[KeptEarly]:
    """The only objects of their classes that say of themselves that they are complete, and go on being made."""
    if not file.mentions(b"__new__"):
        return
    alone = {id(site.scope.parent) for site in file.functions if site.node.name == "__new__"}
    for site in file.functions:
        cls = site.scope.parent
        if site.node.name != "__init__" or cls is None or id(cls) not in alone:
            continue
        for name, statement, rest in _flags(list(site.node.body), frozenset()):
            call = _reaching(rest)
            if call is not None:
                yield KeptEarly(
                    place=file.place(statement),
                    name=name,
                    made=cls.qualname,
                    step=shown(call.func).rpartition(".")[2],
                    completed=file.place(call),
                    flag=True,
                    scope=site.scope.function,
                )


def _flags(statements: list[ast.stmt], guards: frozenset[str]) -> Iterator[tuple[str, ast.Assign, list[ast.stmt]]]:
    """Attributes of ``self`` that are set to True where they were not, with the statements behind."""
    for position, statement in enumerate(statements):
        if isinstance(statement, ast.If):
            yield from _flags(statement.body, guards | _empty(statement.test))
            if statement.body and isinstance(statement.body[-1], ast.Return):
                guards |= {shown(statement.test)}
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            name, value = shown(statement.targets[0]), statement.value
            if name in guards and name.startswith("self.") and isinstance(value, ast.Constant) and value.value is True:
                yield name, statement, statements[position + 1 :]


def _reaching(statements: list[ast.stmt]) -> ast.Call | None:
    """The first call of *statements* that may fail for a reason that passes; none where errors are caught."""
    for statement in statements:
        if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign):
            calls = [node for node in within([statement]) if isinstance(node, ast.Call)]
            for call in reversed(calls):
                if _REACHES.search(shown(call.func).rpartition(".")[2]):
                    return call
    return None


def contained_errors(file: PythonFile) -> Iterator[ContainedErrors]:
    """The completing methods of one file that let no error out."""
    for site in file.functions:
        parent = site.scope.parent
        if parent is None or parent.kind != "class" or not _is_completing(site.node.name, True):
            continue
        if _is_contained(site.node):
            yield ContainedErrors(place=file.definition_place(site.node), function=site.scope.qualname)


def _can_keep(site: FunctionSite) -> bool:
    """Whether the function sets something that outlives it: a global, or an attribute of its class."""
    if site.scope.forwarded:
        return True
    parent = site.scope.parent
    return parent is not None and parent.kind == "class" and site.scope.receiver == "cls"


def _kept(statements: list[ast.stmt], guards: frozenset[str], scope: Scope, locked: bool) -> Iterator[_Kept]:
    """What *statements* keep under a name of *guards*, which they come to only where that is empty."""
    for position, statement in enumerate(statements):
        if isinstance(statement, ast.If):
            yield from _kept(statement.body, guards | _empty(statement.test), scope, locked)
            yield from _kept(statement.orelse, guards, scope, locked)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            lock = any("lock" in shown(item.context_expr).lower() for item in statement.items)
            yield from _kept(statement.body, guards, scope, locked or (lock and bool(guards)))
        elif isinstance(statement, ast.Try):
            if not any(_goes_on(handler) or _gives_up(handler) for handler in statement.handlers):
                yield from _kept(statement.body, guards, scope, locked)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            name = _name(statement.targets[0], scope)
            if name and name in guards and isinstance(awaited(statement.value), ast.Call):
                yield _Kept(name, statement, statements[position + 1 :], locked)


def _empty(test: ast.expr) -> frozenset[str]:
    """The names that are empty where *test* holds: ``x is None``, ``not x``, also with more beside it under ``and``;
    under ``or`` something else may let the next call in again."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return frozenset().union(*(_empty(part) for part in test.values))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return frozenset({shown(test.operand)})
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is):
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None:
            return frozenset({shown(test.left)})
    return frozenset()


def _name(target: ast.expr, scope: Scope) -> str:
    """The text of a target that outlives the function, else ""."""
    if isinstance(target, ast.Name):
        return target.id if target.id in scope.forwarded else ""
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "cls":
        return shown(target)
    return ""


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether an error that is caught here is let go: what was made is then kept as it is, knowingly."""
    return not raises(handler.body)


def _gives_up(handler: ast.ExceptHandler) -> bool:
    """Whether a handler sets something to None, so that the next call begins anew."""
    return any(
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None
        for node in within(list(handler.body))
    )


class _Call(NamedTuple):
    node: ast.Call
    awaited: bool


def _completed(kept: _Kept) -> _Call | None:
    """The call behind the assignment that makes the object complete; None where there is none that may fail."""
    for statement in _in_order(kept.rest):
        if isinstance(statement, ast.Assign) and any(shown(t) == kept.name for t in statement.targets):
            return None
        for node in within([statement]):
            call = awaited(node) if isinstance(node, ast.Await) else node
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if shown(call.func.value) == kept.name and _is_completing(call.func.attr, isinstance(node, ast.Await)):
                return _Call(call, isinstance(node, ast.Await))
    return None


def _in_order(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Simple statements, those of ``if`` and ``with`` included; what a ``try`` contains or gives up is left out."""
    for statement in statements:
        if isinstance(statement, ast.If | ast.With | ast.AsyncWith):
            yield from _in_order(statement.body)
        elif isinstance(statement, ast.Try):
            if not any(_goes_on(handler) or _gives_up(handler) for handler in statement.handlers):
                yield from _in_order(statement.body)
        elif isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign):
            yield statement


def _is_completing(method: str, is_awaited: bool) -> bool:
    return bool(_COMPLETES.match(method)) or (is_awaited and bool(_STARTS.match(method)))


def _made(file: PythonFile, value: ast.expr, scope: Scope) -> str:
    """What makes the object: the class, where it is one of the file's own, or the callee."""
    call = awaited(value)
    assert isinstance(call, ast.Call)
    parent = scope.parent
    in_class = parent is not None and parent.kind == "class"
    if in_class and isinstance(call.func, ast.Name) and call.func.id == "cls":
        return parent.qualname if parent is not None else ""
    if in_class and isinstance(call.func, ast.Attribute) and call.func.attr == "__new__":
        return parent.qualname if parent is not None else ""
    return file.qualified(call.func, scope) or ""


def _is_contained(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether all calls of the function, those of loggers aside, are in a ``try`` that lets no error out."""
    for statement in node.body:
        if isinstance(statement, ast.Try):
            whole = any(catches_all(handler) for handler in statement.handlers)
            if not whole or any(raises(handler.body) for handler in statement.handlers):
                return False
        elif any(isinstance(n, ast.Call) and not _logs(n) for n in within([statement])):
            return False
    return any(isinstance(statement, ast.Try) for statement in node.body)


def _logs(call: ast.Call) -> bool:
    name = shown(call.func)
    return name == "print" or name.partition(".")[0].lower().lstrip("_") in ("logger", "logging", "log")
