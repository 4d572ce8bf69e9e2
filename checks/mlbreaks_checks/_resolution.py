"""What checks of requirements share: what else decides on the release that an installation takes."""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mlbreaks_checks import _brought
from pytest_mlbreaks.api import Install, Pipeline, facts


def folder_of(fact: facts.Requirement | facts.RequirementFile | facts.LockFile) -> str:
    """The folder of a list of packages."""
    return fact.place.path.rpartition("/")[0]


def has_lock(folder: str, pipeline: Pipeline) -> bool:
    """Whether a lock, or constraints, may decide on the releases that lists of *folder* get."""
    locks = pipeline.index(facts.LockFile, by=folder_of)
    lists = pipeline.index(facts.RequirementFile, by=folder_of).get(folder, ())
    return bool(locks.get(folder) or locks.get("")) or any(one.constraints for one in lists)


def goes_elsewhere(requirement: facts.Requirement, pipeline: Pipeline) -> bool:
    """Whether it is a dependency of a package of setuptools that no image of the tree is seen to install: it goes into
    an environment that somebody else made, whose Python may be too old for newer releases."""
    files = pipeline.index(facts.RequirementFile, "path").get(requirement.path, ())
    return any(file.format in ("setup.py", "setup.cfg") for file in files) and requirement.path not in pipeline.index(
        Install, _paths, each=True
    )


def is_held(name: str, path: str, pipeline: Pipeline, besides: str = "") -> bool:
    """Whether the list *path* pins a package that needs *name*, or one of which it is not known what it needs; not the
    package *besides*, whose needs are known."""
    for other in pipeline.index(facts.Requirement, "path")[path]:
        if other.name not in (name, besides) and any(s.operator in ("==", "===") for s in specifiers(other)):
            along = _brought.along(other.name, ())
            if along is None or name in along:
                return True
    return False


def specifiers(requirement: facts.Requirement) -> SpecifierSet:
    """What a requirement asks for; all releases where that can't be parsed."""
    try:
        return SpecifierSet(requirement.specifier)
    except InvalidSpecifier:
        return SpecifierSet()


def _paths(install: Install) -> list[str]:
    return [file.path for file in install.files]
