"""Trains on the features of the day, once they are there."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.decorators import dag, task
from airflow.sensors.external_task import ExternalTaskSensor

FEATURES = "s3://acme-churn/features/{ds}.parquet"
MODEL = "s3://acme-churn/models/{ds}/churn.joblib"
CURRENT = "s3://acme-churn/models/current/churn.joblib"


@dag(
    dag_id="churn_training",
    schedule="0 3 * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=15), "execution_timeout": timedelta(hours=3)},
)
def churn_training():
    features_ready = ExternalTaskSensor(
        task_id="features_ready",
        external_dag_id="churn_features",
        external_task_id="publish_features",
        mode="reschedule",
        poke_interval=300,
        timeout=2 * 60 * 60,
    )

    @task
    def train_model(ds: str | None = None) -> str:
        from churn.train import train

        return train(FEATURES.format(ds=ds), MODEL.format(ds=ds))

    @task
    def promote(model: str) -> None:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        S3Hook().copy_object(source_bucket_key=model, dest_bucket_key=CURRENT)

    trained = train_model()
    features_ready >> trained
    promote(trained)


churn_training()
