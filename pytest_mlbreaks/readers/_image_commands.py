"""Commands in shell text that build, tag and push images: ``docker build``, ``az acr build``, ``gcloud builds submit``.

The text is split into commands by a small tokenizer that knows quotes, continued lines, ``cd``, assignments and
``$(...)``. What it does not understand it leaves out: no build is better than a wrong one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

import msgspec

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, PathJoin, SecretKey, Unknown, literal_text
from pytest_mlbreaks.model.facts import Command, ImageBuild, Variable
from pytest_mlbreaks.secrets import secret_key
from pytest_mlbreaks.slots import Slots, join, sealed

_TOOLS = re.compile(
    r"\b(?:(?:docker|podman)\s+(?:buildx\s+|image\s+|builder\s+)?(?:build|b|push|tag)|az\s+acr\s+build|gcloud\s+builds\s+submit)\b"
)
_LINE_OF_INTEREST = re.compile(r"\b(?:docker|podman|az|gcloud|cd|pushd|popd)\b|[()]|^\s*(?:export\s+)?[A-Za-z_]\w*=")
_PROGRAMS = frozenset({"docker", "podman", "az", "gcloud"})
_WRAPPERS = frozenset({"env", "retry", "timeout", "nice", "nohup"})
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?])([^{}$]*))?\})")
_EXPANSION = re.compile(r"\$\{[^{}]*\}|\$[0-9@*#?!$-]")
_HERE_DOCUMENT = re.compile(r"(?<!<)<<-?\s*[\"']?([A-Za-z_]\w*)")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SEPARATORS = frozenset(";&|()")
_REDIRECTIONS = frozenset("<>")
_PUNCTUATION = _SEPARATORS | _REDIRECTIONS
_PREFIXES = frozenset({"sudo", "time", "exec", "command", "then", "do", "else", "if", "!", "{", "while", "until"})
_SWITCHES = frozenset(
    {
        *("--push", "--load", "--pull", "--no-cache", "--rm", "--force-rm", "-q", "--quiet", "--squash", "--compress"),
        *("--disable-content-trust", "--check", "-D", "--debug", "--no-logs", "--no-push", "--no-wait", "--async"),
        *("--verbose", "--no-format", "--suppress-logs", "--only-show-errors", "-l", "--layers"),
    }
)
"""Options of the build commands that take no value; every other option takes one."""


class _Parsed(msgspec.Struct):
    """The options and operands of one command."""

    options: dict[str, list[str]]
    operands: list[str]

    def last(self, *names: str) -> str | None:
        values = self.all(*names)
        return values[-1] if values else None

    def all(self, *names: str) -> list[str]:
        return [value for name in names for value in self.options.get(name, ())]


class ImageCommands:
    """Reads the commands of one owner's shell texts, one after the other."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._pushed: list[Expr] = []
        self._tagged: list[tuple[Expr, Expr]] = []

    def read(self, command: Command, variables: Iterable[Variable] = ()) -> list[ImageBuild]:
        """The builds in the shell text of *command*; *variables* are those that are given to it alone."""
        parts = command.shell.parts if isinstance(command.shell, Concat) else (command.shell,)
        if not any(_TOOLS.search(text) for part in parts if (text := literal_text(part))):
            return []
        script = _Script(self._owner, command, {variable.name: variable.value for variable in variables})
        found = list(script.builds())
        self._pushed += script.pushed
        self._tagged += script.tagged
        return found

    def settled(self, builds: list[ImageBuild]) -> Iterator[ImageBuild]:
        """The builds, with the names and pushes that later commands gave their images."""
        for build in builds:
            images = list(build.images)
            for source, target in self._tagged:
                if source in images and target not in images:
                    images.append(target)
            pushes = True if any(image in self._pushed for image in images) else build.pushes
            yield msgspec.structs.replace(build, images=tuple(images), pushes=pushes)


class _Script:
    """One shell text."""

    def __init__(self, owner: str, command: Command, variables: dict[str, Expr]) -> None:
        self.pushed: list[Expr] = []
        self.tagged: list[tuple[Expr, Expr]] = []
        self._owner = owner
        self._place = command.place
        self._slots = Slots()
        self._variables = variables
        self._folder: Expr | None = command.workdir
        self._folders: list[Expr | None] = []
        shell = command.shell
        parts = shell.parts if isinstance(shell, Concat) else (shell,) if shell is not None else ()
        self._text = "".join(str(part.value) if isinstance(part, Literal) else self._slots.hold(part) for part in parts)

    def builds(self) -> Iterator[ImageBuild]:
        for line, words in self._commands():
            build = self._command(words, line)
            if build is not None:
                yield build

    # -- splitting

    def _commands(self) -> Iterator[tuple[int, list[str]]]:
        """Each simple command with the line, 0-based, that it starts on."""
        lines = self._text.split("\n")
        index = 0
        while index < len(lines):
            start, text = index, lines[index]
            while text.endswith("\\") and index + 1 < len(lines):
                index += 1
                text = text[:-1] + " " + lines[index].lstrip()
            index += 1
            here = _HERE_DOCUMENT.search(text)
            if here is not None:
                while index < len(lines) and lines[index].strip() != here[1]:
                    index += 1
                index += 1
            for words in self._words(text):
                yield start, words

    def _words(self, text: str) -> Iterator[list[str]]:
        if text.lstrip().startswith("#") or not _LINE_OF_INTEREST.search(text):
            return
        lexer = shlex.shlex(self._without_substitutions(text), posix=True, punctuation_chars=";&|()<>")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words: list[str] = []
        try:
            tokens = list(lexer)
        except ValueError:  # a quote that closes on another line
            return
        target = False  # the next token is where a redirection goes
        for token in tokens:
            if token.startswith("#"):
                break
            if target:
                target = False
            elif token and set(token) <= _PUNCTUATION and not _REDIRECTIONS.isdisjoint(token):
                target = True
                if words and words[-1] in ("1", "2"):
                    words.pop()
            elif token and set(token) <= _SEPARATORS:
                if words:
                    yield words
                    words = []
                self._folders_at(token)
            else:
                words.append(token)
        if words:
            yield words

    def _folders_at(self, separator: str) -> None:
        """A subshell comes back to the folder that it started in."""
        for character in separator:
            if character == "(":
                self._folders.append(self._folder)
            elif character == ")" and self._folders:
                self._folder = self._folders.pop()

    def _without_substitutions(self, text: str) -> str:
        """The text with a slot for each ``$(...)`` and backtick."""
        while (start := text.find("$(")) >= 0:
            depth, end = 1, start + 2
            while end < len(text) and depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            text = text[:start] + self._slots.hold(Unknown("the output of a command")) + text[end:]
        return re.sub(r"`[^`]*`", lambda _: self._slots.hold(Unknown("the output of a command")), text)

    # -- understanding

    def _command(self, words: list[str], line: int) -> ImageBuild | None:
        words = self._assigned(words)
        while words and words[0] in _PREFIXES:
            words = self._assigned(words[1:])
        if words and words[0] in _WRAPPERS:
            words = words[next((i for i, word in enumerate(words) if word in _PROGRAMS), len(words)) :]
        if not words:
            return None
        if words[0] in ("cd", "pushd"):
            target = next((word for word in words[1:] if not word.startswith("-")), None)
            self._folder = Unknown("a folder that was left") if target is None else self._below(self._expr(target))
        elif words[0] == "popd":
            self._folder = Unknown("a folder that was left")
        elif words[0] in ("docker", "podman"):
            return self._docker(words[1:], line)
        elif words[:3] == ["az", "acr", "build"]:
            return self._azure(_parsed(words[3:]), line)
        elif words[:3] == ["gcloud", "builds", "submit"]:
            return self._google(_parsed(words[3:]), line)
        return None

    def _assigned(self, words: list[str]) -> list[str]:
        """The words after assignments; a command of nothing else gives its variables to the ones that follow."""
        start = 1 if words and words[0] in ("export", "local", "readonly", "declare") else 0
        count = start
        while count < len(words) and (match := _ASSIGNMENT.fullmatch(words[count])):
            if len(words) == count + 1 or start:
                self._assign(match[1], self._expr(match[2]))
            count += 1
        return words[count:] if count > start else words

    def _assign(self, name: str, value: Expr) -> None:
        """A second assignment may stand in the other branch of an ``if``: then it is one of both."""
        before = self._variables.get(name)
        if before is None or before == value:
            self._variables[name] = value
        else:
            options = before.options if isinstance(before, Choice) else (before,)
            self._variables[name] = Choice((*options, value))

    def _expr(self, word: str) -> Expr:
        """The expression of a word, its variables expanded where the text sets them."""
        parts: list[Expr] = []
        position = 0
        for match in _VARIABLE.finditer(word):
            parts.extend(self._plain(word[position : match.start()]))
            parts.append(self._variable(match))
            position = match.end()
        parts.extend(self._plain(word[position:]))
        return join(parts)

    def _plain(self, text: str) -> Iterator[Expr]:
        position = 0
        for match in _EXPANSION.finditer(text):
            if position < match.start():
                yield self._slots.expr(text[position : match.start()])
            yield Unknown(f"{match[0]} of a shell")
            position = match.end()
        if position < len(text):
            yield self._slots.expr(text[position:])

    def _variable(self, match: re.Match[str]) -> Expr:
        name = match[1] or match[2]
        known = self._variables.get(name)
        if known is not None:
            return known
        operator = match[3] or ""
        default = self._slots.expr(match[4]) if operator.endswith("-") else None
        return EnvVar(name, default, empty_counts=operator.startswith(":"))

    def _below(self, path: Expr) -> Expr:
        """A path as seen from where the step starts; a URL stays what it is."""
        text = literal_text(path) or ""
        if self._folder is None or text.startswith(("http://", "https://", "git@", "git://", "/")):
            return path
        if isinstance(self._folder, Unknown):
            return self._folder
        folder = self._folder.parts if isinstance(self._folder, PathJoin) else (self._folder,)
        return self._folder if text == "." else PathJoin((*folder, path))

    def _at(self, line: int) -> Place:
        place = self._place
        if place.line is None or not line:
            return place
        return Place(place.path, place.line + line)

    # -- tools

    def _docker(self, words: list[str], line: int) -> ImageBuild | None:
        rest = words[1:] if words and words[0] in ("buildx", "image", "builder") else words
        if not rest:
            return None
        if rest[0] in ("build", "b"):
            parsed = _parsed(rest[1:])
            outputs = ",".join(parsed.all("-o", "--output"))
            pushed = "--push" in parsed.options or "type=registry" in outputs or "push=true" in outputs
            return self._build("docker", parsed, parsed.all("-t", "--tag"), line, True if pushed else None)
        operands = [word for word in rest[1:] if not word.startswith("-")]
        if rest[0] == "push" and operands:
            self.pushed.append(self._expr(operands[-1]))
        elif rest[0] == "tag" and len(operands) == 2:
            self.tagged.append((self._expr(operands[0]), self._expr(operands[1])))
        return None

    def _azure(self, parsed: _Parsed, line: int) -> ImageBuild | None:
        registry = parsed.last("-r", "--registry")
        build = self._build("az", parsed, parsed.all("-t", "--image"), line, "--no-push" not in parsed.options)
        if build is None or registry is None:
            return None
        host = [self._expr(registry), Literal(".azurecr.io/")]
        file = parsed.last("-f", "--file")
        return msgspec.structs.replace(
            build,
            images=tuple(join([*host, image]) for image in build.images),
            dockerfile=None if file is None else self._expr(file),  # "relative to the source code root folder"
            dockerfile_in_context=True,
        )

    def _google(self, parsed: _Parsed, line: int) -> ImageBuild | None:
        images = parsed.all("-t", "--tag")
        if not images:
            return None  # a build file says what is built
        parsed.operands = parsed.operands or ["."]
        return self._build("gcloud", parsed, images, line, True)

    def _build(
        self, builder: str, parsed: _Parsed, images: list[str], line: int, pushes: bool | None
    ) -> ImageBuild | None:
        if len(parsed.operands) != 1:
            return None
        operand = parsed.operands[0]
        context = Unknown("standard input") if operand == "-" else self._below(self._expr(operand))
        dockerfile = parsed.last("-f", "--file")
        return ImageBuild(
            builder=builder,
            owner=self._owner,
            images=tuple(self._expr(image) for image in images),
            context=context,
            dockerfile=None if dockerfile is None else self._below(self._expr(dockerfile)),
            target=parsed.last("--target") or "",
            arguments=tuple(self._arguments(parsed, self._at(line))),
            pushes=pushes,
            place=self._at(line),
        )

    def _arguments(self, parsed: _Parsed, place: Place) -> Iterator[Variable]:
        for text in parsed.all("--build-arg"):
            name, equals, value = text.partition("=")
            expr = self._expr(value) if equals else self._variables.get(name, EnvVar(name))
            yield Variable(
                name=name, value=sealed(expr, SecretKey(place.path, name)) if secret_key(name) else expr, place=place
            )


def _parsed(words: list[str]) -> _Parsed:
    """The options and operands among the words after a command's name."""
    options: dict[str, list[str]] = {}
    operands: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            operands.append(word)
        elif equals:
            options.setdefault(name, []).append(value)
        elif word in _SWITCHES:
            options.setdefault(word, []).append("")
        elif position < len(words):
            options.setdefault(word, []).append(words[position])
            position += 1
    return _Parsed(options, operands)
