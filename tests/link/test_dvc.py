"""The order of DVC's stages."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.dvc import MOST_ITEMS
from pytest_mlbreaks.model import Answer
from pytest_mlbreaks.model.facts import DvcStage, Edge, Schedule, Step
from pytest_mlbreaks.testing import linked


def order(files: dict[str, str]) -> set[tuple[str, str]]:
    """The edges of a tree, by the names of the stages."""
    pipeline = linked(files)
    return {(e.before.rpartition("/")[2], e.after.rpartition("/")[2]) for e in pipeline.all(Edge)}


def test_a_stage_comes_after_what_it_depends_on() -> None:
    """The same path, a folder around it, or something in it; not a path that only begins like it."""
    text = """\
stages:
  prepare: {cmd: x, outs: [data/prepared, data/stats/all.json]}
  train: {cmd: x, deps: [data/prepared/train.csv], outs: ["${model}"]}
  describe: {cmd: x, deps: [data/stats]}
  evaluate: {cmd: x, deps: ["${model}"], outs: [self]}
  alone: {cmd: x, deps: [data/prepared2, self2]}
"""
    edges = {("prepare", "train"), ("prepare", "describe")}
    assert order({"dvc.yaml": text, "params.yaml": "model: model.bin\n"}) == {*edges, ("train", "evaluate")}
    assert order({"dvc.yaml": text}) == edges  # a path of which nothing can be told is nobody's


def test_stages_of_several_files_are_one_graph() -> None:
    """Paths are those of the tree, so that files of other folders may name them."""
    files = {
        "prepare/dvc.yaml": "stages:\n  prepare: {cmd: x, outs: [../data/all.csv]}\n",
        "train/dvc.yaml": (
            "vars: [{data: ../data}]\n"
            "stages:\n"
            "  split: {cmd: x, deps: ['${data}/all.csv'], outs: [split]}\n"
            "  train: {foreach: [a, b], do: {cmd: x, deps: [split], outs: ['model-${item}']}}\n"
            "  evaluate: {foreach: [a, b], do: {cmd: x, deps: ['model-${item}']}}\n"
        ),
    }
    assert order(files) == {
        ("prepare", "split"),
        *(("split", f"train@{item}") for item in "ab"),
        *((f"train@{item}", f"evaluate@{item}") for item in "ab"),
    }
    pipeline = linked(files)
    assert pipeline.order.reaches("dvc:prepare/dvc.yaml/prepare", "dvc:train/dvc.yaml/evaluate@b") is Answer.YES


def test_a_stage_comes_after_what_makes_its_parameters() -> None:
    """A file of parameters is something that a stage depends on."""
    text = "stages:\n  tune: {cmd: x, outs: [best.yaml]}\n  train: {cmd: x, params: [{best.yaml: [lr]}]}\n"
    assert order({"dvc.yaml": text}) == {("tune", "train")}


def stages(text: str, parameters: str = "") -> dict[str, str]:
    """The first command of each stage, by the stage's name."""
    pipeline = linked({"dvc.yaml": text, "params.yaml": parameters})
    return {step.name: pipeline.pattern(step.commands[0].shell) for step in pipeline.all(Step)}


def test_a_loop_makes_a_stage_for_each_item() -> None:
    """A stage is called by its item; by the item's key in a mapping; by its index where any is no scalar."""
    text = """\
stages:
  list: {foreach: [a, 0.10, true], do: {cmd: "x ${item}"}}
  mapping: {foreach: {a: {n: 1}, b: {n: 2}}, do: {cmd: "x ${key} ${item.n}"}}
  records: {foreach: [{n: 1}, {n: "${two}"}], do: {cmd: "x ${item.n}"}}
"""
    assert stages(text, "two: 2\n") == {
        "list@a": "x a",
        "list@0.1": "x 0.1",
        "list@true": "x true",
        "mapping@a": "x a 1",
        "mapping@b": "x b 2",
        "records@0": "x 1",
        "records@1": "x 2",
    }


def test_a_matrix_makes_a_stage_for_each_combination() -> None:
    """Its name are the parts, of which one that is no scalar goes by its axis and index; values of another file are
    put in."""
    text = """\
stages:
  train:
    matrix: {model: "${models}", data: [{file: x.csv}, {file: y.csv}]}
    cmd: t ${item.model} ${item.data.file} ${key}
"""
    assert stages(text, "models: [cnn, bert]\n") == {
        "train@cnn-data0": "t cnn x.csv cnn-data0",
        "train@cnn-data1": "t cnn y.csv cnn-data1",
        "train@bert-data0": "t bert x.csv bert-data0",
        "train@bert-data1": "t bert y.csv bert-data1",
    }


@pytest.mark.parametrize("items", ["${gone}", "a", "{a: {b: c}}", "[{x: [1]}, 2]"])
def test_a_matrix_that_can_not_be_told_is_one_stage(items: str) -> None:
    """And its file is then not complete."""
    text = f'stages:\n  t: {{matrix: "{items}", cmd: "x ${{item.a}}"}}\n'
    assert stages(text) == {"t": "x {*}"}
    (schedule,) = linked({"dvc.yaml": text}).all(Schedule)
    assert (schedule.complete, schedule.reason) == (False, "what its loops go over can't be told")


def test_a_loop_of_too_many_items_is_one_stage() -> None:
    """Nobody looks at hundreds of stages that are written as one."""
    text = f"stages:\n  t: {{foreach: {list(range(MOST_ITEMS + 1))}, do: {{cmd: 'x'}}}}\n"
    assert list(stages(text)) == ["t"]


def test_a_file_is_complete_where_its_paths_can_be_told() -> None:
    """Values of a parameters file are known; those of no file are not."""
    text = "stages:\n  a: {wdir: '${w}', cmd: x, deps: ['../${paths.raw}/x.csv']}\n"
    pipeline = linked({"dvc.yaml": text, "params.yaml": "paths: {raw: data/raw}\nw: src\n"})
    (schedule,), (stage,) = pipeline.all(Schedule), pipeline.all(DvcStage)
    assert schedule.complete
    assert pipeline.pattern(stage.inputs[0].path) == "data/raw/x.csv"
    (schedule,) = linked({"dvc.yaml": text}).all(Schedule)
    assert schedule.reason == "paths of its stages are filled in from elsewhere"
