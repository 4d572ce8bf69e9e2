"""A lock file is there, and the image is built without it.

Tests and developers run the locked versions, and each build of the image takes the newest ones that its lists allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _installs
from pytest_mlbreaks.api import Check, Confidence, Finding, Install, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


_EXPORTED = "hashes or a lock file"
"""What fixes a list that another tool made from a lock."""


def _of_a_locked_project(install: Install, pipeline: Pipeline) -> bool:
    return _installs.deployed(install, pipeline) and (
        install.lock is not None or install.passed_over is not None or _reads_locks(install)
    )


def _reads_locks(install: Install) -> bool:
    return install.tool in ("poetry", "pdm", "pipenv") or install.fixed == "a lock file"


@check.over(Install, where=_of_a_locked_project)
def find(install: Install, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each command of a Dockerfile that installs a project with a lock file into an image that is run or
    pushed."""
    lock = install.passed_over
    if lock is None:
        if install.lock is None and not install.fixed:
            yield Unjudged(install.place, "whether its lock file reaches the image can't be told")
        return
    before = list(_before(install, pipeline))
    if install.fixed or _there_already(install, before):
        return  # constraints, hashes or the packages that are there hold the versions
    if _script_before(install, pipeline):
        yield Unjudged(install.place, "a script of the tree installs packages before it")
        return
    processes = install.processes
    assumed = bool(processes) and all(process.assumed for process in processes)
    own = [r for r in install.requirements if r.specifier.startswith("==")]
    earlier = _pinned(before)
    held = [r for r in install.requirements if r.name in earlier or r in own]
    exact = bool(own) and len(own) == len(install.requirements)
    pinned = exact or (bool(earlier) and 2 * len(held) > len(install.requirements))
    lowered = ""
    if exact:
        lowered = "the list itself names exact versions, so that only what comes along with them moves"
    elif pinned:
        lowered = "a list before it names exact versions of most of what it asks for"
    elif assumed:
        lowered = f"that {processes[0].name} runs this image is assumed: {processes[0].assumed}"
    yield Finding(
        at=install.place,
        message=(
            f"{_installs.who(processes, pipeline)} is built without {lock.path}: {install.passed_why}, so that each"
            " build takes the newest versions that the lists allow, and not those that were locked and tested."
        ),
        because=((lock.place, "the lock file that is passed over"), *_installs.run_by(processes, pipeline)),
        about=(lock.path,),
        severity=Severity.MEDIUM if pinned else None,
        confidence=Confidence.MEDIUM if assumed and not pinned else None,
        lowered=lowered,
    )


def _before(install: Install, pipeline: Pipeline) -> Iterator[Install]:
    """What the same Dockerfile installs into the same image before *install*."""
    for image in install.images:
        for other in pipeline.index(Install, _images, each=True).get(image.identity, ()):
            if other.place.path == install.place.path and (other.place.line or 0) < (install.place.line or 0):
                yield other


def _there_already(install: Install, before: list[Install]) -> bool:
    """Whether what *install* wants came into the image under a lock before: pip leaves alone what will do. An export of
    a lock is a list that the tree does not have: of a project that needs this one, or of this one itself."""
    wanted = {file.path for file in install.files}
    return any(
        (other.lock is not None and other.lock is install.passed_over)
        or ((other.lock is not None or other.fixed) and not wanted.isdisjoint(file.path for file in other.files))
        or (other.fixed == _EXPORTED and not other.files and not other.requirements)
        for other in before
    )


_SCRIPT = re.compile(r"[\w./-]*?([\w.-]+\.sh)\b")
_INSTALLS = re.compile(r"\bpip3?\s+install\b|\buv\s+sync\b|\bpoetry\s+install\b")


def _script_before(install: Install, pipeline: Pipeline) -> bool:
    """Whether the stage runs a script before that installs packages, in which versions is not followed."""
    scripts = pipeline.index(facts.Script, "path")
    for run in install.stage.runs if install.stage is not None else ():
        if (run.place.line or 0) < (install.place.line or 0):
            named = _SCRIPT.findall(_ci.text_of(run.shell))
            found = (
                script for name in named for path in pipeline.paths_named(name) for script in scripts.get(path, ())
            )
            if any(_INSTALLS.search(script.text) for script in found):
                return True
    return False


def _pinned(before: list[Install]) -> frozenset[str]:
    """The packages that are there in one exact version."""
    return frozenset(r.name for other in before for r in other.requirements if r.specifier.startswith("=="))


def _images(install: Install) -> tuple[str, ...]:
    return tuple(image.identity for image in install.images)
