"""Dockerfiles, read as BuildKit reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.formats.text import TextFile
from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.expr import Concat, EnvVar, Expr, Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import Command, Dockerfile, IgnoreFile, Stage
from pytest_mlbreaks.readers import dockerfile
from pytest_mlbreaks.reading import Wanted


def read(text: str) -> Dockerfile:
    """The one fact of a Dockerfile of *text*."""
    (fact,) = dockerfile.read(TextFile("Dockerfile", text), Wanted())
    assert isinstance(fact, Dockerfile)
    return fact


def last(text: str) -> Stage:
    """The last stage of a Dockerfile that begins on python:3.11."""
    return read(f"FROM python:3.11\n{text}").stages[-1]


def argv(command: Command | None) -> list[object]:
    """The words of an exec form."""
    assert command is not None
    assert command.argv is not None
    return [getattr(word, "value", word) for word in command.argv]


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("Dockerfile", True),
        ("a/Dockerfile.gpu", True),
        ("a/Dockerfile-gpu", True),
        ("train.Dockerfile", True),
        ("Containerfile", True),
        (".dockerignore", True),
        ("Dockerfile.dockerignore", True),
        ("dockerfiles/readme.md", False),
    ],
)
def test_names_of_dockerfiles(path: str, claimed: bool) -> None:
    """Dockerfiles and their ignore files are known by name."""
    assert dockerfile.claims(path) is claimed


def test_lines_continue_over_comments_and_empty_lines() -> None:
    """What the shell is given is one command, also where a comment stands in it."""
    (run,) = last("RUN pip install \\\n  # the pinned ones\n\n  -r requirements.txt\n").runs
    assert isinstance(run.shell, Literal)
    assert str(run.shell.value).replace("\\\n", "").split() == ["pip", "install", "-r", "requirements.txt"]


def test_a_doubled_escape_continues_nothing() -> None:
    """``\\\\`` at the end of a line is a backslash, not a continuation."""
    assert len(last("RUN echo a\\\\\nRUN echo b\n").runs) == 2


def test_the_escape_character_can_be_another() -> None:
    """A parser directive at the top changes it; a comment further down does not."""
    text = "# escape=`\nFROM python:3.11\nENV A=x `\n  B=y\n"
    assert [v.name for v in read(text).stages[0].variables] == ["A", "B"]
    late = "FROM python:3.11\n# escape=`\nENV A=x \\\n  B=y\n"
    assert [v.name for v in read(late).stages[0].variables] == ["A", "B"]


def test_cmd_before_entrypoint_holds() -> None:
    """ENTRYPOINT resets the CMD of the base image, not one of the same stage."""
    stage = last('CMD ["--port", "80"]\nENTRYPOINT ["serve"]\n')
    assert (argv(stage.entrypoint), argv(stage.command)) == (["serve"], ["--port", "80"])


def test_an_empty_entrypoint_is_said() -> None:
    """``ENTRYPOINT []`` takes the one below away."""
    assert argv(last("ENTRYPOINT []\n").entrypoint) == []


def test_exec_form_replaces_nothing() -> None:
    """Docker replaces no variables in the exec form."""
    assert argv(last('ENV P=1\nCMD ["serve", "$P"]\n').command) == ["serve", "$P"]


def test_exec_form_may_go_on_in_the_next_line() -> None:
    """A line that goes on parts no list of words."""
    assert argv(last('CMD ["serve", "--port", \\\n     "80"]\n').command) == ["serve", "--port", "80"]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ENV A=$B", Literal("b")),
        ("ENV A=${B}/x", Literal("b/x")),
        ("ENV A='$B'", Literal("$B")),
        ('ENV A="$B x"', Literal("b x")),
        ("ENV A=\\$B", Literal("$B")),
        ('ENV A "one two"', Literal("one two")),
        ("ENV A=${C:-c}", EnvVar("C", Literal("c"), "build", True)),
        ("ENV A=${C:-${B}}", EnvVar("C", Literal("b"), "build", True)),
        ("ENV A=${B:+set}", Literal("set")),
        ("ENV A=/x:$PATH", Concat((Literal("/x:"), EnvVar("PATH", None, "build")))),
        ("ENV A=a\\ b", Literal("a b")),
    ],
)
def test_variables_in_text(line: str, value: Expr) -> None:
    """Quotes, escapes and the forms of a variable mean what they mean to Docker."""
    assert last(f"ENV B=b\n{line}\n").variables[-1].value == value


@pytest.mark.parametrize("form", ["${B#b}", "${B%.*}", "${B/x/y}", "${C:+set}", "${B"])
def test_other_forms_of_a_variable_are_unknown(form: str) -> None:
    """What is cut out of a variable is not told, rather than told wrong."""
    assert isinstance(last(f"ENV B=b\nENV A={form}\n").variables[-1].value, Unknown)


def test_one_instruction_sees_what_was_before_it() -> None:
    """``ENV A=1 B=$A`` gives B the A of before."""
    assert last("ENV A=0\nENV A=1 B=$A\n").variables[-1].value == Literal("0")


def test_secrets_never_enter_a_fact() -> None:
    """The value of a variable that looks like a secret is a key, not a value."""
    (variable,) = last("ENV DB_PASSWORD=hunter2\n").variables
    assert variable.value == SecretKey("Dockerfile", "DB_PASSWORD")


def test_build_arguments() -> None:
    """A global ARG is seen in a stage that repeats it; ENV holds over an ARG; a child stage has its parent's."""
    text = "ARG V=3.11\nFROM python:$V AS a\nARG V\nENV X=$V\nFROM a\nENV Y=$V\nENV V=9\nARG V=7\nENV Z=$V\n"
    file = read(text)
    assert file.stages[0].base == Concat((Literal("python:"), EnvVar("V", Literal("3.11"), "build")))
    assert file.stages[0].variables[0].value == EnvVar("V", Literal("3.11"), "build")
    values = {v.name: v.value for v in file.stages[1].variables}
    assert values["Y"] == EnvVar("V", Literal("3.11"), "build")
    assert values["Z"] == Literal("9")


def test_stages_are_found_by_name() -> None:
    """A stage may be built on an earlier one, in any case of its name, behind flags."""
    file = read("FROM --platform=linux/amd64 python:3.11 AS Base\nWORKDIR /app\nFROM base\nWORKDIR sub\n")
    assert file.stages[1].base_stage == 0
    assert file.stages[0].name == "Base"


def test_here_documents() -> None:
    """The body of a here-document is no instruction; a run one is the command, a copied one a file."""
    stage = last("RUN <<EOF\npip install a\nFROM b\nEOF\nCOPY <<'E' /app/run.sh\nexec x\nE\nCMD x\n")
    assert "FROM b" in str(getattr(stage.runs[0].shell, "value", ""))
    assert stage.copies[0].inline
    assert stage.copies[0].target == Literal("/app/run.sh")
    assert stage.command is not None


def test_shifts_and_here_strings_are_no_here_documents() -> None:
    """``$((1<<N))`` and ``<<<word`` open nothing; nor does one that is never closed."""
    assert last('RUN echo $((1<<N)) && cat <<<word && x <<"E" \\\n  y\nCMD x\n').command is not None


def test_copy() -> None:
    """Sources, target, origin and where it stands; what a flag chooses is unknown."""
    stage = last('WORKDIR /app\nCOPY --chown=a:b --from=build ["a b", "./"]\nCOPY --parents src/x.py ./\n')
    first, second = stage.copies
    assert (first.origin, first.sources, first.target) == ("build", (Literal("a b"),), Literal("./"))
    assert first.workdir == Literal("/app")
    assert isinstance(second.sources[0], Unknown)


def test_a_here_document_in_python_is_no_shell_text() -> None:
    """A shebang says whose language it is."""
    (run,) = last("RUN <<EOF\n#!/usr/bin/env python\nimport x\nEOF\n").runs
    assert isinstance(run.shell, Unknown)


def test_what_is_no_dockerfile_is_said() -> None:
    """A template, or a file without FROM, gives a diagnostic and no fact."""
    for text in ("{% if x %}\nFROM a\n{% endif %}", "RUN x\n"):
        (said,) = dockerfile.read(TextFile("Dockerfile", text), Wanted())
        assert isinstance(said, Diagnostic)


def test_ignore_files() -> None:
    """Comments and empty lines go; a ``#`` behind a blank is part of a pattern, as in Docker."""
    (fact,) = dockerfile.read(TextFile(".dockerignore", "# c\n\n*.md \n!README.md\n #x\n"), Wanted())
    assert isinstance(fact, IgnoreFile)
    assert fact.patterns == ("*.md", "!README.md", "#x")


@given(st.text(alphabet="FROM RUNENVCOPYARG<>-='\"\\$\n{}:[],#abE/", max_size=300))
def test_nothing_makes_it_raise(text: str) -> None:
    """Any text gives facts or diagnostics."""
    list(dockerfile.read(TextFile("Dockerfile", "FROM a\n" + text), Wanted()))


def test_health_checks() -> None:
    """A stage says how its health is asked for, or that it is not; most say nothing."""
    stages = read("FROM a\nHEALTHCHECK --interval=5s CMD curl -f x\nFROM b\nHEALTHCHECK NONE\nFROM c\n").stages
    assert [stage.healthcheck for stage in stages] == ["set", "none", ""]


def test_mounts_of_a_command() -> None:
    """A bind mount of the context is told; caches, secrets and other stages are not of the tree."""
    stage = last(
        "FROM python:3.12\nRUN --mount=type=cache,target=/c --mount=type=bind,source=uv.lock,target=uv.lock \\\n"
        "    --mount=type=bind,from=builder,target=/x --mount=target=/src uv sync\n"
    )
    mounts = stage.runs[0].mounts
    assert [(m.source, m.target) for m in mounts] == [
        (Literal("uv.lock"), Literal("uv.lock")),
        (Literal("."), Literal("/src")),
    ]
