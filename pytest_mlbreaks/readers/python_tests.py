"""Code of tests: which modules of the tree it imports."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.python_tests import TESTS, TestCode, is_called_like_tests
from pytest_mlbreaks.model import Fact, Place
from pytest_mlbreaks.model.facts import PythonModule
from pytest_mlbreaks.readers import python
from pytest_mlbreaks.reading import Reader, Wanted


def claims(path: str) -> bool:
    """Python files of the repository that are called like tests, or lie in a folder of them."""
    return is_called_like_tests(path) and python.claims(path)


def read(file: TestCode, wanted: Wanted) -> Iterator[Fact]:
    """The module: what it imports, and that it holds tests."""
    yield PythonModule(place=Place(file.path), imports=file.imports, tests=file.holds_tests)


READER: Reader[TestCode] = Reader("python-tests", 2, TESTS, (PythonModule,), claims, read, tests=True)
