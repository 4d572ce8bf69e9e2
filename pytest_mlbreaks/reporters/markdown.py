"""A summary in GitHub's Markdown, for a job's page (``$GITHUB_STEP_SUMMARY``) or a comment on a pull request.

All text of the judged repository is data: it makes no markup, mentions nobody, and refers to no issue.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Confidence
from pytest_mlbreaks.display import clean
from pytest_mlbreaks.report import Report, ReportedFinding, Reporter, Result, Shown
from pytest_mlbreaks.reporters import SEPARATOR

LIMIT = 60_000
"""Characters; GitHub takes 65,536 in a comment (and 1 MiB in a job's summary)."""

MARK = "<!-- mlbreaks -->"
"""The first line: what a script finds its earlier comment by, to replace it."""

_ROWS = 50
_LONGEST = 1_000
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~&$])")
_LINE_START = re.compile(r"^([#+=-])")
_REFERENCE = re.compile(r"(@|#|GH-|\bhttps?:|\bwww\.)")
_ENTITIES = {ord(char): f"&#{ord(char)};" for char in "&<>|`*_[]\\~$"}


def write(report: Report, shown: Shown) -> str:
    """What failed and what else was found, as a table with the proof of each folded below it; then what was judged and
    read, by category. At most `LIMIT` characters."""
    failing = {id(finding) for finding in report.failing(shown.threshold)}
    told = [finding for finding in report.findings if finding.suppressed is None]
    head = [MARK, f"### {_headline(report, told, len(failing))}", ""]
    tail = list(_coverage(report))
    room = LIMIT - sum(len(line) + 1 for line in (*head, *tail)) - 200
    table = [*_table(told[:_ROWS], failing)]
    if len(told) > _ROWS:
        table += [f"... and {len(told) - _ROWS} more.", ""]
    room -= sum(len(line) + 1 for line in table)
    proofs: list[str] = []
    for finding in told[:_ROWS]:
        lines = list(_proof(finding))
        room -= sum(len(line) + 1 for line in lines)
        if room < 0:
            proofs += ["The proofs of the others would not fit here.", ""]
            break
        proofs += lines
    return "\n".join([*head, *table, *proofs, *tail]) + "\n"


def _headline(report: Report, told: list[ReportedFinding], failing: int) -> str:
    failed = sum(result.outcome == "failed" for result in report.results)
    crashed = f", {failed} check{'s' * (failed != 1)} crashed" if failed else ""
    if not told:
        return f"mlbreaks: nothing found{crashed}"
    verb = f"{failing} of them fail{'s' * (failing == 1)}" if failing else "none of them fails"
    return f"mlbreaks: {len(told)} finding{'s' * (len(told) != 1)}, {verb}{crashed}"


def _table(findings: list[ReportedFinding], failing: set[int]) -> Iterator[str]:
    if not findings:
        return
    yield "| | where | what | cause |"
    yield "|---|---|---|---|"
    for finding in findings:
        mark = "❌" if id(finding) in failing else "⚠️"
        level = str(finding.severity)
        if finding.confidence < Confidence.HIGH:
            level += f", {finding.confidence} confidence"
        if finding.preview:
            level += ", preview"
        axis = f"ml {finding.axis.ml}{SEPARATOR}distributed {finding.axis.distributed}"
        if finding.pipeline:
            axis += f"<br>pipeline {_text(finding.pipeline)}"
        cause = f"{_code(finding.category)}<br>{axis}"
        yield f"| {mark} {level} | {_code(str(finding.place))} | {_text(finding.message)} | {cause} |"
    yield ""


def _proof(finding: ReportedFinding) -> Iterator[str]:
    yield f"<details><summary><code>{_html(finding.check)}</code> {_html(str(finding.place))}</summary>"
    yield ""
    yield _text(finding.message)
    yield ""
    for related in finding.because:
        yield f"- because {_code(str(related.place))}: {_text(related.note)}"
    if finding.because:
        yield ""
    if finding.fix:
        yield f"**What to do.** {_text(finding.fix)}"
        yield ""
    yield "</details>"
    yield ""


def _coverage(report: Report) -> Iterator[str]:
    by_category: dict[str, list[Result]] = defaultdict(list)
    for result in report.results:
        by_category[result.category].append(result)
    judged = sum(result.judged for result in report.results)
    unjudged = sum(len(result.unjudged) for result in report.results)
    told = f"What was judged: {judged} places, {unjudged} more could not be"
    yield f"<details><summary>{told}</summary>"
    yield ""
    if report.partial:
        yield f"Not every check ran: {_text(report.partial)}."
        yield ""
    yield "| category | checks | with findings | clean | not applicable | judged | unjudged |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for name in taxonomy.categories():
        results = by_category.get(name)
        if results:
            counts = Counter(result.outcome for result in results)
            numbers = (
                len(results),
                counts["findings"],
                counts["clean"],
                counts["not-applicable"],
                sum(result.judged for result in results),
                sum(len(result.unjudged) for result in results),
            )
            yield f"| {name} | {' | '.join(map(str, numbers))} |"
    yield ""
    read = ", ".join(f"{count} {_text(kind)}" for kind, count in report.read.files.items())
    yield f"Read: {read or 'nothing'}."
    for kind in report.read.not_read:
        yield f"Not read: {kind.files} {_text(kind.kind)} ({_text(kind.reason)})."
    suppressed = [finding for finding in report.findings if finding.suppressed is not None]
    if suppressed:
        yield f"Suppressed: {len(suppressed)}."
    if report.baseline is not None:
        yield f"Baseline: {report.baseline.standing} accepted, {len(report.baseline.gone)} of them gone."
    yield from (f"{_code(str(d.place))}: {_text(d.message)}." for d in report.diagnostics if d.topic == "settings")
    errors = [diagnostic for diagnostic in report.diagnostics if diagnostic.level == "error"]
    yield from (f"Could not be read: {_code(str(d.place))}: {_text(d.message)}." for d in errors[:10])
    if len(errors) > 10:
        yield f"... and {len(errors) - 10} more."
    yield ""
    yield "</details>"


def _text(text: str) -> str:
    """*text* as plain words in Markdown; what it has between backticks is shown as code."""
    parts = clean(text, _LONGEST).split("`")
    if len(parts) % 2 == 0:  # one backtick is alone: they are no marks
        parts = ["`".join(parts)]
    return "".join(_code(part) if number % 2 else _words(part) for number, part in enumerate(parts))


def _words(text: str) -> str:
    escaped = _LINE_START.sub(r"\\\1", _MARKUP.sub(r"\\\1", text))
    # an empty comment parts what GitHub would else make a link or a mention of
    return _REFERENCE.sub(lambda found: f"{found[0]}<!-- -->", escaped)


def _code(text: str) -> str:
    """*text* in fixed width; as HTML, since backticks and table bars inside a code span cannot be escaped."""
    return f"<code>{_html(text)}</code>"


def _html(text: str) -> str:
    parts = _REFERENCE.split(clean(text, _LONGEST))
    # the marks of references stand at odd places
    told = [f"{part}<!-- -->" if n % 2 else part.translate(_ENTITIES) for n, part in enumerate(parts)]
    return "".join(told)


REPORTER = Reporter("markdown", write)
