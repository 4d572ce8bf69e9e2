"""A Dockerfile installs the tool that builds its Python environment without a version.

The next build takes the tool's newest release, and a new major one of those drops commands and options.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _network
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.LOW, since="0.1", evidence="cross-artifact")

_TOOLS = ("poetry", "pipenv", "pdm")
_INSTALL = re.compile(r"(?:\bpipx?[\d.]*|\buv\s+(?:pip|tool))\s+install\b(?P<words>(?:\\\n|[^\n;&|])*)")
_WORD = re.compile(r"[\"']?([A-Za-z][\w.-]*)(\[[\w,-]+\])?([=<>~!]\S*)?[\"']?")
_VALUES = frozenset({"--index-url", "-i", "--extra-index-url", "--python", "-p", "--target", "-t", "-c", "-r"})
_USES = {tool: re.compile(rf"(?:^|[\s;&|(/]){tool}[ \t]+(?!config|self|--version|env\b)[a-z-]+") for tool in _TOOLS}
_EXPORTS = re.compile(r"(?:^|[\s;&|(/])poetry[ \t]+export\b")


@dataclasses.dataclass(frozen=True)
class _Tool:
    """A tool that a Dockerfile installs and runs: its name, where it is installed, whether a version is asked for."""

    name: str
    place: Place
    bounded: bool


def _installs_a_tool(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> bool:
    return _tool(dockerfile) is not None


@check.over(facts.Dockerfile, where=_installs_a_tool)
def find(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each Dockerfile that installs Poetry, pipenv or pdm, and runs it. Those of one tool are one finding, but
    where the tool's newest release is known to fail there."""
    tool = _tool(dockerfile)
    if tool is None or tool.bounded:
        return
    if _constrained(dockerfile):
        yield Unjudged(dockerfile.place, "constraints may hold the tool")
        return
    folder = dockerfile.path.rpartition("/")[0]
    locks = [
        (lock.place, f"the lock that it reads, of format {lock.version}")
        for lock in pipeline.all(facts.LockFile)
        if lock.tool == tool.name and lock.version and lock.path.rpartition("/")[0] == folder
    ]
    if _fails(dockerfile):
        yield Finding(
            at=tool.place,
            message=(
                "Poetry is installed without a version, and `poetry export` is run: since Poetry 2.0 that command is a "
                "plugin of its own, which nothing installs, so that the build fails."
            ),
            because=tuple(locks[:1]),
            about=(tool.name, "export"),
        )
        return
    alike = pipeline.index(facts.Dockerfile, _loose_tool).get(tool.name, ())
    if alike[0] is not dockerfile:
        return
    others = [found for other in alike[1:] if (found := _tool(other)) is not None]
    yield Finding(
        at=tool.place,
        message=(
            f"{tool.name} is installed without a version, and builds the environment: the next build takes its newest "
            "release, whatever commands and lock formats that one knows."
        ),
        because=(*locks[:1], *((other.place, "and here") for other in others)),
        about=(tool.name,),
        severity=Severity.MEDIUM,
        lowered="a new release breaks the build only now and then",
    )


def _loose_tool(dockerfile: facts.Dockerfile) -> str | None:
    """The tool whose version a Dockerfile leaves open; None where there is none, where its newest release is known to
    fail there, or where the Dockerfile is nobody's production."""
    tool = _tool(dockerfile)
    if tool is None or tool.bounded or aside(dockerfile.path) or _constrained(dockerfile) or _fails(dockerfile):
        return None
    return tool.name


def _tool(dockerfile: facts.Dockerfile) -> _Tool | None:
    """The first tool without a version that the Dockerfile installs and runs, else the first one."""
    texts = [
        (_network.plain(run.shell), run.place)
        for stage in dockerfile.stages
        for run in stage.runs
        if run.shell is not None
    ]
    whole = "\n".join(text for text, _ in texts)
    found = [
        _Tool(name, Place(place.path, (place.line or 1) + text.count("\n", 0, offset)), bounded)
        for text, place in texts
        for name, bounded, offset in _asked(text)
        if _USES[name].search(whole)
    ]
    return next((tool for tool in found if not tool.bounded), found[0] if found else None)


def _asked(text: str) -> list[tuple[str, bool, int]]:
    """The tools that a shell text installs from an index: name, whether a version is asked for, and where."""
    found = []
    for match in _INSTALL.finditer(text):
        skip = False
        for word in re.finditer(r"\S+", match["words"].replace("\\\n", "  ")):
            if skip:
                skip = False
            elif word[0] in _VALUES:
                skip = True
            elif (named := _WORD.fullmatch(word[0])) and named[1].lower() in _TOOLS:
                found.append((named[1].lower(), bool(named[3]), match.start()))
    return found


def _fails(dockerfile: facts.Dockerfile) -> bool:
    """Whether ``poetry export`` is run without the plugin that brings it since Poetry 2.0."""
    whole = "\n".join(_network.plain(run.shell) for stage in dockerfile.stages for run in stage.runs)
    return bool(_EXPORTS.search(whole)) and "poetry-plugin-export" not in whole


def _constrained(dockerfile: facts.Dockerfile) -> bool:
    return any(v.name in ("PIP_CONSTRAINT", "UV_CONSTRAINT") for stage in dockerfile.stages for v in stage.variables)
