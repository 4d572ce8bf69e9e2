"""A dependency is taken from a branch of another repository.

A push there changes the next build here with nothing changed here; a branch that is renamed or removed fails it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from mlbreaks_checks import _installs
from pytest_mlbreaks.api import Check, Confidence, Finding, Install, Pipeline, Place, Severity, Unjudged, Verdict, expr
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_VCS = re.compile(r"(git|hg|svn|bzr)\+")
_BRANCHES = frozenset(
    {"main", "master", "develop", "development", "dev", "trunk", "head", "next", "nightly", "staging"}
)
_FIXED = re.compile(r"[0-9a-fA-F]{7,40}$|refs/tags/|(.*[^0-9])?v?\d+(\.\d+)+")
# Groups and lists of what runs beside the code: another version there does not reach production.
_ASIDE = re.compile(
    r"(^|[/_.-])(dev|test|tests|testing|docs?|lint|linter|ci|build|notebooks?)([/_.-]|$)", re.IGNORECASE
)
_INSTALLS = re.compile(r"\binstall\b[^\n;&|]*?\s(?:-r|--requirements?)[ =]?([^\s;&|'\"]+)")
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
    if not (installs or _builds_a_project(requirement, pipeline) or _is_installed(requirement.path, pipeline)):
        yield Unjudged(requirement.place, "nothing is seen to install this list")
        return
    because = [(i.place, "this command installs the list") for i in installs[:1]]
    beside = pipeline.index(f.Requirement, "path").get(requirement.path, ())
    moving = [r for r in beside if _from_a_repository(r, pipeline) and _moves(r) and _lock(r, pipeline) is None]
    if lock is None and _moves(requirement) and moving and requirement is not moving[0]:
        return  # told with the first of the list
    processes = [process for install in installs for process in install.processes]
    others = moving[1:] if lock is None and _moves(requirement) else []
    because += [(r.place, f"and so is {_name(r)}, {_where(r)}") for r in others]
    yield from _verdict(requirement, requirement.place, (*because, *_installs.run_by(processes, pipeline)))


def _builds_a_project(requirement: f.Requirement, pipeline: Pipeline) -> bool:
    """Whether the dependency is one of a project: who installs that installs it, too."""
    return any(file.package for file in pipeline.index(f.RequirementFile, "path").get(requirement.path, ()))


def _is_installed(path: str, pipeline: Pipeline) -> bool:
    """Whether a command of CI or of an orchestrator installs the list, or a Dockerfile, built by whomever."""
    return path in pipeline.index(f.Step, _installed_by_step, each=True) or path in pipeline.index(
        f.Dockerfile, _installed_by_image, each=True
    )


def _installed_by_step(step: f.Step) -> tuple[str, ...]:
    return tuple(map(posixpath.normpath, _lists(step.commands)))


def _installed_by_image(dockerfile: f.Dockerfile) -> tuple[str, ...]:
    """The lists that a Dockerfile installs, as it names them or copies them, seen from its folder and from the root."""
    found: dict[str, None] = {}
    for stage in dockerfile.stages:
        names = dict.fromkeys(_lists(stage.runs))
        sources = [expr.literal_text(source) or "" for copy in stage.copies for source in copy.sources]
        ends = {posixpath.basename(name) for name in names}
        for name in (*names, *(source for source in sources if posixpath.basename(source) in ends)):
            found[posixpath.normpath(name)] = None
            found[posixpath.normpath(posixpath.join(posixpath.dirname(dockerfile.path), name))] = None
    return tuple(found)


def _lists(commands: Iterable[f.Command]) -> Iterator[str]:
    """The lists that ``pip install`` and the like are given, as written."""
    for command in commands:
        text = expr.literal_text(command.shell) if command.shell is not None else None
        yield from dict.fromkeys(_INSTALLS.findall(text or ""))


def _takes_a_repository(install: Install, pipeline: Pipeline) -> bool:
    own = [r for r in install.requirements if r.path == install.place.path and _VCS.match(r.source)]
    return bool(own) and _installs.deployed(install, pipeline)


@check.over(Install, where=_takes_a_repository)
def find_in_commands(install: Install, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at what a command of a deployed image's Dockerfile takes out of repositories itself."""
    for requirement in install.requirements:
        if requirement.path == install.place.path and _VCS.match(requirement.source):
            yield from _verdict(requirement, install.place, _installs.run_by(install.processes, pipeline))


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
