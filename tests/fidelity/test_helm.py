"""Charts against Helm, and kustomizations against kustomize, where these are installed (see README.md)."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest


def named(variable: str) -> list[str]:
    """The paths that an environment variable names."""
    return [path for path in os.environ.get(variable, "").split(os.pathsep) if path]


def comparison(name: str) -> ModuleType:
    """A script beside this file, as a module."""
    return importlib.import_module(name)


@pytest.mark.fidelity
def test_nothing_is_invented_in_charts() -> None:
    """What we say of a chart's containers, images, variables, ports and replicas is what Helm makes of its values."""
    programs = named("MLBREAKS_HELM_PROGRAMS")
    if not programs:
        pytest.skip("MLBREAKS_HELM_PROGRAMS names no program")
    compare = comparison("compare_helm")
    for program in programs:
        outcome = compare.compare(program, named("MLBREAKS_HELM_CHARTS"))
        assert outcome.counts["containers"].known
        for kind, count in outcome.counts.items():
            assert not count.missed, f"Helm {outcome.version}: {kind}"
            assert not count.invented, f"Helm {outcome.version}: {kind}"


@pytest.mark.fidelity
def test_kustomizations_come_to_what_kustomize_makes_of_them() -> None:
    """Nothing is missed and nothing invented; what differs are the ``vars`` that kustomize has given up."""
    programs, examples = named("MLBREAKS_KUBECTL_PROGRAMS"), named("MLBREAKS_KUSTOMIZE_EXAMPLES")
    if not programs or not examples:
        pytest.skip("MLBREAKS_KUBECTL_PROGRAMS and MLBREAKS_KUSTOMIZE_EXAMPLES name no program or no examples")
    compare = comparison("compare_kustomize")
    for program in programs:
        outcome = compare.compare(program, examples)
        assert outcome.known
        assert not outcome.missed, f"kustomize {outcome.version}"
        assert not outcome.invented, f"kustomize {outcome.version}"
        assert all("wordpress" in one for one in outcome.differing), f"kustomize {outcome.version}"


def test_a_value_that_can_not_be_told_is_open() -> None:
    """Only a value that we state, and Helm does not make, is invented."""
    compare = comparison("compare_helm")
    count = compare.Count()
    count.value("a", "1", compare.Value.of("1"))
    count.value("b", "1", compare.Value.unknown("x"))
    count.value("c", "1", compare.Value.of("2"))
    count.value("d", "1", None)
    assert (count.known, count.found, count.open, count.missed) == (4, 1, ["b"], ["c", "d"])
    assert count.invented == ["c: '2', and it is '1'"]
