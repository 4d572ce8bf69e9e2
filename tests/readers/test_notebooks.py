"""Which notebooks are run, and that the others are nobody's production."""

from __future__ import annotations

import json

import pytest

from pytest_mlbreaks.model.facts import EnvRead
from pytest_mlbreaks.testing import judge_files, linked

CODE = "import os\nx = os.environ['A']\n"


def notebook(code: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": code}], "metadata": {}, "nbformat": 4})


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("run.py", "import papermill as pm\npm.execute_notebook('work/train.ipynb', 'out.ipynb')"),
        (
            "dag.py",
            (
                "from airflow.providers.papermill.operators.papermill import PapermillOperator\n"
                "PapermillOperator(task_id='t', input_nb='work/train.ipynb', output_nb='out.ipynb')"
            ),
        ),
        (
            "defs.py",
            (
                "from dagstermill import define_dagstermill_asset\nfrom dagster import file_relative_path\n"
                "a = define_dagstermill_asset(name='a', notebook_path=file_relative_path(__file__, 'work/train.ipynb'))"
            ),
        ),
        ("etl.py", "def go(dbutils):\n    dbutils.notebook.run('work/train', 60)"),
        ("run.sh", "papermill work/train.ipynb out.ipynb\n"),
        ("run.sh", "jupyter nbconvert --to notebook --execute work/train.ipynb\n"),
        ("Dockerfile", 'FROM x\nCOPY . /app\nWORKDIR /app\nCMD ["papermill", "work/train.ipynb", "out.ipynb"]\n'),
        (
            ".github/workflows/w.yml",
            (
                "on: push\njobs:\n  a:\n    runs-on: u\n    steps:\n      - uses: actions/checkout@v4\n"
                "      - run: papermill work/train.ipynb out.ipynb\n"
            ),
        ),
    ],
)
def test_a_notebook_that_something_runs_is_production(path: str, content: str) -> None:
    """By papermill, nbconvert, dagstermill or Databricks, from code, a script, an image or a workflow."""
    files: dict[str, str | bytes] = {"work/train.ipynb": notebook(CODE), path: content}
    if path == "Dockerfile":
        files["compose.yaml"] = "services:\n  a:\n    build: .\n"
    assert linked(files).idle == frozenset()


def test_a_notebook_that_nothing_runs_is_read_and_is_no_subject() -> None:
    """Its facts are there for what others need of them, and no check is asked about it."""
    pipeline = linked({"work/train.ipynb": notebook(CODE), "a.sh": "# papermill work/train.ipynb\necho"})
    assert pipeline.idle == {"work/train.ipynb"}
    assert [read.place.cell for read in pipeline.all(EnvRead)] == [1]
    loop = "import os\nimport pandas as pd\nx = pd.DataFrame()\nfor n in pages:\n    x = pd.concat([x, f(n)])"
    result = judge_files({"work/a.ipynb": notebook(loop)}, "frame-grown-in-data-loop")
    assert result.outcome == "not-applicable"
    assert "notebooks that nothing runs" in result.reason


def test_a_notebook_that_makes_a_model_is_production_where_code_loads_it() -> None:
    """Whatever folder it runs in; not if two notebooks save it, and not if only another notebook loads it."""
    save = notebook("import joblib\njoblib.dump(m, '../models/churn.joblib')")
    serve = "import joblib\nm = joblib.load('models/churn.joblib')"
    assert linked({"nb/a.ipynb": save, "app.py": serve}).idle == frozenset()
    assert linked({"nb/a.ipynb": save, "nb/b.ipynb": save, "app.py": serve}).idle == {"nb/a.ipynb", "nb/b.ipynb"}
    assert linked({"nb/a.ipynb": save, "nb/b.ipynb": notebook(serve)}).idle == {"nb/a.ipynb", "nb/b.ipynb"}


def test_a_finding_in_a_notebook_stands_at_a_cell() -> None:
    """With the line within it."""
    loop = "import os\nimport pandas as pd\nx = pd.DataFrame()\nfor n in pages:\n    x = pd.concat([x, f(n)])"
    files: dict[str, str | bytes] = {"a.ipynb": notebook(loop), "run.sh": "papermill a.ipynb b.ipynb"}
    result = judge_files(files, "frame-grown-in-data-loop")
    assert [str(finding.place) for finding in result.findings] == ["a.ipynb:cell 1:5:9"]


def test_nothing_is_said_of_a_notebook_that_nothing_runs() -> None:
    """Also where the subject is something else: a list of requirements, whose package the notebook alone uses."""
    files: dict[str, str | bytes] = {
        "requirements.txt": "pandas==2.2.0\n",
        "Dockerfile": "FROM python:3.11\nCOPY . .\nRUN pip install -r requirements.txt\n",
        "work/a.ipynb": notebook("import pandas as pd\ndf = pd.DataFrame()\ndf = df.append({}, ignore_index=True)"),
    }
    result = judge_files(files, "code-needs-older-release")
    assert not result.findings
    assert not result.unjudged
