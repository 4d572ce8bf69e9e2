"""Code of tests, in Python: looked through for what it imports, and not parsed.

Nothing is reported about it and no step runs it, so that the rest of it is not asked for by anybody; in many
repositories it is four tenths of the code. What may be run by more than pytest (a stage that is called
``test_model.py``, a DAG ``test_dag.py``, a program in a folder ``tests``) is no code of tests here, and read like all
other Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_mlbreaks.formats.python import parse_python
from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.facts import Import
from pytest_mlbreaks.reading import Format, Source
from pytest_mlbreaks.recognised import in_tests

_NAME: Final = re.compile(r"(?:test_.*|.*_test|conftest)\.py")
# A pattern that begins with a fixed text is looked for many times faster than one that begins with a line.
_TEST: Final = re.compile(rb"def[ \t]+test")
_BEFORE_DEF: Final = re.compile(rb"[ \t]*(?:async[ \t]+)?")
_ASSERTS: Final = re.compile(rb"assert|pytest|unittest")
_MAIN: Final = re.compile(rb"^if[ \t]+__name__\b.*\n(?:[ \t]*\n)*(.*)", re.MULTILINE)
_RUNS_TESTS: Final = re.compile(
    rb"[ \t]+(?:(?:raise[ \t]+)?(?:sys\.exit|SystemExit|exit)\()?(?:pytest|unittest|absltest)\b"
)
_IMPORT_WORD: Final = re.compile(rb"import[ \t(*\\]")
_IMPORT: Final = re.compile(rb"[ \t]*(?:import[ \t]+[\w.]|from[ \t]+[\w.]+[ \t]+import[ \t]*(?P<open>\()?)[^\n]*")
_DOES: Final = re.compile(
    rb"^(?:[A-Za-z_][\w.]*[ \t]*\(|(?:for|while|with|async|await)[ \t]|if[ \t]+__name__\b)", re.MULTILINE
)
"""What a module does besides giving names to things: a call, a loop, a block, a program of its own."""
_TEXT_ENDS: Final = (b'"""', b"'''")


class TestCode:
    """A file of tests: its *path*, what it imports, wherever in it (*scope* and *guarded* of an import are not told),
    and whether there are tests in it, or only what tests share (``conftest.py``)."""

    __test__ = False

    def __init__(self, source: Source) -> None:
        self.path = source.path
        self.holds_tests = _defines_test(source.data)
        self.imports = tuple(_imports(source))


def is_called_like_tests(path: str) -> bool:
    """Whether a file of Python is called as pytest wants tests to be, or what they share, or lies in a folder of
    tests."""
    return path.endswith(".py") and (_NAME.fullmatch(path, path.rfind("/") + 1) is not None or in_tests(path))


def is_test_code(source: Source) -> bool:
    """Whether a file is code that pytest or unittest alone runs: called like a test, holding tests that assert
    something or what they share, and not started as a program of another kind; or in a folder of tests, and no
    program at all."""
    if not is_called_like_tests(source.path):
        return False
    data = source.data
    if not _NAME.fullmatch(source.path, source.path.rfind("/") + 1):
        return _DOES.search(data) is None
    if not source.path.endswith("conftest.py") and (not _defines_test(data) or _ASSERTS.search(data) is None):
        return False
    main = _MAIN.search(data) if b"__name__" in data else None
    return main is None or _RUNS_TESTS.match(main[1]) is not None


def _defines_test(data: bytes) -> bool:
    return any(
        _BEFORE_DEF.fullmatch(data, data.rfind(b"\n", 0, match.start()) + 1, match.start()) is not None
        for match in _TEST.finditer(data)
    )


def _imports(source: Source) -> Iterator[Import]:
    tree = parse_python(source.path, _import_lines(source.data))
    if isinstance(tree, ast.Module):
        statements: Iterable[ast.AST] = tree.body
    else:  # a text that looks like an import, or a form that was not thought of
        tree = parse_python(source.path, source.data)
        if isinstance(tree, Diagnostic):
            return  # pytest says so, wherever these tests are run
        statements = ast.walk(tree)
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield Import(target=alias.name, alias=bound, line=alias.lineno)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(
                    target=node.module or "",
                    alias=alias.asname or alias.name,
                    name=alias.name,
                    level=node.level,
                    line=alias.lineno,
                )


def _import_lines(data: bytes) -> bytes:
    """The statements of *data* that import, each on the line that it has there; those in texts of several lines are
    left out as far as this can be told by counting quotes."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    found: list[bytes] = []
    line = told = start = 0
    inside = dict.fromkeys(_TEXT_ENDS, False)
    for word in _IMPORT_WORD.finditer(data):
        begin = data.rfind(b"\n", 0, word.start()) + 1
        if begin < start or (found and begin == start):
            continue
        match = _IMPORT.match(data, begin)
        if match is None:
            continue
        end = match.end()
        for mark in _TEXT_ENDS:
            inside[mark] ^= data.count(mark, start, begin) % 2 == 1
        line += data.count(b"\n", start, begin)
        start = begin
        if any(inside.values()):
            continue
        if match["open"] is not None:
            end = data.find(b")", match.end("open")) + 1 or end
        while data[end - 1 : end] == b"\\":
            end = data.find(b"\n", end + 1)
            end = len(data) if end < 0 else end
        text = data[begin:end].strip()
        found.append(b"\n" * (line - told) + text)
        told = line + text.count(b"\n")
    return b"".join(found)


TESTS: Format[TestCode] = Format("python", TestCode)
