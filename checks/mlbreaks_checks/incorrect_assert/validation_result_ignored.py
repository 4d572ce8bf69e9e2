"""A validation library tells whether the data is good, and the code goes on without asking."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_SHOWN = {"great_expectations": "Great Expectations", "tensorflow_data_validation": "TensorFlow Data Validation"}


@check.over(facts.ValidationRun)
def find(run: facts.ValidationRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Runs of libraries that tell by their result, and do not raise."""
    if run.verdict == "read":
        return
    if run.verdict == "returned":
        yield Unjudged(run.place, "the result is returned, and its caller may ask for the verdict")
        return
    library = _SHOWN.get(run.library, run.library)
    message = (
        f"{run.api}() of {library} does not raise when the data fails, and nothing here asks for `{run.wanted}`: "
        "bad data passes like good."
    )
    yield Finding(at=run.place, message=message)
