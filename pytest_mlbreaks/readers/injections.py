"""Parameters by which FastAPI hands a function what another one gives, and that are called an id, or are to be a text
or a number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, FunctionSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import InjectedId
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_IDS = re.compile(r"(?:^|_)id$")
_PLAIN = frozenset({"str", "int", "UUID"})
_ASKS = frozenset({"isinstance", "getattr", "hasattr"})
_INJECTS = ("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends", "fastapi.params.Security")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The parameters of one module."""
    if file.tree is None or not (file.mentions(b"Depends") or file.mentions(b"Security")):
        return
    for site in file.functions:
        for argument, default in _parameters(site.node):
            annotation, call = _injected(file, site, argument, default)
            if call is None or not call.args:
                continue
            if annotation not in _PLAIN and (annotation or not _IDS.search(argument.arg)):
                continue
            dependency = file.qualified(call.args[0], site.scope.parent or file.module) or ""
            if dependency and not dependency.startswith(("*", "builtins.")):
                yield InjectedId(
                    place=file.place(argument),
                    name=argument.arg,
                    annotation=annotation,
                    dependency=dependency,
                    opened=_is_opened(site.node, argument.arg),
                    used=_is_used(site.node, argument.arg),
                    scope=site.scope.qualname,
                )


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    bare: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults))
    yield from zip(plain, [*bare, *given.defaults], strict=True)
    yield from zip(given.kwonlyargs, given.kw_defaults, strict=True)


def _injected(
    file: PythonFile, site: FunctionSite, argument: ast.arg, default: ast.expr | None
) -> tuple[str, ast.Call | None]:
    """What the parameter is to be, as written, and the call that injects it."""
    outer = site.scope.parent or file.module
    kind = argument.annotation
    candidates = [default]
    if isinstance(kind, ast.Subscript) and (file.qualified(kind.value, outer) or "").endswith(".Annotated"):
        parts = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
        candidates += parts[1:]
        kind = parts[0]
    for one in candidates:
        if isinstance(one, ast.Call) and file.qualified(one.func, outer) in _INJECTS:
            name = kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "")
            return name or ("?" if kind is not None else ""), one
    return "", None


def _is_opened(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Whether the function takes something of the value, gives it another one, or asks what it is."""
    for one in (inner for statement in node.body for inner in walk(statement)):
        if isinstance(one, (ast.Attribute, ast.Subscript)) and _is(one.value, name):
            return True
        if isinstance(one, ast.Name) and one.id == name and not isinstance(one.ctx, ast.Load):
            return True
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") in _ASKS and any(_is(a, name) for a in one.args):
            return True
    return False


def _is_used(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    return any(_is(inner, name) for statement in node.body for inner in walk(statement))


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


READER: Reader[PythonFile] = Reader("injections", 1, PYTHON, (InjectedId,), claims, read)
