"""Code takes the keys of an S3 listing as if there always were some.

The answer for a prefix under which nothing lies has no ``Contents`` at all, so that the code ends with a KeyError.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _rows
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")


@check.over(facts.ListingRead)
def find(read: facts.ListingRead, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ``answer["Contents"]``; those of one file are told at once."""
    if read.guarded or _rows.is_left_over(read.path, read.scope, pipeline):
        return
    yield Finding(
        at=read.place,
        message=f"What {read.api}() answers has no 'Contents' where nothing is found: this line ends with a KeyError.",
        about=(read.scope, read.api),
        group=read.path,
        note="here, too",
    )
