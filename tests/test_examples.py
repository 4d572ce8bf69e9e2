"""The example pipeline: one variant holds, the other breaks in every way that there is a category for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mlbreaks import engine, taxonomy, testing
from pytest_mlbreaks.report import Report
from pytest_mlbreaks.tree import FolderTree

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "click-through"


@pytest.fixture(scope="module")
def breaks() -> Report:
    """The report on the variant that breaks."""
    return engine.analyse(FolderTree(EXAMPLE / "breaks"), testing.installed())


def test_the_one_holds() -> None:
    """Nothing is found, nothing fails to be read, and much of it was judged."""
    report = engine.analyse(FolderTree(EXAMPLE / "holds"), testing.installed())
    assert report.findings == ()
    assert report.diagnostics == ()
    assert sum(result.judged for result in report.results) > 60
    assert sum(result.outcome == "clean" for result in report.results) > 35
    assert [result.check for result in report.results if result.outcome == "failed"] == []


def test_the_other_breaks_in_every_category(breaks: Report) -> None:
    """Each cause of outages has found its way in."""
    assert {finding.category for finding in breaks.findings} == set(taxonomy.categories())


def test_the_table_names_what_is_found(breaks: Report) -> None:
    """Each row of the example's README is a finding in a file that it names, and each finding has a row."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z-]+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)[1:]
    told = [(category, set(re.findall(r"`([^`]+)`", where))) for category, where in rows]
    for category, paths in told:
        assert all((EXAMPLE / "breaks" / path).is_file() for path in paths), paths
        assert any(f.category == category and f.place.path in paths for f in breaks.findings), category
    for finding in breaks.findings:
        assert any(finding.category == category and finding.place.path in paths for category, paths in told)
