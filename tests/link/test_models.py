"""Which models are one and the same, who makes and who loads them, and the roles of processes."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.models import named, tied
from pytest_mlbreaks.model import FeatureGroup, Model, ModelEdge, Pipeline, Place, Role
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import ModelAccess
from pytest_mlbreaks.testing import linked

TRAIN = """
import mlflow
from sklearn.linear_model import LogisticRegression

NAME = "churn"

def main():
    model = LogisticRegression().fit(x, y)
    mlflow.sklearn.log_model(model, "model", registered_model_name=NAME)
    client = mlflow.MlflowClient()
    client.set_registered_model_alias(NAME, "champion", 3)
    client.transition_model_version_stage(NAME, 3, "Production")

if __name__ == "__main__":
    main()
"""
SERVE = """
import os
import mlflow
from fastapi import FastAPI

app = FastAPI()
model = mlflow.pyfunc.load_model(f"models:/{os.environ.get('MODEL', 'churn')}@champion")

@app.post("/predict")
def predict(body: dict):
    return model.predict(body)
"""
BATCH = """
import mlflow
import pandas as pd

def score():
    model = mlflow.pyfunc.load_model("models:/churn/Production")
    frame = pd.read_parquet("s3://lake/customers.parquet")
    frame["p"] = model.predict(frame)
    frame.to_parquet("s3://lake/scores.parquet")

if __name__ == "__main__":
    score()
"""
COMPOSE = """
services:
  api:
    build: .
    command: uvicorn serve:app
    ports: ["8000:8000"]
"""
FILES = {
    "train.py": TRAIN,
    "serve.py": SERVE,
    "batch.py": BATCH,
    "compose.yaml": COMPOSE,
    "Dockerfile": "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n",
    "dvc.yaml": "stages:\n  train: {cmd: python train.py}\n  score: {cmd: python batch.py}\n",
}


def model(pipeline: Pipeline, name: str) -> Model:
    (found,) = [m for m in pipeline.all(Model) if m.name == name]
    return found


@pytest.mark.parametrize(
    ("text", "kind", "api", "mode", "expected"),
    [
        ("models:/m/3", "registry", "mlflow.pyfunc.load_model", "load", ("registry", "m", "3", "", "")),
        ("models:/m/Production", "registry", "mlflow.x.load_model", "load", ("registry", "m", "", "Production", "")),
        ("models:/m@best", "registry", "mlflow.x.load_model", "load", ("registry", "m", "", "", "best")),
        ("models:/c.s.m/latest", "registry", "mlflow.x.load_model", "load", ("registry", "c.s.m", "", "", "latest")),
        ("models:/m-1a2b", "registry", "mlflow.x.load_model", "load", None),
        ("models:/{*}/1", "registry", "mlflow.x.load_model", "load", None),
        ("runs:/{*}/model", "path", "mlflow.x.load_model", "load", ("run", "model", "", "", "")),
        ("runs:/{*}/{*}", "path", "mlflow.x.load_model", "load", None),
        ("m:2", "registry", "bentoml.models.get", "load", ("registry", "m", "2", "", "")),
        ("org/m", "hub", "transformers.AutoModel.from_pretrained", "load", ("hub", "org/m", "", "", "")),
        ("yolov8n.pt", "hub", "ultralytics.YOLO", "load", ("hub", "yolov8n.pt", "", "", "")),
        ("./out/m", "hub", "transformers.AutoModel.from_pretrained", "load", ("path", "out/m", "", "", "")),
        ("s3://b/models/m.pkl", "path", "joblib.load", "load", ("path", "s3://b/models/m.pkl", "", "", "")),
        ("{*}", "path", "joblib.load", "load", None),
        ("gs://your-bucket/model.pkl", "path", "joblib.load", "load", None),
        ("[your-project]/ranker.pkl", "path", "joblib.load", "load", None),
    ],
)
def test_names(text: str, kind: str, api: str, mode: str, expected: tuple[str, ...] | None) -> None:
    """A registered model is told by its name, whatever version, stage or alias is asked for."""
    access = ModelAccess(place=Place("a.py"), mode=mode, target=Literal(text), api=api, kind=kind)  # type: ignore[arg-type]
    found = named(text, access)
    told = None if found is None else (found.kind, found.name, found.version, found.stage, found.alias)
    assert told == expected


def test_who_makes_and_who_loads_a_registered_model() -> None:
    """By name, through a constant and the default of a variable, with what each asks for."""
    pipeline = linked(FILES)
    churn = model(pipeline, "churn")
    assert {p.name for p in churn.makers} == {"train"}
    assert {p.name for p in churn.users} == {"api", "score"}
    asked = {(r.access.mode, r.version, r.stage, r.alias) for r in churn.references}
    assert asked == {
        ("register", "", "", ""),
        ("promote", "3", "", "champion"),
        ("promote", "3", "Production", ""),
        ("load", "", "", "champion"),
        ("load", "", "Production", ""),
    }
    assert tied(pipeline).unknown == 0


def test_roles_and_their_edges() -> None:
    """Who fits and registers trains; who answers requests serves; who loads, predicts and writes infers in batches."""
    pipeline = linked(FILES)
    roles = {(r.kind, r.process.name) for r in pipeline.all(Role) if r.process is not None}
    assert roles == {("train", "train"), ("serve", "api"), ("batch-infer", "score")}
    edges = {
        (e.maker.process.name, e.user.process.name, e.model.name, e.assumed)
        for e in pipeline.all(ModelEdge)
        if e.maker.process and e.user.process and e.model
    }
    assert edges == {("train", "api", "churn", ""), ("train", "score", "churn", "")}


def test_a_file_seen_from_two_folders() -> None:
    """The only one that is saved under that file's name is taken for it, and said to be assumed."""
    pipeline = linked(
        {
            "train/fit.py": "import joblib\njoblib.dump(m, '../artifacts/ranker.pkl')\n",
            "api/app.py": "import joblib\njoblib.load('/app/artifacts/ranker.pkl')\n",
        }
    )
    loaded = model(pipeline, "/app/artifacts/ranker.pkl")
    assert [access.path for access in loaded.made_in] == ["train/fit.py"]
    assert loaded.assumed


def test_a_name_that_says_little() -> None:
    """``model.pkl`` in the folder of whoever runs may be anybody's: what ties by it is said to be assumed."""
    files = {
        "a.py": "import joblib\njoblib.dump(m, 'model.pkl')\njoblib.dump(m, 'ranker.pkl')\n",
        "b.py": "import joblib\njoblib.load('model.pkl')\njoblib.load('ranker.pkl')\n",
    }
    pipeline = linked(files)
    assert model(pipeline, "model.pkl").assumed
    assert not model(pipeline, "ranker.pkl").assumed


def test_a_file_beside_the_code() -> None:
    """What lies in the tree where the code stands is that file, whatever else is saved under the name."""
    files: dict[str, str | bytes] = {
        "train/fit.py": "import joblib\njoblib.dump(m, 'out/ranker.pkl')\n",
        "api/app.py": "import joblib\njoblib.load('ranker.pkl')\n",
        "api/ranker.pkl": b"\0",
    }
    found = model(linked(files), "ranker.pkl")
    assert (found.external, found.assumed, found.made_in) == ("it lies in the tree", "", ())


@pytest.mark.parametrize(
    ("code", "name", "external"),
    [
        ("from transformers import pipeline\npipeline('x', model='org/m', revision='abc')", "org/m", "a hub"),
        ("import joblib\njoblib.load('s3://bucket/ranker.pkl')", "s3://bucket/ranker.pkl", "it lies where"),
        ("import joblib\njoblib.load('weights/ranker.pkl')", "weights/ranker.pkl", "it lies in the tree"),
        ("import joblib\njoblib.load('kept/ranker.pkl')", "kept/ranker.pkl", "DVC keeps it"),
        ("import joblib\njoblib.load('gone/ranker.pkl')", "gone/ranker.pkl", ""),
    ],
)
def test_what_comes_from_outside(code: str, name: str, external: str) -> None:
    """A hub, a bucket, a file of the tree; where nothing says it, it is not said."""
    files: dict[str, str | bytes] = {
        "a.py": code,
        "weights/ranker.pkl": b"\0",
        "kept/ranker.pkl.dvc": "outs:\n- path: ranker.pkl\n",
    }
    found = model(linked(files), name)
    assert found.external.startswith(external)
    assert bool(found.external) == bool(external)
    assert found.tied == bool(external)


def test_what_callers_and_command_lines_give() -> None:
    """A path that is a parameter of a function, or an option, is what each caller gives."""
    files = {
        "util.py": "import joblib\ndef load_it(path):\n    return joblib.load(path)\n",
        "a.py": "from util import load_it\nload_it('s3://b/first.pkl')\n",
        "b.py": "import joblib\ndef load(path='s3://b/second.pkl'):\n    return joblib.load(path)\n",
        "c.py": (
            "import argparse, joblib\np = argparse.ArgumentParser()\np.add_argument('--model', default='s3://b/third.pkl')\n"
            "args = p.parse_args()\njoblib.load(args.model)\n"
        ),
        "dvc.yaml": "stages:\n  c: {cmd: python c.py --model s3://b/fourth.pkl}\n",
    }
    names = {m.name for m in linked(files).all(Model)}
    assert names == {f"s3://b/{name}.pkl" for name in ("first", "second", "third", "fourth")}


def test_servers_that_load_by_their_command() -> None:
    """The command is a load, and the container serves."""
    text = (
        "services:\n  a:\n    image: x\n    command: mlflow models serve -m models:/churn/Production -p 80\n"
        "  b:\n    image: y\n    command: vllm serve org/m --port 80\n"
    )
    pipeline = linked({"compose.yaml": text, "train.py": TRAIN})
    assert {(r.process.name, r.loads[0].name) for r in pipeline.all(Role) if r.kind == "serve" and r.process} == {
        ("a", "churn"),
        ("b", "org/m"),
    }
    assert [e.assumed for e in pipeline.all(ModelEdge)] == [""]


def test_models_of_manifests() -> None:
    """``storageUri`` of KServe and ``modelUri`` of Seldon are loads."""
    text = (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: a}\n"
        "spec: {predictor: {sklearn: {storageUri: 's3://b/one'}}}\n---\n"
        "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: b}\n"
        "spec: {predictors: [{graph: {name: x, children: [{name: y, modelUri: 'gs://b/two'}]}}]}\n"
    )
    assert {m.name for m in linked({"all.yaml": text}).all(Model)} == {"s3://b/one", "gs://b/two"}


FEATURES = """
from feast import FeatureView, Field, FileSource, PushSource, FeatureService
from feast.types import Float32
trips = FileSource(path="s3://lake/trips.parquet")
live = PushSource(name="live", batch_source=trips)
fares = FeatureView(name="fares", schema=[Field(name="mean", dtype=Float32)], source=live)
pricing = FeatureService(name="pricing", features=[fares])
"""


def test_features_and_their_readers() -> None:
    """A view is tied to its source, to who writes that, and to the reads by name and by service."""
    pipeline = linked(
        {
            "repo/feature_store.yaml": "project: p\nprovider: local\n",
            "repo/views.py": FEATURES,
            "etl.py": "import pandas as pd\npd.DataFrame().to_parquet('s3://lake/trips.parquet')\n",
            "a.py": "from feast import FeatureStore\nFeatureStore('.').get_online_features(features=['fares:mean'])\n",
            "b.py": (
                "from feast import FeatureStore\ns = FeatureStore('.')\n"
                "s.get_historical_features(df, s.get_feature_service('pricing'))\ns.push('live', df)\n"
            ),
        }
    )
    (group,) = pipeline.all(FeatureGroup)
    assert group.store is not None
    assert group.store.project == "p"
    assert [s.source for s in group.sources] == ["PushSource", "FileSource"]
    assert {a.path for d in group.datasets for a in d.accesses} == {"repo/views.py", "etl.py"}
    assert {r.path for r in group.reads} == {"a.py", "b.py"}
    assert [(column, read.path) for column, read in group.columns] == [("mean", "a.py")]
    assert [w.path for w in group.writes] == ["b.py"]
    assert group.unsure == ""
