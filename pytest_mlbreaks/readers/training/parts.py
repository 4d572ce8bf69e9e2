"""Parts of a service that it can't work without: where their failure is tolerated, and where requests end for them.

A part is named so that two files of one application call it the same: ``module.name`` for what a module binds,
``module.Class.attribute`` for what a method keeps, ``state.name`` and ``config.name`` for what the application holds.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model.facts import Refusal, ToleratedFailure
from pytest_mlbreaks.readers.training.nodes import around, path_to, shown

_WORK: Final = re.compile(
    r"^(load\w*|reload\w*|start|connect|init(ialize)?(_\w+)?|setup|warm_?up|from_pretrained|from_files?|get_model\w*"
    r"|download\w*|create_\w+|build_\w+|open|InferenceSession|SentenceTransformer|pipeline|_load\w*|_init\w*|_connect)$"
)
"""Last names of calls that bring up a part of a service; a class that is made counts as well."""

_ERRORS: Final = frozenset({"", "builtins.Exception", "builtins.BaseException"})
_REPORTS: Final = frozenset(
    {
        *("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print_exc"),
        *("format_exc", "str", "repr", "type", "capture_exception", "echo", "set", "inc", "labels", "HTTPException"),
    }
)
_PYTHON_ERRORS: Final = (
    *("builtins.RuntimeError", "builtins.ValueError", "builtins.Exception", "builtins.ConnectionError"),
    *("RuntimeError", "ValueError", "Exception"),
)
_WEB_ERRORS: Final = (
    *("fastapi.HTTPException", "starlette.exceptions.HTTPException", "fastapi.exceptions.HTTPException"),
    *("fastapi.responses.JSONResponse", "starlette.responses.JSONResponse", "flask.abort", "litestar.exceptions."),
    *("fastapi.responses.ORJSONResponse", "fastapi.Response", "starlette.responses.Response"),
)
_MISSING: Final = re.compile(
    r"not (yet |been )*(loaded|initiali[sz]ed|available|ready|connected|started|configured)|no \w+ loaded|\b503\b",
    re.IGNORECASE,
)
_MARKS: Final = (b"503", b"SERVICE_UNAVAILABLE", b"not loaded", b"not initialized", b"not available", b"not ready")
"""Texts one of which stands in a file that refuses requests for a missing part."""

_ROUTES: Final = frozenset({"get", "post", "put", "delete", "patch", "route", "api_route", "websocket"})


def tolerated(file: PythonFile) -> Iterator[ToleratedFailure]:
    """The failures of one file that code goes on from without the part that failed."""
    if not file.mentions(b"except Exception") and not file.mentions(b"except:"):
        return
    seen: set[int] = set()
    for site in file.calls:
        name = site.callee.rpartition(".")[2] if site.callee else getattr(site.node.func, "attr", "")
        if not (_WORK.match(name) or (name[:1].isupper() and _is_kept(site))) or is_route(site.scope):
            continue
        chain = around(site)
        for outer, inner in itertools.pairwise(chain):
            if not isinstance(outer, ast.Try) or inner not in outer.body or id(outer) in seen:
                continue
            handler = next((h for h in outer.handlers if _takes_all(file, h, site.scope)), None)
            if handler is None or not _goes_on(handler) or _caller_stops(file, handler, site.scope):
                continue
            parts, holders = _brought_up(file, outer, site.scope)
            if parts or holders:
                seen.add(id(outer))
                yield ToleratedFailure(
                    place=file.place(site.node),
                    api=site.callee or shown(site.node.func),
                    parts=parts,
                    holders=holders,
                    scope=site.scope.function,
                    handler=file.place(handler.type if handler.type is not None else handler.body[0]),
                )


def _is_kept(site: CallSite) -> bool:
    """Whether what a call makes is bound to what outlives its function."""
    return (
        "." in site.result or site.result in site.scope.forwarded or (bool(site.result) and site.scope.kind == "module")
    )


def is_route(scope: Scope) -> bool:
    """Whether a function is registered for a path by a decorator, or stands in one that is."""
    at: Scope | None = scope
    while at is not None:
        node = at.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            map(is_route_decorator, node.decorator_list)
        ):
            return True
        at = at.parent
    return False


def is_route_decorator(node: ast.expr) -> bool:
    """``@app.get("/path")`` and its like."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ROUTES


def _takes_all(file: PythonFile, handler: ast.ExceptHandler, scope: Scope) -> bool:
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(node is None or (file.qualified(node, scope) or "") in _ERRORS for node in types)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler only reports the error and sets constants: what comes behind it runs."""
    for node in within(list(handler.body)):
        if isinstance(node, ast.Raise | ast.Try | ast.While | ast.For | ast.AsyncFor):
            return False
        if isinstance(node, ast.Return) and not (node.value is None or isinstance(node.value, ast.Constant)):
            return False
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name not in _REPORTS:
                return False
        if isinstance(node, ast.Assign) and not isinstance(
            node.value, ast.Constant | ast.Dict | ast.List | ast.Call | ast.JoinedStr
        ):
            return False
    return True


def _caller_stops(file: PythonFile, handler: ast.ExceptHandler, scope: Scope) -> bool:
    """Whether the handler returns, and a function of the file that calls this one may stop because of it."""
    if not any(isinstance(node, ast.Return) for node in within(list(handler.body))):
        return False
    for site in file.calls_by_name.get(scope.qualname, ()):
        for node in within(list(getattr(site.scope.node, "body", []))):
            name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if isinstance(node, ast.Raise) or name in ("exit", "_exit", "abort"):
                return True
    return False


def _brought_up(file: PythonFile, attempt: ast.Try, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts that the body of a ``try`` binds, and the objects on which it calls what brings them up."""
    parts: dict[str, None] = {}
    holders: dict[str, None] = {}
    for node in within(list(attempt.body)):
        if isinstance(node, ast.Assign) and _is_work(node.value):
            for target in node.targets:
                for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                    parts[part(file, one, scope)] = None
        elif isinstance(node, ast.Expr) and _is_work(node.value):
            call = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                holders[part(file, call.func.value, scope)] = None
    return tuple(filter(None, parts)), tuple(filter(None, holders))


def _is_work(node: ast.expr) -> bool:
    """Whether an expression is a call that brings something up, or the result of one."""
    if isinstance(node, ast.Await):
        node = node.value
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return bool(_WORK.match(name)) or name[:1].isupper()


def part(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    """What the part of the service that *node* means is called; "" where it is none that outlives its function."""
    names: list[str] = []
    at = node
    while True:
        if isinstance(at, ast.Attribute):
            names.append(at.attr)
            at = at.value
        elif isinstance(at, ast.Subscript) and isinstance(at.slice, ast.Constant) and isinstance(at.slice.value, str):
            names.append(at.slice.value)
            at = at.value
        else:
            break
    names.reverse()
    if not isinstance(at, ast.Name):
        return ""
    for holder in ("state", "config"):
        if holder in names[:-1] and at.id in ("app", "request", "req", "self", "current_app", "application"):
            return f"{holder}.{names[names.index(holder) + 1]}"
    if at.id in ("current_app", "app") and not names:
        return ""
    module = _stem(file.path)
    if at.id == scope.receiver and names and scope.parent is not None:
        return f"{module}.{scope.parent.qualname}.{names[0]}"
    owner = scope.owner(at.id)
    if owner is None:
        return ""
    if owner.kind == "function":
        return _of_state(file, at.id, names, owner)
    if at.id in owner.imports:
        imported = owner.imports[at.id].strip(".").split(".")
        tail = imported[-2:] if len(imported) > 1 else [*imported, *names[:1]]
        return ".".join(tail)
    if owner.kind != "module" or at.id not in owner.names or "definition" in owner.names[at.id]:
        return ""
    return f"{module}.{at.id}"


def _of_state(file: PythonFile, name: str, names: Sequence[str], owner: Scope) -> str:
    """The same of a local name: one bound once to a part (``state = request.app.state``), or declared ``global``."""
    if name in owner.forwarded:
        return f"{_stem(file.path)}.{name}"
    bindings = owner.names[name]
    bound = bindings[0] if len(bindings) == 1 else None
    if isinstance(bound, ast.Attribute) and bound.attr == "state" and names:
        return f"state.{names[0]}"
    if isinstance(bound, ast.Attribute | ast.Subscript):
        found = part(file, bound, owner)
        return found if found.startswith(("state.", "config.")) else ""
    if (
        isinstance(bound, ast.Call)
        and isinstance(bound.func, ast.Name)
        and bound.func.id == "getattr"
        and len(bound.args) > 1
    ):
        holder, key = bound.args[:2]
        if isinstance(holder, ast.Attribute) and holder.attr == "state" and isinstance(key, ast.Constant):
            return f"state.{key.value!s}"
    return ""


def _stem(path: str) -> str:
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if stem == "__init__" else stem


# ---------------------------------------------------------------------------------------------------- refusals


def refusals(file: PythonFile) -> Iterator[Refusal]:
    """Where functions of one file end with an error since a part is missing."""
    calls = file.calls_by_name
    routes = [site for site in file.functions if any(map(is_route_decorator, site.node.decorator_list))]
    if not routes and not any(callee in calls for callee in (*_WEB_ERRORS, *_PYTHON_ERRORS)):
        return
    if not any(map(file.mentions, (*_MARKS, b"not started", b"not connected"))):
        return
    for callee in _WEB_ERRORS:
        for site in file.calls_by_name.get(callee, ()):
            status = _status(file, site) if site.conditional else None
            if status is not None and status >= 500:
                yield from _refused(file, site.node, site.scope, around(site), status)
    for callee in _PYTHON_ERRORS:
        for site in file.calls_by_name.get(callee, ()):
            if site.conditional and site.node.args and _MISSING.search(shown(site.node.args[0], 200)):
                yield from _refused(file, site.node, site.scope, around(site), None)
    for function in routes:
        for node, status in _flask_errors(function.node):
            yield from _refused(file, node, function.scope, path_to(function.node, node), status)


def _flask_errors(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[ast.Return, int]]:
    """``return body, 503``."""
    for node in within(list(function.body)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:
            status = node.value.elts[1]
            if isinstance(status, ast.Constant) and isinstance(status.value, int) and 500 <= status.value < 600:
                yield node, status.value


def _status(file: PythonFile, site: CallSite) -> int | None:
    call = site.node
    node = next((k.value for k in call.keywords if k.arg in ("status_code", "status")), None)
    if node is None and call.args and site.callee.endswith(("HTTPException", "abort")):
        node = call.args[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    match = re.search(r"HTTP_(5\d\d)_|\b(SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR)\b", shown(node))
    if match is None:
        return None
    return int(match[1]) if match[1] else (503 if match[2] == "SERVICE_UNAVAILABLE" else 500)


def _refused(
    file: PythonFile, node: ast.AST, scope: Scope, chain: Sequence[ast.AST], status: int | None
) -> Iterator[Refusal]:
    """The parts that the nearest condition around *node* finds missing."""
    for outer, inner in zip(reversed(chain[:-1]), reversed(chain), strict=False):
        if isinstance(outer, ast.If):
            if inner in outer.body:
                for name in _asked(file, outer.test, scope):
                    yield Refusal(place=file.place(node), part=name, status=status, scope=scope.function)
            return
        if isinstance(outer, ast.ExceptHandler):
            return


def _asked(file: PythonFile, test: ast.expr, scope: Scope) -> Iterator[str]:
    """The parts whose absence makes *test* true: ``x is None``, ``not x``, ``not x.is_loaded()``, joined by ``or``."""
    if isinstance(test, ast.BoolOp):
        for one in test.values:
            yield from _asked(file, one, scope)
        return
    node: ast.expr | None = None
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        node = test.operand
    elif isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is) and _is_none(test.comparators[0]):
        node = test.left
    if isinstance(node, ast.Call):
        node = node.func.value if isinstance(node.func, ast.Attribute) else None
    if node is not None:
        found = part(file, node, scope)
        if found:
            yield found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
