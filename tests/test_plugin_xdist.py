"""The pytest plugin under pytest-xdist."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("xdist")

RunPytest = Callable[..., pytest.RunResult]


@pytest.fixture
def tree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and the current one, with some tests and a mark that fails."""
    tests = "\n".join(f"def test_{number}():\n    pass\n" for number in range(6))
    tree = pytester.mkdir("repository")
    tree.joinpath("test_own.py").write_text(tests)
    tree.joinpath("pipeline.marks").write_text("high\nmedium\n")
    monkeypatch.chdir(tree)
    return tree


def test_one_analysis(tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers share one analysis; the controller writes one summary and the reports; nothing is left behind."""
    left = tree / "tmp"
    left.mkdir()
    log = left / "reads.log"
    monkeypatch.setenv("TRIAL_READS", str(log))
    monkeypatch.setenv("TMPDIR", str(left))
    result = run_pytest("-n", "2", "--mlbreaks", "--mlbreaks-report", "json:out.json")
    result.assert_outcomes(passed=8, failed=1, skipped=1)
    assert log.read_text() == "pipeline.marks\n"
    assert result.stdout.str().count("= mlbreaks =") == 1
    report = json.loads(tree.joinpath("out.json").read_text())
    assert len(report["results"]) == 4
    assert report["partial"] is None
    assert not list(left.glob("mlbreaks-*"))


def test_a_failure_reads_the_same(tree: Path, run_pytest: RunPytest) -> None:
    """A worker's failure arrives as the report it is, in the terminal and in JUnit."""
    result = run_pytest("-n", "2", "--mlbreaks-only", "--junitxml=junit.xml")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "pipeline.marks:1:1: high push-order/bad-mark *",
            "    1 | high",
            "  Do    Write another word.",
            "FAILED mlbreaks::push-order::bad-mark - pipeline.marks:1:1: This is high.",
        ]
    )
    result.stdout.no_fnmatch_line("*Error*")
    failure = ElementTree.parse(tree / "junit.xml").getroot().find(".//failure")
    assert failure is not None
    assert failure.get("message") == "pipeline.marks:1:1: This is high."


@pytest.mark.parametrize(
    ("arguments", "outcomes", "ran"),
    [
        (("--mlbreaks", "-k", "push-order"), {"failed": 1}, 1),
        (("mlbreaks::push-order::bad-mark",), {"failed": 1}, 1),
        (("mlbreaks::push-order::bad-mark", "test_own.py::test_1"), {"passed": 1, "failed": 1}, 1),
        (("--mlbreaks-only", "--deselect", "mlbreaks::push-order"), {"passed": 2, "skipped": 1}, 3),
    ],
)
def test_selection(
    tree: Path, run_pytest: RunPytest, arguments: tuple[str, ...], outcomes: dict[str, int], ran: int
) -> None:
    """Selection reaches the workers, and the controller knows what ran."""
    result = run_pytest("-n", "2", *arguments)
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines([f"Partial*{ran} of 4 checks ran: *"])


def test_only_writes_nothing(tree: Path, run_pytest: RunPytest) -> None:
    """Workers load no conftest and leave nothing in the tree either."""
    tree.joinpath("conftest.py").write_text("raise SystemExit('conftest.py was loaded')")
    before = sorted(tree.rglob("*"))
    run_pytest("-n", "2", "--mlbreaks-only", "-W", "error").assert_outcomes(passed=2, failed=1, skipped=1)
    assert sorted(tree.rglob("*")) == before


def test_no_check_ran(tree: Path, run_pytest: RunPytest) -> None:
    """Where the selection leaves no check, no worker makes an analysis, and the summary says so."""
    result = run_pytest("-n", "2", "--mlbreaks", "-k", "test_1")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["no check ran"])


def test_a_crash_is_an_error(tree: Path, run_pytest: RunPytest) -> None:
    """A check that crashes is an error under xdist, too."""
    tree.joinpath("pipeline.marks").write_text("crash\n")
    run_pytest("-n", "2", "--mlbreaks-only").assert_outcomes(passed=2, errors=1, skipped=1)
