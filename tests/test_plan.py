"""The configuration and the command line together: what is left out, and what is a pipeline."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from pytest_mlbreaks import packs, plan
from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.config.files import TreeFiles
from pytest_mlbreaks.config.nodes import ConfigError
from pytest_mlbreaks.globs import Globs
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import Recognised, Report
from pytest_mlbreaks.selection import SelectionError
from pytest_mlbreaks.tree import MemoryTree, PartTree

TRIAL = Path(__file__).parent / "packs" / "trial" / "src"


@pytest.fixture(autouse=True)
def trial(monkeypatch: pytest.MonkeyPatch) -> packs.Packs:
    """The trial pack alone, as if it were installed."""
    monkeypatch.syspath_prepend(str(TRIAL))
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **query: ())
    return packs.load([("trial", importlib.import_module("mlbreaks_trial"))])


def planned(trial: packs.Packs, files: dict[str, str], **asked: Any) -> plan.Plan:
    """The plan of a run on *files*."""
    return plan.make(trial, TreeFiles(MemoryTree(files)), Path("/nowhere"), "", plan.Asked(**asked))


def report_of(trial: packs.Packs, files: dict[str, str], **asked: Any) -> Report:
    """The report of a run on *files*."""
    return planned(trial, files, **asked).report(MemoryTree(files))


def places(report: Report) -> list[str]:
    """Where the findings are, in reading order."""
    return sorted(finding.place.path for finding in report.findings)


FILES = {"a/x.marks": "high\n", "b/x.marks": "high\n", "c.marks": "high\n"}


def test_the_command_decides_over_the_configuration(trial: packs.Packs) -> None:
    """What runs, and what fails."""
    files = FILES | {"mlbreaks.yaml": "fail-on: medium\nselect: [push-order]\nignore: [bad-mark]\n"}
    assert planned(trial, files).checks == ()
    assert planned(trial, files).partial == "4 of 4 checks were not asked for"
    assert planned(trial, files).threshold is Severity.MEDIUM
    asked = planned(trial, files, select=["bad-mark"], fail_on="never")
    assert [check.id for check in asked.checks] == ["bad-mark"]
    assert asked.threshold is None
    assert planned(trial, {}).threshold is Severity.HIGH
    more = planned(trial, FILES | {"mlbreaks.yaml": "ignore: [bad-mark]\n"}, ignore=["any-mark"])
    assert [check.id for check in more.checks] == ["crashing-mark", "never-mark"]


def test_what_is_locked_runs(trial: packs.Packs) -> None:
    """Whatever a configuration below and the command leave out; both are told."""
    files = FILES | {"mlbreaks.yaml": "extends: c.yaml\nselect: [data-join]\n", "c.yaml": "lock: [bad-mark]\n"}
    made = planned(trial, files, ignore=["bad-mark"])
    assert [check.id for check in made.checks] == ["any-mark", "bad-mark"]
    told = [d.message for d in made.report(MemoryTree(files)).diagnostics]
    assert told == [
        "bad-mark is locked by c.yaml: it can't be ignored",
        "bad-mark is locked by c.yaml: it runs though it is not selected",
    ]


def test_what_is_excluded_is_not_read_and_not_missing(trial: packs.Packs) -> None:
    """It is beyond the tree, and the report says how much that is."""
    files = FILES | {"mlbreaks.yaml": "exclude: [a/, '*.marks', '!/c.marks']\n"}
    report = report_of(trial, files)
    assert places(report) == ["c.marks"]
    assert Recognised("files", 2, plan.EXCLUDED) in report.read.not_read
    tree = PartTree(MemoryTree(files), plan._excluded(Globs(["a/", "b/*"])))
    assert tree.beyond == {"a": plan.EXCLUDED, "b/x.marks": plan.EXCLUDED}


def test_a_tree_without_some_files_keeps_what_is_beyond(trial: packs.Packs) -> None:
    """What was told of a file that is left out is not told any more."""
    whole = MemoryTree(FILES)
    whole.beyond = {"sub": "a submodule"}
    whole.diagnostics = tuple(Diagnostic(Place(path), "note", "x") for path in ("a/link", "c.link"))
    part = PartTree(whole, lambda path: ("a", "why") if path.startswith("a/") else None)
    assert part.beyond == {"sub": "a submodule", "a": "why"}
    assert [d.place.path for d in part.diagnostics] == ["c.link"]
    assert part.paths() == ("b/x.marks", "c.marks")
    assert part.read("c.marks") == b"high\n"


PIPELINES = """\
pipelines:
- {name: one, root: a, shared: [common/]}
- {name: two, root: ./b, shared: [common/**, '/*.marks']}
"""


def test_each_pipeline_is_a_tree_of_its_own(trial: packs.Packs) -> None:
    """Each finding says of which it is, one in a shared file of both, once; the rest is not read, and is told."""
    files = FILES | {"common/y.marks": "high\nfine\n", "d/x.marks": "high\n", "mlbreaks.yaml": PIPELINES}
    report = report_of(trial, files)
    told = {finding.place.path: finding.pipeline for finding in report.findings}
    assert told == {"a/x.marks": "one", "b/x.marks": "two", "c.marks": "two", "common/y.marks": "one, two"}
    assert len(report.findings) == 4
    assert report.read.files == {"text": 5}
    outside = Recognised("other files", 2, "outside of the pipelines, as the configuration has it")
    assert outside in report.read.not_read
    assert report.partial is None
    assert {r.check: (r.outcome, r.judged) for r in report.results} == {
        "any-mark": ("clean", 7),
        "bad-mark": ("findings", 7),
        "crashing-mark": ("clean", 7),
        "never-mark": ("not-applicable", 0),
    }


def test_pipelines_do_not_accept_each_others_findings(trial: packs.Packs) -> None:
    """A name may stand for two things in two pipelines; alone or with others, a pipeline has the same fingerprints."""
    files = FILES | {"mlbreaks.yaml": PIPELINES}
    prints = {finding.place.path: finding.fingerprint for finding in report_of(trial, files).findings}
    alone = {
        f.place.path: f.fingerprint for one in ("one", "two") for f in report_of(trial, files, pipeline=one).findings
    }
    assert len(set(prints.values())) == 3
    assert prints == alone


def test_one_pipeline_can_be_asked_for(trial: packs.Packs) -> None:
    """The report is then partial; one that there is not is a mistake."""
    files = FILES | {"mlbreaks.yaml": PIPELINES}
    report = report_of(trial, files, pipeline="one")
    assert places(report) == ["a/x.marks"]
    assert report.partial == "only the pipeline 'one' was read"
    with pytest.raises(SelectionError, match=r"no pipeline 'tow' \(there are one, two\)|did you mean 'two'"):
        planned(trial, files, pipeline="tow")
    with pytest.raises(SelectionError, match="no pipeline 'one': the configuration names none"):
        planned(trial, FILES, pipeline="one")


def test_a_crash_in_one_pipeline_is_a_crash(trial: packs.Packs) -> None:
    """What the others found is kept."""
    files = {"a/x.marks": "crash\n", "b/x.marks": "high\n", "mlbreaks.yaml": PIPELINES}
    report = report_of(trial, files)
    outcomes = {r.check: r.outcome for r in report.results}
    assert (outcomes["crashing-mark"], outcomes["bad-mark"]) == ("failed", "findings")


def test_a_pipeline_called_examples_is_somebodys_production(trial: packs.Packs) -> None:
    """Its owner says so; an example within it is still one."""
    files = {"examples/e/x.marks": "high\n", "examples/e/examples/y.marks": "high\n"}
    assert places(report_of(trial, files)) == []
    configured = files | {"mlbreaks.yaml": "pipelines: [{name: e, root: examples/e}]\n"}
    assert places(report_of(trial, configured)) == ["examples/e/x.marks"]


def test_a_baseline_of_several_pipelines(trial: packs.Packs) -> None:
    """What is in a pipeline that was not read is neither standing nor gone."""
    files = FILES | {"mlbreaks.yaml": PIPELINES}
    entries = [
        f'{{"fingerprint": "{f.fingerprint}", "check": "bad-mark", "path": "{f.place.path}"}}'
        for f in report_of(trial, files).findings
    ]
    files["base.json"] = '{"version": 1, "findings": [%s]}' % ",".join(entries)  # noqa: UP031
    files["mlbreaks.yaml"] = PIPELINES + "baseline: base.json\n"
    whole, part = report_of(trial, files), report_of(trial, files, pipeline="one")
    assert whole.baseline is not None
    assert part.baseline is not None
    assert (whole.baseline.standing, len(whole.baseline.untold)) == (3, 0)
    assert (part.baseline.standing, len(part.baseline.untold), part.baseline.gone) == (1, 2, ())


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("none.json", "mlbreaks.yaml:1: the baseline none.json is not there; `mlbreaks baseline` writes it"),
        ("bad.json", "mlbreaks.yaml:1: the baseline bad.json is no baseline: "),
        ("../x.json", "mlbreaks.yaml:1: 'baseline': '../x.json' is no file of this repository"),
    ],
)
def test_a_baseline_that_is_not_there_or_broken_is_a_mistake(trial: packs.Packs, baseline: str, message: str) -> None:
    """Never an empty one."""
    with pytest.raises(ConfigError) as caught:
        planned(trial, {"mlbreaks.yaml": f"baseline: {baseline}\n", "bad.json": "{"})
    assert str(caught.value).startswith(message)


def test_only_the_packs_own_version_makes_previews(trial: packs.Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack of somebody else has versions of its own."""
    monkeypatch.setattr(plan, "__version__", "0.9.0")
    files = FILES | {"mlbreaks.yaml": "checks-as-of: '0.0'\n"}
    assert not any(finding.preview for finding in report_of(trial, files).findings)
    own = dataclasses.replace(trial, own=frozenset({"mlbreaks_trial"}))
    report = planned(own, files).report(MemoryTree(files))
    assert {finding.preview for finding in report.findings} == {"new in 0.1, and the checks are those of 0.0"}
    assert report.failing(Severity.LOW) == ()
