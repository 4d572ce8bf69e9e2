"""A coroutine of the repository is called as a statement and never awaited.

The call makes an object and does nothing of what the function says; Python only warns when the object is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, FileCalls, Finding, Pipeline, Severity, Verdict

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


@check.over(FileCalls)
def find(calls: FileCalls, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the calls of a file whose function is known."""
    for call, function in calls.unawaited:
        yield Finding(
            at=call.place,
            message=f"{function.name}() is a coroutine that is called here and never awaited: nothing of it is done.",
            because=((function.place, f"async def {function.name}"),),
            about=(call.callee,),
            group=f"{function.path}#{function.name}",
            note="here neither",
        )
