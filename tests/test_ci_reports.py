"""The reports that CI systems read: SARIF, workflow commands of GitHub Actions, and Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import (
    About,
    AxisPosition,
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
from pytest_mlbreaks.reporters import github, markdown, sarif, terminal

ABOUT = About("It breaks", "How it breaks.", "Mend `it`.", ("https://example.org/a",))
SHOWN = Shown(Severity.HIGH, False, False, 80, lambda place: None, lambda check: ABOUT)
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))


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


def report(*findings: ReportedFinding, **changes: Any) -> Report:
    """A report of one check with *findings*, and of a clean one."""
    outcome: Any = "findings" if findings else "clean"
    results = (
        Result(check="clean-one", category="data-join", outcome="clean", judged=3),
        Result(
            check="a-check",
            category="push-order",
            outcome=outcome,
            judged=2,
            findings=findings,
            unjudged=(UnjudgedSubject(Place("a.py", 1), "the image is not in the tree"),),
        ),
    )
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "packs": {"mlbreaks": "0.1.0"},
        "root": "/repo",
        "revision": None,
        "partial": None,
        "results": results,
        "diagnostics": (),
        "read": Read(
            files={"python": 3},
            not_read=(Recognised("Helm chart", 2, "not read yet"),),
            entry_files=Share(0, 0),
            values=Share(0, 0),
        ),
        "seconds": 0.1,
    }
    return Report(**(fields | changes))


def log(*findings: ReportedFinding, **changes: Any) -> Any:
    """The run of a SARIF log that holds to the OASIS schema."""
    data = json.loads(sarif.write(report(*findings, **changes), SHOWN))
    jsonschema.Draft4Validator(SCHEMA).validate(data)
    (run,) = data["runs"]
    return run


# ------------------------------------------------------------------------------------------------------- SARIF


def test_sarif_tells_a_finding_with_its_proof() -> None:
    """A result has its place, the related places with their notes, a fingerprint, the category and both axes."""
    (result,) = log(finding())["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "k8s/app.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9},
    }
    (related,) = result["relatedLocations"]
    assert (related["message"]["text"], related["id"]) == ("this one", 1)
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "k8s/config.yaml"
    assert result["partialFingerprints"] == {"mlbreaks/v1": "0123"}
    assert (result["level"], result["properties"]["category"]) == ("error", "push-order")
    assert result["properties"]["axis"] == {"ml": 1, "distributed": 5}
    assert result["message"]["text"] == "It breaks.\n\nWhat to do: Mend it."


def test_sarif_rules_carry_help_category_and_axes() -> None:
    """Each check that ran is a rule, also one that found nothing; its page is the help, its category and axes are tags
    and properties."""
    rules = log(finding())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["clean-one", "a-check"]
    rule = rules[1]
    assert (rule["shortDescription"]["text"], rule["fullDescription"]["text"]) == ("It breaks", "How it breaks.")
    assert "Mend `it`." in rule["help"]["text"]
    assert "<https://example.org/a>" in rule["help"]["markdown"]
    assert rule["properties"]["tags"] == ["reliability", "push-order", "ml-1", "distributed-5"]
    assert (rule["properties"]["category"], rule["properties"]["axis"]) == ("push-order", {"ml": 1, "distributed": 5})
    assert rule["properties"]["precision"] == "high"


@pytest.mark.parametrize(
    ("severity", "confidence", "level"),
    [
        (Severity.HIGH, Confidence.HIGH, "error"),
        (Severity.HIGH, Confidence.MEDIUM, "warning"),
        (Severity.LOW, Confidence.HIGH, "note"),
    ],
)
def test_sarif_level_is_the_lower_of_severity_and_confidence(
    severity: Severity, confidence: Confidence, level: str
) -> None:
    """The level that code scanning filters by is what our threshold looks at."""
    (result,) = log(finding(severity=severity, confidence=confidence))["results"]
    assert result["level"] == level


def test_sarif_tells_what_went_wrong() -> None:
    """A file that was not read is a notification; a check that crashed makes the run unsuccessful."""
    crashed = Result(check="b-check", category="data-join", outcome="failed", judged=0, reason="KeyError")
    unread = Diagnostic(Place("a.yaml", 7), "error", "is no YAML")
    run = log(results=(crashed,), diagnostics=(unread,))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    failure, notification = invocation["toolExecutionNotifications"]
    assert (failure["level"], failure["message"]["text"]) == ("error", "the check b-check failed: KeyError")
    assert notification["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}
    assert log()["invocations"][0]["executionSuccessful"] is True


def test_sarif_suppressions_keep_their_reason() -> None:
    """A suppressed finding stays in the log, as suppressed, with the reason given."""
    silenced = [finding(suppressed=Suppression(by, "known")) for by in ("inline", "baseline")]
    kinds = [result["suppressions"] for result in log(*silenced)["results"]]
    assert kinds == [
        [{"kind": "inSource", "justification": "known"}],
        [{"kind": "external", "justification": "known"}],
    ]


def test_sarif_places_that_are_no_region() -> None:
    """A notebook's cell points into the .ipynb, a table is a logical location, odd paths are valid URIs."""
    places = (
        Place("n.ipynb", 2, 1, kind="cell", cell=4, file_line=31),
        Place("warehouse.events", kind="table"),
        Place("a b/ü%\udcff.py", 1),
    )
    results = log(*(finding(place=place, fingerprint=str(n)) for n, place in enumerate(places)))["results"]
    told = {result["partialFingerprints"]["mlbreaks/v1"]: result["locations"][0] for result in results}
    assert told["0"]["physicalLocation"]["region"] == {"startLine": 31}
    assert told["0"]["logicalLocations"] == [{"fullyQualifiedName": "cell 4, line 2"}]
    assert told["1"] == {"logicalLocations": [{"fullyQualifiedName": "warehouse.events"}]}
    assert told["2"]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%C3%BC%25%FF.py"


@given(st.text(), st.text())
def test_sarif_holds_whatever_a_repository_holds(message: str, path: str) -> None:
    """Any text makes a valid log without control characters."""
    (result,) = log(finding(message=message or "x", place=Place(path or "x", 1)))["results"]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x1b\u202e]", result["message"]["text"])


# ------------------------------------------------------------------------------------------ GitHub annotations


def test_annotations_have_place_title_and_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is an error; the proof and the remedy stand in the message, on lines of their own."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    lines = github.write(report(finding()), SHOWN).splitlines()
    assert lines == [
        (
            "::error file=k8s/app.yaml,line=3,endLine=3,col=5,endColumn=9,title=push-order/a-check::"
            "It breaks.%0Abecause k8s/config.yaml:1: this one%0ADo: Mend it."
        ),
        "mlbreaks: 1 finding, 1 failing",
    ]


def test_annotations_are_of_three_kinds() -> None:
    """Below the threshold a finding is a warning, or a notice where it is of low level; a suppressed one is none."""
    findings = (
        finding(),
        finding(severity=Severity.MEDIUM),
        finding(severity=Severity.LOW),
        finding(suppressed=Suppression("inline", "known")),
    )
    lines = github.write(report(*findings), SHOWN).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice", "mlbreaks:"]


def test_annotations_stop_where_github_stops() -> None:
    """Ten of a kind are shown for a step; a line tells how many are left out, and so does a notice."""
    many = [finding(place=Place("a.yaml", line + 1)) for line in range(25)]
    low = [finding(severity=Severity.LOW, place=Place("b.yaml", line + 1)) for line in range(12)]
    lines = github.write(report(*many, *low), SHOWN).splitlines()
    kinds = [line.split(" ")[0] for line in lines]
    assert (kinds.count("::error"), kinds.count("::notice")) == (10, 10)
    assert (
        lines[-1]
        == "mlbreaks: 37 findings, 25 failing; 18 not annotated here, since GitHub shows 10 of a kind for each step"
    )
    assert lines[-2].startswith("::notice title=mlbreaks::37 findings")


def test_annotations_name_files_from_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A judged root below the checkout is named, since GitHub takes paths from there."""
    (tmp_path / "services" / "churn").mkdir(parents=True)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    below = report(finding(), root=str(tmp_path / "services" / "churn"))
    assert "file=services/churn/k8s/app.yaml," in github.write(below, SHOWN)
    assert "file=k8s/app.yaml," in github.write(report(finding(), root=str(tmp_path)), SHOWN)


@given(st.text(), st.text(min_size=1), st.text())
def test_annotations_cannot_be_forged(message: str, path: str, note: str) -> None:
    """Whatever a repository holds, a finding is one line that starts with our command, and no property is added."""
    forged = finding(message=message, place=Place(path, 3), because=(Related(Place(path, 1), note),))
    text = github.write(report(forged), SHOWN)
    lines = text.split("\n")
    assert len(text.splitlines()) == 2
    assert lines[0].startswith("::error file=")
    properties = lines[0][2:].partition("::")[0].partition(" ")[2].split(",")
    assert [name.partition("=")[0] for name in properties] == ["file", "line", "title"]


def test_the_terminal_report_gives_no_commands() -> None:
    """A runner reads every line of a log: one of the judged tree's that looks like a command is made inert."""
    text = terminal.write(report(finding(message="::error::owned")), SHOWN)
    assert not re.search(r"^\s*(::|##)", text, re.MULTILINE)
    assert "\\::error::owned" in text


# ---------------------------------------------------------------------------------------------------- Markdown


def test_markdown_tells_what_fails_and_why() -> None:
    """The headline counts, the table has a row per finding, the proof and the remedy are folded below it."""
    text = markdown.write(report(finding(), finding(severity=Severity.MEDIUM, message="Less so.")), SHOWN)
    assert text.startswith("<!-- mlbreaks -->\n### mlbreaks: 2 findings, 1 of them fails\n")
    assert (
        "| ❌ high | <code>k8s/app.yaml:3:5</code> | It breaks. | <code>push-order</code><br>ml 1 · distributed 5 |"
        in text
    )
    assert "- because <code>k8s/config.yaml:1</code>: this one" in text
    assert "**What to do.** Mend it." in text


def test_markdown_tells_what_was_judged_and_read() -> None:
    """Silence must not look like safety: also a report without findings tells what was looked at."""
    text = markdown.write(report(), SHOWN)
    assert "### mlbreaks: nothing found" in text
    assert "What was judged: 5 places, 1 more could not be" in text
    assert "| data-join | 1 | 0 | 1 | 0 | 3 | 0 |" in text
    assert "Not read: 2 Helm chart (not read yet)." in text


def test_markdown_stays_within_a_comment() -> None:
    """GitHub refuses a comment of more than 65,536 characters: a long report is cut, and says so."""
    many = [finding(message="x" * 900, place=Place("a.yaml", line + 1)) for line in range(400)]
    text = markdown.write(report(*many), SHOWN)
    assert len(text) < 65_536
    assert "... and 350 more." in text
    assert "The proofs of the others would not fit here." in text
    assert text.rstrip().endswith("</details>")


def test_markdown_shows_code_as_code() -> None:
    """What a message has between backticks is set as code; a single backtick is only a character."""
    text = markdown.write(report(finding(message="Run `a | b`.", fix="It's a ` here.")), SHOWN)
    assert "Run <code>a &#124; b</code>." in text
    assert "It's a \\` here." in text


@pytest.mark.parametrize(
    "hostile",
    ["<script>x</script>", "a | b", "@everyone #1", "[x](https://evil.example)", "![x](y)", "</details>", "a\n\n# b"],
)
def test_markdown_of_a_hostile_repository_is_text(hostile: str) -> None:
    """Nothing of the judged tree makes markup, a link, a mention or a row of its own."""
    plain = markdown.write(report(finding(message="x", place=Place("x", 1))), SHOWN)
    text = markdown.write(report(finding(message=hostile, place=Place(hostile, 1))), SHOWN)
    assert len(text.splitlines()) == len(plain.splitlines())
    assert not re.search(r"(?<!\\)<script|<img|@\w|(?<!&)#\d|https?:/|(?<!\\)\]\(|(?<!\\)!\[", text)
    assert text.count("</details>") == plain.count("</details>")
