"""A task can fail and the run of its DAG is still a success.

Airflow takes the state of a run from its last tasks alone. Where all that come after a task run whatever happened
before them, its failure ends there: the run is green, and what waits for it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_RUN_ANYWAY = frozenset({"all_done", "one_done", "always", "all_done_min_one_success"})
_ON_FAILURE = frozenset({"one_failed", "all_failed"})
_ONE_IS_ENOUGH = frozenset({"one_success"})
_TEARDOWN = "all_done_setup_success"
"""Trigger rules. Source: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#trigger-rules"""
_EMPTY = ("EmptyOperator", "DummyOperator", "LatestOnlyOperator")
_ASKS = ("get_task_instance", "get_dagrun", "get_task_instances", "get_state")
_RAISES = ("Exception", "Error")

_Around = Mapping[str, tuple[str, ...]]


def _hides(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    """Whether a task of the DAG runs whatever happened before it."""
    return schedule.orchestrator == "airflow" and any(
        step.trigger_rule in _RUN_ANYWAY for step in pipeline.index(facts.Step, "pipeline").get(schedule.identity, ())
    )


@check.over(facts.Schedule, where=_hides)
def find(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each DAG with a task that runs whatever happened before it."""
    if not schedule.complete:
        yield Unjudged(schedule.place, "the tasks of the DAG can't all be told")
        return
    steps = {step.identity: step for step in pipeline.index(facts.Step, "pipeline").get(schedule.identity, ())}
    followers = pipeline.index(facts.Edge, "before")
    before: dict[str, tuple[str, ...]] = {}
    after: dict[str, tuple[str, ...]] = {}
    for identity in steps:
        edges = pipeline.index(facts.Edge, "after").get(identity, ())
        before[identity] = tuple(edge.before for edge in edges if edge.before in steps)
        after[identity] = tuple(edge.after for edge in followers.get(identity, ()) if edge.after in steps)
    hidden = {identity: _hidden_by(identity, steps, before, after) for identity in steps if after[identity]}
    lost = [steps[identity] for identity, by in hidden.items() if by]
    if not lost:
        return
    hiding = {one: steps[one] for by in hidden.values() for one in by}
    behind = _behind(hiding, after)
    if any("branch" in steps[one].operator.lower() for one in behind):
        yield Unjudged(schedule.place, "a branching task behind it may choose what fails")
        return
    if any(_may_fail_by_itself(steps[one], pipeline) for one in behind):
        yield Unjudged(schedule.place, "a later task may look at what failed, and fail")
        return
    by = next(iter(hiding.values()))
    names = ", ".join(repr(step.name) for step in lost[:3]) + (", ..." if len(lost) > 3 else "")
    yield Finding(
        at=by.place,
        message=(
            f"A failure of {names} in DAG {schedule.name} leaves the run a success: {by.name!r} runs under "
            f"{by.trigger_rule}, whatever happened before it, and no last task fails."
        ),
        because=tuple((step.place, f"{step.name}, whose failure ends there") for step in lost[:3]),
        about=(schedule.identity,),
        group="run",
        note=f"DAG {schedule.name}: {by.name} runs under {by.trigger_rule}",
    )


def _hidden_by(identity: str, steps: Mapping[str, facts.Step], before: _Around, after: _Around) -> tuple[str, ...]:
    """The tasks at which the task's failure ends; none where a last task fails with it, or one runs because of it."""
    step = steps[identity]
    if _is_no_work(step) or step.trigger_rule in _ON_FAILURE | {_TEARDOWN}:
        return ()
    failed, hiding = {identity}, []
    pending = list(after[identity])
    while pending:
        one = pending.pop()
        if one in failed:
            continue
        rule = steps[one].trigger_rule
        if rule in _ON_FAILURE:
            return ()  # a watcher, which may fail the run
        gone = [b for b in before[one] if b in failed]
        if rule in _RUN_ANYWAY:
            hiding.append(one)
        elif rule != _TEARDOWN and (rule not in _ONE_IS_ENOUGH or len(gone) == len(before[one])):
            failed.add(one)
            pending.extend(after[one])
    return tuple(hiding) if all(after[one] for one in failed) else ()


def _behind(starts: Iterable[str], after: _Around) -> set[str]:
    """*starts* and all that comes after them."""
    seen: set[str] = set()
    pending = list(starts)
    while pending:
        one = pending.pop()
        if one not in seen:
            seen.add(one)
            pending.extend(after[one])
    return seen


def _is_no_work(step: facts.Step) -> bool:
    """Whether the task only marks, chooses or waits, or calls what can't be told (a lambda)."""
    operator = step.operator.rpartition(".")[2]
    if operator in _EMPTY or ("python" in operator.lower() and step.callee is None):
        return True
    return any(word in step.operator.lower() for word in ("branch", "short", "sensor"))


def _may_fail_by_itself(end: facts.Step, pipeline: Pipeline) -> bool:
    """Whether the task's function asks for the state of others, or raises something."""
    if end.callee is None:
        return False
    named = pipeline.index(facts.Function, "name").get(end.callee.name, ())
    functions = [function for function in named if function.path == end.callee.path]
    if not functions:
        return True
    called = [one.rpartition(".")[2] for function in functions for one in function.calls]
    return any(one in _ASKS or one.endswith(_RAISES) for one in called)
