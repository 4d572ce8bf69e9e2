"""Calls that change nothing and only give something back, made as a statement of their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import DroppedResult
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_FRAMES = re.compile(rb"pandas|pyspark|polars|dask|cudf|modin")
"""Libraries whose frames have the methods below."""

_METHODS = (
    *("withColumn", "withColumnRenamed", "withColumns", "dropDuplicates", "drop_duplicates", "dropna", "fillna"),
    *("sort_values", "set_index", "reset_index", "astype", "with_columns", "drop_nulls", "fill_null"),
)
"""Methods of frames and columns that give a changed copy, and that are called like this nowhere else."""

_BY_KEYWORD = {"rename": frozenset({"columns", "index", "axis"}), "drop": frozenset({"columns", "axis", "labels"})}
"""Methods that others have as well, with the keywords by which those of pandas are known."""

_FUNCTIONS = (
    *("numpy.random.permutation", "numpy.append", "numpy.delete", "numpy.concatenate", "numpy.sort"),
    *("pandas.concat", "pandas.merge", "torch.cat", "builtins.sorted"),
    *("prefect.deployments.Deployment.build_from_flow", "prefect.deployments.deployments.Deployment.build_from_flow"),
)
_COPIES = {"permutation": b"numpy", "masked_fill": b"torch"}
"""Methods of generators of random numbers and of tensors, which have a sibling that works in place (``shuffle``,
``masked_fill_``), and the library that a file mentions which has them."""
_ACTS = frozenset({"inplace", "out", "apply"})
"""Keywords with which the call does do something."""

_CELLS = re.compile(rb"# ?%%|# COMMAND -{4}|# In ?\[")
"""Comments that part a script into the cells of a notebook, whose last expression is shown."""

_MOST = 2
"""Positional arguments behind which ``inplace`` may be one."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """Each call of one module whose result is thrown away."""
    if file.tree is None:
        return
    sites = [site for site in _sites(file) if site.dropped]
    if not sites:
        return
    in_cells = file.path.endswith(".ipynb") or file.has(_CELLS)
    frames, marimo = file.has(_FRAMES), file.mentions(b"marimo")
    for site in sites:
        name = site.callee.rpartition(".")[2]
        if (
            (frames or site.callee in _FUNCTIONS or name in _COPIES)
            and not (in_cells and not site.scope.function)
            and not (marimo and _is_shown(site))
            and not _acts(site.node)
        ):
            api = site.callee if not site.callee.startswith("*") and "()" not in site.callee else ""
            yield DroppedResult(
                place=file.place(site.node),
                api=api or name,
                written=_written(site.node.func),
                method=not api,
                sure=name in _BY_KEYWORD,
                tried=_is_tried(site),
                scope=site.scope.function,
            )


def _is_shown(site: CallSite) -> bool:
    """Whether the call is what a cell of marimo shows: the last expression of a function under ``@app.cell``.

    Source: https://docs.marimo.io/guides/outputs/
    """
    code = site.scope.node
    if not isinstance(code, (ast.FunctionDef, ast.AsyncFunctionDef)) or not any(map(_is_cell, code.decorator_list)):
        return False
    shown = [one for one in code.body if not isinstance(one, ast.Return)]
    return isinstance(shown[-1], ast.Expr) and shown[-1].value is site.node


def _is_cell(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == "cell"


def _sites(file: PythonFile) -> Iterator[CallSite]:
    for name in _FUNCTIONS:
        yield from file.calls_by_name.get(name, ())
    for name in _METHODS:
        yield from (site for site in file.methods_by_name.get(name, ()) if len(site.node.args) <= _MOST)
    for name, library in _COPIES.items():
        if file.mentions(library):
            yield from (site for site in file.methods_by_name.get(name, ()) if site.node.args)
    for name, keywords in _BY_KEYWORD.items():
        for site in file.methods_by_name.get(name, ()):
            if not keywords.isdisjoint(keyword.arg or "" for keyword in site.node.keywords):
                yield site


def _written(called: ast.expr) -> str:
    """What is called, as written; of what follows upon a call the last method alone."""
    if isinstance(called, ast.Attribute) and any(isinstance(node, ast.Call) for node in ast.walk(called)):
        return f"(...).{called.attr}"
    return " ".join(ast.unparse(called).split())[:80]


def _acts(call: ast.Call) -> bool:
    """Whether a keyword, or what is not written out, may make the call do something."""
    return any(keyword.arg is None or keyword.arg in _ACTS for keyword in call.keywords)


def _is_tried(site: CallSite) -> bool:
    """Whether the call is all, or nearly all, of a ``try``, or stands where an error is expected."""
    if any("raises" in ast.unparse(item) or "suppress" in ast.unparse(item) for item in site.contexts):
        return True
    return any(
        isinstance(node, ast.Try)
        and len(node.body) <= 2  # the call, and what is said of its success
        and any(isinstance(one, ast.Expr) and one.value is site.node for one in node.body)
        for node in ast.walk(site.scope.node)
    )


READER: Reader[PythonFile] = Reader("dropped", 2, PYTHON, (DroppedResult,), claims, read)
