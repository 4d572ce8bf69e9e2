"""Orders the articles of today's newsletter; a CronJob runs it.

    python -m client.newsletter
"""

from __future__ import annotations

import os

from sqlalchemy import create_engine, text

from client.scores import scores

CANDIDATES = text("select article_id, position, age_days, clicks_7d, channel, country from marts.candidates")
ORDER = text("insert into newsletter.articles (article_id, score) values (:article_id, :score)")


def main() -> None:
    with create_engine(os.environ["WAREHOUSE_URL"]).begin() as connection:
        candidates = [dict(row._mapping) for row in connection.execute(CANDIDATES)]
        articles = [candidate.pop("article_id") for candidate in candidates]
        for article, score in zip(articles, scores(candidates), strict=True):
            connection.execute(ORDER, {"article_id": article, "score": score})


if __name__ == "__main__":
    main()
