"""What a container finds in its file system."""

from __future__ import annotations

import fnmatch
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.dockerignore import is_dockerignored
from pytest_mlbreaks.model import Entry, Process
from pytest_mlbreaks.testing import linked

FILES = {"main.py": "", "src/train.py": "", "src/lib/__init__.py": "", "data/x.csv": ""}


def entry(dockerfile: str, files: dict[str, str] | None = None, service: str = "") -> Entry:
    """What a service built by *dockerfile* starts."""
    compose = f"services:\n  api:\n    build: .\n{service}"
    pipeline = linked({"Dockerfile": dockerfile, "compose.yaml": compose, **(files or FILES)})
    (process,) = pipeline.all(Process)
    (one,) = process.entries
    return one


@pytest.mark.parametrize(
    ("copies", "command", "path"),
    [
        ("WORKDIR /app\nCOPY . .", "main.py", "main.py"),
        ("WORKDIR /app\nCOPY src .", "train.py", "src/train.py"),
        ("WORKDIR /app\nCOPY src src", "src/train.py", "src/train.py"),
        ("WORKDIR /app\nCOPY main.py /app", "main.py", "main.py"),
        ("COPY main.py /app/", "/app/main.py", "main.py"),
        ("COPY main.py /app", "/app/main.py", "main.py"),
        ("COPY main.py /run.py", "/run.py", "main.py"),
        ("WORKDIR /app\nCOPY *.py ./", "main.py", "main.py"),
        ("WORKDIR /app\nCOPY s*/*.py ./", "train.py", "src/train.py"),
        ("WORKDIR /app\nCOPY ../main.py .", "main.py", "main.py"),
        ("WORKDIR /app\nWORKDIR src\nCOPY src .", "/app/src/train.py", "src/train.py"),
        ("ARG HOME_=/app\nWORKDIR ${HOME_}\nCOPY . .", "/app/main.py", "main.py"),
        ("COPY main.py .", "main.py", "main.py"),
    ],
)
def test_where_files_come_from(copies: str, command: str, path: str) -> None:
    """COPY puts folders' contents, files into folders, and never reaches out of the context."""
    assert entry(f'FROM python:3.11\n{copies}\nCMD ["python", "{command}"]\n').path == path


def test_what_is_certainly_absent() -> None:
    """On a plain base, below what is copied, with no command that could make it."""
    absent = entry('FROM python:3.11\nWORKDIR /app\nCOPY src .\nRUN pip install x\nCMD ["python", "main.py"]\n')
    assert absent.absent
    assert absent.path is None


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM team/base\nWORKDIR /app\nCOPY src .\n",
        "FROM tiangolo/uvicorn-gunicorn-fastapi\nCOPY src /app\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nRUN git clone x\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nRUN python make.py\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nRUN <<E\n#!/usr/bin/env python\nx\nE\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nCOPY --parents x .\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nCOPY <<E main.py\nx\nE\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nCOPY --from=team/tools / /\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nCOPY build .\n",
        "FROM python:3.11\nWORKDIR /app\nCOPY src .\nADD https://h/main.py .\n",
    ],
)
def test_what_cannot_be_told(dockerfile: str) -> None:
    """Anything that may hold the file makes it unknown, not absent."""
    found = entry(dockerfile + 'CMD ["python", "main.py"]\n')
    assert not found.absent
    assert found.path is None
    assert found.reason


def test_relative_folders_on_a_base_that_is_not_known() -> None:
    """Where such an image starts is not told, so neither is what lies below."""
    found = entry('FROM team/base\nWORKDIR app\nCOPY . .\nCMD ["python", "lib.py"]\n')
    assert found.path is None
    assert not found.absent


def test_stages() -> None:
    """A file is followed out of the stage that it is copied from; a circle of stages ends."""
    build = "FROM python:3.11 AS b\nWORKDIR /src\nCOPY . .\nCOPY --from=f /x /y\n"
    final = 'FROM python:3.11 AS f\nCOPY --from=b /src/src /app\nCMD ["python", "/app/train.py"]\n'
    assert entry(build + final).path == "src/train.py"


def test_many_stages_are_followed_so_far() -> None:
    """Stages that copy one another twice would double without end."""
    stages = "FROM python:3.11 AS s0\nCOPY main.py /a/\n"
    stages += "".join(f"FROM python:3.11 AS s{n}\n" + f"COPY --from=s{n - 1} /a /a\n" * 2 for n in range(1, 30))
    assert entry(stages + 'CMD ["python", "/a/other.py"]\n').path is None


def test_ignored_files_are_not_in_the_image() -> None:
    """The Dockerfile's own ignore file goes before the context's."""
    text = 'FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
    assert entry(text, {**FILES, ".dockerignore": "*.py\n"}).absent
    assert entry(text, {**FILES, ".dockerignore": "*\n!main.py\n"}).path == "main.py"
    assert entry(text, {**FILES, ".dockerignore": "*.py\n", "Dockerfile.dockerignore": "data\n"}).path == "main.py"


def test_mounts_hide_what_the_image_holds() -> None:
    """A bind mount goes over it; a deeper one goes over that, in whatever order they are written."""
    text = 'FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
    over = "    volumes:\n      - models:/app/lib\n      - ./src:/app\n"
    assert entry(text, None, over).absent
    deep = 'FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD ["python", "lib/x.py"]\n'
    assert not entry(deep, None, over).absent


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("*/temp*", "some/temp.txt", True),
        ("*/temp*", "temp.txt", False),
        ("*/*/temp*", "a/b/tempx/y", True),
        ("temp?", "tempa", True),
        ("**/*.go", "a/b/x.go", True),
        ("**/*.go", "x.go", True),
        ("/foo/bar", "foo/bar", True),
        ("./foo/", "foo/x", True),
        ("foo/**", "foo/a/b", True),
        (".", "x", False),
        ("/", "x", False),
        ("[ab].py", "a.py", True),
        ("[^ab].py", "a.py", False),
        ("\\*.py", "a.py", False),
        ("[", "a", False),
        ("!", "a", False),
    ],
)
def test_ignore_patterns(pattern: str, path: str, out: bool) -> None:
    """The examples of Docker's documentation, and its odd ones."""
    assert is_dockerignored(path, "", (pattern,)) is out


def test_the_last_pattern_that_matches_decides() -> None:
    """Also below a folder that is taken back in."""
    assert not is_dockerignored("docs/a.md", "", ("*", "!docs"))
    assert is_dockerignored("docs/secret.md", "", ("*.md", "!docs", "docs/secret*"))
    assert is_dockerignored("svc/a.md", "svc", ("*.md",))


def _reference(path: str, patterns: tuple[str, ...]) -> bool:
    """Docker's rule, component by component: a pattern matches a file, or a folder above it."""

    def matches(parts: list[str], names: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            return any(matches(parts[1:], names[n:]) for n in range(len(names) + 1))
        return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and matches(parts[1:], names[1:])

    out = False
    names = path.split("/")
    for pattern in patterns:
        parts = posixpath.normpath(pattern.removeprefix("!")).split("/")
        if any(matches(parts, names[:n]) for n in range(1, len(names) + 1)):
            out = not pattern.startswith("!")
    return out


_PARTS = st.sampled_from(["a", "b", "*", "a*", "?", "**", "*.b"])
_PATTERNS = st.builds(
    lambda no, parts: no + "/".join(parts), st.sampled_from(["", "!"]), st.lists(_PARTS, min_size=1, max_size=3)
)
_PATHS = st.lists(st.sampled_from(["a", "b", "ab", "a.b"]), min_size=1, max_size=4).map("/".join)


@given(_PATHS, st.lists(_PATTERNS, max_size=4).map(tuple))
def test_ignore_patterns_against_a_plain_implementation(path: str, patterns: tuple[str, ...]) -> None:
    """The expressions say what the rule says."""
    assert is_dockerignored(path, "", patterns) is _reference(path, patterns)


def test_everything_is_linked_without_a_build() -> None:
    """Ignore files and Dockerfiles that nothing builds do no harm."""
    assert linked({"Dockerfile": "FROM a\nCOPY --from=0 x y\n", ".dockerignore": "x\n"}).paths
