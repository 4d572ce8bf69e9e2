"""A package is pinned to an old release, and nothing keeps what it needs from going past it.

The pin says which release of the package is installed. What it needs is taken in the newest release that it allows,
even if that was made years later and does not work with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from packaging.version import Version

from mlbreaks_checks import _resolution
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, aside, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
)


@dataclasses.dataclass(frozen=True)
class _Pair:
    """Releases of *package* from *first* up to (not with) *mended* let *partner* go past *broken*, from which on it
    does what *fails* says. *root*: what code imports of the package; *extra*: the extra that brings the partner."""

    package: str
    first: str
    mended: str
    partner: str
    broken: str
    root: str
    fails: str
    extra: str = ""


# What a release asks for stands in the metadata of its wheel; what fails, in the issues that the page names.
_PAIRS = (
    _Pair(
        *("passlib", "1.6", "1.7.5", "bcrypt", "5.0.0", "passlib"),
        "each hash and each check of a password raises a ValueError",
        "bcrypt",
    ),
    _Pair(
        *("openai", "1.0", "1.55.3", "httpx", "0.28.0", "openai"),
        "its client raises a TypeError (proxies) where it is made",
    ),
    _Pair(
        *("sentence-transformers", "0.4", "2.3", "huggingface-hub", "0.26.0", "sentence_transformers"),
        "its import fails (cached_download)",
    ),
    _Pair(
        *("flask", "2.0", "2.2.4", "werkzeug", "3.0.0", "flask"),
        "its import fails (url_quote)",
    ),
    _Pair(
        *("flask-sqlalchemy", "2.0", "3.0", "sqlalchemy", "2.0.0", "flask_sqlalchemy"),
        "SQLAlchemy() raises an AttributeError (__all__)",
    ),
    _Pair(
        *("jinja2", "2.7", "3.0", "markupsafe", "2.1.0", ""),
        "its import fails (soft_unicode)",
    ),
    _Pair(
        *("gensim", "4.0", "4.3.3", "scipy", "1.13.0", "gensim"),
        "its import fails (triu)",
    ),
)
_BY_PACKAGE = {pair.package: pair for pair in _PAIRS}
_ROOTS = {pair.root for pair in _PAIRS}


def _is_pinned(requirement: facts.Requirement, pipeline: Pipeline) -> bool:
    """A pin to such a release, in the list of code that uses the package."""
    pair = _BY_PACKAGE.get(requirement.name)
    if pair is None or requirement.source != "index" or requirement.group or aside(requirement.path):
        return False
    version = _version(requirement)
    if version is None or not Version(pair.first) <= version < Version(pair.mended):
        return False
    files = pipeline.index(facts.RequirementFile, "path").get(requirement.path, ())
    if requirement.hashed or any(file.resolved for file in files):
        return False
    return not pair.root or _user(pair.root, pipeline) is not None


@check.over(facts.Requirement, where=_is_pinned)
def find(requirement: facts.Requirement, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at pins of packages whose needs went past them; a short list of well-known ones."""
    pair = _BY_PACKAGE[requirement.name]
    beside = [one for one in pipeline.index(facts.Requirement, "path")[requirement.path] if one.name == pair.partner]
    if pair.extra and pair.extra not in requirement.extras and not beside:
        return
    if any(not _lets_in(one, pair.broken) for one in beside):
        return
    if requirement.marker or any(one.marker for one in beside):
        yield Unjudged(requirement.place, "a marker decides whether it is installed")
    elif _resolution.has_lock(_resolution.folder_of(requirement), pipeline):
        yield Unjudged(requirement.place, "a lock decides which release it is")
    elif any(file.includes for file in pipeline.index(facts.RequirementFile, "path").get(requirement.path, ())):
        yield Unjudged(requirement.place, "another list that is read with it may hold the package back")
    elif _resolution.goes_elsewhere(requirement, pipeline):
        yield Unjudged(requirement.place, "what the package is installed beside, and by which Python, is not told")
    elif _resolution.is_held(pair.partner, requirement.path, pipeline, pair.package):
        yield Unjudged(requirement.place, "a package that is pinned beside it may hold it back")
    else:
        yield _finding(requirement, pair, beside, pipeline)


def _finding(
    requirement: facts.Requirement, pair: _Pair, beside: list[facts.Requirement], pipeline: Pipeline
) -> Finding:
    because: list[tuple[Place, str]] = [(one.place, f"asks for {one.name}{one.specifier}") for one in beside[:1]]
    user = _user(pair.root, pipeline) if pair.root else None
    if user is not None:
        because.append((user, f"imports {pair.root}"))
    return Finding(
        at=requirement.place,
        message=f"{requirement.name}{requirement.specifier} sets no upper bound for {pair.partner}, and does not work "
        f"with {pair.partner} {pair.broken} and later: {pair.fails}. Nothing here holds {pair.partner} back, so the "
        "next installation takes its newest release.",
        because=tuple(because),
        about=(pair.broken,),
    )


def _version(requirement: facts.Requirement) -> Version | None:
    """The one release that a requirement asks for."""
    pins = [s.version for s in _resolution.specifiers(requirement) if s.operator in ("==", "===")]
    return Version(pins[0]) if len(pins) == 1 and "*" not in pins[0] else None


def _lets_in(requirement: facts.Requirement, release: str) -> bool:
    """Whether a requirement allows *release*, and whatever comes after it."""
    asked = _resolution.specifiers(requirement)
    return (
        requirement.source == "index"
        and asked.contains("9999", prereleases=True)
        and not any(s.operator in ("==", "===", "~=") for s in asked)
    )


def _user(root: str, pipeline: Pipeline) -> Place | None:
    """Where code that is no test imports the package."""
    for module in pipeline.index(facts.PythonModule, _roots, each=True).get(root, ()):
        if not module.tests and not aside(module.path):
            line = next(one.line for one in module.imports if one.target.partition(".")[0] == root)
            return Place(module.path, line)
    return None


def _roots(module: facts.PythonModule) -> set[str]:
    return {one.target.partition(".")[0] for one in module.imports if not one.level} & _ROOTS
