"""SQL: files, and strings of Python that are given to calls which run them.

Of each statement: which tables it reads and writes; of each SELECT its joins, conditions, and what it puts for NULL.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal as L

from pytest_mlbreaks.formats import sql as formats
from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.sql import HOLE, REF, SOURCE, SQL, THIS, SqlFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import DatasetAccess, SqlQuery, SqlSelect
from pytest_mlbreaks.readers import _queries
from pytest_mlbreaks.readers.python import claims as python_claims
from pytest_mlbreaks.reading import Reader, Wanted

Holes = dict[str, Expr]
"""What an f-string puts into a text, by the name that stands in for it."""

FACTS: tuple[type[Fact], ...] = (SqlQuery, SqlSelect, DatasetAccess)


def _claims(path: str) -> bool:
    return path.endswith(".sql")


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


def _accesses(query: SqlQuery, holes: Holes | None = None) -> Iterator[Fact]:
    """The tables of a statement as datasets. Those of dbt are named by the project, not here."""
    written: L["write", "append"] = "append" if query.kind == "insert" else "write"
    modes: tuple[tuple[L["read", "write", "append"], tuple[str, ...]], ...] = (
        ("read", query.reads),
        (written, query.writes),
    )
    for mode, names in modes:
        for name in names:
            # a bare name, in a file that a template makes a part of, may be a CTE of that part
            made_elsewhere = holes is None and not query.complete and "." not in name
            if not name.startswith(_OF_DBT) and not made_elsewhere:
                yield DatasetAccess(
                    place=query.place,
                    mode=mode,
                    target=_target(name, holes or {}),
                    api=query.api or "SQL",
                    kind="table",
                    scope=query.scope,
                )


def _target(name: str, holes: Holes) -> Expr:
    """A table's name, in which *holes*, and what a template puts in, are left open."""
    parts: list[Expr] = []
    end = 0
    for match in HOLE.finditer(name):
        if match.start() > end:
            parts.append(Literal(name[end : match.start()]))
        parts.append(holes.get(match[0], _TEMPLATED))
        end = match.end()
    if end < len(name):
        parts.append(Literal(name[end:]))
    return Concat(tuple(parts)) if len(parts) > 1 else parts[0]


_OF_DBT = (f"{REF}.", f"{SOURCE}__", f"{THIS}.")
_TEMPLATED = Unknown("put in by a template")


# ------------------------------------------------------------------------------------------ strings of Python

_RUNNERS = frozenset(
    {
        *("execute", "executemany", "exec_driver_sql", "query", "query_and_wait", "sql", "run_query", "read_sql"),
        *("read_sql_query", "read_gbq", "read_database", "fetch", "fetchall", "fetchrow", "fetchval", "text"),
        *("get_pandas_df", "get_records", "get_first", "run", "scalar", "run_sql", "execute_query"),
    }
)
"""Last names of calls whose first argument is SQL, where it looks like SQL."""

_KEYWORDS = ("sql", "query", "statement", "operation", "query_string", "sql_query", "bql", "hql")
_SPARK = ("spark.", "pyspark.", "*.sql")
_STATEMENT = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*\(?\s*(?:with|select|insert|merge|create|update|delete)\s", re.IGNORECASE
)
_TELLING = re.compile(
    r"\bjoin\s|\b(?:from|into|update|table|view)\s+(?:if\s+not\s+exists\s+)?"
    r"(?:[`\"\[]?[\w$-]+[`\"\]]?\s*\.|[`\"\[]?\w*jinja__)",
    re.IGNORECASE,
)
"""What is worth parsing: a join, or a table that a name of several parts tells from others. Most statements that an
application sends to its own database are neither."""

_SURE = re.compile(r"(?:^|\.)(?:execute|executemany|exec_driver_sql|sql|read_sql\w*|read_gbq|\w*Operator)$")
"""Calls that are given SQL and no prose."""


class _Seen:
    """The literals of a module that were read, and how many statements each function has."""

    def __init__(self) -> None:
        self.literals: set[ast.expr] = set()
        self.numbers: dict[str, int] = {}


def _strings(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The statements that the calls of a module are given. What does not parse is the Python reader's to report."""
    seen = _Seen()
    for callee, sites in file.calls_by_name.items():
        last = callee.rpartition(".")[2]
        runner = last in _RUNNERS
        if not runner and not last.endswith("Operator"):
            continue
        for site in sites:
            node = _given(site, first=runner)
            if node is not None:
                yield from _statements(file, site, node, callee, seen)


def _given(site: CallSite, *, first: bool) -> ast.expr | None:
    for keyword in site.node.keywords:
        if keyword.arg in _KEYWORDS:
            return keyword.value
        if keyword.arg == "configuration" and (inner := _entry(_entry(keyword.value, "query"), "query")) is not None:
            return inner  # BigQueryInsertJobOperator
    arguments = site.node.args
    return arguments[0] if first and arguments and not isinstance(arguments[0], ast.Starred) else None


def _entry(node: ast.expr | None, key: str) -> ast.expr | None:
    if not isinstance(node, ast.Dict):
        return None
    for name, value in zip(node.keys, node.values, strict=True):
        if isinstance(name, ast.Constant) and name.value == key:
            return value
    return None


def _statements(
    file: PythonFile, site: CallSite, node: ast.expr, callee: str, seen: _Seen
) -> Iterator[Fact | Diagnostic]:
    holes: Holes = {}
    found = _sql(file, node, site.scope, holes, 0)
    if found is None:
        return
    text, where = found
    if where in seen.literals:
        return  # execute(text("...")) is one statement, and a constant may be run twice
    seen.literals.add(where)
    if not _STATEMENT.match(text) or not _TELLING.search(text):
        return
    template = None
    if "{{" in text or "{%" in text:
        try:
            template = formats.understand(text)
        except formats.TemplateProblem:
            return
        text = template.text
    start, end = where.lineno, where.end_lineno or where.lineno
    dialect = "spark" if callee.startswith(_SPARK) and "duckdb" not in callee else None
    trees, problem = formats.statements(text, template, dialect)
    if problem is not None and _SURE.search(callee):
        yield Diagnostic(Place(file.path, min(start + problem.line - 1, end)), "note", problem.message)
    scope = site.scope.function
    for tree in trees:
        seen.numbers[scope] = seen.numbers.get(scope, 0) + 1
        said = _queries.Text(
            place=lambda line: Place(file.path, min(start + line - 1, end)),
            name=str(seen.numbers[scope]),
            dialect=dialect or formats.dialect(text) or "",
            scope=scope,
            api=callee,
            template=template,
            complete=template is None and not holes,
        )
        for fact in _queries.facts(tree, said):
            yield fact
            if isinstance(fact, SqlQuery):
                yield from _accesses(fact, holes)


def _sql(file: PythonFile, node: ast.expr, scope: Scope, holes: Holes, depth: int) -> tuple[str, ast.expr] | None:
    """The text that *node* is, with a name for each part that is computed, and the string literal that it stands in.

    None where it is no string of this file: then it is somebody else's to tell.
    """
    if depth > 4:
        return None
    match node:
        case ast.Constant(value=str() as text):
            return text, node
        case ast.JoinedStr(values=values):
            parts = [_piece(file, value, scope, holes) for value in values]
            return "".join(parts), node
        case ast.Call(func=ast.Attribute(attr="format", value=inner)):
            found = _sql(file, inner, scope, holes, depth + 1)
            return (
                (_FIELD.sub(lambda m: _hole(holes, Unknown("put in by format()")), found[0]), found[1])
                if found
                else None
            )
        case ast.Call(func=ast.Attribute(attr="strip" | "lstrip" | "rstrip", value=inner)):
            return _sql(file, inner, scope, holes, depth + 1)
        case ast.Call(args=[first]) if (file.qualified(node.func, scope) or "").endswith(
            (".dedent", ".text", "cleandoc")
        ):
            return _sql(file, first, scope, holes, depth + 1)
        case ast.Name(id=name):
            owner = scope.owner(name)
            bindings = owner.names[name] if owner is not None else []
            if owner is not None and len(bindings) == 1 and isinstance(bindings[0], ast.expr):
                return _sql(file, bindings[0], owner, holes, depth + 1)
    return None


_FIELD = re.compile(r"(?<!\{)\{[\w.\[\]]*(?:![rsa])?(?::[^{}]*)?\}(?!\})")


def _piece(file: PythonFile, node: ast.expr, scope: Scope, holes: Holes) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    value = node.value if isinstance(node, ast.FormattedValue) else node
    return _hole(holes, file.expr(value, scope))


def _hole(holes: Holes, expr: Expr) -> str:
    name = f"jinja__h{len(holes)}__"
    holes[name] = expr
    return name


_MIGRATION = re.compile(r"(?:^|/)(?:migrations|alembic|versions)/")
"""Where the statements of a schema's past are, which run once, and of which there are hundreds."""


def _python(path: str) -> bool:
    return python_claims(path) and not _MIGRATION.search(path)


READER: Reader[SqlFile] = Reader("sql", 5, SQL, FACTS, _claims, _read)
STRINGS: Reader[PythonFile] = Reader("sql-strings", 5, PYTHON, FACTS, _python, _strings)
