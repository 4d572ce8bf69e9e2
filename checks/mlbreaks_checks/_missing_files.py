"""Which files and folders the commands of a job name that its checkout does not hold."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Sequence

from mlbreaks_checks import _ci, _files
from pytest_mlbreaks.api import Pipeline, facts

_FETCHES = re.compile(
    r"\bgit (?:clone|checkout|submodule|pull|fetch|lfs)\b|\bdvc pull\b|"
    r"\b(?:tar|unzip|rsync|scp|wget|curl|gsutil|rclone)\b|"
    r"\baws s3\b|\bgcloud storage\b|\baz storage\b|\bcopier\b|\bcookiecutter\b|\bterraform\b|\bmake\b|\bcd\b|\bpushd\b"
)
"""Commands that may bring files, or go to another folder."""
_BRINGS = re.compile(r"actions/(?:download-artifact|cache)|checkout|clone|artifact|terraform", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Lacking:
    """A path that *command* of a job names, by *option*, where *checkout* has nothing. *doubt* says why it may be there
    all the same, or is "": the step, the one of that *index*, fails on each run. *always*: it is under no condition."""

    command: _ci.SimpleCommand
    option: str
    path: str
    checkout: facts.JobStep
    doubt: str
    index: int
    always: bool


def has_checkout(job: facts.WorkflowJob) -> bool:
    """Whether the job checks this repository out, into its own folder."""
    return any(_is_own_checkout(step) for step in job.steps)


def lacking(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Lacking]:
    """The lists, manifests, Dockerfiles, compose files and charts that are not there."""
    checked_out: facts.JobStep | None = None
    said: set[str] = set()
    for index, step in enumerate(job.steps):
        if _is_own_checkout(step):
            checked_out = step
        if checked_out is None or step.run is None or step.continue_on_error:
            continue
        folder = _ci.text_of(step.run.workdir)
        for command, option, written in _named(step):
            path = posixpath.normpath(posixpath.join(folder, written))
            if path in said or path.startswith("..") or not _files.PLAIN.fullmatch(path) or _is_there(path, pipeline):
                continue
            said.add(path)
            doubt = _doubt(job.steps[: index + 1], written, pipeline.unread_near(path), command)
            yield Lacking(command, option, path, checked_out, doubt, index, not step.condition)


def _is_own_checkout(step: facts.JobStep) -> bool:
    given = {one.name for one in step.inputs}
    return step.uses.startswith("actions/checkout@") and given.isdisjoint({"repository", "path", "ref", "submodules"})


def _named(step: facts.JobStep) -> Iterator[tuple[_ci.SimpleCommand, str, str]]:
    """The paths that commands of the step name, each with the option that does."""
    for command in _ci.commands(step):
        if not command.swallowed:
            yield from ((command, option, path) for option, path in _files.named(command))


def _is_there(path: str, pipeline: Pipeline) -> bool:
    return path in pipeline.paths or pipeline.has_folder(path)


def _doubt(steps: Sequence[facts.JobStep], written: str, unread: str | None, command: _ci.SimpleCommand) -> str:
    """Why the file may be there all the same; "" where it is not."""
    if unread is not None:
        return unread
    name = posixpath.basename(written)
    for step in steps:
        if not _is_own_checkout(step) and _BRINGS.search(step.uses):
            return "an action may bring the file"
        script = _ci.text_of(step.run.shell) if step.run is not None else ""
        if re.search(r"(\[|\btest\b)[^\]]*-[efsdr]\s", script):
            return "it is asked for before it is used"
        if _FETCHES.search(script):
            return "a command may bring the file, or go to another folder"
        makes = any(other != command and name in other.text and not _files.reads(other) for other in _ci.commands(step))
        if makes or re.search(rf">\s*['\"]?\S*{re.escape(name)}", script):
            return "a command may make the file"
    return ""
