"""What all tests share."""

from __future__ import annotations

import importlib.metadata
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ("pytester",)

# A failure must come back when the same command is run again, and a busy machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")

TRIAL = Path(__file__).parent / "packs" / "trial" / "src"

RunPytest = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's cache; its folder."""
    folder = tmp_path_factory.getbasetemp() / "mlbreaks-cache" / uuid.uuid4().hex
    monkeypatch.setenv("MLBREAKS_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def installed() -> None:
    """Skip where pytest would not find the plugin: it runs in processes of its own, by its entry point."""
    if not importlib.metadata.entry_points(group="pytest11", name="mlbreaks"):
        pytest.skip("pytest-mlbreaks is not installed in this environment")


@pytest.fixture
def run_pytest(installed: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunPytest:
    """Runs pytest in a process of its own, in pytester's folder, with no checks installed but those of the trial pack
    (see ``packs/trial``), and in a fixed order."""
    monkeypatch.setenv("PYTHONPATH", str(TRIAL))
    for name in ("PYTEST_ADDOPTS", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str | Path, randomly: bool = False) -> pytest.RunResult:
        fixed = ("-p", "trial_alone", *(() if randomly else ("-p", "no:randomly")))
        return pytester.runpytest_subprocess(*fixed, *arguments)

    return run


@pytest.fixture
def small_repository() -> dict[str, str]:
    """Files by path, of most kinds that are read."""
    return dict(SMALL_REPOSITORY)


SMALL_REPOSITORY = {
    "app.py": """\
import os
import pandas as pd
URL = os.environ.get("URL", "http://localhost")
class Settings:
    bucket = "b"
def load(path: str = "x", *more):
    return pd.read_parquet("s3://bucket/sales")
if __name__ == "__main__":
    load()
""",
    "dags/daily.py": """\
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.sensors.external_task import ExternalTaskSensor
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
with DAG("daily", schedule="@daily") as dag:
    wait = ExternalTaskSensor(task_id="wait", external_dag_id="other", external_task_id="load")
    run = BashOperator(task_id="run", bash_command="python app.py")
    start = TriggerDagRunOperator(task_id="start", trigger_dag_id="other")
    wait >> run >> start
""",
    "requirements.txt": "pandas==2.0 ; python_version > '3.8'\n-r more.txt\n",
    "uv.lock": "version = 1\n",
    "Dockerfile": 'ARG V=3.11\nFROM python:${V} AS base\nCOPY app.py /app/\nENV A=1\nCMD ["python", "/app/app.py"]\n',
    ".dockerignore": "*.md\n",
    ".env": "A=1\nDB_PASSWORD=hunter2hunter2\n",
    "config/prod.yaml": "a:\n  b: 1\n",
    "compose.yaml": "services:\n  api:\n    build: .\n    ports: ['80:8080']\n    environment: {A: '${B:-c}'}\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: pytest\n",
    "k8s/all.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: prod}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - {name: api, image: 'api:1', envFrom: [{configMapRef: {name: c}}], resources: {limits: {cpu: 1}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {A: "1"}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {kind: Deployment, name: api}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]
""",
}
