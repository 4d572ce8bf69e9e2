"""The order of DVC's stages: one graph over all ``dvc.yaml`` files of a tree, made of what they read and write.

https://dvc.org/doc/user-guide/pipelines/defining-pipelines: a stage comes after those whose outputs it depends on.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator

from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import DvcStage, Edge

_HOLE = "{*}"


def edges(pipeline: Pipeline, values: Values) -> list[Edge]:
    """An edge for each stage and each stage that makes something it depends on: the same path, a folder around it, or
    something in it. Paths that can't be told in full are the same where what can be told is."""
    makers: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for stage in pipeline.all(DvcStage):
        for output in stage.outputs:
            path = posixpath.normpath(values.pattern(output.path))
            makers[path].append(stage.step)
            if _HOLE not in path:
                for folder in _above(path):
                    below[folder].append(stage.step)
    found: dict[tuple[str, str], Edge] = {}
    for stage in pipeline.all(DvcStage):
        for needed in stage.inputs:
            path = posixpath.normpath(values.pattern(needed.path))
            if not path.replace(_HOLE, "").strip("/."):
                continue
            around = [] if _HOLE in path else [step for folder in _above(path) for step in makers.get(folder, ())]
            for earlier in (*makers.get(path, ()), *around, *below.get(path, ())):
                if earlier != stage.step:
                    edge = Edge(before=earlier, after=stage.step, place=needed.place)
                    found.setdefault((earlier, stage.step), edge)
    return list(found.values())


def _above(path: str) -> Iterator[str]:
    """The folders that *path* lies in, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
