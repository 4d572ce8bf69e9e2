"""Which files of a tree mlbreaks reads: ``claimed.py TREE`` prints ``{"kind": ["path", ...]}``.

Run by the Python that mlbreaks is installed for. A file that several formats read is named once for each of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_mlbreaks import packs, recognised
from pytest_mlbreaks.tree import FolderTree, size_limit


def claimed(folder: Path) -> dict[str, list[str]]:
    """Paths relative to *folder* by kind of format, in reading order; files over the size limit are left out."""
    readers = packs.load().readers
    paths = FolderTree(folder).paths()
    charts = recognised.chart_folders(paths)
    by_kind: dict[str, list[str]] = {}
    for path in paths:
        if recognised.in_chart_templates(path, charts) or (folder / path).stat().st_size > size_limit(path):
            continue
        kinds = dict.fromkeys(reader.format.kind for reader in readers if reader.claims(path))
        if path.endswith(".ipynb"):
            kinds = dict.fromkeys("notebook" if kind == "python" else kind for kind in kinds)
        for kind in kinds:
            by_kind.setdefault(kind, []).append(path)
    return by_kind


if __name__ == "__main__":
    json.dump(claimed(Path(sys.argv[1])), sys.stdout)
