"""Suppressions in comments: what is a comment, what it says, and what it is about."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.judge import comments
from pytest_mlbreaks.judge.inline import Suppressions, directive
from pytest_mlbreaks.model import Place

IGNORE = "mlbreaks: ignore[some-check] reason"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mlbreaks: ignore[a-b] because", (("a-b",), "because", "")),
        ("mlbreaks:ignore[a-b,c-d]   it is   so", (("a-b", "c-d"), "it is so", "")),
        ("mlbreaks: ignore[ a-b , a-b, ] - so", (("a-b",), "so", "")),
        ("mlbreaks: ignore[a-b]: so", (("a-b",), "so", "")),
        ("mlbreaks: ignore[a-b]", (("a-b",), "", "")),
        ("noqa: E501  # mlbreaks: ignore[a-b] so", (("a-b",), "so", "")),
        ("see mlbreaks: the tool", None),
        ("mlbreaks", None),
        ("nomlbreaks: ignore[a]", None),
    ],
)
def test_what_a_comment_says(text: str, expected: object) -> None:
    """Ids in brackets, then a reason; other text that speaks of the tool is no suppression."""
    assert directive(text) == expected


@pytest.mark.parametrize(
    "text", ["mlbreaks: ignore", "mlbreaks: ignore[] x", "mlbreaks: ignore[a", "mlbreaks: ignroe[a] x"]
)
def test_what_is_no_suppression_says_so(text: str) -> None:
    """A suppression that is not written as it has to be suppresses nothing, and is told."""
    said = directive(text)
    assert said is not None
    assert said[0] == ()
    assert "ignore[check-id] reason" in said[2]


@given(
    st.lists(st.text("abc-", min_size=1), min_size=1, max_size=4),
    st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1), max_size=4),
)
def test_any_ids_and_reason_come_back(ids: list[str], words: list[str]) -> None:
    """What is written in the brackets and behind them is what is read."""
    reason = " ".join(["because", *words])
    assert directive(f"mlbreaks: ignore[{', '.join(ids)}] {reason}") == (tuple(dict.fromkeys(ids)), reason, "")


@given(st.text())
def test_any_text_can_stand_in_a_comment(text: str) -> None:
    """Nothing that a comment says is an error."""
    directive(text)
    directive(f"mlbreaks: {text}")


LANGUAGES = sorted({comments.language(f"x{ending}") for ending in comments._BY_ENDING} - {"notebook"})


@given(st.sampled_from(LANGUAGES), st.text(alphabet="#/*-'\"`{}\\\n \t\r<EOFa:|>;[]!&%\f\u2028"))
def test_any_text_has_comments_of_any_language(kind: str, text: str) -> None:
    """Nothing that a file holds is an error, and comments stand on lines of the file, in their order."""
    found = comments.comments(kind, text)
    assert [c.line for c in found] == sorted(c.line for c in found)
    assert all(1 <= c.line <= c.end_line <= text.count("\n") + 1 for c in found)


@given(st.text(alphabet="# ab:'\"\n-|>[]{}&*!"), st.integers(0, 30))
def test_any_place_of_any_text_can_be_asked_about(text: str, line: int) -> None:
    """A place that is not in the text, or in one that can't be parsed, is about something or nothing; no error."""
    for path in ("a.py", "a.yaml", "a.sql", "Dockerfile", "a.sh", "a.toml"):
        whole = f"{text}\n# {IGNORE}\n{text}"
        Suppressions(path, whole).about(Place(path, line or None))


REAL: dict[str, tuple[str, str, list[int]]] = {
    "python": ("a.py", f'x = "# {IGNORE}"\n"""\n# {IGNORE}\n"""\ny = 1  # {IGNORE}\n', [5]),
    "python with a form feed": ("a.py", f"x = 1\n\f\ny = 1  # {IGNORE}\n", [3]),
    "yaml": ("a.yaml", f'a: "# {IGNORE}"\nb: |\n  # {IGNORE}\n  x\nc: d#e\ne: f # {IGNORE}\n# {IGNORE}\n', [6, 7]),
    "yaml, the head of a block": ("a.yml", f"run: |  # {IGNORE}\n  x\n", [1]),
    "yaml, a folded block": ("a.yml", f"a: >-\n  # {IGNORE}\n\n# {IGNORE}\nb: [c, # {IGNORE}\n d]\n", [4, 5]),
    "toml": ("a.toml", f'a = "# {IGNORE}"\nb = """\n# {IGNORE}\n"""\nc = \'#\' # {IGNORE}\n', [5]),
    "dockerfile": ("Dockerfile", f"# {IGNORE}\nRUN a \\\n # {IGNORE}\n b # {IGNORE}\n", [1, 3]),
    "shell": ("a.sh", f"echo '# {IGNORE}' \"# {IGNORE}\" a#{IGNORE}\ncat <<X\n# {IGNORE}\nX\nb # {IGNORE}\n", [5]),
    "sql": ("a.sql", f"select '-- {IGNORE}', 1 -- {IGNORE}\n/* {IGNORE} */\nfrom x {{# {IGNORE} #}}\n", [1, 2, 3]),
    "sql, a block of lines": ("a.sql", f"/*\n why\n {IGNORE}\n*/\nselect 1\n", [3]),
    "jinja": ("a.j2", f'{{{{ "# {IGNORE}" }}}}\n{{#- {IGNORE} -#}}\n', [2]),
    "env": (".env.prod", f'A="# {IGNORE}"\nB=a#{IGNORE}\n# {IGNORE}\nC=1 # {IGNORE}\n', [3, 4]),
    "requirements": ("requirements.txt", f"torch  # {IGNORE}\na#{IGNORE}\n# {IGNORE}\n", [1, 3]),
    "slashes": ("a.ts", f"x = '// {IGNORE}' // {IGNORE}\n/* {IGNORE} */\n", [1, 2]),
    "hcl": ("a.tf", f'x = "# {IGNORE}"\n# {IGNORE}\n// {IGNORE}\n', [2, 3]),
    "json has no comments": ("a.json", f'{{"a": 1}} // {IGNORE}\n', []),
    "windows' lines": ("a.py", f"x = 1\r\ny = 2  # {IGNORE}\r\n", [2]),
}


@pytest.mark.parametrize(("path", "text", "lines"), REAL.values(), ids=list(REAL))
def test_a_string_that_holds_the_text_is_no_comment(path: str, text: str, lines: list[int]) -> None:
    """Comments are what the language says they are."""
    found = list(Suppressions(path, text).directives)
    assert [one.line for one in found] == lines
    assert all(one.ids == ("some-check",) and one.reason == "reason" for one in found)


def notebook(*sources: str) -> str:
    """A notebook whose first cell is Markdown and whose others are code."""
    cells: list[dict[str, object]] = [{"cell_type": "markdown", "source": f"# {IGNORE}"}]
    cells += [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    return json.dumps({"cells": cells, "nbformat": 4})


def about(path: str, text: str, line: int | None, end: int | None = None, cell: int | None = None) -> list[int]:
    """The lines of the suppressions that are about a place."""
    place = Place(path, line, end_line=end, cell=cell, kind="file" if cell is None else "cell")
    return [one.line for one in Suppressions(path, text).about(place)]


C = f"# {IGNORE}"
STATEMENTS: list[tuple[str, str, int | None, list[int]]] = [
    ("a.py", f"f(\n  a,  {C}\n  b,\n)\n", 3, [2]),
    ("a.py", f"f(\n  a,\n)  {C}\n", 1, [3]),
    ("a.py", f"{C}\nf(\n  a,\n)\n", 3, [1]),
    ("a.py", f"{C}\n# more\nf(a)\n", 3, [1]),
    ("a.py", f"{C}\n\nf(a)\n", 3, []),
    ("a.py", f"x = 1  {C}\nf(a)\n", 2, []),
    ("a.py", f"f(a)\ny = 1  {C}\n", 1, []),
    ("a.py", f"{C}\n@deco(\n  1)\ndef f(\n  a,\n):\n  return 1\n", 5, [1]),
    ("a.py", f"def f(\n  a,\n):  {C}\n  return 1\n", 1, [3]),
    ("a.py", f"def f():\n  {C}\n  return 1\n", 1, []),
    ("a.py", f"def f():\n  {C}\n  return 1\n", 3, [2]),
    ("a.py", f"with a() as b:\n  f(b)  {C}\n", 1, []),
    ("a.py", f"try:\n  f()\nexcept E:  {C}\n  g()\n", 3, [3]),
    ("a.py", f"match x:\n  case 1:  {C}\n    g()\n", 2, [2]),
    ("a.py", f"#!/usr/bin/python\n{C}\nimport a\nf()\n", None, [2]),
    ("a.py", f"import a\n{C}\nf()\n", None, []),
    ("a.yaml", f"a: 1\nimage: x  {C}\n", 2, [2]),
    ("a.yaml", f"a: 1\n{C}\nimage: x\n", 3, [2]),
    ("a.yaml", f"a: 1  {C}\nimage: x\n", 2, []),
    ("a.yaml", f"{C}\n- run: |\n    a\n    b\n", 4, [1]),
    ("a.yaml", f"- run: |  {C}\n    a\n    b\n- x\n", 3, [1]),
    ("a.yaml", f"- name: a  {C}\n  image: b\n", 1, [1]),
    ("a.yaml", f"- name: a\n  image: b  {C}\n", 1, []),
    ("a.yaml", f"a:  {C}\n  'long'\nb: 1\n", 2, [1]),
    ("a.sql", "select 1;\nselect a, -- mlbreaks: ignore[x] r\n  b\nfrom c;\nselect 2", 4, [2]),
    ("a.sql", "select 1;\nselect a, -- mlbreaks: ignore[x] r\n  b\nfrom c;\nselect 2", 5, []),
    ("a.sql", "{{ config() }}\nselect ';' -- mlbreaks: ignore[x] r\nfrom c", 3, [2]),
    ("Dockerfile", f"FROM a\n{C}\nRUN b \\\n  c\n", 4, [2]),
    ("Dockerfile", f"FROM a\nRUN b \\\n  {C}\n  c\nRUN d\n", 2, [3]),
    ("Dockerfile", f"FROM a\nRUN b \\\n  {C}\n  c\nRUN d\n", 5, []),
    ("a.sh", f"a \\\n  b  {C}\nc\n", 1, [2]),
    ("requirements.txt", f"torch==1 \\\n  --hash=a  {C}\nb\n", 1, [2]),
    ("a.toml", f'd = [\n  "a",  {C}\n  "b",\n]\n', 2, [2]),
    ("a.toml", f'd = [\n  {C}\n  "b",\n]\n', 3, [2]),
]


@pytest.mark.parametrize(("path", "text", "line", "lines"), STATEMENTS)
def test_a_suppression_is_about_its_statement_or_the_one_below(
    path: str, text: str, line: int | None, lines: list[int]
) -> None:
    """On any line of the statement, or in comments right above it; not the one above or below that."""
    assert about(path, text, line) == lines


def test_a_notebook_is_read_by_cell() -> None:
    """Cells are counted as reports count them, Markdown ones too; magics end nothing."""
    text = notebook(f"%pip install x\n{C}\nf(a)\n", "f(a)\n")
    assert about("a.ipynb", text, 3, cell=2) == [2]
    assert about("a.ipynb", text, 1, cell=3) == []
    (one,) = Suppressions("a.ipynb", text).directives
    assert (one.place.kind, one.place.cell, one.place.line) == ("cell", 2, 2)
    assert list(Suppressions("a.ipynb", "{").directives) == []


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("a.sql", lambda n: ";\n" * n),
        ("a.sql", lambda n: "'" * n),
        ("a.sh", lambda n: '"\n' * n),
        ("a.sh", lambda n: "<<A\n" * n),
        ("a.ts", lambda n: "/* x */" * n),
        ("a.sql", lambda n: "/*" * n),
        ("a.j2", lambda n: "{#" * n),
        ("a.toml", lambda n: '"""' * n),
        ("a.yaml", lambda n: "a # b\n" * n),
        ("a.py", lambda n: "(# a\n" * n),
        ("a.sh", lambda n: f"# {IGNORE}\n" * n),
    ],
)
def test_a_large_file_ends(path: str, make: object) -> None:
    """What is hostile is scanned once, like anything else."""
    assert callable(make)
    text = make(100_000)
    Suppressions(path, f"{text}\n# {IGNORE}\n").about(Place(path, 50_000))
