"""Which functions a process comes to by calls."""

from __future__ import annotations

from pytest_mlbreaks.model import Pipeline, Process
from pytest_mlbreaks.testing import linked

DAG = """
from airflow import DAG
from airflow.decorators import task
from operators.pull import PullOperator
from steps import remote

with DAG("report", schedule="@daily") as dag:

    @task
    def listed():
        return remote.names()

    @task
    def load(found):
        return [remote.fetch(name) for name in found]

    PullOperator(task_id="pull") >> load(listed())
"""
REMOTE = """
def names():
    return ["day"]


def fetch(name):
    return Client().get_rows(name)


class Client:
    def get_rows(self, name):
        return self._ask(name)

    def _ask(self, name):
        return name
"""
OPERATOR = """
from airflow.models import BaseOperator


class PullOperator(BaseOperator):
    def execute(self, context):
        return self._pull()

    def _pull(self):
        return 1
"""


def _made() -> Pipeline:
    return linked({"dags/report.py": DAG, "steps/remote.py": REMOTE, "operators/pull.py": OPERATOR})


def _process(pipeline: Pipeline, name: str) -> Process:
    return next(process for process in pipeline.all(Process) if process.name == name)


def test_a_task_comes_to_what_it_calls_and_not_to_what_its_file_imports() -> None:
    """Two tasks of one file share its imports, and each runs functions of its own."""
    pipeline = _made()
    listed = set(pipeline.runs(_process(pipeline, "listed")))
    load = set(pipeline.runs(_process(pipeline, "load")))
    assert ("steps/remote.py", "names") in listed
    assert ("steps/remote.py", "fetch") not in listed
    assert {("steps/remote.py", "fetch"), ("steps/remote.py", "Client._ask")} <= load
    assert ("steps/remote.py", "names") not in load


def test_a_task_of_an_operator_of_the_tree_runs_its_execute() -> None:
    """The class tells what the task runs, where the tree holds it."""
    pipeline = _made()
    process = _process(pipeline, "pull")
    assert [(entry.path, entry.function) for entry in process.entries] == [
        ("operators/pull.py", "PullOperator.execute")
    ]
    assert ("operators/pull.py", "PullOperator._pull") in pipeline.runs(process)
    assert ("steps/remote.py", "fetch") not in pipeline.runs(process)


def test_a_process_is_followed_once() -> None:
    """Asking again gives the same answer without another walk."""
    pipeline = _made()
    process = _process(pipeline, "load")
    assert pipeline.runs(process) is pipeline.runs(process)
