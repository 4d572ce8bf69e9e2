"""A handler gets an object where it expects the object's id.

FastAPI hands over what a dependency returns; it compares that with nothing, neither with the name of the parameter nor
with its annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, aside, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_PLAIN = re.compile(r"(?:^|\.)(?:\w*I[dD]|U?UID|UUID\d?|ObjectId|Str|Decimal)\(\)$")
"""Classes whose objects are ids themselves."""


def _is_expected(injected: facts.InjectedId, pipeline: Pipeline) -> bool:
    return injected.used and not injected.opened and not aside(injected.path)


@check.over(facts.InjectedId, where=_is_expected)
def find(injected: facts.InjectedId, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at parameters called an id, or annotated as a text or number, that a dependency fills."""
    given = _given(injected, pipeline)
    if not given:
        yield Unjudged(injected.place, "what the dependency returns can't be told")
        return
    made = given[0]
    if len({one.api for one in given}) > 1:
        yield Unjudged(injected.place, "several functions have the name of the dependency")
        return
    if _PLAIN.search(made.api):
        return
    cls = made.api.removesuffix("()").rpartition(".")[2]
    said = f"{injected.name}: {injected.annotation}" if injected.annotation else injected.name
    yield Finding(
        at=injected.place,
        message=f"{injected.scope} takes {said} for an id, and {made.name} gives the whole {cls}: what is stored, sent "
        "or compared is an object, or the text that stands for it, and it joins with nothing.",
        because=((made.place, f"{made.name} returns a {cls}"),),
        about=(cls,),
        group=f"{made.identity}",
        note=f"{injected.scope} takes it for an id, too",
    )


def _given(injected: facts.InjectedId, pipeline: Pipeline) -> list[facts.GivenObject]:
    """What functions of the tree give that have the name, and the module, of the dependency."""
    module, _, name = injected.dependency.rpartition(".")
    named = [one for one in pipeline.index(facts.GivenObject, "name").get(name, ()) if one.function]
    if not module:
        return [one for one in named if one.path == injected.path]
    ending = "/" + module.lstrip(".").replace(".", "/")
    return [one for one in named if f"/{one.path.removesuffix('.py').removesuffix('/__init__')}".endswith(ending)]
