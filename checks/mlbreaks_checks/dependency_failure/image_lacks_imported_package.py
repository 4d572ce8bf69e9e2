"""A container's code imports a package that its image does not hold.

The laptop and CI have it, from other lists; the container ends with ModuleNotFoundError as it starts.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from mlbreaks_checks import _brought, _installs
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Packages,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("wrong-environment",),
)

_INSTALLS = re.compile(r"\b(pip3?|uv|poetry|pdm|pipenv|conda|mamba|micromamba|hatch|pipx)\b")
_PAGES = re.compile(r"\bstreamlit\s+run\b")
"""A server that starts without its script, and runs that for whoever opens the page."""
_CODE = ("script", "module", "callable")
_SHARED = 4
"""Letters in a row that the name of a fork has in common with that of the module, at least."""
_Use = tuple[str, Place, tuple[Place, ...]]
"""What is imported, where, and the imports by which an entry comes there."""


def _runs_code(packages: Packages, pipeline: Pipeline) -> bool:
    """Images in which something that the tree starts is Python code of the tree."""
    return any(_starts(process) for process in packages.image.processes)


@check.over(Packages, where=_runs_code)
def find(packages: Packages, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each image that a container runs, and at what the container's code imports as it is loaded."""
    place = packages.installs[0].place if packages.installs else packages.place
    if packages.unknown:
        yield Unjudged(place, packages.unknown)
        return
    there, unknown = _there(packages)
    if unknown:
        yield Unjudged(place, f"what {unknown} brings along is not known")
        return
    for process in packages.image.processes:
        starts = _starts(process)
        if not starts or aside(process.place.path):
            continue
        missing: dict[str, _Use] = {}
        for use in _imports(starts, process, pipeline):
            wanted = _known(use[0])
            if wanted and there.isdisjoint(wanted):
                missing.setdefault(use[0].partition(".")[0], use)
        if not missing:
            continue
        fork = next((name for top in missing for name in sorted(there) if _may_be(name, top)), "")
        if fork:
            yield Unjudged(process.place, f"{fork}, which is installed, may be another edition of what is imported")
            continue
        if any(_INSTALLS.search(text) for text in _commands(process, pipeline)):
            yield Unjudged(process.place, "its command may install more")
            continue
        pages = any(_PAGES.search(text) for text in _commands(process, pipeline))
        yield _finding(packages, process, list(missing.values()), pages)
        return


def _finding(packages: Packages, process: Process, missing: Sequence[_Use], pages: bool) -> Finding:
    """*pages*: the script is run for whoever opens its page, and the server starts without it."""
    target, at, through = missing[0]
    names = _installs.listed([use[0].partition(".")[0] for use in missing])
    install = packages.installs[-1]
    listed = install.files[-1].path if install.files else install.place.path
    because = [(install.place, f"the image gets its packages here, and none of them is or brings {names}")]
    if install.files:
        because.append((install.files[-1].place, "the list that is installed"))
    because.append((process.place, f"{process.name} runs the image"))
    because += [(step, "imported from here") for step in through[:3]]
    because += [(other, f"imports {name}") for name, other, _ in missing[1:4]]
    return Finding(
        at=at,
        message=(
            f"{process.name} imports {names}, which nothing installs into its image ({listed} does not ask for it): "
            f"{'its page' if pages else 'it'} ends with ModuleNotFoundError as it {'is opened' if pages else 'starts'}."
        ),
        because=tuple(dict.fromkeys(because)),
        about=(target.partition(".")[0],),
    )


def _starts(process: Process) -> list[str]:
    """The files that the process loads first; none where something else decides which."""
    paths = [e.path for e in process.entries if e.path and e.kind in _CODE and e.path.endswith(".py")]
    return list(dict.fromkeys(paths)) if process.dockerfile is not None and not process.assumed else []


def _there(packages: Packages) -> tuple[frozenset[str], str]:
    """The names of all that is installed, with what comes along; or a package of which that is not known."""
    names = set(packages.installed)
    if packages.closed:
        return frozenset(names), ""
    for install in packages.installs:
        for requirement in install.requirements:
            if requirement.source != "index" or not requirement.name:
                return frozenset(), requirement.name or requirement.source
            along = _brought.along(requirement.name, requirement.extras)
            if along is None:
                return frozenset(), requirement.name
            names |= along
    unknown = next((name for name in packages.installed if _brought.along(name, ()) is None), "")
    return frozenset(names), unknown


def _known(target: str) -> set[str]:
    """The distributions that an import may be of; none where it is of a package that the table does not hold."""
    top = target.partition(".")[0]
    found = _installs.distributions(top) if top not in _installs.NAMESPACES else set()
    return found if any(_brought.is_told(name) for name in found) else set()


def _may_be(name: str, top: str) -> bool:
    """Whether a distribution that the table does not hold may be imported as *top*: forks keep the name of the module,
    and part of it in their own (libpass is imported as passlib)."""
    if _brought.is_told(name):
        return False
    plain, wanted = name.replace("-", ""), top.lower().replace("_", "")
    size = max(_SHARED, len(wanted) // 2)
    return any(wanted[at : at + size] in plain for at in range(len(wanted) - size + 1))


def _imports(starts: Sequence[str], process: Process, pipeline: Pipeline) -> Iterator[_Use]:
    """What is imported as the files *starts* are loaded, each package where it is first, in the order of the way there;
    no first-party code."""
    modules = pipeline.index(facts.PythonModule, "path")
    parts = pipeline.index(facts.PythonModule, by=_parts, each=True)
    ours = _ours(process)
    tops = {end.partition("/")[0] for end in ours}
    pending: list[tuple[str, tuple[Place, ...]]] = [(path, ()) for path in starts]
    seen = set(starts)
    told: set[str] = set()
    known: dict[tuple[str, str, str | None], list[str]] = {}
    while pending:
        path, through = pending.pop(0)
        folder = path.rpartition("/")[0]
        for module in modules.get(path, ()):
            for one in module.imports:
                if one.scope or one.guarded:
                    continue
                top = one.target.partition(".")[0]
                inner: list[str] = []
                if one.level or top in tops:  # most imports are of libraries: nothing of the tree is called so
                    key = (f"{'.' * one.level}{folder}" if one.level else "", one.target, one.name)
                    if key not in known:
                        known[key] = _first_party(path, one, ours)
                    inner = known[key]
                for target in inner:
                    if target not in seen:
                        seen.add(target)
                        pending.append((target, (*through, Place(path, one.line))))
                if not inner and not one.level and top and top not in parts and top not in told:
                    told.add(top)
                    yield one.target, Place(path, one.line), through


def _ours(process: Process) -> dict[str, list[str]]:
    """The modules that the process may come to, by each end of their paths (without the suffix), and by the whole path
    behind a slash."""
    found: dict[str, list[str]] = {}
    for path in process.modules:
        end = path.removesuffix("/__init__.py").removesuffix(".py")
        found.setdefault(f"/{end}", []).append(path)
        while end:
            found.setdefault(end, []).append(path)
            end = end.partition("/")[2]
    return found


def _first_party(path: str, one: facts.Import, ours: dict[str, list[str]]) -> list[str]:
    """The files of the tree that an import loads."""
    folder = "/".join(path.split("/")[: -one.level]) if one.level else None
    return [found for end in _ends(folder, one.target, one.name) for found in ours.get(end, ())]


@functools.lru_cache(maxsize=50_000)
def _ends(folder: str | None, target: str, name: str | None) -> tuple[str, ...]:
    """The ends of paths that the import of *name* from *target* may mean; with a *folder*, the whole paths below it.

    Remembered: the containers of one image come to the same files.
    """
    dotted = target.split(".") if target else []
    wanted = [[*dotted, name]] if name and name != "*" else []
    wanted += [dotted[:count] for count in range(len(dotted), 0, -1)]
    ends = ("/".join(parts) for parts in wanted)
    return tuple(ends if folder is None else (f"/{folder}/{end}".replace("//", "/") for end in ends))


def _parts(module: facts.PythonModule) -> tuple[str, ...]:
    """The names of the file and its folders: what is called like one of them may be what is imported."""
    *folders, name = module.path.split("/")
    return (*dict.fromkeys(folders), name.removesuffix(".py"))


def _commands(process: Process, pipeline: Pipeline) -> Iterator[str]:
    """The texts of what the process starts with, its image's own command included."""
    for entry in process.entries:
        yield f"{entry.written} {' '.join(entry.arguments)}" if entry.path is None or entry.path.endswith(".sh") else ""
        for script in pipeline.index(facts.Script, "path").get(entry.path or "", ()):
            yield script.text
    fact = process.fact
    parts = [fact.entrypoint, fact.command] if isinstance(fact, facts.Container) else [*fact.commands]
    if process.stage is not None:
        parts += [process.stage.entrypoint, process.stage.command]
    for command in parts:
        if command is not None:
            yield " ".join(pipeline.pattern(word, process) for word in command.argv or ())
            yield pipeline.pattern(command.shell, process) if command.shell is not None else ""
