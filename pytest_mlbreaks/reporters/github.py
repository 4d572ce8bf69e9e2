"""Annotations on a pull request: workflow commands that a step of GitHub Actions prints.

Commands and escaping: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, and the
toolkit's own implementation, https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts. Caps:
https://docs.github.com/en/rest/checks/runs and the note on them in https://github.com/orgs/community/discussions/26680.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Literal

from pytest_mlbreaks.check import Severity
from pytest_mlbreaks.display import clean
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.report import Report, ReportedFinding, Reporter, Shown

Command = Literal["error", "warning", "notice"]

PER_STEP = 10
"""Annotations of each kind that GitHub shows of one step; it drops the others without a word."""

_LONGEST = 2_000  # characters of one message
_RELATED = 6


def write(report: Report, shown: Shown) -> str:
    """One command a finding, the worst first, up to what GitHub shows; then one plain line that counts them all, and is
    a notice, too, where some are left out. Findings that fail are errors."""
    failing = {id(finding) for finding in report.failing(shown.threshold)}
    findings = [finding for finding in report.findings if finding.suppressed is None]
    prefix = _prefix(report.root)
    counts: Counter[Command] = Counter()
    lines = []
    for finding in findings:
        command = _command(finding, fails=id(finding) in failing)
        # one notice is kept for the line that tells of those left out
        if counts[command] < (PER_STEP - 1 if command == "notice" else PER_STEP):
            counts[command] += 1
            lines.append(_annotation(command, finding, prefix))
    left_out = len(findings) - len(lines)
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}, {len(failing)} failing"
    if left_out:
        told = f"{count}; {left_out} not annotated here, since GitHub shows {PER_STEP} of a kind for each step"
        lines.append(f"::notice title=mlbreaks::{_data(told)}")
        lines.append(f"mlbreaks: {told}")
    else:
        lines.append(f"mlbreaks: {count}")
    return "\n".join(lines) + "\n"


def _command(finding: ReportedFinding, *, fails: bool) -> Command:
    if fails:
        return "error"
    return "warning" if finding.level >= Severity.MEDIUM and not finding.preview else "notice"


def _annotation(command: Command, finding: ReportedFinding, prefix: str) -> str:
    properties = [*_where(finding.place, prefix), f"title={_property(f'{finding.category}/{finding.check}')}"]
    lines = [clean(finding.message, _LONGEST)]
    lines += [f"because {related.place}: {clean(related.note)}" for related in finding.because[:_RELATED]]
    if finding.preview:
        lines.append(f"A preview, it fails nothing yet: {finding.preview}")
    if finding.fix:
        lines.append(f"Do: {clean(finding.fix, _LONGEST)}")
    return f"::{command} {','.join(properties)}::{_data(chr(10).join(lines))}"


def _where(place: Place, prefix: str) -> list[str]:
    if place.kind in ("test", "table"):
        return []
    told = [f"file={_property(prefix + place.path)}"]
    line = place.file_line if place.kind == "cell" else place.line
    if line is None:
        return told
    told.append(f"line={line}")
    if place.kind == "file":
        single = place.end_line in (None, line)
        if place.end_line is not None:
            told.append(f"endLine={place.end_line}")
        if place.column is not None and single:  # GitHub takes columns on one line alone
            told.append(f"col={place.column}")
            if place.end_column is not None:
                told.append(f"endColumn={place.end_column}")
    return told


def _prefix(root: str) -> str:
    """What a path of the report lacks to be one of the checkout: the judged root may be a folder below it."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not workspace:
        return ""
    try:
        inside = Path(root).resolve().relative_to(Path(workspace).resolve()).as_posix()
    except (ValueError, OSError):
        return ""
    return "" if inside == "." else f"{inside}/"


def _data(text: str) -> str:
    """*text* as the message of a command: nothing in it can end the line, or start another command."""
    sound = "".join(char if char.isprintable() or char in "\r\n" else "?" for char in text)
    return sound.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """*text* as a property's value, where colons and commas part things, too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


REPORTER = Reporter("github", write)
