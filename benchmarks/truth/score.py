"""How many of the defects in ``defects.tsv`` have a finding at their place.

Run as ``python score.py CORPUS``, where CORPUS holds one folder ``owner__name`` a repository. A finding is *near* when
it, or a place in its ``because``, stands within three lines of the defect's place. Near is not the same as about it:
that is judged by hand and kept in ``found.tsv``.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.tree import FolderTree

NEAR_LINES = 3


def main(corpus: Path) -> None:
    """Prints one line a defect: id, evidence, mechanism, and the checks near it (or ``-``)."""
    with (Path(__file__).parent / "defects.tsv").open(encoding="utf-8", newline="") as lines:
        defects = list(csv.DictReader(lines, delimiter="\t"))
    loaded = packs.load()
    for repository in sorted({defect["repo"] for defect in defects}):
        report = engine.analyse(FolderTree(corpus / repository.replace("/", "__")), loaded, checks=loaded.checks)
        for defect in (one for one in defects if one["repo"] == repository):
            near = set()
            for finding in report.findings:
                for place in (finding.place, *(because.place for because in finding.because)):
                    if place.path == defect["path"] and abs((place.line or 0) - int(defect["line"])) <= NEAR_LINES:
                        near.add(finding.check)
            print(defect["id"], defect["evidence"], defect["mechanism"], ",".join(sorted(near)) or "-", sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
