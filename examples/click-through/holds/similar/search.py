"""Answers with the articles that are nearest to a text."""

from __future__ import annotations

import json
import os

from fastapi import FastAPI
from redis import Redis
from sqlalchemy import create_engine, text

from similar.embedding import embed

NEAREST = text("select article_id from vectors.articles order by embedding <=> :query limit 10")

app = FastAPI()
cache = Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0"), socket_timeout=1)
engine = create_engine(os.environ["PGVECTOR_URL"])


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/similar")
def similar(query: str) -> list[str]:
    known = cache.get(f"similar:{query}")
    if known is not None:
        return json.loads(known)
    (vector,) = embed([query])
    with engine.connect() as connection:
        articles = [row.article_id for row in connection.execute(NEAREST, {"query": str(vector)})]
    cache.set(f"similar:{query}", json.dumps(articles), ex=600)
    return articles
