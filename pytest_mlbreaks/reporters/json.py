"""The JSON report, version 1: what others script against. ``schema/report-1.json`` describes it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import BaselineState, Outcome, Read, Report, ReportedFinding, Reporter, Result, Share, Shown

VERSION = 1

_OUTCOMES: tuple[Outcome, ...] = ("findings", "clean", "not-applicable", "failed")


def write(report: Report, shown: Shown) -> str:
    """The report as one JSON object, indented; ASCII alone, so that nothing in it can steer a terminal."""
    return json.dumps(_sound(as_data(report, shown.threshold)), indent=2) + "\n"


def as_data(report: Report, threshold: Severity | None) -> dict[str, Any]:
    """The report as plain data, keys in the order of the contract."""
    return {
        "version": VERSION,
        "tool": {"version": report.version, "packs": report.packs},
        "root": report.root,
        "revision": report.revision,
        "partial": report.partial,
        "findings": [finding_as_data(finding) for finding in report.findings],
        "results": [_result(result) for result in report.results],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in report.diagnostics],
        "baseline": _baseline(report.baseline),
        "read": _read(report.read),
        "summary": _summary(report, threshold),
    }


def place(where: Place) -> dict[str, Any]:
    """A place with all of its keys."""
    return {
        "kind": where.kind,
        "path": where.path,
        "cell": where.cell,
        "line": where.line,
        "column": where.column,
        "end_line": where.end_line,
        "end_column": where.end_column,
        "file_line": where.file_line,
        "side": where.side,
    }


def finding_as_data(finding: ReportedFinding) -> dict[str, Any]:
    """One finding as plain data, with all of its keys."""
    silenced = finding.suppressed
    return {
        "check": finding.check,
        "category": finding.category,
        "also": list(finding.also),
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "axis": {"ml": finding.axis.ml, "distributed": finding.axis.distributed},
        "place": place(finding.place),
        "message": finding.message,
        "because": [{"place": place(related.place), "note": related.note} for related in finding.because],
        "fix": finding.fix or None,
        "fingerprint": finding.fingerprint,
        "suppressed": {"by": silenced.by, "reason": silenced.reason} if silenced is not None else None,
        "about": list(finding.about),
        "pipeline": finding.pipeline or None,
        "preview": finding.preview or None,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "category": result.category,
        "outcome": result.outcome,
        "judged": result.judged,
        "unjudged": [{"place": place(subject.place), "reason": subject.reason} for subject in result.unjudged],
        "reason": result.reason or None,
        "seconds": result.seconds,
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "place": place(diagnostic.place),
        "level": diagnostic.level,
        "topic": diagnostic.topic,
        "message": diagnostic.message,
    }


def _baseline(state: BaselineState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    gone = [
        {"fingerprint": one.fingerprint, "check": one.check, "path": one.path, "message": one.message}
        for one in state.gone
    ]
    return {"file": state.file, "standing": state.standing, "gone": gone, "untold": len(state.untold)}


def _read(read: Read) -> dict[str, Any]:
    return {
        "files": read.files,
        "not_read": [{"kind": r.kind, "files": r.files, "reason": r.reason} for r in read.not_read],
        "entry_files": _share(read.entry_files, "known"),
        "values": _share(read.values, "resolved"),
    }


def _share(share: Share, known: str) -> dict[str, Any]:
    reasons = [{"reason": reason, "count": count} for reason, count in share.reasons]
    return {known: share.known, "unknown": share.unknown, "reasons": reasons}


def _summary(report: Report, threshold: Severity | None) -> dict[str, Any]:
    counted = [finding for finding in report.findings if finding.suppressed is None]
    severities = Counter(finding.severity for finding in counted)
    categories = Counter(finding.category for finding in counted)
    outcomes = Counter(result.outcome for result in report.results)
    return {
        "findings": len(counted),
        "severity": {str(severity): severities[severity] for severity in sorted(Severity, reverse=True)},
        "category": {name: categories[name] for name in taxonomy.categories() if categories[name]},
        "outcome": {outcome: outcomes[outcome] for outcome in _OUTCOMES},
        "judged": sum(result.judged for result in report.results),
        "unjudged": sum(len(result.unjudged) for result in report.results),
        "failing": len(report.failing(threshold)),
        "threshold": str(threshold) if threshold is not None else "never",
        "suppressed": len(report.findings) - len(counted),
        "previews": sum(bool(finding.preview) for finding in counted),
    }


def _sound(data: Any) -> Any:
    """*data* with the bytes of names that are no UTF-8 written out (``\\udcff``): half a surrogate is no JSON text."""
    if isinstance(data, str):
        return data if data.isascii() else data.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(data, dict):
        return {_sound(key): _sound(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_sound(item) for item in data]
    return data


REPORTER = Reporter("json", write)
