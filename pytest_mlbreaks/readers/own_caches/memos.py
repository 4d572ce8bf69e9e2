"""Functions that look something up, and store under the same key what they made themselves where it was not there."""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pytest_mlbreaks.formats.python import CallSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk, within
from pytest_mlbreaks.model.facts import KeyGap, OwnCache
from pytest_mlbreaks.readers.own_caches.nodes import awaited, ordered, shown

_READS: Final = re.compile(
    r"_?(?:try_|maybe_)?(?:get|load|read|fetch|lookup|find|retrieve)(?:_|$)|.*cache", re.IGNORECASE
)
_STORES: Final = re.compile(r"_?(?:set|put|save|store|write|add|setex|psetex|cache)(?:_|$)|.*cache", re.IGNORECASE)
_CACHE: Final = re.compile(r"cache|redis|memo(?!ry)", re.IGNORECASE)
_LIVES: Final = frozenset(
    {"ex", "px", "ttl", "timeout", "expire", "expires", "expiration", "expire_after", "ttl_seconds"}
)
_PLAIN: Final = frozenset(
    {"str", "int", "float", "bool", "list", "tuple", "set", "dict", "List", "Tuple", "Dict", "Set"}
)
_OPERATIONS: Final = re.compile(
    r"(?:^|_)(?:timeout|retry|retries|attempts?|ttl|force|refresh|fresh|reload|rebuild|use_cache|cached?|cache_\w+|verbose|debug|"
    r"quiet|log|logger|progress|show_progress|n_jobs|workers?|threads|chunk_?size|batch_?size|page_?size|token|api_?key|secret|"
    r"password|credentials?|auth|headers?|cookies?|proxy|proxies|session|db|conn|connection|client|redis|request_id|trace_id|"
    r"trace|span|correlation_id|callback|lock|wait|delay|sleep|interval|strict|raise\w*|silent|dry_run|now|overwrite|"
    r"description|label|message|msg|title|reason|visited|seen|depth|level)(?:$|_)",
    re.IGNORECASE,
)
"""Words in the names of parameters that say how something is fetched, or how to speak of it, and not what."""
_VERSION: Final = re.compile(r"(?:^|_)(?:version|revision|generation)$", re.IGNORECASE)
_MADE_KEY: Final = re.compile(r"^key$|(?<!api)(?<!access)(?<!secret)_key$|^cache_?(?:id|name)$", re.IGNORECASE)
"""Names of a parameter that is a key already."""
_ATTRIBUTE_SET: Final = re.compile(rb"\n[ \t]+(?:self|cls)\.\w+\[[^\n]*\][ \t]*=(?!=)")
"""Where an element of a mapping of the object or the class is set; a match begins at the end of the line before."""
_GROWS: Final = frozenset({"append", "extend", "update", "add", "insert"})
"""Methods by which a value comes to depend on what they take."""
_RECORDS: Final = re.compile(
    r"session|registry|jobs?\b|tasks?\b|status|stat[es]*\b|metrics|history|count|queue|seen", re.IGNORECASE
)
"""Names of what keeps records under their own names, and no answers."""


class _Look(NamedTuple):
    """A look into a cache: as written, with the name that takes what was found."""

    cache: str
    key: tuple[str, ...]
    node: ast.expr
    into: str


class _Store(NamedTuple):
    cache: str
    key: tuple[ast.expr, ...]
    values: tuple[ast.expr, ...]
    node: ast.stmt | ast.Call
    expires: str
    kind: str


class _Function:
    """One function: its nodes in order, and what its names are made of."""

    def __init__(self, scope: Scope, nodes: list[ast.AST]) -> None:
        self.scope = scope
        self.nodes = nodes
        self.made: dict[str, list[ast.expr]] = {}
        for node in self.nodes:
            self._take(node)

    def _take(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
            self._bind(node.target, node.value)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self._bind(node.target, node.iter)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr)
        elif isinstance(node, ast.NamedExpr):
            self._bind(node.target, node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWS:
            for argument in node.args:
                self._bind(node.func.value, argument)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._bind(element, value)
            return
        while isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
            target = target.value
        if isinstance(target, ast.Name) and target.id != self.scope.receiver:
            self.made.setdefault(target.id, []).append(value)

    def behind(self, nodes: tuple[ast.expr, ...], found: ast.expr | None = None) -> tuple[set[str], list[ast.expr]]:
        """The names that *nodes* depend on, through other names of the function, and all expressions on the way. Where
        a name takes *found*, a look into the cache, that is left out."""
        names: set[str] = set()
        seen: list[ast.expr] = []
        pending = list(nodes)
        while pending:
            node = pending.pop()
            seen.append(node)
            for part in walk(node):
                if isinstance(part, ast.Name) and part.id not in names:
                    names.add(part.id)
                    pending.extend(made for made in self.made.get(part.id, ()) if awaited(made) is not found)
        return names, seen


def own_caches(file: PythonFile) -> Iterator[OwnCache]:
    """The caches that the functions of one file keep."""
    for site in _worth_a_look(file):
        nodes = list(ordered(list(site.node.body)))
        stores = list(_stores(nodes, site.scope))
        if not stores:
            continue
        function = _Function(site.scope, nodes)
        looks = list(_looks(function))
        told: set[tuple[str, str]] = set()
        for store in stores:
            found = _pair(function, looks, store)
            if found is None:
                continue
            key = ", ".join(shown(part) for part in found.key)
            if (store.cache, key) not in told:
                told.add((store.cache, key))
                yield _fact(file, site, function, found, store, key)


def _worth_a_look(file: PythonFile) -> Iterator[FunctionSite]:
    """The functions that may store something: in a cache by a method, or in a mapping that outlives them. No other is
    walked."""
    names = sorted(name for name in file.changed if name in file.module.names)
    if not file.functions or not (names or file.mentions(b"cache") or file.mentions(b"redis")):
        return
    lines = [line + 1 for line in file.lines_of(_ATTRIBUTE_SET)]
    if names:
        changes = re.compile(rb"\n[ \t]+(?:%s)\[" % b"|".join(re.escape(name.encode()) for name in names))
        lines = sorted([*lines, *(line + 1 for line in file.lines_of(changes))])
    scopes = {id(call.scope) for call in _store_calls(file)}
    for site in file.functions:
        first = bisect.bisect_left(lines, site.node.lineno)
        if id(site.scope) in scopes or (first < len(lines) and lines[first] <= (site.node.end_lineno or 0)):
            yield site


def _store_calls(file: PythonFile) -> Iterator[CallSite]:
    for name, calls in file.calls_by_name.items():
        method = name.rpartition(".")[2]
        if _STORES.match(method):
            named = bool(_CACHE.search(name))
            yield from (call for call in calls if named or _of_a_cache(call.node))


def _of_a_cache(call: ast.Call) -> bool:
    """Whether the call is a method of something whose last names speak of a cache."""
    node = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Attribute) and _CACHE.search(node.attr):
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and bool(_CACHE.search(node.id))


def _looks(function: _Function) -> Iterator[_Look]:
    into = {
        id(awaited(node.value)): node.targets[0].id
        for node in function.nodes
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    for node in function.nodes:
        if isinstance(node, ast.NamedExpr):
            into[id(awaited(node.value))] = node.target.id
    for node in function.nodes:
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield _Look(shown(node.comparators[0]), (shown(node.left),), node, "")
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.args
            and _READS.match(node.func.attr)
        ):
            key = tuple(shown(argument) for argument in node.args)
            yield _Look(shown(node.func.value), key, node, into.get(id(node), ""))


def _stores(nodes: list[ast.AST], scope: Scope) -> Iterator[_Store]:
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            target = node.targets[0]
            if _outlives(target.value, scope):
                yield _Store(shown(target.value), (target.slice,), (node.value,), node, "", "mapping")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            method = node.func.attr
            if not _STORES.match(method):
                continue
            cache = shown(node.func.value)
            if not _CACHE.search(cache) and not _CACHE.search(method):
                continue
            lives = next((shown(k.value) for k in node.keywords if k.arg in _LIVES), "")
            if method in ("setex", "psetex") and len(node.args) > 2:
                lives = shown(node.args[1])
            values = [k.value for k in node.keywords if k.arg not in _LIVES]
            yield _Store(cache, tuple(node.args), tuple(values), node, lives, "store")


def _outlives(node: ast.expr, scope: Scope) -> bool:
    """Whether a mapping is there after the function: a global, or an attribute of the method's object or class."""
    if isinstance(node, ast.Name):
        owner = scope.owner(node.id)
        return owner is not None and owner.kind == "module" and node.id not in scope.names
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in (scope.receiver, "cls")
        and bool(node.value.id)
    )


class _Pair(NamedTuple):
    """A look and the store that belongs to it, with what stands where: the key's and the value's expressions, the
    condition that tells a hit from a miss, and what is done on a hit."""

    look: _Look
    key: tuple[ast.expr, ...]
    values: tuple[ast.expr, ...]
    test: ast.expr
    on_hit: list[ast.stmt]


def _pair(function: _Function, looks: list[_Look], store: _Store) -> _Pair | None:
    for look in looks:
        if look.cache != store.cache or look.node.lineno >= store.node.lineno:
            continue
        texts = tuple(shown(part) for part in store.key)
        if store.kind == "mapping":
            if look.key[:1] != texts:
                continue
            key, values = store.key, store.values
        else:
            count = len(look.key) if texts[: len(look.key)] == look.key else 1
            if texts[:count] != look.key[:count] or len(texts) + len(store.values) <= count:
                continue
            key, values = store.key[:count], (*store.key[count:], *store.values)
        condition = _condition(function, look, store)
        if condition is None:
            continue
        _, behind = function.behind(values, look.node)
        if any(part is look.node for node in behind for part in walk(node)):
            continue  # what was found goes into what is stored: a count, a list that grows
        return _Pair(look, key, values, *condition)
    return None


def _condition(function: _Function, look: _Look, store: _Store) -> tuple[ast.expr, list[ast.stmt]] | None:
    """The ``if`` that tells a hit from a miss: the store stands in its branch for a miss, or behind one whose branch
    for a hit returns. With what is done on a hit."""
    for node in function.nodes:
        if not isinstance(node, ast.If) or node.lineno > store.node.lineno or node.end_lineno is None:
            continue
        miss = _asks(node.test, look)
        if miss is None or node.end_lineno < look.node.lineno:
            continue
        hit = node.orelse if miss else node.body
        missed = node.body if miss else node.orelse
        if _holds(missed, store.node):
            return node.test, hit
        if not miss and node.end_lineno < store.node.lineno and _leaves(hit):
            return node.test, hit
    return None


def _asks(test: ast.expr, look: _Look) -> bool | None:
    """True where *test* is true on a miss, False where it is on a hit, None where it does not ask."""
    if test is look.node and isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.NotIn)
    if isinstance(test, ast.BoolOp):
        return next((told for part in test.values if (told := _asks(part, look)) is not None), None)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        told = _asks(test.operand, look)
        return None if told is None else not told
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot):
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None and _is_found(test.left, look):
            return isinstance(test.ops[0], ast.Is)
        return None
    return False if _is_found(test, look) else None


def _is_found(node: ast.expr, look: _Look) -> bool:
    if isinstance(node, ast.NamedExpr):
        node = node.value
    return awaited(node) is look.node or (isinstance(node, ast.Name) and node.id == look.into != "")


def _holds(statements: list[ast.stmt], node: ast.AST) -> bool:
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    return any(s.lineno <= first and last <= (s.end_lineno or 0) for s in statements)


def _leaves(statements: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Return) for node in within(list(statements)))


def _fact(file: PythonFile, site: FunctionSite, function: _Function, pair: _Pair, store: _Store, key: str) -> OwnCache:
    keyed, _ = function.behind(pair.key)
    parameters = site.scope.parameters
    failure = _failure(file, function, pair, store)
    return OwnCache(
        place=file.place(store.node),
        cache=store.cache,
        key=key,
        lookup=file.place(pair.look.node),
        kind="mapping" if store.kind == "mapping" else "store",
        expires=store.expires,
        parameters=tuple(name for name in parameters if name in keyed and name != site.scope.receiver),
        bare=failure.bare if failure is not None else "",
        failed=file.place(failure.node) if failure is not None else None,
        because=failure.because if failure is not None else "",
        gaps=(*_gaps(file, site, function, pair, store, keyed), *_versions(file, function, pair, store, keyed)),
        scope=site.scope.function,
    )


# ------------------------------------------------------------------------------------------------------ gaps


def _gaps(
    file: PythonFile, site: FunctionSite, function: _Function, pair: _Pair, store: _Store, keyed: set[str]
) -> Iterator[KeyGap]:
    """The parameters that the value depends on, and the key does not."""
    parameters = site.scope.parameters
    if any(isinstance(part, ast.Name) and part.id in parameters and _MADE_KEY.search(part.id) for part in pair.key):
        return  # the key is the caller's to make
    if _RECORDS.search(store.cache) or not _gives_back(function, pair, store):
        return
    depends, behind = function.behind(pair.values, pair.look.node)
    defaults = _defaults(site.node.args)
    for name, argument in parameters.items():
        if name in keyed or name not in depends or name == site.scope.receiver or _OPERATIONS.search(name):
            continue
        if not _is_plain(argument.annotation, defaults.get(name)):
            continue
        uses = [n for n in function.nodes if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
        if _is_used_besides(function, name, uses, pair, store):
            continue
        place = _computed_with(name, behind)
        if place is None:
            continue
        default = defaults.get(name)
        yield KeyGap(
            name=name,
            default=None if default is None else shown(default),
            passed=_passed(file, site, name, [n for n in parameters if n in keyed and n != site.scope.receiver]),
            place=file.place(place),
        )


def _versions(file: PythonFile, function: _Function, pair: _Pair, store: _Store, keyed: set[str]) -> Iterator[KeyGap]:
    """The versions that a call tells before the look, that the value is computed with, and that are not in the key."""
    if _RECORDS.search(store.cache) or not _gives_back(function, pair, store):
        return
    depends, behind = function.behind(pair.values, pair.look.node)
    for name in sorted(depends - keyed - set(function.scope.parameters)):
        bound = function.made.get(name, [])
        if not _VERSION.search(name) or len(bound) != 1 or bound[0].lineno >= pair.look.node.lineno:
            continue
        place = _computed_with(name, behind)
        compared = any(
            isinstance(part, ast.Name) and part.id == name
            for node in function.nodes
            if isinstance(node, ast.Compare)
            for part in walk(node)
        )
        call = awaited(bound[0])
        if place is not None and not compared and isinstance(call, ast.Call) and not _follows(bound[0], call, keyed):
            yield KeyGap(name=name, made=shown(call), place=file.place(place))


def _follows(bound: ast.expr, call: ast.Call, keyed: set[str]) -> bool:
    """Whether a call may only work out what is in the key already: it awaits nothing, and takes parts of the key."""
    given = [
        part.id
        for a in (*call.args, *(k.value for k in call.keywords))
        for part in walk(a)
        if isinstance(part, ast.Name)
    ]
    return bound is call and bool(given) and set(given) <= keyed


def _gives_back(function: _Function, pair: _Pair, store: _Store) -> bool:
    """Whether the function returns what it found, or goes on with it."""
    last = getattr(store.node, "end_lineno", store.node.lineno)
    for node in function.nodes:
        if isinstance(node, ast.Name) and node.id == pair.look.into != "" and node.lineno > last:
            return True
        if isinstance(node, ast.Return) and node.value is not None:
            names, behind = function.behind((node.value,))
            if pair.look.into in names or any(store.cache in shown(part, 2000) for part in behind):
                return True
    return False


def _computed_with(name: str, behind: list[ast.expr]) -> ast.Name | None:
    """Where the value comes of a call that takes the parameter; one that only stands beside it is a record's."""
    for node in behind:
        for call in walk(node):
            if not isinstance(call, ast.Call) or _logs(call):
                continue
            for argument in (*call.args, *(k.value for k in call.keywords)):
                for part in walk(argument):
                    if isinstance(part, ast.Name) and part.id == name:
                        return part
    return None


def _defaults(arguments: ast.arguments) -> dict[str, ast.expr]:
    placed = [*arguments.posonlyargs, *arguments.args]
    found = dict(zip([a.arg for a in placed[len(placed) - len(arguments.defaults) :]], arguments.defaults, strict=True))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            found[argument.arg] = default
    return found


def _is_plain(annotation: ast.expr | None, default: ast.expr | None) -> bool:
    """Whether a parameter takes a value (a text, a number, a list of them) and no object that does something."""
    if annotation is None:
        return isinstance(default, ast.Constant)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        names = set(re.findall(r"\w+", annotation.value))
    else:
        names = {n.id for n in walk(annotation) if isinstance(n, ast.Name)}
        names |= {n.attr for n in walk(annotation) if isinstance(n, ast.Attribute)}
    names -= {"Optional", "Union", "None", "typing", "Literal", "Sequence", "Iterable"}
    return bool(names) and names <= _PLAIN


def _is_used_besides(function: _Function, name: str, uses: list[ast.Name], pair: _Pair, store: _Store) -> bool:
    """Whether the parameter is also looked at where something was found, or behind the store: what is found may then
    be fitted to it."""
    last = getattr(store.node, "end_lineno", store.node.lineno)
    logged = {id(n) for node in function.nodes if isinstance(node, ast.Call) and _logs(node) for n in walk(node)}
    for use in uses:
        if id(use) in logged:
            continue
        if use.lineno > last or _holds(pair.on_hit, use):
            return True
    tests = [node.test for node in function.nodes if isinstance(node, ast.If | ast.While | ast.IfExp)]
    for test in tests:
        names = {n.id for n in walk(test) if isinstance(n, ast.Name)}
        if name in names and (test is pair.test or pair.look.into in names or _holds_look(test, pair.look)):
            return True
    return False


def _holds_look(test: ast.expr, look: _Look) -> bool:
    return any(part is look.node for part in walk(test))


def _logs(call: ast.Call) -> bool:
    name = shown(call.func)
    return name == "print" or name.partition(".")[0].lower().lstrip("_") in ("logger", "logging", "log")


def _passed(file: PythonFile, site: FunctionSite, name: str, keyed: list[str]) -> tuple[str, ...]:
    """What the calls in this file give for a parameter, as written, each once."""
    names = list(site.scope.parameters)[1 if site.scope.receiver else 0 :]
    found = []
    for call in file.calls_by_name.get(site.scope.qualname, ()):
        if all(_is_fixed(_given(call.node, names, one)) for one in keyed):
            continue  # another key each time, written out: what goes with it may be another one too
        given = _given(call.node, names, name)
        if given is not None:
            found.append(shown(given, 40))
    return tuple(sorted(set(found)))


def _given(call: ast.Call, names: list[str], name: str) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    position = names.index(name)
    return call.args[position] if position < len(call.args) else None


def _is_fixed(node: ast.expr | None) -> bool:
    return node is None or isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


# -------------------------------------------------------------------------------------------------- failures


class _Failure(NamedTuple):
    """What a failed call leaves behind: the constant, where a name is bound to it, and what says that this is one."""

    bare: str
    node: ast.stmt
    because: str


def _failure(file: PythonFile, function: _Function, pair: _Pair, store: _Store) -> _Failure | None:
    """The constant that is stored like an answer where a call failed, if there is one."""
    names = {part.id for value in pair.values for part in walk(value) if isinstance(part, ast.Name)}
    if not (isinstance(pair.look.node, ast.Compare)):  # what is found is looked at, and an empty one counts as a miss
        names -= {value.id for value in pair.values if isinstance(value, ast.Name)}
    asked = {
        part.id
        for node in function.nodes
        if isinstance(node, ast.If) and _holds([*node.body, *node.orelse], store.node) and node.test is not pair.test
        for part in walk(node.test)
        if isinstance(part, ast.Name)
    }
    for node in function.nodes:
        if isinstance(node, ast.Try) and not _holds(node.body, store.node):
            for handler in node.handlers:
                bound = _bare(handler.body, names - asked)
                if bound is not None and not _ends(handler.body) and node.lineno < store.node.lineno:
                    caught = shown(handler.type) or "any error"
                    return _Failure(*bound, f"after {caught}")
        elif isinstance(node, ast.If) and node.lineno < store.node.lineno:
            told = _failed_test(file, function, node, asked)
            if told is not None:
                test, branch = told
                bound = _bare(branch, names - asked)
                if bound is not None and not _ends(branch):
                    return _Failure(*bound, f"where {test}() gave nothing, which it does where it fails")
    return None


def _bare(statements: list[ast.stmt], names: set[str]) -> tuple[str, ast.stmt] | None:
    """The first binding of one of *names* to an empty constant among *statements*."""
    for statement in statements:
        if not isinstance(statement, ast.Assign) or not _is_bare(statement.value):
            continue
        if any(isinstance(target, ast.Name) and target.id in names for target in statement.targets):
            return shown(statement.value), statement
    return None


def _is_bare(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return value.value in (None, "", 0, False)
    if isinstance(value, ast.Dict):
        return not value.keys
    return isinstance(value, ast.List | ast.Tuple) and not value.elts


def _ends(statements: list[ast.stmt]) -> bool:
    return any(isinstance(s, ast.Return | ast.Raise | ast.Continue | ast.Break) for s in statements)


def _failed_test(
    file: PythonFile, function: _Function, node: ast.If, asked: set[str]
) -> tuple[str, list[ast.stmt]] | None:
    """The callee and the branch of ``if x`` for an empty x, where x comes of a function of this file that gives None
    where it fails."""
    test, branch = node.test, node.orelse
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, branch = test.operand, node.body
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.comparators[0], ast.Constant):
        if test.comparators[0].value is not None:
            return None
        branch = node.body if isinstance(test.ops[0], ast.Is) else node.orelse
        test = test.left
    if not isinstance(test, ast.Name) or test.id in asked or not branch:
        return None
    made = function.made.get(test.id, [])
    call = awaited(made[0]) if len(made) == 1 else None
    if not isinstance(call, ast.Call):
        return None
    callee = file.qualified(call.func, function.scope)
    for site in file.functions:
        if site.scope.qualname == callee and _gives_none(site.node):
            return callee or "", branch
    return None


def _gives_none(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function returns None where a call in it raises: a handler does, or goes on to an end that does."""
    for part in within(list(node.body)):
        if isinstance(part, ast.Try):
            for handler in part.handlers:
                last = handler.body[-1]
                if isinstance(last, ast.Return) and _is_none(last.value):
                    return True
                end = node.body[-1]
                if not _ends(handler.body) and (end is part or (isinstance(end, ast.Return) and _is_none(end.value))):
                    return True
    return False


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
