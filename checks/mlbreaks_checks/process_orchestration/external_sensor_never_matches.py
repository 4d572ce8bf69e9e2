"""A sensor waits for a DAG or a task that does not exist.

An ExternalTaskSensor looks for a run in Airflow's database. Where nobody ever makes one, it waits until it times out -
by default seven days - and everything behind it with it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")


@check.over(f.Wait)
def find(wait: f.Wait, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the DAG, and the task of it, that a sensor waits for."""
    dag = pipeline.resolve(wait.target_pipeline).text
    if dag is None:
        yield Unjudged(wait.place, "the DAG waited for can't be told")
        return
    schedules = pipeline.index(f.Schedule, _dag_name)
    targets = schedules.get(dag, ())
    if not targets:
        names = sorted(str(name) for name in schedules)
        close = difflib.get_close_matches(dag, names, n=1, cutoff=0.85)
        if not close:
            yield Unjudged(wait.place, "no DAG of that name is in the tree: it may be in another")
            return
        near = schedules[close[0]][0]
        yield Finding(
            at=wait.place,
            message=f"The sensor waits for DAG {dag!r}, which the tree does not have; {close[0]!r} it has.",
            because=((near.place, f"DAG {close[0]}"),),
            about=(dag,),
            confidence=Confidence.MEDIUM,
            lowered="the DAG may be in another repository",
        )
        return
    if wait.target_step is None:
        return
    task = pipeline.resolve(wait.target_step).text
    if task is None:
        yield Unjudged(wait.place, "the task waited for can't be told")
        return
    if len(targets) > 1 or not targets[0].complete:
        yield Unjudged(wait.place, "the tasks of that DAG can't all be told")
        return
    target = targets[0]
    names = sorted({s.name for s in pipeline.index(f.Step, "pipeline").get(target.identity, ())})
    if not names:
        yield Unjudged(wait.place, "the tasks of that DAG can't all be told")
    elif task not in names:
        close = difflib.get_close_matches(task, names, n=1, cutoff=0.6)
        hint = f"; it has {close[0]!r}" if close else f"; it has {', '.join(names[:5])}"
        yield Finding(
            at=wait.place,
            message=f"The sensor waits for task {task!r} of DAG {dag!r}, which has no such task{hint}.",
            because=((target.place, f"DAG {dag} and its {len(names)} tasks"),),
            about=(dag, task),
        )


def _dag_name(schedule: f.Schedule) -> str | None:
    return schedule.name if schedule.orchestrator == "airflow" else None
