"""What decides whether data or a model is good enough: validations that don't raise, and asserts."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Final, Literal

from pytest_mlbreaks.formats.python import CallSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import children, walk, within
from pytest_mlbreaks.model.facts import Assertion, Assertions, ValidationRun
from pytest_mlbreaks.readers.training.nodes import around, shown, statements_at

_ASSERT = re.compile(rb"assert[ (]")
_NEVER_CALLED: Final = frozenset(
    {"all", "any", "equals", "is_file", "is_dir", "is_available", "is_initialized", "isdigit"}
)
"""Methods of pandas, numpy, torch and pathlib that nobody has as attributes that hold a value."""

_ACTS: Final = frozenset(
    {
        *("pop", "append", "put", "load_state_dict", "connect", "acquire", "setdefault", "mkdir", "execute", "commit"),
        *("popleft", "extend", "writelines", "unlink", "rmdir", "send", "publish", "insert"),
    }
)
"""Methods that change something: inside of an assert that happens only where asserts do."""

LIMIT = 400
"""Asserts of one module that are told."""

_TESTS = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")

_RUNS: Final[tuple[tuple[str, bytes, tuple[str, ...], str, re.Pattern[bytes]], ...]] = (
    # library, what the file has to mention, methods, what has to be asked for, and how that is written
    (
        "great_expectations",
        b"great_expectations",
        ("run", "run_checkpoint", "run_validation_operator", "validate"),
        "success",
        re.compile(rb"success|raise_on_failure|assert_|get_failed|describe_dict|run_results|unexpected_count"),
    ),
    (
        "tensorflow_data_validation",
        b"tensorflow_data_validation",
        ("validate_statistics",),
        "anomaly_info",
        re.compile(rb"anomaly_info|write_anomalies|drift_skew_info"),
    ),
)
_GX_OBJECTS = re.compile(r"validation_definition|checkpoint|validator|batch|great_expectations|context", re.IGNORECASE)


def validations(file: PythonFile) -> Iterator[ValidationRun]:
    """The runs of validation libraries in one file."""
    for library, mentioned, methods, wanted, asks in _RUNS:
        if not file.mentions(mentioned):
            continue
        for method in methods:
            sites = [*file.methods_by_name.get(method, ()), *file.calls_by_name.get(f"{library}.{method}", ())]
            for site in sites:
                if library != "great_expectations" or _of_gx(site, method):
                    yield ValidationRun(
                        place=file.place(site.node),
                        library=library,
                        api=f"{_receiver(site)}.{method}".lstrip("."),
                        verdict="read" if file.has(asks) else _handed_on(site),
                        wanted=wanted,
                        scope=site.scope.function,
                    )


def _of_gx(site: CallSite, method: str) -> bool:
    if method in ("run_checkpoint", "run_validation_operator"):
        return True
    receiver = _receiver(site)
    if "great_expectations" in site.callee:
        return method == "run" or not site.node.args
    wanted = ("validation_definition", "checkpoint") if method == "run" else ("validator", "batch")
    return any(word in receiver.lower() for word in wanted) and _GX_OBJECTS.search(receiver) is not None


def _receiver(site: CallSite) -> str:
    function = site.node.func
    return shown(function.value, 40) if isinstance(function, ast.Attribute) else ""


def _handed_on(site: CallSite) -> Literal["unread", "returned"]:
    """Whether the result leaves the function by ``return``, directly or under its name."""
    chain = around(site)
    if any(isinstance(node, ast.Return) for node in chain):
        return "returned"
    statement = next((node for node in reversed(chain) if isinstance(node, ast.Assign)), None)
    names = {t.id for t in statement.targets if isinstance(t, ast.Name)} if statement is not None else set()
    for node in within(children(site.scope.node)):
        returned = walk(node.value) if isinstance(node, ast.Return) and node.value is not None else ()
        if any(isinstance(n, ast.Name) and n.id in names for n in returned):
            return "returned"
    return "unread"


def assertions(file: PythonFile) -> Iterator[Assertions]:
    """The asserts of one module, where it is no test."""
    if not file.mentions(b"assert ") or file.tree is None or _TESTS.search(file.path):
        return
    statements = statements_at(file.tree, list(file.lines_of(_ASSERT)))
    asserts = (statement for statement in statements if isinstance(statement, ast.Assert))
    found = [_assertion(file, statement) for statement in itertools.islice(asserts, LIMIT)]
    if found:
        yield Assertions(place=found[0].place, asserts=tuple(found))


def _assertion(file: PythonFile, node: ast.Assert) -> Assertion:
    test = node.test
    shape: Literal["", "tuple", "generator", "text", "method"] = ""
    if isinstance(test, ast.Tuple) and test.elts:
        shape = "tuple"
    elif isinstance(test, ast.GeneratorExp):
        shape = "generator"
    elif isinstance(test, ast.Constant) and isinstance(test.value, str) and test.value:
        shape = "text"
    elif isinstance(test, ast.Attribute) and test.attr in _NEVER_CALLED:
        shape = "method"
    acts = next((shown(c) for c in walk(test) if _changes(c)), "")
    return Assertion(
        shape=shape,
        subject=shown(test),
        acts=acts,
        narrows=not shape and not acts and _narrows(test),
        place=file.place(node),
    )


def _changes(node: ast.AST) -> bool:
    if isinstance(node, ast.NamedExpr):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ACTS


def _narrows(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return all(_narrows(value) for value in test.values)
    if isinstance(test, ast.Compare):
        return all(isinstance(op, ast.Is | ast.IsNot) for op in test.ops)
    if isinstance(test, ast.Call):
        return isinstance(test.func, ast.Name) and test.func.id in ("isinstance", "issubclass", "callable")
    return isinstance(test, ast.Name | ast.Attribute)
