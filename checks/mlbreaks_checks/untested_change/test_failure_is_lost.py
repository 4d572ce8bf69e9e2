"""Tests fail and their job stays green: their exit code is lost in a pipe, or is not asked for.

GitHub runs a script with ``bash -e``, without ``pipefail``, where no shell is named: of ``pytest | tee``, it is ``tee``
whose success counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    JobRun,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_PIPEFAIL = re.compile(r"^set\s+.*\bpipefail\b")
_KEPT = re.compile(r"(\w+)=[\"']?\$\{?(?:PIPESTATUS|pipestatus)\b")
_PASSED_ON = re.compile(r"\bexit\s+[\"']?\$\{?(?:PIPESTATUS|pipestatus)\b|\[\[?\s.*PIPESTATUS|\(\(.*PIPESTATUS")
_OTHER_SHELL = re.compile(r"windows|pwsh|powershell|cmd", re.IGNORECASE)
_FOR_TRIAL = re.compile(
    r"nightly|experiment|canary|allow[-_ ]?fail|flaky|optional|upstream|dev[-_ ]?deps|pre-?release|informational|"
    r"bench|coverage|report",
    re.IGNORECASE,
)


def _runs_tests(run: JobRun, pipeline: Pipeline) -> bool:
    return any(_ci.runs_tests(command) for step in run.steps for command in _ci.commands(step))


@check.over(JobRun, where=_runs_tests)
def find(run: JobRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each command of a job that certainly runs Python tests."""
    for step in run.steps:
        own = list(_ci.commands(step))
        for position, command in enumerate(own):
            if not _ci.runs_tests(command):
                continue
            if command.piped:
                yield from _piped(run, step, command, own[:position], pipeline)
            elif command.swallowed or step.continue_on_error:
                yield from _let_go(run, step, command, pipeline)


# ------------------------------------------------------------------------------------------------------- a pipe


def _piped(
    run: JobRun, step: facts.JobStep, command: _ci.SimpleCommand, before: list[_ci.SimpleCommand], pipeline: Pipeline
) -> Iterator[Verdict]:
    if any(_PIPEFAIL.match(one.text) for one in before) or _fails(step.shell):
        return
    if _OTHER_SHELL.search(f"{_runner(run, pipeline)} {step.shell}") or "{*}" in _runner(run, pipeline):
        yield Unjudged(command.place, "its shell can't be told")
        return
    script = _ci.text_of(step.run.shell) if step.run is not None else ""
    if _PASSED_ON.search(script):
        return
    kept = _KEPT.search(script)
    if "pipestatus" in script.lower() and (kept is None or _mentions(run, step, script, kept[1])):
        yield Unjudged(command.place, "the script keeps the exit code of the pipe")
        return
    because: list[tuple[Place, str]] = []
    if kept is not None:
        because.append((step.place, f"{kept[1]} keeps the exit code, and nothing asks for it"))
    shell = (
        f"its shell is {step.shell!r}, without pipefail" if step.shell else "no shell is named, which has no pipefail"
    )
    yield Finding(
        at=command.place,
        message=(
            f"{_shown(command)} ends in a pipe, and {shell}: what counts is how the command behind the pipe ends, so "
            f"that job {run.job.id!r} is green when tests fail."
        ),
        because=tuple(because),
        about=("pipe",),
    )


def _fails(shell: str) -> bool:
    """Whether a shell stops at a failure within a pipe: ``bash`` by its name alone is started with ``-eo pipefail``."""
    return shell.strip() == "bash" or "pipefail" in shell


def _mentions(run: JobRun, step: facts.JobStep, script: str, name: str) -> bool:
    """Whether anything but the line that sets it asks for the variable."""
    texts = [_ci.text_of(one.run.shell) for one in run.steps if one is not step and one.run is not None]
    texts.extend(one.condition for one in run.steps)
    texts.extend(line for line in script.split("\n") if not re.search(rf"\b{name}=", line))
    return any(re.search(rf"\b{name}\b", text) for text in texts)


def _runner(run: JobRun, pipeline: Pipeline) -> str:
    step = pipeline.one(facts.Step, run.job.step)
    setting = step.setting("runs-on") if step is not None else None
    return _ci.text_of(setting.value) if setting is not None else ""


# ------------------------------------------------------------------------------------------------------- let go


def _let_go(run: JobRun, step: facts.JobStep, command: _ci.SimpleCommand, pipeline: Pipeline) -> Iterator[Verdict]:
    """The tests may fail on purpose: that is a fault only where nothing else of the job or workflow runs tests."""
    if command.leaves or _FOR_TRIAL.search(
        f"{run.job.id} {run.job.name} {step.name} {run.workflow.path} {command.text}"
    ):
        return
    asked = step.id and any(read.of == "steps" and read.name == step.id for read in run.job.reads)
    if asked or any("steps.*" in one.condition for one in run.steps):
        yield Unjudged(command.place, "something asks how the tests ended")
        return
    siblings = _ci.siblings(run.job, pipeline)
    if any(_ci.deploys(job, pipeline) for job in siblings):
        return  # deploy-without-test-gate says so where it is worse
    others = [
        one
        for other in run.steps
        for one in _ci.commands(other)
        if _ci.runs_tests(one) and not one.swallowed and not other.continue_on_error
    ]
    if others or any(_ci.job_runs_tests(job, pipeline) is not None for job in siblings if job is not run.job):
        return
    how = "its step has `continue-on-error: true`"
    if command.swallowed:
        how = "what follows `||` makes a failure a success"
    yield Finding(
        at=command.place,
        message=f"{_shown(command)} can't fail job {run.job.id!r}: {how}, and no other job of the workflow runs tests.",
        about=("let-go",),
    )


def _shown(command: _ci.SimpleCommand) -> str:
    return f"`{' '.join(command.words[:3])}`"
