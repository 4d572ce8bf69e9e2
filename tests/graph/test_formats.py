"""The graph as text for other tools: each is valid there, whatever stands in a repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources

import jsonschema
import pytest

from pytest_mlbreaks.graph import dot, formats, mermaid, plain
from pytest_mlbreaks.graph.model import KINDS, LINKS, Graph

LABEL = r'"(?:[A-Za-z0-9 ._/:,()=+*@-]|#\d+;|<br/>)*"'
LINE = re.compile(
    r"flowchart LR"
    r"|  %% [A-Za-z0-9 ._/:,()=+*@;'?-]*"
    rf"|  subgraph g\d+\[{LABEL}\]"
    r"|  end"
    rf"|  (?:  )?n\d+(?:\(\[|\(\(|\(|\[\(|\[\[|\[/|\[|\{{\{{|>){LABEL}(?:\]\)|\)\)|\)|\)\]|\]\]|/\]|\]|\}}\}})"
    rf"|  n\d+ (?:-->|-\.->|==>)\|{LABEL}\| n\d+"
    r"|  classDef \w+ [\w:#,. -]+"
    r"|  class n\d+(?:,n\d+)* \w+"
    r"|  linkStyle \d+(?:,\d+)* [\w:#,-]+"
)


def test_mermaid_has_nothing_but_its_own_syntax(graph: Graph) -> None:
    """Every line is one of a few forms; in labels all that could mean something is an entity code."""
    lines = mermaid.write(graph).splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert lines.count("  end") == sum(line.startswith("  subgraph") for line in lines) == len(graph.groups)


def test_mermaid_tells_environments_and_findings_in_words(hostile: Graph) -> None:
    """Not by colour alone."""
    text = mermaid.write(hostile)
    assert "not production" in text
    assert "#9888; 1 finding" in text


def test_mermaid_is_folded_until_github_draws_it(many: Callable[[int], Graph]) -> None:
    """At most so many links and characters; a number that is asked for is kept to."""
    text = formats.write(many(3000), "mermaid")
    assert not mermaid.is_too_much(text)
    assert len(re.findall(r"^ +n\d+[\[({>]", text, re.MULTILINE)) <= mermaid.MOST_NODES
    assert len(re.findall(r"^ +n\d+[\[({>]", formats.write(many(300), "mermaid", 300), re.MULTILINE)) == 300


def test_dot_keeps_text_inside_of_quotes(graph: Graph) -> None:
    """Quotes are balanced on each line, and outside of them stands nothing of a repository."""
    for line in dot.write(graph).splitlines():
        outside = re.sub(r'"(?:[^"\\]|\\["n])*"', "Q", line)
        assert re.fullmatch(r"[\w\s\[\]{}=,;>Q.-]*", outside), line


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_dot(graph: Graph) -> None:
    """And draws it."""
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot.write(graph).encode(), capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_json_keeps_to_the_schema_that_ships(graph: Graph) -> None:
    """Which in turn allows all kinds, and nothing else."""
    schema = json.loads(resources.files("pytest_mlbreaks").joinpath("schema/graph-1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    text = plain.write(graph)
    jsonschema.validate(json.loads(text), schema)
    assert text.isascii()
    assert schema["$defs"]["node"]["properties"]["kind"]["enum"] == list(KINDS)
    assert schema["$defs"]["link"]["properties"]["kind"]["enum"] == list(LINKS)


def test_json_has_all_of_it(many: Callable[[int], Graph]) -> None:
    """Folded only where a number is asked for."""
    assert len(json.loads(formats.write(many(3000), "json"))["nodes"]) == 3000
    assert len(json.loads(formats.write(many(3000), "json", 100))["nodes"]) <= 100
