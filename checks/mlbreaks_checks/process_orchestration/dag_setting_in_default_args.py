"""A setting of the DAG stands in default_args, where it has no effect.

``default_args`` are handed to tasks: each takes from them what its own constructor names. What is a parameter of the
DAG - how many runs at a time, whether missed runs are caught up - is taken by nobody, and nothing says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.2")

_PREFIX = "default_args."
_BOUNDS = {"max_active_runs": "runs", "max_active_tasks": "tasks", "concurrency": "tasks"}
"""Parameters that bound what goes at once. Where the DAG is given none, Airflow's own bound is 16.

Source: https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html#max-active-runs-per-dag
"""
_ALSO = {"concurrency": "max_active_tasks", "max_active_tasks": "concurrency"}
_CONFIGURED = {
    "catchup": "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT",
    "max_active_runs": "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG",
    "max_active_tasks": "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG",
    "concurrency": "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG",
}
"""Variables that set what holds for a DAG that does not say."""
_SOME_DAY = "it takes a run that hangs, or a DAG that is switched on late"


def _misplaced(schedule: facts.Schedule) -> tuple[facts.Argument, ...]:
    """Settings of the DAG that only its default_args give."""
    given = {setting.name for setting in schedule.settings}
    return tuple(
        setting
        for setting in schedule.settings
        if (name := setting.name.removeprefix(_PREFIX)) != setting.name
        and (name in _BOUNDS or name in ("catchup", "dagrun_timeout"))
        and not given & {name, _ALSO.get(name), "**"}
    )


def _is_airflow(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    return schedule.orchestrator == "airflow" and bool(_misplaced(schedule))


@check.over(facts.Schedule, where=_is_airflow)
def find(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each DAG of Airflow whose default_args hold parameters of the DAG that it is not given itself."""
    for setting in _misplaced(schedule):
        name = setting.name.removeprefix(_PREFIX)
        only = pipeline.resolve(setting.value).only
        value = only.value if only is not None else None
        if name == "dagrun_timeout":
            yield _finding(schedule, setting, name, "a run that hangs is never ended", _SOME_DAY)
        elif only is None:
            yield Unjudged(setting.place, "what default_args give can't be told")
        elif _is_configured(name, pipeline):
            yield Unjudged(setting.place, "the configuration of Airflow may say it for all DAGs")
        elif name == "catchup":
            yield from _catchup(schedule, setting, value, pipeline)
        elif value == 1:
            said = f"up to 16 {_BOUNDS[name]} of it go at once, Airflow's own bound"
            yield _finding(schedule, setting, f"{name} = 1", said)


def _is_configured(name: str, pipeline: Pipeline) -> bool:
    """Whether the tree holds a configuration of Airflow, or sets the variable for a process."""
    return bool(pipeline.paths_named("airflow.cfg")) or _CONFIGURED[name] in pipeline.index(
        Process, _variables, each=True
    )


def _variables(process: Process) -> tuple[str, ...]:
    return tuple(process.variables)


def _catchup(schedule: facts.Schedule, setting: facts.Argument, value: object, pipeline: Pipeline) -> Iterator[Verdict]:
    """Airflow 2 catches up where the DAG does not say, Airflow 3 does not."""
    only = pipeline.resolve(schedule.when).only
    if only is not None and only.value in (None, "@once", "@continuous"):
        return
    majors = _majors(pipeline)
    if len(majors) != 1:
        yield Unjudged(setting.place, "which Airflow runs the DAG can't be told: 2 catches up by itself, 3 does not")
    elif value is False and majors == {2}:
        said = "Airflow 2 starts a run for each interval since its start_date once it is switched on"
        yield _finding(schedule, setting, "catchup = False", said, _SOME_DAY)
    elif value is True and majors == {3}:
        said = "Airflow 3 makes up for no missed interval"
        yield _finding(schedule, setting, "catchup = True", said, _SOME_DAY)


def _finding(schedule: facts.Schedule, setting: facts.Argument, written: str, then: str, lowered: str = "") -> Finding:
    name = setting.name.removeprefix(_PREFIX)
    return Finding(
        at=setting.place,
        message=f"DAG {schedule.name} has {written} in its default_args, which only tasks take from: {then}.",
        because=((schedule.place, f"DAG {schedule.name}, which is not given {name} itself"),),
        about=(name,),
        severity=Severity.MEDIUM if lowered else None,
        lowered=lowered,
        group=name,
        note=f"DAG {schedule.name}: {written}",
    )


_AIRFLOW = "apache-airflow"


def _majors(pipeline: Pipeline) -> set[int]:
    """The major versions of Airflow that the tree names: in lists of packages, lock files and images."""
    found: set[int] = set()
    for requirement in pipeline.index(facts.Requirement, "name").get(_AIRFLOW, ()):
        found.update(_major_of(requirement.specifier))
    for lock in pipeline.all(facts.LockFile):
        found.update(int(p.version.partition(".")[0]) for p in lock.packages if p.name == _AIRFLOW and p.version)
    for dockerfile in pipeline.all(facts.Dockerfile):
        for stage in dockerfile.stages:
            found.update(_major_of_image(pipeline.pattern(stage.base)))
    for container in pipeline.all(facts.Container):
        if container.image is not None:
            found.update(_major_of_image(pipeline.pattern(container.image)))
    return found


def _major_of(specifier: str) -> set[int]:
    """The major of a version that ``==`` or ``~=`` fixes, or that a bound keeps below 3."""
    fixed = re.search(r"[=~]=\s*(\d+)", specifier)
    if fixed is not None:
        return {int(fixed[1])}
    return {2} if re.search(r"<\s*3\b", specifier) else set()


def _major_of_image(image: str) -> set[int]:
    name = references.split_reference(image)
    tag = re.match(r"(?:slim-)?(\d+)\.", name.tag)
    return {int(tag[1])} if tag is not None and name.repository.endswith("apache/airflow") else set()
