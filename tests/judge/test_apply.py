"""Judging findings: who silences what, what is locked, and which suppressions silence nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.globs import Globs
from pytest_mlbreaks.judge.apply import Known, Trace, accepted, apply
from pytest_mlbreaks.judge.baseline import Baseline, BaselineError, parse, render
from pytest_mlbreaks.judge.policy import Ignore, Policy
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import (
    Accepted,
    AxisPosition,
    Read,
    Report,
    ReportedFinding,
    Result,
    Share,
    Suppression,
    UnjudgedSubject,
)

KNOWN = Known({"a-check": "a-check", "b-check": "b-check", "old-name": "a-check"})


def finding(path: str = "a.py", line: int = 3, check: str = "a-check", **changes: Any) -> ReportedFinding:
    """A finding about ``step:x`` whose fingerprint is its place."""
    fields: dict[str, Any] = {
        "check": check,
        "category": "push-order",
        "also": (),
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "axis": AxisPosition(1, 5),
        "place": Place(path, line),
        "message": "It breaks.",
        "because": (),
        "fix": "",
        "fingerprint": f"{check}@{path}:{line}",
        "about": ("step:x",),
    }
    return ReportedFinding(**(fields | changes))


def report(*findings: ReportedFinding, ran: Sequence[str] = ("a-check", "b-check"), **changes: Any) -> Report:
    """A report of checks that *ran*."""
    results = []
    for check in ran:
        own = tuple(f for f in findings if f.check == check)
        fields = {"outcome": "findings" if own else "clean", "judged": 3, "findings": own} | changes
        results.append(Result(check=check, category="push-order", **fields))
    nothing = Share(0, 0)
    read = Read(files={}, not_read=(), entry_files=nothing, values=nothing)
    return Report(
        version="0.1",
        packs={},
        root="r",
        revision=None,
        partial=None,
        results=tuple(results),
        diagnostics=(),
        read=read,
        seconds=0.0,
    )


def looked(check: str, *subjects: tuple[str, int | None, bool]) -> Trace:
    """What *check* looked at: (path, line, judged)."""
    return Trace(check, tuple((f"step:{path}", Place(path, line), judged) for path, line, judged in subjects), {})


def judged(
    of: Report,
    policy: Policy | None = None,
    traces: Sequence[Trace] = (),
    files: Mapping[str, str] | None = None,
    unread: Mapping[str, str] | None = None,
) -> Report:
    """The report, judged."""
    return apply(of, traces, files or {}, unread or {}, policy or Policy(), KNOWN)


def suppressed(of: Report) -> list[Suppression | None]:
    """What silences each finding."""
    return [one.suppressed for one in of.findings]


def ignoring(path: str | None = None, resource: str | None = None, check: str = "a-check") -> Policy:
    """A configuration with one entry under ``ignores``."""
    globs = Globs([path]) if path is not None else None
    resources = (resource,) if resource is not None else None
    place = Place("mlbreaks.yaml", 7)
    return Policy(
        ignores=(Ignore(place, "ignores[0] of mlbreaks.yaml", {check: frozenset({check})}, "why", globs, resources),)
    )


# ----------------------------------------------------------------------------------------------------- comments


def test_a_comment_silences_its_check_in_its_statement() -> None:
    """And nothing else: neither another check nor another line."""
    files = {"a.py": "x = 1\n\nf(  # mlbreaks: ignore[a-check] known\n  a)\ng()\n"}
    of = report(finding(line=3), finding(line=4, fingerprint="2"), finding(line=5), finding(check="b-check"))
    by = {(f.check, f.place.line): f.suppressed for f in judged(of, files=files).findings}
    known = Suppression("inline", "known")
    assert by == {("a-check", 3): known, ("a-check", 4): known, ("a-check", 5): None, ("b-check", 3): None}


def test_an_earlier_id_is_as_good() -> None:
    """Suppressions outlive the renaming of a check; an id with its category before it is one, too."""
    for name in ("old-name", "push-order/a-check", "data-join/old-name"):
        of = judged(report(finding(line=1)), files={"a.py": f"f()  # mlbreaks: ignore[{name}] r\n"})
        assert suppressed(of) == [Suppression("inline", "r")]
        assert of.diagnostics == ()


def test_a_suppression_without_a_reason_is_told() -> None:
    """It suppresses; somebody will want to know why."""
    of = judged(report(finding(line=1)), files={"a.py": "f()  # mlbreaks: ignore[a-check]\n"})
    assert suppressed(of) == [Suppression("inline", "")]
    (told,) = of.diagnostics
    assert (told.level, told.topic, told.place.line) == ("note", "settings", 1)
    assert "without a reason" in told.message


def test_an_unknown_id_is_told_with_the_nearest() -> None:
    """It suppresses nothing."""
    of = judged(report(finding(line=1)), files={"a.py": "f()  # mlbreaks: ignore[a-chek] r\n"})
    assert suppressed(of) == [None]
    assert [d.message for d in of.diagnostics] == ["no check 'a-chek'; did you mean 'a-check'?: it suppresses nothing"]


def test_no_secret_comes_from_a_reason_or_an_id() -> None:
    """What a comment says goes into every report; an id of any length is told in short."""
    secret = "postgres://u:hunter2@db/x"
    text = f"f()  # mlbreaks: ignore[a-check, {'z' * 5000}] see {secret}\n"
    of = judged(report(finding(line=1)), files={"a.py": text})
    assert suppressed(of) == [Suppression("inline", "see postgres://u:***@db/x")]
    assert max(len(d.message) for d in of.diagnostics) < 150


def test_a_suppression_that_is_not_written_right_is_told() -> None:
    """Who wrote it believes that it works."""
    of = judged(report(finding(line=1)), files={"a.py": "f()  # mlbreaks: ignore a-check\n"})
    assert suppressed(of) == [None]
    assert [d.level for d in of.diagnostics] == ["warning"]


COMMENTED = {"a.py": "x = 1\nf()  # mlbreaks: ignore[a-check] r\ny = 1\n"}


@pytest.mark.parametrize(
    ("subjects", "told"),
    [
        ([("a.py", 2, True)], True),
        ([("a.py", 3, True)], True),  # a finding may be told some lines below its subject
        ([("a.py", 2, True), ("a.py", 9, False)], True),  # this one was judged, whatever of the others
        ([("a.py", 9, True), ("a.py", 2, False)], False),
        ([("a.py", 2, False)], False),
        ([("b.py", 2, True)], False),
        ([], False),
    ],
)
def test_a_suppression_that_silences_nothing_is_told_if_its_place_was_judged(
    subjects: list[tuple[str, int | None, bool]], told: bool
) -> None:
    """Of what could not be judged, nobody knows whether it is needed."""
    of = judged(report(), traces=[looked("a-check", *subjects)], files=COMMENTED)
    expected = [Diagnostic(Place("a.py", 2, 6), "warning", UNUSED, topic="settings")]
    assert list(of.diagnostics) == (expected if told else [])


UNUSED = "ignore[a-check] suppresses nothing: a-check found nothing here"


def test_a_check_that_did_not_run_or_failed_tells_nothing_of_its_suppressions() -> None:
    """Nor does one with a doubt that stands in that file."""
    traces = [looked("a-check", ("a.py", 9, True))]
    assert judged(report(ran=["b-check"]), traces=traces, files=COMMENTED).diagnostics == ()
    assert judged(report(outcome="failed"), traces=traces, files=COMMENTED).diagnostics == ()
    doubt = (UnjudgedSubject(Place("a.py", 2), "a secret"),)
    assert judged(report(unjudged=doubt), traces=traces, files=COMMENTED).diagnostics == ()


# ------------------------------------------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("policy", "silenced"),
    [
        (ignoring("a.py"), True),
        (ignoring("b/"), False),
        (ignoring(resource="step:*"), True),
        (ignoring(resource="step:y"), False),
        (ignoring("a.py", "step:y"), False),
        (ignoring("*.py", "step:x"), True),
        (ignoring("a.py", check="b-check"), False),
    ],
)
def test_the_configuration_silences_by_path_and_resource(policy: Policy, silenced: bool) -> None:
    """Where both are given, both have to fit."""
    assert suppressed(judged(report(finding()), policy)) == [Suppression("config", "why") if silenced else None]


@pytest.mark.parametrize(
    ("policy", "subjects", "told"),
    [
        (ignoring("a.py"), [("a.py", 1, True)], True),
        (ignoring("a.py"), [("a.py", 1, False)], False),
        (ignoring("a.py"), [("b.py", 1, True)], False),
        (ignoring(resource="step:a.py"), [("a.py", 1, True), ("b.py", 1, False)], True),
        (ignoring(resource="step:none"), [("a.py", 1, True)], False),
    ],
)
def test_an_entry_that_silences_nothing_is_told_if_its_places_were_judged(
    policy: Policy, subjects: list[tuple[str, int | None, bool]], told: bool
) -> None:
    """At the line of the configuration."""
    of = judged(report(), policy, traces=[looked("a-check", *subjects)])
    expected = ["mlbreaks.yaml:7: ignores[0] of mlbreaks.yaml silences nothing: a-check found nothing there"]
    assert [f"{d.place}: {d.message}" for d in of.diagnostics] == (expected if told else [])


def test_an_entry_for_a_category_is_needed_if_one_of_its_checks_is() -> None:
    """And is told only if all of them ran, and judged what was there."""
    both = {"push-order": frozenset({"a-check", "b-check"})}
    ignore = Ignore(Place("mlbreaks.yaml", 7), "ignores[0]", both, "why", Globs(["a.py"]), None)
    policy = Policy(ignores=(ignore,))
    traces = [looked("a-check", ("a.py", 1, True)), looked("b-check")]
    told = [d.message for d in judged(report(), policy, traces=traces).diagnostics]
    assert told == ["ignores[0] silences nothing: push-order found nothing there"]
    assert judged(report(finding()), policy, traces=traces).diagnostics == ()
    assert judged(report(ran=["a-check"]), policy, traces=traces).diagnostics == ()
    doubt = [looked("a-check", ("a.py", 1, True)), looked("b-check", ("a.py", 1, False))]
    assert judged(report(), policy, traces=doubt).diagnostics == ()


# ------------------------------------------------------------------------------------------------------------ locks


def test_what_is_locked_stands_and_the_attempt_is_told() -> None:
    """Neither a comment nor a baseline silences it, and it counts at once."""
    files = {"a.py": "f()  # mlbreaks: ignore[a-check] r\n"}
    one = finding(line=1)
    policy = Policy(
        locked={"a-check": "company.yaml"},
        baseline=Baseline("base.json", (entry(one),)),
        previews={"a-check": "new in 9.0"},
    )
    of = judged(report(one), policy, files=files)
    assert (suppressed(of), of.findings[0].preview) == ([None], "")
    what = "a-check is locked by company.yaml: it can't be silenced, and the finding stands"
    assert [f"{d.place}: {d.level}: {d.message}" for d in of.diagnostics] == [
        f"a.py:1:6: warning: {what}",
        f"base.json: warning: {what}",
    ]


def test_what_the_locking_file_ignores_is_ignored() -> None:
    """Its entries are no attempts of somebody below; those of others are left out when the configuration is read."""
    policy = msgspec_replace(ignoring("a.py"), locked={"a-check": "company.yaml"})
    assert suppressed(judged(report(finding()), policy)) == [Suppression("config", "why")]


def msgspec_replace(policy: Policy, **changes: Any) -> Policy:
    """The policy with *changes*."""
    return Policy(**({name: getattr(policy, name) for name in policy.__dataclass_fields__} | changes))


# --------------------------------------------------------------------------------------------------------- baseline


def entry(of: ReportedFinding, **changes: str) -> Accepted:
    """The entry of a baseline for a finding."""
    fields = {"fingerprint": of.fingerprint, "check": of.check, "path": of.place.path, "message": of.message}
    return Accepted(**(fields | changes))


def baseline(*entries: Accepted) -> Policy:
    """A policy with a baseline alone."""
    return Policy(baseline=Baseline("base.json", entries))


def test_what_was_accepted_fails_nothing_and_the_rest_does() -> None:
    """And the report says how many stand and which are gone."""
    old, new, gone = finding(line=1), finding(line=2), entry(finding(line=9))
    of = judged(report(old, new), baseline(entry(old), gone))
    assert suppressed(of) == [Suppression("baseline", "accepted in base.json"), None]
    assert [f.place.line for f in of.failing(Severity.HIGH)] == [2]
    assert of.baseline is not None
    assert (of.baseline.file, of.baseline.standing, of.baseline.gone, of.baseline.untold) == (
        "base.json",
        1,
        (gone,),
        (),
    )


def test_a_renamed_check_keeps_what_was_accepted() -> None:
    """An entry under an earlier id matches, and a new baseline holds it under the new one, once."""
    one = finding()
    trace = Trace("a-check", (), {one.fingerprint: ("print of the earlier id",)})
    old = entry(one, check="old-name", fingerprint="print of the earlier id")
    of = judged(report(one), baseline(old), traces=[trace])
    assert suppressed(of) == [Suppression("baseline", "accepted in base.json")]
    assert of.baseline is not None
    assert of.baseline.gone == ()
    taken, kept, _ = accepted(of, baseline(old))
    assert parse("b", render(taken, kept).encode()).entries == (entry(one),)


@pytest.mark.parametrize(
    "of",
    [
        report(ran=["b-check"]),
        report(outcome="failed"),
        report(unjudged=(UnjudgedSubject(Place("a.py", 2), "a secret"),)),
    ],
)
def test_what_could_not_be_judged_is_not_gone(of: Report) -> None:
    """It stays in a new baseline."""
    old = entry(finding())
    told = judged(of, baseline(old))
    assert told.baseline is not None
    assert (told.baseline.gone, told.baseline.untold) == ((), (old,))
    assert accepted(told, baseline(old))[1] == (old,)


def test_what_was_not_read_is_not_gone() -> None:
    """A file that is left out, or of another pipeline; a file or a check that is no more is gone."""
    old, other = entry(finding(path="x/a.py")), entry(finding(path="y.py"), check="no-more")
    told = judged(report(), baseline(old, other), unread={"x": "left out"})
    assert told.baseline is not None
    assert (told.baseline.gone, told.baseline.untold) == ((other,), (old,))


def test_a_new_baseline_takes_what_nothing_else_silences() -> None:
    """Not what a comment or the configuration silences; not what is locked, and it says so."""
    silenced = finding(line=1)
    locked = finding(check="b-check")
    policy = msgspec_replace(ignoring("a.py"), locked={"b-check": "company.yaml"})
    of = judged(report(silenced, finding(path="c.py"), locked), policy)
    taken, kept, left = accepted(of, policy)
    assert [f.place.path for f in taken] == ["c.py"]
    assert (kept, dict(left)) == ((), {"b-check": 1})


def test_a_baseline_is_one_finding_to_a_line_sorted_by_path() -> None:
    """So that two branches merge; the same findings give the same text in whatever order they come."""
    findings = [finding(path=path, line=line) for path in ("b.py", "a.py") for line in (2, 1)]
    text = render(findings)
    assert text == render(reversed(findings))
    lines = [line for line in text.split("\n") if "fingerprint" in line]
    assert len(lines) == 4
    assert [line.partition('"path": "')[2].partition('"')[0] for line in lines] == ["a.py", "a.py", "b.py", "b.py"]
    assert {one.fingerprint for one in parse("x", text.encode()).entries} == {f.fingerprint for f in findings}
    assert parse("x", render([]).encode()).entries == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 1}',
        '{"version": 1, "findings": [{"check": "a"}]}',
        '{"version": 1, "findings": [], "more": 1}',
        '{"version": 2, "findings": []}',
        "\udcff",
        "[" * 100_000,
    ],
)
def test_a_broken_baseline_is_no_empty_one(text: str) -> None:
    """A merge that went wrong must not let everything through, nor fail everything."""
    with pytest.raises(BaselineError):
        parse("base.json", text.encode(errors="surrogateescape"))


# --------------------------------------------------------------------------------------------------------- previews


def test_a_preview_is_told_and_fails_nothing() -> None:
    """Of a check that was raised, only what was less before."""
    policy = Policy(previews={"b-check": "new in 0.4"}, capped={"a-check": (Severity.MEDIUM, "raised in 0.4")})
    low = finding(line=2, severity=Severity.MEDIUM)
    of = judged(report(finding(), low, finding(check="b-check")), policy)
    assert {(f.check, f.place.line): f.preview for f in of.findings} == {
        ("a-check", 3): "raised in 0.4",
        ("a-check", 2): "",
        ("b-check", 3): "new in 0.4",
    }
    assert of.failing(Severity.HIGH) == ()
    assert [f.place.line for f in of.failing(Severity.MEDIUM)] == [2]


def test_nothing_is_changed_where_nothing_is_said() -> None:
    """The report of a tree without suppressions is what the engine made."""
    of = report(finding())
    assert msgspec.json.encode(judged(of)) == msgspec.json.encode(of)
