"""Kedro: the functions that make pipelines, their nodes, and what these are made of. Link puts them together.

Rules are those of https://docs.kedro.org/en/stable/build/nodes/ and of kedro 1.0: ``pipeline(..., namespace="x")`` puts
``x.`` before the names of nodes and datasets, those left out that ``inputs``, ``outputs`` and ``parameters`` name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import PYTHON, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import Callee, KedroNode, KedroPart, KedroPipeline, KedroWrap
from pytest_mlbreaks.reading import Reader, Wanted

HOLE: Final = "{*}"
ALL: Final = "*"
"""The reference of a part that is all that Kedro finds by itself."""
_PARTS_LIMIT: Final = 500
_PIPELINES: Final = frozenset({"pipeline", "Pipeline"})
_NODES: Final = frozenset({"node", "Node"})
_SOME: Final = frozenset(
    {
        *("only_nodes_with_tags", "only_nodes", "filter", "from_nodes", "to_nodes", "from_inputs", "to_outputs", "tag"),
        *("only_nodes_with_namespace", "only_nodes_with_inputs", "only_nodes_with_outputs", "values", "items", "copy"),
    }
)
_WHOLE: Final = frozenset({"tag", "values", "items", "copy"})


def claims(path: str) -> bool:
    """Python source."""
    return path.endswith(".py")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The pipelines that one module makes. What does not parse is the Python reader's to report."""
    if file.tree is None or "kedro" not in file.roots:
        return
    for site in file.functions:
        if site.scope.parent is file.module and (site.node.name == "register_pipelines" or _makes_one(file, site)):
            maker = _Maker(file, site.scope)
            maker.follow(site)
            yield KedroPipeline(
                function=site.node.name,
                parts=tuple(maker.parts[:_PARTS_LIMIT]),
                doubt=maker.doubt,
                place=file.definition_place(site.node),
            )


def _makes_one(file: PythonFile, site: FunctionSite) -> bool:
    return any(_of_kedro(callee, _PIPELINES) for callee in site.scope.calls)


def _of_kedro(callee: str, names: frozenset[str]) -> bool:
    return callee.rpartition(".")[2] in names and callee.startswith("kedro.")


class _Maker:
    """Follows one function: what it returns, and what it puts into the mapping that it returns."""

    def __init__(self, file: PythonFile, scope: Scope) -> None:
        self._file = file
        self._scope = scope
        self.parts: list[KedroPart] = []
        self.doubt = ""
        self._within = 0

    def follow(self, site: FunctionSite) -> None:
        """Find the parts of what the function returns."""
        returns = [n for n in walk(site.node) if isinstance(n, ast.Return) and n.value is not None]
        if len(returns) > 1:
            self._doubt("it returns one of several pipelines")
        for statement in walk(site.node):
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
                self.parts += self._parts(statement.value)
            elif isinstance(statement, (ast.If, ast.While, ast.Try, ast.Match)):
                self._doubt("it is made under conditions")
            elif isinstance(statement, (ast.For, ast.ListComp, ast.DictComp, ast.GeneratorExp)):
                self._doubt("it is made in a loop")
        for found in returns:
            if found.value is not None:
                self.parts += self._parts(found.value)

    def _doubt(self, reason: str) -> None:
        self.doubt = self.doubt or reason

    def _parts(self, node: ast.expr) -> list[KedroPart]:
        self._within += 1
        try:
            if self._within > 30 or len(self.parts) > _PARTS_LIMIT:
                self._doubt("it is too deep to be followed")
                return []
            return self._made(node)
        finally:
            self._within -= 1

    def _made(self, node: ast.expr) -> list[KedroPart]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.BitOr)):
            return [*self._parts(node.left), *self._parts(node.right)]
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return [part for element in node.elts for part in self._parts(element)]
        if isinstance(node, ast.Dict):
            return [part for value in node.values for part in self._parts(value)]
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return self._parts(node.elt)
        if isinstance(node, ast.Starred):
            return self._parts(node.value)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Subscript):
            return self._parts(node.value)
        if isinstance(node, ast.Call):
            return self._call(node)
        if not isinstance(node, ast.Constant):
            self._doubt("parts of it are computed")
        return []

    def _name(self, node: ast.Name) -> list[KedroPart]:
        owner = self._scope.owner(node.id)
        bindings = owner.names[node.id] if owner is not None else []
        told = [b for b in bindings if isinstance(b, ast.expr)]
        if not told or len(told) < len(bindings):
            self._doubt("parts of it are computed")
        return [part for binding in told for part in self._parts(binding)]

    def _call(self, node: ast.Call) -> list[KedroPart]:
        file = self._file
        callee = file.qualified(node.func, self._scope) or ""
        last = callee.rpartition(".")[2]
        given = {k.arg: k.value for k in node.keywords if k.arg}
        if _of_kedro(callee, _NODES) or (last.endswith("Node") and {"inputs", "outputs"} <= given.keys()):
            return [KedroPart(nodes=(self._node(node, given),), place=file.place(node))]
        if _of_kedro(callee, _PIPELINES):
            return self._pipeline(node, given)
        if callee in ("builtins.sum", "builtins.dict", "builtins.list"):
            return [part for argument in node.args for part in self._parts(argument)]
        if callee.endswith(".find_pipelines"):
            return [KedroPart(reference=ALL, place=file.place(node))]
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SOME:
            if node.func.attr not in _WHOLE:
                self._doubt("some nodes of a pipeline are chosen")
            return self._parts(node.func.value)
        if callee and not callee.startswith("*") and "()" not in callee:
            if node.args or node.keywords:
                self._doubt("a pipeline is made with arguments")
            return [KedroPart(reference=callee, place=file.place(node))]
        self._doubt("parts of it are computed")
        return []

    def _pipeline(self, node: ast.Call, given: dict[str, ast.expr]) -> list[KedroPart]:
        inner = node.args[0] if node.args else given.get("pipe") or given.get("nodes")
        found = self._parts(inner) if inner is not None else []
        wrapped = {name: given[name] for name in ("namespace", "inputs", "outputs", "parameters") if name in given}
        if not wrapped:
            return found
        namespace = wrapped.pop("namespace", None)
        told = self._file.text(namespace, self._scope) if namespace is not None else ""
        if isinstance(namespace, ast.Constant) and namespace.value is None:
            told = ""
        renamed: list[tuple[str, str]] = []
        for field, value in wrapped.items():
            renamed += self._renamed(value, parameters=field == "parameters")
        wrap = KedroWrap(namespace=HOLE if told is None else told, renamed=tuple(renamed))
        return [_wrapped(part, wrap) for part in found]

    def _renamed(self, node: ast.expr, *, parameters: bool) -> Iterator[tuple[str, str]]:
        text = self._file.text(node, self._scope)
        pairs: list[tuple[str | None, str | None]] = []
        if text is not None:
            pairs = [(text, text)]
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            texts = [self._file.text(e, self._scope) for e in node.elts]
            pairs = [(t, t) for t in texts]
        elif isinstance(node, ast.Dict):
            pairs = [
                (self._file.text(k, self._scope), self._file.text(v, self._scope))
                for k, v in zip(node.keys, node.values, strict=True)
            ]
        elif not (isinstance(node, ast.Constant) and node.value is None):
            self._doubt("names of datasets are computed")
        for old, new in pairs:
            if old is None or new is None:
                self._doubt("names of datasets are computed")
            else:
                yield (_parameter(old), _parameter(new)) if parameters else (old, new)

    def _node(self, node: ast.Call, given: dict[str, ast.expr]) -> KedroNode:
        names = ("func", "inputs", "outputs")
        every = {**dict(zip(names, node.args, strict=False)), **given}
        function = every.get("func")
        name = every.get("name")
        named = function.id if isinstance(function, ast.Name) else ""
        named = function.attr if isinstance(function, ast.Attribute) else named
        return KedroNode(
            name="" if name is None else self._file.text(name, self._scope) or HOLE,
            callee=self._callee(function),
            function=named,
            inputs=self._datasets(every.get("inputs")),
            outputs=self._datasets(every.get("outputs")),
            place=self._file.place(node),
        )

    def _callee(self, function: ast.expr | None) -> Callee | None:
        if not isinstance(function, (ast.Name, ast.Attribute)):
            return None
        return Callee(path=self._file.path, name=ast.unparse(function))

    def _datasets(self, node: ast.expr | None) -> tuple[str, ...]:
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return ()
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return tuple(self._dataset(e) for e in node.elts)
        if isinstance(node, ast.Dict):
            return tuple(self._dataset(v) for v in node.values)
        if isinstance(node, ast.Call) and self._file.qualified(node.func, self._scope) == "builtins.dict":
            return tuple(self._dataset(k.value) for k in node.keywords)
        return (self._dataset(node),)

    def _dataset(self, node: ast.expr) -> str:
        text = self._file.text(node, self._scope)
        if text is None:
            self._doubt("names of datasets are computed")
            return HOLE
        return text


def _parameter(name: str) -> str:
    return name if name.startswith("params:") or name == "parameters" else f"params:{name}"


def _wrapped(part: KedroPart, wrap: KedroWrap) -> KedroPart:
    return KedroPart(nodes=part.nodes, reference=part.reference, wraps=(*part.wraps, wrap), place=part.place)


READER = Reader("kedro", 1, PYTHON, (KedroPipeline,), claims, read)
