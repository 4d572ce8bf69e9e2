"""What we hold to and no linter knows. The linters themselves are run by ``.ci/run``."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_each_test_says_the_behaviour() -> None:
    """A failing test is read by its docstring first."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_news_fragments_have_a_known_kind() -> None:
    """A fragment of another kind would be left out of the changelog without a word."""
    kinds = {"breaking", "check", "feature", "fix"}
    names = [path.name for path in (ROOT / "changelog").iterdir() if path.name != "README.md"]
    assert [name for name in names if name.split(".")[1:] not in [[kind, "md"] for kind in kinds]] == []
