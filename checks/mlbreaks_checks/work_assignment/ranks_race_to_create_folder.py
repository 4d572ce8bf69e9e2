"""Every rank of a distributed job tests whether a folder is there and then makes it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

# Of what was found in real code, nothing ran with more than one process per folder: it runs when asked for.
check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")


@check.over(facts.FolderCreation)
def find(folder: facts.FolderCreation, pipeline: Pipeline) -> Iterator[Verdict]:
    """Folders made by code of a distributed job."""
    if folder.tolerant or folder.one_rank or not folder.checked:
        return
    api = folder.api.rpartition(".")[2]
    yield Finding(
        at=folder.place,
        message=f"{api}() follows a test that the folder is not there, in code that every rank runs: "
        "of two that come at once, one fails with FileExistsError.",
        because=((folder.ranks_place, f"{folder.ranks} makes this one of several processes"),),
        fix=f"Pass exist_ok=True to {api}() and drop the test." if api != "mkdir" or folder.api != "os.mkdir" else "",
    )
