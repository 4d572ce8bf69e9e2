"""An environment variable is used as a number and never made one: where it is set, it is text."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Origin, Pipeline, Process, Severity, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_FAILS = {
    "order": "which no comparison with a number takes",
    "equal": "which no number is equal to",
    "slice": "which no slice takes",
    "counted": "which can't be counted with",
    "repeated": "and repeats it",
    "argument": "where only a number will do",
}


@check.over(facts.TextAsNumber)
def find(use: facts.TextAsNumber, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each use of a variable where only a number will do."""
    setters = list(_setters(use, pipeline))
    fails = _FAILS[use.how]
    severity = confidence = None
    lowered = ""
    if setters:
        process, _ = setters[0]
        message = f"{use.written} gets {use.variable} as the text that {process.name} sets, {fails}."
    elif use.default == "number":
        message = f"{use.written} gets {use.variable} as text wherever it is set, {fails}. The default is a number."
        severity, confidence = Severity.MEDIUM, Confidence.MEDIUM
        lowered = "nothing that is read sets the variable"
    else:
        message = f"{use.written} gets {use.variable} as text, {fails}: it fails whenever it is come to."
    asked = () if use.read.line == use.place.line else ((use.read, f"{use.variable} is asked for here"),)
    yield Finding(
        at=use.place,
        message=message,
        because=(*asked, *((origin.place, origin.note) for _, origin in setters[:2])),
        about=(use.variable, use.scope, use.written),
        fix=f"Make a number of {use.variable} where it is asked for: int(...) or float(...).",
        severity=severity,
        confidence=confidence,
        lowered=lowered,
        group=f"{use.path}:{use.variable}",
        note=f"{use.written} gets it as text, too",
    )


def _setters(use: facts.TextAsNumber, pipeline: Pipeline) -> Iterator[tuple[Process, Origin]]:
    """The processes that run the code and are given the variable, and where."""
    for process in pipeline.processes_of(use.path):
        value = process.variables.get(use.variable)
        origin = next((one.origins[0] for one in value if one.origins), None) if value is not None else None
        if origin is not None:
            yield process, origin
