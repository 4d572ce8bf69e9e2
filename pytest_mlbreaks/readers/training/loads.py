"""Models and checkpoints that are loaded inside of a ``try``, and what becomes of a failure."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from pytest_mlbreaks.formats.python import CallSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import children, walk, within
from pytest_mlbreaks.model.facts import GuardedLoad
from pytest_mlbreaks.readers.training.nodes import around, shown

_Then = Literal["stops", "returns", "other", "reports"]

_FUNCTIONS: Final = frozenset(
    {
        *(
            "torch.load",
            "torch.jit.load",
            "joblib.load",
            "onnx.load",
            "onnxruntime.InferenceSession",
            "fasttext.load_model",
        ),
        *("tensorflow.keras.models.load_model", "keras.models.load_model", "tensorflow.saved_model.load"),
        *("mlflow.pyfunc.load_model", "mlflow.sklearn.load_model", "mlflow.pytorch.load_model", "spacy.load"),
        *("mlflow.xgboost.load_model", "mlflow.lightgbm.load_model", "mlflow.tensorflow.load_model"),
        *("mlflow.keras.load_model", "mlflow.transformers.load_model", "mlflow.catboost.load_model"),
        *("keras.saving.load_model", "sklearn.externals.joblib.load", "skops.io.load"),
    }
)
_METHODS: Final = ("load_state_dict", "load_weights", "load_model", "load_checkpoint")
_ALL: Final = frozenset({"", "builtins.Exception", "builtins.BaseException"})
_MAKES_CONSTANTS: Final = frozenset(
    {"numpy.full", "numpy.zeros", "numpy.ones", "numpy.array", "builtins.dict", "builtins.list"}
)
_REPORTS: Final = frozenset(
    {
        *(
            "print",
            "debug",
            "info",
            "warning",
            "warn",
            "error",
            "exception",
            "critical",
            "log",
            "print_exc",
            "format_exc",
        ),
        *("str", "repr", "type", "format", "len", "capture_exception", "echo", "secho", "write", "flush"),
    }
)


_KEEPS: Final = frozenset(
    {
        *("append", "add", "update", "extend", "insert", "setdefault", "put", "set_params"),
        *("load_state_dict", "load_weights", "load_model", "load_checkpoint", "set_weights"),
    }
)
"""Methods that put what they are given where code behind the ``try`` finds it."""

MOST_STATEMENTS: Final = 6
"""Statements of a ``try`` that is about a load, and not about all that is done with what was loaded."""


def guarded_loads(file: PythonFile) -> Iterator[GuardedLoad]:
    """The loads of one file that stand in the body of a ``try`` of their function with a handler for any error."""
    for site in sorted(_sites(file), key=_position):
        chain = around(site)
        attempt = _attempt(chain)
        handler = _any_error(file, attempt, site) if attempt is not None else None
        if attempt is None or handler is None:
            continue
        then, replaced = _then(file, handler, site)
        if then == "reports" and not (_is_for_the_load(attempt) and _goes_on([site.scope.node, *chain], attempt)):
            then = "other"
        if then == "reports" and _used_up(site, attempt):
            then = "other"
        yield GuardedLoad(
            place=file.place(site.node),
            api=site.callee,
            catches=shown(handler.type),
            then=then,
            replaced=replaced,
            handler=file.place(handler.type) if handler.type is not None else file.place(handler.body[0]),
            scope=site.scope.function,
            asked_for=then == "reports" and _asked_for(file, site),
            callers=tuple(_silent_callers(file, site.scope.qualname)),
            answers_503=file.mentions(b"503") or file.mentions(b"SERVICE_UNAVAILABLE"),
        )


def _silent_callers(file: PythonFile, name: str) -> Iterator[str]:
    """The functions of the file that call the one called *name*, and hold no ``raise``."""
    seen = {name}
    for site in file.calls_by_name.get(name, ()):
        caller = site.scope.function
        if caller and caller not in seen:
            seen.add(caller)
            body = getattr(site.scope.node, "body", [])
            if not any(isinstance(node, ast.Raise) for node in within(list(body))):
                yield caller


def _position(site: CallSite) -> tuple[int, int]:
    return site.node.lineno, site.node.col_offset


def _sites(file: PythonFile) -> Iterator[CallSite]:
    for callee in _FUNCTIONS:
        yield from file.calls_by_name.get(callee, ())
    for method in _METHODS:
        for site in file.methods_by_name.get(method, ()):
            if site.callee not in _FUNCTIONS:
                yield site


def _attempt(chain: Sequence[ast.AST]) -> ast.Try | None:
    """The innermost ``try`` whose body the call, last of the *chain*, stands in."""
    for outer, inner in reversed(list(itertools.pairwise(chain))):
        if isinstance(outer, ast.Try) and inner in outer.body:
            return outer
    return None


def _any_error(file: PythonFile, attempt: ast.Try, site: CallSite) -> ast.ExceptHandler | None:
    """The handler that takes an error of whatever kind, where one does."""
    for handler in attempt.handlers:
        types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any((file.qualified(t, site.scope) or "") in _ALL if t is not None else True for t in types):
            return handler
    return None


def _then(file: PythonFile, handler: ast.ExceptHandler, site: CallSite) -> tuple[_Then, tuple[str, ...]]:
    """What the handler does, and what it sets to a constant."""
    replaced: list[str] = []
    then: _Then = "reports"
    for node in within(list(handler.body)):
        if isinstance(node, ast.Raise):
            return "stops", ()
        if isinstance(node, ast.Return):
            then = "returns"
        elif isinstance(node, ast.Continue | ast.Break | ast.Yield | ast.If | ast.Try | ast.For | ast.While | ast.With):
            then = "other"
        elif isinstance(node, ast.Call):
            callee = file.qualified(node.func, site.scope) or shown(node.func)
            last = callee.rpartition(".")[2]
            if last in ("exit", "_exit", "abort", "fail", "SystemExit"):
                return "stops", ()
            if last not in _REPORTS and callee not in _MAKES_CONSTANTS and then == "reports":
                then = "other"
        elif isinstance(node, ast.Assign):
            if _constant(node.value, file, site):
                replaced += [shown(target) for target in node.targets]
            elif then == "reports":
                then = "other"
        elif isinstance(node, ast.AugAssign):
            then = "other"
    return then, tuple(sorted(replaced))


def _constant(node: ast.expr, file: PythonFile, site: CallSite) -> bool:
    if isinstance(node, ast.Call):
        return file.qualified(node.func, site.scope) in _MAKES_CONSTANTS
    return isinstance(node, ast.Constant | ast.List | ast.Dict | ast.Tuple)


def _is_for_the_load(attempt: ast.Try) -> bool:
    """Whether the ``try`` is there for the load: few statements, and none that leaves the function with what was
    loaded, so that what stands behind it is for the other case."""
    return len(attempt.body) <= MOST_STATEMENTS and not any(isinstance(n, ast.Return) for n in within(attempt.body))


def _used_up(site: CallSite, attempt: ast.Try) -> bool:
    """Whether what was loaded ends with the body of the ``try`` (a look into a file, a report): nothing goes on without
    it, as nothing behind asks for it."""
    if not site.result or "." in site.result or site.scope.kind != "function":
        return False
    inside = list(within(attempt.body))
    loaded = {site.result}
    for node in sorted((n for n in inside if isinstance(n, ast.Assign)), key=lambda n: (n.lineno, n.col_offset)):
        if _mentions(node.value, loaded):
            if not all(isinstance(target, ast.Name) for target in node.targets):
                return False
            loaded |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    for other in inside:
        if isinstance(other, ast.Yield | ast.YieldFrom | ast.Return):
            return False
        if isinstance(other, ast.Call) and isinstance(other.func, ast.Attribute) and other.func.attr in _KEEPS:
            arguments = [*other.args, *(keyword.value for keyword in other.keywords)]
            kept = any(_mentions(argument, loaded) for argument in arguments)
            if kept:
                return False
    mine = {id(node) for node in inside}
    return not any(
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in loaded and id(node) not in mine
        for node in within(children(site.scope.node))
    )


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in walk(node))


def _asked_for(file: PythonFile, site: CallSite) -> bool:
    """Whether other code of the file raises where the name, or an attribute of the name, is None: what needs it then
    says so, and what does not need it may go without. What answers a request with an error is no such code."""
    name = site.result.rpartition(".")[2]
    if not name or file.tree is None or not file.mentions(b"is None") or not file.mentions(b"raise "):
        return False
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.ops[0], ast.Is)
        and shown(node.test.left).rpartition(".")[2] == name
        and shown(node.test.comparators[0]) == "None"
        and isinstance(node.body[0], ast.Raise)
        and "HTTPException" not in shown(node.body[0].exc)
        and "abort" not in shown(node.body[0].exc)
        for node in walk(file.tree)
    )


def _goes_on(chain: Sequence[ast.AST], attempt: ast.Try) -> bool:
    """Whether code of the function, or of the module, stands behind the ``try``."""
    inner: ast.AST = attempt
    for outer in reversed(chain[: chain.index(attempt)]):
        if _behind(outer, inner):
            return True
        inner = outer
    return False


def _behind(outer: ast.AST, inner: ast.AST) -> bool:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(outer, name, None)
        if isinstance(block, list) and inner in block:
            return block[-1] is not inner
    return False
