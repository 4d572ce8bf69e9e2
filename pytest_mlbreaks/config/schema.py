"""The schema of settings: what a file may say. It is one for YAML, TOML and the JSON schema that ships.

A key that is not known, or a value of another type, is a `ConfigError` with its line and the nearest that is meant.
"""

from __future__ import annotations

import difflib
import inspect
import json
import types
import typing
from collections.abc import Collection, Iterable
from typing import Annotated, Any, Literal

import msgspec

from pytest_mlbreaks.config.nodes import ConfigError, Node
from pytest_mlbreaks.link.environments import Names

Texts = tuple[str, ...]
FailOn = Literal["high", "medium", "low", "never"]


class EnvironmentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Which names are of production and which are not."""

    production: Names = Names()
    not_production: Names = Names()


class IgnoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """Findings of *checks* (ids or categories) that nobody wants to hear of, and why: those that stand in *paths*
    (patterns), those about *resources* (identities, with wildcards); where both are given, both have to fit."""

    checks: Texts
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    paths: Texts = ()
    resources: Texts = ()


class PipelineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """A part of a repository that is a pipeline of its own: the files below *root* and those that fit *shared*."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    root: str
    shared: Texts = ()
    environments: EnvironmentSettings = EnvironmentSettings()


class SettingsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """Settings of pytest-mlbreaks: all that one file may say (``mlbreaks.yaml``, or ``[tool.mlbreaks]`` of a
    ``pyproject.toml``)."""

    extends: str | Texts = ()
    select: Texts | None = None
    ignore: Texts = ()
    fail_on: FailOn | None = None
    checks_as_of: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")] | None = None
    baseline: str | None = None
    lock: Texts = ()
    exclude: Texts = ()
    options: dict[str, dict[str, Any]] = {}
    environments: EnvironmentSettings = EnvironmentSettings()
    ignores: tuple[IgnoreSettings, ...] = ()
    pipelines: tuple[PipelineSettings, ...] = ()


def decoded(node: Node) -> SettingsFile:
    """The settings that *node* writes. Raises ConfigError."""
    settings: SettingsFile = _struct(node, SettingsFile, "the settings")
    return settings


def json_schema() -> dict[str, Any]:
    """The schema of a file of settings, for editors (JSON Schema 2020-12)."""
    schema = json.loads(json.dumps(msgspec.json.schema(SettingsFile)))  # its defaults are tuples
    for told in schema["$defs"].values():
        if "description" in told:  # a docstring, from which Python 3.13 takes the indentation and others do not
            told["description"] = inspect.cleandoc(told["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pytest-mlbreaks:settings:1",
        **schema,
    }


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or "" where nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5) if len(name) <= 80 else []
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(names: Collection[str]) -> str:
    """Names for people, where there are few."""
    return f" (there are {', '.join(names)})" if names and len(names) <= 8 else ""


def _struct(node: Node, kind: Any, what: str) -> Any:
    if not isinstance(node.value, dict):
        raise ConfigError(node.place, f"{what}: a table of keys is wanted, and this is {_told(node)}")
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values = {}
    for key, (place, inner) in node.value.items():
        field = fields.get(key)
        if field is None:
            near = nearest(key, fields)
            raise ConfigError(place, f"no key {key!r} in {what}{near or listed(fields)}")
        values[field.name] = _value(inner, field.type, key)
    for field in fields.values():
        if field.required and field.name not in values:
            raise ConfigError(node.place, f"{what}: the key {field.encode_name!r} is missing")
    return kind(**values)


def _value(node: Node, kind: Any, key: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(node, kind, f"{key!r}")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _list(node, arguments[0], key)
    if origin in (types.UnionType, typing.Union):
        several = [one for one in arguments if one is not type(None)]
        wants_list = isinstance(node.value, list)
        chosen = [one for one in several if (typing.get_origin(one) is tuple) is wants_list] or several
        return _value(node, chosen[0], key)
    if origin is dict:
        if not isinstance(node.value, dict):
            raise ConfigError(node.place, f"{key!r}: a table of keys is wanted, and this is {_told(node)}")
        return {name: _value(inner, arguments[1], name) for name, (_, inner) in node.value.items()}
    if kind is Any:
        return node.plain()
    return _leaf(node, kind, key)


def _list(node: Node, element: Any, key: str) -> tuple[Any, ...]:
    if not isinstance(node.value, list):
        raise ConfigError(node.place, f"{key!r}: a list is wanted, and this is {_told(node)}")
    return tuple(_value(inner, element, key) for inner in node.value)


def _leaf(node: Node, kind: Any, key: str) -> Any:
    plain = node.plain()
    if node.written is not None and not isinstance(plain, str) and plain is not None:
        plain = node.written  # YAML takes 0.3 for a number and no for a truth value; here all of them are text
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        choices = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
        if choices and isinstance(plain, str):
            raise ConfigError(
                node.place, f"{key!r}: no {plain!r}{nearest(plain, choices) or listed(choices)}"
            ) from error
        if not isinstance(plain, str):
            raise ConfigError(node.place, f"{key!r}: a text is wanted, and this is {_told(node)}") from error
        wanted = "a version as 0.3" if key == "checks-as-of" else "a text that is not empty"
        raise ConfigError(node.place, f"{key!r}: {wanted} is wanted, and this is {plain!r}") from error


def _told(node: Node) -> str:
    """What kind of value it is, for people."""
    names = {dict: "a table", list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(node.value), "empty")
