"""Says of each finding whether it is silenced, was there before, or does not count yet; and of each suppression
whether it still silences anything."""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from pytest_mlbreaks.check import Check, Severity
from pytest_mlbreaks.judge.inline import Directive, Suppressions
from pytest_mlbreaks.judge.policy import Ignore, Policy
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import Accepted, BaselineState, Report, ReportedFinding, Result, Suppression
from pytest_mlbreaks.secrets import redact_url

LONGEST = 80
"""Characters of an id that somebody wrote; a longer one is no id, and is clipped where it is told."""


@dataclasses.dataclass(frozen=True)
class Trace:
    """What a check looked at. *subjects*: (identity, place, whether it was judged). *former*: by fingerprint of a
    finding, those that it would have under the check's earlier ids."""

    check: str
    subjects: tuple[tuple[str, Place, bool], ...]
    former: Mapping[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Known:
    """The checks that are installed, by each of their ids, earlier ones too."""

    ids: Mapping[str, str]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Known:
        """The ids of *checks*."""
        return cls({name: check.id for check in checks for name in (*check.formerly, check.id)})

    def nearest(self, name: str) -> str:
        """``; did you mean 'x'?``, or "" where nothing is near."""
        if len(name) > LONGEST:
            return ""
        near = difflib.get_close_matches(name, list(self.ids), n=1, cutoff=0.5)
        return f"; did you mean {near[0]!r}?" if near else ""


def apply(
    report: Report,
    traces: Sequence[Trace],
    marked: Mapping[str, str],
    unread: Mapping[str, str],
    policy: Policy,
    known: Known,
) -> Report:
    """*report* with what *policy*, and the comments of the *marked* files (text by path), say of its findings.

    *traces* are of the checks that ran; *unread* is what of the repository was not read: nothing is gone or unused
    there.
    """
    judging = _Judging(report, traces, marked, unread, policy, known)
    results = tuple(judging.result(result) for result in report.results)
    diagnostics = dict.fromkeys([*report.diagnostics, *judging.notes()])
    return msgspec.structs.replace(
        report,
        results=results,
        diagnostics=tuple(sorted(diagnostics, key=lambda d: d.place.sort_key)),
        baseline=judging.baseline_state(),
    )


class _Judging:
    """One report being judged: what silenced something is noted on the way."""

    def __init__(
        self,
        report: Report,
        traces: Sequence[Trace],
        marked: Mapping[str, str],
        unread: Mapping[str, str],
        policy: Policy,
        known: Known,
    ) -> None:
        self._policy, self._known, self._unread = policy, known, unread
        self._traces: dict[str, list[Trace]] = defaultdict(list)
        for trace in traces:
            self._traces[trace.check].append(trace)
        self._by_path: dict[str, dict[str, list[tuple[Place, bool]]]] = {}
        self._ran = {result.check: result for result in report.results if result.outcome != "failed"}
        self._inline = {path: Suppressions(path, text) for path, text in marked.items()}
        self._used: set[tuple[object, str]] = set()
        self._refused: list[Diagnostic] = []
        entries = policy.baseline.entries if policy.baseline is not None else ()
        self._accepted = {entry.fingerprint: entry for entry in entries}
        self._met: set[str] = set()
        self._standing = 0

    # ------------------------------------------------------------------------------------------------- findings

    def result(self, result: Result) -> Result:
        """*result* with its findings judged."""
        former: dict[str, tuple[str, ...]] = {}
        for trace in self._traces[result.check]:
            former.update(trace.former)
        findings = tuple(self._finding(found, former.get(found.fingerprint, ())) for found in result.findings)
        return msgspec.structs.replace(result, findings=findings)

    def _finding(self, found: ReportedFinding, former: Sequence[str]) -> ReportedFinding:
        by = [self._by_comment(found), self._by_config(found), self._by_baseline(found, former)]
        suppressed = next((one for one in by if one is not None), None)
        return msgspec.structs.replace(found, suppressed=suppressed, preview=self._preview(found))

    def _by_comment(self, found: ReportedFinding) -> Suppression | None:
        here = self._inline.get(found.place.path)
        said = None
        for one in here.about(found.place) if here is not None else ():
            for name in one.ids:
                if self._id(name) != found.check:
                    continue
                self._used.add((one, name))
                if found.check in self._policy.locked:
                    self._refuse(one.place, found.check)
                else:
                    said = said or Suppression("inline", redact_url(one.reason))
        return said

    def _by_config(self, found: ReportedFinding) -> Suppression | None:
        said = None
        for ignore in self._policy.ignores:
            if ignore.silences(found.check) and ignore.fits(found.place.path, found.about):
                self._used.add((ignore, found.check))
                said = said or Suppression("config", redact_url(ignore.reason))
        return said

    def _by_baseline(self, found: ReportedFinding, former: Sequence[str]) -> Suppression | None:
        standing = [one for one in (found.fingerprint, *former) if one in self._accepted]
        self._met.update(standing)
        baseline = self._policy.baseline
        if not standing or baseline is None:
            return None
        if found.check in self._policy.locked:
            self._refuse(Place(baseline.name), found.check)
            return None
        self._standing += 1
        return Suppression("baseline", f"accepted in {baseline.name}")

    def _preview(self, found: ReportedFinding) -> str:
        """Why a finding does not count yet, "" where it counts. What was locked counts at once."""
        if found.check in self._policy.locked:
            return ""
        if found.check in self._policy.previews:
            return self._policy.previews[found.check]
        most, reason = self._policy.capped.get(found.check, (Severity.HIGH, ""))
        return reason if found.level > most else ""

    def _refuse(self, place: Place, check: str) -> None:
        owner = self._policy.locked[check]
        self._refused.append(
            _warning(place, f"{check} is locked by {owner}: it can't be silenced, and the finding stands")
        )

    def _id(self, name: str) -> str | None:
        return self._known.ids.get(name.rpartition("/")[2])

    # -------------------------------------------------------------------------------------------------- diagnostics

    def notes(self) -> Iterator[Diagnostic]:
        """What is to be told of suppressions: those that are wrong, that give no reason, or that silence nothing."""
        yield from self._refused
        for here in self._inline.values():
            for one in here.directives:
                yield from self._about_comment(here, one)
        for ignore in self._policy.ignores:
            for name, checks in ignore.checks.items():
                used = any((ignore, check) in self._used for check in checks)
                if not used and self._judged_where(checks, ignore):
                    yield _warning(ignore.place, f"{ignore.name} silences nothing: {name} found nothing there")

    def _about_comment(self, here: Suppressions, one: Directive) -> Iterator[Diagnostic]:
        if one.wrong:
            yield _warning(one.place, f"this suppresses nothing: {one.wrong}")
            return
        if not one.reason:
            yield _note(one.place, f"a suppression without a reason (ignore[{_clipped(', '.join(one.ids))}])")
        for name in one.ids:
            check = self._id(name)
            if check is None:
                yield _note(one.place, f"no check {_clipped(name)!r}{self._known.nearest(name)}: it suppresses nothing")
            elif (one, name) not in self._used and self._judged_lines(check, one.place.path, here.lines(one)):
                yield _warning(one.place, f"ignore[{_clipped(name)}] suppresses nothing: {check} found nothing here")

    def _judged_lines(self, check: str, path: str, lines: tuple[int, int]) -> bool:
        """Whether *check* ran and judged what stands on *lines* of *path*: a subject there, or all its subjects in the
        file (a finding may be told some lines below the place of its subject)."""
        ran = self._ran.get(check)
        if ran is None:
            return False
        here = self._looked_at(check).get(path, ())
        doubted = any(doubt.place.path == path for doubt in ran.unjudged)
        if here and not doubted and all(judged for _, judged in here):
            return True
        first, last = lines
        return any(judged and place.line is not None and first <= place.line <= last for place, judged in here)

    def _looked_at(self, check: str) -> dict[str, list[tuple[Place, bool]]]:
        """By path, the places of a check's subjects, and whether each was judged."""
        if check not in self._by_path:
            found: dict[str, list[tuple[Place, bool]]] = defaultdict(list)
            for trace in self._traces[check]:
                for _, place, judged in trace.subjects:
                    found[place.path].append((place, judged))
            self._by_path[check] = found
        return self._by_path[check]

    def _judged_where(self, checks: Iterable[str], ignore: Ignore) -> bool:
        """Whether all of *checks* ran and judged what *ignore* is about, and there was something."""
        something = False
        for check in checks:
            ran = self._ran.get(check)
            if ran is None:
                return False
            subjects = [s for trace in self._traces[check] for s in trace.subjects if ignore.fits(s[1].path, (s[0],))]
            doubted = ignore.resources is None and any(ignore.fits(doubt.place.path, ()) for doubt in ran.unjudged)
            if doubted or not all(judged for _, _, judged in subjects):
                return False
            something = something or bool(subjects)
        return something

    # ----------------------------------------------------------------------------------------------------- baseline

    def baseline_state(self) -> BaselineState | None:
        """What became of the accepted findings; None without a baseline."""
        baseline = self._policy.baseline
        if baseline is None:
            return None
        gone, untold = [], []
        for entry in baseline.entries:
            if entry.fingerprint in self._met:
                continue
            if self._could_tell(entry):
                gone.append(entry)
            else:
                untold.append(entry)
        return BaselineState(baseline.name, self._standing, tuple(gone), tuple(untold))

    def _could_tell(self, entry: Accepted) -> bool:
        """Whether an accepted finding that is not there any more would have been found: its check ran, and could decide
        all in that file. A check that is not installed any more finds nothing."""
        check = self._id(entry.check)
        if check is None:
            return True
        ran = self._ran.get(check)
        if ran is None or any(doubt.place.path == entry.path for doubt in ran.unjudged):
            return False
        path = entry.path
        while path:
            if path in self._unread:
                return False
            path = path.rpartition("/")[0]
        return True


def _clipped(text: str) -> str:
    clean = redact_url(text)
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def _warning(place: Place, message: str) -> Diagnostic:
    return Diagnostic(place, "warning", message, topic="settings")


def _note(place: Place, message: str) -> Diagnostic:
    return Diagnostic(place, "note", message, topic="settings")


def accepted(report: Report, policy: Policy) -> tuple[tuple[ReportedFinding, ...], tuple[Accepted, ...], Counter[str]]:
    """For a new baseline: the findings of *report* that nothing but a baseline silences, the entries of the present one
    that this run could not judge, and by check how many are left out because the check is locked."""
    standing = [f for f in report.findings if f.suppressed is None or f.suppressed.by == "baseline"]
    locked = Counter(f.check for f in standing if f.check in policy.locked)
    taken = tuple(f for f in standing if f.check not in policy.locked)
    return taken, report.baseline.untold if report.baseline is not None else (), locked
