"""Kedro: pipelines, namespaces, registries and catalogs."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import DatasetAccess, Edge, ModelAccess, Schedule, Step
from pytest_mlbreaks.testing import linked

HEAD = "from kedro.pipeline import Node, Pipeline, node, pipeline\nfrom .nodes import clean, train, score\n"
FOUND = (
    "from kedro.framework.project import find_pipelines\n"
    "def register_pipelines():\n"
    "    pipelines = find_pipelines()\n"
    "    pipelines['__default__'] = sum(pipelines.values())\n"
    "    return pipelines\n"
)
NODES = "def clean(x): ...\ndef train(x, y): ...\ndef score(m, x): ...\n"
MAKE = (
    HEAD
    + """
def create_pipeline(**kwargs):
    return pipeline([
        node(clean, "raw", "clean@pandas", name="clean"),
        Node(func=train, inputs=["clean@spark", "params:size"], outputs=dict(model="model"), name="train"),
        node(score, {"m": "model", "x": "clean"}, None),
    ])
"""
)
PROJECT = {
    "src/p/__init__.py": "",
    "src/p/pipeline_registry.py": FOUND,
    "src/p/pipelines/__init__.py": "",
    "src/p/pipelines/a/__init__.py": "from .pipeline import create_pipeline\n",
    "src/p/pipelines/a/pipeline.py": MAKE,
    "src/p/pipelines/a/nodes.py": NODES,
}


def told(pipeline: Pipeline) -> tuple[list[str], set[tuple[str, str]], str]:
    """Steps and edges of the one schedule, and why it may not be all."""
    [schedule] = [s for s in pipeline.all(Schedule) if s.orchestrator == "kedro"]
    head = f"{schedule.identity}/"
    edges = {(e.before.removeprefix(head), e.after.removeprefix(head)) for e in pipeline.all(Edge)}
    return sorted(s.name for s in pipeline.all(Step)), edges, schedule.reason


def test_nodes_are_ordered_by_what_they_hand_on() -> None:
    """Over what ``find_pipelines`` finds; how a dataset is read in does not tell it apart."""
    assert told(linked(PROJECT)) == (
        ["clean", "score", "train"],
        {("clean", "train"), ("train", "score"), ("clean", "score")},
        "",
    )


def test_a_registry_names_pipelines_and_namespaces_are_put_in() -> None:
    """Names that ``inputs`` and ``outputs`` map stay without the namespace."""
    registry = """
from kedro.pipeline import pipeline
from p.pipelines import a
def register_pipelines():
    base = a.create_pipeline()
    other = pipeline(a.create_pipeline(), namespace="b", inputs={"raw": "model"}, parameters={"params:size"})
    return {"__default__": base + other, "other": other}
"""
    steps, edges, reason = told(linked({**PROJECT, "src/p/pipeline_registry.py": registry}))
    assert steps == ["b.clean", "b.score", "b.train", "clean", "score", "train"]
    assert {("train", "b.clean"), ("b.clean", "b.train")} <= edges
    assert ("clean", "b.train") not in edges
    assert not reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return pipeline([node(clean, name_of(), 'b', name='n')])", "names of datasets are computed"),
        ("return pipeline([node(clean, 'a', x, name='n') for x in many])", "it is made in a loop"),
        (
            "return pipeline([node(clean, 'a', 'b', name='n')]).only_nodes_with_tags('x')",
            "some nodes of a pipeline are chosen",
        ),
        (
            "if wanted:\n        return pipeline([node(clean, 'a', 'b', name='n')])",
            "it is made under conditions",
        ),
    ],
)
def test_what_is_computed_leaves_a_project_open(body: str, reason: str) -> None:
    """Its nodes are still told."""
    files = {**PROJECT, "src/p/pipelines/a/pipeline.py": f"{HEAD}def create_pipeline():\n    {body}\n"}
    steps, _, why = told(linked(files))
    assert (steps, why) == (["n"], reason)


def test_the_catalog_says_where_datasets_lie() -> None:
    """Paths are those of the tree; factories, values of the same file and models are followed; memory is none."""
    catalog = """
_base: data
raw: {type: pandas.CSVDataset, filepath: data/01_raw/raw.csv}
model: {type: pickle.PickleDataset, filepath: data/06_models/model.pkl}
"{name}ean": {type: pandas.ParquetDataset, filepath: "data/02/{name}ean.parquet"}
"""
    pipeline = linked({**PROJECT, "conf/base/catalog.yml": catalog})
    data = {(a.mode, pipeline.resolve(a.target).text, a.scope) for a in pipeline.all(DatasetAccess)}
    assert ("read", "data/01_raw/raw.csv", "clean") in data
    assert ("read", "data/02/clean.parquet", "score") in data
    models = {(a.mode, pipeline.resolve(a.target).text) for a in pipeline.all(ModelAccess)}
    assert models == {("save", "data/06_models/model.pkl"), ("load", "data/06_models/model.pkl")}


def test_nodes_that_no_registry_takes_in_are_told_apart() -> None:
    """Their schedule is open; two nodes without a name that run one function are two."""
    text = HEAD + "def create_pipeline():\n    return pipeline([node(clean, 'a', 'b'), node(clean, 'b', 'c')])\n"
    steps, edges, reason = told(linked({"src/p/pipeline.py": text}))
    assert steps == ["clean", "clean_2"]
    assert edges == {("clean", "clean_2")}
    assert reason == "no registry of the tree takes it in"
