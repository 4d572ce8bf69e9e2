"""A DVC stage runs code of the repository that it does not depend on.

DVC compares what a stage declares, and follows no import: after a change in a module that the stage's script imports,
``dvc repro`` says that nothing changed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _dvc
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Process, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

SHOWN = 8
"""Files that a finding names one by one."""

_CHANGES_NO_RESULT = re.compile(
    r"(?:.*_)?(?:log|logs|logger|logging|loggers|exceptions?|errors|version|typing|types)(?:_.*)?"
)
"""Modules whose change makes no other data: messages, errors."""


@check.over(facts.Schedule, where=_dvc.is_pipeline)
def find(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ``dvc.yaml``: at the code that its stages run against what they depend on."""
    if _dvc.always_forced(pipeline):
        return
    missing: dict[str, list[facts.DvcStage]] = {}
    not_told: set[str] = set()
    stages = list(_dvc.skipping_stages(schedule, pipeline))
    for stage in stages:
        process = _dvc.process_of(stage, pipeline)
        code = _code(process, pipeline) if process is not None else []
        if not code:
            continue
        declared = _dvc.told((*stage.inputs, *stage.outputs), pipeline)
        if any(_dvc.HOLE in path for path in declared):
            if _called(stage) not in not_told:
                yield Unjudged(stage.place, _dvc.NOT_TOLD)
            not_told.add(_called(stage))
            continue
        for path in code:
            if any(_dvc.covers(one, path) for one in declared):
                continue
            others = (one for other in stages if other is not stage for one in _dvc.told(other.inputs, pipeline))
            if (
                process is not None
                and any(_dvc.covers(one, path) for one in others)
                and _is_run_sometimes(path, process, pipeline)
            ):
                yield Unjudged(stage.place, "what it imports is run only in some cases")
            else:
                missing.setdefault(path, []).append(stage)
    if missing:
        yield _finding(missing)


def _code(process: Process, pipeline: Pipeline) -> list[str]:
    """The files of the tree that a stage runs, in which something is written that decides what comes out."""
    entries = {entry.path for entry in process.entries if entry.path}
    named, called = _imported_names(process, pipeline)
    found = [path for path in dict.fromkeys((*entries, *process.modules)) if path]
    return [path for path in found if _matters(path, pipeline) and (path in entries or _is_used(path, named, called))]


def _imported_names(process: Process, pipeline: Pipeline) -> tuple[set[str], set[str]]:
    """The last parts of what the stage's modules import; of these, modules of which something is called.

    The ``__init__`` of a package runs along with any module of it: what it imports for others to use does not count.
    """
    named: set[str] = set()
    called: set[str] = set()
    for path in process.modules:
        if path.endswith("__init__.py"):
            continue
        for module in pipeline.index(facts.PythonModule, "path").get(path, ()):
            for entry in module.imports:
                named.update((entry.target.rpartition(".")[2], entry.name or ""))
            called.update(part for callee in module.calls for part in callee.split(".")[:-1])
        for function in pipeline.index(facts.Function, "path").get(path, ()):
            called.update(part for callee in function.calls for part in callee.split(".")[:-1])
    return named, called


def _is_used(path: str, named: set[str], called: set[str]) -> bool:
    """Whether something of a module is imported by name, or called; one that is only imported changes nothing."""
    folder, name = posixpath.split(path)
    package = posixpath.basename(folder)
    if name == "__init__.py":
        return package in named
    return (name.removesuffix(".py") in named and name.removesuffix(".py") in called) or package in called & named


def _is_run_sometimes(path: str, process: Process, pipeline: Pipeline) -> bool:
    """Whether a module is imported by functions alone, and these come to what they call of it only in some cases: as a
    stage does that makes up for another one, where it is run by hand without it."""
    name = posixpath.basename(path).removesuffix(".py")
    imports = [
        (file, entry)
        for file in process.modules
        for module in pipeline.index(facts.PythonModule, "path").get(file, ())
        for entry in module.imports
        if name in (entry.target.rpartition(".")[2], entry.name)
    ]
    return bool(imports) and all(_is_branch(file, entry.scope, name, pipeline) for file, entry in imports)


def _is_branch(file: str, scope: str, name: str, pipeline: Pipeline) -> bool:
    functions = [f for f in pipeline.index(facts.Function, "path").get(file, ()) if scope and f.name == scope]
    calls = [(f, callee) for f in functions for callee in f.calls if name in callee.split(".")[:-1]]
    return bool(calls) and all(callee in function.sometimes for function, callee in calls)


def _matters(path: str, pipeline: Pipeline) -> bool:
    name = posixpath.basename(path).removesuffix(".py")
    folder = posixpath.basename(posixpath.dirname(path))
    if _CHANGES_NO_RESULT.fullmatch(folder if name == "__init__" else name):
        return False
    if name != "__init__":
        return True
    constants = pipeline.index(facts.Constant, "path").get(path, ())
    return path in pipeline.index(facts.Function, "path") or any(not c.name.startswith("__") for c in constants)


def _finding(missing: dict[str, list[facts.DvcStage]]) -> Finding:
    files = sorted(missing, key=lambda path: (-len({_called(stage) for stage in missing[path]}), path))
    stages = list(dict.fromkeys(_called(stage) for path in files for stage in missing[path]))
    first = missing[files[0]][0]
    shown = files[:SHOWN]
    because = [(Place(path, 1), f"run by {_names(missing[path])}, and no dependency of it") for path in shown]
    more = f" and {len(files) - len(shown)} more files" if len(files) > len(shown) else ""
    who = f"Stage {_called(first)!r} runs" if len(stages) == 1 else f"{len(stages)} stages run"
    what = (
        files[0]
        if len(files) == 1
        else f"{len(files)} files ({', '.join(shown[:3])}{', ...' if len(files) > 3 else ''})"
    )
    return Finding(
        at=first.place,
        message=(
            f"{who} {what} without depending on {'it' if len(files) == 1 else 'them'}: after a change there, "
            "`dvc repro` skips the stage and keeps what the old code made."
        ),
        because=(*because[:-1], (because[-1][0], because[-1][1] + more)) if more else tuple(because),
    )


def _called(stage: facts.DvcStage) -> str:
    """The name that the stage is written under, which is one for all items of a loop."""
    return stage.loop or stage.name


def _names(stages: list[facts.DvcStage]) -> str:
    names = list(dict.fromkeys(_called(stage) for stage in stages))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
