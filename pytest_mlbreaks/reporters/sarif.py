"""SARIF 2.1.0, for code scanning on GitHub and whatever else reads it.

The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html. What
GitHub makes of it: https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.display import clean
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import About, Related, Report, ReportedFinding, Reporter, Result, Shown
from pytest_mlbreaks.reporters import SEPARATOR

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

FINGERPRINT = "mlbreaks/v1"
"""The name of our fingerprint among a result's partial ones; its version rises when it is made of something else."""

_LONGEST = 4_000  # characters of one text
_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_PROBLEMS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "recommendation"}
_KINDS = {"inline": "inSource", "config": "external", "baseline": "external"}


def write(report: Report, shown: Shown) -> str:
    """The report as one SARIF log with one run, ASCII alone."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, shown)]}
    return json.dumps(log, indent=2) + "\n"


def _run(report: Report, shown: Shown) -> dict[str, Any]:
    rules = {result.check: number for number, result in enumerate(report.results)}
    return {
        "tool": {
            "driver": {
                "name": "pytest-mlbreaks",
                "semanticVersion": report.version,
                "rules": [_rule(result, shown.about(result.check)) for result in report.results],
            },
            "extensions": [{"name": name, "version": version} for name, version in report.packs.items()],
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": all(result.outcome != "failed" for result in report.results),
                "toolExecutionNotifications": [
                    *(_failure(result) for result in report.results if result.outcome == "failed"),
                    *(_notification(diagnostic) for diagnostic in report.diagnostics),
                ],
            }
        ],
        "results": [_result(finding, rules[finding.check]) for finding in report.findings],
        "properties": {
            "judged": sum(result.judged for result in report.results),
            "unjudged": sum(len(result.unjudged) for result in report.results),
            "partial": report.partial or "",
        },
    }


def _rule(result: Result, about: About) -> dict[str, Any]:
    axis = taxonomy.category(result.category).axis
    rule: dict[str, Any] = {
        "id": result.check,
        "name": result.check,
        "shortDescription": {"text": about.title or result.check},
        "properties": {
            "tags": [
                "reliability",
                result.category,
                f"ml-{axis.ml.value}",
                f"distributed-{axis.distributed.value}",
            ],
            "category": result.category,
            "axis": {"ml": axis.ml.value, "distributed": axis.distributed.value},
        },
    }
    if result.findings:  # what a rule is by itself is said by its worst finding: a check's own values are maxima
        worst = max(finding.severity for finding in result.findings)
        surest = max(finding.confidence for finding in result.findings)
        rule["defaultConfiguration"] = {"level": _LEVELS[worst]}
        rule["properties"] |= {"problem.severity": _PROBLEMS[worst], "precision": str(surest)}
    if about.why:
        rule["fullDescription"] = {"text": _text(about.why)}
        rule["help"] = {"text": _help(result, about, markdown=False), "markdown": _help(result, about, markdown=True)}
    return rule


def _help(result: Result, about: About, *, markdown: bool) -> str:
    axis = taxonomy.category(result.category).axis
    position = f"ML {axis.ml.value} of 5{SEPARATOR}distributed {axis.distributed.value} of 5"
    parts = [about.why]
    if about.what_to_do:
        parts.append(f"**What to do.** {about.what_to_do}" if markdown else f"What to do: {about.what_to_do}")
    parts.append(f"Category {result.category} ({position}). `mlbreaks explain {result.check}` shows examples.")
    if about.sources:
        parts.append("\n".join(f"- <{link}>" if markdown else f"- {link}" for link in about.sources))
    return "\n\n".join(parts)


def _result(finding: ReportedFinding, rule: int) -> dict[str, Any]:
    text = finding.message if not finding.fix else f"{finding.message}\n\nWhat to do: {finding.fix}"
    result: dict[str, Any] = {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "level": "note" if finding.preview else _LEVELS[finding.level],
        "message": {"text": _text(text)},
        "locations": [_location(finding.place)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {
            "category": finding.category,
            "also": list(finding.also),
            "severity": str(finding.severity),
            "confidence": str(finding.confidence),
            "axis": {"ml": finding.axis.ml, "distributed": finding.axis.distributed},
            **({"pipeline": _text(finding.pipeline)} if finding.pipeline else {}),
            **({"preview": finding.preview} if finding.preview else {}),
        },
    }
    if finding.because:
        result["relatedLocations"] = [_related(number, one) for number, one in enumerate(finding.because, start=1)]
    if finding.suppressed is not None:
        kind = _KINDS.get(finding.suppressed.by, "external")
        result["suppressions"] = [{"kind": kind, "justification": _text(finding.suppressed.reason)}]
    return result


def _related(number: int, related: Related) -> dict[str, Any]:
    return {"id": number, **_location(related.place), "message": {"text": _text(related.note)}}


def _location(place: Place) -> dict[str, Any]:
    """A place; what a region can't hold (a cell, a test, a table) is a logical location."""
    if place.kind in ("test", "table"):
        return {"logicalLocations": [{"fullyQualifiedName": clean(place.path, _LONGEST)}]}
    uri = quote(place.path.encode("utf-8", "surrogateescape"))
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.kind == "cell":
        location["logicalLocations"] = [{"fullyQualifiedName": f"cell {place.cell}, line {place.line}"}]
        if place.file_line is not None:
            physical["region"] = {"startLine": place.file_line}
    elif place.line is not None:
        physical["region"] = _region(place)
    return location


def _region(place: Place) -> dict[str, int]:
    region = {"startLine": place.line or 1}
    if place.column is not None:
        region["startColumn"] = place.column
    if place.end_line is not None and place.end_line >= region["startLine"]:
        region["endLine"] = place.end_line
        if place.end_column is not None:
            region["endColumn"] = place.end_column
    return region


def _notification(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "level": diagnostic.level,
        "message": {"text": _text(diagnostic.message)},
        "locations": [_location(diagnostic.place)],
    }


def _failure(result: Result) -> dict[str, Any]:
    return {"level": "error", "message": {"text": _text(f"the check {result.check} failed: {result.reason}")}}


def _text(text: str) -> str:
    """*text* as it may be shown; lines are kept."""
    return "\n".join(clean(line, _LONGEST) for line in text.split("\n"))


REPORTER = Reporter("sarif", write)
