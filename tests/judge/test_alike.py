"""Findings that are alike are told as one."""

from __future__ import annotations

import msgspec

from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.judge import alike
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.report import AxisPosition, Read, Report, ReportedFinding, Result, Share, Suppression


def finding(name: str, severity: Severity = Severity.LOW, group: str = "g") -> ReportedFinding:
    """A finding of a check, in a file of its own."""
    return ReportedFinding(
        check="a-check",
        category="push-order",
        also=(),
        severity=severity,
        confidence=Confidence.HIGH,
        axis=AxisPosition(1, 1),
        place=Place(f"{name}.yml", 1),
        message=f"{name}.",
        because=(),
        fix="",
        fingerprint=name,
        group=group,
        note=f"{name}, too",
    )


def told(*findings: ReportedFinding) -> list[ReportedFinding]:
    """What is told of them."""
    share = Share(0, 0, ())
    report = Report(
        version="0",
        packs={},
        root="r",
        revision=None,
        partial=None,
        results=(Result(check="a-check", category="push-order", outcome="findings", judged=1, findings=findings),),
        diagnostics=(),
        read=Read(files={}, not_read=(), entry_files=share, values=share),
        seconds=0.0,
    )
    return list(alike.together(report).results[0].findings)


def test_the_gravest_leads_and_names_the_others() -> None:
    """What is in no group stands by itself; all stay in the order of their places."""
    first, lead = told(finding("alone", group=""), finding("x"), finding("y", Severity.HIGH), finding("z"))
    assert (first.message, lead.message) == ("alone.", "y. 2 more are like it.")
    assert [related.note for related in lead.because] == ["x, too", "z, too"]


def test_what_is_silenced_silences_no_other() -> None:
    """One of a group is suppressed: it is told by itself, and the others still are."""
    silenced = msgspec.structs.replace(finding("a"), suppressed=Suppression("inline", "r"))
    first, second = told(silenced, finding("b"))
    assert first.suppressed is not None
    assert (second.message, second.suppressed) == ("b.", None)


def test_few_places_are_shown() -> None:
    """The message counts them all."""
    (lead,) = told(*(finding(f"f{number:02}") for number in range(alike.MOST + 5)))
    assert lead.message == "f00. 14 more are like it."
    assert len(lead.because) == alike.MOST


def test_a_place_is_shown_once() -> None:
    """Several things that share one line, as DAGs share their defaults, are counted each; the line is named once."""
    (lead,) = told(finding("f1"), finding("f2"), finding("f2"), finding("f1"))
    assert lead.message.endswith(" 3 more are like it.")
    assert [related.place.path for related in lead.because] == ["f2.yml"]
