"""Databricks bundles: the jobs of ``databricks.yml`` and of the files that it includes, with their tasks and order.

https://docs.databricks.com/aws/en/dev-tools/bundles/job-task-types and
https://docs.databricks.com/api/workspace/jobs/create: paths are relative to the file that they stand in, or to the root
of the repository with ``source: GIT``. A notebook is stated as the command that would run it as a file. Schedules are
Quartz expressions, which count seconds and days of the week otherwise than cron: one that cron can't say is `Made`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YamlFile, YamlNode
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Expr, Literal, Made, Unknown
from pytest_mlbreaks.model.facts import Argument, Command, Edge, NotebookRun, Schedule, Step, Trigger
from pytest_mlbreaks.placeholders import written

TASK_LIMIT = 1_000
"""Tasks of one job: https://docs.databricks.com/aws/en/jobs#limits."""

_TASKS = ("notebook_task", "spark_python_task", "python_wheel_task", "run_job_task", "dbt_task", "sql_task")
_OTHERS = ("pipeline_task", "condition_task", "spark_jar_task", "spark_submit_task", "for_each_task")
_JOB_SETTINGS = ("max_concurrent_runs", "timeout_seconds")
_TASK_SETTINGS = ("max_retries", "timeout_seconds", "retry_on_timeout", "job_cluster_key", "existing_cluster_id")


def read(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    """The jobs of one file. What a target sets otherwise is not put in: it makes the job's order incomplete."""
    jobs = document.get("resources", "jobs")
    changed = _changed(document.get("targets"))
    for key, key_node, job in jobs.items() if jobs is not None else ():
        if not job.is_mapping:
            continue
        schedule = Schedule(
            orchestrator="databricks",
            name=key,
            scope=file.path,
            when=_when(job),
            settings=tuple(_settings(job, _JOB_SETTINGS)),
            complete=key not in changed,
            reason="a target of the bundle sets it otherwise" if key in changed else "",
            place=key_node.place,
        )
        yield schedule
        yield from _tasks(file, schedule.identity, job)


def _changed(targets: YamlNode | None) -> frozenset[str]:
    """The jobs whose tasks some target sets otherwise."""
    found: set[str] = set()
    for _, _, target in targets.items() if targets is not None else ():
        jobs = target.get("resources", "jobs")
        for key, _, job in jobs.items() if jobs is not None else ():
            if job.get("tasks") is not None:
                found.add(key)
    return frozenset(found)


def _when(job: YamlNode) -> Expr | None:
    schedule = job.get("schedule")
    if schedule is None or _text(schedule.get("pause_status")) == "PAUSED":
        return None
    text = _text(schedule.get("quartz_cron_expression"))
    if not text:
        return Unknown("its schedule is no Quartz expression")
    told = written(text)
    return _cron(text) if isinstance(told, Literal) else told


def _cron(quartz: str) -> Expr:
    """The cron expression that says the same, where there is one."""
    fields = quartz.split()
    plain = len(fields) in (6, 7) and fields[0] == "0" and fields[5] in ("*", "?") and fields[6:] in ([], ["*"])
    if not plain or any(letter in quartz for letter in "LW#"):
        return Made("databricks.quartz", (Literal(quartz),))
    return Literal(" ".join("*" if field == "?" else field for field in fields[1:6]))


def _settings(node: YamlNode, names: tuple[str, ...]) -> Iterator[Argument]:
    for name in names:
        value = node.get(name)
        if value is not None and value.is_scalar:
            scalar = value.scalar
            yield Argument(
                name=name, value=written(scalar) if isinstance(scalar, str) else Literal(scalar), place=value.place
            )


def _tasks(file: YamlFile, pipeline: str, job: YamlNode) -> Iterator[Fact]:
    tasks = job.get("tasks")
    seen: set[str] = set()
    for task in list(tasks.elements() if tasks is not None else ())[:TASK_LIMIT]:
        key = _text(task.get("task_key"))
        if not key or key in seen:
            continue
        seen.add(key)
        each = task.get("for_each_task", "task")
        body = each if each is not None else task
        kind = next((name for name in (*_TASKS, *_OTHERS) if body.get(name) is not None), "")
        work = body.get(kind) if kind else None
        step = Step(
            orchestrator="databricks",
            pipeline=pipeline,
            name=key,
            operator=kind,
            commands=tuple(_commands(file.path, kind, work)) if work is not None else (),
            settings=tuple(_settings(task, _TASK_SETTINGS)),
            trigger_rule=_text(task.get("run_if")).lower(),
            mapped=each is not None,
            place=task.place,
        )
        yield step
        depends = task.get("depends_on")
        for earlier in depends.elements() if depends is not None else ():
            before = _text(earlier.get("task_key"))
            if before:
                yield Edge(before=f"{pipeline}/{before}", after=step.identity, place=earlier.place)
        if work is not None:
            yield from _beside(file.path, kind, work, step)


def _beside(path: str, kind: str, work: YamlNode, step: Step) -> Iterator[Fact]:
    if kind == "notebook_task":
        yield NotebookRun(place=work.place, target=_path(path, work, "notebook_path"), api="databricks")
    job = work.get("job_id") if kind == "run_job_task" else None
    if job is not None:
        text = job.text or ""
        parts = text.strip("${}").split(".")
        known = text.startswith("${resources.jobs.") and len(parts) == 4
        target: Expr = Literal(f"databricks:{path}#{parts[2]}") if known else Unknown("a job by its number")
        yield Trigger(place=job.place, step=step.identity, target_pipeline=target, waits=True)


def _path(file: str, work: YamlNode, key: str) -> Expr:
    """A path of a task, seen from the root of the tree."""
    text = _text(work.get(key))
    told = written(text)
    if not isinstance(told, Literal) or not text:
        return told if text else Unknown("no path is given")
    if _text(work.get("source")) == "GIT":
        return Literal(posixpath.normpath(text))
    if text.startswith(("/", "dbfs:")):
        return Unknown("a path of the workspace")
    return Literal(posixpath.normpath(posixpath.join(file.rpartition("/")[0], text)))


def _commands(file: str, kind: str, work: YamlNode) -> Iterator[Command]:
    if kind == "spark_python_task":
        head: tuple[Expr, ...] = (Literal("python"), _path(file, work, "python_file"))
    elif kind == "notebook_task":
        path = _path(file, work, "notebook_path")
        notebook = isinstance(path, Literal) and str(path.value).endswith(".ipynb")
        if isinstance(path, Literal) and not notebook and "." not in posixpath.basename(str(path.value)):
            path = Literal(f"{path.value}.py")
        head = (Literal("papermill" if notebook else "python"), path)
    elif kind == "python_wheel_task":
        head = (Literal("python"), Literal("-m"), written(_text(work.get("package_name"))))
    else:
        return
    parameters = work.get("parameters")
    rest = [written(e.text or "") for e in parameters.elements()] if parameters is not None else []
    yield Command(argv=(*head, *rest), place=work.place)


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""
