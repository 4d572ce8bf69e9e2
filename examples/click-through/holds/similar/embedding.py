"""The embedder of articles, for the index and for queries alike."""

from __future__ import annotations

import os

import requests

MODEL = os.environ["EMBEDDING_MODEL"]
URL = "https://api.openai.com/v1/embeddings"


def embed(texts: list[str]) -> list[list[float]]:
    """One vector for each of *texts*."""
    key = os.environ["OPENAI_API_KEY"]
    reply = requests.post(
        URL, json={"model": MODEL, "input": texts}, headers={"Authorization": f"Bearer {key}"}, timeout=20
    )
    reply.raise_for_status()
    return [item["embedding"] for item in reply.json()["data"]]
