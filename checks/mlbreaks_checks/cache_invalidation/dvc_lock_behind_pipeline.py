"""A dvc.lock keeps results that another command, parameter or input made than the tree now has.

``dvc pull`` brings what ``dvc.lock`` names: data and models of the last recorded run, however the pipeline has changed
since.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest

from mlbreaks_checks import _dvc
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, expr, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

SHOWN = 6
"""Differences that a finding names one by one, for each stage."""

Difference = tuple[str, Place]
_REPRODUCES = re.compile(r"\bdvc\s+(?:-\S+\s+)*(?:repro|exp\s+run)\b((?:[ \t]+[^\s;&|]+)*)")


def _concerned(record: facts.DvcRecord, pipeline: Pipeline) -> bool:
    """Whether the record is of a stage that there still is, that DVC would run again, and that leaves something."""
    stage = _stage(record, pipeline)
    return stage is not None and bool(stage.outputs) and not stage.frozen and not stage.always_changed


@check.over(facts.DvcRecord, where=_concerned)
def find(record: facts.DvcRecord, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each stage that ``dvc.lock`` has a run of: at what ran, and at what the tree would run."""
    stage = _stage(record, pipeline)
    if stage is None or _is_made_anew(stage, pipeline):
        return
    found: list[Difference] = []
    not_told: list[str] = []
    for differences in (_of_command, _of_paths, _of_parameters, _of_versions):
        for difference in differences(record, stage, pipeline):
            if isinstance(difference, str):
                not_told.append(difference)
            else:
                found.append(difference)
    if found:
        yield _finding(record, stage, found)
    elif not_told:
        yield Unjudged(record.place, not_told[0])


def _finding(record: facts.DvcRecord, stage: facts.DvcStage, found: list[Difference]) -> Finding:
    first = found[0][0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Finding(
        at=record.place,
        message=(
            f"The result of stage {stage.name!r} that dvc.lock names was not made by what the tree has: {first}{more}. "
            "`dvc pull` brings it all the same."
        ),
        because=tuple((place, note) for note, place in found[:SHOWN]),
        group=record.path,
        note=f"{stage.name}: {first}{more}",
    )


# --------------------------------------------------------------------------------------------------- differences


def _of_command(record: facts.DvcRecord, stage: facts.DvcStage, pipeline: Pipeline) -> Iterator[Difference | str]:
    step = pipeline.one(facts.Step, stage.step)
    commands = step.commands if step is not None else ()
    texts = [pipeline.resolve(command.shell).text for command in commands]
    if not commands or None in texts:
        yield "the command is filled in with what can't be told"
        return
    now, then = "\n".join(text or "" for text in texts), "\n".join(record.commands)
    if not _alike(now, then):
        yield f"it was made by `{_shortened(then, now)}`, and is now `{_shortened(now, then)}`", commands[0].place


def _of_paths(record: facts.DvcRecord, stage: facts.DvcStage, pipeline: Pipeline) -> Iterator[Difference | str]:
    """Inputs and outputs that the stage declares, and of which the record says nothing."""
    workdir = _workdir(stage, pipeline)
    if workdir is None:
        yield _dvc.NOT_TOLD
        return
    for declared, recorded, what in (
        (stage.inputs, record.inputs, "an input"),
        (stage.outputs, record.outputs, "an output"),
    ):
        known = {_from_root(workdir, one.path) for one in recorded}
        for path in declared:
            text = pipeline.resolve(path.path).text
            if text is None:
                yield _dvc.NOT_TOLD
            elif "://" not in text and posixpath.normpath(text) not in known:
                yield f"{text} is {what} now, and was none", path.place


def _of_parameters(record: facts.DvcRecord, stage: facts.DvcStage, pipeline: Pipeline) -> Iterator[Difference | str]:
    workdir = _workdir(stage, pipeline)
    for parameter in stage.parameters if workdir is not None else ():
        file = pipeline.resolve(parameter.file).text
        entries = _entries(file, pipeline) if file else {}
        if file is None or not entries:
            yield "the file of a parameter is not read"
            continue
        kept = [v for v in record.values if _from_root(workdir or "", v.file) == posixpath.normpath(file)]
        if not parameter.key:
            yield from _of_values(kept, entries, pipeline)
            continue
        now = {k: e for k, e in entries.items() if k == parameter.key or k.startswith(f"{parameter.key}.")}
        of_key = [v for v in kept if v.of == parameter.key]
        if not now:
            yield "a parameter is not in its file"
        elif not of_key:
            yield f"it depends on the parameter {parameter.key} now, and did not", parameter.place
        else:
            yield from _of_values(of_key, now, pipeline)
            then = {value.key for value in of_key}
            for key in now if then != {parameter.key} else ():
                if key not in then:
                    yield f"{key} was not set, and is now", now[key].place


def _of_values(
    kept: list[facts.DvcRecordedValue], now: Mapping[str, facts.ConfigEntry], pipeline: Pipeline
) -> Iterator[Difference | str]:
    """Values that are others now; one that is not there any more is none."""
    for value in kept:
        entry = now.get(value.key)
        if entry is None:
            continue
        then_value, now_value = pipeline.resolve(value.value).only, pipeline.resolve(entry.value).only
        if then_value is None or now_value is None or then_value.secret or now_value.secret:
            yield "the value of a parameter can't be told"
        elif not _alike(str(then_value.value), str(now_value.value)):
            yield f"{value.key} was {then_value.value}, and is now {now_value.value}", entry.place


def _of_versions(record: facts.DvcRecord, stage: facts.DvcStage, pipeline: Pipeline) -> Iterator[Difference | str]:
    """Inputs that another record, or a pointer of DVC, has in another version."""
    workdir = _workdir(stage, pipeline)
    if workdir is None:
        return
    declared = {posixpath.normpath(pipeline.pattern(path.path)) for path in stage.inputs}
    for one in record.inputs:
        path = _from_root(workdir, one.path)
        if path not in declared or not one.digest:
            continue
        for digest, place, origin in _versions(path, pipeline):
            if digest != one.digest and digest.partition(":")[0] == one.digest.partition(":")[0]:
                yield (
                    f"its input {path} was {_brief(one.digest)}, and is now {_brief(digest)}, as {origin} has it",
                    place,
                )


# -------------------------------------------------------------------------------------------------------- look-ups


def _stage(record: facts.DvcRecord, pipeline: Pipeline) -> facts.DvcStage | None:
    found = pipeline.index(facts.DvcStage, _stage_key).get((record.pipeline, record.name), ())
    return found[0] if len(found) == 1 else None


def _stage_key(stage: facts.DvcStage) -> tuple[str, str]:
    return f"dvc:{stage.path}", stage.name


def _is_made_anew(stage: facts.DvcStage, pipeline: Pipeline) -> bool:
    """Whether a step of the tree runs the stage where it is behind: all stages, or this one by its name."""
    made = pipeline.index(facts.Step, _reproduced, each=True)
    return any(name in made for name in ("", stage.name, stage.loop or stage.name))


def _reproduced(step: facts.Step) -> list[str]:
    """The stages that a step has DVC run, by the names that it gives; "" for all."""
    texts = (expr.literal_text(command.shell) or "" for command in step.commands if command.shell is not None)
    words = [match[1].split() for text in texts for match in _REPRODUCES.finditer(text)]
    named = [[w.rpartition(":")[2] for w in found if not w.startswith("-")] for found in words]
    return [name for found in named for name in (found or [""])]


def _workdir(stage: facts.DvcStage, pipeline: Pipeline) -> str | None:
    step = pipeline.one(facts.Step, stage.step)
    commands = step.commands if step is not None else ()
    folders = {pipeline.resolve(command.workdir).text for command in commands}
    return next(iter(folders)) if len(folders) == 1 else None


def _from_root(workdir: str, path: str) -> str:
    return path if "://" in path else posixpath.normpath(posixpath.join(workdir, path))


def _entries(file: str, pipeline: Pipeline) -> Mapping[str, facts.ConfigEntry]:
    return {entry.key: entry for entry in pipeline.index(facts.ConfigEntry, "path").get(posixpath.normpath(file), ())}


def _versions(path: str, pipeline: Pipeline) -> Iterator[tuple[str, Place, str]]:
    """The versions of *path* that are recorded elsewhere, each with its place and the stage or file that has it."""
    for data in pipeline.index(facts.DvcData, "data").get(path, ()):
        if data.digest:
            yield data.digest, data.place, posixpath.basename(data.path)
    for maker in pipeline.index(facts.DvcStage, _made, each=True).get(path, ()):
        workdir = _workdir(maker, pipeline)
        for record in pipeline.index(facts.DvcRecord, _record_key).get(_stage_key(maker), ()):
            for output in record.outputs:
                if workdir is not None and output.digest and _from_root(workdir, output.path) == path:
                    yield output.digest, output.place, f"the last run of {maker.name}"


def _made(stage: facts.DvcStage) -> list[str]:
    texts = (expr.literal_text(output.path) for output in stage.outputs)
    return [posixpath.normpath(text) for text in texts if text]


def _record_key(record: facts.DvcRecord) -> tuple[str, str]:
    return record.pipeline, record.name


# ----------------------------------------------------------------------------------------------------------- texts


def _alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for spaces and the way in which numbers and truth values are written."""
    return all(
        a is not None and b is not None and (a.lower() == b.lower() or _same_number(a, b))
        for a, b in zip_longest(one.split(), other.split())
    )


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _shortened(text: str, other: str) -> str:
    """*text*, cut to the words around the first that differs from *other*."""
    words, others = text.split(), other.split()
    at = next((i for i, (a, b) in enumerate(zip_longest(words, others)) if a != b), 0)
    start, end = max(0, at - 2), at + 4
    cut = " ".join(words[start:end])
    return f"{'... ' if start else ''}{cut}{' ...' if end < len(words) else ''}"


def _brief(digest: str) -> str:
    return digest.partition(":")[2][:8]
