"""Training."""

from __future__ import annotations

import fsspec
import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from churn.features import COLUMNS


def train(features: str, model: str) -> str:
    """Fit on the table at *features* and write the model to *model*."""
    table = pd.read_parquet(features)
    known, held_out = train_test_split(table, test_size=0.2, random_state=7, stratify=table["churned"])
    classifier = LogisticRegression(max_iter=500, random_state=7).fit(known[COLUMNS], known["churned"])
    score = classifier.score(held_out[COLUMNS], held_out["churned"])
    if score < 0.7:
        raise ValueError(f"accuracy {score:.2f} on held-out customers is below 0.70; the model is not written")
    with fsspec.open(model, "wb") as file:
        joblib.dump(classifier, file)
    return model
