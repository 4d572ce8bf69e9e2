"""Bodies of HTTP responses that code writes into files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import children, within
from pytest_mlbreaks.model.facts import SavedResponse
from pytest_mlbreaks.readers.training.nodes import shown

_REQUESTS: Final = ("requests.get", "httpx.get", "requests.Session().get", "httpx.Client().get", "requests.post")
_BODIES: Final = frozenset({"content", "text", "raw", "iter_content", "iter_bytes", "iter_lines", "read"})
_STATUS: Final = frozenset({"raise_for_status", "status_code", "ok", "status", "is_success", "is_error", "hooks"})
_OPENS: Final = frozenset(
    {
        *("ZipFile", "is_zipfile", "unpack_archive", "extractall", "TarFile", "read_parquet", "read_excel"),
        *("load_workbook", "ParquetFile", "tarfile.open", "gzip.open", "bz2.open", "lzma.open", "Image.open"),
    }
)
"""Ends of the names of what opens a file, and fails by itself where it is a page of HTML."""
_WRITES: Final = frozenset({"write", "write_bytes", "write_text", "writelines", "copyfileobj"})


def saved_responses(file: PythonFile) -> Iterator[SavedResponse]:
    """The requests of one file whose bodies the same function writes into a file."""
    apis = [api for api in _REQUESTS if api in file.calls_by_name]
    if not apis or not (file.mentions(b"write") or file.mentions(b"copyfileobj")):
        return
    for api in apis:
        for site in file.calls_by_name[api]:
            name = site.result or _context_name(site)
            if not name or "." in name or site.scope.kind != "function":
                continue
            written = _written(file, site, name)
            if written is not None:
                yield SavedResponse(
                    place=file.place(site.node),
                    api=api,
                    checked=_checked(site.scope, name),
                    opened=_opened(site.scope),
                    written=file.place(written),
                    scope=site.scope.function,
                )


def _context_name(site: CallSite) -> str:
    """The name of ``with requests.get(...) as NAME``."""
    for node in within(children(site.scope.node)):
        if (
            isinstance(node, ast.withitem)
            and node.context_expr is site.node
            and isinstance(node.optional_vars, ast.Name)
        ):
            return node.optional_vars.id
    return ""


def _written(file: PythonFile, site: CallSite, name: str) -> ast.Call | None:
    """The call that writes the body, or pieces of it, where it is in the same function."""
    nodes = list(within(children(site.scope.node)))
    pieces = {
        node.target.id
        for node in nodes
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and _of(node.iter, name, set())
    }
    for node in nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr in _WRITES and _of(node.args[0], name, pieces):
            return node
    return None


def _of(node: ast.expr, name: str, pieces: set[str]) -> bool:
    """Whether *node* is the body of the response *name*, or a piece of it."""
    if isinstance(node, ast.Name):
        return node.id in pieces
    if isinstance(node, ast.Call):
        node = node.func
    return (
        isinstance(node, ast.Attribute)
        and node.attr in _BODIES
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    )


def _opened(scope: Scope) -> bool:
    """Whether the function opens a file of a kind that an error page can't be taken for."""
    for node in within(children(scope.node)):
        if isinstance(node, ast.Call):
            name = shown(node.func)
            if name.rpartition(".")[2] in _OPENS or ".".join(name.split(".")[-2:]) in _OPENS:
                return True
    return False


def _checked(scope: Scope, name: str) -> bool:
    """Whether the function asks for the status of the response, or hands it to somebody who may."""
    for node in within(children(scope.node)):
        if isinstance(node, ast.Attribute) and node.attr in _STATUS:
            return True
        if isinstance(node, ast.Call) and any(isinstance(a, ast.Name) and a.id == name for a in node.args):
            return True
    return False
