"""Writes the clicks of each channel for the newsletter's editors; a CronJob runs it.

    python -m click_through.report
"""

from __future__ import annotations

import pandas as pd
from sqlalchemy import create_engine, text

from click_through.settings import WAREHOUSE_URL

CHANNELS = text("select distinct channel from marts.training_examples order by channel")
CLICKS = text("select shown_on, avg(clicked) as rate from marts.training_examples where channel = :channel group by 1")


def report() -> pd.DataFrame:
    with create_engine(WAREHOUSE_URL).connect() as connection:
        channels = [row.channel for row in connection.execute(CHANNELS)]
        result = pd.DataFrame()
        for channel in channels:
            part = pd.read_sql(CLICKS, connection, params={"channel": channel}).assign(channel=channel)
            result = pd.concat([result, part], ignore_index=True)
    return result


if __name__ == "__main__":
    report().to_parquet("/out/report.parquet")
