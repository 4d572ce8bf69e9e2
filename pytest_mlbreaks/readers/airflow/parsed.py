"""What a file of DAGs asks Airflow's database for while it is parsed, and not when a task runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import ParsedVariable

_DEFAULTS = frozenset({"default_var", "default", None})
_DAG = ("airflow.decorators.", "airflow.sdk.", "airflow.models.dag.")


def variables(file: PythonFile) -> Iterator[ParsedVariable]:
    """Each ``Variable.get`` on the level of the module, or in the function of a ``@dag``."""
    if file.tree is None or not file.mentions(b"Variable"):
        return
    for body, scope in _bodies(file, file.tree):
        nodes = list(within(body))
        found = [node for node in nodes if isinstance(node, ast.Call) and _gets(file, node, scope)]
        tried = {id(one) for node in nodes if isinstance(node, ast.Try) for one in within(node.body)}
        for node in sorted(found, key=_position):
            given = {keyword.arg for keyword in node.keywords}
            yield ParsedVariable(
                place=file.place(node),
                key=_key(file, node, scope),
                default=len(node.args) > 1 or id(node) in tried or not given.isdisjoint(_DEFAULTS),
                scope=scope.function,
            )


def _bodies(file: PythonFile, tree: ast.Module) -> Iterator[tuple[list[ast.stmt], Scope]]:
    yield [one for one in tree.body if not _is_main(one)], file.module
    for site in file.functions:
        decorators = (one.func if isinstance(one, ast.Call) else one for one in site.node.decorator_list)
        outer = site.scope.parent or file.module
        names = (file.qualified(one, outer) or "" for one in decorators)
        if any(name.startswith(_DAG) and name.endswith(".dag") for name in names):
            yield site.node.body, site.scope


def _is_main(statement: ast.stmt) -> bool:
    """Whether it is only for who runs the file by hand."""
    return isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)


def _gets(file: PythonFile, node: ast.Call, scope: Scope) -> bool:
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "get"):
        return False
    name = file.qualified(node.func, scope) or ""
    return name.startswith("airflow.") and name.endswith(".Variable.get")


def _key(file: PythonFile, node: ast.Call, scope: Scope) -> Expr:
    named = next((keyword.value for keyword in node.keywords if keyword.arg == "key"), None)
    return file.expr(node.args[0] if node.args else named, scope)


def _position(node: ast.Call) -> tuple[int, int]:
    return node.lineno, node.col_offset
