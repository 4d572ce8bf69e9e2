"""The report for people: plain text, coloured where the terminal takes it.

All text that comes from the judged repository is data: it is shown on one line, clipped, and without anything that
could steer a terminal.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.display import MASK, cells, clean
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.report import Recognised, Report, ReportedFinding, Reporter, Result, Share, Shown
from pytest_mlbreaks.reporters import SEPARATOR

PER_CHECK = 10
"""Findings of one check that are told in full; the others are counted, unless ``-v`` asks for all."""

RELATED = 6
"""Related places of one finding, likewise."""

REASONS = 3
"""Reasons, diagnostics and the like that a summary names, likewise."""

_COMMAND = re.compile(r"^([ \t]*)(::|##)", re.MULTILINE)
_WIDEST = 120  # columns; longer lines of prose are hard to read
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_SEVERITY = {Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}


def write(report: Report, shown: Shown) -> str:
    """The whole report: findings by check, the worst first, then the summary."""
    parts = []
    by_check: dict[str, list[ReportedFinding]] = defaultdict(list)
    for finding in report.findings:
        if shown.verbose or finding.suppressed is None:
            by_check[finding.check].append(finding)
    results = {result.check: result for result in report.results}
    parts += [render_result(results[check], shown) for check in by_check]
    parts += [render_result(result, shown) for result in report.results if result.outcome == "failed"]
    return "\n".join([*parts, render_summary(report, shown)])


def inert(text: str) -> str:
    """*text* without lines that a CI runner would take for a command (``::error::``, ``##[group]``; GitHub's and
    Azure's runners overlook blanks before it): a wrapped message of the judged tree may begin a line."""
    return _COMMAND.sub(r"\1\\\2", text)


def render_result(result: Result, shown: Shown) -> str:
    """One check that found something, or failed: each finding with its place, excerpts and related places, then once
    why it matters and what to do. What is suppressed is told only if *shown* is verbose. Ends with a line end; empty
    where there is nothing to tell."""
    paint = _Paint(shown.color)
    name = f"{result.category}/{result.check}"
    if result.outcome == "failed":
        text = f"{paint('red', 'the check failed')}: {clean(result.reason)}\n"
        return f"{paint('bold', name)}: {text}"
    findings = [finding for finding in result.findings if shown.verbose or finding.suppressed is None]
    if not findings:
        return ""
    told = sorted(findings, key=lambda f: (f.suppressed is not None, -f.level, -f.severity, f.place.sort_key))
    limit = len(told) if shown.verbose else PER_CHECK
    lines: list[str] = []
    common_fix = _common_fix(told)
    quoted: set[Place] = set()
    for finding in told[:limit]:
        lines += _finding(finding, shown, paint, quoted, with_fix=finding.fix != common_fix)
        lines.append("")
    if len(told) > limit:
        rest = len(told) - limit
        lines += [f"  ... and {rest} more of {name} (-v shows {'it' if rest == 1 else 'them'})", ""]
    lines += _advice(result.check, common_fix, shown, paint)
    return inert("\n".join(lines) + "\n")


def _common_fix(findings: Sequence[ReportedFinding]) -> str:
    """What to do, where it is the same for several findings or for the only one: told once, after them."""
    fix, count = Counter(finding.fix for finding in findings).most_common(1)[0]
    return fix if count > 1 or len(findings) == 1 else ""


def _finding(
    finding: ReportedFinding, shown: Shown, paint: _Paint, quoted: set[Place], *, with_fix: bool
) -> Iterator[str]:
    """The lines of one finding. Related places in *quoted* have been shown before, and are named alone."""
    yield from _headline(finding, shown, paint)
    if finding.suppressed is not None:
        reason = clean(finding.suppressed.reason) or "no reason given"
        yield f"  suppressed ({clean(finding.suppressed.by)}): {reason}"
    if finding.preview:
        yield f"  a preview, which fails nothing: {finding.preview}"
    yield from _wrap(clean(finding.message, 1000), shown, "  ")
    yield from _excerpt(finding.place, shown, paint)
    limit = len(finding.because) if shown.verbose else RELATED
    for related in finding.because[:limit]:
        lines = _wrap(f"{_where(related.place)}: {clean(related.note)}", shown, " " * 10)
        yield f"  {paint('blue', 'because')} {lines[0][10:]}"
        yield from lines[1:]
        if related.place not in quoted:
            quoted.add(related.place)
            yield from _excerpt(related.place, shown, paint)
    if len(finding.because) > limit:
        yield f"    ... and {len(finding.because) - limit} more places (-v shows them)"
    if with_fix and finding.fix:
        yield from _labelled("Do", finding.fix, shown, paint)


def _headline(finding: ReportedFinding, shown: Shown, paint: _Paint) -> Iterator[str]:
    level = str(finding.severity)
    if finding.confidence < Confidence.HIGH:
        level += f", {finding.confidence} confidence"
    categories = "".join(f", also {also}" for also in finding.also)
    pipeline = f", pipeline {clean(finding.pipeline, 80)}" if finding.pipeline else ""
    axis = f"(ml {finding.axis.ml}{SEPARATOR}distributed {finding.axis.distributed}{categories}{pipeline})"
    where, name = _where(finding.place), f"{finding.category}/{finding.check}"
    line = f"{paint('bold', where)}: {paint(_SEVERITY[finding.severity], level)} {name}"
    if len(f"{where}: {level} {name} {axis}") <= _columns(shown):
        yield f"{line} {paint('dim', axis)}"
    else:
        yield line
        yield f"  {paint('dim', axis)}"


def _where(place: Place) -> str:
    side = " (base)" if place.side == "base" else ""
    return clean(str(place)) + side


def _excerpt(place: Place, shown: Shown, paint: _Paint) -> Iterator[str]:
    """The line of a place, and a mark under its columns."""
    line = shown.excerpt(place)
    if line is None or not line.strip():
        return
    number = str(place.line)
    gutter = max(5, len(number) + 1)
    start = (place.column or 1) - 1
    if place.end_line in (None, place.line) and place.end_column is not None:
        end = place.end_column - 1
    else:
        end = len(line) if place.end_line not in (None, place.line) else start + 1
    masked = line.find(MASK)
    if masked != -1 and masked < end:  # columns from there on are no longer those of the file
        end = masked + len(MASK) if masked >= start else start
    text, before, width = _window(line.rstrip(), start, end, max(20, _columns(shown) - gutter - 3))
    bar = paint("dim", "|")
    yield f"{number:>{gutter}} {bar} {text}"
    if place.column is not None and width:
        yield f"{'':>{gutter}} {bar} {' ' * before}{paint('yellow', '^' * width)}"


def _window(line: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """What is shown of *line* in *room* columns, how many columns of it lie before *start*, and how many are
    *start* to *end* (both 0-based, *end* exclusive); 0 where the line does not hold them."""
    shown = cells(line)
    indent = len(line) - len(line.lstrip())
    first = min(indent, start)
    if sum(width for _, width in shown[first:]) > room and sum(width for _, width in shown[first:end]) > room - 3:
        first = max(first, start - room // 3)
    cut = "..." if first > indent else ""
    room -= len(cut)
    last, used = first, 0
    whole = sum(width for _, width in shown[first:]) <= room
    while last < len(shown) and used + shown[last][1] <= (room if whole else room - 3):
        used += shown[last][1]
        last += 1
    text = cut + "".join(char for char, _ in shown[first:last]) + ("" if whole else "...")
    before = len(cut) + sum(width for _, width in shown[first:start])
    marked = sum(width for _, width in shown[start : min(end, last)])
    return text, before, marked


def _advice(check: str, fix: str, shown: Shown, paint: _Paint) -> Iterator[str]:
    why = _why(check, shown)
    if why:
        yield from _labelled("Why", why, shown, paint)
    if fix:
        yield from _labelled("Do", fix, shown, paint)
    if why:  # else it has no page
        yield f"  {paint('bold', 'More')}  mlbreaks explain {check}"


def _why(check: str, shown: Shown) -> str:
    """How it breaks, from the check's page; short, unless all is asked for."""
    text = clean(shown.about(check).why, 2000)
    if shown.verbose or len(text) <= 320:
        return text
    sentences = text.split(". ")
    short = sentences[0]
    for sentence in sentences[1:]:
        if len(short) + len(sentence) > 320:
            break
        short += f". {sentence}"
    return short if short.endswith(".") else f"{short}."


def _labelled(label: str, text: str, shown: Shown, paint: _Paint) -> Iterator[str]:
    lines = list(_wrap(clean(text, 2000), shown, " " * 8))
    yield f"  {paint('bold', f'{label:<6}')}{lines[0][8:]}"
    yield from lines[1:]


def _columns(shown: Shown) -> int:
    return max(40, min(shown.width, _WIDEST))


def _wrap(text: str, shown: Shown, indent: str) -> list[str]:
    wrapper = textwrap.TextWrapper(
        _columns(shown), initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(text) or [indent]


# ------------------------------------------------------------------------------------------------- the summary


def render_summary(report: Report, shown: Shown) -> str:
    """What was found, judged, read and not read; short, unless *shown* is verbose. Ends with a line end."""
    paint = _Paint(shown.color)
    lines: list[str] = []
    counted = [finding for finding in report.findings if finding.suppressed is None]
    if counted:
        lines += [*_table(counted, paint), "", *_grid(counted, paint), ""]
    lines += _checks(report, shown, paint)
    lines += _reading(report, shown, paint)
    lines += _diagnostics(report, shown, paint)
    lines += _settings(report, shown, paint)
    lines += _baseline(report, shown, paint)
    if report.partial:
        lines += _labelled_wide("Partial", report.partial, shown, paint)
    lines += ["", _verdict(report, shown, paint)]
    return inert("\n".join(lines) + "\n")


def _table(findings: Sequence[ReportedFinding], paint: _Paint) -> Iterator[str]:
    counts: dict[str, Counter[Severity]] = defaultdict(Counter)
    for finding in findings:
        counts[finding.category][finding.level] += 1
    width = max(len("findings by category"), *(len(name) for name in counts))
    levels = sorted(Severity, reverse=True)
    yield paint("bold", f"{'Findings by category':<{width}}") + "".join(f"{level!s:>8}" for level in levels)
    for name in taxonomy.categories():
        if name in counts:
            yield f"{name:<{width}}" + "".join(f"{counts[name][level] or '.':>8}" for level in levels)
    yield "(by level: the lower of severity and confidence)"


def _grid(findings: Sequence[ReportedFinding], paint: _Paint) -> Iterator[str]:
    counts = Counter((finding.axis.ml, finding.axis.distributed) for finding in findings)
    yield paint("bold", "Findings by axis") + " (ml: 5 is ML; distributed: 5 is between systems)"
    yield f"{'distributed':>13}" + "".join(f"{column:>5}" for column in range(1, 6))
    for row in range(5, 0, -1):
        yield f"{f'ml {row}':>13}" + "".join(f"{counts[row, column] or '.':>5}" for column in range(1, 6))


def _checks(report: Report, shown: Shown, paint: _Paint) -> Iterator[str]:
    outcomes = Counter(result.outcome for result in report.results)
    elsewhere = sum(result.outcome == "findings" and not result.findings for result in report.results)
    hidden = f" ({elsewhere} of them only elsewhere)" if elsewhere else ""  # than where somebody asked about
    said = [f"{outcomes['findings']} found something{hidden}", f"{outcomes['clean']} clean"]
    said.append(f"{outcomes['not-applicable']} not applicable")
    if outcomes["failed"]:
        said.append(f"{outcomes['failed']} failed")
    judged = sum(result.judged for result in report.results)
    unjudged = [(result.check, subject) for result in report.results for subject in result.unjudged]
    yield from _labelled_wide("Checks", f"{len(report.results)}: {', '.join(said)}", shown, paint)
    yield from _labelled_wide(
        "Judged", f"{_count(judged, 'subject')}; {len(unjudged)} could not be decided", shown, paint
    )
    if shown.verbose:
        for check, subject in unjudged:
            yield f"    {check}: {_where(subject.place)}: {clean(subject.reason)}"
    else:
        yield from _commonest(Counter(clean(subject.reason, 100) for _, subject in unjudged))
    yield from _not_applicable(report, shown)


def _not_applicable(report: Report, shown: Shown) -> Iterator[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for result in report.results:
        if result.outcome == "not-applicable":
            by_reason[clean(result.reason, 200) or "no reason given"].append(result.check)
    if not by_reason:
        return
    yield "  not applicable:"
    ordered = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    for reason, checks in ordered if shown.verbose else ordered[:REASONS]:
        names = ", ".join(checks) if shown.verbose or len(checks) <= 2 else _count(len(checks), "check")
        yield f"    {reason}: {names}"
    if not shown.verbose and len(ordered) > REASONS:
        rest = sum(len(checks) for _, checks in ordered[REASONS:])
        yield f"    other reasons: {_count(rest, 'check')} (-v shows them)"


def _reading(report: Report, shown: Shown, paint: _Paint) -> Iterator[str]:
    files = (
        ", ".join(f"{count} {kind}" for kind, count in report.read.files.items()) or "no file of a kind that we read"
    )
    yield from _labelled_wide("Read", f"{report.root}: {files}", shown, paint)
    yield from _share(report.read.entry_files, "entry files known", "processes", shown)
    yield from _share(report.read.values, "values resolved", "", shown)
    by_reason: dict[str, list[Recognised]] = defaultdict(list)
    for recognised in report.read.not_read:
        by_reason[recognised.reason].append(recognised)
    for reason, kinds in by_reason.items():
        few = kinds if shown.verbose else kinds[:8]
        told = ", ".join(f"{clean(r.kind, 80)} ({r.files})" for r in few)
        more = f" and {len(kinds) - len(few)} more kinds (-v)" if len(few) < len(kinds) else ""
        if reason == "not read yet":
            yield from _labelled_wide("Not read", f"{told}{more}", shown, paint)
        else:
            yield from _labelled_wide("Besides", f"{told}{more}: {clean(reason, 200)}", shown, paint)


def _share(share: Share, what: str, whose: str, shown: Shown) -> Iterator[str]:
    total = share.known + share.unknown
    if not total:
        return
    yield f"  {what}: {share.known} of {total}{f' {whose}' if whose else ''}"
    reasons = share.reasons if shown.verbose else share.reasons[:REASONS]
    for reason, count in reasons:
        yield f"    {count:>5}  {clean(reason, 100)}"


def _diagnostics(report: Report, shown: Shown, paint: _Paint) -> Iterator[str]:
    about = [diagnostic for diagnostic in report.diagnostics if diagnostic.topic == "reading"]
    if not about:
        return
    counts = Counter(diagnostic.level for diagnostic in about)
    levels: tuple[Literal["error", "warning", "note"], ...] = ("error", "warning", "note")
    said = ", ".join(_count(counts[level], level) for level in levels if counts[level])
    ordered = sorted(about, key=lambda d: levels.index(d.level))
    told = ordered if shown.verbose else [d for d in ordered if d.level == "error"][:REASONS]
    hint = "" if len(told) == len(ordered) else " (-v shows all)"
    yield from _labelled_wide("Reading", said + hint, shown, paint)
    for diagnostic in told:
        yield from _wrap(
            f"{_where(diagnostic.place)}: {diagnostic.level}: {clean(diagnostic.message, 200)}", shown, "    "
        )


def _settings(report: Report, shown: Shown, paint: _Paint) -> Iterator[str]:
    """What is wrong with suppressions and settings."""
    about = [diagnostic for diagnostic in report.diagnostics if diagnostic.topic == "settings"]
    if not about:
        return
    ordered = sorted(about, key=lambda d: d.level == "note")
    told = ordered if shown.verbose else ordered[:PER_CHECK]
    hint = "" if len(told) == len(ordered) else " (-v shows all)"
    yield from _labelled_wide("Settings", _count(len(about), "remark") + hint, shown, paint)
    for diagnostic in told:
        yield from _wrap(
            f"{_where(diagnostic.place)}: {diagnostic.level}: {clean(diagnostic.message, 300)}", shown, "    "
        )


def _baseline(report: Report, shown: Shown, paint: _Paint) -> Iterator[str]:
    """How many of the accepted findings still stand, and which are gone."""
    state = report.baseline
    if state is None:
        return
    verb = "stands" if state.standing == 1 else "stand"
    said = f"{_count(state.standing, 'accepted finding')} {verb}, {len(state.gone) or 'none'} gone"
    if state.untold:
        said += f"; of {len(state.untold)} this run could not tell"
    yield from _labelled_wide("Baseline", f"{clean(state.file)}: {said}", shown, paint)
    told = state.gone if shown.verbose else state.gone[:REASONS]
    for one in told:
        yield from _wrap(f"gone: {clean(one.path)}: {clean(one.check)}: {clean(one.message, 200)}", shown, "    ")
    if len(told) < len(state.gone):
        yield f"    ... and {len(state.gone) - len(told)} more (-v shows them)"
    if state.gone:
        yield "    (`mlbreaks baseline` takes them out)"


def _verdict(report: Report, shown: Shown, paint: _Paint) -> str:
    counted = [finding for finding in report.findings if finding.suppressed is None]
    silenced = len(report.findings) - len(counted)
    failing = len(report.failing(shown.threshold))
    said = _count(len(counted), "finding")
    if shown.threshold is None:
        said += ", none of which fails (threshold: never)" if counted else ""
    elif counted:
        said += f", {failing} at or above the threshold ({shown.threshold})"
    previews = sum(bool(finding.preview) for finding in counted)
    if previews:
        said += f", {_count(previews, 'preview')}"
    if silenced:
        said += f", {silenced} suppressed" + _by_whom(report)
    said = paint("red" if failing else "yellow" if counted else "green", said)
    broken = sum(result.outcome == "failed" for result in report.results)
    if broken:
        said += f"; {paint('red', _count(broken, 'check') + ' failed')}"
    return f"{said} in {report.seconds:.1f} s"


def _by_whom(report: Report) -> str:
    by = Counter(finding.suppressed.by for finding in report.findings if finding.suppressed is not None)
    return f" ({', '.join(f'{count} {clean(who)}' for who, count in sorted(by.items()))})"


def _commonest(reasons: Counter[str]) -> Iterator[str]:
    for reason, count in reasons.most_common(REASONS):
        yield f"    {count:>5}  {reason}"
    rest = len(reasons) - REASONS
    if rest > 0:
        yield f"           and {_count(rest, 'more reason')} (-v shows them)"


def _labelled_wide(label: str, text: str, shown: Shown, paint: _Paint) -> Iterator[str]:
    lines = _wrap(clean(text, 4000), shown, " " * 10)
    yield f"{paint('bold', f'{label:<10}')}{lines[0][10:]}"
    yield from lines[1:]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _Paint:
    """Puts a style around text, where colour is on."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.on else text


REPORTER = Reporter("terminal", write)
