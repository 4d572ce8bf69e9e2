"""What a module hands to Dagster: ``Definitions``, repositories, lists of assets; its schedules and variables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import DagsterDefinitions, DagsterSource, DagsterTimer, EnvRead
from pytest_mlbreaks.readers.dagster.code import Given, at, decorators, elements, given, prefix_of, reference

_ROOTS: Final = frozenset({"dagster.Definitions", "dagster.Definitions.merge"})
_MODULES: Final = frozenset(
    {
        *("dagster.load_assets_from_modules", "dagster.load_definitions_from_modules"),
        *("dagster.load_definitions_from_module", "dagster.load_asset_checks_from_modules"),
    }
)
_PACKAGES: Final = frozenset(
    {
        *("dagster.load_assets_from_package_module", "dagster.load_assets_from_package_name"),
        *("dagster.load_definitions_from_package_module", "dagster.load_definitions_from_package_name"),
    }
)
_CURRENT: Final = frozenset({"dagster.load_assets_from_current_module", "dagster.load_definitions_from_current_module"})
_FOLDERS: Final = frozenset({"dagster.load_from_defs_folder", "dagster.components.load_from_defs_folder"})
_DEFS: Final = frozenset({"dagster.load_defs", "dagster.components.load_defs"})
_LOADS: Final = _ROOTS | _MODULES | _PACKAGES | _CURRENT | _FOLDERS | _DEFS
_MAKERS: Final = frozenset({"dagster.repository", "dagster.definitions", "dagster.components.definitions"})
_TIMERS: Final = frozenset({"dagster.ScheduleDefinition", "dagster.build_schedule_from_partitioned_job"})
_SAME_ASSETS: Final = frozenset(
    {
        "with_resources",
        "with_source_code_references",
        "link_code_references_to_git",
        "link_code_references_to_git_if_cloud",
    }
)
"""Functions that hand the assets of their first argument on."""
_NO_ASSETS: Final = ("Job", "job", "Schedule", "schedule", "sensor", "Sensor", "check", "Check")
_DEPTH: Final = 8


def definitions(file: PythonFile) -> Iterator[DagsterDefinitions]:
    """The definitions of *file*, and its lists of assets."""
    for site in file.functions:
        for decorator, _ in decorators(file, site) if site.node.decorator_list else ():
            if decorator in _MAKERS:
                sources = tuple(
                    source
                    for node in walk(site.node)
                    if isinstance(node, ast.Return) and node.value is not None
                    for source in _sources(file, node.value, site.scope, 0)
                )
                yield DagsterDefinitions(variable=site.node.name, sources=sources, place=at(file, site.node))
    for assignment in file.module.assignments:
        value = assignment.value
        root = isinstance(value, ast.Call) and file.qualified(value.func, file.module) in _ROOTS
        if root or _lists(file, value):
            yield DagsterDefinitions(
                variable=assignment.name,
                sources=tuple(_sources(file, value, file.module, 0)),
                root=root or (isinstance(value, ast.Call) and _is(file, value, _FOLDERS | _DEFS)),
                place=file.place(assignment.node),
            )


def _is(file: PythonFile, call: ast.Call, names: frozenset[str]) -> bool:
    return file.qualified(call.func, file.module) in names


def _lists(file: PythonFile, value: ast.expr | None) -> bool:
    """Whether *value* loads assets, or is a list of names or such loads."""
    if isinstance(value, ast.Call):
        return file.qualified(value.func, file.module) in _LOADS
    if isinstance(value, (ast.List, ast.Tuple, ast.BinOp)):
        found, _ = elements(value)
        return bool(found) and all(
            isinstance(e, ast.Name) or (isinstance(e, ast.Call) and _is(file, e, _LOADS)) for e in found
        )
    return False


def _sources(file: PythonFile, node: ast.expr, scope: Scope, depth: int) -> Iterator[DagsterSource]:
    """Where the assets that *node* stands for come from."""
    place = file.place(node)
    if depth > _DEPTH:
        yield DagsterSource(kind="unknown", place=place)
    elif isinstance(node, ast.Call):
        yield from _call(file, node, scope, depth)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        named = reference(file, node, scope)
        bound = _local(node, scope) if not named else None
        if bound is not None:
            yield from _sources(file, bound, scope, depth + 1)
        else:
            yield DagsterSource(kind="name" if named else "unknown", names=(named,) if named else (), place=place)
    elif isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.BinOp)):
        for element in elements(node)[0]:
            if element is node:
                yield DagsterSource(kind="unknown", place=place)
            else:
                yield from _sources(file, element, scope, depth + 1)
    elif not isinstance(node, ast.Constant):
        yield DagsterSource(kind="unknown", place=place)


def _local(node: ast.expr, scope: Scope) -> ast.expr | None:
    """What a name of a function is bound to, where that is one expression."""
    if isinstance(node, ast.Name) and scope.kind == "function":
        bindings = scope.names.get(node.id, ())
        if len(bindings) == 1 and isinstance(bindings[0], ast.expr):
            return bindings[0]
    return None


def _call(file: PythonFile, node: ast.Call, scope: Scope, depth: int) -> Iterator[DagsterSource]:
    callee = file.qualified(node.func, scope) or ""
    arguments = given(node)
    place = file.place(node)
    prefix = prefix_of(file, arguments.get("key_prefix"), scope)
    if callee == "dagster.Definitions.merge":
        for inner in node.args:
            yield from _sources(file, inner.value if isinstance(inner, ast.Starred) else inner, scope, depth + 1)
    elif callee == "dagster.Definitions":
        given_assets = arguments.get("assets", 0)
        if given_assets is not None:
            yield from _sources(file, given_assets, scope, depth + 1)
        elif arguments.partial:
            yield DagsterSource(kind="unknown", place=place)
    elif callee in _MODULES:
        listed = arguments.get("modules", 0) or arguments.get("module")
        yield _named(file, "modules", elements(listed)[0], scope, prefix)
    elif callee in _PACKAGES:
        package = arguments.get("package_module", 0) or arguments.get("package_name")
        text = file.text(package, scope)
        if text is not None:
            yield DagsterSource(kind="package", names=(text,), prefix=prefix, place=place)
        else:
            yield _named(file, "package", [package] if package is not None else [], scope, prefix)
    elif callee in _CURRENT:
        yield DagsterSource(kind="modules", names=("",), prefix=prefix, place=place)
    elif callee in _FOLDERS:
        yield DagsterSource(kind="folder", names=("defs",), place=place)
    elif callee in _DEFS:
        root = arguments.get("defs_root", 0)
        named = _named(file, "package", [root] if root is not None else [], scope, "")
        yield DagsterSource(kind="folder" if named.kind == "package" else "unknown", names=named.names, place=place)
    elif callee.rpartition(".")[2] in _SAME_ASSETS and node.args:
        yield from _sources(file, node.args[0], scope, depth + 1)
    elif not callee.endswith(_NO_ASSETS) and not callee.startswith(("dagster.AssetSpec", "dagster.SourceAsset")):
        yield DagsterSource(kind="unknown", place=place)


def _named(file: PythonFile, kind: str, nodes: list[ast.expr], scope: Scope, prefix: str) -> DagsterSource:
    names = tuple(_module(file, node, scope) for node in nodes)
    whole = bool(names) and all(names)
    found = file.place(nodes[0]) if nodes else file.place(ast.Module([], []))
    if not whole:
        return DagsterSource(kind="unknown", place=found)
    return DagsterSource(kind="package" if kind == "package" else "modules", names=names, prefix=prefix, place=found)


def _module(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    found = file.qualified(node, scope) or ""
    return "" if found.startswith("*") or "()" in found else found


def timers(file: PythonFile) -> Iterator[DagsterTimer]:
    """Schedules, and the jobs that they start."""
    for name in _TIMERS:
        for call in file.calls_by_name.get(name, ()):
            timer = _timer(file, given(call.node), call.scope, call.result, call.node)
            if timer is not None:
                yield timer
    for site in file.functions:
        for decorator, arguments in decorators(file, site) if site.node.decorator_list else ():
            if decorator == "dagster.schedule":
                timer = _timer(file, arguments, site.scope.parent or file.module, site.node.name, site.node)
                if timer is not None:
                    yield timer


def _timer(file: PythonFile, arguments: Given, scope: Scope, variable: str, node: ast.AST) -> DagsterTimer | None:
    cron = arguments.get("cron_schedule")
    job = arguments.get("job") or arguments.get("target") or (arguments.positional[0] if arguments.positional else None)
    named = arguments.get("job_name")
    text = (file.text(named, scope) if named is not None else None) or file.text(job, scope)
    told = text or (reference(file, job, scope) if job is not None else "")
    if not told or cron is None:
        return None
    return DagsterTimer(job=told, cron=file.expr(cron, scope), variable=variable, place=at(file, node))


def variables(file: PythonFile) -> Iterator[EnvRead]:
    """``EnvVar("X")``, which a resource asks for when a run starts; ``EnvVar("X").get_value("x")`` at once."""
    for call in file.calls_by_name.get("dagster.EnvVar", ()):
        key = file.text(call.node.args[0], call.scope) if call.node.args else None
        if key:
            place = file.place(call.node)
            yield EnvRead(key=Literal(key), scope=call.scope.function, required=True, api="dagster.EnvVar", place=place)
