"""Classes that are tables of a database, as SQLAlchemy, SQLModel and Django have them written."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Column:
    """A column, and whether the database refuses rows without it: not nullable, and no default of its own (one that
    Django or SQLAlchemy fills in is none: code that does not know the column does not know its default either)."""

    line: int
    demanded: bool


@dataclasses.dataclass
class Table:
    """A class at *line*: the *names*, in lower case, by which a migration may call its table, and its columns."""

    line: int
    names: set[str]
    columns: dict[str, Column]


def tables(text: str) -> Iterator[Table]:
    """The classes at the top of a module that declare columns; nothing of a text that is no Python."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            table = Table(node.lineno, {node.name.lower()}, {})
            for statement in node.body:
                _take(statement, table)
            if table.columns:
                yield table


def _take(statement: ast.stmt, table: Table) -> None:
    target: ast.expr
    value: ast.expr | None
    annotation: ast.expr | None = None
    if isinstance(statement, ast.AnnAssign):
        target, value, annotation = statement.target, statement.value, statement.annotation
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    else:
        return
    if not isinstance(target, ast.Name):
        return
    if target.id == "__tablename__" and isinstance(value, ast.Constant):
        table.names.add(str(value.value).rpartition(".")[2].lower())
    elif _is_column(value, annotation):
        table.columns[target.id] = Column(statement.lineno, _demanded(value, annotation))


def _is_column(value: ast.expr | None, annotation: ast.expr | None) -> bool:
    made = _made(value)
    if made in ("relationship", "ManyToManyField", "GenericForeignKey"):
        return False
    if made in ("Column", "mapped_column", "Field", "ForeignKey") or (made.endswith("Field") and annotation is None):
        return True
    return isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Mapped")


def _demanded(value: ast.expr | None, annotation: ast.expr | None) -> bool:
    keywords = {k.arg: k.value for k in value.keywords} if isinstance(value, ast.Call) else {}
    if "server_default" in keywords or "db_default" in keywords or "primary_key" in keywords:
        return False
    made = _made(value)
    given = keywords.get(
        "null" if annotation is None and (made == "ForeignKey" or made.endswith("Field")) else "nullable"
    )
    if isinstance(given, ast.Constant):
        return given.value is False
    if annotation is not None:
        told = ast.unparse(annotation)
        return "None" not in told and "Optional" not in told
    return made != "Column" and made != "mapped_column"


def _made(value: ast.expr | None) -> str:
    if not isinstance(value, ast.Call):
        return ""
    return ast.unparse(value.func).rpartition(".")[2]
