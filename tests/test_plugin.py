"""The pytest plugin, as a user sees it. Each test runs pytest in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

RunPytest = Callable[..., pytest.RunResult]

SOURCES = Path(__file__).parent.parent

ITEMS = (
    "mlbreaks::data-join::any-mark",
    "mlbreaks::push-order::bad-mark",
    "mlbreaks::untested-change::crashing-mark",
    "mlbreaks::wrong-environment::never-mark",
)


@pytest.fixture
def tree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and the current one, with one test that passes, and marks of which one fails and one is only shown."""
    tree = pytester.mkdir("repository")
    tree.joinpath("test_own.py").write_text("def test_own():\n    pass\n")
    tree.joinpath("pipeline.marks").write_text("fine\n  high\nhigh\nmedium\n")
    monkeypatch.chdir(tree)
    return tree


def report_of(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())
    return data


pytestmark = pytest.mark.usefixtures("installed")


# ------------------------------------------------------------------------------------------------ off and on


def test_off_imports_nothing_of_the_engine(tree: Path, pytester: pytest.Pytester) -> None:
    """Without an option of ours, the plugin's own two modules are all of ours that is imported, and no library."""
    tree.joinpath("conftest.py").write_text(
        """
import sys

def pytest_unconfigure():
    print("ours:", *sorted(n for n in sys.modules if n.split(".")[0] in ("pytest_mlbreaks", "mlbreaks_checks")))
    print("libraries:", *[n for n in ("yaml", "msgspec", "rich") if n in sys.modules])
"""
    )
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ours: pytest_mlbreaks pytest_mlbreaks.plugin", "libraries:"])


def test_counts(tree: Path, run_pytest: RunPytest) -> None:
    """Every check is one item that passes, fails or is skipped, beside the user's tests; the counts are right."""
    result = run_pytest("--mlbreaks")
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["collected 5 items", "test_own.py .*", "mlbreaks .F.s*"])


def test_only_leaves_the_tests_out(tree: Path, run_pytest: RunPytest) -> None:
    """With --mlbreaks-only no test is collected, and nothing is written beside the sources."""
    tree.joinpath("conftest.py").write_text("raise SystemExit('conftest.py was loaded')")
    before = sorted(tree.rglob("*"))
    result = run_pytest("--mlbreaks-only")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    assert sorted(tree.rglob("*")) == before


def test_only_with_nothing_failing_exits_with_0(tree: Path, run_pytest: RunPytest) -> None:
    """Findings below the threshold are shown in the summary, and fail nothing."""
    tree.joinpath("pipeline.marks").write_text("medium\n")
    result = run_pytest("--mlbreaks-only")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*= mlbreaks =*", "pipeline.marks:1:1: medium push-order/bad-mark *", "  This is medium."]
    )
    result.stdout.fnmatch_lines(["1 finding, 0 at or above the threshold (high)*"])


def test_all_not_applicable_exits_with_0(pytester: pytest.Pytester, run_pytest: RunPytest) -> None:
    """Nothing to judge is no failure, and the reasons are told."""
    result = run_pytest("--mlbreaks-only", "-rs")
    result.assert_outcomes(skipped=4)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*mlbreaks::push-order::bad-mark: not applicable: no mark in the tree"])


def test_a_crash_is_an_error(tree: Path, run_pytest: RunPytest) -> None:
    """A check that crashes is an error, told without a traceback; the others are judged."""
    tree.joinpath("pipeline.marks").write_text("crash\n")
    result = run_pytest("--mlbreaks-only")
    result.assert_outcomes(passed=2, errors=1, skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ERROR at setup of untested-change/crashing-mark*", "the check failed: ValueError *"])
    result.stdout.no_fnmatch_line("*pytest_session.py*")


# --------------------------------------------------------------------------------------- what a failure says


def test_a_failure_reads_like_a_report(tree: Path, run_pytest: RunPytest) -> None:
    """Place, excerpt with a caret, related place, why and what to do; no traceback; a short line in the end."""
    result = run_pytest("--mlbreaks-only")
    result.stdout.fnmatch_lines(
        [
            "*_ push-order/bad-mark _*",
            "pipeline.marks:3:1: high push-order/bad-mark *",
            "  This is high.",
            "    3 | high",
            "      | ^^^^",
            "  because pipeline.marks:3:1: here it is said",
            "  Why   Marks are what breaks trial pipelines.",
            "  Do    Write another word.",
            "FAILED mlbreaks::push-order::bad-mark - pipeline.marks:3:1: This is high.",
        ]
    )
    result.stdout.no_fnmatch_line("*Error*")
    assert result.stdout.str().count("This is high.") == 2  # the failure and pytest's line about it


def test_verbose_names_the_place_of_a_failure(tree: Path, run_pytest: RunPytest) -> None:
    """With -vv a failing item is put where its first finding stands."""
    result = run_pytest("--mlbreaks-only", "-vv")
    result.stdout.fnmatch_lines(["mlbreaks::push-order::bad-mark*FAILED*"])


@pytest.mark.parametrize("style", ["line", "short", "native"])
def test_traceback_styles(tree: Path, run_pytest: RunPytest, style: str) -> None:
    """No style of tracebacks brings our code into a failure."""
    result = run_pytest("--mlbreaks-only", f"--tb={style}")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.no_fnmatch_line("*runtest*")


@pytest.mark.parametrize(
    ("level", "marks", "code"),
    [
        ("high", "medium", 0),
        ("medium", "medium", 1),
        ("medium", "low", 0),
        ("low", "low", 1),
        ("never", "high", 0),
    ],
)
def test_fail_on(tree: Path, run_pytest: RunPytest, level: str, marks: str, code: int) -> None:
    """Findings at or above the level fail, others do not."""
    tree.joinpath("pipeline.marks").write_text(marks)
    assert run_pytest("--mlbreaks-only", "--mlbreaks-fail-on", level).ret == code


def test_colour(tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary is coloured where pytest is; NO_COLOR turns it off."""
    tree.joinpath("pipeline.marks").write_text("medium\n")
    assert "\x1b[33m1 finding" in run_pytest("--mlbreaks-only", "--color=yes").stdout.str()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run_pytest("--mlbreaks-only").stdout.str()


# ------------------------------------------------------------------------------------------------- selection


def test_node_ids(tree: Path, run_pytest: RunPytest) -> None:
    """--co lists the items with the ids that can be pasted, and reads nothing of the tree."""
    result = run_pytest("--mlbreaks", "--co", "-q")
    assert [line for line in result.outlines if line.startswith("mlbreaks::")] == list(ITEMS)
    result.stdout.fnmatch_lines(["5 tests collected*"])


def test_collect_only_reads_nothing(tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is not called for --co, nor where no check is selected, and once for the rest."""
    log = tree / "reads.log"
    monkeypatch.setenv("TRIAL_READS", str(log))
    run_pytest("--mlbreaks", "--co")
    result = run_pytest("--mlbreaks", "-k", "own")
    result.stdout.fnmatch_lines(["no check ran"])
    assert not log.exists()
    run_pytest("--mlbreaks")
    assert log.read_text() == "pipeline.marks\n"


@pytest.mark.parametrize("options", [(), ("--mlbreaks",), ("--mlbreaks-only",)])
def test_a_pasted_node_id(tree: Path, run_pytest: RunPytest, options: tuple[str, ...]) -> None:
    """A node id alone asks for that item and nothing else, with and without the option."""
    result = run_pytest(*options, "mlbreaks::push-order::bad-mark")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["collected 1 item", "Partial*1 of 4 checks ran: 3 of 4 checks were not asked for"])


def test_a_node_id_pasted_from_above(tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run from above or below its rootdir, pytest prints ids with the way there; they select what the plain ones do."""
    tree.joinpath("pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tree.parent)
    printed = "FAILED repository/mlbreaks::push-order::bad-mark"
    run_pytest("repository", "--mlbreaks").stdout.fnmatch_lines([f"{printed} - *"])
    result = run_pytest("repository/mlbreaks::push-order::bad-mark")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"mlbreaks: 1 of 4 checks on {tree}"])
    run_pytest("repository/mlbreaks::push-order").assert_outcomes(failed=1)
    below = tree / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    run_pytest("../mlbreaks::push-order::bad-mark").assert_outcomes(failed=1)
    monkeypatch.chdir(tree.parent)
    result = run_pytest("repository/mlbreaks::push-order", "repository/below/mlbreaks::push-order")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: mlbreaks: node ids of several folders (*): run each alone"])


def test_node_ids_and_files_together(tree: Path, run_pytest: RunPytest) -> None:
    """A node id of ours beside a test file runs both; one of a category runs its checks."""
    result = run_pytest("test_own.py", "mlbreaks::push-order::bad-mark", "mlbreaks::data-join")
    result.assert_outcomes(passed=2, failed=1)


def test_an_unknown_node_id(tree: Path, run_pytest: RunPytest) -> None:
    """A node id that there is not is a usage error that names the nearest."""
    result = run_pytest("mlbreaks::push-order::bad-marks")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR:*no check or category 'bad-marks'; did you mean 'bad-mark'?"])
    result = run_pytest("mlbreaks::data-join::bad-mark")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR:*did you mean 'mlbreaks::push-order::bad-mark'?"])


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        (("-k", "push-order"), {"failed": 1, "deselected": 4}),
        (("-k", "client-assumption"), {"failed": 1, "deselected": 4}),
        (("-k", "not push-order"), {"passed": 3, "skipped": 1, "deselected": 1}),
        (("--deselect", "mlbreaks::push-order::bad-mark"), {"passed": 3, "skipped": 1, "deselected": 1}),
        (("--deselect", "mlbreaks::push-order"), {"passed": 3, "skipped": 1, "deselected": 1}),
        (("--mlbreaks-select", "push-order"), {"passed": 1, "failed": 1}),
        (("--mlbreaks-select", "bad-mark,data-join"), {"passed": 2, "failed": 1}),
        (("--mlbreaks-select", "bad-mark", "--mlbreaks-select", "any-mark"), {"passed": 2, "failed": 1}),
        (("--mlbreaks-ignore", "push-order,never-mark"), {"passed": 3}),
    ],
)
def test_selection(tree: Path, run_pytest: RunPytest, arguments: tuple[str, ...], outcomes: dict[str, int]) -> None:
    """pytest's selection and ours, with right counts; the summary and the reports say that it is a part."""
    result = run_pytest("--mlbreaks", *arguments, "--mlbreaks-report", "json:out.json")
    result.assert_outcomes(**outcomes)
    report = report_of(tree / "out.json")
    ran = len(report["results"])
    assert report["partial"].startswith(f"{ran} of 4 checks ran: ")
    result.stdout.fnmatch_lines([f"Partial*{ran} of 4 checks ran: *"])


def test_stopping_early(tree: Path, run_pytest: RunPytest) -> None:
    """What -x kept from running is not in the report, and the report says so."""
    result = run_pytest("--mlbreaks-only", "-x", "--mlbreaks-report", "json:out.json")
    result.assert_outcomes(passed=1, failed=1)
    report = report_of(tree / "out.json")
    assert [r["check"] for r in report["results"]] == ["any-mark", "bad-mark"]
    assert report["partial"] == "2 of 4 checks ran: 2 of 4 were deselected or not reached"


def test_a_whole_run_is_not_partial(tree: Path, run_pytest: RunPytest) -> None:
    """Where all checks ran, nothing says otherwise."""
    result = run_pytest("--mlbreaks", "--mlbreaks-report", "json:out.json")
    assert report_of(tree / "out.json")["partial"] is None
    result.stdout.no_fnmatch_line("Partial*")


def test_last_failed(tree: Path, run_pytest: RunPytest) -> None:
    """--lf runs the failed check alone, and all again once it passes."""
    run_pytest("--mlbreaks")
    run_pytest("--mlbreaks", "--lf").assert_outcomes(failed=1, deselected=4)
    tree.joinpath("pipeline.marks").write_text("fine\n")
    run_pytest("--mlbreaks", "--lf").assert_outcomes(passed=1, deselected=4)
    run_pytest("--mlbreaks", "--lf").assert_outcomes(passed=4, skipped=1)


def test_last_failed_with_a_failing_test(tree: Path, run_pytest: RunPytest) -> None:
    """--lf keeps the failed test and the failed check, and no other."""
    tree.joinpath("test_own.py").write_text("def test_own():\n    assert False\n\ndef test_good():\n    pass\n")
    tree.joinpath("test_other.py").write_text("def test_other():\n    pass\n")
    run_pytest("--mlbreaks").assert_outcomes(failed=2, passed=4, skipped=1)
    result = run_pytest("--mlbreaks", "--lf")
    assert result.parseoutcomes()["failed"] == 2
    assert "passed" not in result.parseoutcomes()


# ------------------------------------------------------------------------------------------------ companions


def test_a_conftest_that_looks_at_items(tree: Path, run_pytest: RunPytest) -> None:
    """A conftest that takes every item for a test function is not disappointed."""
    tree.joinpath("conftest.py").write_text(
        """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        if "database" in item.fixturenames:
            item.add_marker("database")
        assert item.module.__name__ and item.module.__doc__ != 3
        assert item.function.__name__
        assert item.cls is None
        assert item.get_closest_marker("slow") is None
        assert str(item.path) and item.location[0] and item.originalname if hasattr(item, "originalname") else True

def pytest_runtest_setup(item):
    assert item.nodeid

@pytest.fixture(autouse=True)
def everywhere():
    yield
"""
    )
    run_pytest("--mlbreaks").assert_outcomes(passed=3, failed=1, skipped=1)


def test_warnings_as_errors(tree: Path, run_pytest: RunPytest) -> None:
    """Nothing of ours warns."""
    result = run_pytest("-W", "error", "--mlbreaks")
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    assert "warnings" not in result.parseoutcomes()
    result = run_pytest("-W", "error", "--mlbreaks-only")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    assert "warnings" not in result.parseoutcomes()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_randomly(tree: Path, run_pytest: RunPytest, seed: str) -> None:
    """pytest-randomly shuffles our items; the report's order stays."""
    pytest.importorskip("pytest_randomly")
    result = run_pytest("--mlbreaks", f"--randomly-seed={seed}", "--mlbreaks-report", "json:out.json", randomly=True)
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    order = [result["check"] for result in report_of(tree / "out.json")["results"]]
    assert order == [item.rpartition("::")[2] for item in ITEMS]


def test_randomly_and_only(tree: Path, run_pytest: RunPytest) -> None:
    """With --mlbreaks-only pytest-randomly writes no cache into the tree either."""
    pytest.importorskip("pytest_randomly")
    before = sorted(tree.rglob("*"))
    run_pytest("--mlbreaks-only", randomly=True).assert_outcomes(passed=2, failed=1, skipped=1)
    assert sorted(tree.rglob("*")) == before


def test_without_pytests_own_plugins(tree: Path, run_pytest: RunPytest) -> None:
    """No cache and no terminal are needed; a report on standard output is then all that is said."""
    run_pytest("--mlbreaks", "-p", "no:cacheprovider").assert_outcomes(passed=3, failed=1, skipped=1)
    result = run_pytest("--mlbreaks", "-p", "no:terminal", "--mlbreaks-report", "json")
    assert result.ret == 1
    assert len(json.loads(result.stdout.str())["results"]) == 4


def test_junit(tree: Path, run_pytest: RunPytest) -> None:
    """JUnit carries category, axes, severity and place as properties, a short message, and the plain report."""
    run_pytest("--mlbreaks-only", "--color=yes", "--junitxml=junit.xml", "-o", "junit_family=xunit1")
    suite = ElementTree.parse(tree / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    case = next(case for case in suite if case.get("name") == "bad-mark")
    assert (case.get("classname"), case.get("file"), case.get("line")) == ("mlbreaks.push-order", "pipeline.marks", "2")
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties == {
        "check": "bad-mark",
        "category": "push-order",
        "also": "client-assumption",
        "ml": "1",
        "distributed": "5",
        "outcome": "findings",
        "judged": "4",
        "unjudged": "0",
        "findings": "2",
        "severity": "high",
        "confidence": "high",
        "file": "pipeline.marks",
        "line": "3",
    }
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "pipeline.marks:3:1: This is high."
    assert failure.text is not None
    assert failure.text.startswith("pipeline.marks:3:1: high push-order/bad-mark")
    assert "#x1B" not in failure.text


# --------------------------------------------------------------------------------------- options and mistakes


def test_root(tree: Path, run_pytest: RunPytest) -> None:
    """--mlbreaks-root names the folder that is read, relative to where pytest is called."""
    other = tree / "other"
    other.mkdir()
    other.joinpath("x.marks").write_text("high\n")
    result = run_pytest("--mlbreaks-only", "--mlbreaks-root", "other", "--mlbreaks-report", "json:out.json")
    assert result.ret == 1
    report = report_of(tree / "out.json")
    assert report["root"] == str(other)
    assert [finding["place"]["path"] for finding in report["findings"]] == ["x.marks"]


def test_the_root_is_the_repository(tree: Path, run_pytest: RunPytest) -> None:
    """In a service of a monorepo the whole repository is read."""
    tree.joinpath(".git").mkdir()
    service = tree / "service"
    service.mkdir()
    service.joinpath("pytest.ini").write_text("[pytest]\n")
    service.joinpath("test_it.py").write_text("def test_it():\n    pass\n")
    result = run_pytest("--mlbreaks", "--rootdir", service, service)
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines([f"mlbreaks: 4 of 4 checks on {tree}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mlbreaks-select", "push-ordre"), "*no check or category 'push-ordre'; did you mean 'push-order'?"),
        (("--mlbreaks-ignore", "bad-mork"), "*no check or category 'bad-mork'; did you mean 'bad-mark'?"),
        (("--mlbreaks-root", "nowhere"), "*nowhere: no such folder"),
        (("--mlbreaks-fail-on", "sometimes"), "*--mlbreaks-fail-on: invalid choice: *sometimes*"),
        (("--mlbreaks-report", "jsn"), "*no format 'jsn'; there are github, json, markdown, sarif, terminal"),
        (("--mlbreaks-report", "json:"), "*'json:'*FORMAT or FORMAT:PATH"),
        (("--mlbreaks-report", "json:no/such/file"), "*no/such/file can't be written: there is no folder *"),
        (("--mlbreaks-report", "json:."), "*. can't be written: is a folder"),
    ],
)
def test_mistakes(tree: Path, run_pytest: RunPytest, arguments: tuple[str, ...], message: str) -> None:
    """A mistake in the options is a usage error, at the start."""
    result = run_pytest("--mlbreaks", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert not any("passed" in line for line in result.outlines)


@pytest.mark.parametrize(
    ("path", "message"),
    [("part", "ERROR: part: --mlbreaks-only runs no tests, and reads all of *"), ("no", "ERROR: *not found: no")],
)
def test_only_takes_no_part(tree: Path, run_pytest: RunPytest, path: str, message: str) -> None:
    """With --mlbreaks-only a path can't choose tests; one that is less than the tree is a usage error."""
    tree.joinpath("part").mkdir()
    result = run_pytest("--mlbreaks-only", "--rootdir", ".", path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    run_pytest("--mlbreaks-only", ".").assert_outcomes(passed=2, failed=1, skipped=1)


def test_options_without_the_option_do_nothing(tree: Path, run_pytest: RunPytest) -> None:
    """In addopts they may stand for the day when the checks are asked for."""
    tree.joinpath("pytest.ini").write_text(
        "[pytest]\naddopts = --mlbreaks-fail-on low --mlbreaks-report json:out.json\n"
    )
    run_pytest().assert_outcomes(passed=1)
    assert not tree.joinpath("out.json").exists()
    run_pytest("--mlbreaks").assert_outcomes(passed=3, failed=1, skipped=1)
    assert tree.joinpath("out.json").exists()


def test_reports(tree: Path, run_pytest: RunPytest) -> None:
    """Reports are repeatable; one without a path comes after the summary."""
    result = run_pytest("--mlbreaks", "--mlbreaks-report", "json:out.json", "--mlbreaks-report", "terminal")
    assert len(report_of(tree / "out.json")["findings"]) == 2
    lines = result.outlines
    summary = next(number for number, line in enumerate(lines) if "1 failed, 3 passed, 1 skipped" in line)
    assert any(line.startswith("pipeline.marks:3:1: high") for line in lines[summary:])


def test_a_run_without_checks_leaves_no_old_report(tree: Path, run_pytest: RunPytest) -> None:
    """The report of an earlier run would be taken for that of this one; to collect alone is no run."""
    tree.joinpath("out.json").write_text("old")
    asked = ("--mlbreaks", "--mlbreaks-report", "json:out.json")
    run_pytest(*asked, "--collect-only")
    assert tree.joinpath("out.json").read_text() == "old"
    run_pytest(*asked, "-k", "own").stdout.fnmatch_lines(["no check ran"])
    report = report_of(tree / "out.json")
    assert (report["results"], report["findings"]) == ([], [])
    assert report["partial"] == "0 of 4 checks ran: 4 of 4 were deselected or not reached"


def test_a_test_named_by_its_id_runs_alone(tree: Path, run_pytest: RunPytest) -> None:
    """Where --mlbreaks stands in addopts, to run one test takes no analysis; the header says so."""
    tree.joinpath("pytest.ini").write_text("[pytest]\naddopts = --mlbreaks --mlbreaks-report json:out.json\n")
    for more in ((), ("-n", "1")):
        tree.joinpath("out.json").unlink(missing_ok=True)
        result = run_pytest("test_own.py::test_own", *more)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["mlbreaks: no checks, as tests are named by their ids, and no check is (*)"])
        result.stdout.no_fnmatch_line("*= mlbreaks =*")
        assert report_of(tree / "out.json")["partial"].startswith("0 of 4 checks ran: tests are named by their ids")
    run_pytest("test_own.py").assert_outcomes(passed=3, failed=1, skipped=1)


def test_a_reporter_that_fails_is_named_and_alone(
    tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line on it, the other reports as ever, and the exit code of an internal error."""
    packs = tree / "packs"
    shutil.copytree(os.environ["PYTHONPATH"], packs)
    with packs.joinpath("mlbreaks_trial/__init__.py").open("a") as module:
        module.write(
            "from pytest_mlbreaks.api import Reporter\n"
            "def crash(report, shown): raise KeyError('x')\n"
            "@hookimpl\n"
            "def mlbreaks_reporters(): return [Reporter('crash', crash)]\n"
        )
    monkeypatch.setenv("PYTHONPATH", str(packs))
    reports = ("crash:x", "crash", "json:out.json", "terminal")
    result = run_pytest("--mlbreaks", *(part for one in reports for part in ("--mlbreaks-report", one)))
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["ERROR: reporter 'crash' failed: KeyError (line * of crash)"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.stdout.str().count("Findings by axis") == 2
    assert len(report_of(tree / "out.json")["findings"]) == 2
    assert not tree.joinpath("x").exists()


def test_a_terminal_that_speaks_ascii(tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its encoding lacks is said otherwise, and line ends stay."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    tree.joinpath("pipeline.marks").write_text("high\n")
    result = run_pytest("--mlbreaks-only", "--mlbreaks-report", "terminal")
    text = result.stdout.str()
    assert len(re.findall(r"\(ml \d, distributed \d, also [a-z-]+\)\n", text)) == 2
    assert "xb7" not in text
    result.stdout.fnmatch_lines(["1 finding, 1 at or above the threshold (high) *"])


def test_a_broken_pack_is_a_usage_error(tree: Path, run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack that can't be loaded is named, and nothing runs."""
    packs = tree / "packs"
    shutil.copytree(os.environ["PYTHONPATH"], packs)
    packs.joinpath("mlbreaks_trial/reader.py").write_text("raise RuntimeError('no luck')")
    monkeypatch.setenv("PYTHONPATH", str(packs))
    result = run_pytest("--mlbreaks")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: mlbreaks: pack 'trial' * can't be loaded: RuntimeError: no luck"])


# --------------------------------------------------------------------------------------------- as installed


def test_the_engine_is_loaded_past_the_rewriting_of_asserts(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As installed from a wheel, all modules but the plugin's own come through Python's ordinary loader, although
    pytest rewrites the modules of every distribution that has a plugin."""
    site = tmp_path_factory.mktemp("site")
    for package in (SOURCES / "pytest_mlbreaks", SOURCES / "checks" / "mlbreaks_checks"):
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    files = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    info = site / "pytest_mlbreaks-0.1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: pytest-mlbreaks\nVersion: 0.1.0\n")
    info.joinpath("RECORD").write_text("".join(f"{name},,\n" for name in files))
    info.joinpath("entry_points.txt").write_text(
        "[pytest11]\nmlbreaks = pytest_mlbreaks.plugin\n\n"
        "[mlbreaks]\nmlbreaks = pytest_mlbreaks.builtin\nmlbreaks-checks = mlbreaks_checks\n"
    )
    tree.joinpath("conftest.py").write_text(
        """
import json, sys

def pytest_unconfigure():
    loaders = {
        name: type(module.__loader__).__name__
        for name, module in sys.modules.items()
        if name.split(".")[0] in ("pytest_mlbreaks", "mlbreaks_checks")
    }
    with open("loaders.json", "w") as file:
        json.dump(loaders, file)
"""
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--mlbreaks", "--mlbreaks-report", "json:out.json")
    assert result.ret == 0
    loaders = report_of(tree / "loaders.json")
    rewritten = {name for name, loader in loaders.items() if loader != "SourceFileLoader"}
    assert rewritten == {"pytest_mlbreaks", "pytest_mlbreaks.plugin"}
    assert {"pytest_mlbreaks.engine", "pytest_mlbreaks.reporters.json", "mlbreaks_checks.push_order"} <= set(loaders)


def test_imports_apart_put_everything_back() -> None:
    """`apart` takes pytest's finder and the folders added since the start away, and gives both back."""
    from pytest_mlbreaks.plugin import apart

    finders, path = list(sys.meta_path), list(sys.path)
    sys.path.insert(0, "/added/by/somebody")
    try:
        with apart(path):
            assert not any(type(finder).__module__ == "_pytest.assertion.rewrite" for finder in sys.meta_path)
            assert "/added/by/somebody" not in sys.path
            sys.path.append("/added/within")
        assert sys.meta_path == finders
        assert sys.path == ["/added/by/somebody", *path, "/added/within"]
    finally:
        sys.path[:] = path


def test_an_analysis_that_fails(tree: Path, run_pytest: RunPytest) -> None:
    """A fault of ours is one error with its traceback, and a short error for each other item; the tests run."""
    tree.joinpath("conftest.py").write_text(
        """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    from pytest_mlbreaks import engine

    def examine(*args, **kwargs):
        raise RuntimeError("a fault of ours")

    engine.examine = examine
"""
    )
    result = run_pytest("--mlbreaks", "--mlbreaks-report", "json:out.json")
    result.assert_outcomes(passed=1, errors=4)
    assert result.stdout.str().count("the analysis failed; the error of the first item tells how") >= 3
    result.stdout.fnmatch_lines(["E*RuntimeError: a fault of ours", "no check ran"])
    assert report_of(tree / "out.json")["partial"] == "0 of 4 checks ran: the analysis failed"
