"""A request that fails is repeated for ever, or again and again without a pause.

tenacity does both where nothing else is said. A backend that is only slow is then called as fast as its callers can.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")


def _requests(retrying: facts.Retrying, pipeline: Pipeline) -> list[facts.RemoteCall]:
    """The HTTP requests in what is repeated."""
    name = retrying.function
    return [
        call
        for call in pipeline.index(facts.RemoteCall, "path").get(retrying.path, ())
        if call.scope == name or call.scope.startswith(f"{name}.")
    ]


def _repeats_requests(retrying: facts.Retrying, pipeline: Pipeline) -> bool:
    return retrying.tool == "urllib3" or bool(_requests(retrying, pipeline))


def _is_a_program(path: str, pipeline: Pipeline) -> bool:
    """Whether a file is one that people or a process start."""
    modules = pipeline.index(facts.PythonModule, "path").get(path, ())
    return path.endswith("__main__.py") or any(module.main for module in modules)


@check.over(facts.Retrying, where=_repeats_requests)
def find(retrying: facts.Retrying, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each decorator, loop and `Retry` that repeats HTTP requests."""
    at_once = retrying.waits is False
    for_ever = retrying.stops is False and (at_once or retrying.tool != "loop")  # a loop may stop by what it looks at
    if not for_ever and not at_once:
        if retrying.stops is None and retrying.waits is None:
            yield Unjudged(retrying.place, "how it stops and waits is given elsewhere")
        return
    if retrying.tool == "loop" and _is_a_program(retrying.path, pipeline) and not pipeline.processes_of(retrying.path):
        yield Unjudged(retrying.place, "nothing is seen to run this program")
        return
    calls = _requests(retrying, pipeline) if retrying.tool != "urllib3" else []
    because = tuple((call.place, f"what is repeated: {call.api.replace('()', '')}") for call in calls[:3])
    yield Finding(
        at=retrying.place,
        message=_message(retrying, for_ever, at_once),
        because=tuple(place for place in because if place[0] != retrying.place),
        severity=None if for_ever else Severity.MEDIUM,
    )


def _message(retrying: facts.Retrying, for_ever: bool, at_once: bool) -> str:
    name = retrying.function or "this module"
    if retrying.tool == "urllib3":
        return "Retry has no backoff_factor, which is 0 then: requests that fail are sent again at once."
    how = " and ".join(["for ever"] * for_ever + ["without a pause"] * at_once)
    if retrying.tool == "loop":
        return f"When its request fails, {name} sends it again {how}."
    missing = "neither a limit nor a pause is given"
    if not (for_ever and at_once):
        missing = "no limit is given" if for_ever else "no pause is given"
    return f"{retrying.tool} repeats {name} {how} when its request fails: {missing}."
