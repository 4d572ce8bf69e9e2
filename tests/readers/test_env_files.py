"""What env files say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.expr import Concat, EnvVar, Expr, Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import EnvFile
from pytest_mlbreaks.readers.env_files import READER
from pytest_mlbreaks.reading import Source, Wanted

PATH = "deploy/.env.prod"


def read(text: str) -> tuple[EnvFile, list[Diagnostic]]:
    """The fact of an env file, and what is wrong with it."""
    facts = list(READER.read(READER.format.parse(Source(PATH, text.encode())), Wanted()))
    files = [f for f in facts if isinstance(f, EnvFile)]
    assert len(files) == 1
    return files[0], [f for f in facts if isinstance(f, Diagnostic)]


def values(text: str) -> dict[str, Expr]:
    """The values of an env file by name."""
    return {entry.name: entry.value for entry in read(text)[0].entries}


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        (".env", True),
        ("a/.env.prod", True),
        ("a/params.env", True),
        (".envrc", False),
        ("env", False),
        ("a/environment.yml", False),
        (".env/x.py", False),
    ],
)
def test_claims(path: str, claimed: bool) -> None:
    """Env files are told by name."""
    assert READER.claims(path) is claimed


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", Literal("x")),
        ("export A=x", Literal("x")),
        ("  A = x  ", Literal("x")),
        ("A=", Literal("")),
        ("A=x # why", Literal("x")),
        ("A=x#y", Literal("x#y")),
        ("A= # why", Literal("")),
        ("A='x # y'", Literal("x # y")),
        ('A="x # y" # why', Literal("x # y")),
        ('A="x\\ny\\"z"', Literal('x\ny"z')),
        ("A='x\\ny'", Literal("x\\ny")),
        ("A=s3://b/k=v", Literal("s3://b/k=v")),
        ("A", EnvVar("A", None, "host")),
        ("A=${B}/x", Concat((EnvVar("B", None, "host"), Literal("/x")))),
        ("A=${B:-y}", EnvVar("B", Literal("y"), "host", True)),
        ("A='${B}'", Literal("${B}")),
        ("A=<your-bucket>", Unknown("filled in by a template")),
        ("A=it's", Literal("it's")),
        ("A='open", Literal("'open")),
    ],
)
def test_values(line: str, value: Expr) -> None:
    """A line is read as Compose and python-dotenv do; what is filled in elsewhere is an expression."""
    assert values(f"{line}\n") == {"A": value}


def test_quotes_over_several_lines() -> None:
    """A quoted value ends where its quote does, and the line after it is an entry of its own."""
    file, diagnostics = read('A="one\ntwo"\nB=1\n')
    assert diagnostics == []
    assert [(e.name, e.value, e.place.line) for e in file.entries] == [
        ("A", Literal("one\ntwo"), 1),
        ("B", Literal("1"), 3),
    ]


def test_the_last_of_a_repeated_key_counts() -> None:
    """As for the shell."""
    assert values("A=1\nA=2\n") == {"A": Literal("2")}


def test_secrets_are_left_out() -> None:
    """A value under a secret's name, a password in a URL and a private key never enter a fact."""
    text = (
        "DB_PASSWORD=hunter2\nHF_TOKEN='hunter2'\nDB=postgres://u:hunter2@db:5432/x\nEMPTY_TOKEN=\n"
        'PEM="-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"\nCI_TOKEN=${TOKEN:-hunter2}\n'
    )
    found = values(text)
    assert "hunter2" not in repr(read(text))
    assert found["DB_PASSWORD"] == SecretKey(PATH, "DB_PASSWORD")
    assert found["DB"] == Literal("postgres://u:***@db:5432/x")
    assert found["EMPTY_TOKEN"] == Literal("")
    assert found["PEM"] == SecretKey(PATH, "PEM")
    assert found["CI_TOKEN"] == EnvVar("TOKEN", SecretKey(PATH, "CI_TOKEN"), "host", True)


def test_other_lines_are_told_once() -> None:
    """A file with lines of another kind says so at the first of them."""
    file, diagnostics = read("# comment\n\nif true; then\nA=1\nfi;\n")
    assert [e.name for e in file.entries] == ["A"]
    assert [d.place.line for d in diagnostics] == [3]


@given(st.text(alphabet="AB_=# '\"\\\n\r${}<>:-/@x", max_size=80))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, one fact comes of it."""
    read(text)
