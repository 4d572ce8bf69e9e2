"""The datasets reader."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.expr import Concat, Expr, Items, Literal, Name
from pytest_mlbreaks.model.facts import FACTS, DatasetAccess, ModelAccess
from pytest_mlbreaks.readers.datasets import READER
from pytest_mlbreaks.reading import Source, Wanted

PATH = "job.py"


def accesses(text: str) -> list[DatasetAccess | ModelAccess]:
    facts = list(READER.read(PYTHON.parse(Source(PATH, text.encode())), Wanted()))
    codec = FactCodec(FACTS)
    found = [f for f in facts if isinstance(f, DatasetAccess | ModelAccess)]
    assert list(codec.decode(codec.encode(found))) == facts
    return found


def said(text: str) -> list[tuple[str, str, Expr]]:
    return [(a.mode, a.kind, a.target) for a in accesses(text)]


X = Literal("x")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import pandas as pd\npd.read_csv('x')", ("read", "path", X)),
        ("import pandas as pd\npd.read_parquet(path=B)", ("read", "path", Name(PATH, "B"))),
        ("from pandas import read_csv as r\nr('x')", ("read", "path", X)),
        ("df.to_parquet('x')", ("write", "path", X)),
        ("df.to_csv('x', mode='a')", ("append", "path", X)),
        ("df.to_sql('x', e, if_exists='append')", ("append", "table", X)),
        ("df.to_sql('x', e, if_exists='replace')", ("write", "table", X)),
        ("import polars as pl\npl.scan_parquet('x')", ("read", "path", X)),
        ("def f(spark): spark.read.parquet('x')", ("read", "path", X)),
        ("spark.read.format('delta').option('a', 1).load('x')", ("read", "path", X)),
        ("spark.read.table('x')", ("read", "table", X)),
        ("df.write.mode('append').parquet('x')", ("append", "path", X)),
        ("df.write.format('delta').mode('overwrite').saveAsTable('x')", ("write", "table", X)),
        ("df.write.insertInto('x')", ("append", "table", X)),
        ("import numpy as np\nnp.save('x', a)", ("write", "path", X)),
        ("with open('x') as f: ...", ("read", "path", X)),
        ("with open('x', 'wb') as f: ...", ("write", "path", X)),
        ("from pathlib import Path\nPath('x').write_text(t)", ("write", "path", X)),
        ("from pathlib import Path\nPath('x').open('a')", ("append", "path", X)),
        ("import boto3\nboto3.client('s3').upload_file('f', 'b', 'k')", ("write", "path", Literal("s3://b/k"))),
        (
            "import boto3\nc = boto3.client('s3')\ndef f(): c.get_object(Bucket=B, Key='k')",
            ("read", "path", Concat((Literal("s3://"), Name(PATH, "B"), Literal("/k")))),
        ),
        (
            (
                "from google.cloud import storage\nb = storage.Client().bucket('b')\n"
                "k = b.blob('k')\nk.upload_from_filename('f')"
            ),
            ("write", "path", Literal("gs://b/k")),
        ),
        ("import joblib\njoblib.dump(m, 'x')", ("save", "path", X)),
        ("import torch\ntorch.load('x')", ("load", "path", X)),
        ("from transformers import AutoModel\nAutoModel.from_pretrained('x')", ("load", "hub", X)),
        ("m.save_pretrained('x')", ("save", "path", X)),
        ("import xgboost as xgb\nb = xgb.Booster()\nb.load_model('x')", ("load", "path", X)),
        ("import mlflow\nmlflow.sklearn.load_model('models:/m/1')", ("load", "registry", Literal("models:/m/1"))),
        ("import mlflow\nmlflow.sklearn.load_model('runs:/1/m')", ("load", "path", Literal("runs:/1/m"))),
        ("import mlflow\nmlflow.register_model(u, 'x')", ("register", "registry", X)),
        ("import tensorflow as tf\ntf.keras.models.load_model('x')", ("load", "path", X)),
    ],
)
def test_certain_calls(code: str, expected: tuple[str, str, Expr]) -> None:
    """A call whose meaning is certain is told with its mode and what it names."""
    assert said(code) == [expected]


def test_pickle_takes_the_path_of_the_open_file() -> None:
    """``pickle`` is given a file object; the path is where that was opened."""
    found = said("import pickle\nwith open('x', 'rb') as f:\n    m = pickle.load(f)\n")
    assert sorted(found, key=str) == [("load", "path", X), ("read", "path", X)]


def test_mlflow_logs_and_registers() -> None:
    """``log_model`` saves into the run, and registers where a registered name is given."""
    found = said("import mlflow\nmlflow.sklearn.log_model(m, 'x', registered_model_name='churn')\n")
    assert found == [("register", "registry", Literal("churn")), ("save", "path", X)]


@pytest.mark.parametrize(
    "code",
    [
        "m.save('x')",
        "m.load('x')",
        "self.load_model('x')",
        "df.to_csv()",
        "df.to_csv(None)",
        "import io\nb = io.StringIO()\ndf.to_csv(b)",
        "o.to_json('x')",
        "class R:\n    def to_csv(self, p): ...\nr = R()\nr.to_csv('x')",
        "def open(x): ...\nopen('x')",
        "open(f())",
        "open('x', m)",
        "c.upload_file('a', 'b', 'c')",
        "pd.read_csv(*a)",
        "q.read.json('x')",
    ],
)
def test_uncertain_calls_are_not_told(code: str) -> None:
    """What may be something else, or names nothing, is left out."""
    assert said(code) == []


def test_models_among_artifacts_of_wandb() -> None:
    """An alias is what stands behind the colon, or is given; what is stored as a model moves its aliases and latest."""
    text = """
import wandb
run = wandb.init(project="churn")
run.use_artifact("team/project/churn-model:production", type="model")
run.use_artifact("churn-model", type="model", aliases=["production"])
run.use_artifact("churn-model:v7", type="model")
run.use_artifact("rows:latest", type="dataset")
run.use_artifact(f"{NAME}:latest", type="model")
artifact = wandb.Artifact("churn-model", type="model")
run.log_artifact(artifact, aliases=["production"])
run.link_artifact(artifact, "registry/churn", aliases=("champion",))
rows = wandb.Artifact("rows", type="dataset")
run.log_artifact(rows)
"""
    name = Literal("churn-model")
    production, latest = Literal("production"), Literal("latest")
    assert [(a.mode, a.target, a.alias) for a in accesses(text) if isinstance(a, ModelAccess)] == [
        ("find", name, production),
        ("find", name, production),
        ("find", Name(PATH, "NAME"), latest),
        ("promote", name, Items((production, latest))),
        ("promote", name, Literal("champion")),
    ]


def test_artifacts_of_others_are_no_models() -> None:
    """MLflow has a method of the same name, and without wandb nothing is known of it."""
    assert said("import mlflow\nmlflow.log_artifact('report.html')") == []
    assert said("client.log_artifact('1', 'report.html')") == []


def test_a_written_list_of_stages_is_told() -> None:
    """``stages=["Production"]`` asks for that one stage."""
    found = accesses("import mlflow\nc = mlflow.MlflowClient()\nc.get_latest_versions('churn', stages=['Production'])")
    assert [a.stage for a in found if isinstance(a, ModelAccess)] == [Literal("Production")]
