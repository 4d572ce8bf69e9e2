"""A DAG's limit on its runs stands in default_args, where nothing reads it.

``default_args`` are those of the tasks. Airflow hands each task what the task knows, and drops the rest without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _variables
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, expr, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1")

_RUNS = 16
"""Runs of one DAG at a time where nothing else is said (``max_active_runs_per_dag``)."""
_FEW = 4
"""A limit of at most so many runs is there for a reason."""
_CONFIGURED = ("AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG", "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT")
_LOST = {name: f"default_args.{name}" for name in ("max_active_runs", "dagrun_timeout", "catchup")}
_TWO = re.compile(r"==\s*2\.\d")
_IMAGE_OF_TWO = re.compile(r"(?:^|/)(?:airflow|astro-runtime)[^:]*:(?:slim-)?(?:2\.\d|[4-9]\.|1[0-3]\.)")


def _lost(schedule: facts.Schedule) -> list[str]:
    """The limits that stand in default_args and nowhere else."""
    return [name for name, lost in _LOST.items() if schedule.setting(lost) and not schedule.setting(name)]


def _is_limited_there(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    unscheduled = schedule.when is None or schedule.when == expr.Literal(None)
    return schedule.orchestrator == "airflow" and not unscheduled and bool(_lost(schedule))


@check.over(facts.Schedule, where=_is_limited_there)
def find(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at ``max_active_runs``, ``dagrun_timeout`` and ``catchup`` in the default_args of a DAG with a schedule."""
    for name in _lost(schedule):
        setting = schedule.setting(_LOST[name])
        if setting is None:
            continue
        if any(one in pipeline.index(facts.Container, _variables.of_a_container, each=True) for one in _CONFIGURED):
            yield Unjudged(setting.place, "the configuration may say the same")
            continue
        only = pipeline.resolve(setting.value).only
        value = only.value if only is not None else None
        because: tuple[tuple[Place, str], ...] = ((schedule.place, f"the DAG {schedule.name} itself does not say it"),)
        severity = None
        if name == "max_active_runs":
            if not isinstance(value, int):
                yield Unjudged(setting.place, "how many runs it would allow can't be told")
                continue
            if value >= _RUNS:
                continue
            severity = Severity.LOW if value > _FEW else None
            what = f"max_active_runs={value} stands in default_args, where Airflow does not look for it: DAG "
            what += f"{schedule.name} may have {_RUNS} runs at a time, and its backend as many callers."
        elif name == "dagrun_timeout":
            what = (
                "dagrun_timeout stands in default_args, where Airflow does not look for it: nothing ends a run of DAG "
            )
            what += f"{schedule.name} that hangs."
        else:
            if value is not False:
                continue
            two = _airflow_two(pipeline)
            if two is None:
                yield Unjudged(setting.place, "which Airflow runs it can't be told: from 3.0 on, nothing is caught up")
                continue
            because = (*because, two)
            what = "catchup=False stands in default_args, where Airflow does not look for it: when DAG "
            what += f"{schedule.name} is switched on, Airflow 2 starts a run for each interval since its start_date."
        yield Finding(at=setting.place, message=what, because=because, severity=severity, group=name, note="here, too")


def _airflow_two(pipeline: Pipeline) -> tuple[Place, str] | None:
    """The place that says that the tree's Airflow is one of 2.x."""
    for requirement in pipeline.index(facts.Requirement, "name").get("apache-airflow", ()):
        if _TWO.search(requirement.specifier):
            return requirement.place, f"apache-airflow{requirement.specifier}"
    for dockerfile in pipeline.index(facts.Dockerfile, _is_airflow_two).get(True, ()):
        return dockerfile.stages[-1].place, "the image is one of Airflow 2"
    for container in pipeline.index(facts.Container, _runs_airflow_two).get(True, ()):
        return container.place, "it runs Airflow 2"
    return None


def _plain(written: expr.Expr | None) -> str:
    """The literal pieces of an expression, defaults included, one after the other."""
    if isinstance(written, expr.Concat):
        return "".join(map(_plain, written.parts))
    if isinstance(written, expr.EnvVar):
        return _plain(written.default)
    return str(written.value) if isinstance(written, expr.Literal) else ""


def _is_airflow_two(dockerfile: facts.Dockerfile) -> bool:
    return any(_IMAGE_OF_TWO.search(_plain(stage.base)) for stage in dockerfile.stages)


def _runs_airflow_two(container: facts.Container) -> bool:
    return bool(_IMAGE_OF_TWO.search(_plain(container.image)))
