"""What checks of embeddings share: which embedding model a process is given, and how long its vectors are."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Pipeline, Place, Process, Setting, Value

_MODEL = re.compile(r"EMBED(DING|DINGS|DER)?_?(MODEL|MODEL_?NAME|MODEL_?ID)$|EMBEDDINGS?_MODEL_|EMBEDDER$")
_DIMENSION = re.compile(r"(EMBED(DING|DINGS)?|VECTOR)_?(DIM|DIMS|DIMENSION|DIMENSIONS|SIZE)$")
_STORE = re.compile(
    r"QDRANT|MILVUS|CHROMA|PINECONE|WEAVIATE|ELASTIC|OPENSEARCH|PGVECTOR|VECTOR_?(STORE|DB)|REDIS|COLLECTION|INDEX_NAME"
    r"|DATABASE_URL|POSTGRES_(HOST|DB)|LANCEDB|FAISS|VESPA"
)

FIXED = {
    "text-embedding-ada-002": 1536,
    "all-minilm-l6-v2": 384,
    "all-minilm-l12-v2": 384,
    "paraphrase-multilingual-minilm-l12-v2": 384,
    "all-mpnet-base-v2": 768,
    "multi-qa-mpnet-base-dot-v1": 768,
    "bge-small-en-v1.5": 384,
    "bge-base-en-v1.5": 768,
    "bge-large-en-v1.5": 1024,
    "bge-m3": 1024,
    "e5-small-v2": 384,
    "e5-base-v2": 768,
    "e5-large-v2": 1024,
    "multilingual-e5-small": 384,
    "multilingual-e5-base": 768,
    "multilingual-e5-large": 1024,
    "gte-small": 384,
    "gte-base": 768,
    "gte-large": 1024,
}
"""Dimensions of models whose vectors have one length, from their cards; by name without owner, in lower case."""

AT_MOST = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
"""Dimensions of models that make shorter vectors where they are asked to."""


@dataclasses.dataclass(frozen=True)
class Given:
    """A value that a process gets for *name*, and the place that says so. *unless*: what would make it another."""

    process: Process
    name: str
    text: str
    place: Place
    unless: str = ""


def models(process: Process, pipeline: Pipeline) -> Iterator[Given]:
    """The embedding models that a process is given, or falls back to."""
    yield from _given(process, pipeline, _MODEL)


def dimensions(process: Process, pipeline: Pipeline) -> Iterator[Given]:
    """The lengths of vectors that a process is given, or falls back to."""
    yield from _given(process, pipeline, _DIMENSION)


def stores(process: Process) -> dict[str, str]:
    """Where a process keeps vectors, as far as its variables tell: text by name."""
    found = {}
    for name, value in process.variables.items():
        told = _one(value)
        if _STORE.search(name) and told is not None and told[0]:
            found[name] = told[0]
    return found


def plain(model: str) -> str:
    """The name of a model without its owner, in lower case."""
    return model.rpartition("/")[2].lower()


def _given(process: Process, pipeline: Pipeline, pattern: re.Pattern[str]) -> Iterator[Given]:
    for name, value in process.variables.items():
        told = _one(value) if pattern.search(name.upper()) else None
        if told is not None:
            yield Given(process, name, told[0], told[1] or process.place, told[2])
    for setting in pipeline.index(Setting, _process_of).get(process.identity, ()):
        if setting.name not in process.variables and setting.known and pattern.search(setting.name.upper()):
            told = _one(setting.value)
            if told is not None:
                yield Given(process, setting.name, told[0], setting.read.place, told[2])


def _one(value: Value) -> tuple[str, Place | None, str] | None:
    """The one thing that a value can be, where it says so, and what would make it another."""
    if len(value.alternatives) != 1 or value.alternatives[0].secret or value.alternatives[0].value is None:
        return None
    alternative = value.alternatives[0]
    place = alternative.origins[0].place if alternative.origins else None
    return str(alternative.value).strip("\"' "), place, "" if value.complete else value.reason


def _process_of(setting: Setting) -> str:
    return setting.process.identity
