"""Something to ask: `mlbreaks facts`, `--with-facts`, `mlbreaks why`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mlbreaks import beyond, cli, engine, testing
from pytest_mlbreaks.ask import why
from pytest_mlbreaks.beyond import FactsError
from pytest_mlbreaks.engine import Means
from pytest_mlbreaks.model import Place, Process
from pytest_mlbreaks.model.facts import Container, DatasetAccess, Schedule, Step, Workload
from pytest_mlbreaks.tree import MemoryTree

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: prod}
spec:
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: ghcr.io/acme/api:1
          env:
            - {name: MODEL_NAME, value: churn}
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: token}}}
"""
CODE = {
    "Dockerfile": 'FROM python:3.12\nWORKDIR /app\nCOPY app.py .\nCMD ["python", "app.py"]\n',
    "app.py": "import os\n\nMODEL = os.environ.get('MODEL_NAME', 'none')\nTOKEN = os.environ['TOKEN']\n",
    ".github/workflows/ci.yml": """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: docker/build-push-action@v6
        with: {context: ., push: true, tags: ghcr.io/acme/api:1}
""",
}
PRODUCER = """\
import datetime
from airflow.decorators import dag, task

@dag(schedule="@daily", start_date=datetime.datetime(2024, 1, 1))
def produce():
    @task
    def load():
        pass
    load()

produce()
"""
WAITING = """\
import datetime
from airflow import DAG
from airflow.sensors.external_task import ExternalTaskSensor

with DAG("consume", schedule="@daily", start_date=datetime.datetime(2024, 1, 1)) as dag:
    wait = ExternalTaskSensor(task_id="wait", external_dag_id="produce", external_task_id="lode")
"""


def folder(tmp_path: Path, name: str, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for path, text in files.items():
        file = tmp_path / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / name


def exported(files: dict[str, str], name: str) -> bytes:
    """The facts of a small repository, as they are written."""
    packs = testing.installed()
    reading = engine.read(MemoryTree(files), packs, lambda *told: None)
    return beyond.write(reading.facts, name, packs.facts)


# ------------------------------------------------------------------------------------------------------- facts


def test_facts_are_listed_by_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each, in reading order, and at the end how many there are of each kind."""
    root = folder(tmp_path, "code", CODE)
    assert cli.main(["facts", "--root", str(root), "--kind", "envread,Dockerfile"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["Dockerfile:1:1", "Dockerfile"]
    assert lines[1].split()[:2] == ["app.py:3:9", "EnvRead"]
    assert lines[-1] == "3 facts: EnvRead 2, Dockerfile 1"


def test_facts_of_a_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path narrows what is listed."""
    root = folder(tmp_path, "code", CODE)
    assert cli.main(["facts", "--root", str(root), str(root / "app.py")]) == 0
    assert "Dockerfile" not in capsys.readouterr().out


def test_an_unknown_kind_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in the command is told, with what was meant."""
    assert cli.main(["facts", "--root", str(folder(tmp_path, "code", CODE)), "--kind", "EnvReads"]) == 2
    assert "did you mean EnvRead?" in capsys.readouterr().err


def test_json_lines_are_json_and_hold_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line says what it is; the value of a password is in none."""
    root = folder(tmp_path, "my code!", {**CODE, ".env": "DB_PASSWORD=hunter2hunter2\n"})
    assert cli.main(["facts", "--root", str(root), "--format", "jsonl"]) == 0
    out = capsys.readouterr().out
    head, *facts = map(json.loads, out.splitlines())
    assert head["name"] == "my-code"
    assert {"EnvRead", "Dockerfile", "EnvFile"} <= {fact["fact"] for fact in facts}
    assert "hunter2" not in out


# -------------------------------------------------------------------------------------- facts of other repositories


def pipeline_with(files: dict[str, str], *others: bytes) -> engine.Examined:
    """The examination of a small repository together with others."""
    packs = testing.installed()
    foreign = tuple(beyond.read("facts.jsonl", other, packs.facts) for other in others)
    return engine.examine(MemoryTree(files), packs, means=Means(processes=1, others=foreign))


def test_a_manifest_elsewhere_gives_the_code_its_variables() -> None:
    """The Deployment of another repository runs the image that is built here: its process is told what it sets."""
    examined = pipeline_with(CODE, exported({"deploy/api.yaml": MANIFEST}, "manifests"))
    (pipeline,) = examined.pipelines
    processes = [one for one in pipeline.all(Process) if one.place.path == "@manifests/deploy/api.yaml"]
    (process,) = processes
    assert process.dockerfile is not None
    assert process.variables["MODEL_NAME"].text == "churn"
    assert "app.py" in process.modules


def test_nothing_is_reported_about_another_repository() -> None:
    """What is wrong there is for its own run to say."""
    wrong = (
        MANIFEST.replace("template:", "replicas: 2\n  template:") + "---\n" + MANIFEST.replace("api:1", "api:latest")
    )
    for examined in (
        pipeline_with({"x.py": "A = 1\n"}, exported({"deploy/api.yaml": wrong}, "manifests")),
        pipeline_with({"deploy/own.yaml": MANIFEST}, exported({"deploy/api.yaml": wrong}, "manifests")),
    ):
        places = [one.place.path for result in examined.report.results for one in result.findings]
        places += [one.place.path for result in examined.report.results for one in result.unjudged]
        assert not [path for path in places if path.startswith("@")]


def test_a_pipeline_elsewhere_can_be_waited_for() -> None:
    """A sensor names a DAG of another repository: only with its facts can be told that the task is not there."""
    alone = engine.examine(MemoryTree({"dags/consume.py": WAITING}), testing.installed())
    both = pipeline_with({"dags/consume.py": WAITING}, exported({"dags/produce.py": PRODUCER}, "producer"))

    def findings(examined: engine.Examined) -> list[str]:
        return [one.check for result in examined.report.results for one in result.findings]

    assert "external-sensor-never-matches" not in findings(alone)
    assert "external-sensor-never-matches" in findings(both)


def test_paths_and_what_facts_say_of_each_other_move_together() -> None:
    """Everything stands below the name, and a container still knows its workload, a step its pipeline."""
    files = {
        "deploy/api.yaml": MANIFEST,
        "dags/produce.py": PRODUCER,
        "read.py": "import pandas as pd\npd.read_csv('s3://b/x.csv')\n",
    }
    other = beyond.read("facts.jsonl", exported(files, "other"), testing.installed().facts)
    assert all(fact.place.path.startswith("@other/") for fact in other.facts)
    by_type = {type(fact): fact for fact in other.facts}
    assert by_type[Container].workload == by_type[Workload].identity
    assert by_type[Step].pipeline == by_type[Schedule].identity
    assert by_type[Step].callee is None
    assert by_type[DatasetAccess].target.value == "s3://b/x.csv"
    assert other.left_out > 0


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "facts.jsonl:1: is no file of facts"),
        (b"{}\n", "facts.jsonl:1: is no file of facts"),
        (b'{"mlbreaks_facts": 99, "name": "x"}\n', "form 99"),
        (b'{"mlbreaks_facts": 1, "name": "../x"}\n', "is no name of a repository"),
        (b'{"mlbreaks_facts": 1, "name": "x"}\n{"fact": "Nothing"}\n', "facts.jsonl:2: is no fact"),
        (b'{"mlbreaks_facts": 1, "name": "x"}\n\xff\n', "facts.jsonl:2: is no fact"),
    ],
)
def test_anything_else_is_refused(data: bytes, told: str) -> None:
    """With the file and the line."""
    with pytest.raises(FactsError) as caught:
        beyond.read("facts.jsonl", data, testing.installed().facts)
    assert told in str(caught.value)


def test_the_command_links_facts_and_refuses_two_of_one_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``check --with-facts``, given once, is used; given twice for one repository is a mistake in the command."""
    root = folder(tmp_path, "consume", {"dags/consume.py": WAITING})
    facts = tmp_path / "facts.jsonl"
    facts.write_bytes(exported({"dags/produce.py": PRODUCER}, "producer"))
    check = ["check", "--root", str(root), "--select", "external-sensor-never-matches"]
    assert cli.main(check) == 0
    assert cli.main([*check, "--with-facts", str(facts)]) == 1
    capsys.readouterr()
    assert cli.main([*check, "--with-facts", str(facts), "--with-facts", str(facts)]) == 2
    assert "'producer' were given before" in capsys.readouterr().err


# --------------------------------------------------------------------------------------------------------- why


def test_why_tells_values_by_process_and_their_origins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where code asks for a variable: what it is for the process that runs it, and who says so."""
    root = folder(tmp_path, "code", {**CODE, "deploy/api.yaml": MANIFEST})
    assert cli.main(["why", f"{root / 'app.py'}:3"]) == 0
    out = capsys.readouterr().out
    assert "EnvRead  env-read:app.py" in out
    assert "MODEL_NAME for api" in out
    assert "= 'churn'" in out
    assert "deploy/api.yaml:12" in out


def test_why_tells_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A value that is a secret is told by its name."""
    root = folder(tmp_path, "code", {**CODE, "deploy/api.yaml": MANIFEST, ".env": "TOKEN=hunter2hunter2\n"})
    assert cli.main(["why", f"{root / 'app.py'}:4"]) == 0
    out = capsys.readouterr().out
    assert "<secret" in out
    assert "hunter2" not in out


def test_why_tells_what_checks_found_and_could_not_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sensor on a DAG that is not here: the check says why it can't tell; on one that is here: what it found."""
    alone = folder(tmp_path, "alone", {"dags/consume.py": WAITING})
    assert cli.main(["why", f"{alone / 'dags/consume.py'}:6"]) == 0
    out = capsys.readouterr().out
    assert "Could not be judged\n    external-sensor-never-matches: " in out
    both = folder(tmp_path, "both", {"dags/consume.py": WAITING, "dags/produce.py": PRODUCER})
    assert cli.main(["why", f"{both / 'dags/consume.py'}:6"]) == 0
    assert "Found\n    external-sensor-never-matches: " in capsys.readouterr().out


def test_why_where_nothing_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so, rather than nothing."""
    root = folder(tmp_path, "code", {**CODE, "notes.txt": "x\n"})
    assert cli.main(["why", f"{root / 'notes.txt'}:1"]) == 0
    assert "Nothing was read of this file" in capsys.readouterr().out
    assert cli.main(["why", f"{root / 'app.py'}:2"]) == 0
    assert "No fact stands on this line" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["app.py", "app.py:x", ":3", "no_such.py:3"])
def test_why_refuses_what_is_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """Exit code 2, and what was given."""
    monkeypatch.chdir(folder(tmp_path, "code", CODE))
    assert cli.main(["why", place]) == 2
    assert "mlbreaks: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "spot"),
    [
        ("a.py:3", why.Spot("a.py", 3)),
        ("a.py:3:7", why.Spot("a.py", 3)),
        ("a.ipynb:2:5", why.Spot("a.ipynb", 5, 2)),
        ("a.ipynb:cell 2:5:1", why.Spot("a.ipynb", 5, 2)),
    ],
)
def test_places_are_read_as_reports_write_them(text: str, spot: why.Spot) -> None:
    """With or without a column, a cell as ``cell 2`` or ``2``."""
    assert why.parse(text) == spot
    assert why.parse(str(Place("a.ipynb", 5, 1, cell=2))) == why.Spot("a.ipynb", 5, 2)
