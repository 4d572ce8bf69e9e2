"""A sensor waits for a DAG or a task that does not exist

An ExternalTaskSensor looks for a run in Airflow's database. Where nobody ever makes one, it waits until it times out -
by default seven days - and everything behind it with it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlbreaks_checks._names import is_slip
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")


def _does_not_ask_first(wait: f.Wait, pipeline: Pipeline) -> bool:
    """Whether the sensor waits without asking whether what it waits for exists."""
    asked = next((a for a in wait.settings if a.name == "check_existence"), None)
    only = pipeline.resolve(asked.value).only if asked is not None else None
    return asked is None or (only is not None and only.value is False)


@check.over(f.Wait, where=_does_not_ask_first)
def find(wait: f.Wait, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the DAG, and the task of it, that a sensor waits for."""
    dag = pipeline.resolve(wait.target_pipeline).text
    if dag is None or "{{" in dag:
        yield Unjudged(wait.place, "the DAG waited for can't be told")
        return
    targets = [s for s in pipeline.index(f.Schedule, "name").get(dag, ()) if s.orchestrator == "airflow"]
    if not targets:
        yield from _no_such_dag(wait, dag, pipeline)
    elif wait.target_step is not None:
        yield from _task(wait, dag, targets, pipeline)
    elif any(a.name == "external_task_group_id" for a in wait.settings):
        yield Unjudged(wait.place, "a task group is waited for, which is not compared")


def _no_such_dag(wait: f.Wait, dag: str, pipeline: Pipeline) -> Iterator[Verdict]:
    """Another repository may hold the DAG; a name that is all but one of ours was probably meant to be it."""
    near = {s.name: s for s in pipeline.index(f.Schedule, _beginning).get(dag.lower()[:4], ())}
    close = [n for n in difflib.get_close_matches(dag, sorted(near), n=3, cutoff=0.9) if is_slip(dag, n)]
    if not close:
        yield Unjudged(wait.place, "no DAG of that name is in the tree: it may be in another")
        return
    yield Finding(
        at=wait.place,
        message=f"The sensor waits for DAG {dag!r}, which the tree does not have; it has {close[0]!r}.",
        because=((near[close[0]].place, f"DAG {close[0]}"),),
        about=(dag,),
        confidence=Confidence.MEDIUM,
        lowered="the DAG may be in another repository",
    )


def _task(wait: f.Wait, dag: str, targets: list[f.Schedule], pipeline: Pipeline) -> Iterator[Verdict]:
    task = pipeline.resolve(wait.target_step).text
    if task is None or "{{" in task:
        yield Unjudged(wait.place, "the task waited for can't be told")
        return
    names: set[str] = set()
    for target in targets:
        steps = pipeline.index(f.Step, "pipeline").get(target.identity, ())
        if not target.complete or not steps:
            yield Unjudged(wait.place, "the tasks of that DAG can't all be told")
            return
        names.update(step.name for step in steps)
        names.update(step.group for step in steps if step.group)  # external_task_group_id names a group
    if task in names:
        return
    close = difflib.get_close_matches(task, sorted(names), n=1, cutoff=0.6)
    has = repr(close[0]) if close else ", ".join(repr(name) for name in sorted(names)[:4])
    yield Finding(
        at=wait.place,
        message=f"The sensor waits for task {task!r} of DAG {dag!r}, which has no such task; it has {has}.",
        because=tuple((target.place, f"DAG {dag}, all of whose tasks can be told") for target in targets),
        about=(dag, task),
    )


def _beginning(schedule: f.Schedule) -> str | None:
    return schedule.name.lower()[:4] if schedule.orchestrator == "airflow" else None
