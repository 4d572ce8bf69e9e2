"""pyproject.toml: PEP 621, PEP 735, Poetry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.formats.toml import TOML
from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.readers import pyproject
from pytest_mlbreaks.reading import Source, Unreadable, Wanted


def read(text: str) -> tuple[list[Requirement], RequirementFile, list[Diagnostic]]:
    """What is read of a pyproject of *text*."""
    said = list(pyproject.read(TOML.parse(Source("pyproject.toml", text.encode())), Wanted()))
    (file,) = [f for f in said if isinstance(f, RequirementFile)]
    return [f for f in said if isinstance(f, Requirement)], file, [f for f in said if isinstance(f, Diagnostic)]


def test_project_and_groups() -> None:
    """Dependencies, extras and groups, each at its own line; an included group's belong to both groups."""
    found, file, said = read(
        '[project]\nname = "My.Lib"\nrequires-python = ">=3.10"\ndependencies = [\n  "numpy>=1",\n  "pandas",\n]\n'
        '[project.optional-dependencies]\nsql = ["pandas[sql]>2"]\n[project.scripts]\ntrain = "a:b"\n'
        '[dependency-groups]\ndev = ["pytest", {include-group = "x"}]\nx = ["ruff"]\n'
    )
    assert [(r.name, r.group, r.place.line) for r in found] == [
        ("numpy", "", 5),
        ("pandas", "", 6),
        ("pandas", "sql", 9),
        ("pytest", "dev", 13),
        ("ruff", "x", 14),
        ("ruff", "dev", 14),
    ]
    assert (file.package, file.python, file.scripts) == ("my-lib", ">=3.10", ("train",))
    assert not said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2", "==1.2"),
        ("==1.2.*", "==1.2.*"),
        ("*", ""),
        (">= 1.0, < 2.0", ">=1.0,<2.0"),
        (">=1 <2", ">=1,<2"),
        ("^abc", ""),
        ("^1 || ^2", ""),
    ],
)
def test_poetry_constraints(written: str, meant: str) -> None:
    """As Poetry's documentation of version constraints has them."""
    (one,), _, _ = read(f'[tool.poetry.dependencies]\na = "{written}"\n')
    assert one.specifier == meant


def test_poetry_tables() -> None:
    """Groups, several constraints of one name, and what does not come from an index."""
    found, file, _ = read(
        '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "^3.10"\n'
        'a = [{version = "1", markers = "sys_platform == \'linux\'"}, {version = "2"}]\n'
        'b = {git = "https://h/b.git"}\n[tool.poetry.group.dev.dependencies]\nc = "*"\n'
    )
    assert [(r.name, r.specifier, r.group) for r in found] == [
        ("a", "==1", ""),
        ("a", "==2", ""),
        ("b", "", ""),
        ("c", "", "dev"),
    ]
    assert found[2].source == "git+https://h/b.git"
    assert (file.format, file.python) == ("poetry", ">=3.10,<4")


_SCALARS = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.lists(st.text(max_size=4), max_size=2))


@given(st.sampled_from(["project", "dependency-groups", "tool.poetry.dependencies", "tool.poetry"]), _SCALARS)
def test_values_of_other_types_do_no_harm(table: str, value: object) -> None:
    """A table's entries may be anything."""
    text = repr(value).lower() if isinstance(value, bool) else repr(value)
    try:
        document = TOML.parse(Source("pyproject.toml", f"[{table}]\ndependencies = {text}\nname = {text}\n".encode()))
    except Unreadable:
        return
    list(pyproject.read(document, Wanted()))


def test_broken_toml_has_a_place() -> None:
    """The line of the mistake."""
    with pytest.raises(Unreadable) as raised:
        TOML.parse(Source("pyproject.toml", b"[project]\nname = \n"))
    assert raised.value.place.line == 2


def test_sources_of_uv() -> None:
    """Where a package comes from: a branch is told apart from a tag, a workspace from a folder."""
    found, file, _ = read(
        '[project]\nname = "x"\ndependencies = ["a", "b", "c", "d", "e"]\n[tool.uv.sources]\n'
        'a = {git = "https://h/a", branch = "main"}\nb = {git = "https://h/b", tag = "v1"}\nc = {workspace = true}\n'
        'd = {index = "own"}\ne = {path = "../e"}\n'
        '[tool.uv]\ndefault-groups = ["serve"]\ndev-dependencies = ["pytest"]\n'
    )
    assert [(r.source, r.branch) for r in found[:5]] == [
        ("git+https://h/a@main", True),
        ("git+https://h/b@v1", False),
        ("workspace", False),
        ("index", False),
        ("../e", False),
    ]
    assert [(r.name, r.group) for r in found[5:]] == [("pytest", "dev")]
    assert file.defaults == ("serve",)


def test_groups_that_include_one_another() -> None:
    """A circle ends where it began."""
    found, _, _ = read('[dependency-groups]\na = ["x", {include-group = "b"}]\nb = ["y", {include-group = "a"}]\n')
    assert sorted((r.name, r.group) for r in found) == [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]


def test_dynamic_dependencies() -> None:
    """setuptools reads them from files that the project names; what else works them out is not known."""
    dynamic = '[project]\nname = "x"\ndynamic = ["dependencies"]\n'
    _, file, _ = read(f'{dynamic}[tool.setuptools.dynamic]\ndependencies = {{file = ["requirements.txt"]}}\n')
    assert (file.includes, file.unknown) == (("requirements.txt",), "")
    assert read(dynamic)[1].unknown


def test_extras_of_poetry() -> None:
    """An optional dependency belongs to the extra that names it."""
    found, file, _ = read(
        '[tool.poetry.dependencies]\na = {version = "1", optional = true}\n[tool.poetry.extras]\ngpu = ["a"]\n'
        '[tool.poetry.group.dev.dependencies]\nb = "1"\n[tool.poetry.group.docs]\noptional = true\n'
    )
    assert [(r.name, r.group) for r in found] == [("a", "gpu"), ("b", "dev")]
    assert file.defaults == ("dev",)
