"""A coroutine is cached like a plain function, so that its second caller awaits what is used up.

``lru_cache`` keeps what a call returns; what a call of an ``async def`` returns can be awaited once.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")


@check.over(facts.KeptCoroutine)
def find(kept: facts.KeptCoroutine, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each coroutine right under a decorator that keeps results."""
    again = "the second call with the same arguments gets the same coroutine"
    if kept.by.endswith("cached_property"):
        again = "the second look at the property gets the same coroutine"
    yield Finding(
        at=kept.place,
        message=(
            f"{kept.function} is a coroutine, and {kept.by} keeps what a call of it returns: {again}, and awaiting "
            f"that raises RuntimeError (cannot reuse already awaited coroutine)."
        ),
        because=tuple((place, "its result is awaited here") for place in kept.awaited[:3]),
        about=(kept.function,),
    )
