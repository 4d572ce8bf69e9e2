"""Compares the newest version with the one that serves, on the two days that neither has seen, and approves it or fails.

    python -m click_through.evaluate --day 2024-05-01
"""

from __future__ import annotations

import argparse
import datetime as dt
import math

import mlflow
from mlflow import MlflowClient
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OrdinalEncoder

from click_through.features import CATEGORICAL, TARGET, features_of
from click_through.settings import MODEL_NAME, params
from click_through.train import examples


def evaluate(day: dt.date) -> None:
    frame = examples(day, 2)
    client = MlflowClient()
    newest = max(client.search_model_versions(f"name='{MODEL_NAME}'"), key=lambda version: int(version.version))
    model = mlflow.sklearn.load_model(f"models:/{MODEL_NAME}/{newest.version}")
    features = features_of(frame)
    features[CATEGORICAL] = OrdinalEncoder().fit_transform(features[CATEGORICAL])
    auc = roc_auc_score(frame[TARGET], model.predict_proba(features)[:, 1])
    if not math.isfinite(auc) or auc < params("evaluate")["min_auc"]:
        raise SystemExit(f"version {newest.version} has an AUC of {auc}")
    client.set_model_version_tag(MODEL_NAME, newest.version, "approved", "true")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=dt.date.fromisoformat, required=True)
    evaluate(parser.parse_args().day)


if __name__ == "__main__":
    main()
