"""Shell scripts and Makefiles, as far as they make Kubernetes replace running pods."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import PodRestart
from pytest_mlbreaks.reading import Reader, Wanted

_RESTARTS = re.compile(
    r"\brollout\s+restart\b|\bset\s+image\b|\bdelete\s+deploy(?:ments?)?\b|\breplace\s+--force\b|--recreate-pods\b"
    r"|\bskaffold\b|\bdelete\s+(?:pods?|po)\b(?=[^\n]*\s(?:-l|--selector|--all)\b)|\benvsubst\b(?=[^\n]*\bkubectl\b)"
)
_TOOLS = ("kubectl", "kustomize", "helm", "skaffold")
_NAMES = frozenset({"makefile", "gnumakefile", "justfile"})


def pod_restart(text: str) -> str:
    """The first command in the shell's *text* after which pods of Kubernetes are new ones, in short; "" if none is.

    Such commands restart or delete pods, or give them another image or template. https://kubernetes.io/docs/reference/kubectl/
    """
    if not any(tool in text for tool in _TOOLS):
        return ""
    found = _RESTARTS.search(text)
    return " ".join(found[0].split()) if found else ""


def _claims(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith((".sh", ".bash", ".mk", ".ps1")) or name in _NAMES


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    if not pod_restart(file.text):
        return
    for number, line in enumerate(file.lines, 1):
        found = _RESTARTS.search(line)
        if found and not line.lstrip().startswith("#"):
            yield PodRestart(command=" ".join(found[0].split()), place=Place(file.path, number))
            return


READER: Reader[TextFile] = Reader("deploy-scripts", 1, TEXT, (PodRestart,), _claims, _read)
