"""The plugin with a configuration, suppressions and a baseline. Each test runs pytest in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunPytest = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def tree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and the current folder, with one test that passes and two marks that fail."""
    tree = pytester.mkdir("repository")
    tree.joinpath("test_own.py").write_text("def test_own():\n    pass\n", encoding="utf-8")
    for name in ("a", "b"):
        tree.joinpath(name).mkdir()
        tree.joinpath(name, "x.marks").write_text("fine\nhigh\n", encoding="utf-8")
    monkeypatch.chdir(tree)
    return tree


def configure(tree: Path, text: str) -> None:
    """Write mlbreaks.yaml."""
    tree.joinpath("mlbreaks.yaml").write_text(text, encoding="utf-8")


def report_of(path: Path) -> dict[str, Any]:
    """A JSON report."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def test_the_configuration_of_the_repository_counts(tree: Path, run_pytest: RunPytest) -> None:
    """Also [tool.mlbreaks] of a pyproject.toml; an option decides over it."""
    tree.joinpath("pyproject.toml").write_text("[tool.mlbreaks]\nfail-on = 'never'\n", encoding="utf-8")
    run_pytest("--mlbreaks").assert_outcomes(passed=4, skipped=1)
    run_pytest("--mlbreaks", "--mlbreaks-fail-on", "high").assert_outcomes(passed=3, skipped=1, failed=1)


def test_select_and_ignore(tree: Path, run_pytest: RunPytest) -> None:
    """What is not to run is no item; a node id or an option asks for it all the same."""
    configure(tree, "ignore: [bad-mark]\n")
    run_pytest("--mlbreaks-only").assert_outcomes(passed=2, skipped=1)
    run_pytest("--mlbreaks-only", "--mlbreaks-select", "bad-mark").assert_outcomes(failed=1)
    run_pytest("mlbreaks::push-order::bad-mark").assert_outcomes(failed=1)
    configure(tree, "select: [bad-mark]\n")
    run_pytest("--mlbreaks-only").assert_outcomes(failed=1)


def test_what_is_ignored_fails_nothing_and_is_counted(tree: Path, run_pytest: RunPytest) -> None:
    """In the JSON with the reason; in the summary as a number, with -v in full."""
    configure(tree, "ignores:\n- {checks: [bad-mark], paths: [a/, b/], reason: known to us}\n")
    result = run_pytest("--mlbreaks-only", "--mlbreaks-report", "json:out.json")
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(["0 findings, 2 suppressed (2 config) in *"])
    result.stdout.no_fnmatch_line("*x.marks*")
    data = report_of(tree / "out.json")
    assert [f["suppressed"] for f in data["findings"]] == [{"by": "config", "reason": "known to us"}] * 2
    run_pytest("--mlbreaks-only", "-v").stdout.fnmatch_lines(["  suppressed (config): known to us"])


def test_some_suppressed_and_some_not(tree: Path, run_pytest: RunPytest) -> None:
    """The item fails by what is left, and tells only that."""
    configure(tree, "ignores:\n- {checks: [bad-mark], paths: [a/], reason: known}\n")
    result = run_pytest("--mlbreaks-only")
    result.assert_outcomes(passed=2, skipped=1, failed=1)
    result.stdout.fnmatch_lines(["*b/x.marks:2:1: high push-order/bad-mark *"])
    result.stdout.no_fnmatch_line("*a/x.marks*")


def test_a_suppression_that_silences_nothing_is_told(tree: Path, run_pytest: RunPytest) -> None:
    """In the summary, unless its check did not run."""
    configure(tree, "ignores:\n- {checks: [any-mark], paths: [a/], reason: known}\n")
    told = "*mlbreaks.yaml:2:*: warning: ignores?0? of mlbreaks.yaml silences nothing: any-mark found nothing there"
    run_pytest("--mlbreaks-only").stdout.fnmatch_lines(["Settings * 1 remark", told])
    run_pytest("--mlbreaks-only", "-k", "bad-mark").stdout.no_fnmatch_line("*silences nothing*")


def test_a_comment_suppresses(pytester: pytest.Pytester, tree: Path) -> None:
    """With the checks that are installed; the run passes, and the reason is in the JSON."""
    workflow = tree / ".github" / "workflows" / "nightly.yml"
    workflow.parent.mkdir(parents=True)
    tree.joinpath("batch").mkdir()
    tree.joinpath("batch", "run.py").write_text("print(1)\n", encoding="utf-8")
    text = """\
on: {schedule: [{cron: "0 3 * * *"}]}
jobs:
  features:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      %s
      - run: python pipelines/run.py
"""
    select = ("--mlbreaks-select", "step-entry-file-absent", "--mlbreaks-fail-on", "medium")
    options = ("-p", "no:randomly", "--mlbreaks-only", *select)
    workflow.write_text(text % "# nothing", encoding="utf-8")
    pytester.runpytest_subprocess(*options).assert_outcomes(failed=1)
    workflow.write_text(text % "# mlbreaks: ignore[step-entry-file-absent] made by a hook", encoding="utf-8")
    pytester.runpytest_subprocess(*options, "--mlbreaks-report", "json:out.json").assert_outcomes(passed=1)
    (finding,) = report_of(tree / "out.json")["findings"]
    assert finding["suppressed"] == {"by": "inline", "reason": "made by a hook"}


def baseline_of(tree: Path, run_pytest: RunPytest, name: str) -> None:
    """Write a baseline of what there is now."""
    run_pytest("--mlbreaks-only", "--mlbreaks-report", "json:now.json")
    keys = ("fingerprint", "check", "message")
    found = [{k: f[k] for k in keys} | {"path": f["place"]["path"]} for f in report_of(tree / "now.json")["findings"]]
    tree.joinpath(name).write_text(json.dumps({"version": 1, "findings": found}), encoding="utf-8")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_baseline(tree: Path, run_pytest: RunPytest, workers: tuple[str, ...]) -> None:
    """What was accepted fails nothing, what is new fails; what is gone is named. Under xdist, too."""
    baseline_of(tree, run_pytest, "base.json")
    accepted = run_pytest("--mlbreaks-only", "--mlbreaks-baseline", "base.json", *workers)
    accepted.assert_outcomes(passed=3, skipped=1)
    accepted.stdout.fnmatch_lines(["Baseline  base.json: 2 accepted findings stand, none gone"])
    configure(tree, "baseline: base.json\n")
    tree.joinpath("b", "x.marks").write_text("fine\n", encoding="utf-8")
    tree.joinpath("a", "x.marks").write_text("high\nmedium\n", encoding="utf-8")
    result = run_pytest("--mlbreaks-only", "--mlbreaks-fail-on", "medium", *workers)
    result.assert_outcomes(passed=2, skipped=1, failed=1)
    result.stdout.fnmatch_lines(
        ["Baseline  base.json: 1 accepted finding stands, 1 gone", "*gone: b/x.marks: bad-mark: This is high."]
    )


def test_pipelines(tree: Path, run_pytest: RunPytest) -> None:
    """All of them are judged, or the one that is asked for."""
    configure(tree, "pipelines: [{name: one, root: a}, {name: two, root: b}]\n")
    result = run_pytest("--mlbreaks-only")
    result.stdout.fnmatch_lines(["a/x.marks:2:1: high *, pipeline one)", "b/x.marks:2:1: high *, pipeline two)"])
    result.stdout.fnmatch_lines(["2 findings, 2 at or above the threshold (high) in *"])
    alone = run_pytest("--mlbreaks-only", "--mlbreaks-pipeline", "two")
    alone.stdout.no_fnmatch_line("*a/x.marks*")
    alone.stdout.fnmatch_lines(["Partial * only the pipeline 'two' was read"])


def test_another_configuration_can_be_named(tree: Path, run_pytest: RunPytest) -> None:
    """Relative to the folder where pytest was started."""
    tree.joinpath("strict.yaml").write_text("fail-on: low\n", encoding="utf-8")
    configure(tree, "fail-on: never\n")
    run_pytest("--mlbreaks-only", "--mlbreaks-config", "strict.yaml").assert_outcomes(passed=2, skipped=1, failed=1)


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("slect: []\n", (), "ERROR: mlbreaks: mlbreaks.yaml:1: no key 'slect' in the settings; did you mean 'select'?"),
        ("ignore: [bad-mrk]\n", (), "*mlbreaks.yaml:1: 'ignore': no check or category 'bad-mrk'; did you mean*"),
        ("", ("--mlbreaks-baseline", "none.json"), "*the baseline none.json is not there*"),
        ("", ("--mlbreaks-pipeline", "x"), "*no pipeline 'x': the configuration names none"),
    ],
)  # fmt: skip
def test_mistakes(tree: Path, run_pytest: RunPytest, text: str, arguments: tuple[str, ...], message: str) -> None:
    """A usage error, as of any option; no test runs."""
    configure(tree, text)
    result = run_pytest("--mlbreaks", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_the_configuration_is_of_no_concern_without_the_option(tree: Path, run_pytest: RunPytest) -> None:
    """A mistake in it keeps nobody's tests from running."""
    configure(tree, "slect: []\n")
    run_pytest().assert_outcomes(passed=1)
