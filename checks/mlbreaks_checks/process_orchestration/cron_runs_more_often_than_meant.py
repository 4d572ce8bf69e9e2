"""A cron expression starts a run each second or each minute of what was meant as one time.

Airflow takes a sixth field of a cron expression for the seconds, and it comes last, not first. And ``* 2 * * *`` is
each minute from two to three, not two o'clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_FIELD = r"[\d*/,\-A-Za-z#?]+"
_SIX = re.compile(rf"^{_FIELD}(?: {_FIELD}){{5}}$")
_EACH_MINUTE = re.compile(r"^(?:\*|\*/1) (\d+(?:,\d+)*)(?: \S+){3}$")


def _has_time(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    return schedule.when is not None


@check.over(facts.Schedule, where=_has_time)
def of_pipelines(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the schedule of each pipeline."""
    value = pipeline.resolve(schedule.when)
    if value.only is not None and value.only.value is None:
        return
    if value.text is None:
        yield Unjudged(schedule.place, "when it runs can't be told")
        return
    yield from _look(value.text, schedule.place, schedule.name, schedule.orchestrator)


@check.over(facts.Workload, where=lambda workload, pipeline: workload.schedule is not None)
def of_workloads(workload: facts.Workload, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the schedule of each CronJob."""
    text = pipeline.resolve(workload.schedule).text
    if text is None:
        yield Unjudged(workload.place, "when it runs can't be told")
        return
    yield from _look(text, workload.place, workload.name, "kubernetes")


@check.over(facts.Workflow, where=lambda workflow, pipeline: any(event.crons for event in workflow.events))
def of_workflows(workflow: facts.Workflow, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the schedules of each workflow."""
    for event in workflow.events:
        for cron in event.crons:
            yield from _look(cron, event.place, workflow.name or "The workflow", "github-actions")


def _look(cron: str, place: Place, name: str, orchestrator: str) -> Iterator[Finding]:
    cron = " ".join(cron.split())
    if orchestrator == "airflow" and _SIX.match(cron):
        yield from _seconds(cron, place, name)
        return
    hour = _EACH_MINUTE.match(cron)
    if hour is not None:
        yield Finding(
            at=place,
            message=f"{name} runs {cron!r}: sixty times, in each minute of hour {hour[1]}.",
            about=(cron,),
            fix=f"For once an hour, write the minute: {'0 ' + cron.partition(' ')[2]!r}.",
        )


def _seconds(cron: str, place: Place, name: str) -> Iterator[Finding]:
    """Six fields, of which Airflow takes the last for seconds."""
    fields = cron.split()
    if fields[5].isdigit():
        return  # one second of the minute: as often as without it
    seconds = "in every second" if fields[5] in ("*", "*/1") else f"in the seconds {fields[5]!r}"
    minutes = "each minute" if fields[0] in ("*", "*/1") else f"the minutes {fields[0]!r}"
    yield Finding(
        at=place,
        message=(
            f"DAG {name} runs {cron!r}. Airflow takes the sixth field for the seconds: a run is due {seconds} of "
            f"{minutes} of the hours {fields[1]!r}, and none between."
        ),
        about=(cron,),
        fix="Write five fields, of which the first is the minutes; no cron expression runs a DAG every few seconds.",
    )
