"""SQL: files, and strings of Python that are given to calls which run them.

Of each statement: which tables it reads and writes, and of each SELECT its joins, conditions, and what it puts for NULL.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats import sql as formats
from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile
from pytest_mlbreaks.formats.sql import HOLE, REF, SOURCE, SQL, THIS, SqlFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import DatasetAccess, SqlQuery, SqlSelect
from pytest_mlbreaks.readers import _queries
from pytest_mlbreaks.readers.python import claims as python_claims
from pytest_mlbreaks.reading import Reader, Wanted

FACTS: tuple[type[Fact], ...] = (SqlQuery, SqlSelect, DatasetAccess)


def _claims(path: str) -> bool:
    return path.endswith(".sql") and formats.installed()


def _read(file: SqlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for number, tree in enumerate(file.statements):
        text = _queries.Text(
            place=lambda line: Place(file.path, line),
            name=str(number + 1),
            dialect=formats.dialect(file.plain) or "",
            template=file.template,
            complete=file.template is None,
        )
        for fact in _queries.facts(tree, text):
            yield fact
            if isinstance(fact, SqlQuery):
                yield from _accesses(fact)


def _accesses(query: SqlQuery) -> Iterator[Fact]:
    """The tables of a statement as datasets. Those of dbt are named by the project, not here."""
    api = query.api or "SQL"
    mode: dict[str, str] = {"insert": "append"}
    for name in query.reads:
        if not _of_dbt(name):
            yield _access(query, "read", name, api)
    for name in query.writes:
        if not _of_dbt(name):
            yield _access(query, "append" if mode.get(query.kind) else "write", name, api)


def _of_dbt(name: str) -> bool:
    return name.startswith((f"{REF}.", f"{SOURCE}__", f"{THIS}."))


def _access(query: SqlQuery, mode: str, name: str, api: str) -> Fact:
    return DatasetAccess(
        place=query.place,
        mode=mode,  # type: ignore[arg-type]
        target=_target(name),
        api=api,
        kind="table",
        scope=query.scope,
    )


def _target(name: str) -> Expr:
    """A table's name, with what a template or an f-string puts into it left open."""
    pieces = HOLE.split(name)
    if len(pieces) == 1:
        return Literal(name)
    parts: list[Expr] = []
    for number, piece in enumerate(pieces):
        if number:
            parts.append(Unknown("put in by a template"))
        if piece:
            parts.append(Literal(piece))
    return Concat(tuple(parts)) if len(parts) > 1 else parts[0]


READER: Reader[SqlFile] = Reader("sql", 1, SQL, FACTS, _claims, _read)
