"""Python code of tools around models: Feast, vector stores, Ray Serve, and the SDKs of SageMaker and Vertex AI.

One reader for all; each part looks at a file only where the file's text names its library.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import (
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
from pytest_mlbreaks.readers.ml_code import cloud, feast, serve, vectors
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The facts of one module. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    roots = file.roots
    if "feast" in roots or file.mentions(b"get_online_features") or file.mentions(b"get_historical_features"):
        yield from feast.read(file)
    if not roots.isdisjoint(vectors.ROOTS):
        yield from vectors.read(file)
    if "ray" in roots:
        yield from serve.read(file)
    if not roots.isdisjoint(cloud.ROOTS):
        yield from cloud.read(file)


__all__ = ["READER", "read"]
_FACTS = (
    *(FeatureSource, FeatureView, FeatureService, FeatureRead, FeatureWrite),
    *(VectorStoreUse, ServedModel, Schedule, Step, Edge),
)
READER: Reader[PythonFile] = Reader("ml-code", 1, PYTHON, _FACTS, claims, read)
