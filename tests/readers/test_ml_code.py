"""The reader of Feast, vector stores, Ray Serve, SageMaker and Vertex AI in code."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Literal, Made, Name, PathJoin
from pytest_mlbreaks.model.facts import (
    FACTS,
    Edge,
    FeatureRead,
    FeatureService,
    FeatureSource,
    FeatureView,
    FeatureWrite,
    Schedule,
    ServedModel,
    Step,
    VectorStoreUse,
)
from pytest_mlbreaks.readers.ml_code import READER
from pytest_mlbreaks.reading import Source, Wanted


def facts(text: str) -> list[Fact]:
    """What the reader says, written and read back."""
    found = list(READER.read(PYTHON.parse(Source("a.py", text.encode())), Wanted()))
    codec = FactCodec(FACTS)
    stated = [fact for fact in found if not isinstance(fact, Diagnostic)]
    assert list(codec.decode(codec.encode(stated))) == found
    return stated


VIEWS = """
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float32, Int64

user = Entity(name="user")
trips = FileSource(path="s3://lake/trips.parquet", timestamp_field="ts")
live = PushSource(name="trips_push", batch_source=trips)
fares = FeatureView(
    name="fares",
    entities=[user],
    ttl=timedelta(days=1, hours=2),
    schema=[Field(name="mean", dtype=Float32), Field(name="count", dtype=Int64)],
    source=live,
    online=True,
    tags={"team": "pricing"},
)
riders = FeatureView(name="riders", source=FileSource(path="riders.parquet"), schema=make(), ttl=TTL)
pricing = FeatureService(name="pricing", features=[fares[["mean"]], riders])

@on_demand_feature_view(sources=[fares], schema=[Field(name="ratio", dtype=Float32)])
def ratios(inputs):
    return inputs
"""


def test_views_and_their_sources() -> None:
    """Names, columns, ttl in seconds and where values come from; what is computed is not guessed."""
    found = facts(VIEWS)
    views = {str(v.name): v for v in found if isinstance(v, FeatureView)}
    fares, riders, ratios = views.values()
    assert [(f.name, f.dtype) for f in fares.fields] == [("mean", "Float32"), ("count", "Int64")]
    assert (fares.complete, fares.ttl_seconds, fares.online) == (True, 93_600.0, True)
    assert (fares.entities, fares.sources, fares.variable) == (("user",), ("live",), "fares")
    assert fares.tags == (("team", Literal("pricing")),)
    assert (riders.complete, riders.ttl_seconds, riders.sources) == (False, None, ("riders.source",))
    assert (ratios.name, ratios.view, ratios.sources) == (Literal("ratios"), "OnDemandFeatureView", ("fares",))
    sources = {s.variable: s for s in found if isinstance(s, FeatureSource)}
    assert (sources["trips"].target, sources["trips"].timestamp) == (Literal("s3://lake/trips.parquet"), "ts")
    assert (sources["live"].name, sources["live"].batch) == (Literal("trips_push"), "trips")
    assert sources["riders.source"].target == Literal("riders.parquet")
    (service,) = [s for s in found if isinstance(s, FeatureService)]
    assert (service.views, service.columns) == (("fares", "riders"), (("fares", ("mean",)),))


def test_reads_and_writes_of_features() -> None:
    """Which features, by name or by a service; a list from elsewhere is said to be open."""
    text = (
        "from feast import FeatureStore\nWANTED = ['a:x', 'b:y']\ns = FeatureStore('.')\n"
        "s.get_online_features(features=['a:x'], entity_rows=[])\n"
        "s.get_historical_features(df, WANTED)\n"
        "s.get_online_features(s.get_feature_service('svc'), [])\n"
        "def f(names): s.get_online_features(features=names)\n"
        "s.materialize_incremental(now, feature_views=['a'])\ns.materialize(a, b)\ns.push('p', df)\n"
    )
    found = facts(text)
    reads = [r for r in found if isinstance(r, FeatureRead)]
    told = {(r.mode, r.features, r.service, r.complete) for r in reads}
    assert told == {
        ("online", (Literal("a:x"),), None, True),
        ("historical", (Literal("a:x"), Literal("b:y")), None, True),
        ("online", (), Literal("svc"), True),
        ("online", (Name("a.py", "names", "f"),), None, False),
    }
    writes = {(w.mode, w.views) for w in found if isinstance(w, FeatureWrite)}
    assert writes == {("incremental", (Literal("a"),)), ("materialize", ()), ("push", (Literal("p"),))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "import chromadb\nchromadb.PersistentClient('x').get_or_create_collection('docs')",
            ("chroma", "open", Literal("docs"), None),
        ),
        (
            "import chromadb\ndef f(client): client.get_or_create_collection(name='docs')",
            ("chroma", "open", Literal("docs"), None),
        ),
        (
            "from qdrant_client import QdrantClient\nq = QdrantClient()\nq.upsert(collection_name='docs', points=p)",
            ("qdrant", "write", Literal("docs"), None),
        ),
        ("import faiss\nfaiss.write_index(i, 'i.faiss')", ("faiss", "write", Literal("i.faiss"), None)),
        (
            (
                "from langchain_chroma import Chroma\nfrom langchain_openai import OpenAIEmbeddings\n"
                "Chroma.from_documents(d, embedding=OpenAIEmbeddings())"
            ),
            ("chroma", "write", Literal("langchain"), Made("langchain_openai.OpenAIEmbeddings")),
        ),
        (
            "from langchain_community.vectorstores import FAISS\nFAISS.load_local('idx', e)",
            ("faiss", "read", Literal("idx"), None),
        ),
    ],
)
def test_vector_stores(text: str, expected: tuple[object, ...]) -> None:
    """The collection, what is done with it, and the embedding model where the call names it."""
    (use,) = facts(text)
    assert isinstance(use, VectorStoreUse)
    assert (use.store, use.mode, use.target, use.embedding) == expected


def test_deployments_of_ray_serve() -> None:
    """By name, with what the decorator says."""
    text = (
        "from ray import serve\n@serve.deployment(name='rank', num_replicas=2)\nclass Ranker: ...\n"
        "@serve.deployment\nclass Plain: ...\n"
    )
    served = [f for f in facts(text) if isinstance(f, ServedModel)]
    assert [(s.name, s.target) for s in served] == [("rank", Literal("Ranker")), ("Plain", Literal("Plain"))]
    setting = served[0].setting("num_replicas")
    assert setting is not None
    assert setting.value == Literal(2)


PIPELINE = """
from sagemaker.processing import ScriptProcessor
from sagemaker.sklearn import SKLearn
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

prep = ScriptProcessor(image_uri="example/prep:1", command=["python3"], instance_type="ml.m5.large")
step_prep = ProcessingStep(name="Prep", processor=prep, code="src/prep.py")
est = SKLearn(entry_point="train.py", source_dir="src", instance_count=1)
data = step_prep.properties.Outputs
step_train = TrainingStep(name="Train", estimator=est, inputs={"train": data})
step_eval = ProcessingStep(name="Eval", step_args=prep.run(code="src/eval.py"), depends_on=[step_train])
Pipeline(name="p", steps=[step_prep, step_train, step_eval])
"""


def test_steps_of_a_sagemaker_pipeline() -> None:
    """Entry files, images, and an order that comes from properties and from depends_on."""
    found = facts(PIPELINE)
    (schedule,) = [s for s in found if isinstance(s, Schedule)]
    assert schedule.complete
    steps = {s.name: s for s in found if isinstance(s, Step)}
    assert {name: step.commands[0].argv for name, step in steps.items()} == {
        "Prep": (Literal("python"), Literal("src/prep.py")),
        "Train": (Literal("python"), PathJoin((Literal("src"), Literal("train.py")))),
        "Eval": (Literal("python"), Literal("src/eval.py")),
    }
    assert steps["Prep"].image == Literal("example/prep:1")
    assert steps["Eval"].image == Literal("example/prep:1")
    edges = {(e.before.rpartition("/")[2], e.after.rpartition("/")[2]) for e in found if isinstance(e, Edge)}
    assert edges == {("Prep", "Train"), ("Train", "Eval")}


FUNCTIONS = """
from prep import prepare, fit
from sagemaker.core.training import ModelTrainer, SourceCode
from sagemaker.mlops.workflow.function_step import step
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import TrainingStep

ready = step(prepare, name="Ready")(url="s3://b/in")
fitted = step(fit)(ready)
trainer = ModelTrainer(training_image="example/t:1", source_code=SourceCode(source_dir="src", entry_script="t.py"))
native = TrainingStep(name="Native", step_args=trainer.train(input_data=fitted))
Pipeline(name="p", steps=[native])
"""


def test_functions_as_steps() -> None:
    """A step that is a function has it as its callee, and comes after those whose results it is given."""
    found = facts(FUNCTIONS)
    steps = {s.name: s for s in found if isinstance(s, Step)}
    assert {name: step.callee.name for name, step in steps.items() if step.callee} == {"Ready": "prepare", "fit": "fit"}
    assert steps["Native"].image == Literal("example/t:1")
    assert steps["Native"].commands[0].argv == (Literal("python"), PathJoin((Literal("src"), Literal("t.py"))))
    edges = {(e.before.rpartition("/")[2], e.after.rpartition("/")[2]) for e in found if isinstance(e, Edge)}
    assert ("Ready", "fit") in edges
    assert ("fit", "Native") in edges


def test_jobs_that_code_starts() -> None:
    """Outside of a pipeline the order is the code's, and such a schedule is not complete."""
    text = (
        "from google.cloud import aiplatform\n"
        "aiplatform.CustomTrainingJob(display_name='train', script_path='train.py', container_uri='example/t:1')\n"
        "aiplatform.CustomContainerTrainingJob('eval', 'example/e:1', ['python', '-m', 'evaluate'])\n"
    )
    found = facts(text)
    (schedule,) = [s for s in found if isinstance(s, Schedule)]
    assert not schedule.complete
    steps = {s.name: s for s in found if isinstance(s, Step)}
    assert steps["train"].commands[0].argv == (Literal("python"), Literal("train.py"))
    assert steps["eval"].commands[0].argv == (Literal("python"), Literal("-m"), Literal("evaluate"))
    assert steps["train"].image == Literal("example/t:1")
    (step,) = [
        s
        for s in facts("from sagemaker.pytorch import PyTorch\ne = PyTorch(entry_point='t.py')\n")
        if isinstance(s, Step)
    ]
    assert (step.name, step.commands[0].argv) == ("e", (Literal("python"), Literal("t.py")))


def test_code_that_names_none_of_it() -> None:
    """Nothing is stated, whatever its methods are called."""
    assert facts("import os\nclient.create_collection('x')\nstore.push('a', b)\nPipeline(steps=[])\n") == []
