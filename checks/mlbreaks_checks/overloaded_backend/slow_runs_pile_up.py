"""A schedule starts runs every few minutes, also while those before are not done.

As long as a run is shorter than the time between two, nobody notices. When what it calls is slow, each new run adds to
that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests, _variables
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")

_MOST = 30
"""Minutes between two runs, at most: what is rarer is done long before, or somebody looks at it."""
_RUNS = 16
"""Runs of one DAG at a time where nothing else is said (``max_active_runs_per_dag``)."""
_CONFIGURED = "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG"
_ENDS = ("dagrun_timeout", "default_args.execution_timeout")
_APART = ("default_args.depends_on_past", "default_args.wait_for_downstream")
_BOUNDS = frozenset(
    {
        *("execution_timeout", "active_deadline_seconds", "timeout", "timeout_seconds", "max_active_tis_per_dag"),
        *("pool", "depends_on_past", "wait_for_downstream", "task_concurrency"),
    }
)
_IN_AN_INSTANT = re.compile(r"Empty|Dummy|Branch|ShortCircuit|LatestOnly|branch|short_circuit")
_ENDS_BY_ITSELF = re.compile(r"Big[Qq]uery(?!.*Sensor)")
"""Operators of a service that ends a job after some hours, and keeps those in a queue that it has no slots for."""


def _minutes(when: str) -> int | None:
    """The least minutes between two starts of a cron that starts them all day; None for any other schedule."""
    fields = when.split()
    if len(fields) != 5 or fields[1] not in ("*", "*/1"):
        return None
    step = re.fullmatch(r"(?:\*|\d+|\d+-\d+)/(\d+)", fields[0])
    if step:
        return int(step[1]) or None
    if fields[0] == "*":
        return 1
    listed = sorted(int(part) for part in fields[0].split(",") if part.isdecimal())
    if len(listed) < 2 or len(listed) != fields[0].count(",") + 1:
        return None
    return min(b - a for a, b in zip(listed, [*listed[1:], listed[0] + 60], strict=True)) or None


def _is_frequent_dag(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    if schedule.orchestrator != "airflow" or schedule.when is None or schedule.setting("default_args.max_active_runs"):
        return False  # the last is what run-limit-in-default-args finds
    minutes = _minutes(pipeline.resolve(schedule.when).text or "")
    return minutes is not None and minutes <= _MOST


@check.over(facts.Schedule, where=_is_frequent_dag)
def find_dag(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each DAG that runs at least every half an hour."""
    if any(schedule.setting(name) for name in _ENDS) or any(_is_on(schedule, name, pipeline) for name in _APART):
        return
    if _CONFIGURED in pipeline.index(facts.Container, _variables.of_a_container, each=True):
        yield Unjudged(schedule.place, "the configuration says how many runs there may be")
        return
    given = schedule.setting("max_active_runs")
    only = pipeline.resolve(given.value).only if given is not None else None
    if given is not None and (only is None or not isinstance(only.value, int)):
        yield Unjudged(schedule.place, "how many runs there may be can't be told")
        return
    runs = only.value if only is not None else _RUNS
    if runs == 1:
        return
    steps = pipeline.index(facts.Step, "pipeline").get(schedule.identity, ())
    unbounded = [step for step in steps if not _is_bounded(step)]
    if not unbounded:
        if not schedule.complete:
            yield Unjudged(schedule.place, "the tasks of the DAG can't all be told")
        return
    minutes = _minutes(pipeline.resolve(schedule.when).text or "") or 1
    because = [(unbounded[0].place, f"task {unbounded[0].name} may take as long as it likes")]
    careful = [one for one in pipeline.index(facts.Schedule, _alone).get(True, ()) if one.place.path != schedule.path]
    because += [(one.place, f"DAG {one.name} keeps its runs apart, by max_active_runs=1") for one in careful[:1]]
    yield Finding(
        at=schedule.place,
        message=f"DAG {schedule.name} starts {_every(minutes)}, also while the run before is not done: when what it "
        f"calls is slow, up to {runs} runs call it at once, and none of them ends by itself.",
        because=tuple(because),
        group="airflow",
        note=f"DAG {schedule.name} starts {_every(minutes)}",
    )


def _every(minutes: int) -> str:
    return "every minute" if minutes == 1 else f"every {minutes} minutes"


def _is_on(schedule: facts.Schedule, name: str, pipeline: Pipeline) -> bool:
    setting = schedule.setting(name)
    only = pipeline.resolve(setting.value).only if setting is not None else None
    return setting is not None and (only is None or only.value is not False)


def _is_bounded(step: facts.Step) -> bool:
    if _IN_AN_INSTANT.search(step.operator) or _ENDS_BY_ITSELF.search(step.operator):
        return True
    return any(step.setting(name) for name in _BOUNDS)


def _alone(schedule: facts.Schedule) -> bool:
    """Whether a DAG says that it has one run at a time."""
    setting = schedule.setting("max_active_runs")
    return setting is not None and getattr(setting.value, "value", None) == 1


def _is_frequent_job(workload: facts.Workload, pipeline: Pipeline) -> bool:
    if workload.kind != "CronJob" or workload.schedule is None:
        return False
    minutes = _minutes(pipeline.resolve(workload.schedule).text or "")
    return minutes is not None and minutes <= _MOST


@check.over(facts.Workload, where=_is_frequent_job)
def find_job(workload: facts.Workload, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each CronJob that runs at least every half an hour."""
    if workload.concurrency not in ("", "Allow") or workload.deadline_seconds is not None:
        return
    if not pipeline.index(facts.Container, "workload").get(workload.identity):
        yield Unjudged(workload.place, "a part of a manifest")
        return
    if _manifests.is_templated(workload, pipeline, "concurrencyPolicy"):
        yield Unjudged(workload.place, _manifests.TEMPLATED)
        return
    minutes = _minutes(pipeline.resolve(workload.schedule).text or "") or 1
    yield Finding(
        at=workload.place,
        message=f"CronJob {workload.name} starts {_every(minutes)}, also while the job before is not done "
        "(concurrencyPolicy is Allow), and nothing ends one that hangs: when what it calls is slow, there are more and "
        "more of them.",
        confidence=Confidence.LOW,
        lowered="what the job calls is not looked at",
    )
