"""SQL text, with the Jinja templates that dbt, Airflow and others put into it.

A template is parsed by Jinja's own parser and never rendered. What stands in for it is SQL of the same lines: one
branch of each condition, the body of each loop once, and a name where a value would be. sqlglot then parses that.

sqlglot and Jinja are imported by the first file that needs them.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.model.expr import Entries, Expr, Items, Literal, Unknown
from pytest_mlbreaks.reading import Format, Source, Unreadable

MOST: Final = 200_000
"""Characters of one SQL text. Longer ones are data, or made by a program; parsing them would take seconds."""

DEEPEST: Final = 120
"""Parentheses within parentheses, and blocks within blocks. sqlglot calls itself for each."""

REF: Final = "dbt_ref"
SOURCE: Final = "dbt_source"
THIS: Final = "dbt_this"
"""The schema parts of names that stand in for ``ref()``, ``source()`` and ``this``."""

HOLE: Final = re.compile(r"jinja__\w*?__")
"""What stands in for a value that a template puts into the text."""

_QUERY: Final = re.compile(r"\b(?:select|insert|merge|create|update|delete|replace)\b", re.IGNORECASE)
_TEMPLATE: Final = re.compile(r"\{[{%#]")
_BIGQUERY: Final = re.compile(
    r"`|\bSAFE_(?:CAST|DIVIDE|OFFSET)\b|\bSTRUCT\s*<|#standardSQL|\bUNNEST\s*\(|\bARRAY_AGG\b"
)
_MACRO_QUERY: Final = re.compile(r"(\bas\s*\(\s*)(jinja__\w*?__)(\s*\))", re.IGNORECASE)
_ALONE: Final = re.compile(r"\s*jinja__\w*?__\s*;?\s*")
_LINE_ALONE: Final = re.compile(r"^[ \t]*jinja__\w*?__[ \t]*$", re.MULTILINE)
_NESTING: Final = re.compile(r"[()]")
_SILENT: Final = frozenset({"config", "log", "print", "return", "set_sql_header", "docs", "enable_logging"})
"""Calls that put nothing into the text."""


class TemplateCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call in a template (``ref('orders')``). *name* has its dots; *line* is 1-based; *macro* is the macro that it
    stands in, or ""; *conditional*: it stands below an ``if`` or a ``for``."""

    name: str
    line: int
    arguments: tuple[Expr, ...] = ()
    keywords: tuple[tuple[str, Expr], ...] = ()
    macro: str = ""
    conditional: bool = False

    def text(self, position: int) -> str | None:
        """The literal text at *position*, or None."""
        if position >= len(self.arguments):
            return None
        argument = self.arguments[position]
        return argument.value if isinstance(argument, Literal) and isinstance(argument.value, str) else None


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """What a template says. *text* is SQL that stands in for it, with the first branch of each condition; *blocks* are
    names of its macros, snapshots and tests by kind; *conditional* and *incremental* the lines (first, last) that stand
    below a condition, and those below ``is_incremental()``."""

    text: str
    calls: tuple[TemplateCall, ...] = ()
    blocks: tuple[tuple[str, str, int], ...] = ()
    conditional: tuple[tuple[int, int], ...] = ()
    incremental: tuple[tuple[int, int], ...] = ()
    body: Any = dataclasses.field(default=(), repr=False)

    @functools.cached_property
    def other(self) -> str:
        """SQL that stands in for it, with the last branch of each condition."""
        writer = _Writer(first=False)
        writer.write(self.body)
        return writer.result()


class SqlFile:
    """A file of SQL. *template* is None where it holds no template, or one that Jinja can't parse (then *diagnostics*
    say so)."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.diagnostics: list[Diagnostic] = []
        self.template: Template | None = None
        #: A tree for each statement; none where the text as a whole can't be parsed.
        self.statements: tuple[Any, ...] = ()
        if len(text) > MOST:
            self._note(1, f"SQL of more than {MOST:,} characters; not read")
            return
        try:
            self.template = understand(text) if _TEMPLATE.search(text) else None
        except TemplateProblem as problem:
            self._note(problem.line, problem.message)
            return
        self.statements, why = statements(self.plain, self.template)
        if why is not None:
            self._note(why.line, why.message)

    def _note(self, line: int, message: str) -> None:
        self.diagnostics.append(Diagnostic(Place(self.path, line), "note", message))

    @property
    def plain(self) -> str:
        """The SQL, without templates."""
        return self.template.text if self.template is not None else self.text

    def release(self) -> None:
        """Forget the trees, whose nodes know their parents."""
        self.statements = ()


class TemplateProblem(Exception):
    """A template that Jinja's parser refuses: *line*, and why in a few words."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Problem(msgspec.Struct, frozen=True):
    """Why SQL could not be parsed: the line within the text, and a sentence."""

    line: int
    message: str


# ------------------------------------------------------------------------------------------------------- SQL


def dialect(text: str) -> str | None:
    """The dialect that the text itself tells: BigQuery, or None for sqlglot's own, which takes most of all others."""
    return "bigquery" if _BIGQUERY.search(text) else None


def statements(
    text: str, template: Template | None = None, known: str | None = None
) -> tuple[tuple[Any, ...], Problem | None]:
    """The trees of the statements of *text*, by sqlglot, and why there are none.

    *template* is what *text* was written from: where it does not parse, its other branches may. *known* is the dialect,
    where a caller knows it. Text that holds no statement that reads or writes is not parsed.
    """
    if not _QUERY.search(text) or _ALONE.fullmatch(text):
        return (), None
    if _depth(text) > DEEPEST:
        return (), Problem(1, f"SQL is nested more than {DEEPEST} deep; not read")
    first = known or dialect(text)
    problem: Problem | None = None
    for candidate, name in _tries(text, template, first):
        trees, why = _parse(candidate, name)
        if why is None:
            return trees, None
        problem = problem or why
    return (), problem


def _tries(text: str, template: Template | None, first: str | None) -> Iterator[tuple[str, str | None]]:
    """What is parsed, one after the other, until one is SQL: text and dialect."""
    yield text, first
    lines = _LINE_ALONE.sub("", text) if template is not None else text
    if lines != text:
        yield lines, first
    yield text, _second(first)
    if template is not None and template.other != text:
        yield template.other, first


def _second(first: str | None) -> str | None:
    return "snowflake" if first is None else None


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _NESTING.finditer(text):
        depth += 1 if match[0] == "(" else -1
        deepest = max(deepest, depth)
    return deepest


def _parse(text: str, name: str | None) -> tuple[tuple[Any, ...], Problem | None]:
    import sqlglot

    logger = logging.getLogger("sqlglot")
    silent, logger.disabled = logger.disabled, True  # it tells of statements that it takes as they are
    try:
        return tuple(tree for tree in sqlglot.parse(text, read=name) if tree is not None), None
    except sqlglot.errors.ParseError as error:
        line = next((e["line"] for e in error.errors if e.get("line")), 1)
        return (), Problem(int(line), "SQL that can't be parsed; not read")
    except sqlglot.errors.SqlglotError:
        return (), Problem(1, "SQL that can't be parsed; not read")
    except RecursionError:
        return (), Problem(1, "SQL is nested too deeply; not read")
    except Exception:  # whatever a parser does with text that is no SQL at all
        return (), Problem(1, "SQL that can't be parsed; not read")
    finally:
        logger.disabled = silent


# ------------------------------------------------------------------------------------------------- templates


@functools.cache
def _environment() -> Any:
    """Jinja with the blocks that dbt adds; used to parse, never to render."""
    import jinja2
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Blocks(Extension):
        """``{% snapshot NAME %} ... {% endsnapshot %}`` and its like, as blocks of their name."""

        tags = {"snapshot", "materialization", "test", "data_test"}  # noqa: RUF012 (an attribute of Jinja's)

        def parse(self, parser: Any) -> Any:
            kind = next(parser.stream)
            words = []
            while parser.stream.current.type != "block_end":
                words.append(str(next(parser.stream).value))
            body = parser.parse_statements((f"name:end{kind.value}",), drop_needle=True)
            name = f"{kind.value} {words[0] if words else ''}"
            return nodes.Block(name, body, False, False, lineno=kind.lineno)

    return jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", Blocks], autoescape=False)


def understand(text: str) -> Template:
    """What the template *text* says. Raises TemplateProblem where Jinja can't parse it."""
    import jinja2

    try:
        tree = _environment().parse(text)
        writer = _Writer(first=True)
        writer.write(tree.body)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateProblem(error.lineno, "a template that Jinja can't parse; not read") from error
    except RecursionError as error:
        raise TemplateProblem(1, "a template that is nested too deeply; not read") from error
    calls: list[TemplateCall] = []
    blocks: list[tuple[str, str, int]] = []
    _collect(tree, calls, blocks)
    return Template(
        text=writer.result(),
        calls=tuple(calls),
        blocks=tuple(blocks),
        conditional=tuple(writer.conditional),
        incremental=tuple(writer.incremental),
        body=tree.body,
    )


class _Writer:
    """Writes the SQL that stands in for a template, line for line."""

    def __init__(self, *, first: bool) -> None:
        self._first = first
        self._parts: list[str] = []
        self._line = 1
        self.conditional: list[tuple[int, int]] = []
        self.incremental: list[tuple[int, int]] = []

    def result(self) -> str:
        """The SQL."""
        return _MACRO_QUERY.sub(r"\1 select * from \2\3", "".join(self._parts))

    def write(self, body: list[Any]) -> None:
        """Add the nodes of *body*."""
        for node in body:
            kind = type(node).__name__
            if kind == "Output":
                for part in node.nodes:
                    text = part.data if type(part).__name__ == "TemplateData" else stand_in(part)
                    self._add(text, part.lineno)
            elif kind == "If":
                self._condition(node)
            elif kind == "Block":
                if not str(node.name).startswith("materialization"):
                    self.write(node.body)
            elif kind in ("For", "With", "Scope", "FilterBlock"):
                self.write(node.body)

    def _add(self, text: str, line: int) -> None:
        if line > self._line:
            self._parts.append("\n" * (line - self._line))
            self._line = line
        self._parts.append(text)
        self._line += text.count("\n")

    def _condition(self, node: Any) -> None:
        start = node.lineno
        self.write(self._branch(node))
        into = self.incremental if _called(node.test) == "is_incremental" else self.conditional
        into.append((start, self._line))

    def _branch(self, node: Any) -> list[Any]:
        """One of the branches: a loop is written once, as its last round; what only a development target gets is not
        written."""
        if _called(node.test) == "is_incremental":
            return list(node.body)
        negated = type(node.test).__name__ == "Not"
        test = node.test.node if negated else node.test
        about = _dotted(test)
        if about in ("loop.last", "loop.first"):
            return list(node.else_ if negated else node.body)
        branches = [node.body, *(branch.body for branch in node.elif_), node.else_]
        told = [branch for branch in branches if branch]
        if _mentions(node.test, "target"):
            return list(node.else_)
        return list((told[0] if self._first else node.else_) if told else [])


def stand_in(node: Any) -> str:
    """What is written for a value: a name of which SQL can be made."""
    kind = type(node).__name__
    if kind == "Const":
        return str(node.value)
    if kind == "Call":
        return _call_text(node)
    if kind == "Filter" and node.node is not None:
        return stand_in(node.node)
    name = _dotted(node)
    if name == "this":
        return f"{THIS}.this"
    return _hole(name)


def _hole(name: str) -> str:
    return f"jinja__{re.sub(r'[^A-Za-z0-9]', '', name)}__"


def _call_text(node: Any) -> str:
    name = _dotted(node.node)
    last = name.rpartition(".")[2]
    texts = [_constant(argument) for argument in node.args]
    names = [re.sub(r"\W", "_", t.value) if isinstance(t, Literal) and isinstance(t.value, str) else "" for t in texts]
    if name in ("ref", "builtins.ref") and names and all(names):
        return f"{REF}.{names[-1]}"
    if name in ("source", "builtins.source") and len(names) == 2 and all(names):
        return f"{SOURCE}__{names[0]}.{names[1]}"
    if last in _SILENT:
        return ""
    if last == "star":
        return "*"
    if last == "group_by" and texts and isinstance(texts[0], Literal) and isinstance(texts[0].value, int):
        return "group by " + ", ".join(str(n + 1) for n in range(min(texts[0].value, 200)))
    return _hole(last)


def _dotted(node: Any) -> str:
    """``a.b.c`` of a name or attribute, "" for everything else."""
    parts: list[str] = []
    while type(node).__name__ == "Getattr":
        parts.append(node.attr)
        node = node.node
    if type(node).__name__ != "Name":
        return ""
    return ".".join([node.name, *reversed(parts)])


def _called(node: Any) -> str:
    return _dotted(node.node) if type(node).__name__ == "Call" else ""


def _mentions(node: Any, name: str) -> bool:
    from jinja2 import nodes

    return any(found.name == name for found in (*node.find_all(nodes.Name), node) if isinstance(found, nodes.Name))


def _constant(node: Any, depth: int = 0) -> Expr:
    """A constant of a template as an expression; everything else is not known."""
    kind = type(node).__name__
    if kind == "Const" and (node.value is None or isinstance(node.value, str | int | float | bool)):
        return Literal(node.value)
    if depth < 8 and kind in ("List", "Tuple"):
        return Items(tuple(_constant(item, depth + 1) for item in node.items))
    if depth < 8 and kind == "Dict":
        pairs = [(_constant(pair.key), _constant(pair.value, depth + 1)) for pair in node.items]
        told = [(k.value, v) for k, v in pairs if isinstance(k, Literal) and isinstance(k.value, str)]
        return Entries(tuple(told), partial=len(told) < len(pairs))
    return Unknown("computed by a template")


def _collect(tree: Any, calls: list[TemplateCall], blocks: list[tuple[str, str, int]]) -> None:
    """All calls of a template, and the macros and blocks that it defines, in its order."""
    stack: list[tuple[Any, str, bool]] = [(tree, "", False)]
    while stack:
        node, macro, conditional = stack.pop()
        kind = type(node).__name__
        if kind == "TemplateData" or kind == "Const":
            continue
        if kind == "Call" and (name := _dotted(node.node)):
            calls.append(
                TemplateCall(
                    name=name,
                    line=node.lineno,
                    arguments=tuple(_constant(argument) for argument in node.args),
                    keywords=tuple((k.key, _constant(k.value)) for k in node.kwargs),
                    macro=macro,
                    conditional=conditional,
                )
            )
        elif kind == "Macro":
            macro = node.name
            blocks.append(("macro", node.name, node.lineno))
        elif kind == "Block":
            what, _, named = node.name.partition(" ")
            blocks.append((what, named, node.lineno))
        below = conditional or kind in ("If", "For", "CondExpr")
        stack.extend((child, macro, below) for child in reversed(list(node.iter_child_nodes())))


def _read(source: Source) -> SqlFile:
    text = source.text()
    if "\0" in text:
        raise Unreadable(Place(source.path), "contains null bytes: not text")
    return SqlFile(source.path, text)


SQL: Format[SqlFile] = Format("sql", _read, SqlFile.release)
