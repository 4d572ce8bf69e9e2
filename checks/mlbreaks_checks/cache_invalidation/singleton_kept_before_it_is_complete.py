"""An object that is made once is kept before it is complete, so that a failure leaves a half-made one behind.

``_model = Model(); _model.load()``: where ``load`` raises, the name is set, and nobody loads again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(
    __name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("dependency-failure",)
)

_REACHES_OUT = re.compile(
    r"load|open|read|write|connect|download|fetch|request|client|producer|consumer|engine|ping|session|pretrained|login"
    r"|query|execute|from_url|start|auth|mkdir|makedirs|environ\.__getitem__",
    re.IGNORECASE,
)
"""Names of calls that can fail for a reason that passes."""


@check.over(facts.KeptEarly)
def find(kept: facts.KeptEarly, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each object that is kept in a global, or in its class, and completed afterwards."""
    cls = kept.made.removesuffix("()").rpartition(".")[2]
    steps = pipeline.index(facts.Function, _method).get((cls, kept.step), ()) if cls else ()
    if steps and pipeline.index(facts.ContainedErrors, _contained).get((cls, kept.step)):
        yield Unjudged(kept.place, "what completes the object catches its own errors")
        return
    fails = not steps or any(_REACHES_OUT.search(call) for step in steps for call in (*step.calls, *step.sometimes))
    if not fails and not kept.awaited and not kept.locked:
        yield Unjudged(kept.place, "nothing that completes the object is seen to fail")
        return
    if cls and pipeline.index(facts.PythonModule, _made_at_import, each=True).get(cls):
        yield Unjudged(kept.place, "it is made when a module is imported")
        return
    server = _serving.server_of(kept.path, kept.scope, pipeline)
    if server is None:
        yield Unjudged(kept.place, "no server is seen to use the object")
        return
    made = f"an object of {cls}" if cls else "an object"
    early = f"{kept.name} is set to {made} before {kept.step}() has made it complete"
    if kept.flag:
        early = f"{kept.name} says that the only {cls} is complete before {kept.step}() has run"
    yield Finding(
        at=kept.place,
        message=f"{early}: {_who_gets_it(kept, fails)}",
        because=(
            (kept.completed, f"{kept.step}() runs when the name is set already"),
            *((steps[0].place, "what completes it") for _ in steps[:1]),
            server,
        ),
        about=(kept.name,),
        severity=None if fails else Severity.LOW,
        lowered="" if fails else "nothing in it is seen to fail; only who comes in between gets it",
        fix=f"Set {kept.name} at the end."
        if kept.flag
        else f"Complete it under a local name, and set {kept.name} when that is done.",
    )


def _who_gets_it(kept: facts.KeptEarly, fails: bool) -> str:
    parts = []
    if fails:
        parts.append(
            "if that fails once, every later call finds the name set and gets the half-made one, until the process "
            "restarts"
        )
    if kept.awaited:
        parts.append("requests that come while it is awaited get it as it is")
    elif kept.locked:
        parts.append("threads that look before they take the lock get it as it is")
    return ", and ".join(parts) + "."


def _made_at_import(module: facts.PythonModule) -> tuple[str, ...]:
    """The classes, or other callees, that a module calls in its own code, by the last part of their names."""
    return tuple(call.rpartition(".")[2] for call in module.calls)


def _method(function: facts.Function) -> tuple[str, str] | None:
    return _last_two(function.name)


def _contained(contained: facts.ContainedErrors) -> tuple[str, str] | None:
    return _last_two(contained.function)


def _last_two(name: str) -> tuple[str, str] | None:
    """Class and method of a qualified name; None for what is no method."""
    parts = name.split(".")
    return (parts[-2], parts[-1]) if len(parts) > 1 else None
