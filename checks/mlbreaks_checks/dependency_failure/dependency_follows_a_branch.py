"""A dependency is taken from a branch of another repository.

A push there changes the next build here with nothing changed here; a branch that is renamed or removed fails it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _installs
from pytest_mlbreaks.api import Check, Confidence, Finding, Install, Pipeline, Place, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_VCS = re.compile(r"(git|hg|svn|bzr)\+")
_BRANCHES = frozenset(
    {"main", "master", "develop", "development", "dev", "trunk", "head", "next", "nightly", "staging"}
)
_FIXED = re.compile(r"[0-9a-fA-F]{7,40}$|refs/tags/|(.*[^0-9])?v?\d+(\.\d+)+")
# Groups and lists of what runs beside the code: another version there does not reach production.
_ASIDE = re.compile(
    r"(^|[/_.-])(dev|test|tests|testing|docs?|lint|linter|ci|build|notebooks?)([/_.-]|$)", re.IGNORECASE
)
_AT_ROOT = (".travis.yml", ".gitlab-ci.yml", "azure-pipelines.yml", ".readthedocs.yml", ".readthedocs.yaml")
_LOCKS = {"uv": ("pyproject",), "poetry": ("poetry", "pyproject"), "pdm": ("pyproject",), "pipenv": ("pipfile",)}


def _from_a_repository(requirement: f.Requirement, pipeline: Pipeline) -> bool:
    return (
        bool(_VCS.match(requirement.source))
        and not _ASIDE.search(requirement.group)
        and not _ASIDE.search(requirement.path)
    )


@check.over(f.Requirement, where=_from_a_repository)
def find_in_lists(requirement: f.Requirement, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each dependency of a list that comes out of a repository."""
    installs = pipeline.index(Install, _paths, each=True).get(requirement.path, ())
    lock = _lock(requirement, pipeline)
    if lock is not None and not any(install.passed_over is lock for install in installs):
        return  # the lock holds the commit
    because = [(i.place, "this command installs the list") for i in installs[:1]]
    if not installs and _is_a_copy(requirement.path, pipeline):
        return
    beside = pipeline.index(f.Requirement, "path").get(requirement.path, ())
    moving = [r for r in beside if _from_a_repository(r, pipeline) and _moves(r) and _lock(r, pipeline) is None]
    if lock is None and _moves(requirement) and moving and requirement is not moving[0]:
        return  # told with the first of the list
    processes = [process for install in installs for process in install.processes]
    others = moving[1:] if lock is None and _moves(requirement) else []
    because += [(r.place, f"and so is {_name(r)}, {_where(r)}") for r in others]
    yield from _verdict(requirement, requirement.place, (*because, *_installs.run_by(processes)))


def _is_a_copy(path: str, pipeline: Pipeline) -> bool:
    """Whether *path* lies in a copy of another repository: a folder with files that a host reads at the root only."""
    folder = path.rpartition("/")[0]
    while folder:
        if pipeline.has_folder(f"{folder}/.github") or any(f"{folder}/{name}" in pipeline.paths for name in _AT_ROOT):
            return True
        folder = folder.rpartition("/")[0]
    return False


def _takes_a_repository(install: Install, pipeline: Pipeline) -> bool:
    own = [r for r in install.requirements if r.path == install.place.path and _VCS.match(r.source)]
    return bool(own) and _installs.deployed(install, pipeline)


@check.over(Install, where=_takes_a_repository)
def find_in_commands(install: Install, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what a command of a deployed image's Dockerfile takes out of repositories itself."""
    for requirement in install.requirements:
        if requirement.path == install.place.path and _VCS.match(requirement.source):
            yield from _verdict(requirement, install.place, _installs.run_by(install.processes))


def _verdict(requirement: f.Requirement, at: Place, because: tuple[tuple[Place, str], ...]) -> Iterator[Verdict]:
    url, reference = _split(requirement.source)
    if _moves(requirement):
        yield Finding(
            at=at,
            message=(
                f"{_name(requirement)} is taken {_where(requirement)}, with no commit or tag: a push there changes the "
                "next build here, with nothing changed and nothing tested here."
            ),
            because=because,
            about=(url,),
        )
    elif not _FIXED.match(reference) and "{*}" not in reference:
        yield Unjudged(at, "whether a reference is a branch or a tag can't be told")


def _name(requirement: f.Requirement) -> str:
    return requirement.name or _split(requirement.source)[0].rpartition("/")[2].removesuffix(".git")


def _moves(requirement: f.Requirement) -> bool:
    """Whether what it names is a branch."""
    reference = _split(requirement.source)[1]
    named = reference.lower() in _BRANCHES or reference.startswith("refs/heads/")
    return not reference or named or bool(requirement.branch)


def _where(requirement: f.Requirement) -> str:
    url, reference = _split(requirement.source)
    return f"from the branch {reference} of {url}" if reference else f"from {url} as it is that day"


def _split(source: str) -> tuple[str, str]:
    """The URL without the scheme's prefix, and what stands behind the ``@`` of its path."""
    url = source.partition("+")[2].partition("#")[0]
    head, slash, path = url.partition("://")
    host, rest = path.partition("/")[::2] if slash else ("", url)
    rest, _, reference = rest.partition("@")
    return (f"{head}://{host.rpartition('@')[2]}/{rest}" if slash else rest), reference


def _lock(requirement: f.Requirement, pipeline: Pipeline) -> f.LockFile | None:
    """A lock that lies beside the list, or above it, and that holds the package."""
    files = pipeline.index(f.RequirementFile, "path").get(requirement.path, ())
    form = files[0].format if files else ""
    for lock in pipeline.all(f.LockFile):
        above = lock.path.rpartition("/")[0]
        if form not in _LOCKS.get(lock.tool, ()) or not f"{requirement.path}".startswith(f"{above}/" if above else ""):
            continue
        if any(package.name == requirement.name for package in lock.packages):
            return lock
    return None


def _paths(install: Install) -> list[str]:
    return [file.path for file in install.files]
