"""Feast: sources, feature views and services as code defines them, and code that asks for features or fills the store.

Names and positions of arguments are those of https://rtd.feast.dev/en/master/ (0.4x): a view without ``ttl`` keeps a
value for ever, ``get_online_features(features, entity_rows)``, ``get_historical_features(entity_df, features)``,
``materialize(start, end, feature_views)``, ``materialize_incremental(end, feature_views)``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal as L

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Expr, Items, Literal, Unknown
from pytest_mlbreaks.model.facts import (
    FeatureField,
    FeatureRead,
    FeatureService,
    FeatureSource,
    FeatureView,
    FeatureWrite,
)
from pytest_mlbreaks.readers.ml_code.nodes import argument, behind, dotted, elements, method_sites

_SOURCES: dict[str, tuple[L["path", "table", "topic"], tuple[str, ...]]] = {
    "FileSource": ("path", ("path",)),
    "SparkSource": ("table", ("table",)),
    **dict.fromkeys(
        ("BigQuerySource", "SnowflakeSource", "RedshiftSource", "TrinoSource", "AthenaSource", "PostgreSQLSource"),
        ("table", ("table", "table_ref")),
    ),
    "KafkaSource": ("topic", ("topic",)),
    "KinesisSource": ("topic", ("stream_name",)),
    "PushSource": ("path", ()),
    "RequestSource": ("path", ()),
}
"""By class: what its target is, and the arguments that name it."""

_VIEWS = frozenset({"FeatureView", "BatchFeatureView", "StreamFeatureView"})
_ON_DEMAND = "on_demand_feature_view"
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1, "weeks": 604_800, "milliseconds": 0.001}
_TIMEDELTA = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_READS: dict[str, tuple[L["online", "historical"], int]] = {
    "get_online_features": ("online", 0),
    "get_online_features_async": ("online", 0),
    "get_historical_features": ("historical", 1),
}
_WRITES: dict[str, tuple[L["materialize", "incremental", "push", "write"], int]] = {
    "materialize": ("materialize", 2),
    "materialize_incremental": ("incremental", 1),
    "push": ("push", 0),
    "write_to_online_store": ("write", 0),
}


def read(file: PythonFile) -> Iterator[Fact]:
    """The facts of one module that imports feast, or that calls methods which only its store has."""
    made = [(callee.rpartition(".")[2], s) for callee, ss in file.calls_by_name.items() for s in _of_feast(callee, ss)]
    inline: dict[int, str] = {}
    for name, site in made:
        if name in _VIEWS:
            view, inside = _view(file, site, name)
            inline |= inside
            yield view
        elif name == "FeatureService":
            yield _service(file, site)
    for name, site in made:
        if name in _SOURCES:
            yield _source(file, site, name, inline.get(id(site.node), site.result))
    yield from _on_demand(file)
    for method, site in method_sites(file, *_READS):
        yield _read(file, site, method)
    for method, site in method_sites(file, *_WRITES):
        if method in ("materialize_incremental", "write_to_online_store") or site.callee.startswith("feast."):
            yield _write(file, site, method)


def _of_feast(callee: str, sites: list[CallSite]) -> list[CallSite]:
    return sites if callee.startswith("feast.") and "()" not in callee else []


def _text(file: PythonFile, node: ast.expr | None, scope: Scope) -> str:
    return file.text(node, scope) or "" if node is not None else ""


# ------------------------------------------------------------------------------------------------------ definitions


def _source(file: PythonFile, site: CallSite, kind: str, variable: str) -> FeatureSource:
    node, scope = site.node, site.scope
    what, names = _SOURCES[kind]
    target = argument(node, None, *names) if names else None
    if kind == "SparkSource" and target is None:
        target, what = argument(node, None, "path"), "path"
    name = argument(node, None, "name")
    return FeatureSource(
        source=kind,
        name=file.expr(name, scope) if name is not None else None,
        variable=variable,
        target=file.expr(target, scope) if target is not None else None,
        kind=what,
        batch=dotted(argument(node, None, "batch_source")),
        timestamp=_text(file, argument(node, None, "timestamp_field", "event_timestamp_column"), scope),
        place=file.place(node),
    )


def _view(file: PythonFile, site: CallSite, kind: str) -> tuple[FeatureView, dict[int, str]]:
    """The view, and the names of sources that are made within its call."""
    node, scope = site.node, site.scope
    name = argument(node, 0, "name")
    fields, complete = _fields(file, argument(node, None, "schema", "features"), scope)
    own = site.result or _text(file, name, scope)
    source = argument(node, None, "source", "batch_source", "stream_source")
    inline = {id(source): f"{own}.source"} if isinstance(source, ast.Call) else {}
    online = argument(node, None, "online")
    return FeatureView(
        view=kind,
        name=file.expr(name, scope) if name is not None else Unknown("no name is given"),
        variable=site.result,
        fields=fields,
        complete=complete,
        entities=tuple(_names(file, argument(node, None, "entities"), scope)),
        sources=tuple(inline.values()) or tuple(filter(None, [dotted(source)])),
        ttl_seconds=_seconds(file, argument(node, None, "ttl"), scope),
        online=online.value if isinstance(online, ast.Constant) and isinstance(online.value, bool) else None,
        tags=tuple(_tags(file, argument(node, None, "tags"), scope)),
        place=file.place(node),
    ), inline


def _fields(file: PythonFile, node: ast.expr | None, scope: Scope) -> tuple[tuple[FeatureField, ...], bool]:
    listed = elements(file, node, scope)
    if listed is None:
        return (), False
    fields, complete = [], True
    for element in listed[0]:
        call, inner = behind(file, element, listed[1])
        name = argument(call, 0, "name") if isinstance(call, ast.Call) else None
        text = _text(file, name, inner)
        if isinstance(call, ast.Call) and text:
            dtype = dotted(argument(call, 1, "dtype")).rpartition(".")[2]
            fields.append(FeatureField(name=text, dtype=dtype, place=file.place(call)))
        else:
            complete = False
    return tuple(fields), complete


def _names(file: PythonFile, node: ast.expr | None, scope: Scope) -> Iterator[str]:
    """The names, or texts, of a list."""
    listed = elements(file, node, scope)
    for element in listed[0] if listed is not None else ():
        name = dotted(element) or _text(file, element, scope)
        if name:
            yield name


def _seconds(file: PythonFile, node: ast.expr | None, scope: Scope) -> float | None:
    """A ttl in seconds; 0, which is for ever, where none is given; None where it can't be told."""
    node, scope = behind(file, node, scope)
    if node is None or (isinstance(node, ast.Constant) and node.value in (None, 0)):
        return 0.0
    if not isinstance(node, ast.Call) or (file.qualified(node.func, scope) or "").rpartition(".")[2] not in (
        "timedelta",
        "Duration",
    ):
        return None
    given = [(_TIMEDELTA[i], argument_) for i, argument_ in enumerate(node.args[: len(_TIMEDELTA)])]
    given += [(keyword.arg or "**", keyword.value) for keyword in node.keywords]
    total = 0.0
    for unit, amount in given:
        number = file.expr(amount, scope)
        if unit not in _SECONDS or not isinstance(number, Literal) or not isinstance(number.value, int | float):
            return None
        total += _SECONDS[unit] * number.value
    return total


def _tags(file: PythonFile, node: ast.expr | None, scope: Scope) -> Iterator[tuple[str, Expr]]:
    node, scope = behind(file, node, scope)
    for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, file.expr(value, scope)


def _service(file: PythonFile, site: CallSite) -> FeatureService:
    node, scope = site.node, site.scope
    name = argument(node, 0, "name")
    listed = elements(file, argument(node, 1, "features"), scope)
    views: list[str] = []
    columns: list[tuple[str, tuple[str, ...]]] = []
    for element in listed[0] if listed is not None else ():
        chosen = element.slice if isinstance(element, ast.Subscript) else None
        view = dotted(element.value if isinstance(element, ast.Subscript) else element)
        if view:
            views.append(view)
            if isinstance(chosen, ast.List):
                texts = [_text(file, e, scope) for e in chosen.elts]
                columns.append((view, tuple(filter(None, texts))))
    return FeatureService(
        name=file.expr(name, scope) if name is not None else Unknown("no name is given"),
        variable=site.result,
        views=tuple(views),
        columns=tuple(columns),
        place=file.place(node),
    )


def _on_demand(file: PythonFile) -> Iterator[FeatureView]:
    """Functions below ``@on_demand_feature_view``: their name is the view's."""
    for site in file.functions:
        for decorator in site.node.decorator_list:
            scope = site.scope.parent or site.scope
            callee = file.qualified(decorator.func, scope) if isinstance(decorator, ast.Call) else None
            if callee is None or not callee.startswith("feast.") or not callee.endswith(_ON_DEMAND):
                continue
            fields, complete = _fields(file, argument(decorator, None, "schema", "features"), scope)
            yield FeatureView(
                view="OnDemandFeatureView",
                name=Literal(site.node.name),
                variable=site.node.name,
                fields=fields,
                complete=complete,
                sources=tuple(_names(file, argument(decorator, None, "sources"), scope)),
                ttl_seconds=0.0,
                place=file.definition_place(site.node),
            )


# ------------------------------------------------------------------------------------------------------------ use


def _read(file: PythonFile, site: CallSite, method: str) -> FeatureRead:
    mode, position = _READS[method]
    node = argument(site.node, position, "features", "feature_refs")
    listed = elements(file, node, site.scope)
    features: tuple[Expr, ...] = ()
    service: Expr | None = None
    complete = True
    target, inner = behind(file, node, site.scope)
    if listed is not None:
        features = tuple(file.expr(element, listed[1]) for element in listed[0])
    elif isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
        if target.func.attr == "get_feature_service":
            named = argument(target, 0, "name")
            service = file.expr(named, inner) if named is not None else None
        complete = service is not None
    elif node is not None:
        told = file.expr(node, site.scope)
        items = told.items if isinstance(told, Items) else (told,)
        features, complete = items, isinstance(told, Items)
    else:
        complete = False
    return FeatureRead(
        mode=mode,
        features=features,
        service=service,
        complete=complete,
        api=method,
        scope=site.scope.function,
        place=file.place(site.node),
    )


def _write(file: PythonFile, site: CallSite, method: str) -> FeatureWrite:
    mode, position = _WRITES[method]
    names = ("feature_views",) if mode in ("materialize", "incremental") else ("push_source_name", "feature_view_name")
    node = argument(site.node, position, *names)
    listed = elements(file, node, site.scope)
    views: tuple[Expr, ...] = ()
    if listed is not None:
        views = tuple(file.expr(element, listed[1]) for element in listed[0])
    elif node is not None:
        views = (file.expr(node, site.scope),)
    return FeatureWrite(mode=mode, views=views, api=method, scope=site.scope.function, place=file.place(site.node))
