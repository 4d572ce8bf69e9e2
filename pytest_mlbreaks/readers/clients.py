"""Objects that code gets from elsewhere: which names give one that a class has made, which names and functions give a
client of a store or service, and the calls upon what another file or a function may have made.

What a function gives is told by its annotation, else by all that it returns or yields; what a name is, by all that is
ever assigned to it beside ``None``. Where there are several, or one of them isn't known, nothing is said. What is
awaited on the way is not followed: it may be another class with the same methods.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import PYTHON, CallSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import GivenObject, ObjectCall
from pytest_mlbreaks.readers._waiting import Held, is_async_session
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.waiting import LIBRARIES, METHODS, is_client, waits

DEEPEST: Final = 6
"""Names bound to names, and calls upon results of calls, that are followed."""

_NO_CLIENTS: Final = frozenset(sys.stdlib_module_names) | {
    *("fastapi", "starlette", "pydantic", "numpy", "pandas", "torch", "sklearn", "builtins", "quart", "flask", "httpx"),
    *("requests", "aiohttp", "prometheus_client", "opentelemetry", "yaml", "jose", "structlog", "tensorflow", "polars"),
}
"""Packages of which no object is a client in question."""

_GIVES: Final = re.compile(r"get|client|session|conn|db|database|store|collection|redis|mongo|engine|driver|bucket")
"""Names of functions that may give a client which another one has made."""

_GETS: Final = re.compile(r"_?(?:get|create|make|build)_")
"""How the names of functions begin that give an object of a class of the tree."""

_INSTANCE: Final = re.compile(r"(?:[.\w]*\.)?_?[A-Z]\w*\(\)")
"""What an object that a class has made is called."""

_WRAPPERS: Final = frozenset(
    {"Annotated", "Optional", "Generator", "Iterator", "Iterable", "AsyncGenerator", "AsyncIterator", "ContextManager"}
    | {"AsyncIterable", "AbstractContextManager"}
)
"""Annotations whose first part is what is meant."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The facts of one module. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    names = _Names(file)
    yield from _variables(file, names)
    yield from _functions(file, names, any(one.target.partition(".")[0] in LIBRARIES for one in file.imports))
    held = Held(file)
    for callee, sites in file.calls_by_name.items():
        head, _, method = callee.rpartition(".")
        if method in METHODS and head and _may_be(head):
            for site in sites:
                yield from _call(file, site, names, held)


def _may_be(head: str) -> bool:
    """Whether the object of a call, as its callee tells it, may be a client that only another file knows."""
    return head == "*" or head.partition(".")[0].partition("(")[0] not in _NO_CLIENTS


def _call(file: PythonFile, site: CallSite, names: _Names, held: Held) -> Iterator[ObjectCall]:
    if not site.scope.function or waits(site.callee, site.callee.rpartition(".")[2]):
        return
    api = names.told(site.node.func, site.scope, DEEPEST)
    head = api.rpartition(".")[0]
    if not head or not _may_be(head) or ("()" not in head and "." not in head):
        return
    if not is_async_session(file, api) and not held.skips(site):
        yield ObjectCall(
            place=file.place(site.node),
            api=api,
            scope=site.scope.function,
            loops=len(site.loops),
            conditional=site.conditional,
            lazy=held.is_generator(site.scope),
        )


def _variables(file: PythonFile, names: _Names) -> Iterator[GivenObject]:
    """Names of the module; annotations that have a name (``SessionDep = Annotated[Session, Depends(get_db)]``) count as
    classes."""
    seen: set[str] = set()
    for assignment in file.module.assignments:
        name = assignment.name
        if name in seen or assignment.value is None:
            continue
        seen.add(name)
        value = assignment.value
        alias = names.annotated(value, file.module) if isinstance(value, (ast.Subscript, ast.BinOp)) else ""
        api = alias or names.named(name, file.module, DEEPEST)
        if (is_client(api) or _is_instance(api)) and not is_async_session(file, api):
            yield GivenObject(place=file.place(assignment.node), name=name, api=api)


def _is_instance(api: str) -> bool:
    """Whether it is what a class has made, which may be one of the tree."""
    return _INSTANCE.fullmatch(api) is not None and _may_be(api)


def _functions(file: PythonFile, names: _Names, clients: bool) -> Iterator[GivenObject]:
    """Functions that give a client, of a file that imports such libraries; and those whose names say that they get or
    make an object."""
    made = [sites for callee, sites in file.calls_by_name.items() if is_client(callee)]
    making = {site.scope.function for sites in made for site in sites}
    for site in file.functions:
        name = site.scope.qualname
        gets = _GETS.match(site.node.name) is not None
        if not (clients or gets):
            continue
        api = names.annotated(site.node.returns, site.scope.parent or file.module)
        if api:
            api += "()"
        elif site.node.returns is None and _is_asked(site, clients, gets, name in making):
            api = _given(site, names)
        if api and (is_client(api) or (gets and _is_instance(api))) and not is_async_session(file, api):
            yield GivenObject(place=file.definition_place(site.node), name=name, api=api, function=True)


def _is_asked(site: FunctionSite, clients: bool, gets: bool, makes: bool) -> bool:
    """Whether it is worth looking at what the function returns."""
    if clients and (makes or _GIVES.search(site.node.name)):
        return True
    return gets and not site.scope.parameters


def _given(site: FunctionSite, names: _Names) -> str:
    """What all that a function returns or yields is called; "" where there are several, or it isn't known."""
    found: set[str] = set()
    for value in _values(site.node):
        if not (isinstance(value, ast.Constant) and value.value is None):
            found.add(names.told(value, site.scope, DEEPEST))
    return found.pop() if len(found) == 1 else ""


def _values(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """What a function returns or yields, functions in it left out."""
    for node in within(function.body):
        if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
            yield node.value


class _Names:
    """What expressions of a file are called, through subscripts, ``None`` and ``global``; "" where that isn't told."""

    def __init__(self, file: PythonFile) -> None:
        self._file = file
        self._results: dict[str, set[str]] | None = None

    def told(self, node: ast.expr, scope: Scope, depth: int) -> str:
        """The name of *node* as a callee begins."""
        while isinstance(node, ast.Subscript):
            node = node.value
        if depth <= 0:
            return ""
        if isinstance(node, ast.Call):
            made = self.told(node.func, scope, depth - 1)
            return f"{made}()" if made else ""
        if isinstance(node, ast.Name):
            return self.named(node.id, scope, depth - 1)
        if not isinstance(node, ast.Attribute):
            return ""
        if isinstance(node.value, ast.Name) and node.value.id == scope.receiver and scope.parent is not None:
            return self._attribute(node.attr, scope.parent, depth - 1)
        owner = self.told(node.value, scope, depth)
        return f"{owner}.{node.attr}" if owner else ""

    def named(self, name: str, scope: Scope, depth: int) -> str:
        """What *name* is called that is used in *scope*."""
        owner = scope.owner(name)
        if owner is None:
            star = self._file.star_imports
            return f"{star[0]}.{name}" if len(star) == 1 else ""
        if name in owner.imports:
            return owner.imports[name]
        bindings = owner.names[name]
        if "definition" in bindings:
            return f"{owner.qualname}.{name}" if owner.qualname else name
        if bindings == ["parameter"] and name in owner.parameters and owner.parent is not None:
            made = self.annotated(owner.parameters[name].annotation, owner.parent)
            return f"{made}()" if made else ""
        found = set()
        for binding in bindings:
            if isinstance(binding, ast.expr):
                if not _is_none(binding):
                    found.add(self.told(binding, owner, depth))
            elif binding == "other" and owner.kind == "module":
                found |= self._assigned(name)
            else:
                return ""
        return found.pop() if len(found) == 1 else ""

    def _attribute(self, name: str, cls: Scope, depth: int) -> str:
        """What ``self.NAME`` is called."""
        if "definition" in cls.names.get(name, ()):
            return f"{cls.qualname}.{name}"
        found = set()
        for binding, scope in cls.attributes.get(name, ()):
            if not isinstance(binding, ast.expr):
                return ""
            if not _is_none(binding):
                found.add(self.told(binding, scope, depth))
        return found.pop() if len(found) == 1 else ""

    def _assigned(self, name: str) -> set[str]:
        """What functions assign to *name*, which they call global, where calls make it."""
        if self._results is None:
            self._results = {}
            for site in self._file.calls:
                if site.result in site.scope.forwarded:
                    made = f"{site.callee}()" if site.callee[:1] not in ("", "*") else ""
                    self._results.setdefault(site.result, set()).add(made)
        return self._results.get(name, {""})

    def annotated(self, node: ast.expr | None, scope: Scope) -> str:
        """The class that an annotation means, without ``None`` and what goes around it."""
        for _ in range(DEEPEST):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
                node = node.right if _is_none(node.left) else node.left if _is_none(node.right) else None
            elif isinstance(node, ast.Subscript):
                outer = node.value
                last = outer.attr if isinstance(outer, ast.Attribute) else getattr(outer, "id", "")
                inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
                node = inner if last in _WRAPPERS else outer if last in ("Redis", "Collection", "Database") else None
            elif isinstance(node, (ast.Name, ast.Attribute)):
                name = self._file.qualified(node, scope) or ""
                return "" if name[:1] in ("", "*") or name.startswith("builtins.") else name
            else:
                return ""
        return ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


READER: Reader[PythonFile] = Reader(
    name="clients",
    version=1,
    format=PYTHON,
    facts=(GivenObject, ObjectCall),
    claims=claims,
    read=read,
)
