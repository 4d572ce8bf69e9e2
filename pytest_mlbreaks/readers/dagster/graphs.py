"""Ops, graphs and jobs: the calls in a graph's body, and which takes the result of which."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from pytest_mlbreaks.formats.python import CallSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import children
from pytest_mlbreaks.model.expr import Unknown
from pytest_mlbreaks.model.facts import Argument, DagsterArgument, DagsterGraph, DagsterNode
from pytest_mlbreaks.readers.dagster.code import HOLE, Given, at, decorators, given, reference, settings

_KINDS: Final[dict[str, Literal["op", "graph", "job"]]] = {
    "dagster.op": "op",
    "dagster.graph": "graph",
    "dagster.job": "job",
}
_SAME: Final = frozenset({"with_hooks", "tag", "configured", "with_retry_policy", "collect"})
_KEPT: Final = ("retry_policy", "ins", "required_resource_keys", "executor_def", "partitions_def", "pool")
NODE_LIMIT: Final = 1000
"""Nodes of one graph; the largest surveyed has some forty."""


def graphs(file: PythonFile) -> Iterator[DagsterGraph]:
    """All ops, graphs and jobs of *file*."""
    for site in file.functions:
        for decorator, arguments in decorators(file, site) if site.node.decorator_list else ():
            kind = _KINDS.get(decorator)
            if kind is not None:
                yield _graph(file, site, kind, arguments)
    for call in file.calls_by_name.get("dagster.define_asset_job", ()):
        yield _asset_job(file, call)
    for call in file.methods_by_name.get("to_job", ()):
        yield _of_graph(file, call)
    for callee, calls in file.calls_by_name.items():
        if callee.endswith(".to_job") and "()" not in callee and not callee.startswith("*"):
            yield from (_of_graph(file, call) for call in calls)


def _asset_job(file: PythonFile, call: CallSite) -> DagsterGraph:
    arguments = given(call.node)
    name = file.text(arguments.get("name", 0), call.scope) or HOLE
    selection = arguments.get("selection", 1)
    kept = settings(file, arguments, call.scope, ("partitions_def", "config", "hooks", "op_retry_policy"))
    if selection is not None:
        kept = (*kept, Argument(name="selection", value=Unknown("assets"), place=file.place(selection)))
    return DagsterGraph(
        kind="job",
        name=name,
        function=call.result or name,
        settings=kept,
        doubt="its steps are assets",
        place=file.place(call.node),
    )


def _of_graph(file: PythonFile, call: CallSite) -> DagsterGraph:
    arguments = given(call.node)
    function = call.node.func
    graph = reference(file, function.value, call.scope) if isinstance(function, ast.Attribute) else ""
    written = arguments.get("name", 0)
    name = (file.text(written, call.scope) or HOLE) if written is not None else ""
    return DagsterGraph(
        kind="job",
        name=name,
        function=call.result or name,
        graph=graph,
        doubt="" if graph else "its graph is computed",
        place=file.place(call.node),
    )


def _graph(file: PythonFile, site: FunctionSite, kind: Literal["op", "graph", "job"], arguments: Given) -> DagsterGraph:
    outer = site.scope.parent or file.module
    written = arguments.get("name")
    name = (file.text(written, outer) or HOLE) if written is not None else site.node.name
    body = _Body(file, site.scope)
    if kind != "op":
        body.block(site.node.body)
    doubt = body.doubt
    if outer.kind != "module":
        doubt = doubt or f"it is made by the function {outer.qualname}"
    return DagsterGraph(
        kind=kind,
        name=name,
        function=site.scope.qualname,
        parameters=tuple(site.scope.parameters),
        nodes=tuple(body.nodes),
        returns=tuple(sorted(body.returns)),
        settings=settings(file, arguments, outer, _KEPT),
        doubt=doubt,
        place=at(file, site.node),
    )


_Made = tuple[frozenset[int], frozenset[str]]
"""What a value comes from: nodes, and parameters of the graph."""
_NOTHING: Final[_Made] = (frozenset(), frozenset())


def _both(values: Iterable[_Made]) -> _Made:
    nodes: set[int] = set()
    parameters: set[str] = set()
    for made in values:
        nodes |= made[0]
        parameters |= made[1]
    return frozenset(nodes), frozenset(parameters)


class _Body:
    """Follows the body of one graph: each call of an op or graph is a node."""

    def __init__(self, file: PythonFile, scope: Scope) -> None:
        self._file = file
        self._scope = scope
        self._names: dict[str, _Made] = {name: (frozenset(), frozenset({name})) for name in scope.parameters}
        self.nodes: list[DagsterNode] = []
        self.returns: frozenset[int] = frozenset()
        self.doubt = ""
        self._mapped = 0

    def block(self, statements: Iterable[ast.stmt]) -> None:
        """Follow statements; what is neither an assignment nor a call leaves a doubt."""
        for statement in statements:
            if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                made = self._value(statement.value) if statement.value is not None else _NOTHING
                for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                    self._bind(target, made)
            elif isinstance(statement, ast.Expr):
                self._value(statement.value)
            elif isinstance(statement, ast.Return):
                made = self._value(statement.value) if statement.value is not None else _NOTHING
                self.returns |= made[0]
            elif isinstance(statement, ast.With):
                for item in statement.items:
                    self._value(item.context_expr)
                self.block(statement.body)
            elif isinstance(statement, (ast.If, ast.For, ast.While, ast.Try, ast.Match)):
                self.doubt = self.doubt or "its body has conditions or loops"
                for field in ("body", "orelse", "finalbody"):
                    self.block(getattr(statement, field, ()))

    def _bind(self, target: ast.expr, made: _Made) -> None:
        if isinstance(target, ast.Name):
            self._names[target.id] = made
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self._bind(element, made)

    def _value(self, node: ast.expr) -> _Made:
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Name):
            return self._names.get(node.id, _NOTHING)
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            return self._value(node.value)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return _both(self._value(element) for element in node.elts)
        if isinstance(node, ast.Dict):
            return _both(self._value(value) for value in node.values)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp, ast.IfExp)):
            self.doubt = self.doubt or "its body has conditions or loops"
            return _both(self._value(child) for child in children(node) if isinstance(child, ast.expr))
        return _NOTHING

    def _call(self, node: ast.Call) -> _Made:
        function = node.func
        alias = ""
        while isinstance(function, ast.Call) and isinstance(function.func, ast.Attribute):
            inner = given(function)
            if function.func.attr == "alias":
                alias = alias or self._file.text(inner.get("name", 0), self._scope) or HOLE
            elif function.func.attr == "configured":
                alias = alias or self._file.text(inner.get("name", 1), self._scope) or HOLE
            elif function.func.attr not in _SAME:
                break
            function = function.func.value
        if isinstance(function, ast.Attribute):
            held = self._value(function.value)
            if held != _NOTHING and function.attr == "map":
                return self._map(node, held)
            if held != _NOTHING and function.attr in _SAME:
                return held
        named = reference(self._file, function, self._scope)
        if named.endswith(".to_source_asset"):
            return _NOTHING
        if not named or named.startswith("dagster."):
            self._unknown(named)
            return _both(self._value(argument) for argument in node.args)
        return self._node(node, named, alias)

    def _unknown(self, named: str) -> None:
        if not named:
            self.doubt = self.doubt or "its body calls what can't be told"

    def _map(self, node: ast.Call, held: _Made) -> _Made:
        """``x.map(op)`` and ``x.map(lambda y: op(y))``: a node that runs once for each."""
        function = node.args[0] if node.args else None
        if function is None:
            return held
        self._mapped += 1
        try:
            if isinstance(function, ast.Lambda):
                for parameter in function.args.args:
                    self._names[parameter.arg] = held
                return self._value(function.body)
            named = reference(self._file, function, self._scope)
            if named:
                argument = DagsterArgument(name="0", nodes=tuple(sorted(held[0])), parameters=tuple(sorted(held[1])))
                return self._add(
                    DagsterNode(callee=named, arguments=(argument,), mapped=True, place=self._file.place(node))
                )
            self._unknown("")
            return held
        finally:
            self._mapped -= 1

    def _node(self, node: ast.Call, callee: str, alias: str) -> _Made:
        arguments = []
        every = [(str(i), a) for i, a in enumerate(node.args)] + [(k.arg or "**", k.value) for k in node.keywords]
        for name, value in every:
            nodes, parameters = self._value(value)
            arguments.append(
                DagsterArgument(name=name, nodes=tuple(sorted(nodes)), parameters=tuple(sorted(parameters)))
            )
        place = self._file.place(node)
        mapped = self._mapped > 0
        return self._add(
            DagsterNode(callee=callee, alias=alias, arguments=tuple(arguments), mapped=mapped, place=place)
        )

    def _add(self, node: DagsterNode) -> _Made:
        if len(self.nodes) >= NODE_LIMIT:
            self.doubt = f"it has more than {NODE_LIMIT} nodes"
            return _NOTHING
        self.nodes.append(node)
        return frozenset({len(self.nodes) - 1}), frozenset()
