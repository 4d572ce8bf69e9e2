"""Vector stores: which collection, index, table or folder code makes, fills and asks, and by which embedding model.

Arguments are those of each client's documentation: https://docs.trychroma.com/reference/python/client,
https://python-client.qdrant.tech, https://docs.pinecone.io/reference/python-sdk,
https://milvus.io/api-reference/pymilvus, https://faiss.ai, https://python.langchain.com/api_reference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal as L

from pytest_mlbreaks.formats.python import CallSite, PythonFile
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import VectorStoreUse
from pytest_mlbreaks.readers.ml_code.nodes import argument, value

Mode = L["create", "write", "read", "open"]

ROOTS = frozenset(
    {
        *("chromadb", "qdrant_client", "pinecone", "faiss", "weaviate", "pymilvus"),
        *("langchain", "langchain_community", "langchain_chroma", "langchain_qdrant", "langchain_pinecone"),
        *("langchain_milvus", "langchain_postgres", "langchain_weaviate"),
    }
)
"""Packages without which no call here means a vector store."""


@dataclasses.dataclass(frozen=True)
class _Use:
    """What one call does; the target is at *position* or under one of *names*; *default* is what holds without it."""

    store: str
    mode: Mode
    position: int | None
    names: tuple[str, ...]
    embedding: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    default: str = ""


_CHROMA = _Use("chroma", "open", None, ("collection_name",), ("embedding_function", "embedding"), default="langchain")
_COLLECTION = ("collection_name",)

_METHODS: dict[str, tuple[tuple[tuple[str, ...], _Use], ...]] = {
    "get_or_create_collection": ((("chromadb.", "*"), _Use("chroma", "open", 0, ("name",), ("embedding_function",))),),
    "get_collection": ((("chromadb.",), _Use("chroma", "read", 0, ("name",), ("embedding_function",))),),
    "create_collection": (
        (("chromadb.",), _Use("chroma", "create", 0, ("name",), ("embedding_function",))),
        (("qdrant_client.",), _Use("qdrant", "create", 0, _COLLECTION)),
        (("pymilvus.",), _Use("milvus", "create", 0, _COLLECTION, dimensions=("dimension",))),
    ),
    "recreate_collection": ((("qdrant_client.", "*"), _Use("qdrant", "create", 0, _COLLECTION)),),
    "query_points": ((("qdrant_client.", "*"), _Use("qdrant", "read", 0, _COLLECTION)),),
    "upsert": (
        (("qdrant_client.",), _Use("qdrant", "write", 0, _COLLECTION)),
        (("pymilvus.",), _Use("milvus", "write", 0, _COLLECTION)),
    ),
    "search": (
        (("qdrant_client.",), _Use("qdrant", "read", 0, _COLLECTION)),
        (("pymilvus.MilvusClient",), _Use("milvus", "read", 0, _COLLECTION)),
    ),
    "insert": ((("pymilvus.MilvusClient",), _Use("milvus", "write", 0, _COLLECTION)),),
    "create_index": ((("pinecone.",), _Use("pinecone", "create", 0, ("name",), dimensions=("dimension",))),),
    "Index": ((("pinecone.",), _Use("pinecone", "open", 0, ("name", "index_name"))),),
    "create_class": ((("weaviate.",), _Use("weaviate", "create", None, ("class_name",))),),
    "save_local": ((("langchain", "*"), _Use("faiss", "write", 0, ("folder_path",))),),
}
"""By method: what the callee begins with ("*" for a method of a value that is not known), and what it does."""

_CALLS: dict[str, _Use] = {
    "faiss.read_index": _Use("faiss", "read", 0, ("fname",)),
    "faiss.write_index": _Use("faiss", "write", 1, ("fname",)),
    "pymilvus.Collection": _Use("milvus", "open", 0, ("name",)),
}
_LANGCHAIN: dict[str, _Use] = {
    "Chroma": _CHROMA,
    "Chroma.from_documents": dataclasses.replace(_CHROMA, mode="write"),
    "Chroma.from_texts": dataclasses.replace(_CHROMA, mode="write"),
    "FAISS.load_local": _Use("faiss", "read", 0, ("folder_path",), ("embeddings",)),
    "Milvus": _Use("milvus", "open", None, _COLLECTION, ("embedding_function",), default="LangChainCollection"),
    "PGVector": _Use("pgvector", "open", None, _COLLECTION, ("embeddings", "embedding_function"), default="langchain"),
    "QdrantVectorStore": _Use("qdrant", "open", None, _COLLECTION, ("embedding",)),
    "PineconeVectorStore": _Use("pinecone", "open", None, ("index_name",), ("embedding",)),
}
"""Of LangChain's packages, by the end of the callee."""


def read(file: PythonFile) -> Iterator[Fact]:
    """The uses in one module that imports one of `ROOTS`."""
    for callee, sites in file.calls_by_name.items():
        use = _use(callee)
        if use is not None:
            for site in sites:
                yield from _stated(file, site, use, callee)


def _use(callee: str) -> _Use | None:
    if callee in _CALLS:
        return _CALLS[callee]
    parts = callee.split(".")
    if callee.startswith("langchain") and "()" not in callee:
        found = _LANGCHAIN.get(".".join(parts[-2:])) or _LANGCHAIN.get(parts[-1])
        if found is not None:
            return found
    for roots, use in _METHODS.get(parts[-1], ()):
        if any(callee.startswith("*.") if root == "*" else callee.startswith(root) for root in roots):
            return use
    return None


def _stated(file: PythonFile, site: CallSite, use: _Use, callee: str) -> Iterator[Fact]:
    node, scope = site.node, site.scope
    named = argument(node, use.position, *use.names)
    target = value(file, named, scope)
    if target is None and use.default and not any(keyword.arg is None for keyword in node.keywords):
        target = Literal(use.default)
    if target is None:
        return
    yield VectorStoreUse(
        store=use.store,
        mode=use.mode,
        target=target,
        embedding=value(file, argument(node, None, *use.embedding), scope) if use.embedding else None,
        dimensions=value(file, argument(node, None, *use.dimensions), scope) if use.dimensions else None,
        api=callee,
        scope=scope.function,
        place=file.place(node),
    )
