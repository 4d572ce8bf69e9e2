"""Packages: what is asked for and what a lock holds."""

from __future__ import annotations

from pytest_mlbreaks.model.facts.base import Fact, Part


class Requirement(Fact, frozen=True, kw_only=True):
    """One declared dependency. *name* is normalised (PEP 503), "" for a repository that is named by its URL alone;
    *specifier* as PEP 440 text, "" where open.

    *group* is "" for the main list, else the extra or dependency group; *source* is "index", "conda", "workspace" (a
    project of the same repository), a VCS, archive or file URL. *branch*: the file says that the URL's reference is a
    branch.
    """

    name: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    group: str = ""
    source: str = "index"
    hashed: bool = False
    branch: bool = False

    @property
    def identity(self) -> str:
        return f"requirement:{self.path}#{self.group}:{self.name or self.source}"


class RequirementFile(Fact, frozen=True, kw_only=True):
    """A list of dependencies. *includes* and *constraints* are paths as written, relative to this file's folder.

    *python* is its ``requires-python``; *package* the name of the distribution that a project file builds;
    *compiled* is true where the file is a tool's full resolution (pip-compile, uv export) or every line is pinned;
    *resolved* is true for the former only.
    *unknown*: why its main list may hold more than is told (it is computed); "" where it does not. *defaults* are the
    groups that the file's tool installs without being asked (uv: ``dev``; Poetry: all that are not optional).
    """

    format: str  # requirements, pyproject, poetry, setup.py, setup.cfg, pipfile, conda
    includes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""
    package: str = ""
    scripts: tuple[str, ...] = ()  # console scripts that it installs
    compiled: bool = False
    resolved: bool = False
    indexes: tuple[str, ...] = ()  # package indexes, for conda its channels
    unknown: str = ""
    defaults: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"requirements:{self.path}"


class LockedPackage(Part, frozen=True, kw_only=True):
    """One package of a lock file, on *line*. *source*: "index", or a VCS, archive or file URL; for a project of the
    repository its folder relative to the lock, behind ``./``.

    *requires* are the packages that it brings along, ``name[extra]`` where it asks for an extra; *extras* those of each
    of its own extras, *groups* those of each of its dependency groups (a project of the repository only). *within* are
    the lock's groups that it belongs to, where the lock says so ("main" for none in particular).
    """

    name: str
    version: str = ""
    source: str = "index"
    line: int
    requires: tuple[str, ...] = ()
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    within: tuple[str, ...] = ()


class LockFile(Fact, frozen=True, kw_only=True):
    """A lock file: the packages that a tool has chosen. *version* is that of its format, *python* the versions that it
    is for. *graph*: it says which package brings which along. *read* is false where we know the tool alone.

    *digest* is its digest of the manifest that it was made from, "" where it holds none.
    """

    tool: str  # uv, poetry, pipenv, pdm, pylock, pixi, conda-lock
    version: str = ""
    python: str = ""
    packages: tuple[LockedPackage, ...] = ()
    graph: bool = False
    read: bool = False
    digest: str = ""

    @property
    def identity(self) -> str:
        return f"lock:{self.path}"
