"""Addresses of other hosts that stand in Python code and are used as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PythonFile
from pytest_mlbreaks.formats.python_nodes import children
from pytest_mlbreaks.model.facts import Address

_WORTH_A_LOOK = re.compile(rb"://(?!localhost|127\.|0\.0\.)[^\s/'\"{}]{1,200}:\d{2,5}")
_ADDRESS = re.compile(
    r"\b([A-Za-z][A-Za-z0-9+.-]{0,30})://(?:[^\s/@]{0,200}@)?([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{2,5})(?![\w.\0-])"
)
_THIS_MACHINE = re.compile(r"localhost$|127\.|0\.0\.0\.0$")
_SPEAKING = frozenset({"print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "echo"})
_DEFAULTING = frozenset({"Field", "Option", "Argument", "Param"})


def addresses(file: PythonFile) -> Iterator[Address]:
    """The addresses of a file, each once. Only a file whose bytes hold one is looked through."""
    if file.tree is None or not file.has(_WORTH_A_LOOK):
        return
    seen: set[tuple[str, int]] = set()
    for node, text in _texts(file.tree):
        for match in _ADDRESS.finditer(text):
            host, port = match[2], int(match[3])
            if (host, port) not in seen and not _THIS_MACHINE.match(host):
                seen.add((host, port))
                yield Address(place=file.place(node), scheme=match[1].lower(), host=host, port=port)


def _texts(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The texts that are used as they are, in the order of the file."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node, node.value
        elif isinstance(node, ast.JoinedStr):
            # what follows at once may be more digits: \0 there keeps a port at the end from being one
            yield node, "".join(str(p.value) if isinstance(p, ast.Constant) else "\0" for p in node.values)
        else:
            stack.extend(reversed(list(_used(node))))


def _used(node: ast.AST) -> Iterator[ast.AST]:
    """The children of *node* but those that only say, compare, or give a default."""
    match node:
        case (
            ast.Expr(value=ast.Constant()) | ast.Compare() | ast.Raise() | ast.Assert() | ast.arguments() | ast.IfExp()
        ):
            return
        case ast.BoolOp(op=ast.Or(), values=values):
            yield values[0]
        case ast.ClassDef(body=body):
            # a field of a class of settings is filled from elsewhere
            yield from (s for s in body if not isinstance(s, (ast.Assign, ast.AnnAssign)))
        case ast.Call():
            yield from _used_of_call(node)
        case _:
            yield from children(node)


def _used_of_call(call: ast.Call) -> Iterator[ast.AST]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in _SPEAKING or name in _DEFAULTING:
        return
    yield call.func
    for index, argument in enumerate(call.args):
        yield argument
        if index == 0 and isinstance(argument, ast.Constant) and "://" not in str(argument.value):
            break  # getenv("KEY", "http://..."): what follows a key is what holds without it
        if (
            index == 0
            and isinstance(argument, (ast.Name, ast.Attribute))
            and name in ("get", "getenv", "pop", "setdefault")
        ):
            break
    yield from (k.value for k in call.keywords if k.arg not in ("default", "fallback", "default_value", "help"))
