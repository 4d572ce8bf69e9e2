"""Calls that give a changed copy and leave what they are called upon as it is, where nothing takes the copy.

Only what is certainly such a call is told: an object is a frame where its function treats it as one (by a column,
``.loc``, ``.to_csv``, an annotation, a call of pandas), and of methods whose names others have too the arguments say
which is meant.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final, Literal

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import CopyDropped
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_CELLS: Final = (b"# COMMAND ----------", b"# %%", b"#%%", b"# In[")
"""Marks of a notebook that was saved as a script: the last statement of a cell is there to be shown."""

_FRAME: Final = frozenset(
    {
        *("columns", "loc", "iloc", "to_csv", "to_sql", "to_parquet", "to_json", "to_excel", "groupby", "merge"),
        *("iterrows", "itertuples", "dtypes", "select_dtypes", "value_counts", "drop_duplicates", "sort_values"),
        *("withColumn", "to_dict", "reset_index", "set_index", "isna", "notna", "isnull", "to_frame"),
    }
)
"""Attributes that frames and their columns have, and hardly anything else."""


def _given(*names: str) -> Callable[[ast.Call], bool]:
    """Whether one of the arguments *names* is passed, by its name."""
    return lambda call: any(keyword.arg in names for keyword in call.keywords)


def _few(most: int) -> Callable[[ast.Call], bool]:
    return lambda call: len(call.args) <= most


def _maps(call: ast.Call) -> bool:
    """Whether ``replace`` is told what to replace as a frame is: by a mapping, a list, or the parameter's name."""
    return _given("to_replace", "regex")(call) or (bool(call.args) and isinstance(call.args[0], (ast.Dict, ast.List)))


_OF_FRAMES: Final[dict[str, Callable[[ast.Call], bool]]] = {
    "drop": _given("columns", "axis", "index", "labels"),
    "rename": _given("columns", "index"),
    "sort_values": _few(1),
    "sort_index": _few(0),
    "reset_index": _few(0),
    "set_index": _few(1),
    "drop_duplicates": _few(1),
    "dropna": _few(0),
    "fillna": _few(1),
    "ffill": _few(0),
    "bfill": _few(0),
    "astype": _few(1),
    "reindex": _few(1),
    "replace": _maps,
    "withColumn": _few(2),
    "withColumnRenamed": _few(2),
    "dropDuplicates": _few(1),
    "with_columns": lambda call: True,
}
"""Methods of frames of pandas, Spark and Polars that change nothing unless told ``inplace=True``, and which calls of
that name are these."""

_OF_TENSORS: Final = ("masked_fill", "unsqueeze", "squeeze", "permute", "contiguous", "clamp", "log_softmax")
"""Methods of tensors whose namesakes with an underscore behind them work in place."""

_Kind = Literal["frame", "tensor", "array", "list"]

_FUNCTIONS: Final[dict[str, _Kind]] = {
    "numpy.random.permutation": "array",
    "numpy.sort": "array",
    "builtins.sorted": "list",
}
"""Functions that leave their argument as it is, and what they give."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The copies that one module makes and drops."""
    if file.tree is None or file.kind != "python":
        return
    found = list(_dropped(file))
    if found and not any(map(file.mentions, _CELLS)):
        yield from found


def _dropped(file: PythonFile) -> Iterator[CopyDropped]:
    for callee, kind in _FUNCTIONS.items():
        for site in file.calls_by_name.get(callee, ()):
            if site.dropped and site.node.args:
                yield _fact(file, site, kind, ast.unparse(site.node.args[0]), callee.removeprefix("builtins."))
    methods = file.methods_by_name
    for method, meant in _OF_FRAMES.items():
        for site in methods.get(method, ()):
            if site.dropped and meant(site.node) and not _unsure(site):
                name = _name(site)
                if name and _is_frame(site, name):
                    yield _fact(file, site, "frame", name, method)
    if file.mentions(b"torch"):
        for method in _OF_TENSORS:
            for site in methods.get(method, ()):
                if site.dropped and not _unsure(site) and _name(site):
                    yield _fact(file, site, "tensor", _name(site), method)
    for site in methods.get("permutation", ()):
        if site.dropped and len(site.node.args) == 1 and not site.node.keywords:
            yield _fact(file, site, "array", ast.unparse(site.node.args[0]), "permutation")


def _fact(file: PythonFile, site: CallSite, kind: _Kind, name: str, method: str) -> CopyDropped:
    return CopyDropped(
        place=file.place(site.node),
        kind=kind,
        name=" ".join(name.split())[:60],
        method=method,
        scope=site.scope.function,
    )


def _unsure(site: CallSite) -> bool:
    """Whether a call may work in place, or be there to see if it raises."""
    if site.contexts or any(keyword.arg in (None, "inplace", "copy") for keyword in site.node.keywords):
        return True
    return _is_tried(site)


def _is_tried(site: CallSite) -> bool:
    """Whether the call is all that a ``try`` does."""
    for node in walk(site.scope.node):
        if isinstance(node, ast.Try) and len(node.body) == 1:
            only = node.body[0]
            if isinstance(only, ast.Expr) and only.value is site.node:
                return True
    return False


def _name(site: CallSite) -> str:
    """What the method is called upon: ``name``, ``self.name`` or ``name["column"]``; "" for everything else, which no
    statement could take the copy for."""
    function = site.node.func
    owner = function.value if isinstance(function, ast.Attribute) else None
    inner = owner.value if isinstance(owner, (ast.Attribute, ast.Subscript)) else owner
    return ast.unparse(owner) if owner is not None and isinstance(inner, ast.Name) else ""


def _is_frame(site: CallSite, name: str) -> bool:
    """Whether the function treats what is called *name* as a frame or a column."""
    if site.callee.startswith(("pandas.", "geopandas.", "polars.", "pyspark.")):
        return True
    if name.endswith("]"):
        function = site.node.func
        column = function.value if isinstance(function, ast.Attribute) else None
        return isinstance(column, ast.Subscript) and _is_text(column.slice)
    return any(_tells_frame(node, name) for node in walk(site.scope.node) if node is not site.node.func)


def _tells_frame(node: ast.AST, name: str) -> bool:
    """Whether *node* asks *name* for what frames have: an attribute, several columns, or one, if the name says so."""
    if isinstance(node, ast.Attribute):
        return node.attr in _FRAME and ast.unparse(node.value) == name
    if not isinstance(node, ast.Subscript):
        return False
    columns = isinstance(node.slice, ast.List) or (_is_text(node.slice) and ("df" in name or "frame" in name))
    return columns and ast.unparse(node.value) == name


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


READER: Reader[PythonFile] = Reader("copies", 1, PYTHON, (CopyDropped,), claims, read)
