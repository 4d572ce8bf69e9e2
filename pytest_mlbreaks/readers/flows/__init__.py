"""Flows that are written as Python code: Metaflow, Prefect, Flyte and ZenML."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import DatasetAccess, FlowClass, FlowCode, FlowDeployment, FlowTask
from pytest_mlbreaks.readers.flows import flyte, metaflow, prefect, zenml
from pytest_mlbreaks.readers.flows.prefect_yaml import READER as PREFECT_YAML
from pytest_mlbreaks.reading import Reader, Wanted

_TOOLS: tuple[tuple[frozenset[str], Callable[[PythonFile], Iterator[Fact | Diagnostic]]], ...] = (
    (frozenset({"metaflow"}), metaflow.read),
    (frozenset({"prefect"}), prefect.read),
    (flyte.PACKAGES, flyte.read),
    (frozenset({zenml.PACKAGE}), zenml.read),
)


def claims(path: str) -> bool:
    """Python source."""
    return path.endswith(".py")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The flows of one module. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    for packages, reading in _TOOLS:
        if not file.roots.isdisjoint(packages):
            yield from reading(file)


__all__ = ["PREFECT_YAML", "READER", "claims", "read"]
READER = Reader("flows", 2, PYTHON, (FlowClass, FlowTask, FlowCode, FlowDeployment, DatasetAccess), claims, read)
