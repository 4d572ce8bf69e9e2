"""Keys that a mapping has twice, in the files of tools that refuse them."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, RepeatedKey
from pytest_mlbreaks.readers import compose, github_actions
from pytest_mlbreaks.reading import Source, Wanted

TWICE = "services:\n  a: {image: b}\n  a: {image: c}\n"
WORKFLOW = ".github/workflows/template.yml"


def read(text: str, path: str) -> list[tuple[str, str, int | None, int | None]]:
    """Tool, key and lines of what is stated of a file, written and read back."""
    reader = github_actions.READER if path.startswith(".github") else compose.READER
    document = reader.format.parse(Source(path, text.encode()))
    found = [one for one in reader.read(document, Wanted()) if isinstance(one, Fact)]
    codec = FactCodec(FACTS)
    assert codec.decode(codec.encode(found)) == found
    return [(f.tool, f.key, f.first.line, f.place.line) for f in found if isinstance(f, RepeatedKey)]


def test_both_places_are_told() -> None:
    """Whatever the depth, and for an action, too."""
    assert read("on: push\njobs:\n  a:\n    env: {A: b}\n    env: {C: d}\n", WORKFLOW) == [("github", "env", 4, 5)]
    assert read("name: a\nname: b\n", ".github/actions/a/action.yml") == [("github", "name", 1, 2)]
    assert read(TWICE, "deploy/compose.prod.yaml") == [("compose", "a", 2, 3)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: 1\na: 2\n", "compose.yaml"),
        ("apiVersion: v1\n" + TWICE, "compose.yaml"),
        (TWICE, "docker-compose.template.yml"),
        ("#!for prod\n" + TWICE, "compose.yaml"),
        ("on: push\njobs:\n  ${{ insert }}: {a: 1}\n  ${{ insert }}: {b: 1}\n", WORKFLOW),
    ],
)
def test_what_the_tool_does_not_read_as_it_stands(text: str, path: str) -> None:
    """What is no compose file, what a program makes of a template, and expressions as keys."""
    assert read(text, path) == []
