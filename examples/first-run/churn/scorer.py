"""Scores every customer once, again and again, for the campaign list."""

from __future__ import annotations

import os
import time

import joblib
import pandas as pd

from churn.features import COLUMNS

PAUSE = 15 * 60  # seconds


def main() -> None:
    model = joblib.load(os.environ["MODEL_PATH"])
    while True:
        customers = pd.read_parquet(os.environ["CUSTOMERS"])
        customers["score"] = model.predict_proba(customers[COLUMNS])[:, 1]
        customers[["customer_id", "score"]].to_parquet(os.environ["SCORES"])
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
