"""A downloaded file is written without a look at the status, so that an error page becomes the data."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _rows
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")


@check.over(facts.SavedResponse)
def find(saved: facts.SavedResponse, pipeline: Pipeline) -> Iterator[Verdict]:
    """Responses that the same function writes to a file."""
    if saved.checked or saved.opened or not _rows.comes_to(saved.path, saved.scope, pipeline):
        return
    yield Finding(
        at=saved.place,
        message=f"What {saved.api} gets is written to a file without a look at its status: an error page of the server "
        "is saved as if it were the file.",
        because=((saved.written, "writes the body"),),
    )
