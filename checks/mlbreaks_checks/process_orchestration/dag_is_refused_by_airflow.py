"""A DAG is given an argument or a schedule that Airflow does not take, and so is not there at all.

The file ends with an error when it is read; the DAG that ran before disappears, and nothing runs it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_ARGUMENTS = frozenset(
    {
        *("dag_id", "description", "schedule", "schedule_interval", "timetable", "start_date", "end_date", "params"),
        *("full_filepath", "template_searchpath", "template_undefined", "user_defined_macros", "user_defined_filters"),
        *("default_args", "concurrency", "max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs"),
        *("dagrun_timeout", "sla_miss_callback", "default_view", "orientation", "catchup", "on_success_callback"),
        *("on_failure_callback", "doc_md", "access_control", "is_paused_upon_creation", "jinja_environment_kwargs"),
        *("render_template_as_native_obj", "tags", "owner_links", "auto_register", "fail_stop", "fail_fast"),
        *(
            "dag_display_name",
            "disable_bundle_versioning",
            "allowed_run_types",
            "deadline",
            "rerun_with_latest_version",
        ),
        *("task_group", "task_dict", "fileloc"),
    }
)
"""What the DAG class of any release from 2.0 on takes by name, and the decorator with it."""

_PRESETS = frozenset(
    {
        *("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly", "@annually"),
        "@midnight",
    }
)


def _is_a_dag(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    return schedule.orchestrator == "airflow"


@check.over(facts.Schedule, where=_is_a_dag)
def find(schedule: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the arguments and the schedule of each DAG."""
    if "which may add tasks" in schedule.reason:
        yield Unjudged(schedule.place, "a class of the repository's own, or of another package, makes the DAG")
        return
    for setting in schedule.settings:
        name = setting.name
        if name in _ARGUMENTS or name.startswith(("*", "default_args.")):
            continue
        close = difflib.get_close_matches(name, _ARGUMENTS, n=1, cutoff=0.8)
        hint = f"; {close[0]} is one" if close else ""
        yield Finding(
            at=setting.place,
            message=f"Airflow's DAG takes no argument {name}{hint}: the file ends with a TypeError, and there is no "
            f"DAG {schedule.name!r}.",
            because=((schedule.place, f"DAG {schedule.name}"),),
            about=(name,),
        )
    when = pipeline.resolve(schedule.when).text if schedule.when is not None else None
    if when and when not in _PRESETS and not when.isspace() and len(when.split()) < 5:
        meant = "; without quotes it is no schedule" if when == "None" else ""
        yield Finding(
            at=schedule.when_place or schedule.place,
            message=f"{when!r} is neither a preset of Airflow nor a cron expression{meant}: Airflow refuses the DAG "
            f"{schedule.name!r}.",
            because=((schedule.place, f"DAG {schedule.name}"),),
            about=("schedule", when),
        )
