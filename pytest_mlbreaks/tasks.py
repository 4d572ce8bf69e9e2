"""What ``make test`` or ``just test`` runs: the lines of a target of the tree, after those that it needs.

Rules: https://www.gnu.org/software/make/manual/make.html (Reading Makefiles, Goals, Overriding Variables) and
https://just.systems/man/en/. Nothing is run: what make works out (``$(shell ...)``) is ``{*}``.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.facts import Task, TaskFile, TaskVariable

HOLE = "{*}"

PROGRAMS = frozenset({"make", "gmake", "just"})

MOST_LINES = 500
"""Lines that one command comes to, at most."""

_DEEPEST = 20
_NAMES = {
    "make": ("GNUmakefile", "makefile", "Makefile"),  # in the order in which make looks for them
    "just": ("justfile", "Justfile", ".justfile", "JUSTFILE"),
}
_MAKE_VALUES = frozenset({"-C", "--directory", "-f", "--file", "--makefile", "-I", "-o", "-W", "-O", "-l"})
_JUST_VALUES = frozenset({"-f", "--justfile", "-d", "--working-directory", "--shell", "--dotenv-path", "--color"})
_SHOWS = frozenset({"-n", "--just-print", "--dry-run", "-q", "--question", "-h", "--help", "-v", "--version", "-l"})
_GIVEN = re.compile(r"([A-Za-z_][\w.-]*)\s*:?=(.*)", re.DOTALL)
_REFERENCE = re.compile(r"\$(?:\$|\(([^()$]*)\)|\{([^{}$]*)\}|([@<^A-Za-z*?+|]))")
_INTERPOLATION = re.compile(r"\{\{(.*?)\}\}")


@dataclasses.dataclass(frozen=True)
class RunLine:
    """A text for a shell that a task runs: in *folder* (a path in the same terms as the one that was asked with), at
    *place*. *ignored*: its failure counts for nothing. *maybe*: it stands under a condition."""

    text: str
    folder: str
    place: Place
    ignored: bool = False
    maybe: bool = False


@dataclasses.dataclass(frozen=True)
class Run:
    """What a command comes to. *incomplete* says why there may be more, or is ""."""

    lines: tuple[RunLine, ...]
    incomplete: str = ""


def run(
    pipeline: Pipeline,
    words: Sequence[str],
    folder: str = "",
    *,
    locate: Callable[[str], str | None] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Run | None:
    """The lines that *words* (``make -C api test``) run from *folder*.

    *locate* tells which file of the tree a path is (the path itself, where not given); *variables* are those of the
    environment. None where *words* start no task, or which ones can't be told.
    """
    program = words[0].rpartition("/")[2] if words else ""
    if program not in PROGRAMS or _SHOWS & set(words[1:]):
        return None
    asked = _make_asked(words[1:]) if program != "just" else _just_asked(words[1:])
    if asked is None:
        return None
    where = locate or (lambda path: path if path in pipeline.paths else None)
    started = posixpath.normpath(posixpath.join(folder, asked.folder))
    started = "" if started == "." else started
    found = _file(pipeline, "just" if program == "just" else "make", asked.file, started, where)
    if found is None:
        return None
    return _Runner(pipeline, found[0], found[1], where, asked.given, variables or {}).run(asked.goals)


@dataclasses.dataclass
class _Asked:
    goals: list[str] = dataclasses.field(default_factory=list)
    folder: str = ""
    file: str = ""
    given: dict[str, str] = dataclasses.field(default_factory=dict)


def _make_asked(words: Sequence[str]) -> _Asked | None:
    asked = _Asked()
    pending = list(words)
    while pending:
        word = pending.pop(0)
        option, equals, value = word.partition("=")
        if word[:2] in ("-C", "-f") and len(word) > 2:
            option, value, equals = word[:2], word[2:], "="
        if option in _MAKE_VALUES:
            value = value if equals else pending.pop(0) if pending else ""
            if option in ("-C", "--directory"):
                asked.folder = posixpath.join(asked.folder, value)
            elif option in ("-f", "--file", "--makefile"):
                asked.file = value
        elif word in ("-j", "--jobs"):
            if pending and pending[0].isdigit():
                pending.pop(0)
        elif word.startswith("-"):
            continue
        elif given := _GIVEN.fullmatch(word):
            asked.given[given[1]] = given[2]
        else:
            asked.goals.append(word)
    return None if any(HOLE in text for text in (*asked.goals, asked.folder, asked.file)) else asked


def _just_asked(words: Sequence[str]) -> _Asked | None:
    asked = _Asked()
    pending = list(words)
    while pending:
        word = pending.pop(0)
        option, equals, value = word.partition("=")
        if not asked.goals and option in _JUST_VALUES:
            value = value if equals else pending.pop(0) if pending else ""
            if option in ("-f", "--justfile"):
                asked.file = value
            elif option in ("-d", "--working-directory"):
                asked.folder = value
        elif not asked.goals and word == "--set" and len(pending) > 1:
            asked.given[pending.pop(0)] = pending.pop(0)
        elif not asked.goals and word.startswith("-"):
            continue
        elif not asked.goals and (given := _GIVEN.fullmatch(word)):
            asked.given[given[1]] = given[2]
        else:
            asked.goals.append(word)
    return None if any(HOLE in text for text in (*asked.goals[:1], asked.folder, asked.file)) else asked


def _file(
    pipeline: Pipeline, tool: str, named: str, folder: str, where: Callable[[str], str | None]
) -> tuple[TaskFile, str] | None:
    """The file that the tool takes, and the folder that its lines run in."""
    files = pipeline.index(TaskFile, "path")
    if named:
        path = posixpath.normpath(posixpath.join(folder, named))
        found = files.get(where(path) or "", ())
        return (found[0], folder if tool == "make" else posixpath.dirname(path)) if found else None
    while True:
        for name in _NAMES[tool]:
            found = files.get(where(posixpath.join(folder, name)) or "", ())
            if found:
                return found[0], folder
        if tool == "make" or folder in ("", "/") or HOLE in folder:
            return None
        folder = posixpath.dirname(folder)  # just looks in the folders around, too


class _Runner:
    """Follows the tasks of one file and of those that it includes."""

    def __init__(
        self,
        pipeline: Pipeline,
        file: TaskFile,
        folder: str,
        where: Callable[[str], str | None],
        given: Mapping[str, str],
        environment: Mapping[str, str],
    ) -> None:
        self.pipeline = pipeline
        self.tool = file.tool
        self.folder = folder
        self.where = where
        self.given = given
        self.environment = environment
        self.incomplete = ""
        self.tasks: dict[str, list[Task]] = {}
        self.variables: dict[str, list[TaskVariable]] = {}
        self.first = ""
        self.done: set[str] = set()
        self.lines: list[RunLine] = []
        self._take(file, 0)

    def _take(self, file: TaskFile, depth: int) -> None:
        for variable in file.variables:
            self.variables.setdefault(variable.name, []).append(variable)
        for task in file.tasks:
            if not self.first and "%" not in task.name and not task.variables:
                self.first = self._expand(task.name, None)
            for name in self._expand(task.name, None).split():
                self.tasks.setdefault(name, []).append(task)
        for written in file.includes:
            base = self.folder if self.tool == "make" else file.path.rpartition("/")[0]
            text = self._expand(written, None)
            path = posixpath.normpath(posixpath.join(base, text))
            found = self.pipeline.index(TaskFile, "path").get(
                (self.where(path) or "") if self.tool == "make" else path, ()
            )
            if found and depth < _DEEPEST:
                self._take(found[0], depth + 1)
            else:
                self.incomplete = "a file that it includes is not read"

    def run(self, goals: Sequence[str]) -> Run | None:
        """The lines for *goals*; for the first target where none is named."""
        if not goals:
            named = self.variables.get(".DEFAULT_GOAL")
            first = "default" if self.tool == "just" and "default" in self.tasks else self.first
            goals = [named[-1].text] if named else [first]
        pending = list(goals)
        while pending:
            goal = pending.pop(0)
            tasks = self.tasks.get(goal)
            if tasks is None:
                return None
            arguments: list[str] = []
            if self.tool == "just":
                parameters = tasks[0].parameters
                wanted = len(pending) if any(one.added for one in parameters) else len(parameters)
                arguments, pending = pending[:wanted], pending[wanted:]
            self._run(goal, arguments, 0)
        return Run(tuple(self.lines), self.incomplete)

    def _run(self, goal: str, arguments: Sequence[str], depth: int) -> None:
        if goal in self.done or depth > _DEEPEST or len(self.lines) > MOST_LINES:
            return
        self.done.add(goal)
        tasks = self.tasks.get(goal, ())
        own = [variable for task in tasks for variable in task.variables]
        for task in tasks:
            for need in task.needs:
                for one in self._expand(need, own).split():
                    if HOLE in one:
                        self.incomplete = "what a target needs is worked out"
                    self._run(one, (), depth + 1)
        with_lines = [task for task in tasks if task.lines]
        last = [task for task in with_lines if task.added] or with_lines[-1:]  # the last one replaces those before
        for task in last:
            self.lines.extend(self._lines(task, goal, arguments, own))
        for task in tasks:
            for after in task.after:
                self._run(after, (), depth + 1)

    def _lines(self, task: Task, goal: str, arguments: Sequence[str], own: Sequence[TaskVariable]) -> Iterator[RunLine]:
        values = self._automatic(task, goal, own) if self.tool == "make" else self._parameters(task, arguments)
        made = [
            RunLine(self._expand(one.text, own, values), self.folder, one.place, one.ignored, one.maybe)
            for one in task.lines
        ]
        if not task.whole:
            yield from made
            return
        rows: dict[int, str] = {}  # lines stay where they are, so that a place below can be told
        for one in made:
            for offset, row in enumerate(one.text.split("\n")):
                rows[(one.place.line or 1) + offset] = row
        text = "\n".join(rows.get(line, "") for line in range(min(rows), max(rows) + 1))
        yield RunLine(text, self.folder, made[0].place, maybe=any(one.maybe for one in made))

    def _automatic(self, task: Task, goal: str, own: Sequence[TaskVariable]) -> dict[str, str]:
        needed = " ".join(self._expand(need, own) for need in task.needs)
        return {"@": goal, "^": needed, "+": needed, "<": needed.split(" ")[0], "MAKE": "make"}

    def _parameters(self, task: Task, arguments: Sequence[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for index, parameter in enumerate(task.parameters):
            if parameter.added:
                values[parameter.name] = " ".join(arguments[index:]) or parameter.text
            elif index < len(arguments):
                values[parameter.name] = arguments[index]
            else:
                values[parameter.name] = parameter.text if parameter.default else HOLE
        return values

    # ------------------------------------------------------------------------------------------------- variables

    def _expand(
        self,
        text: str,
        own: Sequence[TaskVariable] | None,
        values: Mapping[str, str] | None = None,
        depth: int = 0,
    ) -> str:
        known = values or {}
        if self.tool == "just":

            def interpolated(match: re.Match[str]) -> str:
                name = match[1].strip()
                return known.get(name, self._value(name, own, known, depth))

            return _INTERPOLATION.sub(interpolated, text) if "{{" in text else text

        def put(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$$"
            name = (match[1] if match[1] is not None else match[2] if match[2] is not None else match[3]).strip()
            return known.get(name, self._value(name, own, known, depth))

        if "$" not in text or depth > _DEEPEST:
            return HOLE if depth > _DEEPEST else text
        expanded = _REFERENCE.sub(put, text)
        if re.search(r"(?<!\$)\$[({]", expanded):  # a function around a reference: what it makes is not told
            expanded = _without_functions(expanded)
        return expanded if depth else expanded.replace("$$", "$")

    def _value(self, name: str, own: Sequence[TaskVariable] | None, known: Mapping[str, str], depth: int) -> str:
        if name in self.given:
            return self.given[name]
        setters = [*self.variables.get(name, ()), *(one for one in own or () if one.name == name)]
        if not setters:
            return self.environment.get(name, HOLE)
        parts: list[str] = []
        for one in setters:
            if one.default and parts:
                continue
            if one.default and name in self.environment:
                text = self.environment[name]
            else:
                text = HOLE if one.maybe else self._expand(one.text, own, known, depth + 1)
            parts = [*parts, text] if one.added else [text]
        return " ".join(parts)


def _without_functions(text: str) -> str:
    """*text* with ``{*}`` for each ``$(...)`` of make that is left in it."""
    pieces: list[str] = []
    index = 0
    while index < len(text):
        if text.startswith("$$", index):
            pieces.append("$$")
            index += 2
        elif text.startswith(("$(", "${"), index):
            close = {"(": ")", "{": "}"}[text[index + 1]]
            depth, end = 0, index + 1
            while end < len(text):
                depth += (text[end] == text[index + 1]) - (text[end] == close)
                end += 1
                if not depth:
                    break
            pieces.append(HOLE)
            index = end
        else:
            pieces.append(text[index])
            index += 1
    return "".join(pieces)
