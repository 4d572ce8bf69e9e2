"""Notebooks as Python."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_mlbreaks.formats.notebook import python_lines
from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.reading import Source, Unreadable


def notebook(*cells: str | tuple[str, str] | dict[str, Any], indent: int | None = 1, **more: Any) -> bytes:
    """A notebook of code cells; a pair is (type, source), a dictionary a cell as it is."""
    made = []
    for cell in cells:
        if isinstance(cell, dict):
            made.append(cell)
            continue
        kind, text = cell if isinstance(cell, tuple) else ("code", cell)
        made.append({"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True), "outputs": []})
    content = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}
    return json.dumps(content, indent=indent).encode()


def parse(data: bytes) -> PythonFile:
    return PYTHON.parse(Source("a.ipynb", data))


def places(file: PythonFile, callee: str) -> list[str]:
    return [str(file.place(site.node)) for site in file.calls_by_name.get(callee, ())]


def test_cells_are_one_module_and_places_are_by_cell() -> None:
    """A name of one cell is known in the next; cells count from 1, Markdown too; lines count in the cell."""
    file = parse(notebook("import pandas as pd\n", ("markdown", "# Text"), "\nx = pd.read_csv('a')\nx.merge(y)"))
    assert places(file, "pandas.read_csv") == ["a.ipynb:cell 3:2:5"]
    assert places(file, "pandas.read_csv().merge") == ["a.ipynb:cell 3:3:1"]
    place = file.place(file.calls_by_name["pandas.read_csv"][0].node)
    assert (place.kind, place.cell, place.line, place.end_line) == ("cell", 3, 2, 2)
    assert file.tree is not None
    assert file.place(file.tree).line is None


@pytest.mark.parametrize("indent", [1, None])
def test_the_line_of_the_file_is_told(indent: int | None) -> None:
    """The line of the JSON on which the source line stands; where all of it stands on one line, that one."""
    data = notebook(
        {"cell_type": "code", "outputs": [{"text": ["f()\n"]}], "source": ["a = 1\n", "f()\n"]}, indent=indent
    )
    file = parse(data)
    place = file.place(file.calls[0].node)
    assert place.file_line is not None
    line = data.decode().splitlines()[place.file_line - 1]
    assert '"f()\\n"' in line
    assert indent is None or line.strip() == '"f()\\n"'


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("%matplotlib inline\nx = 1", ["pass", "x = 1"]),
        ("!pip install \\\n  pandas\nx = 1", ["pass", "", "x = 1"]),
        ("if a:\n    !ls", ["if a:", "    pass"]),
        ("files = !ls\nn = %timeit -o f()", ["files = None", "n = None"]),
        ("df?\n?df\ndf.head??", ["pass", "pass", "pass"]),
        ("%%bash\nrm -rf x", ["", ""]),
        ("%%writefile a.py\nimport os", ["", ""]),
        ("\n%%time\nf()", ["", "", "f()"]),
        ("x = (a\n  % b)", ["x = (a", "  % b)"]),
        ("x = '''\n!not a command\n'''", ["x = '''", "!not a command", "'''"]),
        ("assert a != b", ["assert a != b"]),
    ],
)
def test_what_only_ipython_understands_is_blanked(cell: str, lines: list[str]) -> None:
    """Line for line, so that the others keep their numbers."""
    assert python_lines(cell) == lines


def test_a_broken_cell_is_told_and_the_rest_stands() -> None:
    """One diagnostic by cell and line; a broken cell is no error of the file."""
    file = parse(notebook("f()", "g(", "print 'x'", "await h()"))
    assert [site.callee for site in sorted(file.calls, key=lambda s: s.node.lineno)] == ["f", "h"]
    assert [(d.place.cell, d.level) for d in file.diagnostics] == [(2, "warning"), (3, "warning")]
    assert "Python 2" in file.diagnostics[1].message


def test_many_broken_cells_are_told_together() -> None:
    """A notebook of another language in disguise gives four diagnostics, not four hundred."""
    file = parse(notebook(*["x <- c(1, 2) %>% f"] * 400))
    assert len(file.diagnostics) == 4
    assert file.diagnostics[-1].message.startswith("397 more cells")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a notebook"),
        (b"{}", "no cells"),
        (b'{"cells": 3}', "not a notebook"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not"),
    ],
)
def test_what_is_no_notebook_is_unreadable(data: bytes, message: str) -> None:
    """With a reason."""
    with pytest.raises(Unreadable, match=message):
        parse(data)


def test_broken_json_names_its_line() -> None:
    """As far as the parser tells."""
    with pytest.raises(Unreadable) as caught:
        parse(b'{\n"cells": [\n1,]}')
    assert caught.value.place.line == 3 or "not a notebook" in str(caught.value)


def test_odd_cells_do_no_harm() -> None:
    """Cells without a source, with a source of text, of numbers, of nothing; metadata that is no object."""
    file = parse(
        notebook(
            {},
            {"cell_type": "code"},
            {"cell_type": "code", "source": "f()\nf()"},
            {"cell_type": "code", "source": [1]},
            "g()",
            metadata=[],
        )
    )
    assert {site.callee for site in file.calls} == {"f", "g"}


def test_the_third_format_of_notebooks() -> None:
    """Worksheets, and ``input`` for source."""
    data = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["f()"], "language": "python"}]}], "nbformat": 3}
    assert places(parse(json.dumps(data).encode()), "f") == ["a.ipynb:cell 1:1:1"]


def test_another_language_is_left_unread_with_a_note() -> None:
    """By the kernel's language."""
    file = parse(notebook("x <- 1", metadata={"kernelspec": {"language": "R", "name": "ir"}}))
    assert file.tree is not None
    assert not file.calls
    assert [(d.level, d.message) for d in file.diagnostics] == [("note", "a notebook of r; only Python is read")]


def test_outputs_are_skipped() -> None:
    """However many there are: they become no objects, and their text is not taken for code."""
    big = {"cell_type": "code", "source": "f()", "outputs": [{"data": {"image/png": "A" * 5_000_000}}]}
    file = parse(notebook(big, "g()"))
    assert {site.callee for site in file.calls} == {"f", "g"}


def test_the_line_of_an_import_is_that_of_the_file() -> None:
    """It is told without a cell."""
    data = notebook("x = 1", "y = 2\nimport os")
    (entry,) = parse(data).imports
    assert data.decode().splitlines()[entry.line - 1].strip() == '"import os"'
