"""Code uses a name or an argument that the release which its requirements install no longer has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from mlbreaks_checks import _resolution
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts


@dataclasses.dataclass(frozen=True)
class _Removed:
    """What a release of *package* took away: modules or names by their dotted *names*, or the *arguments* of a call."""

    package: str
    release: str
    names: tuple[str, ...]
    arguments: tuple[str, ...] = ()


# Each was looked up in a release before and in this one: in the wheels (evidently 0.2.8, 0.3.0, 0.6.7 and 0.7.0,
# great_expectations 0.18.22 and 1.0.0, langchain 0.3.27 and 1.0.0, lightgbm 4.0.0, transformers 5.0.0, openai's
# lib/_old_api.py, pydantic's _migration.py), or in the change log that the page names (scikit-learn).
_REMOVED = (
    _Removed(
        "evidently",
        "0.7.0",
        (
            *("evidently.report", "evidently.metric_preset", "evidently.test_suite", "evidently.test_preset"),
            *("evidently.options", "evidently.pipeline"),
        ),
    ),
    _Removed("evidently", "0.3.0", ("evidently.dashboard", "evidently.model_profile")),
    _Removed(
        "great-expectations",
        "1.0.0",
        (
            *("great_expectations.dataset", "great_expectations.from_pandas", "great_expectations.read_csv"),
            *("great_expectations.rule_based_profiler", "great_expectations.checkpoint.types"),
            *(
                "great_expectations.core.expectation_configuration",
                "great_expectations.core.ExpectationConfiguration",
            ),
        ),
    ),
    _Removed(
        "langchain",
        "1.0.0",
        (
            *("langchain.llms", "langchain.vectorstores", "langchain.chains", "langchain.prompts", "langchain.schema"),
            *("langchain.text_splitter", "langchain.document_loaders", "langchain.memory", "langchain.retrievers"),
            *("langchain.callbacks", "langchain.docstore", "langchain.output_parsers"),
        ),
    ),
    _Removed(
        "openai",
        "1.0.0",
        (
            *("openai.ChatCompletion.create", "openai.Completion.create", "openai.Embedding.create"),
            *("openai.ChatCompletion.acreate", "openai.Completion.acreate", "openai.Embedding.acreate"),
        ),
    ),
    _Removed("pydantic", "2.0", ("pydantic.BaseSettings",)),
    _Removed(
        "lightgbm",
        "4.0.0",
        ("lightgbm.train", "lightgbm.cv"),
        ("early_stopping_rounds", "verbose_eval", "evals_result"),
    ),
    _Removed("scikit-learn", "1.6", ("sklearn.metrics.mean_squared_error",), ("squared",)),
    _Removed("scikit-learn", "1.4", ("sklearn.preprocessing.OneHotEncoder",), ("sparse",)),
    _Removed(
        "scikit-learn",
        "1.2",
        (
            *("sklearn.datasets.load_boston", "sklearn.metrics.plot_confusion_matrix"),
            *("sklearn.metrics.plot_roc_curve", "sklearn.metrics.plot_precision_recall_curve"),
        ),
    ),
    _Removed("scikit-learn", "0.23", ("sklearn.externals.joblib", "sklearn.externals.six")),
    _Removed("transformers", "5.0.0", ("transformers.TrainingArguments",), ("evaluation_strategy",)),
)
_BY_NAME = {name: removed for removed in _REMOVED for name in removed.names}
_PACKAGES = frozenset(removed.package for removed in _REMOVED)
_ROOTS = frozenset(name.partition(".")[0] for name in _BY_NAME)
_ASIDE = frozenset({"tests", "test", "docs", "doc", "examples", "example", "tutorials", "samples", "notebooks"})

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("untested-change",),
    calls=tuple(_BY_NAME),
)

_State = Literal["older", "without", "newest"]


@dataclasses.dataclass(frozen=True)
class _Use:
    """A use of something that was removed: *what* names it, as people would."""

    removed: _Removed
    what: str
    place: Place


def _is_used(requirement: facts.Requirement, pipeline: Pipeline) -> bool:
    """Requirements of which some code uses what a release took away."""
    return requirement.name in _PACKAGES and bool(_uses(requirement, pipeline))


@check.over(facts.Requirement, where=_is_used)
def find(requirement: facts.Requirement, pipeline: Pipeline) -> Iterator[Verdict]:
    """The list of packages in the code's folder, or the nearest one above it, says which release the code gets."""
    by_removal: dict[_Removed, list[_Use]] = {}
    for use in _uses(requirement, pipeline):
        by_removal.setdefault(use.removed, []).append(use)
    for removed, uses in by_removal.items():
        state = _state(requirement, removed.release)
        if state == "older":
            continue
        folder = _resolution.folder_of(requirement)
        named = pipeline.index(facts.Requirement, by=_folder_and_name)[folder, requirement.name]
        if requirement.marker or any(_state(other, removed.release) != state or other.marker for other in named):
            yield Unjudged(requirement.place, "several lists, or markers, ask for different releases")
        elif state == "newest" and _resolution.has_lock(folder, pipeline):
            yield Unjudged(requirement.place, "a lock decides which release it is")
        elif state == "newest" and _resolution.goes_elsewhere(requirement, pipeline):
            yield Unjudged(requirement.place, "what the package is installed beside, and by which Python, is not told")
        elif state == "newest" and _resolution.is_held(requirement.name, requirement.path, pipeline):
            yield Unjudged(requirement.place, "a package that is pinned beside it may hold it back")
        elif requirement is named[0]:
            yield _finding(requirement, removed, uses, state)


def _finding(requirement: facts.Requirement, removed: _Removed, uses: list[_Use], state: _State) -> Finding:
    asks = f"{requirement.name}{requirement.specifier}"
    because = [(requirement.place, f"asks for {asks}")]
    because += [(use.place, f"uses {use.what}, too") for use in uses[1:4]]
    gone = f"{uses[0].what} is gone since {removed.package} {removed.release}, and {requirement.path} asks for {asks}"
    if state == "without":
        message = f"{gone}: this fails as soon as it is reached."
        return Finding(at=uses[0].place, message=message, because=tuple(because), about=(removed.release,))
    return Finding(
        at=uses[0].place,
        message=f"{gone}: the next installation takes a release without it.",
        because=tuple(because),
        about=(removed.release,),
        confidence=Confidence.MEDIUM,
        lowered="something else may hold the package back",
    )


def _state(requirement: facts.Requirement, release: str) -> _State:
    """Whether the requirement keeps to releases that have it, allows none of them, or takes the newest there is."""
    try:
        allowed = SpecifierSet(requirement.specifier)
    except InvalidSpecifier:
        return "older"
    if requirement.source != "index":
        return "older"
    pinned = [s.version for s in allowed if s.operator in ("==", "===") and "*" not in s.version]
    if pinned:
        return "without" if Version(pinned[0]) >= Version(release) else "older"
    if any(s.operator in (">=", ">", "~=") and Version(s.version) >= Version(release) for s in allowed):
        return "without"
    return "newest" if allowed.contains("9999", prereleases=True) else "older"


def _uses(requirement: facts.Requirement, pipeline: Pipeline) -> list[_Use]:
    """What code whose nearest list of packages is that of the requirement uses of what was removed."""
    folder = _resolution.folder_of(requirement)
    found = []
    for removed in _REMOVED:
        if removed.package != requirement.name:
            continue
        for name in removed.names:
            for module in pipeline.index(facts.PythonModule, by=_removed_imports, each=True).get(name, ()):
                if _is_under(module.path, folder, requirement.name, pipeline):
                    line = next(one.line for one in module.imports if _removed_import(one) == name)
                    found.append(_Use(removed, name, Place(module.path, line)))
            for call in pipeline.index(facts.Call, "callee").get(name, ()):
                given = [a.name for a in call.arguments if a.name in removed.arguments]
                if not (given or not removed.arguments) or not _is_under(call.path, folder, requirement.name, pipeline):
                    continue
                if not _guards(call.path, pipeline):
                    found.append(_Use(removed, f"{name}({given[0]}=)" if given else name, call.place))
    return sorted(found, key=_position)


def _position(use: _Use) -> tuple[str, int, int, int]:
    return use.place.sort_key


def _removed_imports(module: facts.PythonModule) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for one in module.imports:
        name = _removed_import(one)
        if name is not None and not _has_another(one, module):
            found[name] = None
    return tuple(found)


def _has_another(one: facts.Import, module: facts.PythonModule) -> bool:
    """Whether a function imports one or the other name of a package: it is ready for several releases."""
    root = one.target.partition(".")[0]
    return bool(one.scope) and any(
        other.target.partition(".")[0] == root and other.scope == one.scope and _removed_import(other) is None
        for other in module.imports
    )


def _removed_import(one: facts.Import) -> str | None:
    """What of the table an import names: a module, or something out of one; None where a handler stands ready."""
    if one.level or one.guarded or one.target.partition(".")[0] not in _ROOTS:
        return None
    parts = (f"{one.target}.{one.name}" if one.name else one.target).split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 1, -1))
    return next((name for name in names if name in _BY_NAME and not _BY_NAME[name].arguments), None)


def _guards(path: str, pipeline: Pipeline) -> bool:
    """Whether the module is ready for several releases: it imports something of these packages in a ``try``."""
    modules = pipeline.index(facts.PythonModule, "path").get(path, ())
    return any(one.guarded and one.target.partition(".")[0] in _ROOTS for m in modules for one in m.imports)


def _is_under(path: str, folder: str, package: str, pipeline: Pipeline) -> bool:
    """Whether *folder* has the nearest list of packages above the module at *path*, and it is nobody's test."""
    parts = path.split("/")[:-1]
    if not _ASIDE.isdisjoint(parts) or path.rpartition("/")[2].startswith("test_"):
        return False
    named = pipeline.index(facts.Requirement, by=_folder_and_name)
    lists = pipeline.index(facts.RequirementFile, by=_resolution.folder_of)
    for count in range(len(parts), -1, -1):
        here = "/".join(parts[:count])
        if (here, package) in named:
            return here == folder
        if here in lists:
            return False
    return False


def _folder_and_name(requirement: facts.Requirement) -> tuple[str, str]:
    return _resolution.folder_of(requirement), requirement.name
