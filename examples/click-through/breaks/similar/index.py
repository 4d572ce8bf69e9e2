"""Writes the vectors of new articles; a CronJob runs it.

    python -m similar.index
"""

from __future__ import annotations

import os

from sqlalchemy import create_engine, text

from similar.embedding import embed

NEW = text("select article_id, title from raw.articles where article_id not in (select article_id from vectors.articles)")
WRITE = text("insert into vectors.articles (article_id, embedding) values (:article_id, :embedding)")


def main() -> None:
    with create_engine(os.environ["PGVECTOR_URL"]).begin() as connection:
        rows = connection.execute(NEW).all()
        vectors = embed([row.title for row in rows]) if rows else []
        for row, vector in zip(rows, vectors, strict=True):
            connection.execute(WRITE, {"article_id": row.article_id, "embedding": str(vector)})


if __name__ == "__main__":
    main()
