"""Code of tests is told by its name and content, and looked through for what it imports."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.formats.python_tests import TestCode, is_test_code
from pytest_mlbreaks.reading import Source

TEST = b"from app.model import load\n\ndef test_load():\n    assert load()\n"


def _imports(text: str) -> list[tuple[str, str | None, int, int]]:
    code = TestCode(Source("tests/test_x.py", text.encode()))
    return [(one.target, one.name, one.level, one.line) for one in code.imports]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("tests/test_load.py", TEST),
        ("load_test.py", TEST),
        ("conftest.py", b"import pytest\n"),
        ("test_a.py", TEST + b"\nif __name__ == '__main__':\n    pytest.main()\n"),
        ("test_a.py", TEST + b"\nif __name__ == '__main__':\n\n    sys.exit(unittest.main())\n"),
        ("test_a.py", b"class TestA:\n    async def test_it(self):\n        assert 1\n"),
        ("tests/helpers.py", TEST),
        ("tests/data/rows.py", b"import pandas\n\nROWS = pandas.DataFrame([\n    (1, 2),\n])\n"),
    ],
)
def test_what_pytest_alone_runs_is_test_code(path: str, data: bytes) -> None:
    """Called like a test, with tests that assert, and started by nothing but a test runner; or what tests share."""
    assert is_test_code(Source(path, data))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("load.py", TEST),
        ("deploy/test/jobs.py", TEST),
        ("tests/.env", b"MODEL=tests\n"),
        ("tests/load.py", TEST + b"\nif __name__ == '__main__':\n    load()\n"),
        ("tests/data/make.py", b"from app.model import load\n\nload().save('tests/model')\n"),
        ("tests/dags/daily.py", b"from airflow import DAG\n\nwith DAG('daily'):\n    pass\n"),
        ("test_model.py", b"import pandas\n\ndef main():\n    assert pandas\n"),
        ("test_model.py", TEST + b"\nif __name__ == '__main__':\n    test_load()\n"),
        ("dags/test_dag.py", b"from airflow import DAG\n\ndef test_task():\n    print(1)\n"),
    ],
)
def test_what_something_else_may_run_is_no_test_code(path: str, data: bytes) -> None:
    """A stage that is called like a test, a program, a DAG, an environment that is called `test`."""
    assert not is_test_code(Source(path, data))


def test_imports_are_found_wherever_they_stand() -> None:
    """At the top, over several lines, relative, in functions, and behind a backslash; each on its line."""
    text = (
        '\ufeff"""Text.\n\nimport not_this\n"""\n'
        "import os, app.serving as s\n"
        "from ..lib import (  # why\n    a,\n    b as c,\n)\n"
        "from x import \\\n    y\n"
        "def test_a():\n    from app.model import load; load()\n    assert load\n"
    )
    assert _imports(text) == [
        ("os", None, 0, 5),
        ("app.serving", None, 0, 5),
        ("lib", "a", 2, 7),
        ("lib", "b", 2, 8),
        ("x", "y", 0, 11),
        ("app.model", "load", 0, 13),
    ]


def test_a_text_that_looks_like_an_import_misleads_nobody() -> None:
    """Where the lines that look like imports do not parse, all of the file is parsed."""
    assert _imports("x = 'a\\\nfrom here import (we'\nimport a\n") == [("a", None, 0, 3)]


def test_what_does_not_parse_says_nothing() -> None:
    """No error either: pytest tells it where the tests are run."""
    assert _imports("import a b c\n") == []


_LINES = ("import a", "from b import c", "x = 1", '"""', "'''", "# import d", "y = (", ")")


@given(st.lists(st.sampled_from(_LINES), max_size=12))
def test_no_import_is_made_up(lines: list[str]) -> None:
    """What is said of code that parses, the parser says as well."""
    text = "\n".join(lines) + "\n"
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        _imports(text)
        return
    nodes = (node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
    assert {line for *_, line in _imports(text)} == {node.lineno for node in nodes}
