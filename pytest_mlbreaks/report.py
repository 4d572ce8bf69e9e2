"""What a run has to say, before any format: the contract between the engine and the reporters."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Literal

import msgspec

from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.model import Diagnostic, Place

Outcome = Literal["findings", "clean", "not-applicable", "failed"]


class Related(msgspec.Struct, frozen=True):
    """A place that proves a finding, and how."""

    place: Place
    note: str


class Suppression(msgspec.Struct, frozen=True):
    """What silenced a finding (*by*: inline, config, baseline), and the reason given."""

    by: str
    reason: str


class AxisPosition(msgspec.Struct, frozen=True):
    """Both axes, 1 to 5."""

    ml: int
    distributed: int


class ReportedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as reported. *fingerprint* is stable over moves of lines and rewordings.

    *about*: the identities of what it is about, the subject's first; a configuration can ignore findings by them.
    *pipeline*: the part of the repository it is of, where the configuration names parts. *preview*: why it does not
    count yet, "" where it does. *group* and *note* as in `pytest_mlbreaks.check.Finding`.
    """

    check: str
    category: str
    also: tuple[str, ...]
    severity: Severity
    confidence: Confidence
    axis: AxisPosition
    place: Place
    message: str
    because: tuple[Related, ...]
    fix: str
    fingerprint: str
    suppressed: Suppression | None = None
    about: tuple[str, ...] = ()
    pipeline: str = ""
    preview: str = ""
    group: str = ""
    note: str = ""

    @property
    def level(self) -> Severity:
        """What a threshold looks at: the lower of severity and confidence, so that ``high`` is *worst and surest*."""
        return Severity(min(self.severity, self.confidence))

    def fails(self, threshold: Severity | None) -> bool:
        """Whether it fails a run with this threshold (None: nothing does): nothing suppresses it, and it counts."""
        return threshold is not None and self.suppressed is None and not self.preview and self.level >= threshold


def fingerprint_of(check: str, identity: tuple[str, ...], number: int = 1) -> str:
    """The fingerprint of the finding of *check* about the things *identity*, the *number*-th of its kind."""
    return hashlib.sha256(json.dumps((check, *identity, number)).encode()).hexdigest()[:32]


class UnjudgedSubject(msgspec.Struct, frozen=True):
    """A subject that a check could not decide."""

    place: Place
    reason: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one check. *judged* counts subjects; *reason* tells why it does not apply, or failed."""

    check: str
    category: str
    outcome: Outcome
    judged: int
    unjudged: tuple[UnjudgedSubject, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    findings: tuple[ReportedFinding, ...] = ()


class Recognised(msgspec.Struct, frozen=True):
    """Files that we know the kind of and do not read, and why."""

    kind: str
    files: int
    reason: str


class Share(msgspec.Struct, frozen=True):
    """How many of something could be told, and the commonest reasons why the others could not."""

    known: int
    unknown: int
    reasons: tuple[tuple[str, int], ...] = ()


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What was read and resolved, and what was not: silence must not look like safety."""

    files: dict[str, int]  # by kind
    not_read: tuple[Recognised, ...]
    entry_files: Share  # of processes
    values: Share


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that a baseline accepts: its fingerprint, and for people its check, path and message."""

    fingerprint: str
    check: str
    path: str
    message: str = ""


class BaselineState(msgspec.Struct, frozen=True):
    """What became of the findings that the baseline *file* accepts: how many are *standing*, which are *gone*, and of
    which this run could not tell (their check did not run, or could not decide)."""

    file: str
    standing: int
    gone: tuple[Accepted, ...]
    untold: tuple[Accepted, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run has to say. *partial* is a reason where not every check ran, else None. *baseline* is None where
    there is none."""

    version: str
    packs: dict[str, str]
    root: str
    revision: str | None
    partial: str | None
    results: tuple[Result, ...]
    diagnostics: tuple[Diagnostic, ...]
    read: Read
    seconds: float
    baseline: BaselineState | None = None

    @property
    def findings(self) -> tuple[ReportedFinding, ...]:
        """All findings, the worst first, then in reading order."""
        found = [f for r in self.results for f in r.findings]
        return tuple(sorted(found, key=lambda f: (-f.level, -f.severity, f.place.sort_key, f.check)))

    def failing(self, threshold: Severity | None) -> tuple[ReportedFinding, ...]:
        """The findings at or above *threshold* (None: nothing fails) that count and that nothing suppresses."""
        return tuple(f for f in self.findings if f.fails(threshold))


class About(msgspec.Struct, frozen=True):
    """What a check's page says, shortened: its title, how this becomes an outage, what to do, and links to sources.
    All empty where there is no page."""

    title: str = ""
    why: str = ""
    what_to_do: str = ""
    sources: tuple[str, ...] = ()


def _untold(check: str) -> About:
    return About()


@dataclasses.dataclass(frozen=True)
class Shown:
    """How a reporter is asked to show a report. *excerpt* gives a line of a file of the judged tree, or None; *about*
    what the page of a check says, by the check's id."""

    threshold: Severity | None
    verbose: bool
    color: bool
    width: int
    excerpt: Callable[[Place], str | None]
    about: Callable[[str], About] = _untold


@dataclasses.dataclass(frozen=True)
class Reporter:
    """A report format: its name (as in ``--mlbreaks-report NAME:PATH``) and what writes it."""

    name: str
    write: Callable[[Report, Shown], str]
