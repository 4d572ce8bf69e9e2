"""Random splits of Spark frames, and what of their making, in the same function, changes from one run to the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile, Scope
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import SparkSplit
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_SHUFFLES = frozenset(
    {
        *("join", "crossJoin", "groupBy", "groupby", "distinct", "dropDuplicates", "drop_duplicates", "repartition"),
        *("intersect", "subtract", "exceptAll"),
    }
)
"""Transformations after which rows arrive in another order each time:
https://spark.apache.org/docs/latest/rdd-programming-guide.html#shuffle-operations"""

_ORDERS = frozenset({"orderBy", "sort"})
_KEEPS = frozenset({"cache", "persist", "checkpoint", "localCheckpoint"})
_RANDOM = frozenset({"rand", "randn", "monotonically_increasing_id", "uuid", "shuffle"})
_MOST = 400
"""Expressions that are followed for one split."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The random splits of one module."""
    for site in file.methods_by_name.get("randomSplit", ()):
        function = site.node.func
        if isinstance(function, ast.Attribute):
            yield _Making(file, site.scope).split(site, function.value)


class _Making:
    """How a frame was made, followed back through the names of one function."""

    def __init__(self, file: PythonFile, scope: Scope) -> None:
        self.file = file
        self.scope = scope
        self.lottery: tuple[str, Place] | None = None
        self.shuffle: tuple[str, Place] | None = None
        self.kept = False
        self.seen: set[str] = set()
        self.left = _MOST

    def split(self, site: CallSite, frame: ast.expr) -> SparkSplit:
        name = frame.id if isinstance(frame, ast.Name) else ""
        self.follow(frame)
        if name and self._kept_by_name(name):
            self.kept = True
        weights = site.node.args[0] if site.node.args else None
        return SparkSplit(
            place=self.file.place(site.node),
            frame=name,
            lottery=self.lottery[0] if self.lottery else "",
            lottery_place=self.lottery[1] if self.lottery else None,
            shuffle=self.shuffle[0] if self.shuffle else "",
            shuffle_place=self.shuffle[1] if self.shuffle else None,
            kept=self.kept,
            parts=len(weights.elts) if isinstance(weights, (ast.List, ast.Tuple)) else 0,
            scope=site.scope.function,
        )

    def follow(self, node: ast.expr) -> None:
        pending: list[ast.expr] = [node]
        while pending and self.left:
            self.left -= 1
            node = pending.pop()
            if isinstance(node, ast.Name) and node.id not in self.seen:
                self.seen.add(node.id)
                pending += [b for b in self.scope.names.get(node.id, ()) if isinstance(b, ast.expr)]
            elif isinstance(node, ast.Call):
                self.note(node)
                if isinstance(node.func, ast.Attribute):
                    pending.append(node.func.value)
                pending += node.args
                pending += [keyword.value for keyword in node.keywords]
            elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Await, ast.Starred)):
                pending.append(node.value)

    def note(self, call: ast.Call) -> None:
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        place = self.file.place(call)
        if name in _KEEPS:
            self.kept = True
        elif name in _RANDOM and (self.file.qualified(function, self.scope) or "").startswith("pyspark."):
            self.lottery = (f"{name}()", place)
        elif name == "limit" and self.lottery is None and not _ordered(call):
            self.lottery = (f"limit({ast.unparse(call.args[0])[:40] if call.args else ''})", place)
        elif name in _SHUFFLES and self.shuffle is None:
            self.shuffle = (f"{name}()", place)

    def _kept_by_name(self, name: str) -> bool:
        """Whether ``frame.cache()`` stands by itself somewhere in the function."""
        for method in _KEEPS:
            for site in self.file.methods_by_name.get(method, ()):
                owner = getattr(site.node.func, "value", None)
                if site.scope is self.scope and isinstance(owner, ast.Name) and owner.id == name:
                    return True
        return False


def _ordered(call: ast.Call) -> bool:
    """Whether a ``limit`` follows an order."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute) and owner.func.attr in _ORDERS


READER: Reader[PythonFile] = Reader("spark", 1, PYTHON, (SparkSplit,), claims, read)
