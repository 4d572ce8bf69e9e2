"""Runs exclude each other, and nothing ends one that hangs.

A frequent schedule that allows one run at a time waits for the run before. One that hangs is never done: no later run
starts, nothing fails, and nobody is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests, _serving, _variables
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")

_LIMITS = ("execution_timeout", "active_deadline_seconds", "timeout_seconds", "timeout", "max_runtime")
_IN_AN_INSTANT = re.compile(r"Empty|Dummy|Branch|ShortCircuit|LatestOnly|branch|short_circuit")
_PRINTS = re.compile(r"\s*(date|true|:|echo\b[^;&|`$()]*)\s*")
"""A command that is done at once."""
_ENDS = frozenset({"builtins", "datetime", "json", "logging", "math", "os", "pprint", "re", "textwrap", "time"})
"""Modules whose functions wait for nobody; what ``time.sleep`` waits for is told."""
_REQUESTS = frozenset({"requests", "httpx", "urllib"})
_DEFAULT = "AIRFLOW__CORE__DEFAULT_TASK_EXECUTION_TIMEOUT"
_HOURLY = frozenset({"@hourly", "@continuous"})


def _is_frequent(when: str) -> bool:
    """Whether a schedule starts a run at least once an hour, all day: nobody looks at each of them."""
    fields = when.split()
    return when in _HOURLY or (len(fields) == 5 and fields[1] in ("*", "*/1"))


def _is_exclusive_dag(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    setting = schedule.setting("max_active_runs")
    if schedule.orchestrator != "airflow" or setting is None or schedule.when is None:
        return False
    only = pipeline.resolve(setting.value).only
    return only is not None and only.value == 1 and _is_frequent(pipeline.resolve(schedule.when).text or "")


@check.over(facts.Schedule, where=_is_exclusive_dag)
def find_dag(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each DAG that runs at least hourly with ``max_active_runs=1``."""
    if schedule.setting("dagrun_timeout") or schedule.setting("default_args.execution_timeout"):
        return
    if _DEFAULT in pipeline.index(facts.Container, _variables.of_a_container, each=True):
        return
    if not schedule.complete:
        yield Unjudged(schedule.place, "the tasks of the DAG can't all be told")
        return
    steps = pipeline.index(facts.Step, "pipeline").get(schedule.identity, ())
    unlimited = [step for step in steps if not _ends(step, pipeline)]
    setting = schedule.setting("max_active_runs")
    if not unlimited or setting is None:
        return
    tasks = "its only task has" if len(steps) == 1 else f"{len(unlimited)} of its {len(steps)} tasks have"
    if 1 < len(unlimited) == len(steps):
        tasks = f"its {len(steps)} tasks have"
    shown = next((step for step in unlimited if "TriggerDagRun" not in step.operator), unlimited[0])
    yield Finding(
        at=setting.place,
        message=(
            f"DAG {schedule.name} runs {pipeline.resolve(schedule.when).text}, one run at a time, and nothing ends one "
            f"that hangs: it has no dagrun_timeout, and {tasks} no execution_timeout. All later runs wait behind it."
        ),
        because=((shown.place, f"task {shown.name} may run for ever"),),
        group="airflow",
        note=f"DAG {schedule.name} is like it",
    )


def _ends(step: facts.Step, pipeline: Pipeline) -> bool:
    return _is_limited(step) or _is_done_at_once(step, pipeline) or _gives_up(step, pipeline)


def _is_limited(step: facts.Step) -> bool:
    return _IN_AN_INSTANT.search(step.operator) is not None or any(step.setting(name) for name in _LIMITS)


def _is_done_at_once(step: facts.Step, pipeline: Pipeline) -> bool:
    """Whether all that a task does is to print something."""
    texts = [pipeline.pattern(command.shell) for command in step.commands if command.shell is not None]
    told = bool(texts) and len(texts) == len(step.commands)
    return step.prints or (told and all(_PRINTS.fullmatch(text) for text in texts))


def _gives_up(step: facts.Step, pipeline: Pipeline) -> bool:
    """Whether all that a task waits for are requests that give up by themselves: each call of the functions that it
    comes to is followed, waits for nobody, or is such a request."""
    processes = pipeline.index(Process, _step).get(step.identity, ())
    if step.callee is None or len(processes) != 1:
        return False
    run = {key: calls for key, calls in pipeline.runs(processes[0]).items() if key[1]}
    requests = [one for key in run for one in pipeline.index(facts.RemoteCall, _serving.scoped).get(key, ())]
    if not requests or any(one.deadline not in ("given", "default") for one in requests):
        return False
    followed = {name for _, name in run}
    return all(_waits_for_nobody(callee, followed) for calls in run.values() for callee in calls)


def _waits_for_nobody(callee: str, followed: set[str]) -> bool:
    """Whether a call ends by itself: of a function that is followed, too, of one that waits for nobody, or a request,
    whose limit is looked at, and what is asked of its answer."""
    first = callee.partition(".")[0]
    if callee.startswith("airflow.models.Variable."):
        return True
    return first in _ENDS or first in _REQUESTS or callee in followed or callee.rpartition(".")[2] in followed


def _step(process: Process) -> str | None:
    return process.fact.identity if isinstance(process.fact, facts.Step) else None


def _is_exclusive_job(workload: facts.Workload, pipeline: Pipeline) -> bool:
    return workload.kind == "CronJob" and workload.concurrency == "Forbid"


@check.over(facts.Workload, where=_is_exclusive_job)
def find_job(workload: facts.Workload, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each CronJob that forbids runs beside each other."""
    if workload.deadline_seconds is not None:
        return
    if not pipeline.index(facts.Container, "workload").get(workload.identity):
        yield Unjudged(workload.place, "a part of a manifest")
        return
    if _manifests.is_templated(workload, pipeline, "activeDeadlineSeconds"):
        yield Unjudged(workload.place, _manifests.TEMPLATED)
        return
    yield Finding(
        at=workload.place,
        message=(
            f"CronJob {workload.name} forbids a run while the one before is not done, and nothing ends one that hangs: "
            "it has no activeDeadlineSeconds. No later run starts."
        ),
    )
