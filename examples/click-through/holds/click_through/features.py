"""The features, for training, evaluation and serving alike."""

from __future__ import annotations

import pandas as pd

NUMERIC = ["position", "age_days", "clicks_7d"]
CATEGORICAL = ["channel", "country"]
COLUMNS = [*NUMERIC, *CATEGORICAL]
TARGET = "clicked"


def features_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that the model takes, in its order and with its types."""
    features = frame.reindex(columns=COLUMNS)
    assert features["position"].dropna().between(1, 50).all(), "positions are counted from 1"
    features[NUMERIC] = features[NUMERIC].astype("float64")
    features[CATEGORICAL] = features[CATEGORICAL].astype("string")
    return features
