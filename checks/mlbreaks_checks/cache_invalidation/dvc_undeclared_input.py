"""A DVC stage reads data that it does not depend on.

DVC compares what a stage declares: data that its code reads besides can change, or be made by a later stage, and
``dvc repro`` says that nothing changed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from mlbreaks_checks import _dvc
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, expr, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("process-orchestration", "hyperparameter"),
    calls=_dvc.LOADERS,
)

SHOWN = 5
"""Paths that a finding names one by one."""

_CODE = (".py", ".sh", ".ipynb", ".R", ".sql")


@check.over(facts.DvcStage, where=_dvc.judged)
def find(stage: facts.DvcStage, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each stage that DVC may skip: at what its command names, and its code reads, and what it declares."""
    process = _dvc.process_of(stage, pipeline)
    if process is None or _dvc.always_forced(pipeline):
        return
    declared = _dvc.declared(stage, pipeline)
    if any(_dvc.HOLE in path for path in declared):
        yield Unjudged(stage.place, _dvc.NOT_TOLD)
        return
    found: dict[str, tuple[Place, Place, str]] = {}
    made = _made(pipeline)
    for path, at in _dvc.reads(stage, process, pipeline):
        if path in found or path.endswith(_CODE) or any(_is_one(d, path) for d in declared):
            continue
        source = _source(path, stage, made, pipeline)
        if source is not None:
            found[path] = (at, *source)
    if found:
        yield _finding(stage, found)


def _finding(stage: facts.DvcStage, found: dict[str, tuple[Place, Place, str]]) -> Finding:
    first, *others = found
    more = f" and {len(others)} more path{'s' if len(others) > 1 else ''}" if others else ""
    return Finding(
        at=found[first][0],
        message=(
            f"Stage {stage.loop or stage.name!r} reads {first}{more} and does not declare "
            f"{'them' if others else 'it'}: after a change there, `dvc repro` skips the stage."
        ),
        because=(
            (stage.place, f"{stage.loop or stage.name} and what it depends on"),
            *((origin, f"{path}: {note}") for path, (_, origin, note) in list(found.items())[:SHOWN]),
        ),
    )


def _is_one(declared: str, path: str) -> bool:
    return _dvc.covers(declared, path) or _dvc.covers(path, declared)


def _made(pipeline: Pipeline) -> Mapping[str, facts.DvcStage]:
    """Which stage makes what, over all of the tree."""
    found: dict[str, facts.DvcStage] = {}
    for stage in pipeline.all(facts.DvcStage):
        for output in stage.outputs:
            text = expr.literal_text(output.path)
            if text:
                found[posixpath.normpath(text)] = stage
    return found


def _source(
    path: str, stage: facts.DvcStage, made: Mapping[str, facts.DvcStage], pipeline: Pipeline
) -> tuple[Place, str] | None:
    """Where *path* comes from: another stage, a file that DVC tracks, a file of the tree; None where nothing tells."""
    above = path
    while above:
        maker = made.get(above)
        if maker is not None and maker is not stage and not (stage.loop and maker.loop == stage.loop):
            return maker.place, f"{maker.loop or maker.name} makes it"
        pointer = f"{above}.dvc"
        if pointer in pipeline.paths:
            return Place(pointer, 1), "DVC tracks it"
        above = above.rpartition("/")[0]
    return (Place(path, 1), "it is a file of the repository") if path in pipeline.paths else None
