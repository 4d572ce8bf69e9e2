"""Ray Serve: classes and functions below ``@serve.deployment``, with what the decorator says of scale and limits.

https://docs.ray.io/en/latest/serve/api/doc/ray.serve.deployment_decorator.html.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Argument, ServedModel
from pytest_mlbreaks.readers.ml_code.nodes import argument

_DEPLOYMENT = ("ray.serve.deployment", "ray.serve.api.deployment")


def read(file: PythonFile) -> Iterator[Fact]:
    """The deployments of one module."""
    sites = [(s.node, s.scope) for s in file.classes] + [(s.node, s.scope) for s in file.functions]
    for node, own in sites:
        scope = own.parent or own
        for decorator in node.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            if file.qualified(function, scope) in _DEPLOYMENT:
                yield _deployment(file, node, decorator, scope)


def _deployment(
    file: PythonFile, node: ast.ClassDef | ast.FunctionDef, decorator: ast.expr, scope: Scope
) -> ServedModel:
    settings = []
    name = ""
    if isinstance(decorator, ast.Call):
        given = argument(decorator, None, "name")
        name = (file.text(given, scope) or "") if given is not None else ""
        for keyword in decorator.keywords:
            if keyword.arg not in (None, "name"):
                value = file.expr(keyword.value, scope)
                settings.append(Argument(name=keyword.arg or "", value=value, place=file.place(keyword.value)))
    return ServedModel(
        server="ray-serve",
        name=name or node.name,
        target=Literal(node.name),
        settings=tuple(settings),
        place=file.definition_place(node),
    )
