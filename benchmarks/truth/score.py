"""How many of the defects in ``defects.tsv`` have a finding at their place, or one that is about them.

Run as ``python score.py CORPUS``, where CORPUS holds one folder ``owner__name`` a repository. A finding is *near* when
it, or a place in its ``because``, stands within three lines of the defect's place. Near is not the same as about it:
that was judged by hand, and ``found.tsv`` names the check. A defect is found *at its place* when that check is near,
and found when that check still says anything of the repository.
"""

from __future__ import annotations

import csv
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.report import Report
from pytest_mlbreaks.tree import FolderTree

NEAR_LINES = 3


@dataclasses.dataclass(frozen=True)
class Score:
    """What the run says of one defect: *near* checks, and whether the check that was judged to be about it is near
    (*at_place*) or speaks of the repository at all (*found*)."""

    cross_file: bool
    near: frozenset[str]
    at_place: bool
    found: bool


def main(corpus: Path) -> None:
    """Prints one line a defect: id, evidence, mechanism, and the checks near it (or ``-``); then the totals."""
    defects = _rows("defects.tsv")
    about = {row["id"]: row["check"] for row in _rows("found.tsv")}
    loaded = packs.load()
    scores = []
    for repository in sorted({defect["repo"] for defect in defects}):
        report = engine.analyse(FolderTree(corpus / repository.replace("/", "__")), loaded, checks=loaded.checks)
        speaking = {finding.check for finding in report.findings}
        for defect in (one for one in defects if one["repo"] == repository):
            near = _near(report, defect["path"], int(defect["line"]))
            check = about[defect["id"]]
            scores.append(Score(defect["evidence"] == "cross-file", near, check in near, check in speaking))
            print(defect["id"], defect["evidence"], defect["mechanism"], ",".join(sorted(near)) or "-", sep="\t")
    print("\n| defects | all | any finding near | found at its place | found |\n|---|---|---|---|---|")
    _print_total("all", scores)
    _print_total("cross-file", [score for score in scores if score.cross_file])


def _rows(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _near(report: Report, path: str, line: int) -> frozenset[str]:
    return frozenset(
        finding.check
        for finding in report.findings
        for place in (finding.place, *(because.place for because in finding.because))
        if place.path == path and abs((place.line or 0) - line) <= NEAR_LINES
    )


def _print_total(name: str, scores: Sequence[Score]) -> None:
    near = sum(bool(score.near) for score in scores)
    at_place = sum(score.at_place for score in scores)
    found = sum(score.found for score in scores)
    print(f"| {name} | {len(scores)} | {near} | {at_place} | {found} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
