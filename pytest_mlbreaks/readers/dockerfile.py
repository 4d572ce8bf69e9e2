"""Dockerfiles: stages, what they copy, run and start, and what their ``.dockerignore`` leaves out.

Read as BuildKit does: parser directives, line continuations with comments between them, here-documents, both forms
of every instruction. A variable with a value known in the file is an `EnvVar` of scope ``build`` with it as default.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import msgspec

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import EnvVar, Expr, Literal, PathJoin, SecretKey
from pytest_mlbreaks.model.facts import Command, Copy, Dockerfile, IgnoreFile, Stage, Variable
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import secret_key
from pytest_mlbreaks.slots import Slots, plain

_NAME = re.compile(r"(^|/)((Docker|Container)file(\.[^/]+)?|[^/]+\.[Dd]ockerfile)$")
_IGNORE = re.compile(r"(^|/)([^/]*\.)?dockerignore$")
_VARIABLE = re.compile(
    r"\\\$|\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<op>:?[-+?])(?P<word>[^{}]*))?\})"
)
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_]\w*)\2")
_FLAG = re.compile(r"--[a-z][\w-]*(=(\"[^\"]*\"|'[^']*'|\S*))?\s+")
_TEMPLATED = re.compile(r"\{%|^FROM[^\n]*\{\{", re.MULTILINE)
_KNOWN = frozenset(
    {
        *(
            "FROM",
            "RUN",
            "CMD",
            "ENTRYPOINT",
            "COPY",
            "ADD",
            "ENV",
            "ARG",
            "WORKDIR",
            "EXPOSE",
            "VOLUME",
            "USER",
            "LABEL",
        ),
        *("STOPSIGNAL", "HEALTHCHECK", "SHELL", "ONBUILD", "MAINTAINER"),
    }
)


class _Instruction(msgspec.Struct):
    """One instruction: its *keyword* in capitals, the rest with continuations joined, and its here-documents."""

    keyword: str
    rest: str
    line: int
    end_line: int
    documents: list[str]


class _Stage(msgspec.Struct):
    """A stage under construction; *values* are the variables known in it."""

    index: int
    name: str
    base: Expr
    base_stage: int | None
    place: Place
    values: dict[str, Expr]
    workdir: Expr | None
    copies: list[Copy] = []
    runs: list[Command] = []
    variables: dict[str, Variable] = {}
    entrypoint: Command | None = None
    command: Command | None = None
    ports: list[Expr] = []
    volumes: list[str] = []

    def frozen(self) -> Stage:
        return Stage(
            index=self.index,
            name=self.name,
            base=self.base,
            base_stage=self.base_stage,
            copies=tuple(self.copies),
            runs=tuple(self.runs),
            variables=tuple(self.variables.values()),
            workdir=self.workdir,
            entrypoint=self.entrypoint,
            command=self.command,
            ports=tuple(self.ports),
            volumes=tuple(self.volumes),
            place=self.place,
        )


def claims(path: str) -> bool:
    """Dockerfiles and their ignore files."""
    return bool(_NAME.search(path) or _IGNORE.search(path))


def read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Dockerfile`, or the `IgnoreFile`, that *file* is."""
    if _IGNORE.search(file.path):
        lines = (line.strip() for line in file.lines)
        patterns = tuple(line for line in lines if line and not line.startswith("#"))
        yield IgnoreFile(place=Place(file.path), patterns=patterns)
        return
    if file.path.endswith((".md", ".py", ".j2", ".jinja", ".tmpl", ".tpl")) or _TEMPLATED.search(file.text):
        yield Diagnostic(Place(file.path), "warning", "a template, not a Dockerfile until it is rendered; not read")
        return
    yield from _Builder(file).read()


READER: Reader[TextFile] = Reader("dockerfile", 1, TEXT, (Dockerfile, IgnoreFile), claims, read)


class _Builder:
    """Reads one Dockerfile, instruction by instruction."""

    def __init__(self, file: TextFile) -> None:
        self._file = file
        self._escape = "\\"
        self._global: dict[str, Expr] = {}
        self._arguments: list[Variable] = []
        self._stages: list[_Stage] = []

    def read(self) -> Iterator[Fact | Diagnostic]:
        """The facts of the file; nothing but a diagnostic where it has no stage."""
        for instruction in self._instructions():
            if instruction.keyword not in _KNOWN:
                place = Place(self._file.path, instruction.line)
                yield Diagnostic(place, "warning", f"unknown Dockerfile instruction {instruction.keyword[:40]!r}")
                continue
            self._take(instruction)
        if self._stages:
            stages = tuple(stage.frozen() for stage in self._stages)
            yield Dockerfile(place=self._stages[-1].place, stages=stages, arguments=tuple(self._arguments))
        elif self._file.text.strip():
            yield Diagnostic(Place(self._file.path, 1), "warning", "no FROM: not a Dockerfile that can be built")

    def _instructions(self) -> Iterator[_Instruction]:
        lines = self._file.lines
        index, directives = 0, True
        while index < len(lines):
            text = lines[index].strip()
            if text.startswith("#"):
                directive = _DIRECTIVE.match(text) if directives else None
                if directive and directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
                    self._escape = directive[2]
                directives = directives and directive is not None
                index += 1
                continue
            directives = False
            if not text:
                index += 1
                continue
            start = index
            parts: list[str] = []
            while index < len(lines):
                line = lines[index]
                stripped = line.strip()
                index += 1
                if parts and (stripped.startswith("#") or not stripped):
                    parts.append("")  # a comment, or an empty line, inside a continued instruction
                    continue
                bare = line.rstrip()
                if bare.endswith(self._escape):
                    parts.append(bare[: -len(self._escape)])
                    continue
                parts.append(bare)
                break
            keyword, _, rest = "\n".join(parts).strip().partition(" ")
            if "\n" in keyword or "\t" in keyword:
                keyword, _, rest = "\n".join(parts).strip().replace("\t", " ", 1).partition(" ")
            documents: list[str] = []
            if keyword.upper() in ("RUN", "COPY", "ADD"):
                for match in _HEREDOC.finditer(rest):
                    body: list[str] = []
                    while index < len(lines):
                        line = lines[index].lstrip("\t") if match[1] else lines[index]
                        index += 1
                        if line.rstrip() == match[3]:
                            break
                        body.append(line)
                    documents.append("\n".join(body))
            yield _Instruction(keyword.upper(), rest.strip(), start + 1, index, documents)

    def _take(self, instruction: _Instruction) -> None:
        rest = instruction.rest
        if instruction.keyword == "FROM":
            self._from(instruction)
            return
        if instruction.keyword == "ARG":
            self._argument(instruction)
            return
        if not self._stages:
            return
        stage = self._stages[-1]
        match instruction.keyword:
            case "ENV":
                self._environment(instruction, stage)
            case "WORKDIR":
                path = self._expr(rest.strip("\"'"), stage)
                absolute = rest.strip("\"'").startswith(("/", "$"))
                stage.workdir = path if absolute or stage.workdir is None else PathJoin((stage.workdir, path))
            case "COPY" | "ADD":
                self._copy(instruction, stage)
            case "RUN":
                command = self._command(instruction, stage)
                if command is not None:
                    stage.runs.append(command)
            case "ENTRYPOINT":
                stage.entrypoint, stage.command = self._command(instruction, stage), None
            case "CMD":
                stage.command = self._command(instruction, stage)
            case "EXPOSE":
                stage.ports.extend(self._expr(port.partition("/")[0], stage) for port in rest.split())
            case "VOLUME":
                listed = _json_list(rest)
                stage.volumes.extend(listed if listed is not None else rest.split())

    def _from(self, instruction: _Instruction) -> None:
        words = _FLAG.sub("", instruction.rest + " ").split()
        if not words:
            return
        name = words[2] if len(words) >= 3 and words[1].lower() == "as" else ""
        earlier = next((s.index for s in self._stages if s.name and s.name.lower() == words[0].lower()), None)
        inherited = self._stages[earlier] if earlier is not None else None
        self._stages.append(
            _Stage(
                index=len(self._stages),
                name=name,
                base=self._with_values(words[0], self._global),
                base_stage=earlier,
                place=self._place(instruction),
                values={v.name: inherited.values[v.name] for v in inherited.variables.values()} if inherited else {},
                workdir=inherited.workdir if inherited else None,
            )
        )

    def _argument(self, instruction: _Instruction) -> None:
        stage = self._stages[-1] if self._stages else None
        for word in _words(instruction.rest):
            name, given, text = word.partition("=")
            if not name.isidentifier():
                continue
            known = stage.values if stage else self._global
            default = self._with_values(text, known) if given else (self._global.get(name) if stage else None)
            value = EnvVar(name, _base_default(default), "build")
            known[name] = value
            if default is not None:
                self._arguments.append(Variable(name=name, value=default, place=self._place(instruction)))

    def _environment(self, instruction: _Instruction, stage: _Stage) -> None:
        rest = instruction.rest
        first = rest.split(None, 1)[0] if rest else ""
        if "=" in first:
            pairs = [word.partition("=")[::2] for word in _words(rest)]
        else:
            name, _, text = rest.partition(" ")
            pairs = [(name, text.strip())]
        values = {}
        for name, text in pairs:
            value = self._expr(text, stage)
            if isinstance(value, Literal) and value.value and secret_key(name):
                value = SecretKey(self._file.path, name)
            values[name] = value
            stage.variables[name] = Variable(name=name, value=value, place=self._place(instruction))
        stage.values.update(values)  # all of one instruction see what was before it

    def _copy(self, instruction: _Instruction, stage: _Stage) -> None:
        rest = instruction.rest
        origin = ""
        while (flag := _FLAG.match(rest)) is not None:
            if flag[0].startswith("--from="):
                origin = (flag[2] or "").strip("\"'")
            rest = rest[flag.end() :]
        words = _json_list(rest)
        if words is None:
            words = [w for w in _words(rest) if not _HEREDOC.match(w)]
        inline = bool(instruction.documents)
        if not words or (len(words) < 2 and not inline):
            return
        stage.copies.append(
            Copy(
                sources=tuple(self._expr(word, stage) for word in words[:-1]),
                target=self._expr(words[-1], stage),
                origin=origin,
                add=instruction.keyword == "ADD",
                inline=inline,
                workdir=stage.workdir,
                place=self._place(instruction),
            )
        )

    def _command(self, instruction: _Instruction, stage: _Stage) -> Command | None:
        rest = instruction.rest
        while instruction.keyword == "RUN" and (flag := _FLAG.match(rest)) is not None:
            rest = rest[flag.end() :]
        place = self._place(instruction)
        listed = _json_list(rest)
        if listed is not None:
            # the exec form starts no shell, and Docker replaces nothing in it
            argv = tuple(Literal(word) for word in listed)
            return Command(argv=argv, workdir=stage.workdir, place=place) if argv else None
        if instruction.documents and not _HEREDOC.sub("", rest).strip():
            rest = "\n".join(instruction.documents)
        else:
            # Docker joins continued lines; a shell's own mark for that keeps the numbers of the lines
            rest = rest.replace("\n", "\\\n")
        shell = self._expr(rest, stage) if instruction.keyword == "RUN" else Literal(rest)
        return Command(shell=shell, workdir=stage.workdir, place=place)

    def _expr(self, text: str, stage: _Stage) -> Expr:
        return self._with_values(text, stage.values)

    def _with_values(self, text: str, known: dict[str, Expr]) -> Expr:
        if "$" not in text:
            return Literal(text)
        slots = Slots()

        def hold(match: re.Match[str]) -> str:
            name = match["bare"] or match["name"]
            if name is None:
                return "$"
            return slots.hold(self._variable(name, match["op"] or "", match["word"] or "", known))

        try:
            return slots.expr(_VARIABLE.sub(hold, plain(text)))
        except ValueError:
            return Literal(text)

    def _variable(self, name: str, operator: str, word: str, known: dict[str, Expr]) -> Expr:
        value = known.get(name)
        if value is not None and operator in ("", ":-", "-"):
            return value
        default = self._with_values(word, known) if operator in (":-", "-") else None
        return EnvVar(name, default, "build", operator.startswith(":"))

    def _place(self, instruction: _Instruction) -> Place:
        first = self._file.lines[instruction.line - 1]
        last = self._file.lines[instruction.end_line - 1] if instruction.end_line <= len(self._file.lines) else ""
        column = len(first) - len(first.lstrip()) + 1
        return Place(self._file.path, instruction.line, column, instruction.end_line, len(last) + 1)


def _base_default(default: Expr | None) -> Expr | None:
    """The default of an ARG that repeats a global one is that one's own default."""
    return default.default if isinstance(default, EnvVar) and default.scope == "build" else default


def _json_list(text: str) -> list[str] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [str(item) for item in value] if isinstance(value, list) else None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, posix=True)
    except ValueError:
        return text.split()
