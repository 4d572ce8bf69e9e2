"""Twice the facts cost at most twice the work: lines that our code runs and index entries are counted, not timed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import pytest

from pytest_mlbreaks import engine, recognised, testing
from pytest_mlbreaks.link import summarise
from pytest_mlbreaks.tree import MemoryTree

SMALL = 12
ALLOWED = 1.05
OURS = ("pytest_mlbreaks", "mlbreaks_checks")


def apart(count: int) -> dict[str, str | bytes]:
    """Many services that have nothing to do with each other, each in folders of its own."""
    files: dict[str, str | bytes] = {}
    for n in range(count):
        files |= {
            f"s{n}/app/main.py": f"""\
import os
import pandas as pd
from app.settings import URL
from s{n}.app import helper
HOST = os.environ["HOST{n}"]
def run(day="x"):
    frame = pd.read_parquet(f"s3://bucket{n}/sales/{{day}}")
    frame.to_parquet("s3://out{n}/" + HOST)
if __name__ == "__main__":
    run()
""",
            f"s{n}/app/settings.py": f'import os\nURL = os.environ.get("URL", "http://api{n}:8080")\n',
            f"s{n}/app/helper.py": "from . import settings\nBASE = settings.URL + '/x'\n",
            f"s{n}/app/__init__.py": "",
            f"s{n}/requirements.txt": "pandas\nnumpy>=1\n",
            f"s{n}/Dockerfile": (
                "FROM python:3.11\nWORKDIR /srv\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
                f'COPY app app\nENV HOST{n}=a\nCMD ["python", "app/main.py"]\n'
            ),
            f"s{n}/compose.yaml": (
                f"services:\n  api{n}:\n    build: .\n    image: team/api{n}\n    ports: ['80{n}:8080']\n"
                f"    environment: {{URL: 'http://db{n}:5432', HOST{n}: b}}\n  db{n}:\n    image: postgres:16\n"
            ),
            f"s{n}/config/prod.yaml": f"db:\n  name: db{n}-prod\n  host: h{n}\n",
            f"s{n}/config/dev.yaml": f"db:\n  name: db{n}-dev\n  host: h{n}\n",
            f"s{n}/.env.prod": f"BUCKET=b{n}-prod\n",
            f"s{n}/.env.dev": f"BUCKET=b{n}-dev\n",
            f"s{n}/k8s/api.yaml": manifests(n),
            f"dags/d{n}.py": dag(n),
            f".github/workflows/w{n}.yml": f"on: push\njobs:\n{job(n)}{job(n, 'deploy')}",
            f"w{n}/dbt_project.yml": f"name: w{n}\nmodels: {{+materialized: table}}\n",
            **warehouse(n, f"w{n}/"),
        }
    return files


def together(count: int) -> dict[str, str | bytes]:
    """The same things where they can meet: one compose file, one folder of manifests, one image, one file of jobs."""
    several = range(count)
    services = "".join(
        f"  api{n}:\n    build: .\n    image: team/app\n    command: python app/main{n}.py\n    ports: ['90{n}:8080']\n"
        f"    environment: {{URL: 'http://api{(n + 1) % count}:8080', K{n}: '${{K:-v}}'}}\n    depends_on: [db]\n"
        for n in several
    )
    files: dict[str, str | bytes] = {
        "compose.yaml": f"services:\n{services}  db:\n    image: postgres:16\n",
        "Dockerfile": 'FROM python:3.11\nWORKDIR /srv\nCOPY . .\nENV A=1\nCMD ["python", "app/main0.py"]\n',
        "config/prod.yaml": "".join(f"k{n}:\n  db: d{n}-prod\n" for n in several),
        "config/dev.yaml": "".join(f"k{n}:\n  db: d{n}-dev\n" for n in several),
        ".env.prod": "".join(f"BUCKET{n}=b{n}-prod\n" for n in several),
        ".env.dev": "".join(f"BUCKET{n}=b{n}-dev\n" for n in several),
        ".github/workflows/ci.yml": "on: push\njobs:\n" + "".join(job(n) for n in several),
        "requirements.txt": "".join(f"package{n}\n" for n in several),
    }
    for n in several:
        files[f"app/main{n}.py"] = (
            f"import os\nimport pandas as pd\nA = os.environ['A']\nU = os.getenv('URL', 'http://localhost')\n"
            f"pd.read_csv('s3://bucket/sales{n}/x.csv')\npd.DataFrame().to_csv('s3://bucket/sales{n}/x.csv')\n"
        )
        files[f"dags/d{n}.py"] = dag(n)
        files[f"k8s/s{n}.yaml"] = manifests(n)
        files |= warehouse(n, "dw/")
    files["dw/dbt_project.yml"] = "name: dw\nmodels: {+materialized: table}\n"
    return files


def warehouse(n: int, folder: str) -> dict[str, str | bytes]:
    """Three models of dbt that read each other, a test of their own, and what a properties file says of them."""
    return {
        f"{folder}models/users{n}.sql": f"select user_id, plan from {{{{ source('raw{n}', 'users') }}}}",
        f"{folder}models/events{n}.sql": (
            "{{ config(materialized='incremental') }}\nselect user_id, at from raw.events\n"
            "{% if is_incremental() %}where at >= (select max(at) from {{ this }}){% endif %}\n"
        ),
        f"{folder}models/joined{n}.sql": (
            f"with u as (select * from {{{{ ref('users{n}') }}}})\nselect e.user_id, coalesce(u.plan, 'x') as plan\n"
            f"from {{{{ ref('events{n}') }}}} as e left join u on u.user_id = e.user_id where u.day = '2024-01-01'\n"
        ),
        f"{folder}models/p{n}.yml": (
            f"models:\n- {{name: users{n}, columns: [{{name: user_id, data_tests: [not_null]}}]}}\n"
            f"- {{name: gone{n}, columns: [{{name: a, data_tests: [unique]}}]}}\n"
            f"sources: [{{name: raw{n}, tables: [{{name: users}}]}}]\n"
        ),
        f"{folder}tests/t{n}.sql": f"select * from {{{{ ref('users{n}') }}}} where plan is null",
    }


def manifests(n: int) -> str:
    """A deployment and what belongs to it."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api{n}}}
spec:
  replicas: 2
  template:
    metadata: {{labels: {{app: api{n}}}}}
    spec:
      containers:
        - name: api
          image: team/api{n}:latest
          envFrom: [{{configMapRef: {{name: config{n}}}}}]
          env: [{{name: URL, value: 'http://api{n}:80'}}]
          volumeMounts: [{{name: data, mountPath: /data}}]
      volumes: [{{name: data, persistentVolumeClaim: {{claimName: claim{n}}}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: config{n}}}
data: {{HOST{n}: "h"}}
---
apiVersion: v1
kind: Service
metadata: {{name: api{n}}}
spec: {{selector: {{app: api{n}}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: claim{n}}}
spec: {{accessModes: [ReadWriteOnce]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: api{n}}}
spec:
  scaleTargetRef: {{kind: Deployment, name: api{n}}}
  maxReplicas: 3
  metrics: [{{type: Resource, resource: {{name: cpu, target: {{type: Utilization}}}}}}]
"""


def dag(n: int) -> str:
    """A DAG that waits for the one before it."""
    return f"""\
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.sensors.external_task import ExternalTaskSensor
with DAG("daily{n}", schedule="0 {n % 24} * * *") as dag:
    wait = ExternalTaskSensor(task_id="wait", external_dag_id="daily{n - 1}", external_task_id="run")
    run = BashOperator(task_id="run", bash_command="python app/main{n}.py")
    wait >> run
"""


def job(n: int, name: str = "job") -> str:
    """A job of a workflow; a deploy waits for the job of its number."""
    needs = f"    needs: [job{n}]\n" if name == "deploy" else ""
    run = f"kubectl apply -f s{n}/k8s" if name == "deploy" else f"pytest s{n}"
    return f"  {name}{n}:\n    runs-on: x\n{needs}    steps:\n      - uses: actions/checkout@v4\n      - run: {run}\n"


def lines_of(run: Callable[[], Any]) -> Counter[CodeType]:
    """How many lines of each function of ours *run* executes; each turn of a loop within one line counts as one."""
    counts: Counter[CodeType] = Counter()
    known: dict[CodeType, bool] = {}

    def within(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            counts[frame.f_code] += 1
        return within

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        mine = known.get(code)
        if mine is None:
            mine = known[code] = any(f"/{package}/" in code.co_filename.replace("\\", "/") for package in OURS)
        return within if mine else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        run()
    finally:
        sys.settrace(before)
    return counts


class Counted:
    """The work on a tree: reading it, and all that comes after."""

    def __init__(self, files: dict[str, str | bytes]) -> None:
        packs = testing.installed()
        tree = MemoryTree(files)
        self.reading = engine.read(tree, packs, lambda *told: None)
        assert self.reading.diagnostics == ()
        self.read = lines_of(lambda: engine.read(tree, packs, lambda *told: None))
        self.index = 0
        self.judged = 0

        def rest() -> None:
            pipeline = engine.build(tree, self.reading)
            results = [engine.judge(check, pipeline, {}) for check in packs.checks]
            assert not [result.reason for result in results if result.outcome == "failed"]
            self.judged = sum(result.judged + len(result.unjudged) for result in results)
            summarise(pipeline)
            recognised.not_read(tree.paths(), recognised.chart_folders(tree.paths()))
            self.index = pipeline.work

        self.rest = lines_of(rest)


@pytest.mark.parametrize("make", [apart, together])
def test_twice_the_facts_are_at_most_twice_the_work(make: Callable[[int], dict[str, str | bytes]]) -> None:
    """Reading, linking and judging; of things that have nothing in common, and of things that share what they can."""
    Counted(make(2))  # what is set up once, whatever the number of facts
    one, two = Counted(make(SMALL)), Counted(make(2 * SMALL))
    assert len(two.reading.facts) >= 1.9 * len(one.reading.facts)
    assert two.judged >= 1.8 * one.judged > 100
    assert two.index <= 2 * ALLOWED * one.index
    for before, after in ((one.read, two.read), (one.rest, two.rest)):
        assert after.total() <= 2 * ALLOWED * before.total(), worst(before, after)


@pytest.mark.parametrize("make", [apart, together])
def test_no_function_of_ours_grows_faster(make: Callable[[int], dict[str, str | bytes]]) -> None:
    """A part that is quadratic hides in a sum as long as it is small: each function is looked at."""
    Counted(make(2))
    one, two = Counted(make(SMALL)), Counted(make(2 * SMALL))
    assert worst(one.rest, two.rest) == []
    assert worst(one.read, two.read) == []


def worst(before: Counter[CodeType], after: Counter[CodeType]) -> list[str]:
    """The functions that more than doubled, by more lines than a few hundred."""
    grown = [
        (after[code] - 2 * ALLOWED * before[code], code) for code in after if after[code] - 2.2 * before[code] > 300
    ]
    grown.sort(key=lambda pair: -pair[0])
    return [f"{code.co_qualname} ({before[code]} -> {after[code]} lines)" for _, code in grown]
