"""Lock files: what each tool's says, and what is no lock of a kind that is known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.facts import LockFile
from pytest_mlbreaks.readers import lock_files
from pytest_mlbreaks.reading import Source, Wanted


def read(path: str, text: str | bytes) -> LockFile:
    """The lock in *text*."""
    data = text.encode() if isinstance(text, str) else text
    (fact,) = lock_files.read(Source(path, data), Wanted())
    assert isinstance(fact, LockFile), fact
    return fact


def refused(path: str, text: str | bytes) -> Diagnostic:
    """What is said of a lock that is not read."""
    data = text.encode() if isinstance(text, str) else text
    (said,) = lock_files.read(Source(path, data), Wanted())
    assert isinstance(said, Diagnostic), said
    return said


@pytest.mark.parametrize("path", ["a/uv.lock", "poetry.lock", "pylock.gpu.toml", "Pipfile.lock", "pdm.lock"])
def test_claimed_by_name(path: str) -> None:
    """In any folder."""
    assert lock_files.claims(path)


@pytest.mark.parametrize("path", ["uv.lock.bak", "pylock.py", "lock/readme"])
def test_other_files(path: str) -> None:
    """Names that only look alike."""
    assert not lock_files.claims(path)


UV = """\
version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "Score_r"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "uvicorn", extra = ["standard"] },
    { name = "tool", marker = "sys_platform == 'linux'" },
]

[package.optional-dependencies]
gpu = [
    { name = "torch" },
]

[package.dev-dependencies]
dev = [
    { name = "pytest" },
]

[[package]]
name = "tool"
version = "1.0"
source = { git = "https://u:secretpw@git.example.com/tool?branch=main#abc" }

[[package]]
name = "uvicorn"
version = "0.30.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files/uvicorn.tar.gz", hash = "sha256:00", size = 1 }
wheels = [
    { url = "https://files/uvicorn.whl", hash = "sha256:00", size = 1 },
]
"""


def test_uv() -> None:
    """Packages with their lines, what they bring along, the project itself with its extras and groups."""
    lock = read("uv.lock", UV)
    assert (lock.tool, lock.version, lock.python, lock.graph, lock.read) == ("uv", "1", ">=3.12", True, True)
    own, tool, uvicorn = lock.packages
    assert (own.name, own.source, own.requires) == ("score-r", "./.", ("uvicorn[standard]", "tool"))
    assert (own.extras, own.groups) == ((("gpu", ("torch",)),), (("dev", ("pytest",)),))
    assert (uvicorn.version, uvicorn.line, tool.line) == ("0.30.0", 29, 24)
    assert "secretpw" not in tool.source


def test_lines_of_windows() -> None:
    """A line keeps its number whatever it ends with."""
    lock = read("uv.lock", UV.replace("\n", "\r\n"))
    assert [package.line for package in lock.packages] == [5, 24, 29]


POETRY = """\
[[package]]
name = "Pandas"
version = "2.2.3"
optional = false
groups = ["main", "dev"]
files = [
    {file = "pandas.whl", hash = "sha256:00"},
]

[package.dependencies]
numpy = [
    {version = ">=1.26"},
]
fsspec = {version = ">=2022", extras = ["http"], optional = true}
six = "*"

[package.extras]
aws = ["s3fs (>=2022.11.0)"]

[metadata]
lock-version = "LOCK"
python-versions = "^3.12"
content-hash = "abc"
"""


@pytest.mark.parametrize("version", ["1.1", "2.0", "2.1"])
def test_poetry(version: str) -> None:
    """Both generations; what only an extra needs does not come along by itself."""
    lock = read("poetry.lock", POETRY.replace("LOCK", version))
    (pandas,) = lock.packages
    assert (pandas.name, pandas.version, pandas.within) == ("pandas", "2.2.3", ("main", "dev"))
    assert (pandas.requires, pandas.extras) == (("numpy", "six"), (("aws", ("s3fs",)),))
    assert (lock.version, lock.python, lock.digest) == (version, "^3.12", "abc")


def test_pipenv() -> None:
    """JSON: two sections, versions without their operator."""
    content = {
        "_meta": {"hash": {"sha256": "x"}, "pipfile-spec": 6, "requires": {"python_version": "3.12"}},
        "default": {"Flask": {"version": "==3.0.0"}, "lib": {"git": "https://h/lib", "ref": "abc"}},
        "develop": {"pytest": {"version": "==8.0"}},
    }
    lock = read("Pipfile.lock", json.dumps(content))
    assert [(p.name, p.version, p.within) for p in lock.packages] == [
        ("flask", "3.0.0", ("main",)),
        ("lib", "", ("main",)),
        ("pytest", "8.0", ("dev",)),
    ]
    assert lock.packages[1].source == "git+https://h/lib@abc"


def test_pdm_and_pylock() -> None:
    """The same facts from both."""
    pdm = read(
        "pdm.lock",
        '[metadata]\nlock_version = "4.5.0"\n[[package]]\nname = "a"\nversion = "1"\n'
        'groups = ["default"]\ndependencies = ["b[x]>=2; python_version < \'3.9\'"]\n',
    )
    assert (pdm.packages[0].requires, pdm.packages[0].within) == (("b[x]",), ("default",))
    pylock = read(
        "pylock.toml",
        'lock-version = "1.0"\nrequires-python = ">=3.12"\n[[packages]]\nname = "a"\nversion = "1"\n'
        '[[packages]]\nname = "b"\nvcs = {type = "git", url = "https://h/b", commit-id = "abc"}\n',
    )
    assert [(p.name, p.version, p.source) for p in pylock.packages] == [
        ("a", "1", "index"),
        ("b", "", "git+https://h/b@abc"),
    ]


def test_known_by_name_only() -> None:
    """pixi and conda-lock: that they are there, whatever they hold."""
    assert not read("pixi.lock", b"\xff").read
    assert not read("conda-lock.yml", "").read


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.lock", "version = 2\n"),
        ("poetry.lock", '[metadata]\nlock-version = "3.0"\n'),
        ("Pipfile.lock", '{"_meta": {"pipfile-spec": 7}}'),
        ("pylock.toml", 'lock-version = "2.0"\n'),
        ("pdm.lock", "x = 1\n"),
    ],
)
def test_versions_that_are_not_known(path: str, text: str) -> None:
    """A diagnostic, and no fact."""
    said = refused(path, text)
    assert (said.level, said.place.path) == ("warning", path)
    assert "not read" in said.message


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [("uv.lock", "version = 1\nx = \n", 2), ("Pipfile.lock", '{\n "a": ]', 2), ("Pipfile.lock", "[]", None)],
)
def test_broken(path: str, text: str, line: int | None) -> None:
    """With its line."""
    said = refused(path, text)
    assert (said.level, said.place.line) == ("error", line)


def test_a_large_lock_is_read_without_its_archives() -> None:
    """Five megabytes of archives cost no parsing: the standard parser sees a small rest of them."""
    archive = '    { url = "https://files/a-1.0-cp312-manylinux.whl", hash = "sha256:' + "0" * 64 + '", size = 1 },\n'
    text = 'version = 1\n[[package]]\nname = "a"\nversion = "1"\nwheels = [\n' + archive * 40_000 + "]\n"
    assert len(text) > 5_000_000
    assert len(lock_files._ARCHIVES.sub(b"", text.encode())) < 100_000
    assert [package.name for package in read("uv.lock", text).packages] == ["a"]


@given(st.binary(max_size=60), st.sampled_from(["uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"]))
def test_never_raises(data: bytes, path: str) -> None:
    """Whatever a lock holds."""
    list(lock_files.read(Source(path, data), Wanted()))


_VALUES = st.one_of(st.text(max_size=4), st.integers(), st.booleans(), st.lists(st.text(max_size=3), max_size=2))


@given(_VALUES, st.sampled_from(["source", "dependencies", "optional-dependencies", "groups", "extras", "version"]))
def test_values_of_other_types_do_no_harm(value: object, key: str) -> None:
    """A package's entries may be anything."""
    entry = json.dumps(value)
    for path, head in (("uv.lock", "version = 1"), ("poetry.lock", '[metadata]\nlock-version = "2.1"')):
        text = f'{head}\n[[package]]\nname = "a"\n{key} = {entry}\n'
        list(lock_files.read(Source(path, text.encode()), Wanted()))
