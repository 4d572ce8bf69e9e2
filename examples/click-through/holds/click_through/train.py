"""Trains on the labelled days up to DAY and registers the model.

    python -m click_through.train --day 2024-05-01
"""

from __future__ import annotations

import argparse
import datetime as dt

import mlflow
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder
from sqlalchemy import create_engine, text

from click_through.features import CATEGORICAL, TARGET, features_of
from click_through.settings import MODEL_NAME, WAREHOUSE_URL, params

EXAMPLES = text(
    "select * from marts.training_examples where shown_on > :first and shown_on <= :last order by shown_on"
)


def examples(last: dt.date, days: int) -> pd.DataFrame:
    """The labelled examples of *days* days up to *last*."""
    with create_engine(WAREHOUSE_URL).connect() as connection:
        span = {"first": last - dt.timedelta(days=days), "last": last}
        return pd.read_sql(EXAMPLES, connection, params=span)


def train(day: dt.date, register: bool = True) -> str:
    """Train on everything but the last two days, which evaluation keeps; gives the version if it is registered."""
    settings = params("train")
    frame = examples(day - dt.timedelta(days=2), int(settings["days"]))
    assert frame[TARGET].isin([0, 1]).all(), "labels have to be 0 or 1"
    X, y = features_of(frame), frame[TARGET]
    X_train, X_late, y_train, y_late = train_test_split(X, y, test_size=0.1, shuffle=False)
    model = make_pipeline(
        make_column_transformer((TargetEncoder(), CATEGORICAL), remainder="passthrough"),
        SelectKBest(k=4),
        HistGradientBoostingClassifier(
            learning_rate=settings["learning_rate"],
            max_iter=int(settings["max_iter"]),
            early_stopping=bool(settings["early_stopping"]),
            random_state=7,
        ),
    )
    with mlflow.start_run():
        model.fit(X_train, y_train)
        mlflow.log_params(settings)
        mlflow.log_metric("auc", roc_auc_score(y_late, model.predict_proba(X_late)[:, 1]))
        logged = mlflow.sklearn.log_model(
            model, "model", registered_model_name=MODEL_NAME if register else None, input_example=X_train.head(3)
        )
    return str(logged.registered_model_version)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--register", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    print(train(options.day, options.register))


if __name__ == "__main__":
    main()
