"""What request handlers answer, and what callers make of answers.

Only what stands in one function is told: an answer that is handed on, or made elsewhere, is unknown.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from pytest_mlbreaks.formats.python import CallSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import children, walk, within
from pytest_mlbreaks.model.facts import FailureAnswer, Reply, ReplyKey, ReplyUse
from pytest_mlbreaks.readers.training.nodes import around, keyword, shown
from pytest_mlbreaks.readers.training.parts import is_route_decorator, part

_Status = Literal["read", "shown", "unread", "unknown"]

_VERBS: Final = frozenset({"get", "post", "put", "delete", "patch", "request"})
_CLIENTS: Final = (
    *("requests.", "requests.Session().", "requests.session().", "requests.sessions.Session()."),
    *("httpx.", "httpx.Client().", "httpx.AsyncClient()."),
)
_ASKS_STATUS: Final = frozenset(
    {"raise_for_status", "status_code", "ok", "status", "is_success", "is_error", "reason", "reason_phrase"}
)
_BODY: Final = frozenset({"json", "text", "content", "iter_content", "iter_lines", "raw", "read", "headers", "cookies"})
_SHOWS: Final = frozenset(
    {"print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "echo", "str", "format"}
)
_FAILED: Final = re.compile(r"^(error|failed|failure|unhealthy|unavailable|not_ready)$", re.IGNORECASE)
_HOLDS_AN_ANSWER: Final = re.compile(r"result|items|data$|fallback|predict|recommend|answer|response", re.IGNORECASE)
"""Keys of a body that answers all the same, by something else."""

_FAILS: Final = frozenset({"abort", "raise_for_status", "exit", "_exit", "sys.exit"})
_HEALTH: Final = re.compile(r"health|ready|readiness|alive|live|status|ping|heartbeat|\bup\b", re.IGNORECASE)
"""Paths that probes ask."""

_OF_ALL: Final = frozenset({"status", "overall", "overall_status", "health", "state"})
"""Names that a health route has for how the whole service is."""

_UNWELL: Final = re.compile(
    r"^(un-?healthy|un-?ready|not[ _-]?(ready|healthy|loaded)|unavailable|down)$", re.IGNORECASE
)
"""What a route calls a service that should get no requests; one that is ``degraded`` may go on."""

_RESPONSES: Final = frozenset(
    {
        *("Response", "JSONResponse", "PlainTextResponse", "ORJSONResponse", "UJSONResponse", "HTMLResponse"),
        *("make_response", "StreamingResponse", "RedirectResponse", "HttpResponse", "JsonResponse"),
    }
)
"""Last names of the classes of web frameworks that take a status."""

_OK: Final = re.compile(r"^(2\d\d|status\.HTTP_2\d\d_\w+|HTTPStatus\.(OK|CREATED|ACCEPTED))$")


# ------------------------------------------------------------------------------------------------ what is answered


def replies(file: PythonFile) -> Iterator[Reply]:
    """The answers of the functions of one file that a decorator registers for a path."""
    for function in file.functions:
        decorator = next((d for d in function.node.decorator_list if is_route_decorator(d)), None)
        if isinstance(decorator, ast.Call):
            yield _reply(file, function, decorator)


def _reply(file: PythonFile, function: FunctionSite, decorator: ast.Call) -> Reply:
    scope = function.scope
    nodes = list(within(list(function.node.body)))
    returns = [node for node in nodes if isinstance(node, ast.Return) and node.value is not None]
    asked = _says_health(decorator) and bool(_HEALTH.search(shown(decorator, 200)))
    parts = [found for node in nodes if (found := _part(file, node, scope))] if asked else []
    keys, model = _shape(file, function, decorator, returns)
    return Reply(
        place=file.definition_place(function.node),
        function=scope.qualname,
        keys=keys,
        model=model,
        fails=_fails(nodes, decorator),
        asks=tuple(dict.fromkeys(parts)),
        touches=tuple(dict.fromkeys(_touched(file, function.node.body, scope))) if asked else (),
        failures=tuple(_failures(file, function)) if keyword(decorator, "status_code") is None else (),
        unwell=tuple(_unwell(file, nodes)) if asked else (),
        drops=tuple(dict.fromkeys(_dropped(file, nodes, scope))),
    )


def _says_health(decorator: ast.Call) -> bool:
    """Whether any name or text of the decorator speaks of health: the rest need not be spelled out."""
    for node in walk(decorator):
        said = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
        if said is None and isinstance(node, ast.Constant):
            said = node.value
        if isinstance(said, str) and _HEALTH.search(said):
            return True
    return False


def _unwell(file: PythonFile, nodes: Sequence[ast.AST]) -> Iterator[FailureAnswer]:
    """Where a health route calls the whole service unhealthy: as the ``status`` of what it returns, or a name of that
    kind."""
    for node in nodes:
        said: ast.expr | None = None
        if isinstance(node, ast.Return):
            said = (_entries(node.value) or {}).get("status")
            if isinstance(node.value, ast.Call):
                said = said or keyword(node.value, "status")
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in _OF_ALL:
            said = node.value
        for option in (said.body, said.orelse) if isinstance(said, ast.IfExp) else (said,):
            if isinstance(option, ast.Constant) and isinstance(option.value, str) and _UNWELL.match(option.value):
                yield FailureAnswer(says=f"status: {option.value}", place=file.place(option))


def _dropped(file: PythonFile, nodes: Sequence[ast.AST], scope: Scope) -> Iterator[str]:
    """The callees of calls that are statements of their own, those that only report left out."""
    for node in nodes:
        value = node.value if isinstance(node, ast.Expr) else None
        call = value.value if isinstance(value, ast.Await) else value
        if isinstance(call, ast.Call):
            name = file.qualified(call.func, scope) or ""
            if name and name.rpartition(".")[2] not in _SHOWS:
                yield name


def _part(file: PythonFile, node: ast.AST, scope: Scope) -> str:
    return part(file, node, scope) if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else ""


def _fails(nodes: Sequence[ast.AST], decorator: ast.Call) -> bool:
    """Whether a handler may end in an error of its own making, or say which status the answer has."""
    status = keyword(decorator, "status_code")
    if status is not None and not _OK.match(shown(status)):
        return True
    for node in nodes:
        if isinstance(node, ast.Raise | ast.Assert):
            return True
        if isinstance(node, ast.Attribute) and node.attr == "status_code":
            return True
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _FAILS:
                return True
            if name in _RESPONSES and (len(node.args) > 1 or any(_sets_status(given) for given in node.keywords)):
                return True
    return False


def _sets_status(given: ast.keyword) -> bool:
    return given.arg in (None, "status_code", "status") and not _OK.match(shown(given.value))


def _touched(file: PythonFile, body: list[ast.stmt], scope: Scope) -> Iterator[str]:
    """The parts of which an attribute, an element or the result is used in every case."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            pending.append(node.test)
            continue
        if isinstance(node, ast.Try | ast.BoolOp | ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inner = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
        if isinstance(node, ast.Call):
            inner = node.func
        if isinstance(inner, ast.Name | ast.Attribute | ast.Subscript):
            found = part(file, inner, scope)
            if found:
                yield found
        pending.extend(children(node))


def _failures(file: PythonFile, function: FunctionSite) -> Iterator[FailureAnswer]:
    for node in within(list(function.node.body)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = [shown(one) for one in types]
        if not any(name in ("", "Exception", "BaseException") for name in names):
            continue
        for inner in within(list(node.body)):
            said = _said(inner.value) if isinstance(inner, ast.Return) else None
            if said:
                yield FailureAnswer(says=said, place=file.place(inner))


def _said(node: ast.expr | None) -> str | None:
    """The beginning of a body that says it failed: it has an ``error``, or a ``status`` of that kind."""
    found = _entries(node)
    if found is None or any(_HOLDS_AN_ANSWER.search(key) and not _is_nothing(value) for key, value in found.items()):
        return None
    for key, value in found.items():
        if key in ("error", "exception", "traceback") and not _is_nothing(value):
            return key
        text = value.value if isinstance(value, ast.Constant) else None
        if key in ("status", "state", "result") and isinstance(text, str) and _FAILED.match(text):
            return f"{key}: {text}"
        if key in ("success", "ok") and isinstance(value, ast.Constant) and value.value is False:
            return f"{key}: false"
    return None


def _is_nothing(node: ast.expr) -> bool:
    if isinstance(node, ast.List | ast.Tuple):
        return not node.elts
    return not node.keys if isinstance(node, ast.Dict) else isinstance(node, ast.Constant) and not node.value


def _entries(node: ast.expr | None) -> Mapping[str, ast.expr] | None:
    """Keys and values of a body that is written out: a dictionary, or what ``jsonify`` is given."""
    if isinstance(node, ast.Call) and shown(node.func).rpartition(".")[2] in ("jsonify", "JSONResponse"):
        if shown(node.func).endswith("JSONResponse") and keyword(node, "status_code") is not None:
            return None
        given = keyword(node, "content") or (node.args[0] if len(node.args) == 1 else None)
        if given is None and node.keywords and all(k.arg for k in node.keywords):
            return {k.arg: k.value for k in node.keywords if k.arg}
        node = given
    if not isinstance(node, ast.Dict):
        return None
    if not all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in node.keys):
        return None
    return {str(key.value): v for key, v in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)}


def _shape(
    file: PythonFile, function: FunctionSite, decorator: ast.Call, returns: list[ast.Return]
) -> tuple[tuple[str, ...] | None, str]:
    """All keys of the answers, and the class that they are made by."""
    outer = function.scope.parent or file.module
    declared = keyword(decorator, "response_model")
    if declared is None and function.node.returns is not None:
        declared = function.node.returns
    if isinstance(declared, ast.Name | ast.Attribute):
        name = file.qualified(declared, outer) or ""
        if name and not name.startswith(("builtins.", "typing.", "*", "fastapi.", "starlette.", "flask.")):
            return None, name
    if keyword(decorator, "response_model") is not None and not (
        isinstance(declared, ast.Constant) and declared.value is None
    ):
        return None, ""
    found: dict[str, None] = {}
    for node in returns:
        value = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
        entries = _entries(value)
        if entries is None:
            return None, ""
        found.update(dict.fromkeys(entries))
    return (tuple(sorted(found)), "") if found else (None, "")


# ------------------------------------------------------------------------------------------ what is made of answers


def reply_uses(file: PythonFile) -> Iterator[ReplyUse]:
    """What the code of one file makes of the answers to its HTTP requests."""
    if not file.mentions(b"requests") and not file.mentions(b"httpx"):
        return
    parents: dict[int, dict[int, ast.AST]] = {}
    for callee, sites in file.calls_by_name.items():
        head, _, method = callee.rpartition(".")
        if method in _VERBS and head + "." in _CLIENTS:
            for site in sites:
                above = parents.get(id(site.scope.node))
                if above is None:
                    above = parents[id(site.scope.node)] = _parents(site.scope)
                yield _use(file, site, above)


def _parents(scope: Scope) -> dict[int, ast.AST]:
    """By the id of each node of a scope: the node that it is part of."""
    body = getattr(scope.node, "body", [])
    found: dict[int, ast.AST] = {}
    for node in within(list(body)):
        for child in children(node):
            found[id(child)] = node
    return found


def _use(file: PythonFile, site: CallSite, above: Mapping[int, ast.AST]) -> ReplyUse:
    node: ast.AST = site.node
    holder = above.get(id(node))
    if isinstance(holder, ast.Await):
        node, holder = holder, above.get(id(holder))
    name = ""
    uses: Sequence[ast.AST] = ()
    if isinstance(holder, ast.Assign) and len(holder.targets) == 1 and isinstance(holder.targets[0], ast.Name):
        name = holder.targets[0].id
    elif isinstance(holder, ast.withitem) and isinstance(holder.optional_vars, ast.Name):
        name = holder.optional_vars.id
    elif isinstance(holder, ast.NamedExpr) and isinstance(holder.target, ast.Name):
        name = holder.target.id
    if name and holder is not None:
        uses = _until_bound_anew(site, holder, name, above)
    elif not isinstance(holder, ast.Expr) and holder is not None:
        uses = [node]
    status, body = _status_of(uses, above, plain=isinstance(holder, ast.Expr) or bool(name))
    handler = _reporting(site)
    return ReplyUse(
        place=file.place(site.node),
        api=site.callee,
        status=status,
        body=body,
        keys=tuple(_keys(file, site.scope, _surely_of(site, name, holder, uses, above), above)),
        reports=handler is not None,
        handler=None if handler is None else file.place(handler.type or handler.body[0]),
        hooked="()" in site.callee and (file.mentions(b"hooks") or file.mentions(b".mount(")),
        scope=site.scope.function,
    )


def _named(scope: Scope, name: str) -> list[ast.Name]:
    body = getattr(scope.node, "body", [])
    return [
        node
        for node in walk(ast.Module(body, []))
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]


def _until_bound_anew(site: CallSite, holder: ast.AST, name: str, above: Mapping[int, ast.AST]) -> list[ast.Name]:
    """The uses of *name* behind the request, and before something else is bound to it in the same block; all of them
    where it is bound anew in another one, which may be a branch."""
    outer = above.get(id(holder), site.scope.node)
    begins, ends = site.node.lineno, sys.maxsize
    for field in ("body", "orelse", "finalbody"):
        block = getattr(outer, field, None)
        if isinstance(block, list) and holder in block:
            for statement in block[block.index(holder) + 1 :]:
                if isinstance(statement, ast.Assign) and any(getattr(t, "id", "") == name for t in statement.targets):
                    ends = statement.lineno
                    break
    if ends == sys.maxsize and site.loops:
        begins = 0  # a use above it is one of the round before
    return [node for node in _named(site.scope, name) if begins <= node.lineno <= ends]


def _surely_of(
    site: CallSite, name: str, holder: ast.AST | None, uses: Sequence[ast.AST], above: Mapping[int, ast.AST]
) -> Sequence[ast.AST]:
    """Of the *uses* of an answer, those that no other value of the same *name* may be meant by: one that is bound
    between the two, or in another branch or ``try``, where the use stands outside of this one."""
    others = [
        node.lineno
        for node in ast.walk(ast.Module(getattr(site.scope.node, "body", []), []))
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    ]
    if len(others) < 2 or holder is None:
        return uses
    outer = above.get(id(holder))
    end = getattr(site.node, "end_lineno", None) or site.node.lineno
    return [
        use
        for use in uses
        if (outer is None or _is_within(use, outer, above)) and not any(end < line < _line(use) for line in others)
    ]


def _is_within(node: ast.AST, outer: ast.AST, above: Mapping[int, ast.AST]) -> bool:
    at: ast.AST | None = node
    while at is not None and at is not outer:
        at = above.get(id(at))
    return at is outer


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _status_of(uses: Sequence[ast.AST], above: Mapping[int, ast.AST], *, plain: bool) -> tuple[_Status, bool]:
    """Whether something depends on the status of an answer, and whether its body is used."""
    status: _Status = "unread" if plain else "unknown"
    body = False
    for use in uses:
        holder = above.get(id(use))
        if isinstance(holder, ast.Attribute) and holder.value is use:
            if holder.attr in _ASKS_STATUS:
                if _is_shown(holder, above):
                    status = "shown" if status in ("unread", "unknown") and plain else status
                else:
                    return "read", body
            elif holder.attr in _BODY:
                body = body or not _is_shown(holder, above)
                status = "unread" if status == "unknown" else status
            else:
                status = "unknown"
                plain = False
        elif not _is_shown(use, above):
            return "unknown", body
    return status, body


def _is_shown(node: ast.AST, above: Mapping[int, ast.AST]) -> bool:
    """Whether an expression only becomes part of what is printed or logged."""
    at = above.get(id(node))
    while isinstance(at, ast.JoinedStr | ast.FormattedValue | ast.BinOp | ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(at, ast.Call):
            name = at.func.attr if isinstance(at.func, ast.Attribute) else getattr(at.func, "id", "")
            holder = above.get(id(at))
            if name in _SHOWS and isinstance(holder, ast.Expr):
                return True
        at = above.get(id(at))
    return False


def _keys(file: PythonFile, scope: Scope, uses: Sequence[ast.AST], above: Mapping[int, ast.AST]) -> Iterator[ReplyKey]:
    """The keys that code reads of the JSON of an answer, directly or through one name."""
    for use in uses:
        method = above.get(id(use))
        call = above.get(id(method)) if isinstance(method, ast.Attribute) and method.attr == "json" else None
        if not isinstance(call, ast.Call):
            continue
        holder = above.get(id(call))
        if isinstance(holder, ast.Await):
            call, holder = holder, above.get(id(holder))
        yield from _read(file, call, above)
        if isinstance(holder, ast.Assign) and len(holder.targets) == 1 and isinstance(holder.targets[0], ast.Name):
            name = holder.targets[0].id
            if len(scope.names.get(name, ())) == 1 and name not in file.changed:
                for node in _named(scope, name):
                    yield from _read(file, node, above)


def _read(file: PythonFile, node: ast.AST, above: Mapping[int, ast.AST]) -> Iterator[ReplyKey]:
    """``node["key"]`` and ``node.get("key", ...)``."""
    holder = above.get(id(node))
    if isinstance(holder, ast.Subscript) and holder.value is node:
        key = _text_of(holder.slice)
        if key is not None and isinstance(holder.ctx, ast.Load):
            yield ReplyKey(name=key, place=file.place(holder))
    elif isinstance(holder, ast.Attribute) and holder.attr == "get":
        call = above.get(id(holder))
        key = _text_of(call.args[0]) if isinstance(call, ast.Call) and call.func is holder and call.args else None
        if key is not None and isinstance(call, ast.Call):
            yield ReplyKey(name=key, default=True, empty=_is_empty_list(call, above), place=file.place(call))
    elif isinstance(holder, ast.Compare) and isinstance(holder.ops[0], ast.In | ast.NotIn):
        key = _text_of(holder.left)
        if key is not None:
            yield ReplyKey(name=key, tested=True, place=file.place(holder))


def _text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_empty_list(call: ast.Call, above: Mapping[int, ast.AST]) -> bool:
    """``.get(key, [])`` and ``.get(key) or []``."""
    default: ast.expr | None = call.args[1] if len(call.args) > 1 else None
    holder = above.get(id(call))
    if isinstance(holder, ast.BoolOp) and isinstance(holder.op, ast.Or) and holder.values[0] is call:
        default = holder.values[-1]
    return isinstance(default, ast.List) and not default.elts


def _reporting(site: CallSite) -> ast.ExceptHandler | None:
    """The handler of a ``try`` around the request that takes any error of it and only reports it."""
    chain = around(site)
    for outer, inner in zip(reversed(chain[:-1]), reversed(chain), strict=False):
        if isinstance(outer, ast.Try) and inner in outer.body:
            for handler in outer.handlers:
                types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
                if any(shown(t).rpartition(".")[2] in _ANY for t in types):
                    return handler if _only_reports(handler) else None
    return None


_ANY: Final = frozenset({"", "Exception", "BaseException", "RequestException", "HTTPError", "RequestError"})


def _only_reports(handler: ast.ExceptHandler) -> bool:
    for node in within(list(handler.body)):
        if isinstance(node, ast.Raise | ast.Return | ast.Continue | ast.Break | ast.Assign | ast.AugAssign):
            return False
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in _SHOWS:
                return False
    return True
