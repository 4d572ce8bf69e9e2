"""Draw findings on real repositories for people to read, and count what they made of them; see verdicts/README.md.

    python benchmarks/draw.py draw CORPUS.tsv FOLDER VERDICTS.tsv --seed N [--most 10] [--show]
    python benchmarks/draw.py tally CORPUS.tsv FOLDER VERDICTS.tsv --seed N [--most 10]

CORPUS.tsv has columns repo and commit; FOLDER holds each repository as OWNER__NAME. VERDICTS.tsv is kept, and added to:
a finding that was read once (same check, repository, commit, path and line) is not read again.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.excerpts import Excerpts
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.report import Report, ReportedFinding
from pytest_mlbreaks.tree import FolderTree

COLUMNS = ("repo", "commit", "path", "line", "check", "verdict", "reason")
LARGEST_SHARE = 0.15
"""What one check may count for in the whole sample."""


@dataclass(frozen=True)
class Drawn:
    """A finding, and where it was found."""

    repo: str
    commit: str
    finding: ReportedFinding

    @property
    def key(self) -> tuple[str, ...]:
        """What a verdict is kept under."""
        place = self.finding.place
        line = f"{place.cell}:{place.line}" if place.cell is not None else str(place.line or "")
        return (self.repo, self.commit, place.path, line, self.finding.check)


def analysed(corpus: Path, folder: Path, installed: Packs) -> Iterator[tuple[str, str, FolderTree, Report]]:
    """Each repository of *corpus* that is in *folder*, with its report; those that are not are named on stderr."""
    for row in csv.DictReader(corpus.read_text(encoding="utf-8").splitlines(), delimiter="\t"):
        root = folder / row["repo"].replace("/", "__")
        if not root.is_dir():
            print(f"{row['repo']}: not there", file=sys.stderr)
            continue
        tree = FolderTree(root)
        yield row["repo"], row["commit"], tree, engine.analyse(tree, installed)


def sample(found: Iterable[Drawn], seed: int, most: int) -> list[Drawn]:
    """Up to *most* findings of each check, fewer of those that would count for too much; *seed* decides which."""
    by_check: dict[str, list[Drawn]] = defaultdict(list)
    for drawn in found:
        by_check[drawn.finding.check].append(drawn)
    chosen = {}
    for check, all_of_it in sorted(by_check.items()):
        order = sorted(all_of_it, key=lambda drawn: drawn.key)
        random.Random(f"{seed} {check}").shuffle(order)
        chosen[check] = order[:most]
    total = sum(map(len, chosen.values()))
    limit = max(1, int(LARGEST_SHARE * total))
    return [drawn for some in chosen.values() for drawn in some[:limit]]


def verdicts_in(path: Path) -> dict[tuple[str, ...], tuple[str, str]]:
    """Verdict and reason by `Drawn.key`."""
    if not path.is_file():
        return {}
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return {tuple(row[name] for name in COLUMNS[:5]): (row["verdict"], row["reason"]) for row in rows}


def write(path: Path, verdicts: dict[tuple[str, ...], tuple[str, str]]) -> None:
    """Keep *verdicts*, sorted."""
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join((*key, *verdict)) for key, verdict in sorted(verdicts.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def show(drawn: Drawn, tree: FolderTree) -> str:
    """The finding for a reader, with the lines that it names."""
    excerpt = Excerpts(tree)
    finding = drawn.finding
    level = f"{finding.severity}/{finding.confidence}"
    lines = [f"## {drawn.repo} {finding.place} [{finding.check}] {level}", f"   {finding.message}"]
    lines += [f"   | {excerpt(finding.place)}"]
    for related in finding.because:
        lines += [f"   because {related.place}: {related.note}", f"   | {excerpt(related.place)}"]
    return "\n".join(lines)


def tally(
    chosen: list[Drawn],
    fired: Counter[str],
    unjudged: Counter[str],
    verdicts: dict[tuple[str, ...], tuple[str, str]],
    names: Iterable[str],
) -> str:
    """A table with a row per check: fired, read, right, unjudged."""
    read: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for drawn in chosen:
        verdict = verdicts.get(drawn.key, ("", ""))[0]
        read[drawn.finding.check] += verdict in ("right", "wrong")
        right[drawn.finding.check] += verdict == "right"
    lines = ["| check | fired | read | right | unjudged |", "|---|--:|--:|--:|--:|"]
    lines += [f"| {name} | {fired[name]} | {read[name]} | {right[name]} | {unjudged[name]} |" for name in names]
    total = sum(read.values())
    share = f"{sum(right.values()) / total:.1%}" if total else "-"
    lines.append(
        f"| all | {sum(fired.values())} | {total} | {sum(right.values())} ({share}) | {sum(unjudged.values())} |"
    )
    return "\n".join(lines)


def main() -> None:
    """Draw or tally, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("draw", "tally"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("verdicts", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--most", type=int, default=10)
    parser.add_argument("--show", action="store_true", help="print what has no verdict yet, with the lines it names")
    options = parser.parse_args()
    installed = packs.load()
    found: list[Drawn] = []
    trees: dict[str, FolderTree] = {}
    unjudged: Counter[str] = Counter()
    per_repository: list[int] = []
    for repo, commit, tree, report in analysed(options.corpus, options.folder, installed):
        trees[repo] = tree
        found += [Drawn(repo, commit, finding) for finding in report.findings]
        per_repository.append(len(report.findings))
        for result in report.results:
            unjudged[result.check] += len(result.unjudged)
            if result.outcome == "failed":
                print(f"{repo}: {result.check} failed: {result.reason}", file=sys.stderr)
    verdicts = verdicts_in(options.verdicts)
    chosen = sample(found, options.seed, options.most)
    if options.action == "draw":
        fresh = [drawn for drawn in chosen if drawn.key not in verdicts]
        if options.show:
            print("\n\n".join(show(drawn, trees[drawn.repo]) for drawn in fresh))
        write(options.verdicts, verdicts | {drawn.key: ("", "") for drawn in fresh})
        print(f"{len(found)} findings, {len(chosen)} drawn with seed {options.seed}, {len(fresh)} of them to read")
        return
    names = [check.id for check in installed.checks]
    print(tally(chosen, Counter(d.finding.check for d in found), unjudged, verdicts, names))
    per_repository.sort()
    middle = per_repository[len(per_repository) // 2] if per_repository else 0
    print(f"\nfindings per repository: median {middle}, most {max(per_repository, default=0)}")


if __name__ == "__main__":
    main()
