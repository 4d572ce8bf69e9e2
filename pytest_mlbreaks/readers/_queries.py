"""What a statement of SQL says, from the tree that sqlglot made of it: for the readers of files and of strings."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any
from typing import Literal as L

from pytest_mlbreaks.formats.sql import HOLE, REF, SOURCE, THIS, Template
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import (
    SqlColumn,
    SqlCondition,
    SqlFilter,
    SqlJoin,
    SqlOutput,
    SqlQuery,
    SqlSelect,
    SqlSource,
)

LONGEST = 160
"""Characters of a condition's text. It is shown to people."""

Truth = frozenset[str]
"""What a condition can come to where an optional side has no partner: of ``true``, ``false``, ``null``."""

_NULL: Truth = frozenset({"null"})
_TRUE: Truth = frozenset({"true"})
_FALSE: Truth = frozenset({"false"})
_ANY: Truth = frozenset({"true", "false", "null"})
_NOT = {"true": "false", "false": "true", "null": "null"}


@dataclasses.dataclass(frozen=True)
class Text:
    """Where a statement stands: *place* makes a place of a line of its text. *name* tells it from its neighbours."""

    place: Callable[[int], Place]
    name: str
    dialect: str = ""
    scope: str = ""
    api: str = ""
    template: Template | None = None
    complete: bool = True


def facts(tree: Any, text: Text) -> list[Fact | Diagnostic]:
    """The `SqlQuery` of a statement and the `SqlSelect` of each SELECT in it; nothing for what touches no table, and a
    note where it is nested too deeply to be looked through."""
    try:
        return list(_facts(tree, text))
    except RecursionError:
        return [Diagnostic(text.place(_line(tree)), "note", "SQL is nested too deeply; not read")]


def _facts(tree: Any, text: Text) -> Iterator[Fact]:

    kind = _KINDS.get(type(tree).__name__.lower())
    if kind is None:
        return
    if kind == "create" and str(tree.args.get("kind", "")).upper() not in ("TABLE", "VIEW", "MATERIALIZED VIEW"):
        return
    parts = _Parts(tree)
    names = dict(_named(parts.selects))
    ctes = {str(cte.alias).lower() for cte in parts.ctes if cte.alias}
    first = min((*(_line(cte) for cte in parts.ctes), _line(tree)))
    query = SqlQuery(
        place=text.place(first),
        name=text.name,
        kind=kind,
        reads=tuple(dict.fromkeys(_read(tree, parts.tables, ctes))),
        writes=tuple(_written(tree)),
        dialect=text.dialect,
        scope=text.scope,
        api=text.api,
        complete=text.complete,
    )
    yield query
    froms = (_argument(select, "from") for select in parts.selects if text.template is not None)
    starts = [_line(start) for start in froms if start is not None]
    for select in parts.selects:
        yield _Select(select, names, ctes, text, starts).fact(query.identity)


_KINDS = {
    "select": "select",
    "union": "select",
    "intersect": "select",
    "except": "select",
    "subquery": "select",
    "insert": "insert",
    "create": "create",
    "merge": "merge",
    "update": "update",
    "delete": "delete",
}


# --------------------------------------------------------------------------------------------------- statements


class _Parts:
    """The SELECTs, CTEs and tables of a statement, in the order of its text, found in one walk."""

    def __init__(self, tree: Any) -> None:
        from sqlglot import exp

        self.selects: list[Any] = []
        self.ctes: list[Any] = []
        self.tables: list[Any] = []
        into = {exp.Select: self.selects, exp.CTE: self.ctes, exp.Table: self.tables}
        stack = [tree]
        while stack:
            node = stack.pop()
            if node.__class__ in into:
                into[node.__class__].append(node)
            stack.extend(_children(node))


def _children(node: Any) -> list[Any]:
    """The nodes right below *node*, the last one first; columns and literals have none that matter."""
    if node.__class__.__name__ in _LEAVES:
        return []
    found: list[Any] = []
    for value in node.args.values():
        if value.__class__ is list:
            found += [inner for inner in value if hasattr(inner, "args")]
        elif hasattr(value, "args"):
            found.append(value)
    found.reverse()
    return found


_LEAVES = frozenset({"Column", "Literal", "Identifier", "Null", "Boolean", "DataType", "Star"})


def _line(node: Any, default: int = 1) -> int:
    """The line of the first name in a node; sqlglot keeps no other positions."""
    stack = [node]
    while stack:
        top = stack.pop()
        if top.__class__.__name__ == "Column":
            top = top.parts[0]
        line = top.meta.get("line") if top._meta else None
        if line is not None:
            return int(line)
        stack.extend(_children(top))
    return default


def _named(selects: list[Any]) -> Iterator[tuple[int, str]]:
    """The name of each SELECT, by its id: its CTE's, its subquery's alias, or ``final``; a number where there are
    several."""
    seen: dict[str, int] = {}
    for select in selects:
        name = _own_name(select)
        seen[name] = seen.get(name, 0) + 1
        yield id(select), name if seen[name] == 1 else f"{name} {seen[name]}"


def _own_name(select: Any) -> str:
    node = select.parent
    while node is not None and type(node).__name__ in ("Union", "Intersect", "Except", "Subquery", "Paren"):
        if type(node).__name__ == "Subquery" and node.alias:
            return str(node.alias).lower()
        node = node.parent
    if type(node).__name__ == "CTE" and node.alias:
        return str(node.alias).lower()
    if node is None or type(node).__name__ in ("Insert", "Create", "Schema"):
        return "final"
    return "subquery"


def table_name(table: Any) -> str:
    """The qualified name of a table as written, without quotes; "" for functions."""
    parts = [str(part.name) for part in table.parts if part.name]
    return ".".join(parts) if parts and type(table.this).__name__ == "Identifier" else ""


def _written(tree: Any) -> Iterator[str]:
    from sqlglot import exp

    if type(tree).__name__ in ("Insert", "Create", "Merge", "Update"):
        target = tree.this
        if isinstance(target, exp.Schema):
            target = target.this
        if isinstance(target, exp.Table) and (name := table_name(target)):
            yield name


def _read(tree: Any, tables: list[Any], ctes: set[str]) -> Iterator[str]:
    from sqlglot import exp

    target = tree.this if type(tree).__name__ in ("Insert", "Create", "Merge", "Update", "Delete") else None
    if isinstance(target, exp.Schema):
        target = target.this
    for table in tables:
        name = table_name(table)
        if table is target or not name or (name.lower() in ctes and "." not in name):
            continue
        if isinstance(table.parent, exp.Schema | exp.Column):
            continue
        yield name


# ------------------------------------------------------------------------------------------------------ a SELECT


class _Select:
    """What one SELECT says."""

    def __init__(self, select: Any, names: dict[int, str], ctes: set[str], text: Text, starts: list[int]) -> None:
        """*starts*: the lines on which the SELECTs of the statement name what they read from."""
        self._select = select
        self._starts = starts
        self._names = names
        self._ctes = ctes
        self._text = text
        self._sources: list[SqlSource] = []
        self._aliases: frozenset[str] = frozenset()
        self._tables: dict[str, list[str]] = {}

    def fact(self, query: str) -> SqlSelect:
        """The fact; *query* is the identity of the statement."""
        select = self._select
        joins = list(select.args.get("joins") or ())
        start = _argument(select, "from")
        self._sources = [self._source(node) for node in ([start.this] if start is not None else [])]
        for join in joins:
            self._sources.append(self._source(join.this))
        for lateral in select.args.get("laterals") or ():
            self._sources.append(self._source(lateral))
        self._aliases = frozenset(source.alias for source in self._sources if source.alias)
        self._tables = {s.alias: s.table.lower().split(".") for s in self._sources if s.table}
        made = list(self._joins(joins))
        optional = frozenset(alias for join in made for alias in join.optional if alias)
        outputs = tuple(self._outputs(optional)) if made else ()
        named = [column for output in outputs for column in output.columns]
        return SqlSelect(
            place=self._place(select),
            query=query,
            name=self._names[id(select)],
            sources=tuple(self._sources),
            joins=tuple(made),
            filters=tuple(self._filters(optional)),
            outputs=outputs,
            mentioned=tuple(dict.fromkeys((*named, *self._mentioned()))) if made else (),
            passed=() if made else tuple(self._passed()),
            star=any(column.is_star for column in select.expressions),
            gathers=self._gathers(),
            columns=self._all_columns() if self._text.template is not None else None,
        )

    def _all_columns(self) -> tuple[str, ...] | None:
        """The names of all output columns, as `SqlSelect.columns` has them; None where they can't be told."""
        from sqlglot import exp

        select = self._select
        if select.args.get("kind") is not None or self._is_conditional():
            return None
        found: list[str] = []
        for output in select.expressions:
            if output.is_star:
                star = output.this if isinstance(output, exp.Column) else output
                if any(star.args.values()) or (star is not output and str(output.table).lower() not in self._aliases):
                    return None  # EXCEPT, REPLACE; the fields of a column
                found.append("*" if star is output else f"{output.table}.*".lower())
                continue
            name = str(output.alias_or_name).lower()
            if not isinstance(output, exp.Column | exp.Alias) or not name or HOLE.search(name):
                return None  # each database has its own name for what is given none
            found.append(name)
        return tuple(found) or None

    def _is_conditional(self) -> bool:
        """Whether a condition of a template may stand anywhere from before its first column to what it reads from."""
        template, start = self._text.template, _argument(self._select, "from")
        if template is None or start is None or any(source.args.get("pivots") for source in own(start)):
            return True
        lines = [_line(output, 0) for output in self._select.expressions]
        first, last = min(lines), max(*lines, _line(start))
        before = max((line for line in self._starts if line < first), default=0)
        return any(a <= last and b >= before for a, b in template.conditional) or any(
            a <= last and b >= first for a, b in template.incremental
        )

    def _place(self, node: Any) -> Place:
        return self._text.place(_line(node))

    def _say(self, node: Any) -> str:
        from sqlglot import exp

        # sqlglot may rewrite a query while it writes it; a mere condition need not be copied for that
        copied = any(isinstance(inner, exp.Query) for inner in own(node))
        said = str(node.sql(dialect=self._text.dialect or None, comments=False, copy=copied))
        said = HOLE.sub("{{ ... }}", _DBT_NAMES.sub(_as_written, said))
        return said if len(said) <= LONGEST else f"{said[: LONGEST - 4]} ..."

    def _gathers(self) -> bool:
        """Whether it may make fewer rows of those that it reads: it groups, aggregates, numbers them, is DISTINCT, or
        stands in a UNION that is."""
        from sqlglot import exp

        if _united_once(self._select):
            return True
        arguments = self._select.args
        if any(arguments.get(name) is not None for name in ("group", "distinct", "qualify")):
            return True
        for column in self._select.expressions:
            for found in own(column):
                if isinstance(found, exp.RowNumber) or type(found).__name__ in ("Rank", "DenseRank"):
                    return True  # older releases of sqlglot have no class for the two
                if isinstance(found, exp.AggFunc) and not isinstance(found.parent, exp.Window):
                    return True
        return False

    def _source(self, node: Any) -> SqlSource:
        from sqlglot import exp

        alias = str(node.alias_or_name or "").lower()
        place = self._place(node)
        if isinstance(node, exp.Table) and (name := table_name(node)):
            if "." not in name and name.lower() in self._ctes:
                return SqlSource(alias=alias, kind="query", query=name.lower(), place=place)
            return SqlSource(alias=alias, kind="table", table=name, place=place)
        if isinstance(node, exp.Subquery):
            inner = node.unnest()
            return SqlSource(alias=alias, kind="query", query=self._names.get(id(inner), ""), place=place)
        return SqlSource(alias=alias, kind="other", place=place)

    def _joins(self, joins: list[Any]) -> Iterator[SqlJoin]:
        before = [source.alias for source in self._sources[:1]]
        for join, source in zip(joins, self._sources[1:], strict=False):
            kind = _kind(join)
            optional: tuple[str, ...] = ()
            if kind in ("left", "asof"):
                optional = (source.alias,) if join.side.upper() == "LEFT" else ()
            elif kind == "right":
                optional = tuple(before)
            elif kind == "full":
                optional = (*before, source.alias)
            on = join.args.get("on")
            line = _line(join.this)
            yield SqlJoin(
                kind=kind,
                source=source.alias,
                optional=optional,
                conditions=tuple(self._condition(c) for c in conjuncts(on)) if on is not None else (),
                using=tuple(str(column.name).lower() for column in join.args.get("using") or ()),
                lateral=source.kind == "other",
                conditional=self._within("conditional", line),
                place=self._text.place(line),
            )
            before.append(source.alias)

    def _condition(self, node: Any) -> SqlCondition:
        from sqlglot import exp

        left = right = None
        left_cast = right_cast = ""
        if isinstance(node, exp.EQ):
            left, left_cast = self._plain(node.this)
            right, right_cast = self._plain(node.expression)
        sources = dict.fromkeys(column.source for column in self._columns(node))
        return SqlCondition(
            text=self._say(node),
            sources=tuple(sources),
            left=left if left and right else None,
            right=right if left and right else None,
            left_cast=left_cast,
            right_cast=right_cast,
        )

    def _plain(self, node: Any) -> tuple[SqlColumn | None, str]:
        """A column, and the type that it is cast to."""
        from sqlglot import exp

        cast = ""
        node = node.unnest()
        if isinstance(node, exp.Cast):
            cast = str(node.to.sql()).lower()
            node = node.this.unnest()
        return (self.column(node), cast) if isinstance(node, exp.Column) else (None, "")

    def _columns(self, node: Any) -> Iterator[SqlColumn]:
        """The columns in *node*, those in queries within it too: these may belong to either."""
        from sqlglot import exp

        inner = False
        for found in own(node):
            if isinstance(found, exp.Column):
                yield self.column(found)
            inner = inner or isinstance(found, exp.Query)
        if inner:
            yield SqlColumn(name="")

    def column(self, node: Any) -> SqlColumn:
        """A column with the alias that it belongs to: its first part, or the qualified name of a table. What else has
        dots may be a field of a column."""
        parts = [str(part.name).lower() for part in node.parts]
        if len(parts) > 1 and parts[0] in self._aliases:
            return SqlColumn(name=".".join(parts[1:]), source=parts[0])
        for number, part in enumerate(parts[1:-1], 1):  # a table by its qualified name: dw.users.id
            if self._tables.get(part) == parts[: number + 1]:
                return SqlColumn(name=".".join(parts[number + 1 :]), source=part)
        alone = next(iter(self._aliases), "") if len(self._sources) == 1 else ""
        return SqlColumn(name=".".join(parts), source=alone)

    def _mentioned(self) -> Iterator[SqlColumn]:
        """All columns that the SELECT names outside of its outputs, those of its CTEs left out."""
        from sqlglot import exp

        outputs = {id(output) for output in self._select.expressions}
        for part in _children(self._select):
            if not isinstance(part, exp.With) and id(part) not in outputs:
                yield from self._columns(part)

    def _filters(self, optional: frozenset[str]) -> Iterator[SqlFilter]:
        clauses: tuple[L["where", "having", "qualify"], ...] = ("where", "having", "qualify")
        for clause in clauses:
            holder = self._select.args.get(clause)
            if holder is None:
                continue
            for node in conjuncts(holder.this):
                columns = tuple(self._columns(node))
                named = dict.fromkeys(c.source for c in columns if c.source in optional)
                rejects = tuple(a for a in named if self._rejects(node, a)) if clause == "where" else ()
                line = _line(node, 0)
                place = self._text.place(line) if line else self._place(holder)
                yield SqlFilter(
                    clause=clause,
                    text=self._say(node),
                    rejects=rejects,
                    handles=tuple(self._handled(node, optional, output=False)),
                    asks=_asks(node),
                    pins=self._pins(node),
                    unowned=any(not c.source and c.name for c in columns),
                    conditional=self._within("conditional", line),
                    incremental=self._within("incremental", line),
                    place=place,
                )

    def _within(self, what: L["conditional", "incremental"], line: int) -> bool:
        template = self._text.template
        return template is not None and any(first <= line <= last for first, last in getattr(template, what))

    def _rejects(self, node: Any, alias: str) -> bool:
        return "true" not in self._truth(node, alias)

    def _truth(self, node: Any, alias: str) -> Truth:
        """What a condition comes to where all columns of *alias* are NULL. Whatever is not known may be anything."""
        from sqlglot import exp

        match node:
            case exp.Paren():
                return self._truth(node.this, alias)
            case exp.Column():
                return _NULL if self.column(node).source == alias else _ANY
            case exp.Null():
                return _NULL
            case exp.Boolean():
                return _TRUE if node.this else _FALSE
            case exp.Not():
                return _inverted(self._truth(node.this, alias))
            case exp.And():
                return functools.reduce(_both, (self._truth(part, alias) for part in _joined(node)))
            case exp.Or():
                return _inverted(functools.reduce(_both, (_inverted(self._truth(p, alias)) for p in _joined(node))))
            case exp.Is():
                return self._is(node, alias)
            case exp.NullSafeEQ() | exp.NullSafeNEQ():
                return _ANY
            case exp.In():
                if node.args.get("unnest") is not None:
                    return _ANY
                return _NULL if self._truth(node.this, alias) == _NULL else _ANY
            case exp.Between():
                return _NULL if self._truth(node.this, alias) == _NULL else _ANY
            case exp.Coalesce():
                values = [node.this, *node.expressions]
                return _NULL if all(self._truth(v, alias) == _NULL for v in values) else _ANY
            case exp.Predicate() | exp.Binary():
                if not isinstance(node, _strict()):
                    return _ANY
                sides = (node.this, node.expression)
                return _NULL if any(self._truth(side, alias) == _NULL for side in sides if side is not None) else _ANY
            case _ if isinstance(node, _strict()):
                return _NULL if self._truth(node.this, alias) == _NULL else _ANY
        return _ANY

    def _is(self, node: Any, alias: str) -> Truth:
        from sqlglot import exp

        if self._truth(node.this, alias) != _NULL:
            return _ANY
        if isinstance(node.expression, exp.Null):
            return _TRUE
        return _FALSE if isinstance(node.expression, exp.Boolean) else _ANY

    def _pins(self, node: Any) -> SqlColumn | None:
        """The column that a condition sets equal to something without columns."""
        from sqlglot import exp

        if not isinstance(node, exp.EQ):
            return None
        for side, other in ((node.this, node.expression), (node.expression, node.this)):
            columns = list(self._columns(side))
            if len(columns) == 1 and columns[0].source and not list(self._columns(other)):
                return columns[0]
        return None

    def _handled(self, node: Any, optional: frozenset[str], *, output: bool) -> Iterator[str]:
        """The optional aliases whose absence *node* provides for: something stands for their NULL, or NULL is asked
        for. An *output* also provides for it where it asks for the opposite (``b.x IS NOT NULL AS found``)."""
        from sqlglot import exp

        if not optional:
            return
        found: dict[str, None] = {}
        for inner in own(node):
            if isinstance(inner, exp.Coalesce):
                values = [inner.this, *inner.expressions]
                last = {c.source for c in self._columns(values[-1])}
                asked = [value for value in values[:-1] if not last or {c.source for c in self._columns(value)} - last]
            elif _is_null(inner) and (output or not _negated(inner)):
                asked = [inner.this]
            else:
                continue
            for part in asked:
                found |= dict.fromkeys(c.source for c in self._columns(part) if c.source in optional)
        yield from found

    def _outputs(self, optional: frozenset[str]) -> Iterator[SqlOutput]:
        from sqlglot import exp

        required = self._required(optional)
        for output in self._select.expressions:
            node = output.unalias()
            handled = tuple(self._handled(node, optional, output=True))
            if handled and required:
                again = [required.get(_comparable(inner), frozenset()) for inner in own(node) if _is_whole(inner)]
                handled = tuple(alias for alias in handled if not any(alias in aliases for aliases in again))
            yield SqlOutput(
                name=output.alias_or_name.lower(),
                columns=tuple(dict.fromkeys(self._columns(node))),
                plain=isinstance(node, exp.Column),
                handles=handled,
                default=self._default(node),
                place=self._place(output),
            )

    def _required(self, optional: frozenset[str]) -> dict[str, frozenset[str]]:
        """The conditions of WHERE that no row without some of the optional aliases meets, each with these aliases."""
        holder = self._select.args.get("where")
        if holder is None or not optional:
            return {}
        found: dict[str, frozenset[str]] = {}
        for node in conjuncts(holder.this):
            named = {c.source for c in self._columns(node)} & optional
            rejected = frozenset(alias for alias in named if self._rejects(node, alias))
            if rejected:
                found[_comparable(node)] = rejected
        return found

    def _passed(self) -> Iterator[tuple[str, str]]:
        from sqlglot import exp

        for output in self._select.expressions:
            node = output.unalias()
            if isinstance(node, exp.Column) and not node.is_star and not self._may_be_text(node):
                yield output.alias_or_name.lower(), self.column(node).name

    def _may_be_text(self, column: Any) -> bool:
        """Whether it is ``"x"`` alone: a column in most dialects, and text in BigQuery, Spark and MySQL."""
        return bool(not self._text.dialect and len(column.parts) == 1 and column.this.args.get("quoted"))

    def _default(self, node: Any) -> str:
        """The constant that stands for NULL in an output, or ""."""
        from sqlglot import exp

        while isinstance(node, exp.Cast | exp.Paren):
            node = node.this
        constant: Any = None
        if isinstance(node, exp.Coalesce) and node.expressions:
            constant = node.expressions[-1]
        elif isinstance(node, exp.Case | exp.If):
            constant = _otherwise(node)
        elif _is_null(node) or (isinstance(node, exp.Not) and _is_null(node.this.unnest())):
            constant = exp.Boolean(this=_is_null(node))
        return self._say(constant) if isinstance(constant, exp.Literal | exp.Boolean) else ""


def _united_once(select: Any) -> bool:
    """Whether *select* is part of a UNION, INTERSECT or EXCEPT without ALL, which drops rows that repeat."""
    node = select.parent
    while type(node).__name__ in ("Union", "Intersect", "Except", "Subquery", "Paren"):
        if type(node).__name__ not in ("Subquery", "Paren") and node.args.get("distinct"):
            return True
        if type(node).__name__ == "Subquery" and node.alias:
            return False
        node = node.parent
    return False


def own(node: Any) -> Iterator[Any]:
    """The nodes below *node* and itself, not those within a query in it."""
    from sqlglot import exp

    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        if not isinstance(top, exp.Query):
            stack.extend(_children(top))


def conjuncts(node: Any) -> Iterator[Any]:
    """What AND joins, in order."""
    from sqlglot import exp

    stack = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, exp.And):
            stack.extend((top.expression, top.this))
        elif isinstance(top, exp.Paren) and isinstance(top.this, exp.And | exp.Paren):
            stack.append(top.this)
        else:
            yield top


def _is_whole(node: Any) -> bool:
    """Whether *node* is a condition, or all of what one chain of AND or OR joins."""
    from sqlglot import exp

    return isinstance(node, exp.Predicate) or (isinstance(node, exp.Connector) and type(node.parent) is not type(node))


def _comparable(node: Any) -> str:
    """A condition as text that is the same for the same condition; ``x IN (1)`` is ``x = 1``."""
    from sqlglot import exp

    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.In) and len(node.expressions) == 1 and node.args.get("query") is None:
        node = exp.EQ(this=node.this.copy(), expression=node.expressions[0].copy())
    return str(node.sql(comments=False)).lower()


def _joined(node: Any) -> Iterator[Any]:
    """What one chain of AND, or of OR, joins: there may be thousands, one below the other."""
    stack = [node]
    while stack:
        top = stack.pop()
        if type(top) is type(node):
            stack.extend((top.expression, top.this))
        else:
            yield top


def _inverted(truth: Truth) -> Truth:
    """NOT of SQL's three values, for all that a side can be."""
    return frozenset(_NOT[t] for t in truth)


def _both(a: Truth, b: Truth) -> Truth:
    """AND of SQL's three values, for all that two sides can be."""
    return frozenset(_and(x, y) for x in a for y in b)


def _and(x: str, y: str) -> str:
    if "false" in (x, y):
        return "false"
    return "null" if "null" in (x, y) else "true"


def _asks(node: Any) -> bool:
    """``x IS NOT NULL``."""
    from sqlglot import exp

    inner = node.this if isinstance(node, exp.Not) else None
    while isinstance(inner, exp.Paren):
        inner = inner.this
    return isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null)


def _as_written(match: re.Match[str]) -> str:
    """A name that stands in for a template, as the template."""
    if match[1] == THIS:
        return "{{ this }}"
    return f"{{{{ ref('{match[3]}') }}}}" if match[1] == REF else f"{{{{ source('{match[2]}', '{match[3]}') }}}}"


_DBT_NAMES = re.compile(rf"({THIS}|{REF}|{SOURCE}__(\w+))\.(\w+)")


def _is_null(node: Any) -> bool:
    """``x IS NULL``."""
    return type(node).__name__ == "Is" and type(node.expression).__name__ == "Null"


def _otherwise(node: Any) -> Any:
    """What a CASE or IF with one question, whether something is NULL, comes to where it is; None for others."""
    branches = node.args.get("ifs") or [node]
    condition = branches[0].this.unnest()
    if len(branches) != 1 or (type(node).__name__ == "Case" and node.this is not None):
        return None
    if _is_null(condition):
        return branches[0].args.get("true")
    if type(condition).__name__ == "Not" and _is_null(condition.this.unnest()):
        return node.args.get("default") or node.args.get("false")
    return None


def _negated(node: Any) -> bool:
    parent = node.parent
    while type(parent).__name__ == "Paren":
        parent = parent.parent
    return type(parent).__name__ == "Not"


def _kind(join: Any) -> Any:
    method, side, kind = join.method.upper(), join.side.upper(), join.kind.upper()
    if method in ("NATURAL", "ASOF"):
        return method.lower()
    if kind in ("SEMI", "ANTI", "CROSS"):
        return kind.lower()
    if side in ("LEFT", "RIGHT", "FULL"):
        return side.lower()
    if not kind and not join.args.get("on") and not join.args.get("using"):
        return "cross"
    return "inner"


def _argument(node: Any, name: str) -> Any:
    """An argument whose name is a keyword of Python: sqlglot has written them with and without ``_``."""
    return node.args.get(f"{name}_") or node.args.get(name)


@functools.cache
def _strict() -> tuple[type[Any], ...]:
    """Operators and functions that are NULL where what they are given first is NULL."""
    from sqlglot import exp

    names = (
        *("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Like", "ILike", "RegexpLike", "Add", "Sub", "Mul", "Div", "Mod"),
        *("Cast", "TryCast", "Neg", "Lower", "Upper", "Trim", "Date", "TsOrDsToDate", "DateTrunc", "TimestampTrunc"),
        *("Extract", "Substring", "Length", "Year", "Month", "Day", "Abs", "Round"),
    )
    return tuple(getattr(exp, name) for name in names if hasattr(exp, name))
