"""Objects of Helm charts that are rendered only while they are not there."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.helm_guards import guarded
from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import GuardedObject
from pytest_mlbreaks.reading import Reader, Wanted


def _claims(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and "templates/" in path and "/templates/tests/" not in path


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The guarded objects of a template."""
    for one in guarded(file.text):
        if one.itself is not False:
            yield GuardedObject(
                place=Place(file.path, one.line),
                chart=file.path[: file.path.rindex("templates/")].rstrip("/"),
                kind=one.kind,
                name=one.name,
                guard=one.guard,
                itself=bool(one.itself),
                kept=one.kept,
            )


READER: Reader[TextFile] = Reader("helm-guards", 1, TEXT, (GuardedObject,), _claims, _read, templates=True)
