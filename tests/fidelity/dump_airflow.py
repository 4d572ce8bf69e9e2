"""Writes the DAGs that an installed Airflow makes of its own shipped examples, as JSON. Run by that Airflow's Python.

Usage: ``python dump_airflow.py OUTPUT``, with AIRFLOW_HOME set to an empty folder. Nothing but Airflow's packages is
imported; it works with Airflow 2.10 and 3.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys


def main(output: str) -> None:
    """Load every ``example_dags`` folder of the installation, and write what came of it to *output*."""
    airflow = importlib.import_module("airflow")
    models = importlib.import_module("airflow.models")
    database = importlib.import_module("airflow.utils.db")

    database.initdb()  # some examples ask for dataset aliases while they load
    dags = []
    failed: dict[str, str] = {}
    root = pathlib.Path(str(airflow.__file__)).parent
    for folder in sorted(f for f in root.rglob("example_dags") if f.is_dir()):
        bag = models.DagBag(str(folder), include_examples=False)
        failed |= {path: str(text).strip().splitlines()[-1] for path, text in bag.import_errors.items()}
        for dag in bag.dags.values():
            tasks = {
                task.task_id: {
                    "downstream": sorted(task.downstream_task_ids),
                    "mapped": type(task).__name__ in ("MappedOperator", "DecoratedMappedOperator")
                    or any(True for _ in task.iter_mapped_task_groups()),
                    "trigger_rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
                }
                for task in dag.tasks
            }
            dags.append({"dag": dag.dag_id, "file": str(dag.fileloc), "tasks": tasks})
    version = airflow.__version__
    pathlib.Path(output).write_text(json.dumps({"version": version, "dags": dags, "failed": failed}), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
