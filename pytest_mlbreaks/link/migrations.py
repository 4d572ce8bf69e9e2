"""Migrations of a database: what calls of Alembic and Django do to its tables and columns."""

from __future__ import annotations

import dataclasses
from typing import Literal

from pytest_mlbreaks.model.expr import Literal as Text
from pytest_mlbreaks.model.expr import Made, literal_text
from pytest_mlbreaks.model.facts import Call
from pytest_mlbreaks.model.place import Place

_ALEMBIC = "alembic.op."
_DJANGO = "django.db.migrations."

MIGRATES = frozenset(
    {
        *(f"{_ALEMBIC}{name}" for name in ("add_column", "drop_column", "create_table", "drop_table")),
        *(f"{_ALEMBIC}{name}" for name in ("rename_table", "alter_column")),
        *(f"{_DJANGO}{name}" for name in ("AddField", "RemoveField", "RenameField")),
        *(f"{_DJANGO}{name}" for name in ("CreateModel", "DeleteModel", "RenameModel")),
    }
)
"""The operations that are told of: https://alembic.sqlalchemy.org/en/latest/ops.html and
https://docs.djangoproject.com/en/stable/ref/migration-operations/"""


@dataclasses.dataclass(frozen=True)
class Operation:
    """What a migration does to *table*, or to one *column* of it ("" for the whole table). ``require``: rows that are
    written without the column are refused from then on; ``permit``: no longer."""

    does: Literal["add", "drop", "require", "permit"]
    table: str
    column: str
    place: Place


def operations(call: Call) -> tuple[Operation, ...]:
    """What *call* does when the database is brought forward; () for a step back, and where a name is computed."""
    if call.callee.startswith(_ALEMBIC):
        return _alembic(call) if call.scope == "upgrade" else ()
    if call.callee.startswith(_DJANGO):
        return _django(call)
    return ()


def _alembic(call: Call) -> tuple[Operation, ...]:
    name = call.callee.removeprefix(_ALEMBIC)
    table = _text(call, "table_name", 0) or (_text(call, "old_table_name", 0) if name == "rename_table" else "")
    if not table:
        return ()
    match name:
        case "create_table":
            return (Operation("add", table, "", call.place),)
        case "drop_table":
            return (Operation("drop", table, "", call.place),)
        case "rename_table":
            return _renamed(call, table, _text(call, "new_table_name", 1), "")
        case "drop_column":
            column = _text(call, "column_name", 1)
            return (Operation("drop", table, column, call.place),) if column else ()
        case "alter_column":
            old, new = _text(call, "column_name", 1), _text(call, "new_column_name", None)
            return _renamed(call, old, new, table) if old and new else ()
    argument = call.argument("column", 1)
    made = argument.value if argument is not None else None
    first = made.arguments[0] if isinstance(made, Made) and made.arguments else None
    added_column = literal_text(first)
    if not isinstance(made, Made) or not added_column:
        return ()
    added = Operation("add", table, added_column, call.place)
    keywords = dict(made.keywords)
    if keywords.get("nullable") == Text(False) and not {"server_default", "server_onupdate"} & keywords.keys():
        return (added, Operation("require", table, added_column, call.place))
    return (added,)


def _django(call: Call) -> tuple[Operation, ...]:
    name = call.callee.removeprefix(_DJANGO)
    model = _text(call, "name" if name.endswith("Model") and name != "RenameModel" else "model_name", 0).lower()
    match name:
        case "CreateModel" | "DeleteModel" if model:
            return (Operation("add" if name == "CreateModel" else "drop", model, "", call.place),)
        case "RenameModel":
            return _renamed(call, _text(call, "old_name", 0).lower(), _text(call, "new_name", 1).lower(), "")
        case "AddField" | "RemoveField" if model and (column := _text(call, "name", 1)):
            if name == "RemoveField":
                return (Operation("drop", model, column, call.place),)
            return Operation("add", model, column, call.place), *_required(call, model, column)
        case "RenameField" if model:
            return _renamed(call, _text(call, "old_name", 1), _text(call, "new_name", 2), model)
    return ()


def _required(call: Call, model: str, column: str) -> tuple[Operation, ...]:
    """Django fills rows that are there, and keeps no default in the database:
    https://docs.djangoproject.com/en/stable/ref/models/fields/#db-default"""
    argument = call.argument("field", 2)
    made = argument.value if argument is not None else None
    if not isinstance(made, Made) or made.callee.endswith("ManyToManyField"):
        return ()
    keywords = dict(made.keywords)
    if keywords.get("null") == Text(True) or {"db_default", "auto_created"} & keywords.keys():
        return ()
    return (Operation("require", model, column, call.place),)


def _renamed(call: Call, old: str, new: str, table: str) -> tuple[Operation, ...]:
    """A renamed column of *table*, or a renamed table where that is ""."""
    if not old or not new:
        return ()
    if table:
        return Operation("drop", table, old, call.place), Operation("add", table, new, call.place)
    return Operation("drop", old, "", call.place), Operation("add", new, "", call.place)


def _text(call: Call, name: str, position: int | None) -> str:
    argument = call.argument(name, position)
    return literal_text(argument.value) or "" if argument is not None else ""
