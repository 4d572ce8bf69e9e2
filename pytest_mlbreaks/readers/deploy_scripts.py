"""Shell scripts and Makefiles, as far as they make Kubernetes replace running pods."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import PodRestart
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.restarts import FILLS_IN, RESTARTS, fills_in, pod_restart

_NAMES = frozenset({"makefile", "gnumakefile", "justfile"})


def _claims(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith((".sh", ".bash", ".mk", ".ps1")) or name in _NAMES


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    certain, possible = pod_restart(file.text), fills_in(file.text)
    if not certain and possible is None:
        return
    doubtful: PodRestart | None = None
    for number, line in enumerate(file.lines, 1):
        if line.lstrip().startswith("#"):
            continue
        found = RESTARTS.search(line) if certain else None
        if found:
            yield PodRestart(command=" ".join(found[0].split()), place=Place(file.path, number))
            return
        if doubtful is None and possible is not None and (may := FILLS_IN.search(line)):
            command = " ".join(may[0].split())
            doubtful = PodRestart(command=command, certain=False, place=Place(file.path, number))
    if doubtful is not None:
        yield doubtful


READER: Reader[TextFile] = Reader("deploy-scripts", 2, TEXT, (PodRestart,), _claims, _read)
