"""Statements of SQL."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class SqlColumn(Part, frozen=True, kw_only=True):
    """A column as a query names it: *source* is the alias that it belongs to, "" where that can't be told. Both are in
    lower case."""

    name: str
    source: str = ""


class SqlSource(Part, frozen=True, kw_only=True):
    """What a SELECT reads from. *alias* is the name that its columns go by, in lower case.

    *kind*: ``table`` (then *table* is its name as written), ``query`` (a CTE or subquery of the same statement, then
    *query* is the name of its `SqlSelect`), ``other`` (UNNEST, a table function, VALUES).
    """

    alias: str
    kind: L["table", "query", "other"]
    table: str = ""
    query: str = ""
    place: Place


class SqlCondition(Part, frozen=True, kw_only=True):
    """One condition of an ON clause, of those that AND joins. *sources* are the aliases of its columns, "" among them
    where one can't be told; *left* and *right* are told where it sets two columns equal, with the types that they are
    cast to."""

    text: str
    sources: tuple[str, ...] = ()
    left: SqlColumn | None = None
    right: SqlColumn | None = None
    left_cast: str = ""
    right_cast: str = ""


class SqlJoin(Part, frozen=True, kw_only=True):
    """A join of a SELECT: *source* is the alias that it adds. *optional* are the aliases whose columns are NULL in rows
    that found no partner in it. *conditions* are those of ON; *using* the columns of USING. *conditional*: it stands
    below a condition of a template."""

    kind: L["inner", "left", "right", "full", "cross", "semi", "anti", "natural", "asof"]
    source: str
    optional: tuple[str, ...] = ()
    conditions: tuple[SqlCondition, ...] = ()
    using: tuple[str, ...] = ()
    lateral: bool = False
    conditional: bool = False
    place: Place


class SqlFilter(Part, frozen=True, kw_only=True):
    """One condition of WHERE, HAVING or QUALIFY, of those that AND joins.

    *rejects* are the optional aliases whose partnerless rows certainly do not meet it; *handles* those whose absence it
    provides for (``b.x IS NULL``); *asks* is true where it does nothing but ask for a partner (``x IS NOT NULL``).
    *pins* is the column that it sets equal to something that is no column; *unowned*: it names a column without saying
    whose. *conditional* and *incremental*: it stands
    below a condition of a template, below ``is_incremental()``.
    """

    clause: L["where", "having", "qualify"]
    text: str
    rejects: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    asks: bool = False
    pins: SqlColumn | None = None
    unowned: bool = False
    conditional: bool = False
    incremental: bool = False
    place: Place


class SqlOutput(Part, frozen=True, kw_only=True):
    """An output column of a SELECT that joins. *name* is "" where it has none; *columns* are those it is made of;
    *plain*: it is that one column as it is. *handles* are the optional aliases whose absence it provides for, except
    where it asks again what WHERE requires of them; *default* is the constant that it then is (``COALESCE(b.x, 0)``),
    or ""."""

    name: str
    columns: tuple[SqlColumn, ...] = ()
    plain: bool = False
    handles: tuple[str, ...] = ()
    default: str = ""
    place: Place


class SqlSelect(Fact, frozen=True, kw_only=True):
    """One SELECT of a statement: *query* is the identity of its `SqlQuery`; *name* that of the CTE, ``final`` for the
    statement's own result, with a number where there are several.

    Of one that joins: *outputs* are its columns (*star* where a ``*`` is among them), *mentioned* all columns that it
    names anywhere. Of one that does not: *passed* are the columns that it hands on as they are, as output and column.
    *gathers*: it may make fewer rows of those that it reads, other than by conditions (GROUP BY, an aggregate,
    DISTINCT, row numbers, a UNION without ALL). *columns*, in a file with templates: the names of all of its columns,
    ``*`` and ``alias.*`` for those of its sources, in lower case; None where a template or a condition of one may make
    others.
    """

    called: ClassVar[str] = "SELECT"

    query: str
    name: str
    sources: tuple[SqlSource, ...] = ()
    joins: tuple[SqlJoin, ...] = ()
    filters: tuple[SqlFilter, ...] = ()
    outputs: tuple[SqlOutput, ...] = ()
    star: bool = False
    mentioned: tuple[SqlColumn, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()
    gathers: bool = False
    columns: tuple[str, ...] | None = None

    @property
    def identity(self) -> str:
        return f"select:{self.query}#{self.name}"


class SqlQuery(Fact, frozen=True, kw_only=True):
    """A statement that reads or writes tables. *name* tells it from the others of its file; *scope* is the function of
    Python that it stands in, *api* the call that it is given to ("" in a file of SQL).

    *kind* is ``select``, ``insert``, ``create``, ``merge``, ``update`` or ``delete``; *reads* and *writes* are tables
    as written, CTEs left out. *complete*: no template and no f-string puts anything into it.
    """

    called: ClassVar[str] = "SQL statement"

    name: str
    kind: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    dialect: str = ""
    scope: str = ""
    api: str = ""
    complete: bool = True

    @property
    def identity(self) -> str:
        return f"query:{self.path}#{self.scope}:{self.name}"
