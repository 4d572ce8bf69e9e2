"""Whether anything asks for a constant of a settings module, where that can be told by what is imported and called."""

from __future__ import annotations

import posixpath

from pytest_mlbreaks.api import Pipeline, Process, facts

_HARMLESS = frozenset({"os", "pathlib", "builtins", "warnings", "logging", "dotenv", "sys", "typing", "json"})
"""Modules whose calls connect to nothing."""


def may_be_asked_for(read: facts.EnvRead, process: Process, pipeline: Pipeline) -> bool:
    """Whether code that *process* comes to may ask for the constant that *read* is bound to at the top of its module.

    It does not where those that import it are modules whose functions and classes nothing else calls: code that the
    settings are shared with, and that this process has no use for. What its own module does with it is not followed.
    """
    constants = pipeline.index(facts.Constant, "path").get(read.path, ())
    bound = {one.name.partition(".")[0] for one in constants if one.place.line == read.place.line}
    if read.scope or read.field or len(bound) != 1 or _may_connect(read.path, pipeline):
        return True
    (name,) = bound
    importing: list[str] = []
    for path in process.modules:
        for module in pipeline.index(facts.PythonModule, "path").get(path, ()) if path != read.path else ():
            for entry in module.imports:
                if entry.name == name and entry.alias == name:
                    importing.append(path)
                elif _is_module(entry, read.path):
                    return True  # `config.NAME`, and what is imported under another name, is not followed
    users = [path for path in dict.fromkeys(importing) if not path.endswith("__init__.py")]
    return not users or any(_is_used(path, process, pipeline) for path in users)


def _is_module(entry: facts.Import, path: str) -> bool:
    """Whether an import is of the module *path* as a whole, or of all its names."""
    own = posixpath.basename(path).removesuffix(".py")
    last = entry.target.rpartition(".")[2]
    return entry.name == own or (last == own and entry.name in (None, "*"))


def _may_connect(path: str, pipeline: Pipeline) -> bool:
    """Whether a module, as it is imported, calls anything but what settings are made by."""
    modules = pipeline.index(facts.PythonModule, "path").get(path, ())
    called = {callee.partition(".")[0].removesuffix("()") for module in modules for callee in module.calls}
    functions = pipeline.index(facts.Function, "path").get(path, ())
    return bool(called - _HARMLESS - {"*"}) or bool(functions)


def _is_used(path: str, process: Process, pipeline: Pipeline) -> bool:
    """Whether something of the process's code outside of a module calls its functions or classes, or the module itself
    does more than define them."""
    if any(entry.path == path for entry in process.entries):
        return True
    functions = pipeline.index(facts.Function, "path").get(path, ())
    modules = pipeline.index(facts.PythonModule, "path").get(path, ())
    called = {callee.partition(".")[0].removesuffix("()") for module in modules for callee in module.calls}
    own = {function.name.partition(".")[0] for function in functions}
    if not own or called - _HARMLESS - {"*"} - _loggers(path, pipeline) or any(f.decorators for f in functions):
        return True
    for other in process.modules:
        if other == path:
            continue
        callees = [c for module in pipeline.index(facts.PythonModule, "path").get(other, ()) for c in module.calls]
        callees += [c for f in pipeline.index(facts.Function, "path").get(other, ()) for c in f.calls]
        if any(not own.isdisjoint(callee.replace("()", "").split(".")) for callee in callees):
            return True
    return False


def _loggers(path: str, pipeline: Pipeline) -> set[str]:
    """What a module calls to get its logger, by the first part of its name."""
    modules = pipeline.index(facts.PythonModule, "path").get(path, ())
    return {
        callee.partition(".")[0]
        for module in modules
        for callee in module.calls
        if "logg" in callee.rpartition(".")[2].lower()
    }
