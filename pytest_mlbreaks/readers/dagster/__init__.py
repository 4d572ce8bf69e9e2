"""Dagster: assets, ops, graphs and jobs, schedules, and the definitions that take them in. Link puts them together.

Rules are those of https://docs.dagster.io/api/dagster/assets and of dagster 1.13: an asset is called by its ``key``, or
by ``key_prefix`` and ``name``, or by its function; a parameter names the asset that it takes, unless it is the context,
``config``, or a resource; the calls in the body of a graph or job are its nodes, a second one of a name is ``NAME_2``.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import DagsterAsset, DagsterDefinitions, DagsterGraph, DagsterTimer, EnvRead
from pytest_mlbreaks.readers.dagster.assets import assets
from pytest_mlbreaks.readers.dagster.graphs import graphs
from pytest_mlbreaks.readers.dagster.locations import definitions, timers, variables
from pytest_mlbreaks.reading import Reader, Wanted


def claims(path: str) -> bool:
    """Python source."""
    return path.endswith(".py")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What one module defines for Dagster. What does not parse is the Python reader's to report."""
    if file.tree is None or not any(root.startswith("dagster") for root in file.roots):
        return
    yield from assets(file)
    yield from graphs(file)
    yield from definitions(file)
    yield from timers(file)
    yield from variables(file)


__all__ = ["READER", "claims", "read"]
READER = Reader(
    "dagster", 1, PYTHON, (DagsterAsset, DagsterGraph, DagsterDefinitions, DagsterTimer, EnvRead), claims, read
)
