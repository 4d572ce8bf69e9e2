"""Builds yesterday's features from the event log."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.decorators import dag, task

EVENTS = "s3://acme-churn/events/{ds}.parquet"
FEATURES = "s3://acme-churn/features/{ds}.parquet"


@dag(
    dag_id="churn_features",
    schedule="0 3 * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10), "execution_timeout": timedelta(hours=1)},
)
def churn_features():
    @task
    def write_features(ds: str | None = None) -> str:
        import pandas as pd

        from churn.features import build

        target = FEATURES.format(ds=ds)
        build(pd.read_parquet(EVENTS.format(ds=ds))).to_parquet(target)
        return target

    write_features()


churn_features()
