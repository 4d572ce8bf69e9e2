"""A model or checkpoint that cannot be loaded is only reported, and the code goes on without it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.LOW, since="0.1", evidence="cross-artifact")


@check.over(facts.GuardedLoad)
def find(load: facts.GuardedLoad, pipeline: Pipeline) -> Iterator[Verdict]:
    """Loads in a try whose handler takes any error."""
    if load.then in ("stops", "returns"):
        return
    if load.then == "other":
        yield Unjudged(load.place, "what the handler does about it cannot be told")
        return
    if load.answers_503:
        yield Unjudged(load.place, "the file answers 503 in some cases: it may be without a model on purpose")
        return
    if load.asked_for:
        yield Unjudged(load.place, "the file raises where it is None: it may be needed in some cases only")
        return
    function = pipeline.index(facts.GuardedLoad, by=_function)[_function(load)]
    together = [other for other in function if other.then == "reports" and not other.asked_for]
    if load is not together[0]:
        return  # told with the first one of the function
    probed = [p for p in pipeline.processes_of(load.path) if _serves(p)]
    because = [(load.handler, f"takes every error{_sets(load)}")]
    others = {other.handler: other for other in together if other.handler != load.handler}
    because += [(handler, f"and so does this one{_sets(other)}") for handler, other in list(others.items())[:3]]
    because += [(p.place, f"{p.name} runs it") for p in probed[:2]]
    message = f"Where {load.api} fails, for whatever reason, that is only reported, and {_goes_on(load)}."
    yield Finding(at=load.place, message=message, because=tuple(because))


def _function(load: facts.GuardedLoad) -> tuple[str, str]:
    return load.path, load.scope


def _serves(process: Process) -> bool:
    return isinstance(process.fact, facts.Container)


def _sets(load: facts.GuardedLoad) -> str:
    return f" and sets {_names(load)} to a constant" if load.replaced else ""


def _goes_on(load: facts.GuardedLoad) -> str:
    if load.replaced:
        return f"the code goes on with a constant for {_names(load)}"
    return "the code goes on without it"


def _names(load: facts.GuardedLoad) -> str:
    return " and ".join(load.replaced[:2])
