"""Makefiles and justfiles: their targets with what each runs, for whoever follows ``make test`` of a job or an image.

Rules: https://www.gnu.org/software/make/manual/make.html (Rule Syntax, Setting Variables, Execution) and
https://just.systems/man/en/ (Dependencies, Parameters, Shebang Recipes). Nothing is expanded here: what a variable is
may depend on the command that starts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import Task, TaskFile, TaskLine, TaskVariable
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url, secret_key

MOST = 200_000
"""Characters. A longer file was made by a program (automake, CMake)."""

_MAKEFILES = ("Makefile", "makefile", "GNUmakefile")

_ASSIGNED = re.compile(
    r"(?:(?:export|override|private)\s+)*(\.?[A-Za-z_][\w.-]*)\s*(\?|:{1,3}|\+|!)?=\s*(.*)", re.DOTALL
)
_INCLUDE = re.compile(r"(?:-|s)?include\s+(.+)")
_CONDITION = re.compile(r"(?:ifeq|ifneq|ifdef|ifndef)\b")
_RULE = re.compile(r"([^:=#\t][^:=#]*?)\s*&?(::?)(?![:=])(.*)", re.DOTALL)

_JUST_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_JUST_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[^:]*)?):(?!=)(.*)")
_JUST_ALIAS = re.compile(r"alias\s+([A-Za-z_][\w-]*)\s*:=\s*([A-Za-z_][\w-]*)")
_JUST_IMPORT = re.compile(r"import\??\s+(['\"])(.+?)\1")
_JUST_PARAMETER = re.compile(r"([+*])?\$?([A-Za-z_][\w-]*)(?:\s*=\s*('[^']*'|\"[^\"]*\"|[\w./-]+))?")
_JUST_NEED = re.compile(r"\(\s*([A-Za-z_][\w-]*)[^)]*\)|([A-Za-z_][\w-]*)")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"\\]*)\"")


def _claims(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in _MAKEFILES or name.endswith((".mk", ".just")) or name.lower() in ("justfile", ".justfile")


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    if len(file.text) > MOST:
        return
    name = file.path.rpartition("/")[2]
    if name in _MAKEFILES or name.endswith(".mk"):
        yield _Makefile(file).read()
    else:
        yield _Justfile(file).read()


def _variable(name: str, text: str, place: Place, **more: bool) -> TaskVariable:
    return TaskVariable(name=name, text="" if secret_key(name) else redact_url(text), place=place, **more)


class _Building:
    """A task on the way: its lines are gathered."""

    def __init__(self, names: Sequence[str], needs: Sequence[str], place: Place) -> None:
        self.names = names
        self.needs = list(needs)
        self.place = place
        self.lines: list[TaskLine] = []
        self.variables: list[TaskVariable] = []
        self.parameters: tuple[TaskVariable, ...] = ()
        self.after: tuple[str, ...] = ()
        self.whole = False
        self.added = False

    def tasks(self) -> Iterator[Task]:
        for name in self.names:
            yield Task(
                name=name,
                needs=tuple(self.needs),
                after=self.after,
                lines=tuple(self.lines),
                variables=tuple(self.variables),
                parameters=self.parameters,
                whole=self.whole,
                added=self.added,
                place=self.place,
            )


class _Makefile:
    """Reads one Makefile, line by line."""

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.variables: list[TaskVariable] = []
        self.found: list[_Building] = []
        self.includes: list[str] = []
        self.current: _Building | None = None
        self.depth = 0
        self.one_shell = False

    def read(self) -> TaskFile:
        lines = self.file.lines
        index = 0
        while index < len(lines):
            start, pieces = index, [lines[index]]
            while pieces[-1].endswith("\\") and index + 1 < len(lines):
                index += 1
                pieces.append(lines[index])
            index += 1
            if pieces[0].startswith("\t") and self.current is not None:
                self._recipe("\n".join(pieces)[1:], start + 1)
                continue
            text = " ".join(piece.rstrip("\\").strip() for piece in pieces).strip()
            if text.startswith("define "):
                index = next((i for i in range(index, len(lines)) if lines[i].strip() == "endef"), len(lines)) + 1
            elif text and not text.startswith("#"):
                self._line(text, start + 1)
        tasks = tuple(task for one in self.found for task in one.tasks())
        whole = self.one_shell
        return TaskFile(
            tool="make",
            variables=tuple(self.variables),
            tasks=tuple(_as_whole(task) for task in tasks) if whole else tasks,
            includes=tuple(self.includes),
            place=Place(self.file.path, 1),
        )

    def _recipe(self, text: str, line: int) -> None:
        building = self.current
        if building is None or text.lstrip(" \t@+-").startswith("#") or not text.strip():
            return
        stripped = text.lstrip(" \t")
        body = stripped.lstrip("@+- ")
        failing = "-" in stripped[: len(stripped) - len(body)]
        place = Place(self.file.path, line)
        building.lines.append(TaskLine(text=redact_url(body), maybe=self.depth > 0, ignored=failing, place=place))

    def _line(self, text: str, line: int) -> None:
        place = Place(self.file.path, line)
        if _CONDITION.match(text):
            self.depth += 1
        elif text.split(maxsplit=1)[0] == "endif":
            self.depth = max(0, self.depth - 1)
        elif text.split(maxsplit=1)[0] == "else":
            return  # the other side of a condition: whichever holds, what stands there is not sure
        elif assigned := _ASSIGNED.fullmatch(text):
            self.current = None
            self.variables.append(self._assigned(assigned, place))
        elif included := _INCLUDE.fullmatch(text):
            self.current = None
            self.includes.extend(_without_comment(included[1]).split())
        elif rule := _RULE.fullmatch(text):
            self._rule(rule[1].split(), rule[3], place, added=rule[2] == "::")

    def _assigned(self, match: re.Match[str], place: Place) -> TaskVariable:
        kind = match[2] or ""
        text = _without_comment(match[3])
        return _variable(
            match[1], text, place, default=kind == "?", added=kind == "+", maybe=self.depth > 0 or kind == "!"
        )

    def _rule(self, targets: list[str], rest: str, place: Place, *, added: bool) -> None:
        self.current = None
        if targets == [".ONESHELL"]:
            self.one_shell = True
        if not targets or (targets[0].startswith(".") and targets[0][1:2].isupper()):
            return
        own = _ASSIGNED.fullmatch(rest.strip())
        if own is not None:
            building = _Building(targets, (), place)
            building.variables.append(self._assigned(own, place))
            self.found.append(building)
            return
        needed, semicolon, recipe = rest.partition(";")
        building = _Building(targets, [n for n in _without_comment(needed).split() if n != "|"], place)
        building.added = added
        self.found.append(building)
        self.current = building
        if semicolon:
            self._recipe(recipe, place.line or 1)


def _as_whole(task: Task) -> Task:
    """The task with all of its lines in one shell (``.ONESHELL``)."""
    return msgspec.structs.replace(task, whole=True)


def _without_comment(text: str) -> str:
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


class _Justfile:
    """Reads one justfile."""

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.variables: list[TaskVariable] = []
        self.found: list[_Building] = []
        self.includes: list[str] = []
        self.aliases: list[tuple[str, str, Place]] = []

    def read(self) -> TaskFile:
        current: _Building | None = None
        lines = self.file.lines
        index = 0
        while index < len(lines):
            start, line = index, lines[index]
            index += 1
            if line[:1] in (" ", "\t"):
                pieces = [line.strip()]
                while current is not None and not current.whole and pieces[-1].endswith("\\") and index < len(lines):
                    pieces.append(lines[index])
                    index += 1
                if current is not None:
                    self._body(current, "\n".join(pieces), start + 1)
                continue
            if line.strip() and not line.startswith(("#", "[")):
                current = self._line(line.rstrip(), start + 1)
        tasks = [task for one in self.found for task in one.tasks()]
        by_name = {task.name: task for task in tasks}
        for alias, meant, place in self.aliases:
            # a recipe of another file is run as one that is needed, without arguments
            other = by_name.get(meant) or Task(name=meant, needs=(meant,), place=place)
            tasks.append(msgspec.structs.replace(other, name=alias))
        return TaskFile(
            tool="just",
            variables=tuple(self.variables),
            tasks=tuple(tasks),
            includes=tuple(self.includes),
            place=Place(self.file.path, 1),
        )

    def _body(self, building: _Building, text: str, line: int) -> None:
        if not building.lines and text.startswith("#!"):
            building.whole = True
        stripped = text.lstrip("@-") if not building.whole else text
        if not stripped.strip() or (stripped.startswith("#") and not stripped.startswith("#!")):
            return
        failing = not building.whole and "-" in text[: len(text) - len(stripped)]
        place = Place(self.file.path, line)
        building.lines.append(TaskLine(text=redact_url(stripped), ignored=failing, place=place))

    def _line(self, text: str, line: int) -> _Building | None:
        place = Place(self.file.path, line)
        if alias := _JUST_ALIAS.match(text):
            self.aliases.append((alias[1], alias[2], place))
        elif imported := _JUST_IMPORT.match(text):
            self.includes.append(imported[2])
        elif text.startswith(("set ", "mod ", "mod? ", "unexport ")):
            return None
        elif variable := _JUST_VARIABLE.fullmatch(text):
            plain = _QUOTED.fullmatch(variable[2].strip())
            value = (plain[1] if plain[1] is not None else plain[2]) if plain is not None else ""
            self.variables.append(_variable(variable[1], value, place, maybe=plain is None))
        elif recipe := _JUST_RECIPE.fullmatch(text):
            before, _, after = recipe[3].partition("&&")
            building = _Building([recipe[1]], _needs(before), place)
            building.after = tuple(_needs(after))
            building.parameters = tuple(
                _variable(one[2], (one[3] or "").strip("'\""), place, default=one[3] is not None, added=bool(one[1]))
                for one in _JUST_PARAMETER.finditer(recipe[2])
            )
            self.found.append(building)
            return building
        return None


def _needs(text: str) -> list[str]:
    text = _without_comment(text)
    return [one[1] or one[2] for one in _JUST_NEED.finditer(text)]


READER: Reader[TextFile] = Reader("task-files", 1, TEXT, (TaskFile,), _claims, _read)
