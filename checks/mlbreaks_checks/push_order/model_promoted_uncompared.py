"""A pipeline gives its model the name that servers ask for, whatever the model is worth.

Nothing between training and the alias ``production`` compares the new model with a bound or with the one that answers
now: a run on broken data puts its model before users by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _moving
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_SERVED = re.compile(r"^(?:prod|production|champion|live|serving|current|stable|deployed)$", re.IGNORECASE)
_MAY_STOP = re.compile(
    r"compar|valid|verif|check|gate|better|should|assert|accept|eligib|thresh|approv|improv|guard|quality|regress|"
    r"error$|exception$|exit$|abort|fail",
    re.IGNORECASE,
)
_MAY_STOP_STEP = re.compile(
    r"eval|compar|valid|verif|check|gate|test|approv|quality|decide|branch|short_?circuit", re.IGNORECASE
)
_BY_HAND = re.compile(r"promot|rollback|roll_back|set_.*alias|deploy|release", re.IGNORECASE)


def _promotes(access: facts.ModelAccess, pipeline: Pipeline) -> bool:
    return access.mode == "promote" and not aside(access.path)


@check.over(facts.ModelAccess, where=_promotes)
def find(access: facts.ModelAccess, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each call that gives an alias or a stage to a version of a model, where a pipeline runs it."""
    label = _served_label(access, pipeline)
    if not label:
        return
    for process in pipeline.processes_of(access.path):
        step = process.fact
        if not isinstance(step, facts.Step):
            continue
        way = _way(access, process, pipeline)
        if way is None:
            continue
        reason = _may_stop(access, way, process, step, pipeline)
        if reason == _GATED:
            return
        if reason:
            yield Unjudged(access.place, reason)
            return
        yield Finding(
            at=access.place,
            message=(
                f"{step.name!r} gives its model the {'stage' if access.alias is None else 'alias'} {label!r} by "
                "itself: nothing on the way asks whether it is better than a bound, or than the one that has it."
            ),
            because=((step.place, f"{step.name} runs it"), *_servers(access, pipeline)),
            about=(label,),
        )
        return


_GATED = "gated"


def _served_label(access: facts.ModelAccess, pipeline: Pipeline) -> str:
    """The alias or stage that servers ask for, if it is one of those that the call gives."""
    return next((label for label in _moving.labels_of(access, pipeline) if _SERVED.search(label)), "")


def _way(access: facts.ModelAccess, process: Process, pipeline: Pipeline) -> list[facts.Function] | None:
    """The functions from what the process starts to the call, the call's own first; None where it can't be told."""
    if not access.scope:
        return None
    entries = {(entry.path, entry.function) for entry in process.entries if entry.path}
    found: list[facts.Function] = []
    path, scope = access.path, access.scope
    while len(found) < _MOST:
        functions = [f for f in pipeline.index(facts.Function, "path").get(path, ()) if f.name == scope]
        if len(functions) != 1:
            return None
        found.append(functions[0])
        if (path, scope) in entries:
            return found
        callers = [key for key in _moving.callers((path, scope), pipeline, direct=True) if key != (path, scope)]
        started = [key for key in callers if not key[1] and key in entries]
        if started:
            return found
        reached = [key for key in callers if key[1] and key[0] in process.modules]
        if len(reached) != 1:
            return None
        path, scope = reached[0]
    return None


_MOST = 6


def _may_stop(
    access: facts.ModelAccess, way: list[facts.Function], process: Process, step: facts.Step, pipeline: Pipeline
) -> str:
    """Why the call may not be come to; `_GATED` where it stands under a condition."""
    method = access.api.rpartition(".")[2]
    for function in way:
        if any(callee.rpartition(".")[2] == method for callee in function.sometimes):
            return _GATED
        method = function.name.rpartition(".")[2]
    for function in way:
        if any(_MAY_STOP.search(callee.rpartition(".")[2]) for callee in function.calls):
            return "something that is called before it may stop it"
    if any(pipeline.index(facts.Assertions, "path").get(function.path) for function in way):
        return "an assertion may stop it"
    if any(_BY_HAND.search(function.name) for function in way[:1]) and len(way) == 1:
        return "it is a script whose work is to promote"
    if any(job.environment is not None for job in pipeline.index(facts.WorkflowJob, "step").get(step.identity, ())):
        return "the job has an environment, for which somebody may have to approve it"
    if any(_MAY_STOP_STEP.search(entry.written) for entry in process.entries if entry.path != way[-1].path):
        return "an earlier step may stop it"
    before = pipeline.order.before(step.identity)
    names = [one.rpartition("/")[2] for one in before]
    if any(_MAY_STOP_STEP.search(name) for name in names) or any(
        _MAY_STOP_STEP.search(one.operator)
        for identity in before
        for one in pipeline.index(facts.Step, "identity").get(identity, ())
    ):
        return "an earlier step may stop it"
    return ""


def _servers(access: facts.ModelAccess, pipeline: Pipeline) -> list[tuple[Place, str]]:
    mover = _moving.of_access(access, pipeline)
    found = [one for one in _moving.taken(pipeline) if _moving.meets(one, mover) and one.path != access.path]
    return [(one.place, f"asks for {one.shown}") for one in found if not aside(one.path)][:2]
