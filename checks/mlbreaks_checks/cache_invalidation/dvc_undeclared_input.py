"""A DVC stage reads data that it does not depend on.

DVC compares what a stage declares: data that its code reads besides can change, or be made by a later stage, and
``dvc repro`` says that nothing changed.
"""

from __future__ import annotations

import posixpath
import re
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

_TRACKING = re.compile(
    r"(^|[/_-])(mlflow|wandb|comet|neptune|logging|logger|log)[\w-]*\.(ya?ml|json|toml|ini|conf|cfg)$"
)
"""Where and under which name runs are recorded: a change of it changes no output."""

_BESIDE = "it depends on other outputs of the same stage, which mostly change with it"
_FORCED = "a step of the tree runs all stages by force, and only runs without that skip it"
_CODE = (".py", ".sh", ".ipynb", ".R", ".sql")


@check.over(facts.DvcStage, where=_dvc.judged)
def find(stage: facts.DvcStage, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each stage that DVC may skip: at what its command names, and its code reads, and what it declares."""
    process = _dvc.process_of(stage, pipeline)
    if process is None:
        return
    declared = _dvc.declared(stage, pipeline)
    inputs = _dvc.told(stage.inputs, pipeline)
    if any(_dvc.HOLE in path for path in declared):
        yield Unjudged(stage.place, _dvc.NOT_TOLD)
        return
    found: dict[str, tuple[Place, Place, str]] = {}
    made = _made(pipeline)
    for path, at in _dvc.reads(stage, process, pipeline):
        if path in found or path.endswith(_CODE) or _TRACKING.search(path) or any(_is_one(d, path) for d in declared):
            continue
        source = _source(path, stage, made, pipeline)
        if source is not None:
            found[path] = (at, *source)
    read_by: dict[str, Place] = {}
    for one in _dvc.settings(stage, process, pipeline):
        if one.path not in found and not _TRACKING.search(one.path) and not any(_is_one(d, one.path) for d in declared):
            found[one.path] = (one.at, Place(one.path, 1), "it is a file of the repository")
            read_by[one.path] = one.read
    if found:
        makers = {maker.identity: maker for path in found if (maker := _maker(path, stage, made)) is not None}
        beside = bool(makers) and all(_maker(path, stage, made) is not None for path in found)
        beside = beside and all(_gives(maker, inputs, pipeline) for maker in makers.values())
        lowered = _BESIDE if beside else ""
        if _dvc.always_forced(pipeline):
            lowered = _FORCED
        yield _finding(stage, found, read_by, lowered)


def _gives(maker: facts.DvcStage, inputs: list[str], pipeline: Pipeline) -> bool:
    """Whether one of *inputs* is an output of *maker*."""
    return any(_is_one(output, path) for output in _dvc.told(maker.outputs, pipeline) for path in inputs)


def _finding(
    stage: facts.DvcStage, found: dict[str, tuple[Place, Place, str]], read_by: Mapping[str, Place], lowered: str
) -> Finding:
    """*read_by*: where a module that its script imports reads a path. *lowered*: why it is less grave, or ""."""
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
            *((place, f"reads {path} for whoever imports what it returns") for path, place in read_by.items()),
        ),
        severity=Severity.MEDIUM if lowered else None,
        lowered=lowered,
        group=stage.path,
        note=f"{stage.loop or stage.name} reads {first}{more}",
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
    maker = _maker(path, stage, made)
    if maker is not None:
        return maker.place, f"{maker.loop or maker.name} makes it"
    pointer = next((f"{above}.dvc" for above in _with_folders(path) if f"{above}.dvc" in pipeline.paths), None)
    if pointer is not None:
        return Place(pointer, 1), "DVC tracks it"
    return (Place(path, 1), "it is a file of the repository") if path in pipeline.paths else None


def _maker(path: str, stage: facts.DvcStage, made: Mapping[str, facts.DvcStage]) -> facts.DvcStage | None:
    """The other stage that makes *path*, or a folder around it."""
    makers = (made.get(above) for above in _with_folders(path))
    return next((maker for maker in makers if maker is not None and _is_other(maker, stage)), None)


def _is_other(maker: facts.DvcStage, stage: facts.DvcStage) -> bool:
    """Whether it is another stage, and no other turn of the same loop."""
    return maker is not stage and not (stage.loop and maker.loop == stage.loop)


def _with_folders(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
