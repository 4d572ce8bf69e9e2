"""A target of a Makefile installs, starts, builds or deploys from a file that is not there.

The target ends at that line each time, and what it was to deploy stays as it is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from mlbreaks_checks import _ci, _files
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, expr, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_FOUND_BY_ITSELF = ("Makefile", "makefile", "GNUmakefile")
_GOES = re.compile(r"\b(?:cd|pushd)\b")
_ELSEWHERE = re.compile(
    r"^(?:docker|docker-compose|kubectl|ssh|vagrant|multipass)\b.*?\b(?:exec|run|ssh)\b|^ssh\b|\bact\b"
)
_REFERENCE = re.compile(r"\$(?:\(([\w.-]+)\)|\{([\w.-]+)\}|\([^()]*\)|\{[^{}]*\})")
_HOLE = "$hole"
_ONES_OWN = re.compile(r"(?:^|[._-])(?:override|local|private|secrets?)(?:[._-]|$)|^\.env")
"""Names of files that each makes for himself and that git is told to leave out."""
_ASKS = re.compile(r"(?:\[|\btest)\s[^\]]*-[efsdr]\s")


def _is_started_alone(file: facts.TaskFile, pipeline: Pipeline) -> bool:
    """A Makefile that make finds by itself, and that no other one includes: its folder is the one it works in."""
    name = posixpath.basename(file.path)
    return name in _FOUND_BY_ITSELF and name not in pipeline.index(facts.TaskFile, _included, each=True)


def _included(file: facts.TaskFile) -> frozenset[str]:
    return frozenset(posixpath.basename(one) for one in file.includes)


@check.over(facts.TaskFile, where=_is_started_alone)
def find(file: facts.TaskFile, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what the lines of targets name: lists, manifests, Dockerfiles, compose files, charts and scripts."""
    folder = posixpath.dirname(file.path)
    known = _known(file)
    said: set[str] = set()
    for task in file.tasks:
        if any("{{" in line.text for line in task.lines) or (
            task.whole and any(_GOES.search(x.text) for x in task.lines)
        ):
            continue
        for line in task.lines:
            for command, option, written in _named(line, known):
                path = posixpath.normpath(posixpath.join(folder, written))
                if path in said or path.startswith(("..", "/")) or not _files.PLAIN.fullmatch(written):
                    continue
                if written.startswith("/") or path in pipeline.paths or pipeline.has_folder(path):
                    continue
                said.add(path)
                doubt = pipeline.unread_near(path) or _doubt(file, written, path, known, pipeline)
                if doubt:
                    yield Unjudged(line.place, doubt)
                else:
                    yield _finding(file, task, line.place, command, option, path, pipeline)


def _named(line: facts.TaskLine, known: Mapping[str, str]) -> Iterator[tuple[_ci.SimpleCommand, str, str]]:
    """What the commands of a line name, from the Makefile's folder; nothing where the line may end well without it."""
    if line.ignored or line.maybe or _GOES.search(line.text) or _ASKS.search(line.text):
        return
    for command in _ci.commands_in(facts.Command(shell=expr.Literal(_filled(line.text, known)), place=line.place)):
        if command.swallowed or "$" in command.words[0] or _ELSEWHERE.search(command.text):
            continue
        yield from ((command, option, path) for option, path in _files.named(command))
        if started := _files.started(command):
            yield command, "", started


def _known(file: facts.TaskFile) -> Mapping[str, str]:
    """The variables that the file sets once and for all, to a text without references."""
    found: dict[str, str] = {}
    for variable in file.variables:
        plain = variable.name not in found and not (variable.maybe or variable.added or "$" in variable.text)
        found[variable.name] = variable.text if plain else _HOLE
    return found


def _filled(text: str, known: Mapping[str, str]) -> str:
    """A line with its references replaced, by a word that stands for anything where they can't be told."""
    return _REFERENCE.sub(lambda match: known.get(match[1] or match[2] or "", _HOLE), text)


def _doubt(file: facts.TaskFile, written: str, path: str, known: Mapping[str, str], pipeline: Pipeline) -> str:
    """Why the file may be there all the same; "" where it is not."""
    name = posixpath.basename(written)
    if _ONES_OWN.search(name):
        return "a file that each makes for himself"
    if any(posixpath.basename(task.name) == name for task in file.tasks):
        return "a target makes the file"
    if any(
        f"{path}{end}" in pipeline.paths for end in (".example", ".template", ".sample", ".in", ".tmpl", ".dist", ".j2")
    ):
        return "the tree has a template of it"
    for task in file.tasks:
        for line in task.lines:
            if name in line.text and all(other != written for _, _, other in _named(line, known)):
                if not _GOES.search(line.text) or re.search(
                    rf">\s*\S*{re.escape(name)}|-o\S*\s+\S*{re.escape(name)}", line.text
                ):
                    return "another line may make the file"
            elif "git clone" in line.text or "git submodule" in line.text or "dvc pull" in line.text:
                return "a command may bring the file"
    return ""


def _finding(
    file: facts.TaskFile,
    task: facts.Task,
    place: Place,
    command: _ci.SimpleCommand,
    option: str,
    path: str,
    pipeline: Pipeline,
) -> Finding:
    elsewhere = pipeline.paths_named(posixpath.basename(path))
    hint, because = "", [(task.place, f"target {task.name}")]
    if len(elsewhere) == 1:
        hint = f"; {elsewhere[0]} is in the tree"
        because.append((Place(elsewhere[0], 1), "the file of that name"))
    short = " ".join(command.words[:2])
    return Finding(
        at=place,
        message=f"`{short} ...` of target {task.name!r} names {path}{f' by {option}' if option else ''}, and nothing "
        f"is there{hint}: the target ends here.",
        because=tuple(because),
        about=(path,),
        group=file.path,
        note=f"target {task.name!r} names {path}, which is not there, either",
    )
