"""What the code of a process asks its environment for: shared by the checks of variables that nothing sets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlbreaks_checks import _constants
from pytest_mlbreaks.api import Pipeline, Process, Setting, expr
from pytest_mlbreaks.api import facts as f

# Celery's scheduler, which sends tasks and runs none (docs.celeryq.dev/en/stable/userguide/periodic-tasks.html).
_BEAT = re.compile(r"\bcelery\b.*\sbeat\b")


def settings(process: Process, pipeline: Pipeline) -> tuple[Setting, ...]:
    return pipeline.index(Setting, _process_of).get(process.identity, ())


def _process_of(setting: Setting) -> str:
    return setting.process.identity


def unknown(setting: Setting, process: Process, pipeline: Pipeline) -> str:
    """Why it can't be told whether the process uses the default; "" where it does."""
    if not setting.known:
        return process.open_reason
    if not _is_asked_for(setting, process, pipeline):
        return "no code is seen to ask for the field"
    if setting.read.api == "os.environ.setdefault":
        return "the code sets the variable itself"
    if setting.read.conditional:
        return "read only in some cases"
    if setting.read.scope and not _may_be_called(setting.read, process, pipeline):
        return "the function may not be called"
    if not _constants.may_be_asked_for(setting.read, process, pipeline):
        return "no code is seen to ask for what it is bound to"
    for other in _same_service(process, pipeline):
        if setting.name in other.variables:
            return "another compose file of the folder sets it"
        if not other.closed and _of_one_project(process, other):
            return other.open_reason
    return ""


def is_second_choice(setting: Setting, settings: Sequence[Setting]) -> bool:
    """Whether the variable is only asked for where another one, which is looked at itself, is not set."""
    return any(
        other.place.path == setting.place.path
        and isinstance(other.read.default, expr.EnvVar)
        and other.read.default.key == setting.name
        for other in settings
    )


def _is_asked_for(setting: Setting, process: Process, pipeline: Pipeline) -> bool:
    """Whether code asks for the settings field that the variable fills; a scheduler of tasks runs none of them, so
    that only what it imports counts."""
    field = setting.read.field.rpartition(".")[2] if setting.read.api == "pydantic" else ""
    asking = pipeline.index(f.PythonModule, "asked", each=True).get(field, ())
    if not field or not asking:
        return not field
    schedules = _BEAT.search(_command(process, pipeline))
    return not schedules or any(module.path in process.modules for module in asking)


def _command(process: Process, pipeline: Pipeline) -> str:
    container = process.fact
    command = container.command if isinstance(container, f.Container) else None
    if command is None:
        return ""
    words = command.argv if command.argv is not None else ()
    shell = [command.shell] if command.shell is not None else []
    return " ".join(pipeline.resolve(word, process).text or "" for word in (*words, *shell))


def _may_be_called(read: f.EnvRead, process: Process, pipeline: Pipeline) -> bool:
    """Whether the files that the process reaches import, call, start or register the function of *read*."""
    names = {entry.function for entry in process.entries}
    modules = pipeline.index(f.PythonModule, "path")
    functions = pipeline.index(f.Function, "path")
    registered: set[str] = set()
    for path in process.modules:
        for module in modules.get(path, ()):
            names.update(imported.name for imported in module.imports if imported.name)
            for callee in module.calls:
                names.update(callee.split("."))
        for function in functions.get(path, ()):
            for callee in function.calls if function.name != read.scope else ():
                names.update(callee.split("."))
            if function.decorators and path == read.path:
                registered.add(function.name.rpartition(".")[2])
    parts = read.scope.split(".")
    return all(part in names or part in registered or part.startswith("__") for part in parts)


def _same_service(process: Process, pipeline: Pipeline) -> Sequence[Process]:
    """What other compose files of the folder say of the service."""
    found = pipeline.index(Process, _service_of_folder).get(_service_of_folder(process), ())
    return [other for other in found if other is not process] if is_compose(process) else ()


def _service_of_folder(process: Process) -> tuple[str, str] | None:
    return (process.place.path.rpartition("/")[0], process.name) if is_compose(process) else None


def _of_one_project(process: Process, other: Process) -> bool:
    """Whether ``docker compose up`` merges both files: one is the other's override file."""
    names = [re.sub(r"\.ya?ml$", "", one.place.path.rpartition("/")[2]) for one in (process, other)]
    return any(sorted(names) == [name, f"{name}.override"] for name in ("compose", "docker-compose"))


def merged(process: Process, pipeline: Pipeline) -> set[str]:
    """The variables that the override file beside the compose file sets for the same service."""
    others = _same_service(process, pipeline)
    return {name for other in others if _of_one_project(process, other) for name in other.variables}


def is_compose(process: Process) -> bool:
    return isinstance(process.fact, f.Container) and process.fact.tool == "compose"
