"""What is said of Kubeflow Pipelines' samples against what its compiler makes of them (see README.md)."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest


def comparison() -> ModuleType:
    """The script beside this file, as a module."""
    return importlib.import_module("compare_kfp")


@pytest.mark.fidelity
def test_nothing_is_missed_or_invented_in_kubeflows_samples() -> None:
    """In every pipeline that we say we could tell all of, steps and edges are exactly those of the compiler."""
    tree = os.environ.get("MLBREAKS_KFP_TREE", "")
    pythons = os.environ.get("MLBREAKS_KFP_PYTHONS", "")
    if not tree or not pythons:
        pytest.skip("MLBREAKS_KFP_TREE names no checkout of kubeflow/pipelines, or MLBREAKS_KFP_PYTHONS no interpreter")
    compare = comparison()
    for python in pythons.split(os.pathsep):
        outcome = compare.compare(compare.dump(python, tree), tree)
        for kind, count in outcome.counts.items():
            assert count.known, f"KFP {outcome.version} has no {kind} at all: nothing was compared"
            assert not count.missed, f"KFP {outcome.version}: {kind}"
            assert not count.invented, f"KFP {outcome.version}: {kind}"
            assert count.found >= 0.99 * count.known, f"KFP {outcome.version}: {kind}"


def test_a_compiled_pipeline_is_laid_open() -> None:
    """Steps by their path; what comes after a graph comes after what that ends with."""
    leaf = {"componentRef": {"name": "comp-leaf"}}
    spec = {
        "pipelineInfo": {"name": "p"},
        "components": {"comp-in": {"dag": {"tasks": {"a": leaf, "b": {**leaf, "dependentTasks": ["a"]}}}}},
        "root": {
            "dag": {
                "tasks": {
                    "in": {"componentRef": {"name": "comp-in"}, "parameterIterator": {}},
                    "c": {**leaf, "dependentTasks": ["in"]},
                }
            }
        },
    }
    told = comparison().compiled(spec)
    assert told.steps == {"in/a", "in/b", "c"}
    assert told.edges == {"in/a -> in/b", "in/b -> c"}
    assert told.mapped == {"in/a", "in/b"}
