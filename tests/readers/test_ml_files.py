"""The readers of MLproject, Feast, BentoML, TorchServe and Databricks files, and of Triton's configurations."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.text import TEXT
from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Concat, Context, EnvVar, Literal, Made, SecretKey, Unknown
from pytest_mlbreaks.model.facts import FACTS, Edge, FeatureStore, NotebookRun, Schedule, ServedModel, Step, Trigger
from pytest_mlbreaks.readers import triton
from pytest_mlbreaks.readers.ml_files import READER
from pytest_mlbreaks.reading import Source, Wanted


def facts(path: str, text: str) -> list[Fact]:
    """What the reader says, written and read back."""
    assert READER.claims(path)
    found = list(READER.read(YAML.parse(Source(path, text.encode())), Wanted()))
    stated = [fact for fact in found if not isinstance(fact, Diagnostic)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(stated))) == found
    return stated


PROJECT = """
name: churn
docker_env:
  image: example/train:1.2
  environment: ["HOME_DIR", ["MODE", "batch"], ["API_TOKEN", "abc"]]
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
      data: path
    command: "python train.py --alpha {alpha} --data {data} {other}"
  evaluate:
    command: python evaluate.py
"""


def test_entry_points_are_steps() -> None:
    """Each with its command, in which defaults are put in and what a caller gives is left open."""
    schedule, main, evaluate = facts("ml/MLproject", PROJECT)
    assert isinstance(schedule, Schedule)
    assert isinstance(main, Step)
    assert isinstance(evaluate, Step)
    assert schedule.complete
    assert (main.pipeline, main.name) == (schedule.identity, "main")
    assert main.commands[0].shell == Concat(
        (Literal("python train.py --alpha 0.5 --data "), Context("mlflow", "parameter data"), Literal(" {other}"))
    )
    assert main.commands[0].workdir == Literal("ml")
    assert main.image == Literal("example/train:1.2")
    assert [(v.name, v.value) for v in main.variables] == [
        ("HOME_DIR", EnvVar("HOME_DIR", scope="host")),
        ("MODE", Literal("batch")),
        ("API_TOKEN", SecretKey("ml/MLproject", "API_TOKEN")),
    ]
    assert evaluate.commands[0].shell == Literal("python evaluate.py")


def test_a_project_without_entry_points() -> None:
    """It is none that says what runs; nothing is stated."""
    assert facts("MLproject", "name: x\nconda_env: conda.yaml\n") == []


JOBS = """
bundle: {name: churn}
resources:
  jobs:
    nightly:
      name: nightly
      max_concurrent_runs: 1
      schedule: {quartz_cron_expression: "0 30 6 * * ?", timezone_id: UTC}
      tasks:
        - task_key: load
          max_retries: 2
          spark_python_task: {python_file: ../src/load.py, parameters: ["--day", "{{job.parameters.day}}"]}
        - task_key: train
          depends_on: [{task_key: load}]
          notebook_task: {notebook_path: notebooks/Train, source: GIT}
        - task_key: report
          depends_on: [{task_key: train}]
          run_if: ALL_DONE
          python_wheel_task: {package_name: churn.report, entry_point: main}
        - task_key: next
          run_job_task: {job_id: "${resources.jobs.weekly.id}"}
        - task_key: each
          for_each_task: {inputs: "[1, 2]", task: {task_key: one, spark_python_task: {python_file: a.py}}}
    weekly:
      schedule: {quartz_cron_expression: "0 0 6 ? * MON"}
      tasks: [{task_key: a, spark_python_task: {python_file: /Workspace/x.py}}]
targets:
  prod:
    resources: {jobs: {weekly: {tasks: [{task_key: a, max_retries: 1}]}}}
"""


def test_jobs_of_a_bundle() -> None:
    """Tasks with what they run, their order, their schedule as cron where cron can say it."""
    found = facts("bundle/databricks.yml", JOBS)
    schedules = {s.name: s for s in found if isinstance(s, Schedule)}
    assert schedules["nightly"].when == Literal("30 6 * * *")
    assert schedules["weekly"].when == Made("databricks.quartz", (Literal("0 0 6 ? * MON"),))
    assert schedules["nightly"].complete
    assert (schedules["weekly"].complete, schedules["weekly"].reason) == (
        False,
        "a target of the bundle sets it otherwise",
    )
    steps = {s.name: s for s in found if isinstance(s, Step)}
    argv = {name: step.commands[0].argv for name, step in steps.items() if step.commands}
    load = argv["load"]
    assert load is not None
    assert load[:3] == (Literal("python"), Literal("src/load.py"), Literal("--day"))
    assert isinstance(load[3], Unknown)
    assert argv["train"] == (Literal("python"), Literal("notebooks/Train.py"))
    assert argv["report"] == (Literal("python"), Literal("-m"), Literal("churn.report"))
    assert argv["a"] == (Literal("python"), Unknown("a path of the workspace"))
    assert steps["each"].mapped
    assert steps["report"].trigger_rule == "all_done"
    edges = {(e.before.rpartition("/")[2], e.after.rpartition("/")[2]) for e in found if isinstance(e, Edge)}
    assert edges == {("load", "train"), ("train", "report")}
    (trigger,) = [t for t in found if isinstance(t, Trigger)]
    assert trigger.target_pipeline == Literal(schedules["weekly"].identity)
    assert [n.target for n in found if isinstance(n, NotebookRun)] == [Literal("notebooks/Train")]


@pytest.mark.parametrize("path", ["databricks.yml", "resources/jobs.yml", "a/resources/b.yaml"])
def test_where_jobs_stand(path: str) -> None:
    """In the bundle's file, and in those that it includes from a folder ``resources``."""
    text = "resources: {jobs: {a: {tasks: [{task_key: t, spark_python_task: {python_file: a.py}}]}}}\n"
    assert any(isinstance(fact, Step) for fact in facts(path, text))


def test_other_files_of_a_folder_resources() -> None:
    """They say nothing."""
    assert facts("resources/other.yaml", "resources: {requests: {cpu: 1}}\n") == []
    assert facts("resources/list.yaml", "- a\n") == []


def test_a_feature_store() -> None:
    """Its project and its stores; what follows an address of Redis may be a password."""
    text = (
        "project: recs\nprovider: local\nregistry: {registry_type: sql, path: s3://b/registry.db}\n"
        "online_store: {type: redis, connection_string: 'redis:6379,password=abc'}\noffline_store: file\n"
    )
    (store,) = facts("feast/feature_store.yaml", text)
    assert isinstance(store, FeatureStore)
    assert (store.project, store.provider, store.online, store.offline) == ("recs", "local", "redis", "file")
    assert (store.registry, store.online_address) == (Literal("s3://b/registry.db"), Literal("redis:6379"))


def test_what_servers_are_told() -> None:
    """The service of a bento, and the limits of TorchServe; a ``model-config.yaml`` of something else is neither."""
    (bento,) = facts("bentofile.yaml", "service: 'service:svc'\nmodels: ['ranker:latest']\n")
    assert isinstance(bento, ServedModel)
    assert (bento.server, bento.target, bento.settings[0].value) == (
        "bentoml",
        Literal("service:svc"),
        Literal("ranker:latest"),
    )
    (served,) = facts("m/model-config.yaml", "batchSize: 8\nmaxBatchDelay: 50\nminWorkers: 2\n")
    assert isinstance(served, ServedModel)
    assert (served.max_batch, served.batching, served.delay_ms) == (8, True, 50.0)
    assert facts("model-config.yaml", "layers: 3\n") == []


PBTXT = """
# a model
name: "ranker"
backend: "onnxruntime"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ -1, 3 ] } ]
output { name: "y", data_type: TYPE_FP32, dims: 1 }
instance_group [ { count: 2 kind: KIND_GPU } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 1500 }
version_policy: { latest { num_versions: 1 } }
parameters { key: "mode" value: { string_value: "fast" } }
ensemble_scheduling { step [ { model_name: "a" model_version: -1 input_map { key: "i" value: "x" } } ] }
"""


def pbtxt(path: str, text: str) -> list[Fact | Diagnostic]:
    assert triton.READER.claims(path)
    return list(triton.READER.read(TEXT.parse(Source(path, text.encode())), Wanted()))


def test_a_model_of_triton() -> None:
    """All that its configuration says, lists in either form."""
    (model,) = pbtxt("repo/ranker/config.pbtxt", PBTXT)
    assert isinstance(model, ServedModel)
    assert (model.name, model.backend, model.max_batch, model.batching) == ("ranker", "onnxruntime", 8, True)
    assert (model.delay_ms, model.policy, model.instances) == (1.5, "latest", (("KIND_GPU", 2),))
    assert [(t.name, t.dims, t.place.line) for t in (*model.inputs, *model.outputs)] == [
        ("x", (-1, 3), 6),
        ("y", (1,), 7),
    ]
    assert [(s.model, s.version, s.inputs) for s in model.steps] == [("a", "-1", (("i", "x"),))]
    assert [(s.name, s.value) for s in model.settings] == [
        ("parameters.mode", Literal("fast")),
        ("dynamic_batching.preferred_batch_size", Literal(4)),
        ("dynamic_batching.preferred_batch_size", Literal(8)),
    ]


def test_a_model_of_triton_that_says_little() -> None:
    """The folder names it; requests are not put together."""
    (model,) = pbtxt("repo/ranker/config.pbtxt", 'platform: "tensorflow_savedmodel"\n')
    assert isinstance(model, ServedModel)
    assert (model.name, model.max_batch, model.batching, model.instances) == ("ranker", 0, False, ())


@pytest.mark.parametrize("text", ["name: ", "input [ {", "}", 'name "a" "b" $', "a {" * 60, "[", "a: ]"])
def test_what_is_no_configuration(text: str) -> None:
    """It is told, with the line, and nothing is stated."""
    (diagnostic,) = pbtxt("m/config.pbtxt", text)
    assert isinstance(diagnostic, Diagnostic)
    assert diagnostic.level == "warning"
