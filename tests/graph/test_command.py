"""``mlbreaks graph``: formats, files, parts, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_mlbreaks import cli

API = "services:\n  api: {image: 'a:1', depends_on: [cache]}\n  cache: {image: 'redis:7'}\n"
OTHER = "services:\n  web: {image: 'w:1'}\n"
LOAD = """\
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG("load", schedule="@daily") as dag:
    copy = BashOperator(task_id="copy", bash_command="true")
"""
TRAIN = """\
from airflow.sdk import DAG
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor

with DAG("train", schedule="@daily") as dag:
    wait = ExternalTaskSensor(task_id="wait", external_dag_id="load", external_task_id="gone")
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two compose files and two DAGs, of which one waits for a task that the other one lacks; the
    current folder."""
    folder = tmp_path / "shop"
    files = {"one/compose.yaml": API, "two/compose.yaml": OTHER, "dags/load.py": LOAD, "dags/train.py": TRAIN}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder)
    return folder


def graph(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The graph as JSON."""
    assert cli.main(["graph", "--format", "json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def labels(found: dict[str, Any]) -> set[str]:
    """The labels of its nodes."""
    return {node["label"] for node in found["nodes"]}


def test_it_draws_a_page_on_standard_output(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HTML is the default."""
    assert cli.main(["graph"]) == 0
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.html", "<!DOCTYPE html>"),
        ("a.mmd", "flowchart LR"),
        ("a.dot", "digraph"),
        ("a.json", "{"),
        ("a", "<!DOCTYPE"),
    ],
)
def test_the_ending_of_the_file_tells_the_format(repo: Path, name: str, start: str) -> None:
    """And an option decides over it."""
    assert cli.main(["graph", "-o", name]) == 0
    assert Path(name).read_text(encoding="utf-8").startswith(start)
    assert cli.main(["graph", "-o", name, "--format", "dot"]) == 0
    assert Path(name).read_text(encoding="utf-8").startswith("digraph")


def test_paths_show_what_hangs_together_with_them(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And say so; all of the repository is read."""
    assert labels(graph(capsys)) >= {"api", "cache", "web"}
    found = graph(capsys, "one")
    assert labels(found) == {"api", "cache"}
    assert found["notes"][-1].startswith("only what comes before and after one is shown")


def test_findings_are_on_it_unless_no_checks_are_run(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They do not change the exit code."""
    found = graph(capsys)
    assert found["findings"]
    assert graph(capsys, "--no-checks")["findings"] == []
    only = graph(capsys, "--findings-only")
    assert len(only["nodes"]) < len(found["nodes"])
    assert len(only["findings"]) == len(found["findings"])


def test_it_folds_to_a_number(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which has to be one."""
    assert "folded" in {node["kind"] for node in graph(capsys, "--most", "2")["nodes"]}
    with pytest.raises(SystemExit) as raised:
        cli.main(["graph", "--most", "none"])
    assert raised.value.code == 2


def test_what_it_cannot_do_is_a_usage_error(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, and one that can't be written."""
    assert cli.main(["graph", "gone.py"]) == 2
    assert cli.main(["graph", "-o", "no/such/folder.html"]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_two_pipelines_of_the_configuration_are_both_drawn(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its own things."""
    (repo / "mlbreaks.yaml").write_text(
        "pipelines:\n  - {name: a, root: one}\n  - {name: b, root: two}\n", encoding="utf-8"
    )
    assert labels(graph(capsys)) >= {"api", "web"}
    assert labels(graph(capsys, "--pipeline", "b")) == {"web"}
