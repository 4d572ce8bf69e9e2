"""Shell scripts and Makefiles, as far as they make Kubernetes replace running pods."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import PodRestart
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.restarts import RESTARTS, pod_restart

_NAMES = frozenset({"makefile", "gnumakefile", "justfile"})


def _claims(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith((".sh", ".bash", ".mk", ".ps1")) or name in _NAMES


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    if not pod_restart(file.text):
        return
    for number, line in enumerate(file.lines, 1):
        found = RESTARTS.search(line)
        if found and not line.lstrip().startswith("#"):
            yield PodRestart(command=" ".join(found[0].split()), place=Place(file.path, number))
            return


READER: Reader[TextFile] = Reader("deploy-scripts", 2, TEXT, (PodRestart,), _claims, _read)
