"""What the parts of this reader ask of a file: decorators, arguments, asset keys, qualified references."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import FunctionSite, PythonFile, Scope
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.facts import Argument, AssetInput

HOLE: Final = "{*}"
"""Stands in a key for what can't be told."""

KEYS: Final = frozenset({"dagster.AssetKey", "dagster.AssetKey.from_user_string"})
WRAPPERS: Final = frozenset({"dagster.AssetSpec", "dagster.AssetDep", "dagster.SourceAsset", "dagster.AssetOut"})
_MODEL_KEYS: Final = frozenset({"dagster_dbt.get_asset_key_for_model"})


@dataclasses.dataclass(frozen=True)
class Given:
    """The arguments of a call or decorator. *partial*: it unpacks others."""

    positional: tuple[ast.expr, ...]
    named: dict[str, ast.expr]
    partial: bool = False

    def get(self, name: str, position: int | None = None) -> ast.expr | None:
        """The argument called *name*, or at *position*."""
        if name in self.named:
            return self.named[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None


def given(call: ast.Call) -> Given:
    """The arguments of *call*."""
    partial = any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args)
    return Given(tuple(call.args), {k.arg: k.value for k in call.keywords if k.arg}, partial)


def decorators(file: PythonFile, site: FunctionSite) -> Iterator[tuple[str, Given]]:
    """The qualified names of a function's decorators, with their arguments."""
    outer = site.scope.parent or file.module
    for node in site.node.decorator_list:
        call = node if isinstance(node, ast.Call) else None
        name = file.qualified(call.func if call is not None else node, outer)
        if name is not None:
            yield name, given(call) if call is not None else Given((), {})


def reference(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    """The qualified name of what *node* refers to; "" where it is not a name, or one that is bound by something else
    than an import, a definition or one assignment of the module."""
    if isinstance(node, ast.Attribute) and node.attr == "key":
        node = node.value
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return ""
    if isinstance(node, ast.Name):
        owner = scope.owner(node.id)
        if owner is None:
            return ""
        if node.id not in owner.imports:
            return node.id if owner.kind == "module" and "parameter" not in owner.names[node.id] else ""
    found = file.qualified(node, scope) or ""
    return "" if found.startswith("*") or "()" in found else found


def key_text(file: PythonFile, node: ast.expr | None, scope: Scope) -> str | None:
    """The key that *node* is, with ``{*}`` for parts that can't be told; None where it is none that is written out."""
    if node is None:
        return None
    if isinstance(node, (ast.List, ast.Tuple)):
        return "/".join(file.text(e, scope) or HOLE for e in node.elts)
    if isinstance(node, ast.Call):
        callee = file.qualified(node.func, scope)
        arguments = given(node)
        if callee in KEYS:
            return key_text(file, arguments.get("path", 0), scope)
        if callee in WRAPPERS:
            return spec_key(file, arguments, scope)
        return None
    if isinstance(node, ast.Name) and (bound := _bound_once(node, scope)) is not None:
        return key_text(file, bound[0], bound[1])
    return file.text(node, scope)


def _bound_once(node: ast.Name, scope: Scope) -> tuple[ast.expr, Scope] | None:
    owner = scope.owner(node.id)
    bindings = owner.names[node.id] if owner is not None else []
    if owner is not None and len(bindings) == 1 and isinstance(bindings[0], (ast.Call, ast.List, ast.Tuple)):
        return bindings[0], owner
    return None


def spec_key(file: PythonFile, arguments: Given, scope: Scope) -> str | None:
    """The key of ``AssetSpec``, ``AssetOut``, ``AssetDep`` or ``SourceAsset``."""
    node = arguments.get("key", 0) or arguments.get("asset")
    found = key_text(file, node, scope)
    prefix = prefix_of(file, arguments.get("key_prefix"), scope)
    return join(prefix, found) if found is not None else None


def prefix_of(file: PythonFile, node: ast.expr | None, scope: Scope) -> str:
    """A ``key_prefix`` as text; ``{*}`` where it can't be told."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return ""
    found = key_text(file, node, scope)
    return HOLE if found is None else found


def join(*parts: str) -> str:
    """Parts of a key, those that are "" left out."""
    return "/".join(part for part in parts if part)


def input_of(file: PythonFile, node: ast.expr, scope: Scope) -> AssetInput:
    """What an element of ``deps`` names."""
    place = file.place(node)
    text = key_text(file, node, scope)
    if text is not None:
        return AssetInput(key=text, place=place)
    if isinstance(node, ast.Call):
        callee = file.qualified(node.func, scope)
        arguments = given(node)
        if callee in _MODEL_KEYS:
            return AssetInput(model=file.text(arguments.get("model_name", 1), scope) or HOLE, place=place)
        if callee in WRAPPERS and (inner := arguments.get("asset", 0) or arguments.get("key")) is not None:
            return input_of(file, inner, scope)
    named = reference(file, node, scope)
    return AssetInput(reference=named, place=place) if named else AssetInput(key=HOLE, place=place)


def elements(node: ast.expr | None) -> tuple[list[ast.expr], bool]:
    """The elements of a list that is written out, or of several that are added; and whether these are all."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return [], True
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        found: list[ast.expr] = []
        complete = True
        for element in node.elts:
            inner, whole = elements(element.value) if isinstance(element, ast.Starred) else ([element], True)
            found += inner
            complete = complete and whole
        return found, complete
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.BitOr)):
        left, right = elements(node.left), elements(node.right)
        return left[0] + right[0], left[1] and right[1]
    return [node], False


def pairs(node: ast.expr | None, file: PythonFile, scope: Scope) -> tuple[list[tuple[str, ast.expr]], bool]:
    """The entries of a mapping that is written out, keys as text; and whether these are all."""
    if node is None:
        return [], True
    if not isinstance(node, ast.Dict):
        return [], False
    found = []
    complete = True
    for key, value in zip(node.keys, node.values, strict=True):
        text = file.text(key, scope) if key is not None else None
        if text is None:
            complete = False
        else:
            found.append((text, value))
    return found, complete


def settings(file: PythonFile, arguments: Given, scope: Scope, names: tuple[str, ...]) -> tuple[Argument, ...]:
    """Those of the arguments that are called one of *names*."""
    return tuple(
        Argument(name=name, value=file.expr(node, scope), place=file.place(node))
        for name, node in arguments.named.items()
        if name in names
    )


def at(file: PythonFile, node: ast.AST) -> Place:
    """The place of a function's name."""
    return file.definition_place(node)
