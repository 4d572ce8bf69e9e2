"""Values that a branch gives a name and that the function replaces before anything reads them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from pytest_mlbreaks.formats.python import PYTHON, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import OverwrittenValue
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_BLOCKS: dict[type[ast.stmt], tuple[str, ...]] = {
    ast.If: ("body", "orelse"),
    ast.For: ("body", "orelse"),
    ast.AsyncFor: ("body", "orelse"),
    ast.While: ("body", "orelse"),
    ast.With: ("body",),
    ast.AsyncWith: ("body",),
    ast.Try: ("body", "orelse", "finalbody"),
}
"""Statements that hold blocks; those of functions and classes are theirs."""
_AHEAD = 12
"""Statements behind the branch among which the second value is looked for."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """Each such value in the functions of one module, and in a script outside of them."""
    for site in file.functions:
        yield from _lost(file, site.node, site.scope)
    if file.tree is not None and not file.path.endswith(".ipynb"):
        yield from _lost(file, file.tree, file.module)


def _lost(
    file: PythonFile, code: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module, scope: Scope
) -> Iterator[OverwrittenValue]:
    names = {name for name, bound in scope.names.items() if len(bound) > 1} - scope.forwarded
    for branch, rest in _branches(code.body) if names else ():
        for name, values in _given(branch, names).items():
            second = _replaced(name, rest)
            lost = (one for one in values if second is not None and not _same(one, second))
            first = next((one for one in lost if not _is_kept(one, branch, rest)), None)
            if first is None or second is None or _seen_otherwise(name, code):
                continue
            yield OverwrittenValue(
                place=file.place(first),
                name=name,
                condition=" ".join(ast.unparse(branch.test).split())[:80],
                by=file.place(second),
                scope=scope.qualname,
            )


def _branches(block: Sequence[ast.stmt]) -> Iterator[tuple[ast.If, Sequence[ast.stmt]]]:
    """Each ``if`` of the function that something follows in its block, with that; not those of functions within."""
    for index, statement in enumerate(block):
        fields = _BLOCKS.get(type(statement))
        if fields is None:
            continue
        if isinstance(statement, ast.If) and index + 1 < len(block):
            yield statement, block[index + 1 : index + 1 + _AHEAD]
        for field in fields:
            yield from _branches(getattr(statement, field))
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                yield from _branches(handler.body)


def _given(branch: ast.If, names: set[str]) -> dict[str, list[ast.stmt]]:
    """Those of *names* that the branches set to something, and do not read again themselves."""
    found: dict[str, list[ast.stmt]] = {}
    for block in (branch.body, branch.orelse):
        if any(isinstance(one, (ast.Return, ast.Raise, ast.Continue, ast.Break)) for one in block):
            continue
        for index, statement in enumerate(block):
            name, value = _assigned(statement)
            if name not in names or _is_nothing(value) or any(_mentions(one, name) for one in block[index + 1 :]):
                continue
            found.setdefault(name, []).append(statement)
    return found


def _assigned(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
        return statement.target.id, statement.value
    return "", None


def _is_nothing(value: ast.expr | None) -> bool:
    """Whether it is what a name begins with, until there is something: None, False, nought, an empty collection."""
    if isinstance(value, ast.Constant):
        return not value.value
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return not value.elts
    return isinstance(value, ast.Dict) and not value.keys


def _replaced(name: str, rest: Sequence[ast.stmt]) -> ast.stmt | None:
    """The statement that is the next to mention *name*, where it gives it another value without reading it."""
    for statement in rest:
        target, value = _assigned(statement)
        if target == name:
            return None if value is None or _mentions(value, name) else statement
        if _mentions(statement, name):
            return None
    return None


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in walk(node))


def _same(first: ast.stmt, second: ast.stmt) -> bool:
    return ast.dump(_assigned(first)[1] or first) == ast.dump(_assigned(second)[1] or second)


def _is_kept(statement: ast.stmt, branch: ast.If, rest: Sequence[ast.stmt]) -> bool:
    """Whether what it gives is a second name of what the branch also leaves under another one, which is read behind."""
    value = _assigned(statement)[1]
    if not isinstance(value, ast.Name):
        return False
    block = branch.body if statement in branch.body else branch.orelse
    return any(_assigned(one)[0] == value.id for one in block) and any(_mentions_deep(one, value.id) for one in rest)


def _seen_otherwise(name: str, code: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module) -> bool:
    """Whether a handler, or a function within, may read it in between."""
    for node in ast.walk(code):
        if node is code:
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            taken = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if all(one.arg != name for one in taken) and _mentions_deep(node, name):
                return True
        if isinstance(node, ast.Try):
            for one in (*node.handlers, *node.finalbody):
                if _mentions_deep(one, name):
                    return True
        if isinstance(node, ast.Name) and node.id in ("locals", "eval", "exec"):
            return True
    return False


def _mentions_deep(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


READER: Reader[PythonFile] = Reader("overwritten", 2, PYTHON, (OverwrittenValue,), claims, read)
