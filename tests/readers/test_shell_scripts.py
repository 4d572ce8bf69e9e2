"""Shell scripts that start something."""

from __future__ import annotations

from pytest_mlbreaks.formats.text import TextFile
from pytest_mlbreaks.model.facts import Script
from pytest_mlbreaks.readers.shell_scripts import READER
from pytest_mlbreaks.reading import Wanted


def test_a_script_is_told_without_its_secrets() -> None:
    """The text stays, line by line; what looks like a secret goes."""
    text = "export DB_PASSWORD=hunter2 PORT=80\n\nexec python serve.py --url http://u:pw1@h/x\n"
    (fact,) = READER.read(TextFile("a.sh", text), Wanted())
    assert isinstance(fact, Script)
    assert "hunter2" not in fact.text
    assert "pw1" not in fact.text
    assert "PORT=80" in fact.text
    assert "python serve.py" in fact.text.split("\n")[2]


def test_scripts_that_start_nothing_are_left() -> None:
    """There is nothing to follow in them."""
    assert list(READER.read(TextFile("a.sh", "echo hello\n"), Wanted())) == []


def test_a_script_that_changes_a_dockerignore_is_told() -> None:
    """What it does decides what a build is given."""
    (fact,) = READER.read(TextFile("a.sh", "rm -f .dockerignore\n"), Wanted())
    assert isinstance(fact, Script)
