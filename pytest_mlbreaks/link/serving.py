"""Serving: under which paths an application answers, by which handler, and which functions a handler comes to."""

from __future__ import annotations

import functools
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Application, Endpoint, Pipeline, Reached
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import (
    BlockingCall,
    Function,
    GivenObject,
    Handler,
    ObjectCall,
    Reply,
    RequestModel,
    Router,
    RouterMount,
)
from pytest_mlbreaks.waiting import is_client, waits

MOST_REACHED = 60
"""Functions that a handler is followed into; those beyond are not looked at."""

DEEPEST = 5
"""Calls from a handler down that are followed."""

_PARAMETER = re.compile(r"\{[^{}*][^{}]*\}|<[^<>]+>")
_CACHES = ("lru_cache", "cache", "cached", "cache_resource", "cache_data", "memoize", "cached_property", "on_event")

Key = tuple[str, str]


class Serving:
    """Makes the endpoints and applications of a pipeline."""

    def __init__(self, pipeline: Pipeline, modules: Modules, values: Values) -> None:
        self._modules = modules
        self._values = values
        self._pipeline = pipeline
        handlers = pipeline.all(Handler)
        self._routers: dict[Key, list[Router]] = defaultdict(list)
        for router in pipeline.all(Router):
            self._routers[router.path, router.name].append(router)
        self._models: dict[Key, list[RequestModel]] = defaultdict(list)
        for model in pipeline.all(RequestModel):
            self._models[model.path, model.name].append(model)
        self._mounts: dict[Key, list[RouterMount]] = defaultdict(list)
        self._callees: dict[Key, Key | None] = {}
        self._methods: dict[Key, Key | None] = {}
        given: dict[Key, list[GivenObject]] = defaultdict(list)
        for one in pipeline.all(GivenObject) if handlers else ():
            given[one.path, one.name].append(one)
        self._given = {key: found[0] for key, found in given.items() if len(found) == 1}
        self._places: dict[Key, tuple[Key, ...]] = {}
        self._steps: dict[int, tuple[tuple[Key, bool, bool], ...]] = {}
        for mount in pipeline.all(RouterMount):
            self._take(mount)
        self._by_router: dict[Key, list[Handler]] = defaultdict(list)
        for handler in handlers:
            where = self._router(handler.path, handler.router) if handler.router else None
            if where is not None:
                self._by_router[where].append(handler)
        applications = [r for r in pipeline.all(Router) if r.app]
        made_by = {(reply.path, reply.function): reply.model for reply in pipeline.all(Reply)}
        found: dict[int, list[str]] = defaultdict(list)
        made: list[tuple[Router, dict[str, list[Handler]], list[str], str]] = []
        for router in applications:
            routes, swallows, reason = self._routes(router)
            made.append((router, routes, swallows, reason))
            for route, answering in routes.items():
                for handler in answering:
                    found[id(handler)].append(route)
        self.endpoints = [
            Endpoint(
                handler=handler,
                routes=tuple(dict.fromkeys(found.get(id(handler), ()))),
                reason="" if id(handler) in found else "no application of the tree is seen to take it in",
                reached=tuple(self._reach(handler)),
                body=self._class(handler.path, handler.body),
                answer=self._class(handler.path, made_by.get((handler.path, handler.function), "")),
            )
            for handler in handlers
        ]
        self.blocking = [*self._upon_clients(pipeline)] if handlers else []
        by_handler = {id(endpoint.handler): endpoint for endpoint in self.endpoints}
        self.applications = [
            Application(
                router=router,
                endpoints=tuple(
                    dict.fromkeys(by_handler[id(handler)] for answering in routes.values() for handler in answering)
                ),
                routes={
                    route: tuple(by_handler[id(handler)] for handler in answering)
                    for route, answering in routes.items()
                },
                swallows=tuple(swallows),
                reason=reason,
            )
            for router, routes, swallows, reason in made
        ]

    @functools.cached_property
    def _functions(self) -> dict[Key, list[Function]]:
        """All functions by file and name, which only what follows calls asks for."""
        found: dict[Key, list[Function]] = defaultdict(list)
        for function in self._pipeline.all(Function):
            found[function.path, function.name].append(function)
        return found

    # ------------------------------------------------------------------------------------------------- routes

    def _take(self, mount: RouterMount) -> None:
        parent = self._router(mount.path, mount.parent)
        if parent is None:
            return
        self._mounts[parent].append(mount)

    def _router(self, path: str, name: str) -> Key | None:
        """The file and name of the router that *name* means in *path*; None where it is none that is known."""
        return self._find(path, name, self._routers)

    def _find(self, path: str, name: str, known: Mapping[Key, object] | set[Key]) -> Key | None:
        """Where what *path* calls *name* (its own name, or the qualified one of an import) is defined."""
        if (path, name) in known:
            return path, name
        for module, rest in self._modules_of(path, name):
            if (module, rest) in known:
                return module, rest
            beyond = self._imported(module, rest, known, 0)
            if beyond is not None:
                return beyond
        return None

    def _modules_of(self, path: str, name: str) -> tuple[Key, ...]:
        """The files that a qualified name may lead to, the longest part first, and what is left of the name."""
        asked = (path.rpartition("/")[0] if path.endswith(".py") else path, name)  # files of one folder see the same
        found = self._places.get(asked)
        if found is None:
            found = self._places[asked] = tuple(self._seen_from(path, name))
        return found

    def _seen_from(self, path: str, name: str) -> Iterator[Key]:
        dots = len(name) - len(name.lstrip("."))
        if not dots and not self._modules.may_hold(name):
            return
        parts = name[dots:].split(".")
        for cut in range(len(parts) - 1, -1 if dots else 0, -1):
            module: str | None
            if dots:
                folder = path.rpartition("/")[0]
                for _ in range(dots - 1):
                    folder = folder.rpartition("/")[0]
                stem = posixpath.join(folder, *parts[:cut])
                options = (f"{stem}.py", f"{stem}/__init__.py") if cut else (posixpath.join(folder, "__init__.py"),)
                module = next((p for p in options if p in self._modules.files), None)
            else:
                module = self._modules.find(".".join(parts[:cut]), path)
            if module is not None:
                yield module, ".".join(parts[cut:])

    def _imported(self, path: str, name: str, known: Mapping[Key, object] | set[Key], depth: int) -> Key | None:
        """The same for a name that the file *path* has from an import of its own."""
        module = self._modules.files.get(path)
        head, _, rest = name.partition(".")
        for entry in module.imports if module is not None and depth < 4 else ():
            if entry.scope or not entry.name or (entry.alias != head and entry.name != "*"):
                continue
            inner = head if entry.name == "*" else entry.name
            dotted = "." * entry.level + (f"{entry.target}." if entry.target else "") + inner
            for target, left in self._modules_of(path, f"{dotted}.{rest}" if rest else dotted):
                if (target, left) in known:
                    return target, left
                found = self._imported(target, left, known, depth + 1) if target != path else None
                if found is not None:
                    return found
        return None

    def _routes(self, app: Router) -> tuple[dict[str, list[Handler]], list[str], str]:
        """Whole paths and their handlers, prefixes that something else takes, and why there may be more."""
        routes: dict[str, list[Handler]] = defaultdict(list)
        swallows: list[str] = []
        reasons: list[str] = []
        pending: list[tuple[Key, str]] = [((app.path, app.name), "")]
        seen: set[tuple[Key, str]] = set()
        while pending:
            key, prefix = pending.pop()
            if (key, prefix) in seen:
                continue
            seen.add((key, prefix))
            for handler in self._by_router.get(key, ()):
                path = self._text(handler.route)
                if path is None:
                    reasons.append("a route's path can't be told")
                else:
                    routes[_joined(prefix, path)].append(handler)
            for mount in self._mounts.get(key, ()):
                self._mounted(mount, prefix, pending, swallows, reasons)
        if len(self._routers[app.path, app.name]) > 1:
            reasons.append("several applications of one name")
        return dict(routes), swallows, reasons[0] if reasons else ""

    def _mounted(
        self,
        mount: RouterMount,
        prefix: str,
        pending: list[tuple[Key, str]],
        swallows: list[str],
        reasons: list[str],
    ) -> None:
        written = self._text(mount.prefix) if mount.prefix is not None else ""
        child = self._router(mount.path, mount.child) if mount.child else None
        if written is None:
            reasons.append("a router's prefix can't be told")
            return
        if child is None:
            if mount.whole:
                swallows.append(_joined(prefix, written))
            else:
                reasons.append("a router that it takes in can't be told")
            return
        own = ""
        router = self._routers[child][0]
        if router.prefix is not None and not (router.framework == "flask" and written):
            text = self._text(router.prefix)
            if text is None:
                reasons.append("a router's prefix can't be told")
                return
            own = text
        pending.append((child, _joined(_joined(prefix, written), own)))

    def _text(self, expr: Expr | None) -> str | None:
        """The text of a path, its parameters as ``{*}``; None where it can't be told."""
        text = self._values.resolve(expr).text if expr is not None else None
        return None if text is None else _PARAMETER.sub("{*}", text)

    def _class(self, path: str, name: str) -> RequestModel | None:
        """The one class that *path* calls *name*."""
        where = self._find(path, name, self._models) if name else None
        found = self._models[where] if where is not None else []
        return found[0] if len(found) == 1 else None

    # ------------------------------------------------------------------------------------------------ clients

    def _upon_clients(self, pipeline: Pipeline) -> Iterator[BlockingCall]:
        """The calls that wait upon clients which another file, or a function, has made."""
        known = {key: given for key, given in self._given.items() if is_client(given.api)}
        told: dict[Key, str] = {}
        for call in pipeline.all(ObjectCall):
            asked = (call.path, call.api)
            if asked not in told:
                told[asked] = self._whole(call.path, call.api, known)
            api = told[asked]
            kind = waits(api, api.rpartition(".")[2]) if api else None
            if kind is not None:
                yield BlockingCall(
                    place=call.place,
                    kind=kind,
                    api=api,
                    scope=call.scope,
                    loops=call.loops,
                    conditional=call.conditional,
                    lazy=call.lazy,
                )

    def _whole(self, path: str, api: str, known: Mapping[Key, GivenObject]) -> str:
        """The callee *api*, with what the file *path* has its object from in the place of the object; itself where it
        begins with a client, "" where nothing is known of it."""
        if waits(api, api.rpartition(".")[2]):
            return api
        if not known:
            return ""
        ends = [i for i in range(1, len(api)) if api[i] == "." or api[i : i + 2] == "()"]
        for end in ends:
            name = api[:end].replace("()", "")
            if name.strip("."):
                key = self._find(path, name, known)
                if key is not None:
                    client = known[key]
                    rest = api[end:]
                    if not client.function:
                        return client.api + rest
                    return client.api + rest[2:] if rest.startswith("()") else ""
        return ""

    # -------------------------------------------------------------------------------------------------- reach

    def _reach(self, handler: Handler) -> Iterator[Reached]:
        """The functions that a handler comes to, nearest first."""
        start = self._functions.get((handler.path, handler.function), [])
        if len(start) > 1:  # of functions of one name, the one that the decorator stands on
            start = [function for function in start if function.place.line == handler.place.line]
        if len(start) != 1:
            return
        layer = [Reached(start[0])]
        seen = {(handler.path, handler.function)}
        for _ in range(DEEPEST):
            following: list[Reached] = []
            for at in layer:
                yield at
                for key, sometimes, injected in self._steps_of(at.function):
                    if key in seen or len(seen) > MOST_REACHED:
                        continue
                    seen.add(key)
                    function = self._functions[key][0]
                    following.append(
                        Reached(
                            function,
                            via=(*at.via, at.function),
                            sometimes=at.sometimes or sometimes,
                            once=at.once or _keeps(function),
                            threaded=at.threaded or (injected and not function.asynchronous),
                        )
                    )
            layer = following
        yield from layer

    def _method(self, path: str, callee: str) -> Key | None:
        """The method that *callee* means upon an object which a name of a module, or a function, gives
        (``service.predict``, ``get_service().predict``)."""
        head, _, method = callee.rpartition(".")
        if not head or callee[0] == "*":
            return None
        asked = (path, callee)
        if asked not in self._methods:
            made = head.endswith("()")
            where = self._find(path, head.replace("()", ""), self._given)
            given = self._given[where] if where is not None else None
            found = None
            if given is not None and given.function is made and given.api.endswith("()"):
                found = self.called(given.path, f"{given.api}.{method}")
            self._methods[asked] = found
        return self._methods[asked]

    def _steps_of(self, function: Function) -> tuple[tuple[Key, bool, bool], ...]:
        """The functions of the tree that *function* calls, whether it does so only in some cases, and whether it is the
        framework that calls them before it."""
        steps = self._steps.get(id(function))
        if steps is None:
            found: list[tuple[Key, bool, bool]] = []
            for callee in function.calls:
                key = self.called(function.path, callee) or self._method(function.path, callee)
                if key is not None:
                    found.append((key, callee in function.sometimes, callee in function.injected))
            steps = self._steps[id(function)] = tuple(found)
        return steps

    def function(self, key: Key) -> Function | None:
        """The one function of that file and name."""
        found = self._functions.get(key, ())
        return found[0] if len(found) == 1 else None

    def called(self, path: str, callee: str) -> Key | None:
        """The function of the tree that *callee* means in the file *path*; a class means its ``__init__``."""
        if callee[0] == "*" or callee.startswith("builtins."):
            return None
        last = callee[callee.rfind(".") + 1 :].removesuffix("()")
        functions, classes = self._modules.callable_names
        if last not in functions and last not in classes:
            return None  # as with most: they are of libraries
        asked = (path, callee)
        if asked not in self._callees:
            name = callee.replace("()", "")
            candidates = ((name, functions), (f"{name}.__init__", classes))
            found = (self._find(path, candidate, self._functions) for candidate, known in candidates if last in known)
            self._callees[asked] = next((key for key in found if key and len(self._functions[key]) == 1), None)
        return self._callees[asked]


def _keeps(function: Function) -> bool:
    return any(decorator.rpartition(".")[2] in _CACHES for decorator in function.decorators)


def _joined(prefix: str, path: str) -> str:
    """Two parts of a path, with one slash between; the path of the root is ``/``."""
    return "/" + "/".join(part for part in (*prefix.split("/"), *path.split("/")) if part)
