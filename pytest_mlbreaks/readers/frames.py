"""Which rows are fitted on, split, and scored: the flow of frames through one file.

Each function, and the code outside of them, is followed statement by statement. A variable holds *rows*: a number that
stays while the rows do (``drop(columns=)``, ``fillna``, ``astype``, ``X[cols]``), and that a selection, a join or an
unknown call makes a child of. A fit has seen all rows that are the fitted frame's own or its children. Calls of
functions of the same file are followed into them. Branches are taken one after the other; what stands in two branches
of one ``if`` never meets.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from typing import Literal as L

import msgspec

from pytest_mlbreaks.formats.python import PYTHON, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import children, walk
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import FilledJoin, FilledLabel, Fitted, FitUse, PastedRows, Scored, Split, Touch
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

Feed = L["split", "fit", "write", "return", ""]
TouchKind = L[
    "scaler", "imputer", "vectorizer", "encoder", "projection", "selection", "resampler", "dummies", "unknown"
]

DEPTH: Final = 40
"""How deep expressions are followed; code of people is far flatter."""

MOST: Final = 400
"""Fits, splits and uses that are followed through one function: functions that call each other twice multiply them."""

_MODULES: Final[dict[str, TouchKind]] = {
    "sklearn.impute.": "imputer",
    "sklearn.decomposition.": "projection",
    "sklearn.feature_selection.": "selection",
    "sklearn.feature_extraction.": "vectorizer",
    "sklearn.discriminant_analysis.": "projection",
    "category_encoders.": "encoder",
    "imblearn.over_sampling.": "resampler",
    "imblearn.combine.": "resampler",
}
_CLASSES: Final[dict[str, TouchKind]] = {
    **dict.fromkeys(
        ("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "PowerTransformer", "QuantileTransformer"),
        "scaler",
    ),
    **dict.fromkeys(
        ("OneHotEncoder", "OrdinalEncoder", "LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer", "TargetEncoder"),
        "encoder",
    ),
    **dict.fromkeys(("KBinsDiscretizer", "SplineTransformer"), "scaler"),
}
_LEAKS: Final[tuple[TouchKind, ...]] = (
    *("resampler", "selection", "projection", "vectorizer", "unknown", "scaler", "imputer", "encoder", "dummies"),
)
"""From what makes the most of rows that it should not have seen to what makes the least."""

_OF_LABELS: Final = frozenset({"LabelEncoder", "LabelBinarizer"})
"""Encoders of what is to be predicted: https://scikit-learn.org/stable/modules/preprocessing_targets.html. They are
used on features as well."""

_LABEL: Final = re.compile(r"y(_.*)?|.*(target|labels?)", re.IGNORECASE)

_STATELESS: Final = frozenset(
    {"FunctionTransformer", "Normalizer", "HashingVectorizer", "FeatureHasher", "Binarizer", "PolynomialFeatures"}
)
"""Transformers of sklearn that learn nothing of the rows: https://scikit-learn.org/stable/modules/preprocessing.html"""

_COMPOSED: Final = frozenset(
    {
        *("sklearn.pipeline.Pipeline", "sklearn.pipeline.make_pipeline", "sklearn.pipeline.FeatureUnion"),
        *(
            "sklearn.compose.ColumnTransformer",
            "sklearn.compose.make_column_transformer",
            "sklearn.pipeline.make_union",
        ),
    }
)
_SPLITS: Final = frozenset({"sklearn.model_selection.train_test_split", "train_test_split"})
_CROSS: Final = frozenset({f"sklearn.model_selection.{n}" for n in ("cross_val_score", "cross_validate")})
_LOADERS: Final = frozenset(
    {
        *("joblib.load", "pickle.load", "pickle.loads", "cloudpickle.load", "dill.load", "skops.io.load"),
        *("keras.models.load_model", "tensorflow.keras.models.load_model", "tf.keras.models.load_model"),
        *("mlflow.sklearn.load_model", "mlflow.pyfunc.load_model", "mlflow.xgboost.load_model"),
        *("mlflow.lightgbm.load_model", "mlflow.catboost.load_model", "mlflow.tensorflow.load_model"),
    }
)
_PREDICTS: Final = frozenset({"predict", "predict_proba", "decision_function"})
_WRITES: Final = frozenset({"to_csv", "to_parquet", "to_feather", "to_pickle"})
_CHILDREN: Final = frozenset(
    {"dropna", "query", "head", "tail", "drop_duplicates", "sample", "filter", "nlargest", "nsmallest", "truncate"}
)
_FRESH: Final = frozenset(
    {
        *("groupby", "pivot", "pivot_table", "melt", "agg", "value_counts", "describe", "unique", "sum", "mean", "std"),
        *("min", "max", "count", "nunique", "size", "tolist", "to_dict", "to_list", "any", "all", "corr", "shape"),
    }
)
_COUNTS: Final = re.compile(r"\.(?:value_counts|groupby|agg|count|size|sum|nunique|pivot_table|resample)\(")
_SAME_FUNCTIONS: Final = frozenset(
    {
        *("polars.DataFrame", "polars.from_numpy"),
        *("pandas.DataFrame", "pandas.Series", "numpy.array", "numpy.asarray", "pandas.to_numeric", "numpy.nan_to_num"),
        *("scipy.sparse.csr_matrix", "numpy.hstack", "numpy.column_stack", "scipy.sparse.hstack", "numpy.log1p"),
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """A frame: the number of its *own* rows, those it was made of (*line*, its own among them), its *name* in the code.

    *index*: ``range`` where the rows are numbered anew from 0, ``filtered`` where they keep the numbers that they had
    among more (taken out at *by*), "" where that can't be told. *join* is the join that made it, *filled* the one whose
    gaps were filled; *aligned*: its columns were made a given list (``reindex(columns=)``); *made*: it is a frame made
    of a transformer's array; *column*: it is that column of the frame; *gap*: what its gaps were filled with, where;
    *outer*: the outer join that it comes from, and where.
    """

    own: int
    line: frozenset[int]
    name: str = ""
    index: str = ""
    by: Place | None = None
    join: tuple[str, bool] | None = None
    filled: Place | None = None
    aligned: bool = False
    made: bool = False
    column: str = ""
    gap: tuple[str, Place] | None = None
    outer: tuple[str, Place] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """An object of the qualified class *by*; *name* is the variable that holds it, or ""; *args* of its call."""

    by: str
    name: str = ""
    call: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Loaded:
    """What a call of *by* loaded."""

    by: str


Value = Rows | Made | Loaded | tuple[Any, ...] | None
Path = tuple[tuple[int, int], ...]


@dataclasses.dataclass(slots=True)
class _Fit:
    """A fit while it is followed: what it is, which rows it saw, below which branches, and where the rows went."""

    touch: Touch
    own: int
    path: Path
    scope: str
    feeds: Feed = ""
    fed: Place | None = None
    labels: bool = False
    uses: list[FitUse] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class _Summary:
    """What a function does with its parameters: fits on them, splits of them, and of what its result is made."""

    parameters: list[str]
    numbers: dict[str, int]
    fits: list[_Fit]
    splits: list[tuple[Place, str, Rows, Path, str]]
    result: Value

    def wants(self, parameter: str) -> bool:
        """Whether it matters that *parameter* is rows."""
        number = self.numbers[parameter]
        return any(fit.own == number for fit in self.fits) or any(number in one[2].line for one in self.splits)


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What becomes of the rows of one module."""
    methods = file.methods_by_name
    callees = file.calls_by_name
    if file.tree is None or not (
        "fit_transform" in methods
        or "fit_resample" in methods
        or "pandas.get_dummies" in callees
        or file.mentions(b"sklearn.model_selection")
        or (not _PREDICTS.isdisjoint(methods) and not _LOADERS.isdisjoint(callees))
        or ("fillna" in methods and ("join" in methods or "merge" in methods or "pandas.merge" in callees))
    ):
        return  # most files: there is nothing to be told of their rows
    yield from _Flow(file).facts()


class _Flow:
    """The rows of one file."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.numbers = itertools.count(1)
        self.functions: dict[str, FunctionSite] = {site.scope.qualname: site for site in file.functions}
        self.summaries: dict[str, _Summary | None] = {}
        self.found: list[Fact] = []
        self.all_fits: dict[Place, _Fit] = {}
        self.splits: dict[tuple[Place, str], Split] = {}
        self.globals: dict[str, Value] = {}
        self.filled: dict[Place, FilledJoin] = {}
        self.labels: dict[Place, FilledLabel] = {}

    def facts(self) -> Iterator[Fact]:
        assert self.file.tree is not None
        top = _Body(self, self.file.module)
        top.block(self.file.tree.body)
        self.globals = top.names
        for name in self.functions:
            self.summary(name)
        for fit in self.all_fits.values():
            yield Fitted(
                place=fit.touch.place,
                touch=fit.touch,
                scope=fit.scope,
                feeds=fit.feeds,
                fed=fit.fed,
                uses=tuple(dict.fromkeys(fit.uses)),
                labels=fit.labels,
            )
        yield from self.filled.values()
        yield from self.labels.values()
        yield from self.splits.values()
        yield from self.found

    def summary(self, name: str) -> _Summary | None:
        """What the function does; None while it is being followed (it calls itself)."""
        if name not in self.summaries:
            self.summaries[name] = None
            site = self.functions[name]
            body = _Body(self, site.scope)
            parameters = [p for p in site.scope.parameters if p != site.scope.receiver]
            numbers = {p: body.fresh(p).own for p in parameters}
            body.block(site.node.body)
            self.summaries[name] = _Summary(parameters, numbers, body.fits, body.splits, body.result)
        return self.summaries[name]

    def split(self, place: Place, api: str, rows: Rows, scope: str, touched: Sequence[Touch]) -> None:
        """A split, once; where it is reached in several ways, the one with the most to say."""
        key = (place, api)
        known = self.splits.get(key)
        if known is None or len(known.touched) < len(touched):
            self.splits[key] = Split(place=place, api=api, frame=rows.name, scope=scope, touched=tuple(touched))


class _Body:
    """The statements of one function, or those outside of all functions."""

    def __init__(self, flow: _Flow, scope: Scope) -> None:
        self.flow = flow
        self.file = flow.file
        self.scope = scope
        self.names: dict[str, Value] = {}
        self.fits: list[_Fit] = []
        self.splits: list[tuple[Place, str, Rows, Path, str]] = []
        self.path: Path = ()
        self.result: Value = None
        self.depth = 0
        self.targets = ""
        self.escaped: dict[str, bool] = {}
        self.gaps: dict[tuple[int, str], tuple[str, Place] | None] = {}

    # ------------------------------------------------------------------------------------------------- statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            self.targets = " ".join(filter(None, (_names(target) for target in node.targets)))
            value = self.value(node.value)
            self.targets = ""
            for target in node.targets:
                self.bind(target, value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.bind(node.target, self.value(node.value))
        elif isinstance(node, ast.AugAssign):
            self.value(node.value)
        elif isinstance(node, (ast.Expr, ast.Return)):
            value = self.value(node.value) if node.value is not None else None
            if isinstance(node, ast.Return) and value is not None:
                self.result = value
                for part in value if isinstance(value, tuple) else (value,):
                    if isinstance(part, Rows):
                        self.feed("return", self.file.place(node), part)
        elif isinstance(node, ast.If):
            self.value(node.test)
            self.arms(node, node.body, node.orelse)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self.value(node.iter)
            self.bind(node.target, None)
            self.block(node.body)
            self.block(node.orelse)
        elif isinstance(node, ast.While):
            self.block(node.body)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                value = self.value(item.context_expr)
                if item.optional_vars is not None:
                    self.bind(item.optional_vars, value)
            self.block(node.body)
        elif isinstance(node, (ast.Try, ast.TryStar)):
            self.block(node.body)
            for handler in node.handlers:
                self.block(handler.body)
            self.block(node.orelse)
            self.block(node.finalbody)
        elif isinstance(node, ast.Match):
            self.arms(node, *(case.body for case in node.cases))

    def arms(self, node: ast.stmt, *arms: Sequence[ast.stmt]) -> None:
        path = self.path
        before = dict(self.names)
        after: list[dict[str, Value]] = []
        for number, arm in enumerate(arms):
            self.path = (*path, (id(node), number))
            self.names = dict(before)
            self.block(arm)
            after.append(self.names)
        self.path = path
        merged = dict(before)
        for names in after:
            merged.update({name: value for name, value in names.items() if before.get(name) is not value})
        self.names = merged

    def bind(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = value if isinstance(value, tuple) and len(value) == len(target.elts) else None
            for index, element in enumerate(target.elts):
                part = parts[index] if parts is not None else (value if isinstance(value, Rows) else None)
                self.bind(element, part)
            return
        key = _key(target)
        if key:
            if isinstance(value, (Rows, Made)):
                value = dataclasses.replace(value, name=key)
            self.names[key] = None if isinstance(value, tuple) else value
        elif isinstance(target, ast.Subscript):
            frame = self.value(target.value)
            name = target.slice.value if isinstance(target.slice, ast.Constant) else None
            if isinstance(frame, Rows) and isinstance(name, str):
                same = isinstance(value, Rows) and value.column == name
                self.gaps[frame.own, name] = value.gap if same and isinstance(value, Rows) else None

    # ------------------------------------------------------------------------------------------------ expressions

    def fresh(self, name: str) -> Rows:
        number = next(self.flow.numbers)
        rows = Rows(number, frozenset((number,)), name)
        if name:
            self.names[name] = rows
        return rows

    def discovered(self, node: ast.expr) -> Rows | None:
        """The rows that *node* is, now that it turns out to be some: what a call gave that is not followed."""
        base = node
        while isinstance(base, (ast.Subscript, ast.Call)) or (isinstance(base, ast.Attribute) and not _key(base)):
            base = base.func if isinstance(base, ast.Call) else base.value
        key = _key(base)
        owner, _, method = key.partition(".")
        if isinstance(node, ast.Call) and method and owner != self.scope.receiver:
            key = owner  # `df.drop(...)`: the method's name is none of a frame
        if not key or self.names.get(key) is not None or self._is_module(owner):
            return None
        self.fresh(key)
        value = self.value(node)
        return value if isinstance(value, Rows) else None

    def _is_module(self, name: str) -> bool:
        owner = self.scope.owner(name)
        return owner is not None and (name in owner.imports or "definition" in owner.names[name])

    def child(self, *parents: Rows) -> Rows:
        number = next(self.flow.numbers)
        line = frozenset((number,)).union(*(parent.line for parent in parents))
        if len(line) > MOST:
            line = frozenset((number,))  # nobody writes that; what these rows were is forgotten
        first = parents[0] if parents else None
        if first is None:
            return Rows(number, line)
        return Rows(
            number, line, first.name, aligned=first.aligned, column=first.column, gap=first.gap, outer=first.outer
        )

    def filtered(self, rows: Rows, node: ast.expr) -> Rows:
        """Some of the rows, with the numbers that they had."""
        return dataclasses.replace(self.child(rows), index="filtered", by=self.file.place(node))

    def value(self, node: ast.expr | None) -> Value:
        if node is None or self.depth > DEPTH:
            return None
        self.depth += 1
        try:
            return self._value(node)
        finally:
            self.depth -= 1

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name):
            found = self.names.get(node.id)
            return found if found is not None else self.flow.globals.get(node.id)
        if isinstance(node, ast.Attribute):
            key = _key(node)
            if key in self.names:
                return self.names[key]
            base = self.value(node.value)
            return base if isinstance(base, Rows) and node.attr in ("values", "loc", "iloc", "T", "index") else None
        if isinstance(node, ast.Subscript):
            return self.subscript(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, (ast.Tuple, ast.List)):
            return tuple(self.value(element) for element in node.elts)
        if isinstance(node, ast.Await):
            return self.value(node.value)
        if isinstance(node, ast.IfExp):
            return self.value(node.body) or self.value(node.orelse)
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            return left if isinstance(left, Rows) else right if isinstance(right, Rows) else None
        first: Value = None
        if not isinstance(node, (ast.Lambda, ast.JoinedStr)):
            for child in children(node):
                if isinstance(child, ast.expr):
                    value = self.value(child)
                    first = first if isinstance(first, Rows) else value
                elif isinstance(child, ast.comprehension):
                    self.value(child.iter)
        return first if isinstance(node, (ast.Dict, ast.DictComp, ast.ListComp, ast.Starred)) else None

    def subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        if isinstance(base, tuple):
            index = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return base[index] if isinstance(index, int) and -len(base) <= index < len(base) else None
        if not isinstance(base, Rows):
            return None
        part: ast.expr = node.slice
        if isinstance(part, ast.Tuple) and part.elts:
            part = part.elts[0]
            if isinstance(part, ast.Slice) and part.lower is part.upper is part.step is None:
                return base
            return self.filtered(base, node)
        positions = isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "iloc")
        if positions or isinstance(part, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Slice, ast.Call)):
            return self.filtered(base, node)
        name = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(name, str):
            gap = self.gaps.get((base.own, name), base.gap)
            return dataclasses.replace(base, column=name, gap=gap)
        return base  # columns

    def call(self, node: ast.Call) -> Value:
        function = node.func
        receiver: Value = None
        method = ""
        if isinstance(function, ast.Attribute):
            method = function.attr
            receiver = self.value(function.value)
        callee = self.file.qualified(function, self.scope) or ""
        if isinstance(function, ast.Attribute) and method in ("fit", "fit_transform", "fit_resample"):
            return self.fit(node, function, method, receiver, callee)
        values = [self.value(argument) for argument in node.args]
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        rows = [value for value in (*values, *named.values()) if isinstance(value, Rows)]
        if callee in _SPLITS:
            self.target(node, values[1:2])
        if callee in _SPLITS or (method == "split" and callee.startswith("sklearn.model_selection.")):
            return self.divide(node, callee, rows)
        if callee in _CROSS:
            self.divide(node, callee, rows)
            return None
        if "()" not in callee and callee.startswith(("pandas.read_", "polars.read_", "polars.scan_")):
            return self.child()
        if callee in _LOADERS:
            return Loaded(callee)
        if method in _PREDICTS:
            self.predict(node, method, receiver, callee, rows)
            return rows[0] if rows else None
        if method in _WRITES and isinstance(receiver, Rows):
            self.feed("write", self.file.place(node), receiver)
            if receiver.filled is not None:
                known = self.flow.filled[receiver.filled]
                self.flow.filled[receiver.filled] = msgspec.structs.replace(known, written=self.file.place(node))
            return None
        if callee == "pandas.get_dummies" and rows:
            drops = next((k.value for k in node.keywords if k.arg == "drop_first"), None)
            method = "drop_first" if isinstance(drops, ast.Constant) and drops.value is True else ""
            place = self.file.place(node)
            self.fitted(node, Touch(kind="dummies", by=callee, method=method, kept=False, place=place), rows[0])
            return rows[0]
        if callee == "sklearn.utils.resample" and rows:
            return self.resampled(node, rows[0])
        if callee in self.flow.functions:
            return self.inner(callee, node, values, named)
        if callee in ("pandas.concat", "polars.concat"):
            return self.pasted(node, values)
        if callee in ("numpy.split", "numpy.array_split") and rows and len(node.args) > 1:
            self.divide(node, callee, rows[:1])
            return self.child(rows[0])
        if callee == "pandas.merge" and rows:
            return self.joined(node, rows[0], node.args[1:2])
        if callee in _SAME_FUNCTIONS:
            inside = [v for value in values if isinstance(value, tuple) for v in value if isinstance(v, Rows)]
            made = rows[0] if rows else inside[0] if inside else None
            if made is not None and callee == "pandas.DataFrame":
                fresh = all(keyword.arg != "index" for keyword in node.keywords)
                array = _is_array(node.args[:1], made)
                made = dataclasses.replace(made, index="range" if array and fresh else "", by=None, made=array)
            return made
        if method == "transform" and rows:
            return dataclasses.replace(rows[0], index="array", by=None)
        if isinstance(receiver, Rows):
            return self.of_rows(node, method, receiver, rows)
        if callee and callee[0] != "*" and callee.rpartition(".")[2][:1].isupper() and "()" not in callee:
            return Made(callee, call=node)
        if callee in _COMPOSED:
            return Made(callee, call=node)
        return self.child(*rows) if rows else None

    def of_rows(self, node: ast.Call, method: str, receiver: Rows, rows: Sequence[Rows]) -> Value:
        """A method of a frame: the same rows, unless it is one that selects or makes others."""
        if method in _FRESH:
            return None
        if method in _CHILDREN or (method == "drop" and _drops_rows(node)):
            return self.filtered(receiver, node)
        if method in ("merge", "join"):
            return self.joined(node, receiver, node.args[:1])
        if method in ("reset_index", "set_index", "reindex"):
            columns = any(keyword.arg == "columns" for keyword in node.keywords)
            return dataclasses.replace(receiver, index="", by=None, aligned=receiver.aligned or columns)
        if method == "toarray":
            return dataclasses.replace(receiver, index="array", by=None)
        if method in ("fillna", "fill_null"):
            receiver = self.gap(node, receiver)
            value = node.args[0] if node.args else None
            if isinstance(value, ast.Constant) and not isinstance(value.value, str):
                receiver = dataclasses.replace(receiver, gap=(ast.unparse(value), self.file.place(node)))
                if receiver.column and any(k.arg == "inplace" for k in node.keywords):
                    assert receiver.gap is not None
                    self.gaps[receiver.own, receiver.column] = receiver.gap
            return receiver
        if method == "train_test_split":  # datasets.Dataset
            return self.divide(node, f"*.{method}", [receiver])
        return receiver

    def joined(self, node: ast.Call, rows: Rows, other: Sequence[ast.expr]) -> Rows:
        how = next((k.value for k in node.keywords if k.arg == "how"), None)
        text = how.value if isinstance(how, ast.Constant) else "left" if _is_join(node) and how is None else ""
        made = self.child(rows)
        if text not in ("left", "outer", "right", "full"):
            return made
        right = other[0] if other else next((k.value for k in node.keywords if k.arg in ("right", "other")), None)
        counts = self.counts(right) or self.counts(node)
        return dataclasses.replace(made, join=(text, counts), outer=None if counts else (text, self.file.place(node)))

    def counts(self, node: ast.expr | None) -> bool:
        """Whether a frame is made by counting or summing, as far as this function tells."""
        if node is None:
            return True
        if isinstance(node, ast.Name):
            bound = [b for b in self.scope.names.get(node.id, ()) if isinstance(b, ast.expr)]
            return any(_COUNTS.search(ast.unparse(b)) for b in bound)
        return bool(_COUNTS.search(ast.unparse(node)))

    def gap(self, node: ast.Call, rows: Rows) -> Rows:
        """``fillna`` on all of a joined frame with one constant."""
        value = node.args[0] if node.args else None
        column = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Subscript)
        if column or not isinstance(value, (ast.Constant, ast.UnaryOp)) or rows.join is None:
            return rows
        place = self.file.place(node)
        how, counts = rows.join
        self.flow.filled[place] = FilledJoin(
            place=place,
            how=how,
            value=ast.unparse(value),
            frame=self.targets or rows.name,
            counts=counts,
            scope=self.scope.function,
        )
        return dataclasses.replace(rows, join=None, filled=place)

    def pasted(self, node: ast.Call, values: Sequence[Value]) -> Value:
        """``pd.concat``: side by side they are the rows of the first; below each other, new ones made of all."""
        parts = [v for value in values if isinstance(value, tuple) for v in value if isinstance(v, Rows)]
        axis = next((k.value for k in node.keywords if k.arg in ("axis", "how")), None)
        if isinstance(axis, ast.Constant) and axis.value in (1, "columns", "horizontal"):
            self.aligned(node, parts)
            return parts[0] if parts else None
        return self.child(*parts) if parts else None

    def aligned(self, node: ast.Call, parts: Sequence[Rows]) -> None:
        fresh = next((part for part in parts if part.made), None)
        if fresh is None or len(parts) < 2:
            return
        filtered = next((part for part in parts if part.index == "filtered" and not part.made), None)
        certain = fresh.index == "range" and filtered is not None
        self.flow.found.append(
            PastedRows(
                place=self.file.place(node),
                fresh=fresh.name,
                filtered=filtered.name if filtered is not None else "",
                by=(filtered.by if filtered is not None else None) or self.file.place(node),
                certain=certain,
                scope=self.scope.function,
            )
        )

    # ----------------------------------------------------------------------------------------------------- events

    def fit(self, node: ast.Call, function: ast.Attribute, method: str, receiver: Value, callee: str) -> Value:
        values = [self.value(argument) for argument in node.args]
        values += [self.value(keyword.value) for keyword in node.keywords]
        rows = next((value for value in values if isinstance(value, Rows)), None)
        if rows is None and node.args:
            rows = self.discovered(node.args[0])
        by = receiver.by if isinstance(receiver, Made) else ""
        if not by and callee.endswith(f"().{method}"):
            by = callee[: -len(f"().{method}")]
        kind = _kind(by, method)
        if kind == "unknown" and by in _COMPOSED and isinstance(receiver, Made) and receiver.call is not None:
            kind = self.composed(receiver.call)
        if rows is None:
            return None
        if kind is None or (kind == "unknown" and method == "fit"):
            if not by.rpartition(".")[2].endswith(("Scaler", "Encoder", "Imputer")):
                self.feed("fit", self.file.place(node), rows)
                self.target(node, values[1:2])
            return receiver
        kept = self.kept(function.value) or (method == "fit" and self.given_back(node))
        shared = not kept and self.shared(function.value)
        touch = Touch(kind=kind, by=by, method=method, kept=kept, shared=shared, place=self.file.place(node))
        if kind == "resampler" and method == "fit_resample":
            made = self.child(rows)
            self.fitted(node, touch, made)
            return made, made
        self.fitted(node, touch, rows)
        return dataclasses.replace(rows, index="array", by=None) if method == "fit_transform" else receiver

    def target(self, node: ast.Call, values: Sequence[Value]) -> None:
        """What an estimator is trained on as its target, or split for that."""
        for value in values:
            if isinstance(value, Rows) and value.column and value.gap is not None:
                filled, place = value.gap
                known = self.flow.labels.get(place)
                if known is None:
                    self.flow.labels[place] = FilledLabel(
                        place=place,
                        column=value.column,
                        value=filled,
                        how=value.outer[0] if value.outer else "",
                        joined=value.outer[1] if value.outer else None,
                        used=self.file.place(node),
                        scope=self.scope.function,
                    )

    def composed(self, call: ast.Call, depth: int = 4) -> TouchKind:
        """The kind of a pipeline or of a transformer of columns: that of its part that leaks most."""
        kinds: list[TouchKind] = []
        for node in walk(call):
            if node is call:
                continue
            made: Any = node if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Name) and isinstance(held := self.names.get(node.id), Made):
                made = held.call
            by = (self.file.qualified(made.func, self.scope) or "") if made is not None else ""
            if by in _COMPOSED and depth:
                kinds.append(self.composed(made, depth - 1))
            elif (kind := _kind(by, "fit")) is not None:
                kinds.append(kind)
        return min(kinds, key=_LEAKS.index, default="unknown")

    def kept(self, owner: ast.expr) -> bool:
        """Whether a fitted object may outlive this function: it is held by more than a name of it, or that name is
        used for more than its methods."""
        if isinstance(owner, ast.Call):
            return False
        if not isinstance(owner, ast.Name) or self.scope.owner(owner.id) is not self.scope:
            return True
        if self.scope.kind == "function" and self.scope.names[owner.id][0] == "parameter":
            return True
        if owner.id not in self.escaped:
            self.escaped[owner.id] = _escapes(self.scope.node, owner.id)
        return self.escaped[owner.id]

    def given_back(self, node: ast.Call) -> bool:
        """Whether what ``fit`` gives back, which is the fitted object, is bound to what outlives this function."""
        site = next((site for site in self.file.methods_by_name.get("fit", ()) if site.node is node), None)
        if site is None or not site.result:
            return False
        return "." in site.result or self.kept(ast.Name(site.result, ast.Load()))

    def shared(self, owner: ast.expr) -> bool:
        """Whether this function transforms other rows with a fitted object."""
        receivers = (
            site.node.func.value
            for site in self.file.methods_by_name.get("transform", ())
            if site.scope is self.scope and isinstance(site.node.func, ast.Attribute)
        )
        return isinstance(owner, ast.Name) and any(isinstance(r, ast.Name) and r.id == owner.id for r in receivers)

    def fitted(self, node: ast.Call, touch: Touch, rows: Rows) -> None:
        fit = self.flow.all_fits.get(touch.place) or _Fit(touch, rows.own, self.path, self.scope.function)
        fit.labels = touch.by.rpartition(".")[2] in _OF_LABELS and _is_label(node, self.scope.node)
        self.flow.all_fits[touch.place] = fit
        fit.uses.append(FitUse(frame=rows.name, place=touch.place))
        self.fits.append(dataclasses.replace(fit, own=rows.own, path=self.path))

    def resampled(self, node: ast.Call, rows: Rows) -> Rows:
        replace = next((k.value for k in node.keywords if k.arg == "replace"), None)
        made = self.child(rows)
        if not (isinstance(replace, ast.Constant) and replace.value is False):
            touch = Touch(
                kind="resampler",
                by="sklearn.utils.resample",
                method="resample",
                kept=False,
                place=self.file.place(node),
            )
            self.fitted(node, touch, made)
        return made

    def seen(self, rows: Rows, path: Path) -> list[_Fit]:
        """The fits so far that saw all of *rows*, or that they were made of."""
        return [fit for fit in self.fits if fit.own in rows.line and _meet(fit.path, path)]

    def feed(self, kind: Feed, place: Place, rows: Rows) -> None:
        for fit in self.seen(rows, self.path):
            known = self.flow.all_fits[fit.touch.place]
            if known.feeds in ("", "return"):
                known.feeds, known.fed = kind, place

    def divide(self, node: ast.Call, callee: str, rows: Sequence[Rows]) -> Value:
        found = self.discovered(node.args[0]) if not rows and node.args else None
        if found is not None:
            rows = [found]
        place = self.file.place(node)
        for one in rows[:MOST]:
            self.splits.append((place, callee, one, self.path, self.scope.function))
        if rows:
            self.divided(place, callee, rows[0], self.path, self.scope.function, rows)
        # each part is made of the rows: what was fitted on them all has seen it
        parts: list[Value] = []
        for one in rows:
            parts += [self.filtered(one, node), self.filtered(one, node)]
        return tuple(parts) if callee in _SPLITS else None

    def divided(self, place: Place, callee: str, rows: Rows, path: Path, scope: str, every: Sequence[Rows]) -> None:
        touched: dict[Place, Touch] = {}
        for one in every:
            for fit in self.seen(one, path):
                touched[fit.touch.place] = fit.touch
            self.feed("split", place, one)
        self.flow.split(place, callee, rows, scope, list(touched.values()))

    def predict(self, node: ast.Call, method: str, receiver: Value, callee: str, rows: Sequence[Rows]) -> None:
        by = receiver.by if isinstance(receiver, Loaded) else callee[: -len(f"().{method}")]
        if by not in _LOADERS:
            return
        touched = dict.fromkeys(
            fit.touch
            for one in rows[:1]
            for fit in self.seen(one, self.path)
            if not (one.aligned and fit.touch.kind == "dummies" and not fit.touch.method)
        )
        self.flow.found.append(
            Scored(
                place=self.file.place(node),
                model=by,
                method=method,
                scope=self.scope.function,
                refitted=tuple(touched),
            )
        )

    def inner(self, name: str, node: ast.Call, values: Sequence[Value], named: dict[str | None, Value]) -> Value:
        """A call of a function of the file: what it does with its parameters, it does with what it is given."""
        summary = self.flow.summary(name)
        rows = [value for value in (*values, *named.values()) if isinstance(value, Rows)]
        if summary is None:
            return self.child(*rows) if rows else None
        given: dict[int, Rows] = {}
        for position, parameter in enumerate(summary.parameters):
            value = named.get(parameter) or (values[position] if position < len(values) else None)
            if value is None and position < len(node.args) and summary.wants(parameter):
                value = self.discovered(node.args[position])
            if isinstance(value, Rows):
                given[summary.numbers[parameter]] = value
        for fit in summary.fits:
            if fit.path or len(self.fits) >= MOST:
                continue  # in some cases only (``if fit:``); which, the call would have to tell
            seen = given.get(fit.own)
            if seen is not None:
                self.fits.append(dataclasses.replace(fit, own=seen.own, path=self.path))
            uses = self.flow.all_fits[fit.touch.place].uses
            # a function that divides its rows returns more than those that it fits on
            made = uses[0].frame if summary.splits else self.targets
            frame = seen.name if seen is not None else made
            if len(uses) < MOST:
                uses.append(FitUse(frame=frame, place=self.file.place(node)))
        for place, callee, one, _, scope in summary.splits:
            parents = [given[number] for number in one.line if number in given]
            if parents:
                self.divided(place, callee, one, self.path, scope, parents)
        return self.outer(summary.result, given)

    def outer(self, result: Value, given: dict[int, Rows]) -> Value:
        if isinstance(result, tuple):
            return tuple(self.outer(part, given) for part in result)
        if not isinstance(result, Rows):
            return result if isinstance(result, Loaded) else None
        if result.own in given:
            return given[result.own]
        parents = [given[number] for number in result.line if number in given]
        made = self.child(*parents)
        return Rows(made.own, made.line | result.line, made.name)


def _kind(by: str, method: str) -> TouchKind | None:
    """What an object of the class *by* is when *method* fits it; None for an estimator, or what learns nothing."""
    name = by.rpartition(".")[2]
    if name in _STATELESS:
        return None
    if by.startswith("sklearn.preprocessing.") or not by.startswith("sklearn."):
        known = _CLASSES.get(name)
        if known is not None:
            return known
    for prefix, kind in _MODULES.items():
        if by.startswith(prefix):
            return kind
    if by in _COMPOSED and (method == "fit_transform" or name in ("ColumnTransformer", "make_column_transformer")):
        return "unknown"
    if method == "fit_transform" and not by.startswith(("sklearn.manifold.", "sklearn.cluster.", "umap.")):
        return "unknown"
    return None


def _meet(first: Path, second: Path) -> bool:
    """Whether what stands below *first* and below *second* can both happen in one run."""
    arms = dict(first)
    return all(arms.get(node, arm) == arm for node, arm in second)


def _key(node: ast.expr) -> str:
    """A name, or an attribute of one (``self.frame``); "" for everything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _names(target: ast.expr) -> str:
    """The names that an assignment's target binds, by spaces."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return " ".join(filter(None, (_names(element) for element in target.elts)))
    return _key(target)


def _is_array(arguments: Sequence[ast.expr], rows: Rows) -> bool:
    """Whether what a frame is made of has no index of its own: what a transformer gave."""
    return bool(arguments) and rows.index == "array"


def _is_join(node: ast.Call) -> bool:
    """Whether a call is ``DataFrame.join``, a left join unless it says otherwise; ``merge`` is an inner one."""
    return isinstance(node.func, ast.Attribute) and node.func.attr == "join" and bool(node.keywords)


def _drops_rows(node: ast.Call) -> bool:
    """Whether a ``drop`` takes rows and not columns."""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    axis = given.get("axis") or (node.args[1] if len(node.args) > 1 else None)
    return "columns" not in given and (axis is None or (isinstance(axis, ast.Constant) and axis.value in (0, "index")))


def _escapes(function: ast.AST, name: str) -> bool:
    """Whether *name* is used in *function* for more than calls of its methods, or what it learned is read from it."""
    inner: set[int] = set()
    for node in walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            if node.attr.endswith("_") or node.attr.startswith("get_"):
                return True
            inner.add(id(node.value))
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) and id(node) not in inner
        for node in walk(function)
    )


def _is_label(fit: ast.Call, function: ast.AST) -> bool:
    """Whether an encoder is fitted on what is to be predicted: called so, given to a function that is called so, or
    a column that the function takes out of the features by its name (``drop``, ``pop``)."""
    rows = fit.args[0] if fit.args else None
    while isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute):
        rows = rows.func.value  # y.astype(str)
    if isinstance(rows, ast.Name):
        whose = function.name if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) else ""
        return any(_LABEL.fullmatch(name) for name in (rows.id, whose))
    if not isinstance(rows, ast.Subscript) or not isinstance(rows.slice, (ast.Constant, ast.Name)):
        return False
    column = ast.dump(rows.slice)
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("drop", "pop")
        and any(ast.dump(one) == column for given in _given(node) for one in given)
        for node in walk(function)
    )


def _given(node: ast.Call) -> Iterator[Sequence[ast.expr]]:
    """What a call is given, what is in a list of it one by one."""
    for value in (*node.args, *(k.value for k in node.keywords)):
        yield value.elts if isinstance(value, (ast.List, ast.Tuple)) else (value,)


READER: Reader[PythonFile] = Reader(
    "frames", 3, PYTHON, (Fitted, Split, Scored, PastedRows, FilledJoin, FilledLabel), claims, read
)
