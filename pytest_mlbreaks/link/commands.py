"""Commands: what an argument list, or a text for a shell, starts.

Pure functions of text: no file is looked at, nothing is run. What can't be told is said to be unknown; the parser reads
the part of the shell's language that pipelines are written in, and gives up on a command rather than guess at it.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

HOLE = "{*}"
"""Stands in a text, or for an argument, for a part that can't be told."""

LIMIT = 200_000
"""Characters of one shell text that are read: a script in a manifest is a hundredth of it."""

Kind = Literal["script", "module", "callable", "notebook", "tool", "unknown"]


@dataclasses.dataclass(frozen=True)
class Invocation:
    """One thing that a command starts.

    *target*: a path for a script or notebook, a dotted name for a module, ``module:name`` for a callable (of Celery
    also ``module.name`` or a module alone), the program's name for a tool. *workdir*: where a ``cd`` before it went, if
    one did (absolute, or relative to where the command starts; None for nowhere). *place_offset_line*: lines below the
    first one of the text.
    """

    kind: Kind
    target: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    workdir: str | None = None
    place_offset_line: int = 0
    interpreter: str = ""


@dataclasses.dataclass(frozen=True)
class PipInstall:
    """One installation of Python packages by a command.

    *locked*: what is installed is pinned by a lock file or by hashes. *local*: paths that are installed themselves.
    *strict*: it fails where the lock is not there (``uv sync --frozen``, ``pipenv install --deploy``). *no_deps*: of
    what it names alone, nothing that comes along. *project*: the folder of the project that it is about, where another
    one is named; *member*: the workspace's package. *extras*, *groups*: what is asked for beside the main list
    (``*`` for all); *left_out*: groups that are not wanted; *main*: the main list is installed; *defaults*: the groups
    that the project names as defaults are. *exported*: a lock file's content was written into what it installs.
    *computed*: the shell works out what of the project's lists is asked for.
    """

    tool: Literal["pip", "uv", "poetry", "pipenv", "pdm", "conda"]
    requirement_files: tuple[str, ...] = ()
    constraint_files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    locked: bool = False
    place_offset_line: int = 0
    workdir: str | None = None
    strict: bool = False
    no_deps: bool = False
    project: str = ""
    member: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    main: bool = True
    defaults: bool = True
    exported: bool = False
    computed: bool = False


# --------------------------------------------------------------------------------------------------- the shell

# the longer ones first
_OPERATORS = (
    *(";;&", "<<<", "<<-"),
    *("&&", "||", ";;", ";&", "|&", ">>", ">|", "<<", ">&", "<&", "&>"),
    *(";", "|", "&", "(", ")", ">", "<"),
)
_REDIRECTIONS = frozenset({">", ">>", ">|", "<", ">&", "<&", "&>", "<<<"})
_KEYWORDS = frozenset({"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "{", "}", "!", "time"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_PLAIN = re.compile(r"[^ \t\r\n;&|()<>\\'\"$`]+")
"""What of a word means nothing to a shell but itself."""
_QUOTED = re.compile(r'[^"\\$`]+')
"""The same between double quotes."""


@dataclasses.dataclass
class _Simple:
    """A simple command: its words, and the line that it starts on."""

    words: list[str]
    line: int
    workdir: str | None


def _tokens(text: str) -> Iterator[tuple[str, bool, int]]:
    """Words and operators of a shell text: (text, is operator, line). Quotes are undone; what the shell would put in
    (``$X``, ``$(...)``, backquotes) becomes `HOLE`; comments and here-documents go."""
    index, line, length = 0, 0, min(len(text), LIMIT)
    word: list[str] = []
    started = False
    word_line = 0
    heredocs: list[tuple[str, bool]] = []
    while index < length:
        char = text[index]
        if char == "\\" and index + 1 < length:
            if text[index + 1] == "\n":
                line += 1
            else:
                word.append(text[index + 1])
                started, word_line = True, word_line if started else line
            index += 2
            continue
        if char == "#" and not started:
            while index < length and text[index] != "\n":
                index += 1
            continue
        if char in " \t\r\n;&|()<>":
            if started:
                yield "".join(word), False, word_line
                word, started = [], False
            if char == "\n":
                yield "\n", True, line
                line += 1
                index += 1
                for delimiter, tabs in heredocs:
                    while index < length:
                        stop = text.find("\n", index)
                        stop = length if stop < 0 else stop
                        body = text[index:stop]
                        index = stop + 1
                        line += 1
                        if (body.lstrip("\t") if tabs else body) == delimiter:
                            break
                heredocs = []
            elif char in " \t\r":
                index += 1
            else:
                operator = next(o for o in _OPERATORS if text.startswith(o, index))
                index += len(operator)
                if operator in ("<<", "<<-"):
                    match = re.compile(r"\s*([\"']?)([\w.]+)\1").match(text, index)
                    if match:
                        heredocs.append((match[2], operator == "<<-"))
                        index = match.end()
                        continue
                yield operator, True, line
            continue
        if not started:
            started, word_line = True, line
        if char == "'":
            end = text.find("'", index + 1)
            end = length if end < 0 else end
            word.append(text[index + 1 : end])
            line += text.count("\n", index, end)
            index = end + 1
        elif char == '"':
            index += 1
            while index < length and text[index] != '"':
                if text[index] == "\\" and index + 1 < length and text[index + 1] in '"\\$`\n':
                    if text[index + 1] == "\n":
                        line += 1
                    else:
                        word.append(text[index + 1])
                    index += 2
                elif text[index] in "$`":
                    end = _substitution_end(text, index, length)
                    word.append(HOLE if end > index + 1 else text[index])
                    line += text.count("\n", index, end)
                    index = end
                else:
                    run = _QUOTED.match(text, index, length)
                    end = run.end() if run else index + 1
                    line += text.count("\n", index, end)
                    word.append(text[index:end])
                    index = end
            index += 1
        elif char in "$`":
            end = _substitution_end(text, index, length)
            word.append(HOLE if end > index + 1 else char)
            line += text.count("\n", index, end)
            index = end
        else:
            run = _PLAIN.match(text, index, length)
            end = run.end() if run else index + 1
            word.append(text[index:end])
            index = end
    if started:
        yield "".join(word), False, word_line


def _substitution_end(text: str, index: int, length: int) -> int:
    """Where what starts at *index* with ``$`` or a backquote ends; index + 1 where it is just that character."""
    if text[index] == "`":
        end = text.find("`", index + 1, length)
        return length if end < 0 else end + 1
    following = text[index + 1 : index + 2]
    if following in ("(", "{"):
        close = ")" if following == "(" else "}"
        depth, position = 0, index + 1
        while position < length:
            if text[position] == following:
                depth += 1
            elif text[position] == close:
                depth -= 1
                if not depth:
                    return position + 1
            position += 1
        return length
    position = index + 1
    while position < length and (text[position].isalnum() or text[position] == "_"):
        position += 1
    if position == index + 1 and following in ("@", "*", "#", "?", "$", "!", "-"):
        return position + 1
    return position


_SAYS_NOTHING = frozenset(
    {"export", "set", "echo", "return", "exit", "trap", "shift", "local", "readonly", "unset", "declare", "typeset"}
)
"""Builtins that start nothing and change no folder."""


def _simple_commands(text: str, workdir: str | None = None) -> Iterator[_Simple]:
    """The simple commands of a shell text, in order, each with the folder that ``cd`` has gone to by then."""
    tokens = [*_tokens(text), ("\n", True, 0)]
    here = workdir
    outer: list[str | None] = []
    pushed: list[str | None] = []
    words: list[str] = []
    line = index = 0
    cases = 0
    while index < len(tokens):
        token, is_operator, at = tokens[index]
        index += 1
        if not is_operator:
            if words:
                words.append(token)
            elif token == "[[":
                index = _behind_word(tokens, index, "]]")
            elif token in ("for", "select", "function"):
                index = _behind_head(tokens, index)
            elif token == "case":
                cases += 1
                index = _behind_pattern(tokens, _behind_word(tokens, index, "in"))
            elif token == "esac":
                cases -= 1
            elif token not in _KEYWORDS:
                line = at
                words.append(token)
            continue
        if token in _REDIRECTIONS:
            if words and words[-1].isdigit() and len(words) > 1:
                words.pop()
            if index < len(tokens) and not tokens[index][1]:
                index += 1
            continue
        if token == "(" and words:
            if _ASSIGNMENT.fullmatch(words[-1]):  # an array
                index = _behind_word(tokens, index, ")")
                continue
            if len(words) == 1 and tokens[index : index + 1] and tokens[index][0] == ")":  # a function's name
                words = []
                index += 1
                continue
        if words:
            if words[0] in ("cd", "pushd", "popd"):
                if words[0] == "pushd":
                    pushed.append(here)
                to = next((w for w in words[1:] if not w.startswith("-") or w == "-"), "~")
                here = (pushed.pop() if pushed else HOLE) if words[0] == "popd" else _changed(here, to)
            elif words[0] not in _SAYS_NOTHING:
                yield _Simple(words, line, here)
            words = []
        if token == "(":
            outer.append(here)
        elif token == ")" and outer:
            here = outer.pop()
        elif token in (";;", ";&", ";;&") and cases > 0:
            index = _behind_pattern(tokens, index)


_Tokens = list[tuple[str, bool, int]]


def _behind_word(tokens: _Tokens, index: int, word: str) -> int:
    """Where the text goes on after *word*."""
    while index < len(tokens) and tokens[index][0] != word:
        index += 1
    return index + 1


def _behind_head(tokens: _Tokens, index: int) -> int:
    """Where a loop's body, or the command after its head, begins: at ``do``, ``{``, a line end or a semicolon."""
    while index < len(tokens) and tokens[index][0] not in ("do", "{", ";", "\n"):
        index += 1
    return index + 1


def _behind_pattern(tokens: _Tokens, index: int) -> int:
    """Where a branch of a ``case`` begins, after its pattern; at ``esac`` where there is no further branch."""
    while index < len(tokens) and tokens[index][0] in ("\n", ";", "("):
        index += 1
    if index < len(tokens) and tokens[index][0] == "esac":
        return index
    return _behind_word(tokens, index, ")")


def _changed(here: str | None, to: str) -> str:
    if HOLE in to or to in ("-", "~") or to.startswith("~"):
        return HOLE
    if to.startswith("/") or here is None:
        return to
    return HOLE if here == HOLE else f"{here.rstrip('/')}/{to}"


# --------------------------------------------------------------------------------------------------- invocations

# Programs that run what follows them; the number of their own arguments is found by `_behind`.
_WRAPPERS: Mapping[str, frozenset[str]] = {
    # name: options that take a value in the next word
    "exec": frozenset({"-a"}),
    "sudo": frozenset({"-u", "-g", "-C", "--user", "--group"}),
    "nohup": frozenset(),
    "time": frozenset({"-f", "-o"}),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "tini": frozenset({"-p", "-e"}),
    "/tini": frozenset({"-p", "-e"}),
    "dumb-init": frozenset({"-r", "--rewrite"}),
    "catatonit": frozenset(),
    "xvfb-run": frozenset({"-n", "-s", "-e", "--server-args", "--server-num"}),
    "ddtrace-run": frozenset(),
    "opentelemetry-instrument": frozenset(
        {"--traces_exporter", "--metrics_exporter", "--service_name", "--logs_exporter"}
    ),
    "command": frozenset(),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    "retry": frozenset({"-t", "-d"}),
    "aws-vault": frozenset(),
    "doppler": frozenset(),
    "dotenv": frozenset({"-f", "-e", "--file"}),
    "chamber": frozenset(),
    "infisical": frozenset(),
    "strace": frozenset({"-o", "-e"}),
    "py-spy": frozenset({"-o", "-d", "-r"}),
    "scalene": frozenset(),
    "watchmedo": frozenset({"-d", "-p", "--directory", "--pattern"}),
    "nodemon": frozenset({"--exec", "-e", "--ext", "-w", "--watch"}),
    "mpirun": frozenset({"-n", "-np", "-H", "--hostfile", "-x", "--mca"}),
    "srun": frozenset({"-n", "-N", "-p", "-c", "-J"}),
}
_RUNNERS = frozenset({"poetry", "uv", "pipenv", "pdm", "hatch", "rye", "conda", "mamba", "micromamba", "pixi"})
_RUN_VALUES = frozenset(
    {
        *(
            "-n",
            "--name",
            "-p",
            "--prefix",
            "--python",
            "--with",
            "--extra",
            "--group",
            "--env-file",
            "--directory",
            "-C",
        ),
        *("--project", "--package", "--with-requirements", "--only-group", "--index-url", "--cwd", "-e", "--env"),
    }
)
_PYTHON = re.compile(r"(.*/)?(python|pypy)(\d+(\.\d+)*)?(\.exe)?$")
_PYTHON_BUNDLE = re.compile(r"-[bBdEiIOPqRsSuvx]*([mc])(.*)$", re.DOTALL)  # -um module, -mmodule
_PYTHON_VALUES = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh"})
_LAUNCHERS = frozenset({"torchrun", "deepspeed", "accelerate", "colossalai", "horovodrun", "fabric", "composer"})
_SPARK_FLAGS = frozenset({"--verbose", "-v", "--supervise", "--help", "--version", "--usage-error"})
_APP_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve", "robyn"})
_CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?$")
_MODULE = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*$")
_SCRIPT = re.compile(r".*\.(py|sh|bash|R|r|jl|pl|rb|js|ts|ipynb)$")


def invocations(argv: Sequence[str | None] | None, shell: str | None, workdir: str | None = None) -> list[Invocation]:
    """What a command starts: *argv* as an argument list (None for an argument that can't be told), or *shell* as text,
    which starts in *workdir* where a ``cd`` before it went there.

    Never raises. Commands that only look at things (``echo``, ``test``) are tools like all others.
    """
    if argv is not None:
        words = [HOLE if word is None else word for word in argv]
        return list(_started(_Simple(words, 0, None), {}, 0)) if words else []
    found: list[Invocation] = []
    for command in _simple_commands(shell or "", workdir):
        found.extend(_started(command, {}, 0))
    return found


_Behind = Callable[[list[str]], Iterator[Invocation]]
_Made = Callable[..., Invocation]


def _started(command: _Simple, variables: dict[str, str], depth: int) -> Iterator[Invocation]:
    words = list(command.words)
    given = dict(variables)
    while words and _ASSIGNMENT.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        given[name.rstrip("+")] = value
    if not words or depth > 8:
        return
    program, rest = words[0], words[1:]
    name = program.rpartition("/")[2]

    def behind(inner: list[str]) -> Iterator[Invocation]:
        if inner:
            yield from _started(_Simple(inner, command.line, command.workdir), given, depth + 1)

    def made(kind: Kind, target: str, arguments: Sequence[str] = ()) -> Invocation:
        if HOLE in target:
            kind = "unknown"
        return Invocation(kind, target, tuple(arguments), given, command.workdir, command.line, name)

    if program.startswith("-"):  # arguments for what we don't see
        yield made("tool", program, rest)
    elif program == HOLE or HOLE in name:
        yield made("unknown", program, rest)
    elif name == "env":
        inner = _after_options(rest, frozenset({"-u", "-C", "--unset", "--chdir"}))
        yield from behind(inner)
    elif name == "timeout":
        inner = _after_options(rest, frozenset({"-k", "-s", "--kill-after", "--signal"}))
        yield from behind(inner[1:])
    elif name in ("gosu", "su-exec"):
        yield from behind(rest[1:])
    elif name in _RUNNERS:
        yield from _run_by(name, rest, behind, made)
    elif name in ("dotenv", "doppler", "chamber", "aws-vault", "infisical", "newrelic-admin", "wandb-run"):
        inner = rest[rest.index("--") + 1 :] if "--" in rest else rest[rest.index("run") + 1 :] if "run" in rest else []
        inner = inner or (rest[1:] if name == "newrelic-admin" and rest[:1] == ["run-program"] else [])
        yield from behind(inner) if inner else iter((made("tool", name, rest),))
    elif name == "watchmedo":
        yield from behind(rest[rest.index("--") + 1 :] if "--" in rest else _after_options(rest[1:], _WRAPPERS[name]))
    elif name in _WRAPPERS:
        yield from behind(_after_options(rest, _WRAPPERS[name]))
    elif name in ("wait-for-it.sh", "wait-for-it", "wait-for", "wait-for.sh", "wait", "dockerize"):
        inner = rest[rest.index("--") + 1 :] if "--" in rest else []
        if not inner and name == "dockerize":
            inner = _after_options(rest, frozenset({"-wait", "-timeout", "-template", "-stdout", "-stderr"}))
        if inner:
            yield from behind(inner)
        else:
            yield made("tool", name, rest)
    elif name in _SHELLS:
        yield from _by_shell(rest, command, given, depth, made)
    elif _PYTHON.match(program):
        yield from _by_python(rest, made)
    elif name == "spark-submit":
        yield from _by_spark(rest, made)
    elif name in _LAUNCHERS:
        yield from _by_launcher(name, rest, behind, made)
    elif name in _APP_SERVERS:
        yield from _by_app_server(name, rest, made)
    elif name == "celery":
        target = _option(rest, ("-A", "--app"))
        yield made("callable", target, rest) if target else made("tool", name, rest)
    elif name == "flask":
        target = _option(rest, ("--app", "-A")) or given.get("FLASK_APP", "")
        yield _app(target, rest, made) if target else made("tool", name, rest)
    elif name in ("streamlit", "fastapi", "chainlit", "solara", "panel", "bokeh", "litestar"):
        scripts = [w for w in rest[1:] if w.endswith(".py")]
        yield made("script", scripts[0], rest) if scripts else made("tool", name, rest)
    elif name in ("papermill",) or (name == "jupyter" and "nbconvert" in rest and "--execute" in rest):
        notebook = next((w for w in rest if w.endswith(".ipynb")), "")
        yield made("notebook", notebook, rest) if notebook else made("tool", name, rest)
    elif name == "ray" and rest[:2] == ["job", "submit"] and "--" in rest:
        yield from behind(rest[rest.index("--") + 1 :])
    elif name in ("Rscript", "julia", "node", "ruby", "perl"):
        inline = rest and rest[0] in ("-e", "-p", "--eval", "-E")
        script = "" if inline else next((w for w in rest if not w.startswith("-")), "")
        yield made("script", script, rest) if script else made("tool", name, rest)
    elif _is_script(program):
        yield made("script", program, rest)
    else:
        yield made("tool", name, rest)


def _is_script(program: str) -> bool:
    """Whether a program is a file of the team's rather than something installed."""
    if "/" not in program:
        return program.endswith(".sh")
    return program.startswith(("./", "../")) or bool(_SCRIPT.match(program))


def _after_options(words: list[str], with_value: frozenset[str]) -> list[str]:
    """What is left after leading options and assignments."""
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return words[index + 1 :]
        if word in with_value:
            index += 2
        elif word.startswith("-") and word != "-":
            index += 1
        else:
            break
    return words[index:]


def _option(words: Sequence[str], names: tuple[str, ...]) -> str:
    """The value of an option given as ``--name value`` or ``--name=value``; "" where it is not given."""
    for index, word in enumerate(words):
        if word in names and index + 1 < len(words):
            return words[index + 1]
        for name in names:
            if word.startswith(f"{name}="):
                return word[len(name) + 1 :]
    return ""


def _run_by(name: str, rest: list[str], behind: _Behind, made: _Made) -> Iterator[Invocation]:
    options = _after_options(rest, _RUN_VALUES)
    if not options or options[0] not in ("run", "tool", "exec"):
        yield made("tool", name, rest)
        return
    inner = _after_options(options[1:], _RUN_VALUES)
    if inner and inner[0].endswith(".py") and name == "uv":
        yield made("script", inner[0], inner[1:])
    else:
        yield from behind(inner)


def _by_shell(
    rest: list[str], command: _Simple, given: dict[str, str], depth: int, made: _Made
) -> Iterator[Invocation]:
    index = 0
    while index < len(rest) and rest[index].startswith(("-", "+")) and rest[index] != "--":
        option = rest[index]
        if option in ("-o", "+o", "--rcfile", "--init-file"):
            index += 2
            continue
        if not option.startswith("--") and "c" in option[1:]:
            if index + 1 < len(rest):
                text = rest[index + 1]
                if text == HOLE:
                    yield made("unknown", text)
                    return
                for inner in _simple_commands(text, command.workdir):
                    inner.line += command.line
                    yield from _started(inner, given, depth + 1)
            return
        index += 1
    words = rest[index:]
    if words[:1] == ["--"]:
        words = words[1:]
    if words:
        yield made("script", words[0], words[1:])


def _by_python(rest: list[str], made: _Made) -> Iterator[Invocation]:
    index = 0
    while index < len(rest):
        word = rest[index]
        if word in ("-m", "-mm"):
            if index + 1 < len(rest):
                yield from _by_module(rest[index + 1], rest[index + 2 :], made)
            return
        if word == "-c":
            yield made("tool", "python", rest[index:])  # the code stands in the command: there is no file
            return
        if word in _PYTHON_VALUES:
            index += 2
        elif word.startswith("-") and word != "-":
            bundle = _PYTHON_BUNDLE.match(word)
            if bundle and bundle[1] == "c":
                yield made("tool", "python", rest[index:])
                return
            if bundle:
                inline = [bundle[2]] if bundle[2] else []
                words = [*inline, *rest[index + 1 :]]
                if words:
                    yield from _by_module(words[0], words[1:], made)
                return
            index += 1
        else:
            break
    if index < len(rest) and rest[index] != "-":
        yield made("script", rest[index], rest[index + 1 :])


_MODULE_TOOLS = frozenset(
    {"pip", "pytest", "venv", "build", "http", "unittest", "ensurepip", "compileall", "json", "coverage"}
)


def _by_module(module: str, rest: list[str], made: _Made) -> Iterator[Invocation]:
    if module in _APP_SERVERS:
        yield from _by_app_server(module, rest, made)
    elif module in ("torch.distributed.launch", "torch.distributed.run", "accelerate.commands.launch"):
        script = next((w for w in rest if w.endswith(".py")), "")
        yield made("script", script, rest) if script else made("tool", module, rest)
    elif module == "streamlit":
        script = next((w for w in rest[1:] if w.endswith(".py")), "")
        yield made("script", script, rest) if script else made("tool", module, rest)
    elif module == "celery":
        target = _option(rest, ("-A", "--app"))
        yield made("callable", target, rest) if target else made("tool", module, rest)
    elif module == "flask":
        target = _option(rest, ("-A", "--app"))
        yield _app(target, rest, made) if target else made("tool", module, rest)
    elif module.partition(".")[0] in _MODULE_TOOLS:
        yield made("tool", module, rest)
    elif HOLE not in module and not _MODULE.match(module):
        yield made("unknown", module, rest)
    else:
        yield made("module", module, rest)


def _by_spark(rest: list[str], made: _Made) -> Iterator[Invocation]:
    index = 0
    while index < len(rest) and rest[index].startswith("-"):
        index += 1 if rest[index] in _SPARK_FLAGS or "=" in rest[index].split(" ")[0] else 2
    if index < len(rest):
        target = rest[index]
        yield made("script" if target.endswith((".py", ".R")) else "tool", target, rest[index + 1 :])


def _by_launcher(name: str, rest: list[str], behind: _Behind, made: _Made) -> Iterator[Invocation]:
    words = rest[1:] if rest[:1] in (["launch"], ["run"]) else rest
    for index, word in enumerate(words):
        if word in ("-m", "--module") and index + 1 < len(words):
            yield made("module", words[index + 1], words[index + 2 :])
            return
        if word.endswith(".py"):
            yield made("script", word, words[index + 1 :])
            return
        if _PYTHON.match(word):
            yield from behind(words[index:])
            return
    yield made("unknown" if HOLE in words else "tool", name, rest)


_GUNICORN_VALUES = frozenset(
    {
        *("-k", "--worker-class", "-c", "--config", "-n", "--name", "--log-config", "--statsd-host", "--bind", "-b"),
        *("--access-logfile", "--error-logfile", "--logger-class", "-p", "--pid", "--keyfile", "--certfile"),
    }
)


def _by_app_server(name: str, rest: list[str], made: _Made) -> Iterator[Invocation]:
    folder = _option(rest, ("--app-dir", "--chdir"))
    target = next((w for w in rest if _CALLABLE.match(w)), "")
    if not target and name == "gunicorn":
        before = ["", *rest]
        positional = [
            word
            for option, word in zip(before, rest, strict=False)
            if option not in _GUNICORN_VALUES and _MODULE.match(word) and "." in word and not word.endswith(".py")
        ]
        target = f"{positional[-1]}:application" if positional else ""
    if not target:
        yield made("unknown" if HOLE in " ".join(rest) else "tool", name, rest)
        return
    found = made("callable", target.partition("(")[0], rest)
    yield dataclasses.replace(found, workdir=_changed(found.workdir, folder)) if folder else found


def _app(target: str, rest: list[str], made: _Made) -> Invocation:
    if target.endswith(".py") or "/" in target:
        return made("script", target, rest)
    return made("callable" if ":" in target else "module", target.partition("(")[0], rest)


# --------------------------------------------------------------------------------------------------- installs

_PIP_VALUES = frozenset(
    {
        *(
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "--trusted-host",
            "--target",
            "-t",
            "--prefix",
        ),
        *(
            "--timeout",
            "--retries",
            "--cache-dir",
            "--platform",
            "--python-version",
            "--progress-bar",
            "--root",
            "--src",
        ),
        *(
            "--only-binary",
            "--no-binary",
            "--python",
            "-p",
            "--upgrade-strategy",
            "--config-settings",
            "--default-timeout",
        ),
        *("--index-strategy", "--torch-backend", "--link-mode", "--log", "--proxy", "--cert", "--use-feature"),
    }
)


def pip_installs(shell: str) -> list[PipInstall]:
    """The installations of Python packages in a shell text. Never raises."""
    found: list[PipInstall] = []
    exported = False
    for command in _simple_commands(shell):
        words = list(command.words)
        while words and (_ASSIGNMENT.match(words[0]) or words[0] in ("sudo", "exec", "time", "env", "command")):
            words.pop(0)
        if not words:
            continue
        name = words[0].rpartition("/")[2]
        if _PYTHON.match(words[0]) and len(words) > 2 and words[1] == "-m":
            words = words[2:]
            name = words[0]
        rest = words[1:]
        made: PipInstall | None = None
        if name in ("uv", "uvx") and rest[:1] == ["pip"]:
            name, rest = "uv-pip", rest[1:]
        if name == "poetry":
            exported = exported or "export" in rest
            if "install" in rest or "sync" in rest:
                made = _by_poetry(rest)
        elif name == "uv" and "sync" in rest[:5] and rest[0] != "run":
            made = _by_uv_sync(rest)
        elif name == "uv" and rest[:1] == ["export"]:
            exported = True
        elif name == "pipenv" and rest[:1] in (["install"], ["sync"]):
            exact = "--deploy" in rest or "--ignore-pipfile" in rest or rest[0] == "sync"
            groups = ("dev",) if "--dev" in rest or "-d" in rest else ()
            made = PipInstall("pipenv", locked=exact, strict=exact, groups=groups)
        elif name == "pipenv" and rest[:1] == ["requirements"]:
            exported = True
        elif name == "pdm" and rest[:1] in (["install"], ["sync"]):
            made = _by_pdm(rest)
        elif name in ("conda", "mamba", "micromamba"):
            files = [w for w in (_option(rest, ("-f", "--file")),) if w]
            if "env" in rest or "install" in rest or "create" in rest:
                made = PipInstall("conda", requirement_files=tuple(files))
        elif re.fullmatch(r"pip[\d.]*|uv-pip", name) and rest[:1] in (["install"], ["sync"]):
            made = _pip(rest[1:], "uv" if name == "uv-pip" else "pip", exported)
        if made is not None:
            computed = made.tool in ("uv", "poetry", "pdm", "pipenv") and bool(made.local) and _chooses(rest)
            found.append(
                dataclasses.replace(made, place_offset_line=command.line, workdir=command.workdir, computed=computed)
            )
    return found


_ELSEWHERE = re.compile(
    r"--?(p|P|C|python|project|package|directory|index\S*|find-links|cache-dir|config\S*|link-mode)"
)
"""Options whose value says nothing of which lists are installed."""


def _chooses(words: list[str]) -> bool:
    """Whether the shell works out options of an installation, or which groups or extras it asks for."""
    return any(word.startswith(HOLE) and not _ELSEWHERE.fullmatch(before) for before, word in itertools.pairwise(words))


def _by_uv_sync(words: list[str]) -> PipInstall:
    """https://docs.astral.sh/uv/reference/cli/#uv-sync"""
    only = _options(words, ("--only-group",))
    left_out = _options(words, ("--no-group",))
    if {"--no-dev", "--production"} & set(words):
        left_out += ("dev",)
    everything = ("*",) if "--all-groups" in words else ()
    return PipInstall(
        "uv",
        local=(".",),
        locked=True,
        strict=bool({"--frozen", "--locked"} & set(words)),
        project=_option(words, ("--directory", "--project")),
        member="*" if "--all-packages" in words else _option(words, ("--package",)),
        extras=("*",) if "--all-extras" in words else _options(words, ("--extra",)),
        groups=everything + only + _options(words, ("--group",)) + (("dev",) if "--only-dev" in words else ()),
        left_out=left_out,
        main=not only and "--only-dev" not in words,
        defaults=not only and "--no-default-groups" not in words and "--only-dev" not in words,
    )


def _by_poetry(words: list[str]) -> PipInstall:
    """https://python-poetry.org/docs/cli/#install"""
    only = _options(words, ("--only",), split=True)
    left_out = _options(words, ("--without",), split=True)
    if "--no-dev" in words:
        left_out += ("dev",)
    return PipInstall(
        "poetry",
        local=(".",),
        locked=True,
        project=_option(words, ("--directory", "-C", "--project", "-P")),
        extras=("*",) if "--all-extras" in words else _options(words, ("--extras", "-E"), split=True),
        groups=tuple(g for g in only if g != "main") + _options(words, ("--with",), split=True),
        left_out=left_out,
        main=not only or "main" in only,
        defaults=not only,
    )


def _by_pdm(words: list[str]) -> PipInstall:
    """https://pdm-project.org/latest/reference/cli/#install"""
    production = bool({"--prod", "--production", "--no-dev"} & set(words))
    frozen = bool({"--frozen-lockfile", "--check", "--no-lock"} & set(words)) or words[:1] == ["sync"]
    return PipInstall(
        "pdm",
        local=(".",),
        locked=True,
        strict=frozen,
        project=_option(words, ("-p", "--project")),
        groups=() if production else ("*",),
        defaults=not production,
    )


def _options(words: Sequence[str], names: tuple[str, ...], *, split: bool = False) -> tuple[str, ...]:
    """All values of an option that may come several times; *split*: one may hold several."""
    found: list[str] = []
    for index, word in enumerate(words):
        if word in names and index + 1 < len(words):
            found.append(words[index + 1])
        else:
            found += [word[len(name) + 1 :] for name in names if word.startswith(f"{name}=")]
    return tuple(part for value in found for part in (re.split(r"[,\s]+", value) if split else [value]) if part)


def _pip(words: list[str], tool: Literal["pip", "uv"], exported: bool) -> PipInstall:
    files: list[str] = []
    constraints: list[str] = []
    packages: list[str] = []
    local: list[str] = []
    locked = no_deps = False
    index = 0
    while index < len(words):
        word = words[index]
        value = words[index + 1] if index + 1 < len(words) else ""
        name, equals, inline = word.partition("=")
        if word in ("-r", "--requirement", "--requirements") or (
            equals and name in ("--requirement", "--requirements")
        ):
            files.append(inline if equals else value)
            index += 1 if equals else 2
        elif word.startswith("-r") and len(word) > 2 and not word.startswith("-r="):
            files.append(word[2:])
            index += 1
        elif word in ("-c", "--constraint", "--constraints", "--build-constraint") or (
            equals and name == "--constraint"
        ):
            constraints.append(inline if equals else value)
            index += 1 if equals else 2
        elif word in ("-e", "--editable"):
            local.append(value)
            index += 2
        elif word == "--require-hashes":
            locked = True
            index += 1
        elif word in ("--no-deps", "--no-dependencies"):
            no_deps = True
            index += 1
        elif word in _PIP_VALUES:
            index += 2
        elif word.startswith("-"):
            index += 1
        else:
            bare = word.partition("[")[0]
            if bare in (".", "..") or bare.startswith(("./", "../", "/")) or bare.endswith((".whl", ".tar.gz")):
                local.append(word)
            else:
                packages.append(word)
            index += 1
    locked = locked or (exported and bool(files))  # what `poetry export` or `uv export` wrote before
    return PipInstall(
        tool,
        tuple(files),
        tuple(constraints),
        tuple(packages),
        tuple(local),
        locked,
        no_deps=no_deps,
        exported=exported and bool(files),
    )
