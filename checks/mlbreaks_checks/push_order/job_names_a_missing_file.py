"""A job installs, builds, or deploys from a file or folder that its checkout does not hold.

The step fails on each run, and what comes behind it, the tests or the deployment, does not happen.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from mlbreaks_checks import _ci, _files
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("untested-change",),
)

_FETCHES = re.compile(
    r"\bgit (?:clone|checkout|submodule|pull|fetch|lfs)\b|\bdvc pull\b|"
    r"\b(?:tar|unzip|rsync|scp|wget|curl|gsutil|rclone)\b|"
    r"\baws s3\b|\bgcloud storage\b|\baz storage\b|\bcopier\b|\bcookiecutter\b|\bterraform\b|\bmake\b|\bcd\b|\bpushd\b"
)
"""Commands that may bring files, or go to another folder."""
_BRINGS = re.compile(r"actions/(?:download-artifact|cache)|checkout|clone|artifact|terraform", re.IGNORECASE)


def _has_checkout(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    """Jobs that check this repository out, into their own folder."""
    return any(_is_own_checkout(step) for step in job.steps)


def _is_own_checkout(step: facts.JobStep) -> bool:
    given = {one.name for one in step.inputs}
    return step.uses.startswith("actions/checkout@") and given.isdisjoint({"repository", "path", "ref", "submodules"})


@check.over(facts.WorkflowJob, where=_has_checkout)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the lists, manifests, Dockerfiles, compose files and charts that its commands name."""
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
            if doubt:
                yield Unjudged(command.place, doubt)
            else:
                yield _finding(job, command, option, path, checked_out, pipeline)


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


def _finding(
    job: facts.WorkflowJob,
    command: _ci.SimpleCommand,
    option: str,
    path: str,
    checked_out: facts.JobStep,
    pipeline: Pipeline,
) -> Finding:
    named: list[tuple[Place, str]] = []
    elsewhere = pipeline.paths_named(posixpath.basename(path))
    hint = ""
    if len(elsewhere) == 1:
        hint = f"; {elsewhere[0]} is in the tree"
        named.append((Place(elsewhere[0], 1), "the file of that name"))
    short = " ".join(command.words[:3])
    return Finding(
        at=command.place,
        message=(
            f"`{short} ...` of job {job.id!r} names {path}{f' by {option}' if option else ''}, and its checkout of "
            f"this repository holds nothing there{hint}: the step fails, and what follows it does not happen."
        ),
        because=(
            (checked_out.place, "the repository is checked out here, and nothing is seen to bring the file"),
            *named,
        ),
        about=(path,),
        group=path,
        note="names it, too",
    )
