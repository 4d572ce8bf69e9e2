"""Two files of one folder of DAGs give a DAG the same id.

Airflow keeps the one that it reads first and refuses the other one with an import error: one of the two never runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, aside, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


def _is_dag(schedule: facts.Schedule, pipeline: Pipeline) -> bool:
    return schedule.orchestrator == "airflow" and "{" not in schedule.name and bool(schedule.name)


@check.over(facts.Schedule, where=_is_dag)
def find(dag: facts.Schedule, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each DAG whose id is told."""
    folder = _folder(dag.path)
    alike = [
        other
        for other in pipeline.index(facts.Schedule, "name").get(dag.name, ())
        if other.orchestrator == "airflow"
        and other.path != dag.path
        and _folder(other.path) == folder
        and not aside(other.path)
    ]
    first = min((dag, *alike), key=lambda one: one.path)
    if not alike or first is dag:
        return
    if pipeline.paths_named(".airflowignore"):
        yield Unjudged(dag.place, "an .airflowignore may leave one of the files out")
        return
    yield Finding(
        at=dag.place,
        message=f"{first.path} gives a DAG the id {dag.name!r}, too: Airflow takes one of them and refuses the other.",
        because=((first.place, f"the other DAG {dag.name}"),),
        about=(dag.name,),
        group=folder,
        note=f"so is {dag.name!r}",
    )


def _folder(path: str) -> str:
    """The folder of DAGs that a file is in: up to the last part called ``dags``, else its own."""
    parts = path.split("/")[:-1]
    if "dags" in parts:
        return "/".join(parts[: len(parts) - parts[::-1].index("dags")])
    return "/".join(parts)
