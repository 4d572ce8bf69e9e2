"""The path filter of a workflow that tests or ships leaves out a file that the workflow itself works with.

A change of such a file alone starts nothing: it is merged without a test, or merged and never shipped, and no check on
the pull request is red.
"""

from __future__ import annotations

import dataclasses
import itertools
import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _runs
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Image,
    JobRun,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    conditions,
    expr,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1", evidence="cross-artifact")

_EVENTS = ("push", "pull_request", "merge_group")
_LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pipenv": "Pipfile.lock", "pdm": "pdm.lock"}
_INSTALLS = frozenset({"sync", "install", "run"})
_PUBLISHES = re.compile(
    r"^(?:uv|poetry|flit|hatch|pdm)\s+(?:build|publish)\b|^twine\s+upload\b|^python3?\s+-m\s+build\b"
)
"""Commands that make or publish a distribution, which does not hold the lock file."""
_TESTS_OF = "the tests are run of"
_CHECKERS = frozenset({"ruff", "mypy", "flake8", "black", "pylint", "pyright", "bandit"})
_TEST_TARGET = re.compile(r"(?:^|[-_])tests?(?:$|[-_])")


@dataclasses.dataclass(frozen=True)
class _Input:
    """A file or folder of the tree that a workflow works with: *how*, and where that is written. *program* is the
    checker of code that does, "" where it is the tests or the image that count; *shipped*: it goes into an image."""

    path: str
    how: str
    place: Place
    program: str = ""
    shipped: bool = False


def _is_filtered(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    if not _filtered(workflow):
        return False
    return _tests(workflow, pipeline) or _ships(workflow, pipeline) or bool(_checkers(workflow, pipeline))


def _filtered(workflow: facts.Workflow) -> list[facts.WorkflowEvent]:
    """The events for changes, if each of them has a path filter: else a change starts the workflow somehow."""
    events = [event for event in workflow.events if event.event in _EVENTS]
    return events if all(event.paths for event in events) else []


def _runs_of(workflow: facts.Workflow, pipeline: Pipeline) -> tuple[JobRun, ...]:
    return pipeline.index(JobRun, _runs.started_by).get(workflow.path, ())


def _tests(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    """Whether the workflow runs tests, by a runner or by a target that is named after them."""
    return any(
        _ci.runs_tests(command) or _runs_target(command)
        for run in _runs_of(workflow, pipeline)
        for step in run.steps
        for command in _ci.commands(step)
    )


def _runs_target(command: _ci.SimpleCommand) -> bool:
    return command.words[0] in ("make", "just", "task") and any(map(_TEST_TARGET.search, command.words[1:]))


def _ships(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    """Whether the workflow pushes an image when a change is on its branch."""
    if not any(event.event == "push" for event in workflow.events):
        return False
    return any(build.pushes for run in _runs_of(workflow, pipeline) for build in _builds(run, pipeline))


def _builds(run: JobRun, pipeline: Pipeline) -> tuple[facts.ImageBuild, ...]:
    return pipeline.index(facts.ImageBuild, "owner").get(run.job.step, ())


@check.over(facts.Workflow, where=_is_filtered)
def find(workflow: facts.Workflow, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the path filters of each workflow that runs tests, or pushes an image."""
    events = _filtered(workflow)
    tests, ships = _tests(workflow, pipeline), _ships(workflow, pipeline)
    missed: list[_Input] = []
    for one in _inputs(workflow, pipeline, tests=tests, ships=ships):
        if one.path not in [other.path for other in missed] and not _taken(one.path, events, pipeline):
            missed.append(one)
    missed = [one for one in missed if not _taken_elsewhere(one, workflow, pipeline)]
    if not missed:
        return
    if not missed[0].shipped and not missed[0].program and _may_be_tested(workflow, missed[0].path, pipeline):
        yield Unjudged(events[0].place, "another workflow may test it")
        return
    yield _finding(workflow, events, _outermost(missed))


def _outermost(missed: list[_Input]) -> list[_Input]:
    """What is missed, without what lies below a folder that is missed as a whole."""
    paths = [one.path for one in missed]
    return [one for one in missed if not any(one.path.startswith(f"{path}/") for path in paths)]


def _finding(workflow: facts.Workflow, events: list[facts.WorkflowEvent], missed: list[_Input]) -> Finding:
    names = ", ".join(one.path for one in missed[:3]) + (f" and {len(missed) - 3} more" if len(missed) > 3 else "")
    harm = "merged and not shipped" if missed[0].shipped else "merged without these tests"
    if missed[0].program:
        harm = f"merged without {missed[0].program}"
    because: list[tuple[Place, str]] = []
    for one in missed[:3]:
        because.append((one.place, one.how))
    return Finding(
        at=events[0].place,
        message=(
            f"The path filter of {workflow.name or workflow.path!r} leaves out {names}, which the workflow itself "
            f"works with: a change of {'that' if len(missed) == 1 else 'these'} alone does not start it, and is {harm}."
        ),
        because=tuple(because),
        about=tuple(sorted(one.path for one in missed)),
    )


def _taken(path: str, events: list[facts.WorkflowEvent], pipeline: Pipeline) -> bool:
    """Whether a change of the file, or of some file in the folder, starts the workflow."""
    files = [path] if path in pipeline.paths else [one for one in pipeline.paths if one.startswith(f"{path}/")]
    return any(not event.paths or conditions.matches(event.paths, one) for event in events for one in files)


def _taken_elsewhere(one: _Input, workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    """Whether another workflow that does the same is started by a change of it."""
    for other in pipeline.all(facts.Workflow):
        same = _ships(other, pipeline) if one.shipped else _tests(other, pipeline)
        if one.program:
            same = one.program in _checkers(other, pipeline)
        if other is workflow or not same:
            continue
        events = [e for e in other.events if e.event in _EVENTS and not (e.tags and not e.branches)]
        ignored = [e for e in events if e.paths_ignore and conditions.matches(e.paths_ignore, one.path)]
        if _taken(one.path, [event for event in events if event not in ignored], pipeline):
            return True
    return False


def _may_be_tested(workflow: facts.Workflow, path: str, pipeline: Pipeline) -> bool:
    """Whether another workflow, started by a change of it, does what is not read and may be tests."""
    for other in pipeline.all(facts.Workflow):
        events = [event for event in other.events if event.event in _EVENTS]
        if other is workflow or not events or not _taken(path, events, pipeline):
            continue
        jobs = pipeline.index(facts.WorkflowJob, "workflow").get(other.identity, ())
        if any(True for job in jobs for _ in _ci.opaque(job, pipeline)):
            return True
    return False


# ------------------------------------------------------------------------------------------------------- inputs


def _inputs(workflow: facts.Workflow, pipeline: Pipeline, *, tests: bool, ships: bool) -> Iterator[_Input]:
    for run in _runs_of(workflow, pipeline):
        if tests:
            yield from _of_commands(run, pipeline)
        if ships:
            for build in _builds(run, pipeline):
                if build.pushes:
                    yield from _of_image(build, pipeline)
    for program, place in _checkers(workflow, pipeline).items():
        yield from _of_siblings(workflow, program, place, pipeline)


def _checkers(workflow: facts.Workflow, pipeline: Pipeline) -> dict[str, Place]:
    """The checkers of code that the workflow runs over the whole tree, each with its first place."""
    found: dict[str, Place] = {}
    for run in _runs_of(workflow, pipeline):
        for step in run.steps:
            for command in _ci.commands(step):
                if command.words[0] in _CHECKERS and "." in command.words[1:] and not _folder(step):
                    found.setdefault(command.words[0], command.place)
    return found


def _of_commands(run: JobRun, pipeline: Pipeline) -> Iterator[_Input]:
    """What the commands of a job that runs tests install, and run, from the tree."""
    own = [(step, command) for step in run.steps for command in _ci.commands(step)]
    if not any(_ci.runs_tests(command) for _, command in own):
        return
    published = any(_PUBLISHES.search(command.text) for _, command in own)
    folder, last = "", None
    for step, command in own:
        if step is not last:
            folder, last = _folder(step), step
        if command.words[0] == "cd" and len(command.words) == 2:
            folder = posixpath.normpath(posixpath.join(folder, command.words[1]))
        if "{*}" in folder or "$" in folder or "~" in folder:
            continue
        for written, how in _written(command):
            path = posixpath.normpath(posixpath.join(folder, written)).removeprefix("./")
            if path in pipeline.paths or (how == _TESTS_OF and path not in (".", "") and pipeline.has_folder(path)):
                yield _Input(path, f"{how} {written} in job {run.job.id}", command.place)
        lock = _lock(command, folder, pipeline)
        if lock and not published:
            yield _Input(lock, f"`{' '.join(command.words[:2])}` installs from {lock}", command.place)


def _folder(step: facts.JobStep) -> str:
    workdir = step.run.workdir if step.run is not None else None
    return _ci.text_of(workdir).removeprefix("./").strip("/") if workdir is not None else ""


def _written(command: _ci.SimpleCommand) -> Iterator[tuple[str, str]]:
    """Paths that the command names: lists of requirements, and what a test runner is pointed to."""
    words = command.words
    for before, word in itertools.pairwise(words):
        if before in ("-r", "--requirement", "-c", "--constraint") and "install" in words:
            yield word, "pip installs from"
        elif before in ("-f", "--file") and "compose" in command.text:
            yield word, "the services are started from"
    if command.words[0].startswith("python") and len(words) > 1 and words[1].endswith(".py"):
        yield words[1], "it runs"
    if _ci.runs_tests(command):
        for word in words[1:]:
            path = word.partition("::")[0]
            if not word.startswith("-") and "/" in path and "=" not in path and "$" not in path and "{*}" not in path:
                yield path, _TESTS_OF


def _lock(command: _ci.SimpleCommand, folder: str, pipeline: Pipeline) -> str:
    """The lock file that the command installs from, in its folder or above; "" where there is none."""
    name = _LOCKS.get(command.words[0])
    if name is None or len(command.words) < 2 or command.words[1] not in _INSTALLS - {"run"}:
        return ""
    while True:
        path = f"{folder}/{name}" if folder not in ("", ".") else name
        if path in pipeline.paths:
            return path
        if folder in ("", ".") or command.words[0] != "uv":
            return ""
        folder = posixpath.dirname(folder)


def _of_image(build: facts.ImageBuild, pipeline: Pipeline) -> Iterator[_Input]:
    """The Dockerfile of an image, and the files and folders that it copies."""
    for image in pipeline.all(Image):
        if build not in image.builds:
            continue
        path = image.dockerfile.path
        yield _Input(path, f"the image is built by {path}", image.dockerfile.place, shipped=True)
        for copy in (copy for stage in image.dockerfile.stages for copy in stage.copies):
            for source in copy.sources:
                if copy.origin or copy.inline or not isinstance(source, expr.Literal):
                    continue
                full = posixpath.normpath(posixpath.join(image.context, str(source.value).lstrip("/")))
                if not full.endswith(".md") and (full in pipeline.paths or (full != "." and pipeline.has_folder(full))):
                    yield _Input(full, f"{path} copies {full}", copy.place, shipped=True)


def _of_siblings(workflow: facts.Workflow, program: str, place: Place, pipeline: Pipeline) -> Iterator[_Input]:
    """Parts of the tree that are images of their own, where the filter names others of these one by one."""
    patterns = [pattern for event in _filtered(workflow) for pattern in event.paths]
    named = {pattern[:-3] for pattern in patterns if pattern.endswith("/**") and not set("*/?[!") & set(pattern[:-3])}
    parts: dict[str, Image] = {}
    for image in pipeline.all(Image):
        top, _, rest = image.dockerfile.path.partition("/")
        if rest and any(path.startswith(f"{top}/") and path.endswith(".py") for path in pipeline.paths):
            parts.setdefault(top, image)
    watched = sorted(named & set(parts))
    if len(watched) < 2:
        return
    for top, image in parts.items():
        if top not in named:
            how = f"an image of its own, as {' and '.join(watched[:2])} are; {program} checks the whole tree"
            yield _Input(top, how, image.dockerfile.place, program)
