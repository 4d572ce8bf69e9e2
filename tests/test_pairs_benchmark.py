"""The program that runs the checks over real faults before and after their fix."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent.parent / "benchmarks" / "pairs.py"
JOBS = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      tag: ${{ steps.tag.outputs.tag }}
    steps:
      - id: tag
        run: echo "tag=1" >> "$GITHUB_OUTPUT"
  deploy:
    runs-on: ubuntu-latest
    steps:
      - run: kubectl set image deployment/api api=example/api:${{ needs.build.outputs.tag }}
"""
COLUMNS = ("id", "category", "repo", "fix_commit", "path", "buggy_line", "evidence_kind", "mechanism")


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    """The names of the program; a source distribution does not have it."""
    if not PROGRAM.exists():
        pytest.skip("no benchmarks here")
    return runpy.run_path(str(PROGRAM))


def test_a_fault_is_told_before_its_fix_and_not_after_it(
    program: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The finding stands at the fault, and is gone in the commit that fixes it; another category is not counted."""
    repository = tmp_path / "mirrors" / "some+one" / "repo"
    workflow = repository / ".github" / "workflows" / "release.yml"
    workflow.parent.mkdir(parents=True)
    named = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", repository, *named, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    for text in (JOBS, "name: release\n" + JOBS.replace("  deploy:\n", "  deploy:\n    needs: build\n")):
        workflow.write_text(text, encoding="utf-8")
        git("add", "-A")
        git("commit", "-qm", "a step")
    rows = [
        ("1", "push-order", "some/one", git("rev-parse", "HEAD"), ".github/workflows/release.yml", "13"),
        ("2", "push-order", "some/other", "0" * 40, "a.py", "1"),
        ("3", "hyperparameter", "some/one", "0" * 40, "a.py", "1"),
    ]
    pairs = tmp_path / "pairs.tsv"
    lines = ["\t".join(COLUMNS), *("\t".join((*row, "single-file", "slug")) for row in rows)]
    pairs.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program["main"](pairs, tmp_path / "mirrors")
    said = capsys.readouterr().out
    assert "near, about another thing: job-output-read-without-needs" in said  # nobody has judged this pair
    assert "not available: no mirror" in said
    assert "| push-order | 1 | 1 | 0 | 0 | 0 |" in said
    assert "hyperparameter" not in said


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (list("abcdefgh"), range(3, 6)),
        (list("xabcdefgh"), range(4, 7)),
        (list("abcdxyefgh"), range(3, 8)),
        (list("abcXefgh"), range(3, 6)),
        (list("abgh"), range(3, 3)),
        ([], range(1, 1)),
    ],
)
def test_lines_are_followed_through_a_fix(program: dict[str, Any], after: list[str], expected: range) -> None:
    """Lines 3 to 5 are found where they went, with what was put among them."""
    assert program["_moved"](range(3, 6), list("abcdefgh"), after) == expected
