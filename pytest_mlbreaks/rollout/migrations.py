"""Migrations of a database: what the operations of Alembic and Django in one file do to tables and columns.

https://alembic.sqlalchemy.org/en/latest/ops.html, https://docs.djangoproject.com/en/stable/ref/migration-operations/
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from typing import Literal

from pytest_mlbreaks.model import Place

_NO_TABLES = frozenset({"AlterModelOptions", "AlterModelManagers", "AddIndex", "RemoveIndex", "RenameIndex"})
_HARMLESS = frozenset(
    {"create_index", "drop_index", "f", "get_bind", "get_context", "batch_alter_table", "inline_literal"}
)
"""Operations of which no code that reads or writes rows depends."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """What a migration does to *table*, or to one *column* of it ("" for the whole table). ``require``: rows that are
    written without the column are refused from then on; ``permit``: no longer. ``unknown``: it is not told, and *table*
    is what is called."""

    does: Literal["add", "drop", "require", "permit", "unknown"]
    table: str
    column: str
    place: Place


def operations(path: str, text: str) -> tuple[Operation, ...]:
    """What the migration *text* of the file *path* does when the database is brought forward, in order."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (Operation("unknown", "a file that is no Python", "", Place(path)),)
    found: list[Operation] = []
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name != "downgrade":
            found += _alembic(path, node)
        elif isinstance(node, ast.ClassDef) and node.name == "Migration":
            for call in _calls(node):
                found += _django(path, call)
    return tuple(dict.fromkeys(found))


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (one for one in ast.walk(node) if isinstance(one, ast.Call))


def _alembic(path: str, function: ast.FunctionDef) -> Iterator[Operation]:
    batches: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.With):
            for item in node.items:
                if isinstance(item.context_expr, ast.Call) and isinstance(item.optional_vars, ast.Name):
                    batches[item.optional_vars.id] = _text(item.context_expr, "table_name", 0)
    for call in _calls(function):
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            owner, name = call.func.value.id, call.func.attr
            if owner == "op" or batches.get(owner):
                place = Place(path, call.lineno, call.col_offset + 1)
                yield from _alembic_one(call, name, batches.get(owner, ""), place)


def _alembic_one(call: ast.Call, name: str, batch: str, place: Place) -> Iterator[Operation]:
    first = 0 if batch else 1
    table = batch or _text(call, "old_table_name" if name == "rename_table" else "table_name", 0)
    column = _text(call, "column_name", first)
    made = _argument(call, "column", first)
    if name in _HARMLESS:
        return
    if name in ("create_table", "drop_table") and table:
        yield Operation("add" if name == "create_table" else "drop", table, "", place)
    elif name == "rename_table" and table and (new := _text(call, "new_table_name", 1)):
        yield Operation("drop", table, "", place)
        yield Operation("add", new, "", place)
    elif name == "drop_column" and table and column:
        yield Operation("drop", table, column, place)
    elif (
        name == "alter_column"
        and table
        and column
        and (_argument(call, "new_column_name") or _argument(call, "nullable"))
    ):
        if new := _text(call, "new_column_name"):
            yield Operation("drop", table, column, place)
            yield Operation("add", table, new, place)
        elif _constant(_argument(call, "nullable")) is False and _argument(call, "server_default") is None:
            yield Operation("require", table, column, place)
    elif name == "add_column" and table and isinstance(made, ast.Call) and (added := _text(made, "name", 0)):
        yield Operation("add", table, added, place)
        if _constant(_argument(made, "nullable")) is False and _argument(made, "server_default") is None:
            yield Operation("require", table, added, place)
    else:
        yield Operation("unknown", f"op.{name}", "", place)


def _told(call: ast.Call) -> bool:
    return _argument(call, "new_column_name") is not None or _argument(call, "nullable") is not None


def _django(path: str, call: ast.Call) -> Iterator[Operation]:
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
        return
    name = call.func.attr
    if call.func.value.id != "migrations" or name in _NO_TABLES or name == "swappable_dependency":
        return
    place = Place(path, call.lineno, call.col_offset + 1)
    model = _text(call, "model_name", 0).lower()
    column = _text(call, "name", 1)
    if name in ("CreateModel", "DeleteModel"):
        yield Operation("add" if name == "CreateModel" else "drop", _text(call, "name", 0).lower(), "", place)
    elif name == "RenameModel":
        yield Operation("drop", _text(call, "old_name", 0).lower(), "", place)
        yield Operation("add", _text(call, "new_name", 1).lower(), "", place)
    elif name == "RenameField":
        yield Operation("drop", model, _text(call, "old_name", 1), place)
        yield Operation("add", model, _text(call, "new_name", 2), place)
    elif name == "RemoveField":
        yield Operation("drop", model, column, place)
    elif name == "AddField":
        yield Operation("add", model, column, place)
        if _refuses(_argument(call, "field", 2)):
            yield Operation("require", model, column, place)
    else:
        yield Operation("unknown", f"migrations.{name}", "", place)


def _refuses(field: ast.expr | None) -> bool:
    """Whether rows without a field are refused. Django fills rows that are there, and keeps no default in the database:
    https://docs.djangoproject.com/en/stable/ref/models/fields/#db-default"""
    if not isinstance(field, ast.Call) or ast.unparse(field.func).endswith("ManyToManyField"):
        return False
    return _constant(_argument(field, "null")) is not True and _argument(field, "db_default") is None


def _argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    named = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if named is None and position is not None and position < len(call.args):
        return call.args[position]
    return named


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _text(call: ast.Call, name: str, position: int | None = None) -> str:
    value = _constant(_argument(call, name, position))
    return value if isinstance(value, str) else ""
