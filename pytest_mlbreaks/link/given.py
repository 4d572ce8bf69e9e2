"""What callers and command lines give for a name that one function alone can't tell: a parameter, an option."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_mlbreaks.link.reach import Reach
from pytest_mlbreaks.model import Pipeline, Process
from pytest_mlbreaks.model.expr import Choice, Concat, Expr, Literal, Name, PathJoin, Unknown
from pytest_mlbreaks.model.facts import Call, CommandOption, Function, ModelAccess

MOST = 12
"""Expressions kept of one target: a wrapper that everything goes through names nothing."""

DEPTH_LIMIT = 3
"""Functions that hand a parameter on to each other."""


class Given:
    """Answers it for the accesses of a pipeline."""

    def __init__(self, pipeline: Pipeline, reach: Reach) -> None:
        self._pipeline = pipeline
        self._reach = reach

    def targets(self, access: ModelAccess, processes: Sequence[Process]) -> list[Expr]:
        """The target of *access*, with what is given put in for one name that is open; the target itself where nothing
        is."""
        found = list(self._filled(access.target, access.path, access.scope, processes, 0))[:MOST]
        return found or [access.target]

    def _filled(self, expr: Expr, path: str, scope: str, processes: Sequence[Process], depth: int) -> Iterator[Expr]:
        if isinstance(expr, Choice):
            for option in expr.options:
                if not isinstance(option, Unknown):
                    yield from self._filled(option, path, scope, processes, depth)
            return
        open_name = next(_open_names(expr), None)
        if open_name is None or depth > DEPTH_LIMIT:
            yield expr
            return
        options = list(self._options(open_name, processes))
        for value in options:
            yield from self._filled(_put(expr, open_name, value), path, scope, processes, depth + 1)
        if not options:
            for value, where, function in self._passed(open_name, path, scope):
                yield from self._filled(_put(expr, open_name, value), where, function, processes, depth + 1)

    def _options(self, name: Name, processes: Sequence[Process]) -> Iterator[Expr]:
        """What command lines give for ``args.NAME``, and its default."""
        destination = name.name.rpartition(".")[2]
        if "." not in name.name:
            return
        for option in self._pipeline.index(CommandOption, _option_key).get((name.path, destination), ()):
            for process in processes:
                for entry in process.entries:
                    if entry.path == name.path:
                        yield from _flag(entry.arguments, option.flags)
            if option.default is not None and option.default != Literal(None):
                yield option.default

    def _passed(self, name: Name, path: str, scope: str) -> Iterator[tuple[Expr, str, str]]:
        """What calls of the function *scope* give for its parameter *name*: the value, and where the call stands."""
        functions = self._pipeline.index(Function, _function_key).get((path, scope), ())
        if len(functions) != 1 or name.scope != scope:
            return
        names = [parameter.name for parameter in functions[0].parameters]
        if name.name not in names:
            return
        position = names.index(name.name) - (names[0] in ("self", "cls"))
        for call in self._pipeline.index(Call, _last).get(scope.rpartition(".")[2], ()):
            given = call.argument(name.name, position)
            if given is not None and self._reach.target(call.path, call.callee) == (path, scope):
                yield given.value, call.path, call.scope


def _flag(arguments: Sequence[str], flags: tuple[str, ...]) -> Iterator[Expr]:
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in flags:
            given = value if equals else next(iter(arguments[index + 1 : index + 2]), "")
            if given and "{*}" not in given and not given.startswith("--"):
                yield Literal(given)


def _open_names(expr: Expr) -> Iterator[Name]:
    """The names of *expr* that only a caller, or a command line, can tell."""
    if isinstance(expr, Name) and (expr.scope or "." in expr.name):
        yield expr
    elif isinstance(expr, Concat | PathJoin):
        for part in expr.parts:
            yield from _open_names(part)


def _put(expr: Expr, name: Name, value: Expr) -> Expr:
    """*expr* with *value* in the place of *name*."""
    if expr == name:
        return value
    if isinstance(expr, Concat):
        return Concat(tuple(_put(part, name, value) for part in expr.parts))
    if isinstance(expr, PathJoin):
        return PathJoin(tuple(_put(part, name, value) for part in expr.parts))
    return expr


def _option_key(option: CommandOption) -> tuple[str, str]:
    return (option.path, option.destination)


def _function_key(function: Function) -> tuple[str, str]:
    return (function.path, function.name)


def _last(call: Call) -> str:
    return call.callee.rpartition(".")[2]
