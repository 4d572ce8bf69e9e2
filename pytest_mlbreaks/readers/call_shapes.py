"""How calls are written that may be of functions of the tree: how many arguments, and which names."""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import CallShape, CallShapes
from pytest_mlbreaks.readers import python
from pytest_mlbreaks.reading import Reader, Wanted

_LIBRARIES = frozenset(
    {
        *("builtins", "numpy", "pandas", "torch", "tensorflow", "sklearn", "keras", "matplotlib", "plotly", "seaborn"),
        *("pytest", "fastapi", "flask", "django", "pydantic", "sqlalchemy", "requests", "httpx", "boto3", "botocore"),
        *("google", "airflow", "kfp", "dagster", "prefect", "mlflow", "transformers", "datasets", "langchain", "dbt"),
        *("pyspark", "click", "typer", "yaml", "joblib", "polars", "streamlit", "alembic", "kubernetes", "azure"),
        *("sagemaker", "setuptools", "wandb", "ray", "jax", "cv2", "PIL", "spacy", "nltk", "scipy", "xgboost"),
        *("lightgbm", "rich", "vertexai", "openai", "loguru", "structlog", "celery", "redis", "duckdb", "pyarrow"),
        *("tqdm", "hopsworks", "torchvision", "rest_framework", "tenacity", "langchain_core", "llama_index"),
    }
)
"""Packages whose functions are no functions of a tree."""

_SUPER = "builtins.super()."


def claims(path: str) -> bool:
    """Python source of the repository's own; no notebooks, whose cells run in any order."""
    return path.endswith(".py") and python.claims(path)


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The shapes of the calls of one module."""
    if file.tree is None:
        return
    own = {site.scope.qualname: site for site in file.functions}
    ends: dict[int, float] = {}
    shapes: dict[tuple[object, ...], CallShape] = {}
    for callee, sites in file.calls_by_name.items():
        if callee[0] == "*" or not _may_be_ours(callee):
            continue
        for site in sites:
            shape = _shape(file, site, callee, own, ends)
            if shape is not None:
                shapes.setdefault((shape.callee, shape.given, shape.names, shape.passed, shape.dropped), shape)
    if shapes:
        yield CallShapes(place=file.place(file.tree), calls=tuple(shapes.values()))


def _may_be_ours(callee: str) -> bool:
    if callee.startswith(_SUPER):
        return True
    root = callee.partition(".")[0]
    return root.removesuffix("()") not in _LIBRARIES and (not root or root not in sys.stdlib_module_names)


def _shape(
    file: PythonFile, site: CallSite, callee: str, own: dict[str, FunctionSite], ends: dict[int, float]
) -> CallShape | None:
    """The shape of a call; None for one that unpacks, that fits a function of the file at first sight, or that no run
    comes to. *ends* is what is known of where functions end, by the id of their scopes."""
    node = site.node
    names = []
    for keyword in node.keywords:
        if keyword.arg is None:
            return None
        names.append(keyword.arg)
    passed = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            return None
        passed.append(argument.id if isinstance(argument, ast.Name) else "")
    meant = _meant(file, site, callee)
    if not meant or meant.count("()") > 1:
        return None
    called = own.get(callee)
    unawaited = site.dropped and (called is None or isinstance(called.node, ast.AsyncFunctionDef))
    if called is not None and not unawaited and _fits(called, len(passed), names):
        return None
    end = ends.get(id(site.scope))
    if end is None:
        end = ends[id(site.scope)] = _end_of(site.scope.node)
    if node.lineno > end:
        return None
    return CallShape(
        callee=meant,
        given=len(passed),
        names=tuple(names),
        passed=tuple(passed) if len(passed) > 1 and len(set(passed) - {""}) > 1 else (),
        dropped=unawaited,
        scope=site.scope.function,
        place=file.place(node),
    )


def _end_of(node: ast.AST) -> float:
    """The last line of a function's own block that a run may come to: that of the ``raise`` or ``return`` in it."""
    for one in node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ():
        if isinstance(one, ast.Raise | ast.Return):
            return one.end_lineno or one.lineno
    return math.inf


def _meant(file: PythonFile, site: CallSite, callee: str) -> str:
    """The name of what is called, with the class of ``super()`` and of ``self`` told; "" where it is not sure."""
    if callee.startswith(_SUPER):
        return _of_base(file, site.scope, callee[len(_SUPER) :], site.node.func)
    root: ast.expr = site.node.func
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return callee
    owner = site.scope.owner(root.id)
    if owner is None or len(owner.names[root.id]) != 1:
        return ""
    if root.id == site.scope.receiver and owner is site.scope and "()" not in callee:
        if _is_static(site.scope.node):
            return ""
        head, _, method = callee.rpartition(".")
        return f"{head}().{method}"
    return callee


def _is_static(node: ast.AST) -> bool:
    """Whether a method gets no object, so that its first parameter is one like the others."""
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in decorators)


def _of_base(file: PythonFile, scope: Scope, method: str, called: ast.expr) -> str:
    """``Base().method`` for ``super().method`` in a class of one base."""
    cls = scope.parent.node if scope.parent is not None else None
    if not isinstance(cls, ast.ClassDef) or len(cls.bases) != 1 or "." in method:
        return ""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Call) and called.value.args:
        return ""
    base = file.qualified(cls.bases[0], scope.parent.parent or file.module) if scope.parent is not None else None
    return f"{base}().{method}" if base and base[0] != "*" and _may_be_ours(base) else ""


def _fits(called: FunctionSite, given: int, names: list[str]) -> bool:
    """Whether a call fits a function of its file at first sight, the object that a method gets not counted."""
    arguments = called.node.args
    known = [a.arg for a in (*arguments.args, *arguments.kwonlyargs)]
    least = len(arguments.args) - len(arguments.defaults) + arguments.kw_defaults.count(None)
    bound = 1 if arguments.args and arguments.args[0].arg in ("self", "cls") else 0
    return (
        not set(names).difference(known)
        and len(arguments.args) - bound >= given
        and least - bound <= given + len(names) - sum(n in names for n in _with_default(arguments))
    )


def _with_default(arguments: ast.arguments) -> list[str]:
    positional = [a.arg for a in arguments.args[len(arguments.args) - len(arguments.defaults) :]]
    return positional + [a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d]


READER = Reader(
    name="call shapes",
    version=1,
    format=PYTHON,
    facts=(CallShapes,),
    claims=claims,
    read=read,
)
