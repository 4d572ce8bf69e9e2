"""A command-line option is converted with type=bool, so that every text turns it on."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Entry,
    Finding,
    Pipeline,
    Place,
    Severity,
    Verdict,
    aside,
    expr,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_FALSE = frozenset({"false", "no", "off", "0", "f", "n"})


def _of_a_truth_value(option: facts.CommandOption, pipeline: Pipeline) -> bool:
    """Options that are on or off: converted by ``bool`` or by something like it, or flags."""
    return option.library == "argparse" and ("bool" in option.kind.lower() or option.action in _FLAGS)


_FLAGS = frozenset({"store_true", "store_false", "argparse.BooleanOptionalAction"})


@check.over(facts.CommandOption, where=_of_a_truth_value)
def find(option: facts.CommandOption, pipeline: Pipeline) -> Iterator[Verdict]:
    """Options that are on or off; those of one file are told at once."""
    if not _by_bool(option) or _is_for_debugging(option.path, pipeline):
        return
    together = [o for o in pipeline.index(facts.CommandOption, "path")[option.path] if _by_bool(o)]
    given = [
        (place, f"passes {_shown(one)} {value}, which turns it on")
        for one in together
        for value, place in _given(one, pipeline)
    ]
    if option is not together[0] or (not given and all(_is_off(o) for o in together)):
        return
    flags = [_shown(o) for o in together]
    shown = " and ".join([", ".join(flags[:-1]), flags[-1]] if len(flags) > 1 else flags)
    because = [*((o.place, "type=bool, too") for o in together[1:4]), *given]
    verb, it = ("is", "it") if len(flags) == 1 else ("are", "them")
    message = f"{shown} {verb} converted with type=bool: whatever is given, False and 0 too, turns {it} on."
    yield Finding(at=option.place, message=message, because=tuple(because[:6]))


def _is_for_debugging(path: str, pipeline: Pipeline) -> bool:
    """Whether the file is a module that others of its package import and nothing runs by itself."""
    if any(entry.path == path for process in pipeline.processes_of(path) for entry in process.entries):
        return False
    stem = path.removesuffix(".py").rpartition("/")[2]
    importers = pipeline.index(facts.PythonModule, _of_its_package, each=True).get(stem, ())
    return any(path.startswith(f"{importer.path.rpartition('/')[0]}/") for importer in importers)


def _of_its_package(module: facts.PythonModule) -> list[str]:
    """The last names of the modules that the file imports from its own package, where it is no test."""
    if aside(module.path):
        return []
    return list({one.target.rpartition(".")[2] for one in module.imports if one.level})


def _shown(option: facts.CommandOption) -> str:
    return max(option.flags, key=len)


def _by_bool(option: facts.CommandOption) -> bool:
    return option.kind == "builtins.bool" and option.action not in _FLAGS


def _is_off(option: facts.CommandOption) -> bool:
    """Whether it can be left out, and then is false: it takes somebody who types False by hand to go wrong."""
    default = option.default
    return not option.required and (default is None or (isinstance(default, expr.Literal) and not default.value))


def _given(option: facts.CommandOption, pipeline: Pipeline) -> Iterator[tuple[str, Place]]:
    """The false values that command lines of the tree pass for the option, and where."""
    for process in pipeline.processes_of(option.path):
        for entry in process.entries:
            if entry.path == option.path:
                for value in _values(entry, option.flags):
                    if value.lower() in _FALSE:
                        yield value, entry.place


def _values(entry: Entry, flags: tuple[str, ...]) -> Iterator[str]:
    arguments = entry.arguments
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in flags:
            if equals:
                yield value
            elif index + 1 < len(arguments):
                yield arguments[index + 1]
