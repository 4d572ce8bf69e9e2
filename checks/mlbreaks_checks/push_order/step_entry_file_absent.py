"""A container or a job starts a script or module that its image, mounts or checkout do not hold.

The tree shows everything that could put the file there - COPY instructions, bind mounts, the files themselves - and
nothing does.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Entry, Finding, Pipeline, Place, Process, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


def _starts_own_code(process: Process, pipeline: Pipeline) -> bool:
    return any(not entry.external and entry.written for entry in process.entries)


@check.over(Process, where=_starts_own_code)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each thing that the command line of a container, or of a job, starts."""
    for entry in process.entries:
        if entry.absent:
            yield _finding(process, entry, pipeline)
        elif entry.path is None and not entry.external and entry.written:
            yield Unjudged(entry.place, entry.reason)


def _finding(process: Process, entry: Entry, pipeline: Pipeline) -> Finding:
    because: list[tuple[Place, str]] = list(entry.looked)
    if process.place.path != entry.place.path:
        because.append((process.place, f"{process.name} runs this image"))
    elsewhere = _elsewhere(entry, pipeline)
    hint = ""
    if elsewhere:
        hint = f"; {elsewhere} is in the tree"
        because.append((Place(elsewhere, 1), "the file of that name"))
    what = "script" if entry.kind == "script" else "module"
    lacks = "nothing puts into its container"
    if isinstance(process.fact, f.Step):
        lacks = "its checkout of this repository does not hold"
        if process.fact.orchestrator != "dvc":
            because.insert(0, (process.place, f"job {process.name} checks this repository out, and nothing else"))
    folder = _absent_folder(entry, pipeline)
    if isinstance(process.fact, f.Step) and entry.kind == "module" and entry.looked:
        folder = entry.looked[0][0].path  # one finding for all that one package lacks
    return Finding(
        at=entry.place,
        message=f"{process.name} starts the {what} {entry.written!r}, which {lacks}{hint}.",
        because=tuple(because),
        about=(entry.written,),
        group=folder or entry.written if isinstance(process.fact, f.Step) else "",
        note=f"{process.name} starts {entry.written!r}" if folder else f"{process.name} starts it, too",
        confidence=Confidence.MEDIUM if process.assumed else None,
        lowered=f"that it runs this image is assumed: {process.assumed}" if process.assumed else "",
    )


def _absent_folder(entry: Entry, pipeline: Pipeline) -> str:
    """The folder that the file is looked for in, where the tree has none of its name: all that was in it is gone."""
    folder = entry.written.rpartition("/")[0]
    name = folder.rpartition("/")[2]
    there = not name.strip(".") or any(f"/{name}/" in f"/{path}" for path in pipeline.paths)
    return "" if there else folder


def _elsewhere(entry: Entry, pipeline: Pipeline) -> str | None:
    """The one file of the tree that was probably meant."""
    written = entry.written.partition(":")[0]
    name = posixpath.basename(written) if entry.kind == "script" else f"{written.rpartition('.')[2]}.py"
    named = pipeline.paths_named(name)
    return named[0] if len(named) == 1 else None
