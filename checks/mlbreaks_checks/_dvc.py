"""What a stage of DVC declares, and what its command runs and reads."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Sequence

from pytest_mlbreaks.api import Pipeline, Place, Process, aside, expr, facts

HOLE = "{*}"
NOT_TOLD = "a path that the stage declares can't be told"

_NAMES = (
    *("load_data", "load_dataset", "load_df", "load_csv", "load_model", "load_object", "load_pickle", "load_file"),
    *("load_params", "load_config", "load_yaml", "load_json", "read_data", "read_dataset", "read_df", "read_file"),
    *("read_params", "read_config", "read_yaml", "read_json", "get_params", "get_config"),
)
LOADERS = (*_NAMES, *(f"*.{name}" for name in _NAMES))
"""Functions that teams write to read a file; what they read is told by where they are called."""

_OUTPUT_FLAG = re.compile(
    r"^-.*(?:out|save|dest|log|result|report|metric|target|info|summar|histor|score|plot|curve|figure|dump)",
    re.IGNORECASE,
)
_SETTINGS = (".yaml", ".yml", ".toml", ".ini", ".cfg")
_FORCED = re.compile(r"\bdvc\s+(?:-\S+\s+)*(?:repro|exp\s+run)\b[^\n;&|]*\s(?:-f|--force)\b")


def is_pipeline(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    """Whether a schedule is a ``dvc.yaml``."""
    return schedule.orchestrator == "dvc"


def skipping_stages(schedule: facts.Schedule, pipeline: Pipeline) -> list[facts.DvcStage]:
    """The stages of a file that DVC skips when nothing that they declare has changed.

    It always runs one that asks for it (``always_changed``) and one that declares neither inputs nor outputs, and it
    never runs a frozen one.
    """
    return [s for s in pipeline.index(facts.DvcStage, _pipeline_of).get(schedule.identity, ()) if skips(s, pipeline)]


def skips(stage: facts.DvcStage, pipeline: Pipeline) -> bool:
    """Whether DVC skips the stage when nothing that it declares has changed."""
    return not (stage.frozen or stage.always_changed) and bool(stage.inputs or stage.outputs or stage.parameters)


def _pipeline_of(stage: facts.DvcStage) -> str:
    return f"dvc:{stage.path}"


def judged(stage: facts.DvcStage, pipeline: Pipeline) -> bool:
    """Whether the stage may be skipped, and is the first of its loop, whose stages are written as one."""
    if not skips(stage, pipeline):
        return False
    return not stage.loop or pipeline.index(facts.DvcStage, _loop_of)[_loop_of(stage)][0] is stage


def _loop_of(stage: facts.DvcStage) -> tuple[str, str]:
    return stage.path, stage.loop or stage.name


def always_forced(pipeline: Pipeline) -> bool:
    """Whether a step of the tree runs all stages, changed or not (``dvc repro --force``)."""
    return True in pipeline.index(facts.Step, _forces)


def _forces(step: facts.Step) -> bool | None:
    texts = (expr.literal_text(command.shell) or "" for command in step.commands if command.shell is not None)
    return any(_FORCED.search(text) for text in texts) or None


def process_of(stage: facts.DvcStage, pipeline: Pipeline) -> Process | None:
    """What the stage runs."""
    return pipeline.one(Process, f"process:{stage.step}")


def told(paths: Sequence[facts.DvcPath], pipeline: Pipeline) -> list[str]:
    """The declared paths as text, ``{*}`` for what can't be told."""
    return [posixpath.normpath(pipeline.pattern(path.path)) for path in paths]


def covers(declared: str, path: str) -> bool:
    """Whether *path* is the file or folder *declared*, or lies in it."""
    return declared in ("", ".") or path == declared or path.startswith(f"{declared.rstrip('/')}/")


def declared(stage: facts.DvcStage, pipeline: Pipeline) -> list[str]:
    """Everything that the stage names: inputs, outputs, files of parameters."""
    parameters = [posixpath.normpath(pipeline.pattern(p.file)) for p in stage.parameters]
    return [*told(stage.inputs, pipeline), *told(stage.outputs, pipeline), *parameters]


def reads(stage: facts.DvcStage, process: Process, pipeline: Pipeline) -> Iterator[tuple[str, Place]]:
    """Paths that the stage's command names, or that its own code reads, seen from the root of the tree, each with the
    place.

    Only what is written out: as an argument, in a call of a library that reads, or of a function of the team that is
    called so.
    """
    workdir = _workdir(process, pipeline)
    if workdir is None:
        return
    for entry in process.entries:
        for word in _input_words(entry.arguments):
            yield from _seen_from_root(expr.Literal(word), entry.place, workdir, pipeline)
    entries = dict.fromkeys(entry.path for entry in process.entries if entry.path and entry.path.endswith(".py"))
    for module in entries:
        # a call that names the path goes before the reading itself, to which it is passed
        for call in pipeline.index(facts.Call, "path").get(module, ()):
            if call.callee.rpartition(".")[2] in _NAMES and call.arguments:
                yield from _seen_from_root(call.arguments[0].value, call.place, workdir, pipeline)
        for access in pipeline.index(facts.DatasetAccess, "path").get(module, ()):
            if access.mode == "read" and access.kind == "path":
                yield from _seen_from_root(access.target, access.place, workdir, pipeline)
        for loaded in pipeline.index(facts.ModelAccess, "path").get(module, ()):
            if loaded.mode == "load" and loaded.kind == "path":
                yield from _seen_from_root(loaded.target, loaded.place, workdir, pipeline)


@dataclasses.dataclass(frozen=True)
class SettingsRead:
    """Parameters that a stage gets from a module that it imports: the file, the import (or call) in the stage's own
    script, and where the module reads the file."""

    path: str
    at: Place
    read: Place


def settings(stage: facts.DvcStage, process: Process, pipeline: Pipeline) -> Iterator[SettingsRead]:
    """Files of settings of the tree (YAML, TOML, INI) that a module imported by the stage's script reads, where the
    script imports and so uses what was read: the name that the module binds it to, or the function that reads it and
    that the script calls."""
    entries = {entry.path for entry in process.entries if entry.path and entry.path.endswith(".py")}
    workdir = _workdir(process, pipeline)
    if workdir is None:
        return
    for module in process.modules:
        if module in entries:
            continue
        for access in pipeline.index(facts.DatasetAccess, "path").get(module, ()):
            if access.mode != "read" or access.kind != "path":
                continue
            path = _settings_file(pipeline.pattern(access.target), workdir, pipeline)
            given = _given_to(access.scope, module, pipeline) if path else frozenset()
            for script in sorted(entries) if given else ():
                at = _taken(script, module, given, pipeline)
                if at is not None and path:
                    yield SettingsRead(path, at, access.place)


def _settings_file(text: str, workdir: str, pipeline: Pipeline) -> str | None:
    """The file of settings of the tree that a path names; one below a computed folder counts by its name, where the
    tree has one file of that name."""
    text = text.replace("\\", "/")
    if not text.endswith(_SETTINGS) or "://" in text:
        return None
    if text.startswith(f"{HOLE}/") and HOLE not in text[len(HOLE) :]:
        named = [path for path in pipeline.paths_named(posixpath.basename(text)) if not aside(path)]
        found = [path for path in named if f"/{path}".endswith(text.removeprefix(HOLE))]
        return found[0] if len(named) == len(found) == 1 else None
    path = posixpath.normpath(posixpath.join(workdir, text))
    return path if path in pipeline.paths else None


def _given_to(scope: str, module: str, pipeline: Pipeline) -> frozenset[str]:
    """Names of a module by which others get what it reads in *scope*: the function that reads, and what the module
    binds to what that returns."""
    if not scope or "." in scope:
        return frozenset()
    bound = {
        call.result
        for call in pipeline.index(facts.Call, "path").get(module, ())
        if not call.scope and call.callee == scope and call.result
    }
    return frozenset({scope, *bound})


def _taken(script: str, module: str, given: frozenset[str], pipeline: Pipeline) -> Place | None:
    """Where *script* imports from *module* one of the names *given*; of a function only where it calls that."""
    called = {callee for one in pipeline.index(facts.PythonModule, "path").get(script, ()) for callee in one.calls}
    called.update(callee for one in pipeline.index(facts.Function, "path").get(script, ()) for callee in one.calls)
    functions = {function.name for function in pipeline.index(facts.Function, "path").get(module, ())}
    dotted = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for one in pipeline.index(facts.PythonModule, "path").get(script, ()):
        for entry in one.imports:
            if entry.name not in given or entry.guarded or not _names(entry.target, entry.level, dotted):
                continue
            if entry.name not in functions or any(callee.rpartition(".")[2] == entry.name for callee in called):
                return Place(script, entry.line)
    return None


def _names(target: str, level: int, dotted: str) -> bool:
    """Whether an import of *target* can mean the module *dotted*, as both are seen from whatever folder."""
    return f".{dotted}".endswith(f".{target}") if target else level > 0


def _input_words(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments that may be paths of inputs: no flags, and not what follows one that speaks of an output."""
    for before, word in zip(("", *arguments), arguments, strict=False):
        flag, equals, value = word.partition("=")
        if word.startswith("-"):
            before, word = (flag, value) if equals else ("", "")
        if "/" in word and not _OUTPUT_FLAG.search(before):
            yield word


def _workdir(process: Process, pipeline: Pipeline) -> str | None:
    step = process.fact
    commands = step.commands if isinstance(step, facts.Step) else ()
    folders = {pipeline.resolve(c.workdir).text if c.workdir is not None else None for c in commands}
    return folders.pop() if len(folders) == 1 else None


def _seen_from_root(target: expr.Expr, place: Place, workdir: str, pipeline: Pipeline) -> Iterator[tuple[str, Place]]:
    text = pipeline.pattern(target).replace("\\", "/")
    if text.startswith(f"{HOLE}/"):
        text = text.removeprefix(f"{HOLE}/")  # the root of the project, computed from __file__
        if text.count("/") == 0 or HOLE in text:
            return
    if HOLE in text or "://" in text or text.startswith(("/", "~")) or not text.strip("./"):
        return
    path = posixpath.normpath(posixpath.join(workdir, text))
    if not path.startswith(".."):
        yield path, place
