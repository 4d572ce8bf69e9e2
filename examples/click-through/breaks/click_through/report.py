"""Writes the clicks of each channel for the newsletter's editors; a CronJob runs it.

    python -m click_through.report
"""

from __future__ import annotations

import pandas as pd
from sqlalchemy import create_engine, text

from click_through.settings import WAREHOUSE_URL

CLICKS = text("select shown_on, channel, clicked from marts.training_examples")


def report() -> pd.DataFrame:
    with create_engine(WAREHOUSE_URL).connect() as connection:
        clicks = pd.DataFrame()
        for chunk in pd.read_sql(CLICKS, connection, chunksize=100_000):
            clicks = pd.concat([clicks, chunk], ignore_index=True)
    return clicks.groupby(["shown_on", "channel"], as_index=False)["clicked"].mean()


if __name__ == "__main__":
    report().to_parquet("/out/report.parquet")
