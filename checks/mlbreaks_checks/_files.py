"""The files of the tree that commands name: lists, manifests, Dockerfiles, compose files, charts, scripts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci

_INSTALLS = re.compile(r"^(?:python3? -m )?(?:uv )?pip3? install\b")
_APPLIES = re.compile(r"^kubectl\s.*?\b(?:apply|create|replace)\b")
_BUILDS = re.compile(r"^docker (?:buildx )?build\b")
_COMPOSES = re.compile(r"^docker(?:-compose| compose)\b")
_CHARTS = re.compile(r"^helm\s.*?\b(?:upgrade|install|template)\b")
_OPTIONS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (_INSTALLS, ("-r", "--requirement", "-c", "--constraint")),
    (_APPLIES, ("-f", "--filename", "-k", "--kustomize")),
    (_BUILDS, ("-f", "--file")),
    (_COMPOSES, ("-f", "--file")),
    (_CHARTS, ("-f", "--values")),
)
_SUBCOMMAND = re.compile(r"(?:build|config|create|down|exec|kill|logs|ps|pull|push|restart|rm|run|start|stop|up)")
"""Words of docker compose behind which ``-f`` is another option (``logs -f``, ``rm -f``)."""
PLAIN = re.compile(r"(?=[./-]*\w)[\w./-]+")
"""A path that is written out: without variables, patterns, and the URL's colon."""
_STARTS = re.compile(r"(?:python[\d.]*|bash|sh)$")


def named(command: _ci.SimpleCommand) -> Iterator[tuple[str, str]]:
    """The paths that a command reads by its options, each with the option that does; of Helm local charts too."""
    for program, options in _OPTIONS:
        if not program.match(command.text):
            continue
        words = command.words
        if program is _COMPOSES:
            words = tuple(itertools.takewhile(lambda word: not _SUBCOMMAND.fullmatch(word), words))
        for word, following in zip(words, (*words[1:], ""), strict=True):
            option, equals, value = word.partition("=")
            if word in options:
                yield word, following.strip("'\"")
            elif equals and option in options:
                yield option, value.strip("'\"")
        if program is _CHARTS:
            yield from (("", word) for word in command.words if re.match(r"\.\.?/\w", word))
        break


def started(command: _ci.SimpleCommand) -> str:
    """The script that a command starts: ``python X.py``, ``bash X.sh``; "" where it starts none."""
    words = command.words
    if len(words) > 1 and _STARTS.match(words[0]) and words[1].endswith((".py", ".sh")):
        return words[1].strip("'\"")
    return ""


def reads(command: _ci.SimpleCommand) -> bool:
    """Whether it is a command that reads the files of its options."""
    return any(program.match(command.text) for program, _ in _OPTIONS)
