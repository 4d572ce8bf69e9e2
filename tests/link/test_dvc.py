"""The order of DVC's stages."""

from __future__ import annotations

from pytest_mlbreaks.model import Answer
from pytest_mlbreaks.model.facts import Edge
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
    """Paths are those of the tree, so that files of other folders may name them; loops meet where they are written
    alike."""
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
    assert order(files) == {("prepare", "split"), ("split", "train"), ("train", "evaluate")}
    pipeline = linked(files)
    assert pipeline.order.reaches("dvc:prepare/dvc.yaml/prepare", "dvc:train/dvc.yaml/evaluate") is Answer.YES
