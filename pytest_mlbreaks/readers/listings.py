"""Listings of S3 whose keys are taken as if there always were some."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile, Scope, SubscriptSite
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import ListingRead
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_KEY = "Contents"
_LISTS = ("list_objects_v2", "list_objects")
_CATCH = frozenset({"KeyError", "LookupError", "Exception", "BaseException"})
_COUNTS = frozenset({_KEY, "KeyCount"})


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """Each ``answer["Contents"]`` of an answer of S3."""
    if file.tree is None or not file.mentions(b"Contents") or not file.mentions(b"list_objects"):
        return
    for site in file.subscripts:
        node = site.node
        if not isinstance(node.slice, ast.Constant) or node.slice.value != _KEY or not isinstance(node.value, ast.Name):
            continue
        api = _listed_by(file, node.value.id, site.scope)
        if api:
            yield ListingRead(
                place=file.place(node),
                api=api,
                guarded=_is_guarded(site),
                scope=site.scope.function,
            )


def _listed_by(file: PythonFile, name: str, scope: Scope) -> str:
    """The call that made what *name* is, or each of whose pages it is; "" where that is another one."""
    owner = scope.owner(name)
    bindings = owner.names[name] if owner is not None else []
    for binding in bindings:
        if isinstance(binding, ast.Call) and isinstance(binding.func, ast.Attribute) and binding.func.attr in _LISTS:
            return binding.func.attr
        if binding == "loop" and any(site.scope is owner for site in file.sites("*.paginate")):
            return "paginate"
    return ""


def _is_guarded(site: SubscriptSite) -> bool:
    """Whether the function asks somewhere if there are keys, or takes the error of there being none."""
    for node in ast.walk(site.scope.node):
        if isinstance(node, ast.Compare) and any(_tells(part) for part in (node.left, *node.comparators)):
            return True
        if isinstance(node, ast.Call) and node.args and _tells(node.args[0]):
            return True  # .get("Contents"), .get("KeyCount")
        if (
            isinstance(node, ast.Try)
            and any(_catches(handler) for handler in node.handlers)
            and any(inner is site.node for statement in node.body for inner in ast.walk(statement))
        ):
            return True
    return False


def _tells(node: ast.expr) -> bool:
    """Whether an expression is one of the keys by which an answer tells of its size, or what stands under it."""
    if isinstance(node, ast.Subscript):
        node = node.slice
    return isinstance(node, ast.Constant) and node.value in _COUNTS


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "attr", getattr(kind, "id", "")) in _CATCH for kind in kinds)


READER: Reader[PythonFile] = Reader("listings", 1, PYTHON, (ListingRead,), claims, read)
