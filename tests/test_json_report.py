"""The JSON report: its contract, held to the schema that ships."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import (
    Accepted,
    AxisPosition,
    BaselineState,
    Read,
    Recognised,
    Related,
    Report,
    ReportedFinding,
    Result,
    Share,
    Shown,
    Suppression,
    UnjudgedSubject,
)
from pytest_mlbreaks.reporters import json as reporter

SHOWN = Shown(Severity.HIGH, False, False, 80, lambda place: None)


def finding(**changes: Any) -> ReportedFinding:
    """A finding with every field filled."""
    fields: dict[str, Any] = {
        "check": "a-check",
        "category": "push-order",
        "also": ("cache-invalidation",),
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "axis": AxisPosition(1, 5),
        "place": Place("k8s/app.yaml", 3, 5, 3, 9),
        "message": "It breaks.",
        "because": (Related(Place("k8s/config.yaml", 1), "this one"),),
        "fix": "Mend it.",
        "fingerprint": "0123",
    }
    return ReportedFinding(**(fields | changes))


def report(*results: Result, **changes: Any) -> Report:
    """A report of these results."""
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "packs": {"mlbreaks": "0.1.0"},
        "root": "/repo",
        "revision": None,
        "partial": None,
        "results": results,
        "diagnostics": (),
        "read": Read(files={}, not_read=(), entry_files=Share(0, 0), values=Share(0, 0)),
        "seconds": 0.1,
    }
    return Report(**(fields | changes))


def found(*findings: ReportedFinding, **changes: Any) -> Result:
    """A result with these findings."""
    fields: dict[str, Any] = {"check": "a-check", "category": "push-order", "outcome": "findings", "judged": 2}
    return Result(findings=findings, **(fields | changes))


FULL = report(
    found(
        finding(),
        finding(
            severity=Severity.MEDIUM, also=(), because=(), fix="", place=Place("nb.ipynb", 2, 1, kind="cell", cell=3)
        ),
        finding(suppressed=Suppression("inline", "known")),
        unjudged=(UnjudgedSubject(Place("a.py", 1), "a secret"),),
    ),
    Result(check="b-check", category="data-join", outcome="clean", judged=4, seconds=0.25),
    Result(check="c-check", category="data-join", outcome="not-applicable", judged=0, reason="no join in the tree"),
    Result(check="d-check", category="data-join", outcome="failed", judged=0, reason="KeyError"),
    revision="f" * 40,
    partial="2 of 6 checks were not asked for",
    diagnostics=(Diagnostic(Place("x.yaml", 2, 1), "error", "YAML can't be parsed"),),
    baseline=BaselineState(
        "base.json", 3, (Accepted(fingerprint="f", check="a-check", path="x.py", message="Old."),), ()
    ),
    read=Read(
        files={"yaml": 3},
        not_read=(Recognised("SQL", 2, "not read yet"),),
        entry_files=Share(31, 7, (("the image is not built in the tree", 7),)),
        values=Share(5, 1, (("comes from the shell", 1),)),
    ),
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema as it ships."""
    text = resources.files("pytest_mlbreaks").joinpath("schema", "report-1.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def written(of: Report) -> dict[str, Any]:
    """The report as written and read back."""
    data: dict[str, Any] = json.loads(reporter.write(of, SHOWN))
    return data


@pytest.mark.parametrize("of", [FULL, report()], ids=["full", "empty"])
def test_what_is_written_is_what_the_schema_says(of: Report, schema: dict[str, Any]) -> None:
    """The file that ships describes every report, and allows nothing that it does not name."""
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(written(of))


def objects(schema: Any) -> list[dict[str, Any]]:
    """All object schemas in a schema."""
    if isinstance(schema, list):
        return [one for item in schema for one in objects(item)]
    if not isinstance(schema, dict):
        return []
    mine = [schema] if "properties" in schema and schema.get("type") == "object" else []
    return mine + [one for item in schema.values() for one in objects(item)]


def test_the_schema_is_closed(schema: dict[str, Any]) -> None:
    """Every key is required and no other is allowed, so that a change of the contract shows."""
    every = objects(schema)
    assert len(every) > 10
    for one in every:
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_the_keys_of_the_contract() -> None:
    """The names that others script against."""
    data = written(FULL)
    assert list(data) == [
        *("version", "tool", "root", "revision", "partial", "findings", "results", "diagnostics"),
        *("baseline", "read", "summary"),
    ]
    assert list(data["findings"][0]) == [
        *("check", "category", "also", "severity", "confidence", "axis", "place", "message", "because", "fix"),
        *("fingerprint", "suppressed", "about", "pipeline", "preview"),
    ]
    assert list(data["results"][0]) == ["check", "category", "outcome", "judged", "unjudged", "reason", "seconds"]
    assert list(data["diagnostics"][0]) == ["place", "level", "topic", "message"]
    assert list(data["baseline"]) == ["file", "standing", "gone", "untold"]
    assert list(data["baseline"]["gone"][0]) == ["fingerprint", "check", "path", "message"]
    assert list(data["read"]) == ["files", "not_read", "entry_files", "values"]
    assert data["read"]["entry_files"] == {
        "known": 31,
        "unknown": 7,
        "reasons": [{"reason": "the image is not built in the tree", "count": 7}],
    }
    assert list(data["read"]["values"]) == ["resolved", "unknown", "reasons"]


def test_a_place_has_all_keys_and_null_for_what_does_not_apply() -> None:
    """Nobody has to ask whether a key is there."""
    place = Place("nb.ipynb", 2, 1, kind="cell", cell=3, file_line=40)
    assert reporter.place(place) == {
        "kind": "cell",
        "path": "nb.ipynb",
        "cell": 3,
        "line": 2,
        "column": 1,
        "end_line": None,
        "end_column": None,
        "file_line": 40,
        "side": "head",
    }


def test_nulls_for_what_is_not_there() -> None:
    """Absence is null, never an empty text."""
    data = written(FULL)
    medium = next(f for f in data["findings"] if f["severity"] == "medium")
    assert (medium["fix"], medium["suppressed"]) == (None, None)
    assert [r["reason"] for r in data["results"]] == [None, None, "no join in the tree", "KeyError"]


def test_the_summary_counts_what_nothing_suppresses() -> None:
    """Counts by severity, category and outcome; suppressed findings apart."""
    summary = written(FULL)["summary"]
    assert summary == {
        "findings": 2,
        "severity": {"high": 1, "medium": 1, "low": 0},
        "category": {"push-order": 2},
        "outcome": {"findings": 1, "clean": 1, "not-applicable": 1, "failed": 1},
        "judged": 6,
        "unjudged": 1,
        "failing": 1,
        "threshold": "high",
        "suppressed": 1,
        "previews": 0,
    }
    assert reporter.as_data(FULL, None)["summary"]["threshold"] == "never"


def test_any_text_can_be_written() -> None:
    """Control characters, what turns text around, and names that are no UTF-8 neither break nor steer anything."""
    of = report(found(finding(message="\x1b[31m \x9b \u202e 漢", place=Place("bad\udcff.yaml", 1))))
    text = reporter.write(of, SHOWN)
    assert text.isascii()
    assert "\x1b" not in text
    data = json.loads(text)
    assert data["findings"][0]["message"] == "\x1b[31m \x9b \u202e 漢"
    assert data["findings"][0]["place"]["path"] == "bad\\udcff.yaml"
