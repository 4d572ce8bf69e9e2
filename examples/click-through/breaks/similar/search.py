"""Answers with the articles that are nearest to a text."""

from __future__ import annotations

import os

from fastapi import FastAPI
from sqlalchemy import create_engine, text

from similar.embedding import embed

NEAREST = text("select article_id from vectors.articles order by embedding <=> :query limit 10")

app = FastAPI()
engine = create_engine(os.environ["VECTORS_URL"])


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/similar")
def similar(query: str) -> list[str]:
    (vector,) = embed([query])
    with engine.connect() as connection:
        return [row.article_id for row in connection.execute(NEAREST, {"query": str(vector)})]
