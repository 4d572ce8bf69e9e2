"""Findings that are alike are told as one, after each was judged: what is silenced of them is told by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from pytest_mlbreaks.report import Related, Report, ReportedFinding

MOST = 10
"""Places of findings that are shown with the one that is told for them."""


def together(report: Report) -> Report:
    """*report* with one finding for all of a group that nothing silences: the gravest and surest, and the first."""
    results = tuple(
        msgspec.structs.replace(result, findings=of(result.findings))
        if any(finding.group for finding in result.findings)
        else result
        for result in report.results
    )
    return msgspec.structs.replace(report, results=results)


def of(findings: Sequence[ReportedFinding]) -> tuple[ReportedFinding, ...]:
    """The findings of one check, in the order of their places, with one for those of a group."""
    groups: dict[tuple[str, str, str], list[ReportedFinding]] = defaultdict(list)
    told = []
    for finding in findings:
        if finding.group and finding.suppressed is None:
            groups[finding.group, finding.pipeline, finding.preview].append(finding)
        else:
            told.append(finding)
    for alike in groups.values():
        lead = max(alike, key=lambda finding: (finding.severity, finding.confidence))  # the first of those
        others = [finding for finding in alike if finding is not lead]
        if others:
            message = f"{lead.message} {len(others)} more {'are' if len(others) > 1 else 'is'} like it."
            places = dict.fromkeys(one.place for one in others if one.place != lead.place)  # several things, one place
            notes = {one.place: one.note for one in others}
            because = (*lead.because, *(Related(place, notes[place]) for place in [*places][:MOST]))
            lead = msgspec.structs.replace(lead, message=message, because=because)
        told.append(lead)
    return tuple(sorted(told, key=lambda finding: finding.place.sort_key))
