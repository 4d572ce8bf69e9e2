"""A task that joins branches is skipped with the branch that is not taken.

A branching task of Airflow marks what it does not choose as skipped. Under the default rule, ``all_success``, a task
with a skipped task before it is skipped as well, and the run is still green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, expr, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_CHOICES = ("follow_task_ids_if_true", "follow_task_ids_if_false")
_NEEDS_ALL = frozenset({"", "all_success", "none_skipped"})
"""Trigger rules under which one skipped task before it skips a task (airflow/ti_deps/deps/trigger_rule_dep.py)."""
_NEEDS_ONE = frozenset({"one_success", "none_failed_min_one_success", "none_failed_or_skipped", "one_done"})
"""Trigger rules under which a task is skipped where all before it are."""


def _branches(step: facts.Step, pipeline: Pipeline) -> bool:
    if step.orchestrator != "airflow" or "branch" not in step.operator.lower():
        return False
    return len(pipeline.index(facts.Edge, "before").get(step.identity, ())) > 1


@check.over(facts.Step, where=_branches)
def find(step: facts.Step, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each branching task, and at what happens behind it for each of its choices."""
    schedule = pipeline.one(facts.Schedule, step.pipeline)
    if schedule is None or not schedule.complete:
        yield Unjudged(step.place, "the tasks of the DAG can't all be told")
        return
    steps = {s.identity: s for s in pipeline.index(facts.Step, "pipeline").get(step.pipeline, ())}
    after = {edge.after for edge in pipeline.index(facts.Edge, "before").get(step.identity, ())} & steps.keys()
    choices = _choices(step, pipeline)
    if choices is None:
        yield Unjudged(step.place, "what the branching task chooses can't be told")
        return
    behind = _behind(after, pipeline)
    if any(s.mapped or (s is not step and "branch" in s.operator.lower()) for s in map(steps.__getitem__, behind)):
        yield Unjudged(step.place, "there is another branching, or a mapped task, behind it")
        return
    joins: dict[str, tuple[str, str]] = {}
    runs: set[str] = set()
    for choice in choices:
        chosen = {identity for identity in after if steps[identity].name in choice}
        if not chosen:
            continue
        reached = _behind(chosen, pipeline)
        skipped = _skipped(after - reached, behind, steps, pipeline)
        for identity in reached:
            before = [edge.before for edge in pipeline.index(facts.Edge, "after").get(identity, ())]
            lost = [b for b in before if b in skipped]
            kept = [b for b in before if b in reached - skipped or (b == step.identity and identity in chosen)]
            if identity not in skipped:
                runs.add(identity)
            elif lost and kept:
                joins.setdefault(identity, (kept[0], lost[0]))
    for identity, (kept_one, lost_one) in joins.items():
        join = steps[identity]
        if identity in runs or _does_nothing(join, pipeline):
            continue
        names = f"{steps[lost_one].name!r}"
        taken = "chosen itself" if kept_one == step.identity else f"reached by way of {steps[kept_one].name!r}"
        yield Finding(
            at=join.place,
            message=(
                f"{join.name!r} never runs: where it is {taken}, {step.name!r} has skipped {names}, and under the rule "
                f"{join.trigger_rule or 'all_success'} a skipped task before it skips it too."
            ),
            because=(
                (step.place, f"{step.name} chooses"),
                (steps[lost_one].place, f"{steps[lost_one].name}, before it"),
            ),
            about=(join.identity,),
        )


def _choices(step: facts.Step, pipeline: Pipeline) -> list[frozenset[str]] | None:
    """The task ids that a branching task can choose, by choice; None where one can't be told."""
    settings = [argument.value for name in _CHOICES if (argument := step.setting(name)) is not None]
    choices: list[frozenset[str]] = []
    for written in settings or step.returns:
        for option in written.options if isinstance(written, expr.Choice) else (written,):
            items = option.items if isinstance(option, expr.Items) else (option,)
            names = [pipeline.resolve(item).text for item in items if item != expr.Literal(None)]
            if None in names:
                return None
            choices.append(frozenset(name for name in names if name))
    return choices or None


def _behind(starts: Iterable[str], pipeline: Pipeline) -> set[str]:
    """The tasks of *starts* and all after them."""
    edges = pipeline.index(facts.Edge, "before")
    seen: set[str] = set()
    stack = list(starts)
    while stack:
        identity = stack.pop()
        if identity not in seen:
            seen.add(identity)
            stack.extend(edge.after for edge in edges.get(identity, ()))
    return seen


def _skipped(left: set[str], behind: set[str], steps: dict[str, facts.Step], pipeline: Pipeline) -> set[str]:
    """What is skipped when a choice leaves out *left* and all else succeeds."""
    edges = pipeline.index(facts.Edge, "after")
    skipped = set(left)
    changed = True
    while changed:
        changed = False
        for identity in behind - skipped:
            before = [edge.before for edge in edges.get(identity, ())]
            gone = sum(one in skipped for one in before)
            rule = steps[identity].trigger_rule
            if gone and (rule in _NEEDS_ALL or (rule in _NEEDS_ONE and gone == len(before))):
                skipped.add(identity)
                changed = True
    return skipped


def _does_nothing(join: facts.Step, pipeline: Pipeline) -> bool:
    """An empty task with nothing after it: a mark in the graph."""
    empty = join.operator.rpartition(".")[2] in ("EmptyOperator", "DummyOperator")
    return empty and not pipeline.index(facts.Edge, "before").get(join.identity)
