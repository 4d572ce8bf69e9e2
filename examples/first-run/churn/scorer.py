"""Works off the scores that clients did not want to wait for."""

from __future__ import annotations

import json
import os

import joblib
import pandas as pd

from churn.cache import connect
from churn.features import COLUMNS


def main() -> None:
    model = joblib.load(os.environ["MODEL_PATH"])
    queue = connect(timeout=30)
    while True:
        waiting = queue.blpop(["score:requests"], timeout=10)
        if waiting is not None:
            row = json.loads(waiting[1])
            score = float(model.predict_proba(pd.DataFrame([row])[COLUMNS])[0, 1])
            queue.rpush(f"score:answers:{row['customer_id']}", score)


if __name__ == "__main__":
    main()
