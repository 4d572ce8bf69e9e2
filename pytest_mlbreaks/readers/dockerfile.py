"""Dockerfiles: stages, what they copy, run and start, and what their ``.dockerignore`` leaves out.

Read as BuildKit does: parser directives, line continuations with comments between them, here-documents, both forms
of every instruction. A variable with a value known in the file is an `EnvVar` of scope ``build`` with it as default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal as L

import msgspec

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import EnvVar, Expr, Literal, PathJoin, SecretKey, Unknown
from pytest_mlbreaks.model.facts import Command, Copy, Dockerfile, IgnoreFile, LocalPurpose, Mount, Stage, Variable
from pytest_mlbreaks.readers import _purposes
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import secret_key
from pytest_mlbreaks.slots import Slots, plain

_NAME = re.compile(
    r"(^|/)((Docker|Container)file([._-][^/]+)?|dockerfile(?!.*\.(?:py|go|js|ts|rs|java|md|json|ya?ml|sh|txt|html?)$)([._-][^/]+)?"
    r"|[^/]+\.[Dd]ockerfile)$"
)
_IGNORE = re.compile(r"(^|/)([^/]*\.)?dockerignore$")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=\s*(\S+)", re.IGNORECASE)
_HEREDOC = re.compile(r"(?<!\S)\d*<<(-?)([\"']?)([^\s<>\"']+)\2(?!\S)")
_FLAG = re.compile(r"--([a-z][\w-]*)(?:=(\"[^\"]*\"|'[^']*'|\S*))?[ \t]+(?:\\?\n[ \t]*)*|\\?\n[ \t]*")
_SHELL_SCRIPT = re.compile(r"#!\s*\S*/(env\s+)?(ba|da|a|z|k)?sh\b")
_SHELL_FORMS = frozenset({"RUN", "CMD", "ENTRYPOINT"})
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
    """A stage under construction; *values* are the variables known in it, *given* those that a stage below sets."""

    index: int
    name: str
    base: Expr
    base_stage: int | None
    place: Place
    values: dict[str, Expr]
    given: set[str]
    workdir: Expr | None
    copies: list[Copy] = []
    runs: list[Command] = []
    variables: dict[str, Variable] = {}
    entrypoint: Command | None = None
    command: Command | None = None
    ports: list[Expr] = []
    volumes: list[str] = []
    healthcheck: L["", "set", "none"] = ""

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
            healthcheck=self.healthcheck,
            place=self.place,
        )


def claims(path: str) -> bool:
    """Dockerfiles and their ignore files."""
    named = ("ockerfile" in path or "ontainerfile" in path) and _NAME.search(path) is not None
    return named or (path.endswith("dockerignore") and _IGNORE.search(path) is not None)


def read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Dockerfile`, or the `IgnoreFile`, that *file* is."""
    if _IGNORE.search(file.path):
        lines = (line.strip() for line in file.lines if not line.startswith("#"))
        patterns = tuple(line for line in lines if line)
        yield IgnoreFile(place=Place(file.path), patterns=patterns)
        return
    if file.path.endswith((".md", ".py", ".sh", ".j2", ".jinja", ".tmpl", ".tpl")) or _TEMPLATED.search(file.text):
        yield Diagnostic(Place(file.path), "warning", "a template, not a Dockerfile until it is rendered; not read")
        return
    yield from _purposes.stated(file.path, file.text)
    yield from _Builder(file).read()


READER: Reader[TextFile] = Reader("dockerfile", 5, TEXT, (Dockerfile, IgnoreFile, LocalPurpose), claims, read)


class _Builder:
    """Reads one Dockerfile, instruction by instruction."""

    def __init__(self, file: TextFile) -> None:
        self._file = file
        self._escape = "\\"
        self._last_lines = {line.lstrip("\t"): number for number, line in enumerate(file.lines)}
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
                bare = line.rstrip(" \t")
                if bare.endswith(self._escape) and not bare.endswith(self._escape * 2):
                    parts.append(bare[: -len(self._escape)])
                    continue
                parts.append(bare)
                break
            words = parts[0].split(None, 1)
            keyword = words[0].upper() if words else parts[0].strip().upper()
            parts[0] = words[1] if len(words) > 1 else ""
            # the shell, too, joins lines at a backslash: kept there, so that lines can still be counted
            rest = ("\\\n" if keyword in _SHELL_FORMS else "").join(parts)
            documents: list[str] = []
            if keyword in ("RUN", "COPY", "ADD") and "<<" in rest:
                for match in _HEREDOC.finditer(rest):
                    index, body = self._document(index, match[3], bool(match[1]))
                    if body is not None:
                        documents.append(body)
            yield _Instruction(keyword, rest.strip(), start + 1, index, documents)

    def _document(self, index: int, delimiter: str, tabs: bool) -> tuple[int, str | None]:
        """The body of a here-document that begins at line *index*, and the line after it; None if it has no end."""
        lines = self._file.lines
        if delimiter not in self._last_lines:
            return index, None
        for end in range(index, self._last_lines[delimiter] + 1):
            if (lines[end].lstrip("\t") if tabs else lines[end]) == delimiter:
                body = lines[index:end]
                return end + 1, "\n".join(line.lstrip("\t") if tabs else line for line in body)
        return index, None

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
                path = self._expr(rest, stage)
                absolute = rest.strip("\"'").startswith("/")
                stage.workdir = path if absolute or stage.workdir is None else PathJoin((stage.workdir, path))
            case "COPY" | "ADD":
                self._copy(instruction, stage)
            case "RUN":
                command = self._command(instruction, stage)
                stage.runs.append(command)
            case "ENTRYPOINT":
                stage.entrypoint = self._command(instruction, stage)
            case "CMD":
                stage.command = self._command(instruction, stage)
            case "EXPOSE":
                stage.ports.extend(self._expr(re.sub(r"/\w+$", "", port), stage) for port in rest.split())
            case "VOLUME":
                listed = _json_list(rest)
                stage.volumes.extend(listed if listed is not None else rest.split())
            case "HEALTHCHECK":
                stage.healthcheck = "none" if rest.strip().upper() == "NONE" else "set"

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
                values=dict(inherited.values) if inherited else {},
                given=inherited.given | set(inherited.variables) if inherited else set(),
                workdir=inherited.workdir if inherited else None,
            )
        )

    def _argument(self, instruction: _Instruction) -> None:
        stage = self._stages[-1] if self._stages else None
        for word in _words(instruction.rest):
            name, given, text = word.partition("=")
            if not name.isidentifier() or (stage and (name in stage.variables or name in stage.given)):
                continue  # a variable of ENV holds over a build argument of its name
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
            name, text = [*rest.split(None, 1), "", ""][:2]
            pairs = [(name, text)]
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
        moved = False
        while (flag := _FLAG.match(rest)) is not None:
            if flag[1] == "from":
                origin = (flag[2] or "").strip("\"'")
            moved = moved or flag[1] in ("parents", "exclude")
            rest = rest[flag.end() :]
        words = _json_list(rest)
        if words is None:
            words = [w for w in _words(rest) if not _HEREDOC.match(w)]
        inline = bool(instruction.documents)
        if not words or (len(words) < 2 and not inline):
            return
        stage.copies.append(
            Copy(
                # --parents puts files elsewhere, --exclude leaves some out: which, is not worked out
                sources=tuple(Unknown("chosen by a flag") if moved else self._expr(w, stage) for w in words[:-1]),
                target=self._expr(words[-1], stage),
                origin=origin,
                add=instruction.keyword == "ADD",
                inline=inline,
                workdir=stage.workdir,
                place=self._place(instruction),
            )
        )

    def _command(self, instruction: _Instruction, stage: _Stage) -> Command:
        rest = instruction.rest
        above = 0
        place = self._place(instruction)
        mounts: list[Mount] = []
        while instruction.keyword == "RUN" and (flag := _FLAG.match(rest)) is not None:
            above += flag[0].count("\n")
            rest = rest[flag.end() :]
            if flag[1] == "mount":
                mounts += self._bind((flag[2] or "").strip("\"'"), stage, place)
        listed = _json_list(rest)
        if listed is not None:
            # the exec form starts no shell, and Docker replaces nothing in it
            argv = tuple(Literal(word) for word in listed)
            return Command(argv=argv, workdir=stage.workdir, mounts=tuple(mounts), place=place)
        if instruction.documents and not _HEREDOC.sub("", rest).strip():
            above += 1
            rest = "\n".join(instruction.documents)
            if rest.startswith("#!") and not _SHELL_SCRIPT.match(rest):
                return Command(shell=Unknown("a script in another language"), workdir=stage.workdir, place=place)
        rest = "\n" * above + rest  # so that lines count from the instruction's own
        shell = self._expr(rest, stage, shell=True) if instruction.keyword == "RUN" else Literal(rest)
        return Command(shell=shell, workdir=stage.workdir, mounts=tuple(mounts), place=place)

    def _bind(self, text: str, stage: _Stage, place: Place) -> Iterator[Mount]:
        """A mount of the build context for one RUN; ``type=bind`` is the default, and the context's root its source.
        https://docs.docker.com/reference/dockerfile/#run---mounttypebind"""
        options = dict(part.partition("=")[::2] for part in text.split(","))
        if options.get("type", "bind") != "bind" or "from" in options:
            return
        source = options.get("source", options.get("src", "."))
        target = next((options[key] for key in ("target", "dst", "destination") if key in options), "")
        if target:
            at = self._expr(target, stage)
            yield Mount(kind="bind", source=self._expr(source, stage), target=at, read_only=True, place=place)

    def _expr(self, text: str, stage: _Stage, *, shell: bool = False) -> Expr:
        return self._with_values(text, stage.values, shell=shell)

    def _with_values(self, text: str, known: dict[str, Expr], *, shell: bool = False, depth: int = 0) -> Expr:
        """*text* with its variables taken for what they are in *known*, and, unless it is for a *shell*, without its
        quotes and escapes. As in Docker, nothing is replaced between single quotes or after the escape character."""
        if not any(c in text for c in "$'\"\\`"):
            return Literal(text)
        slots = Slots()
        made: list[str] = []
        text = plain(text)
        index, quote = 0, ""
        try:
            while index < len(text):
                char = text[index]
                if char == self._escape and quote != "'" and index + 1 < len(text):
                    kept = shell or (quote and text[index + 1] not in '"$\\')
                    made.append(text[index : index + 2] if kept else text[index + 1])
                    index += 2
                elif char in "'\"" and quote in ("", char):
                    quote = "" if quote else char
                    made.append(char if shell else "")
                    index += 1
                elif char == "$" and quote != "'":
                    end, value = self._variable(text, index, known, depth)
                    made.append(slots.hold(value) if value is not None else text[index:end])
                    index = end
                else:
                    made.append(char)
                    index += 1
            return slots.expr("".join(made))
        except ValueError:
            return Unknown("too many variables in one text")

    def _variable(self, text: str, index: int, known: dict[str, Expr], depth: int) -> tuple[int, Expr | None]:
        """The variable that begins with the ``$`` at *index*, and where it ends; None where it is just text."""
        match = _IDENTIFIER.match(text, index + 1)
        if match:
            return match.end(), known.get(match[0]) or EnvVar(match[0], None, "build")
        match = _IDENTIFIER.match(text, index + 2) if text.startswith("${", index) else None
        if match is None:
            return index + 1, None
        name, end = match[0], match.end()
        if text.startswith("}", end):
            return end + 1, known.get(name) or EnvVar(name, None, "build")
        close = _closing(text, end)
        if close < 0 or depth > 8:
            return len(text), Unknown(f"a form of ${{{name}}} that is not read")
        operator = re.match(r":?[-+]", text[end : end + 2])
        if operator is None:
            return close + 1, Unknown(f"a part of ${name}")
        value = known.get(name)
        word = self._with_values(text[end + len(operator[0]) : close], known, depth=depth + 1)
        empties = operator[0].startswith(":")
        if operator[0].endswith("+"):
            if isinstance(value, Literal):
                return close + 1, word if value.value or not empties else Literal("")
            return close + 1, Unknown(f"depends on whether {name} is set")
        if isinstance(value, Literal) and not value.value and empties:
            return close + 1, word
        if value is None or (isinstance(value, EnvVar) and value.default is None):
            return close + 1, EnvVar(name, word, "build", empties)
        return close + 1, value

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
        value = json.loads(text.replace("\\\n", ""))  # a line that goes on is no part of the list
    except (ValueError, RecursionError):
        return None
    return [str(item) for item in value] if isinstance(value, list) else None


def _closing(text: str, index: int) -> int:
    """Where the brace that is open at *index* is closed; -1 where it is not."""
    depth = 1
    for match in re.compile(r"\$\{|\}").finditer(text, index):
        depth += 1 if match[0] == "${" else -1
        if not depth:
            return match.start()
    return -1


_WORD = re.compile(r"(?:[^\s\"'\\]|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*'|[\"'\\])+", re.DOTALL)


def _words(text: str) -> list[str]:
    """The words of *text*, quotes and escapes still in them."""
    return _WORD.findall(text)
