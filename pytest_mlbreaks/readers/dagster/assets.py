"""The assets that one module defines: decorated functions, notebooks, dbt projects, and those that others make."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, Literal

from pytest_mlbreaks.formats.python import CallSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model.facts import AssetInput, Callee, DagsterAsset
from pytest_mlbreaks.readers.dagster.code import (
    HOLE,
    Given,
    at,
    decorators,
    elements,
    given,
    input_of,
    join,
    key_text,
    pairs,
    prefix_of,
    settings,
    spec_key,
)

_SINGLE: Final[dict[str, Literal["asset", "graph"]]] = {
    "dagster.asset": "asset",
    "dagster.graph_asset": "graph",
}
_MULTI: Final[dict[str, Literal["multi", "graph"]]] = {
    "dagster.multi_asset": "multi",
    "dagster.graph_multi_asset": "graph",
}
_OBSERVED: Final = frozenset({"dagster.observable_source_asset", "dagster.multi_observable_source_asset"})
_DBT: Final = frozenset({"dagster_dbt.dbt_assets", "dagster_dbt.asset_decorator.dbt_assets"})
_NOTEBOOKS: Final = frozenset({"dagstermill.define_dagstermill_asset", "dagstermill.factory.define_dagstermill_asset"})
_EXTERNAL: Final = ("dagster.SourceAsset", "dagster.AssetSpec")
_CONTEXTS: Final = frozenset({"context", "_context", "context_", "_"})
_KEPT: Final = (
    *("partitions_def", "automation_condition", "auto_materialize_policy", "retry_policy", "io_manager_key"),
    *("required_resource_keys", "freshness_policy", "backfill_policy", "pool"),
)


def assets(file: PythonFile) -> Iterator[DagsterAsset]:
    """All assets of *file*."""
    for site in file.functions:
        if site.node.decorator_list:
            yield from _decorated(file, site)
    for name in _NOTEBOOKS:
        for call in file.calls_by_name.get(name, ()):
            yield _notebook(file, call)
    inside = _inside_decorators(file)
    for name in _EXTERNAL:
        for call in file.calls_by_name.get(name, ()):
            key = spec_key(file, given(call.node), call.scope)
            if call.result and call.scope.kind == "module" and id(call.node) not in inside and key is not None:
                yield DagsterAsset(key=key, kind="external", variable=call.result, place=file.place(call.node))


def _inside_decorators(file: PythonFile) -> frozenset[int]:
    return frozenset(
        id(node)
        for site in file.functions
        for decorator in site.node.decorator_list
        for node in walk(decorator)
        if isinstance(node, ast.Call)
    )


def _decorated(file: PythonFile, site: FunctionSite) -> Iterator[DagsterAsset]:
    outer = site.scope.parent or file.module
    name = site.node.name
    for decorator, arguments in decorators(file, site):
        doubt = _doubt(site, arguments)
        callee = Callee(path=file.path, name=site.scope.qualname)
        variable = name if outer.kind == "module" else ""
        if decorator in _SINGLE:
            key = _key(file, arguments, outer, name)
            kind = _SINGLE[decorator]
            yield DagsterAsset(
                key=key,
                kind=kind,
                variable=variable,
                inputs=(*_deps(file, arguments, outer), *_parameters(file, site, arguments, outer)),
                group=file.text(arguments.get("group_name"), outer) or "",
                callee=callee,
                settings=settings(file, arguments, outer, _KEPT),
                doubt=doubt,
                place=at(file, site.node),
            )
        elif decorator in _MULTI:
            yield from _multi(file, site, arguments, _MULTI[decorator], doubt)
        elif decorator in _DBT:
            if "dagster_dbt_translator" in arguments.named:
                doubt = doubt or "the keys of dbt's models are said by code"
            kept = settings(file, arguments, outer, ("select", "exclude", "manifest", "project"))
            yield DagsterAsset(
                key=name,
                kind="dbt",
                variable=variable,
                callee=callee,
                settings=kept,
                doubt=doubt,
                place=at(file, site.node),
            )
        elif decorator in _OBSERVED:
            key = _key(file, arguments, outer, name)
            yield DagsterAsset(key=key, kind="external", variable=variable, doubt=doubt, place=at(file, site.node))


def _doubt(site: FunctionSite, arguments: Given) -> str:
    parent = site.scope.parent
    if parent is not None and parent.kind != "module":
        return f"assets are made by the function {parent.qualname}"
    if site.loops:
        return "assets are made in a loop"
    return "arguments of an asset are computed" if arguments.partial else ""


def _key(file: PythonFile, arguments: Given, scope: Scope, function: str) -> str:
    node = arguments.get("key")
    if node is not None and not (isinstance(node, ast.Constant) and node.value is None):
        return key_text(file, node, scope) or HOLE
    node = arguments.get("name")
    named = node is not None and not (isinstance(node, ast.Constant) and node.value is None)
    name = (file.text(node, scope) or HOLE) if named else function
    return join(prefix_of(file, arguments.get("key_prefix"), scope), HOLE if arguments.partial else name)


def _deps(file: PythonFile, arguments: Given, scope: Scope) -> Iterator[AssetInput]:
    for field in ("deps", "non_argument_deps"):
        found, complete = elements(arguments.get(field))
        for node in found:
            yield input_of(file, node, scope)
        if not complete and not found:
            yield AssetInput(key=HOLE, place=file.place(arguments.named[field]))


def _ins(file: PythonFile, arguments: Given, scope: Scope) -> dict[str, AssetInput]:
    """Inputs by the parameter that takes them; a ``key_prefix`` alone stands before the parameter's name."""
    found = {}
    entries, _ = pairs(arguments.get("ins"), file, scope)
    for name, node in entries:
        key: str | None = name
        if isinstance(node, ast.Call):
            inner = given(node)
            written = inner.get("key", 0)
            if written is not None:
                found[name] = input_of(file, written, scope)
                continue
            key = join(prefix_of(file, inner.get("key_prefix"), scope), name)
        found[name] = AssetInput(key=key or HOLE, place=file.place(node))
    return found


def _parameters(file: PythonFile, site: FunctionSite, arguments: Given, scope: Scope) -> Iterator[AssetInput]:
    """The assets that the parameters name."""
    ins = _ins(file, arguments, scope)
    resources = {name for name, _ in pairs(arguments.get("resource_defs"), file, scope)[0]}
    names = list(site.scope.parameters.items())
    if names and names[0][0] in _CONTEXTS:
        names = names[1:]
    for name, node in names:
        if name in ins:
            yield ins.pop(name)
        elif name != "config" and name not in resources and not _is_resource(file, node, scope):
            yield AssetInput(key=name, named=False, place=file.place(node))
    yield from ins.values()


def _is_resource(file: PythonFile, node: ast.arg, scope: Scope) -> bool:
    """Whether the annotation of a parameter is a resource of Dagster, as far as its name tells."""
    annotation = node.annotation
    if annotation is None:
        return False
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    name = file.qualified(annotation, scope) or ""
    return name.startswith("dagster") or name.endswith(("Resource", "ResourceParam", "Client", "Context", "Config"))


def _multi(
    file: PythonFile, site: FunctionSite, arguments: Given, kind: Literal["multi", "graph"], doubt: str
) -> Iterator[DagsterAsset]:
    outer = site.scope.parent or file.module
    group = file.text(arguments.get("group_name"), outer) or ""
    shared = (*_deps(file, arguments, outer), *_parameters(file, site, arguments, outer))
    made: list[tuple[str, tuple[AssetInput, ...], ast.AST]] = []
    specs, all_specs = elements(arguments.get("specs"))
    for node in specs:
        call = node if isinstance(node, ast.Call) else None
        key = key_text(file, node, outer)
        own = tuple(_deps(file, given(call), outer)) if call is not None else ()
        made.append((key or HOLE, (*shared, *own), node))
    outs, all_outs = pairs(arguments.get("outs"), file, outer)
    within, told = pairs(arguments.get("internal_asset_deps"), file, outer)
    internal = dict(within)
    for name, node in outs:
        key = name
        if isinstance(node, ast.Call):
            inner = given(node)
            written = key_text(file, inner.get("key"), outer) if inner.get("key") is not None else name
            key = join(prefix_of(file, inner.get("key_prefix"), outer), written or HOLE)
        inputs = shared
        if name in internal:
            inputs = tuple(input_of(file, e, outer) for e in elements(internal[name])[0])
        made.append((key, inputs, node))
    if not (all_specs and all_outs and told) or not made:
        doubt = doubt or "assets of a multi_asset are computed"
    if not made:
        made.append((HOLE, shared, site.node))
    for key, inputs, at_node in made:
        yield DagsterAsset(
            key=key,
            kind=kind,
            variable=site.node.name if outer.kind == "module" else "",
            inputs=inputs,
            group=group,
            callee=Callee(path=file.path, name=site.scope.qualname),
            settings=settings(file, arguments, outer, _KEPT),
            doubt=doubt,
            place=at(file, at_node),
        )


def _notebook(file: PythonFile, call: CallSite) -> DagsterAsset:
    arguments = given(call.node)
    scope = call.scope
    name = file.text(arguments.get("name", 0), scope) or HOLE
    return DagsterAsset(
        key=join(prefix_of(file, arguments.get("key_prefix"), scope), name),
        kind="notebook",
        variable=call.result if scope.kind == "module" else "",
        inputs=(*_deps(file, arguments, scope), *_ins(file, arguments, scope).values()),
        group=file.text(arguments.get("group_name"), scope) or "",
        settings=settings(file, arguments, scope, ("notebook_path", *_KEPT)),
        doubt="" if scope.kind == "module" else f"assets are made by the function {scope.qualname}",
        place=file.place(call.node),
    )
