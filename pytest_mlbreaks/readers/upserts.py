"""Rows that code of SQLAlchemy looks for and inserts where there are none, and what keeps the rows of a table apart.

Followed is one function: what an ``if`` asks goes back through names that are bound once. A file that speaks of
``IntegrityError``, ``ON CONFLICT`` or a lock takes care of it, and nothing is said of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import LookedUpInsert, MappedTable
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_CARES = (b"IntegrityError", b"on_conflict", b"with_for_update", b"advisory", b"SERIALIZABLE", b"begin_nested")
_LOCKS = re.compile(rb"ock(?<=[lL]ock)\b")
_QUERIES = (b".query(", b"select(")
_ASKS = frozenset({"where", "filter"})
_MOST = 300
"""Expressions that are followed for one condition."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The facts of one module."""
    if file.tree is None:
        return
    if file.mentions(b"__tablename__") or file.mentions(b"table=True"):
        for site in file.classes:
            yield from _table(file, site.node)
    if not file.mentions(b".add(") or not any(map(file.mentions, _QUERIES)):
        return
    if not any(map(file.mentions, _CARES)) and not file.has(_LOCKS):
        for function in file.functions:
            yield from _inserts(file, function)


# ---------------------------------------------------------------------------------------------------------- tables


def _table(file: PythonFile, node: ast.ClassDef) -> Iterator[MappedTable]:
    """A mapped class, with the columns that tell its rows apart."""
    named = any(_assigned(one) == "__tablename__" for one in node.body)
    if not named and not any(keyword.arg == "table" for keyword in node.keywords):
        return
    key: list[str] = []
    unique: list[tuple[str, ...]] = []
    told = True
    for statement in node.body:
        name, value = _assigned(statement), getattr(statement, "value", None)
        if name == "__table_args__":
            found, whole = _constraints(value)
            unique += found
            told = told and whole
        elif name and isinstance(value, ast.Call):
            given = {one.arg: one.value for one in value.keywords}
            if None in given:
                told = False
            if _is_true(given.get("primary_key")):
                key.append(name)
            if _is_true(given.get("unique")):
                unique.append((name,))
    bases = [base for base in node.bases if not isinstance(base, ast.Name) or base.id not in _PLAIN]
    yield MappedTable(
        place=file.definition_place(node),
        name=node.name,
        unique=(*unique, *((tuple(key),) if key else ())),
        told=told and not bases,
    )


_PLAIN = frozenset({"Base", "SQLModel", "DeclarativeBase", "Model", "BaseModel"})
"""Bases that hold no columns of their own that tell rows apart, but an id at most."""


def _assigned(statement: ast.stmt) -> str:
    target: ast.expr | None = None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    return target.id if isinstance(target, ast.Name) else ""


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _constraints(value: ast.expr | None) -> tuple[list[tuple[str, ...]], bool]:
    """What ``__table_args__`` says is unique, and whether that is all of it."""
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
    found: list[tuple[str, ...]] = []
    for part in parts:
        if isinstance(part, ast.Dict):
            continue
        if not isinstance(part, ast.Call):
            return found, False
        called = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
        texts = [one.value if isinstance(one, ast.Constant) else None for one in part.args]
        if called == "Index" and any(one.arg == "unique" for one in part.keywords):
            texts = texts[1:]
        elif called not in ("UniqueConstraint", "PrimaryKeyConstraint"):
            continue
        if not all(isinstance(text, str) for text in texts):
            return found, False
        found.append(tuple(str(text) for text in texts))
    return found, True


# --------------------------------------------------------------------------------------------------------- inserts


def _inserts(file: PythonFile, site: FunctionSite) -> Iterator[LookedUpInsert]:
    for block in _blocks(site.node):
        for position, statement in enumerate(block):
            if not isinstance(statement, ast.If):
                continue
            for asked, absent in _asked(statement.test):
                look = _Look(file, site.scope)
                look.follow(asked)
                if not look.model or not look.columns or look.open:
                    continue
                there = statement.orelse if absent else statement.body
                branch = statement.body if absent else statement.orelse
                leaves = bool(there) and isinstance(there[-1], (ast.Return, ast.Raise))
                if not branch and leaves:
                    branch = block[position + 1 :]
                place = _insert(file, branch, look.model, site.scope)
                if place is not None:
                    yield LookedUpInsert(
                        place=file.place(statement.test),
                        model=look.model,
                        columns=tuple(dict.fromkeys(look.columns)),
                        only=look.only,
                        refuses=bool(there) and isinstance(there[-1], ast.Raise),
                        tried=any(isinstance(one, ast.Try) for one in within(site.node.body)),
                        inserted=file.place(place),
                        scope=site.scope.qualname,
                    )


def _blocks(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[list[ast.stmt]]:
    """The lists of statements of a function, but for those below a ``try``, and those of loops, which fill a table."""
    pending: list[list[ast.stmt]] = [node.body]
    while pending:
        block = pending.pop()
        yield block
        for statement in block:
            if isinstance(statement, ast.If):
                pending += [statement.body, statement.orelse]
            elif isinstance(statement, (ast.With, ast.AsyncWith)):
                pending.append(statement.body)


def _asked(test: ast.expr) -> Iterator[tuple[ast.expr, bool]]:
    """What a condition asks for, and whether it holds where there is none."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            yield from _asked(part)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield test.operand, True
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.comparators[0], ast.Constant):
        if test.comparators[0].value is None and isinstance(test.ops[0], (ast.Is, ast.IsNot)):
            yield test.left, isinstance(test.ops[0], ast.Is)
    elif isinstance(test, (ast.Name, ast.Call, ast.Await)):
        yield test, False


class _Look:
    """A query, followed back from what became of its answer: the *model* that it asks for one row of, the *columns*
    that it gives; *open* where it asks in another way, too; *only* where more than one row is an error."""

    def __init__(self, file: PythonFile, scope: Scope) -> None:
        self.file = file
        self.scope = scope
        self.model = ""
        self.columns: list[str] = []
        self.open = False
        self.only = False

    def follow(self, node: ast.expr) -> None:
        pending: list[ast.AST] = [node]
        seen: set[str] = set()
        left = _MOST
        first = False
        while pending and left:
            left -= 1
            one = pending.pop()
            if isinstance(one, ast.Await):
                pending.append(one.value)
            elif isinstance(one, ast.Name) and one.id not in seen:
                seen.add(one.id)
                bound = self.scope.names.get(one.id, [])
                if len(bound) == 1 and isinstance(bound[0], ast.expr):
                    pending.append(bound[0])
            elif isinstance(one, ast.Call):
                called = one.func.attr if isinstance(one.func, ast.Attribute) else getattr(one.func, "id", "")
                first = first or called in ("first", "one_or_none", "scalar_one_or_none", "scalar", "exists")
                self.only = self.only or called in ("one_or_none", "scalar_one_or_none")
                self._note(called, one)
                if isinstance(one.func, ast.Attribute):
                    pending.append(one.func.value)
                pending += one.args[:1] if called in ("execute", "scalar", "scalars", "exec") else []
        if not first:
            self.model = ""

    def _note(self, called: str, call: ast.Call) -> None:
        if called in ("select", "query"):
            names = [self.file.qualified(one, self.scope) or "" for one in call.args]
            if len(names) == 1 and names[0] and not self.model:
                self.model = names[0].removesuffix("()")
            else:
                self.open = True
        elif called == "filter_by":
            self.columns += [one.arg for one in call.keywords if one.arg is not None]
        elif called in _ASKS:
            for one in call.args:
                if not (
                    isinstance(one, ast.Compare)
                    and len(one.ops) == 1
                    and isinstance(one.ops[0], ast.Eq)
                    and isinstance(one.left, ast.Attribute)
                ):
                    self.open = True
                    return
                self.columns.append(one.left.attr)
        elif called in ("join", "outerjoin", "group_by", "having", "select_from"):
            self.open = True


def _insert(file: PythonFile, branch: list[ast.stmt], model: str, scope: Scope) -> ast.Call | None:
    """The call that makes the row which *branch* adds."""
    made: ast.Call | None = None
    adds = False
    for node in within(branch):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "add" and node.args:
            adds = True
        name = (file.qualified(node.func, scope) or "") if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
        if name == model:
            made = node
    return made if adds else None


READER: Reader[PythonFile] = Reader("upserts", 1, PYTHON, (LookedUpInsert, MappedTable), claims, read)
