"""Production starts Python with -O, and the asserts that check data are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._shells import of_process
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Process, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

VARIABLE = "PYTHONOPTIMIZE"
_OPTIMISED = re.compile(r"\bpython[\d.]*(?:\s+-[A-Za-z]+)*\s+-[A-NP-Za-z]*OO?\b")


def _runs_asserts(process: Process, pipeline: Pipeline) -> bool:
    """Processes whose code has asserts that check something, and not only tell a type checker something."""
    return any(_that_check(module, pipeline) for module in process.modules)


@check.over(Process, where=_runs_asserts)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Processes whose code has asserts that check something."""
    optimised = _optimised(process, pipeline)
    if isinstance(optimised, str):
        yield Unjudged(process.place, optimised)
    if optimised is None or isinstance(optimised, str):
        return
    found = [a for module in process.modules for a in _that_check(module, pipeline)]
    found.sort(key=_harmless)
    because = [(a.place, f"does {a.acts} inside of it" if a.acts else f"checks {a.subject}") for a in found[:4]]
    place, what = optimised
    checks = "an assert" if len(found) == 1 else f"all {len(found)} asserts"
    message = f"{process.name} runs with {what}, which leaves out {checks} of its code: what they check is not checked."
    yield Finding(at=place, message=message, because=tuple(because))


def _harmless(one: facts.Assertion) -> bool:
    return not one.acts


def _optimised(process: Process, pipeline: Pipeline) -> tuple[Place, str] | str | None:
    """Where the process's Python is told to leave asserts out, and how; why that can't be told; or None."""
    for started in of_process(process, pipeline):
        match = _OPTIMISED.search(started.text)
        if match is not None:
            return started.place, f"`{match[0]}`"
    value = process.variables.get(VARIABLE)
    if value is None:
        return None
    only = value.only
    if only is None:
        return f"{VARIABLE} is set, but not to what can be told"
    if str(only.value) in ("", "0"):
        return None
    place = only.origins[0].place if only.origins else process.place
    return place, f"{VARIABLE}={only.value}"


def _that_check(module: str, pipeline: Pipeline) -> list[facts.Assertion]:
    stated = pipeline.index(facts.Assertions, "path").get(module, ())
    return [a for fact in stated for a in fact.asserts if not a.narrows]
