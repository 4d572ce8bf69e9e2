"""YAML files of tools that train, keep and serve models: MLproject, Feast, BentoML, TorchServe, Databricks bundles.

One reader for all, since each path of a tree is offered to each reader; a file's name tells which of them it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import Edge, FeatureStore, NotebookRun, Schedule, ServedModel, Step, Trigger
from pytest_mlbreaks.readers.ml_files import databricks, mlproject, stores
from pytest_mlbreaks.reading import Reader, Wanted

_BY_NAME: dict[str, Callable[[YamlFile, YamlNode], Iterator[Fact]]] = {
    "MLproject": mlproject.read,
    "feature_store.yaml": stores.feast,
    "feature_store.yml": stores.feast,
    "bentofile.yaml": stores.bentofile,
    "bentofile.yml": stores.bentofile,
    "model-config.yaml": stores.torchserve,
    "model_config.yaml": stores.torchserve,
    "databricks.yml": databricks.read,
    "databricks.yaml": databricks.read,
}
_ENDS = ("MLproject", ".yaml", ".yml")


def claims(path: str) -> bool:
    """Files of these names, and what lies in a folder ``resources``, where bundles keep their jobs."""
    if not path.endswith(_ENDS):
        return False
    return path.rpartition("/")[2] in _BY_NAME or path.startswith("resources/") or "/resources/" in path


def read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The facts of the file's first document; these tools read no other."""
    reads = _BY_NAME.get(file.path.rpartition("/")[2], databricks.read)
    for document in file.documents[:1]:
        if document.is_mapping:
            yield from reads(file, document)


__all__ = ["READER", "claims", "read"]
_FACTS = (Schedule, Step, Edge, Trigger, NotebookRun, FeatureStore, ServedModel)
READER: Reader[YamlFile] = Reader("ml-files", 1, YAML, _FACTS, claims, read)
