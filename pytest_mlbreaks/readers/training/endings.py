"""Functions and scripts that end as if all was well where their work fails."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk, within
from pytest_mlbreaks.model.facts import EndsWell
from pytest_mlbreaks.readers.training.nodes import around, shown

_ALL: Final = frozenset({"builtins.Exception", "builtins.BaseException"})
_REPORTS: Final = frozenset(
    {
        *("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print_exc"),
        *("format_exc", "pprint", "rule", "echo", "secho", "write", "flush", "getLogger", "get_run_logger"),
        *("str", "repr", "type", "format", "len", "round", "time", "now", "utcnow", "join"),
    }
)
"""What only tells a person of it, by the last part of its name."""
_LOUD: Final = frozenset({"error", "exception", "critical", "print", "print_exc", "echo", "secho", "write", "log"})
"""What tells of a failure; who logs a warning, or nothing, means to go on without it."""
_MEANT: Final = re.compile(r"non[- ]?(?:blocking|fatal|critical)|continu|skip|ignor|optional|anyway|manual", re.I)
_WARNING: Final = re.compile(r"warn|⚠", re.I)
_TIDIES: Final = frozenset({"rollback", "close", "stop", "disconnect", "dispose", "end_run", "cleanup", "shutdown"})
_STOPS: Final = frozenset({"exit", "_exit", "abort", "fail", "kill", "SystemExit"})
_STARTERS: Final = frozenset({"run", "run_until_complete"})
"""``asyncio.run(main())``: what it is given is what is run."""
_ENDS_PROCESS: Final = frozenset({"exit", "SystemExit"})
_ORCHESTRATED: Final = (b"__main__", b"airflow", b"prefect")

_FRAMES: Final = frozenset(
    {"csv", "parquet", "json", "orc", "table", "jdbc", "load", "save", "saveAsTable", "insertInto"}
)
"""What ends a chain of Spark that reads (``spark.read.option(...).csv``) or writes."""
_READS: Final = frozenset(
    {
        *("read_csv", "read_parquet", "read_sql", "read_sql_query", "read_sql_table", "read_json", "read_excel"),
        *("read_table", "read_feather", "read_pickle", "read_gbq", "read_orc", "scan_parquet", "scan_csv"),
    }
)
_WRITES: Final = frozenset(
    {
        *("to_csv", "to_parquet", "to_sql", "to_json", "to_excel", "to_feather", "to_pickle", "to_gbq", "to_orc"),
        *("write_parquet", "write_csv", "write_database", "log_model", "dump"),
    }
)
SHARE: Final = 0.6
"""The part of a function's statements that a ``try`` holds where it holds what the function is there for. An optional
last step, which may well fail unseen, is far below."""
MOST_READ: Final = 6
"""Statements of a ``try`` that only gets what the rest of the function works on."""


def endings(file: PythonFile) -> Iterator[EndsWell]:
    """The functions of a script, or of a file that knows an orchestrator, whose failure is only reported."""
    if file.tree is None or not file.mentions(b"except") or not any(map(file.mentions, _ORCHESTRATED)):
        return
    for site in file.functions:
        outer = site.scope.parent
        if outer is not None and (outer.kind == "module" or (outer.kind == "function" and site.node.decorator_list)):
            yield from _ending(file, site.node.body, site.scope)
    for node in file.tree.body:
        if isinstance(node, ast.If) and "__main__" in shown(node.test):
            yield from _ending(file, node.body, file.module)


def _ending(file: PythonFile, body: Sequence[ast.stmt], scope: Scope) -> Iterator[EndsWell]:
    """The first ``try`` of a function's own statements whose failure is only reported."""
    for attempt, behind in _attempts(body):
        handler = _any_error(file, attempt, scope)
        if handler is None or _loops_forever(attempt):
            continue
        whole = not any(_works(one) for one in behind)
        then = _then(handler)
        if then == "" or (whole and not _is_loud(handler)):
            continue
        returns = any(isinstance(node, ast.Return) for node in within(list(handler.body)))
        needed = () if whole else _needed(attempt, behind)
        if whole and _share(attempt, body) < SHARE:
            continue
        if not whole and not (returns and needed and len(attempt.body) <= MOST_READ):
            continue
        name = scope.function
        callers = [one for one in file.calls_by_name.get(name, ()) if one.scope is not scope] if name else []
        reads = _first(_READS, "read", attempt.body)
        writes = _first(_WRITES, "write", [*attempt.body, *behind]) if reads is not None else None
        yield EndsWell(
            place=file.place(attempt),
            function=name,
            first=_first_call(attempt),
            catches=shown(handler.type),
            then=then,
            whole=whole,
            needed=needed,
            handler=file.place(handler.type) if handler.type is not None else file.place(handler.body[0]),
            started=not name or any(one.scope.function == "" and _drops(one) for one in callers),
            answers=any(isinstance(n, ast.Return) and not _is_nothing(n.value) for n in within(list(body))),
            reads=file.place(reads) if reads is not None else None,
            writes=file.place(writes) if writes is not None else None,
            asked=any(not _drops(one) for one in callers),
        )
        return


def _attempts(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.Try, Sequence[ast.stmt]]]:
    """Each ``try`` that the function comes to on every way, with what stands behind it."""
    for number, statement in enumerate(body):
        if isinstance(statement, ast.Try):
            yield statement, body[number + 1 :]
        elif isinstance(statement, ast.With | ast.AsyncWith):
            for attempt, behind in _attempts(statement.body):
                yield attempt, [*behind, *body[number + 1 :]]


def _any_error(file: PythonFile, attempt: ast.Try, scope: Scope) -> ast.ExceptHandler | None:
    """The handler that takes an error of whatever kind, where one does."""
    for handler in attempt.handlers:
        if handler.type is None:
            return handler
        types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(file.qualified(one, scope) in _ALL for one in types):
            return handler
    return None


def _loops_forever(attempt: ast.Try) -> bool:
    """Whether it is a service: what it does ends only when it is stopped."""
    return any(isinstance(node, ast.While) and shown(node.test) in ("True", "1") for node in within(list(attempt.body)))


def _then(handler: ast.ExceptHandler) -> Literal["reports", "other", ""]:
    """What the handler does; "" where the function does not end well behind it, or it is meant to go on."""
    then: Literal["reports", "other"] = "reports"
    for node in within(list(handler.body)):
        if isinstance(node, ast.Raise | ast.Continue | ast.Break | ast.Yield):
            return ""
        if isinstance(node, ast.Return) and not _is_nothing(node.value):
            return ""
        if isinstance(node, ast.Call):
            last = _last(node)
            if last in _STOPS:
                return ""
            if last not in _REPORTS and last not in _TIDIES:
                then = "other"
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Try | ast.For | ast.With):
            then = "other"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MEANT.search(node.value):
            return ""
    return then


def _is_loud(handler: ast.ExceptHandler) -> bool:
    """Whether the handler tells of a failure, and of no more than a warning."""
    calls = [node for node in within(list(handler.body)) if isinstance(node, ast.Call)]
    texts = [n.value for n in within(list(handler.body)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return any(_last(call) in _LOUD for call in calls) and not any(map(_WARNING.search, texts))


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and (value.value is None or value.value is False))


def _works(statement: ast.stmt) -> bool:
    """Whether a statement does more than to report, to tidy up or to return."""
    if isinstance(statement, ast.Return) and not isinstance(statement.value, ast.Call):
        return False
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return _last(statement.value) not in _REPORTS | _TIDIES
    return not isinstance(statement, ast.Pass)


def _last(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _needed(attempt: ast.Try, behind: Sequence[ast.stmt]) -> tuple[str, ...]:
    """The names that the ``try`` binds to what a call gives it, and that the rest of the function reads."""
    bound: list[str] = []
    for statement in attempt.body:
        if isinstance(statement, ast.Assign) and any(isinstance(n, ast.Call) for n in within([statement.value])):
            for target in statement.targets:
                bound += [n.id for n in walk(target) if isinstance(n, ast.Name)]
    read = {n.id for one in behind for n in walk(one) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return tuple(dict.fromkeys(name for name in bound if name in read))


def _share(attempt: ast.Try, body: Sequence[ast.stmt]) -> float:
    """The part of the statements of *body* that the ``try`` holds; reports and imports count nowhere."""
    inside = sum(map(_counts, within([*attempt.body, *attempt.orelse])))
    handlers = sum(map(_counts, within([*attempt.handlers, *attempt.finalbody])))
    return inside / max(1, sum(map(_counts, within(list(body)))) - handlers - 1)


def _counts(node: ast.AST) -> bool:
    if not isinstance(node, ast.stmt) or isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.Return):
        return False
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and _last(node.value) not in _REPORTS
    return True


def _first_call(attempt: ast.Try) -> str:
    calls = [node for node in within(list(attempt.body)) if isinstance(node, ast.Call)]
    acting = [node for node in calls if _last(node) not in _REPORTS]
    first = min(acting, key=lambda node: (node.lineno, node.col_offset), default=None)
    return shown(first.func) if first is not None else ""


def _first(names: frozenset[str], chain: str, statements: Sequence[ast.stmt]) -> ast.Call | None:
    """The first call of *statements* to one of *names*, or that ends a chain of Spark that has *chain* in it."""
    found = (
        node
        for node in within(list(statements))
        if isinstance(node, ast.Call)
        and (_last(node) in names or (_last(node) in _FRAMES and chain in _chain(node.func)))
    )
    return min(found, key=lambda node: (node.lineno, node.col_offset), default=None)


def _chain(node: ast.expr) -> Iterator[str]:
    """The attributes of a chain of calls, the last first."""
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute):
            yield node.attr
            node = node.value
        else:
            node = node.func


def _drops(site: CallSite) -> bool:
    """Whether nobody takes what the call returns: it is a statement, or the status that the process ends with, which is
    0 for nothing and for False."""
    chain = around(site)[:-1]
    while chain and (isinstance(chain[-1], ast.Await) or _passes_on(chain[-1])):
        chain.pop()
    return bool(chain) and isinstance(chain[-1], ast.Expr | ast.Raise)


def _passes_on(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _last(node) in _STARTERS | _ENDS_PROCESS
