"""Limits on requests that are counted by the address of a connection."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import AddressLimit
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_LIMITS = re.compile(rb"rate.?limit|throttl|too many requests", re.IGNORECASE)
_FORWARDED = re.compile(rb"forwarded|real.?ip|cf-connecting", re.IGNORECASE)
_KEYS = ("slowapi.util.get_remote_address", "flask_limiter.util.get_remote_address")
_LIMITERS = ("slowapi.Limiter", "slowapi.extension.Limiter", "flask_limiter.Limiter")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The limits of one module."""
    if file.tree is None:
        return
    yield from _limiters(file)
    if file.mentions(b".client.host") and file.has(_LIMITS) and not file.has(_FORWARDED):
        for site in file.functions:
            for node in (inner for statement in site.node.body for inner in walk(statement)):
                if isinstance(node, ast.Attribute) and node.attr == "host" and _is_client(node.value):
                    yield AddressLimit(place=file.place(node), by=ast.unparse(node), scope=site.scope.qualname)
                    break


def _is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "client"


def _limiters(file: PythonFile) -> Iterator[AddressLimit]:
    for callee in _LIMITERS:
        for site in file.calls_by_name.get(callee, ()):
            given = [one.value for one in site.node.keywords if one.arg == "key_func"] or site.node.args[:1]
            if given and file.qualified(given[0], site.scope) in _KEYS:
                yield AddressLimit(place=file.place(site.node), by="get_remote_address", scope=site.scope.function)


READER: Reader[PythonFile] = Reader("limits", 1, PYTHON, (AddressLimit,), claims, read)
