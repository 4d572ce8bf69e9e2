"""What all checks say of real faults before and after their fix.

Run as ``python pairs.py PAIRS.tsv MIRRORS [ID ...] [--said SAID.tsv] [--all]``. PAIRS.tsv has the columns id,
category, repo, fix_commit, path,
buggy_line, evidence_kind, mechanism; MIRRORS holds a bare git repository ``OWNER+NAME/repo`` for each repo. Both trees,
that of the fix's parent and that of the fix, are read whole from git's objects; nothing is checked out or run.

A finding is *near* when it, or a place in its ``because``, stands in the fixed file within three lines of the fault.
It is *gone* when its check says nothing near the place that the fault's lines have after the fix. Near is not the same
as about it: that was judged by hand, and SAID.tsv (``pairs.tsv`` beside this file, if not given) names the check that
is, or why the fault is missed. Without ``--all`` only faults of the distributed categories are counted.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.check import Confidence
from pytest_mlbreaks.judge.policy import Policy
from pytest_mlbreaks.report import Report
from pytest_mlbreaks.tree import GitTree, ReadError

NEAR_LINES = 3

CATEGORIES = (
    "process-orchestration",
    "overloaded-backend",
    "data-join",
    "push-order",
    "wrong-environment",
    "dependency-failure",
    "work-assignment",
    "resource-provisioning",
    "cache-invalidation",
    "client-assumption",
)
"""The distributed ones; faults of others are counted only if asked for."""

KINDS = ("single-file", "cross-file")
"""Kinds of evidence that files can give; a fault that only data show is not counted."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Checks near the fault *before* and *after* its fix, and those that could not decide there (*undecided*)."""

    before: frozenset[str]
    after: frozenset[str]
    undecided: frozenset[str]

    @property
    def gone(self) -> frozenset[str]:
        """Checks that speak before the fix and not after it."""
        return self.before - self.after


@dataclasses.dataclass(frozen=True)
class Judged:
    """What a person said of a pair: the check that is *about* the fault (``-``: none), and why it is missed."""

    about: str
    reason: str


SAID = Path(__file__).with_name("pairs.tsv")


def main(
    pairs: Path, mirrors: Path, wanted: Sequence[str] = (), *, judged_in: Path = SAID, every: bool = False
) -> None:
    """Prints a row a pair as it is done, then a table over the categories; pairs named in *wanted*, or all: those of
    the distributed categories, or, with *every*, of each. *judged_in* says what a person said of them."""
    loaded = packs.load()
    optional = frozenset(check.id for check in loaded.checks if check.confidence == Confidence.LOW)
    said = _said(judged_in)
    done: list[tuple[dict[str, str], Outcome]] = []
    print("| pair | category | fault | found, or why not |\n|---|---|---|---|")
    for pair in _chosen(pairs, wanted, every=every):
        judged = said.get(pair["id"], Judged("-", "not looked at"))
        try:
            outcome = _outcome(pair, mirrors / pair["repo"].replace("/", "+") / "repo", loaded)
        except (ValueError, OSError) as error:
            print(f"| {pair['id']} | {pair['category']} | {_fault(pair)} | not available: {error} |", flush=True)
            continue
        done.append((pair, outcome))
        print(
            f"| {pair['id']} | {pair['category']} | {_fault(pair)} | {_told(outcome, judged, optional)} |", flush=True
        )
    print_table(done, said, optional)


def _fault(pair: dict[str, str]) -> str:
    place = f"`{pair['path']}:{pair['buggy_line']}`"
    return f"{pair['mechanism']}: {pair['repo']}@{pair['fix_commit'][:10]} {place}"


def _told(outcome: Outcome, judged: Judged, optional: frozenset[str]) -> str:
    parts = []
    if judged.about in outcome.before:
        opt_in = " (opt-in)" if judged.about in optional else ""
        parts.append(f"`{judged.about}`{opt_in}{', gone after the fix' if judged.about in outcome.gone else ''}")
    else:
        parts.append(judged.reason)
    if others := outcome.before - {judged.about}:
        parts.append(f"near, about another thing: {', '.join(sorted(others))}")
    if outcome.undecided:
        parts.append(f"cannot tell: {', '.join(sorted(outcome.undecided))}")
    return "; ".join(parts)


def _said(judged_in: Path) -> dict[str, Judged]:
    with judged_in.open(encoding="utf-8", newline="") as lines:
        return {row["id"]: Judged(row["about"], row["reason"]) for row in csv.DictReader(lines, delimiter="\t")}


def _chosen(pairs: Path, wanted: Sequence[str], *, every: bool) -> Iterator[dict[str, str]]:
    with pairs.open(encoding="utf-8", newline="") as lines:
        for pair in csv.DictReader(lines, delimiter="\t"):
            counted = (every or pair["category"] in CATEGORIES) and pair["evidence_kind"] in KINDS
            if pair["id"] in wanted or (counted and not wanted):
                yield pair


def _outcome(pair: dict[str, str], repository: Path, loaded: packs.Packs) -> Outcome:
    """Raises ValueError where git does not have both trees or the faulty file."""
    if not repository.is_dir():
        raise ValueError("no mirror")
    trees = GitTree(repository, f"{pair['fix_commit']}~1"), GitTree(repository, pair["fix_commit"])
    lines = [_lines(tree, pair["path"]) for tree in trees]
    if not lines[0]:
        raise ValueError("git does not have the faulty file")
    fault = int(pair["buggy_line"] or 1)
    faulty = range(fault - NEAR_LINES, fault + NEAR_LINES + 1)
    mended = _moved(faulty, *lines)
    faulted = _report(trees[0], loaded)
    before = _near(faulted, pair["path"], faulty)
    return Outcome(
        before=before,
        after=_near(_report(trees[1], loaded), pair["path"], mended) if before else frozenset(),
        undecided=_undecided(faulted, pair["path"], faulty),
    )


def _report(tree: GitTree, loaded: packs.Packs) -> Report:
    examined = engine.examine(tree, loaded, checks=loaded.checks, means=engine.Means(processes=1))
    return engine.judged(examined, loaded, Policy(), each=True)


def _lines(tree: GitTree, path: str) -> list[str]:
    """The lines of a file; none where the tree lacks it."""
    try:
        return tree.read(path).decode(errors="replace").splitlines()
    except (KeyError, ReadError):
        return []


def _moved(lines: range, before: Sequence[str], after: Sequence[str]) -> range:
    """Where the 1-based *lines* of *before* are in *after*, with what the fix put among them."""
    first, last = lines.start, lines.stop - 1
    start, stop = 1, len(after)
    for kind, i, j, to, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if i < first <= j:
            start = to + 1 + (first - 1 - i if kind == "equal" else 0)
        if i < last <= j:
            stop = end - (j - last if kind == "equal" else 0)
    return range(start, stop + 1)


def _near(report: Report, path: str, lines: range) -> frozenset[str]:
    return frozenset(
        finding.check
        for finding in report.findings
        for place in (finding.place, *(because.place for because in finding.because))
        if place.path == path and (place.line or 1) in lines
    )


def _undecided(report: Report, path: str, lines: range) -> frozenset[str]:
    return frozenset(
        result.check
        for result in report.results
        for subject in result.unjudged
        if subject.place.path == path and (subject.place.line or 1) in lines
    )


def print_table(
    done: Sequence[tuple[dict[str, str], Outcome]], said: dict[str, Judged], optional: frozenset[str]
) -> None:
    """Prints how many pairs of each category have a finding near, and one about them; opt-in ones are counted apart."""
    counts: dict[str, Counter[str]] = {column: Counter() for column in ("pairs", "near", "found", "gone", "opt-in")}
    for pair, outcome in done:
        about = said[pair["id"]].about if pair["id"] in said else "-"
        counts["pairs"][pair["category"]] += 1
        counts["near"][pair["category"]] += bool(outcome.before - optional)
        counts["found"][pair["category"]] += about in outcome.before - optional
        counts["gone"][pair["category"]] += about in outcome.gone - optional
        counts["opt-in"][pair["category"]] += about in outcome.gone & optional
    print("\n| category | pairs | any finding near | found | of these gone after the fix | found by opt-in, and gone |")
    print("|---|---|---|---|---|---|")
    for category in dict.fromkeys((*(one for one in CATEGORIES if counts["pairs"][one]), *sorted(counts["pairs"]))):
        print(f"| {category} | {' | '.join(str(count[category]) for count in counts.values())} |")
    print(f"| all | {' | '.join(str(count.total()) for count in counts.values())} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", type=Path)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("wanted", nargs="*")
    parser.add_argument("--said", type=Path, default=SAID)
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    main(given.pairs, given.mirrors, given.wanted, judged_in=given.said, every=given.all)
