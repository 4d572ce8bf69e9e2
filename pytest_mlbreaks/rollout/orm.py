"""Classes that are tables of a database, as SQLAlchemy, SQLModel and Django have them written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

_CLASS = re.compile(r"class (\w+)")
_NAMED = re.compile(r"""\s+(?:__tablename__|db_table)\s*(?::[^=]*)?=\s*["']([\w.]+)["']""")
_COLUMN = re.compile(r"\s+(\w+)\s*(?::\s*(?:\w+\.)?Mapped\[|(?::[^=]*)?=\s*(?:\w+\.)*(\w+)\()")
_MAKES = re.compile(r"Column|mapped_column|Field|ForeignKey|\w+Field")
"""What makes a column, by the last part of its name."""


@dataclasses.dataclass
class Table:
    """A class at *line*: the *names*, in lower case, by which a migration may call its table, and its columns with
    their lines."""

    line: int
    names: set[str]
    columns: dict[str, int]


def tables(text: str) -> Iterator[Table]:
    """The classes at the top of a module that declare columns."""
    table: Table | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if line[:1].strip():
            if table is not None and table.columns:
                yield table
            start = _CLASS.match(line)
            table = Table(number, {start.group(1).lower()}, {}) if start else None
        elif table is not None and (named := _NAMED.match(line)):
            table.names.add(named.group(1).rpartition(".")[2].lower())
        elif table is not None and (column := _COLUMN.match(line)):
            if column.group(2) is None or _MAKES.fullmatch(column.group(2)):
                table.columns.setdefault(column.group(1), number)
    if table is not None and table.columns:
        yield table
