"""An assert tests something that is always true, so that it checks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1")

_WHY = {
    "tuple": "a tuple with something in it is always true",
    "generator": "a generator is always true, whatever it would give; all() or any() is missing",
    "method": "a method that is not called is always true; the parentheses are missing",
    "text": "a text is always true",
}


@check.over(facts.Assertions)
def find(module: facts.Assertions, pipeline: Pipeline) -> Iterator[Verdict]:
    """The asserts of a module; of tests, pytest warns by itself."""
    for one in module.asserts:
        if one.shape:
            message = f"`assert {one.subject}` cannot fail: {_WHY[one.shape]}."
            yield Finding(at=one.place, message=message, about=(one.subject,))
