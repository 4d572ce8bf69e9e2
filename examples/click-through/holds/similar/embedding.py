"""The one embedder of articles, for the index and for queries."""

from __future__ import annotations

import httpx

MODEL = "text-embedding-3-small"
DIMENSIONS = 1536


def embed(texts: list[str], key: str) -> list[list[float]]:
    reply = httpx.post(
        "https://api.openai.com/v1/embeddings",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": MODEL, "input": texts},
        timeout=20,
    )
    reply.raise_for_status()
    return [item["embedding"] for item in reply.json()["data"]]
