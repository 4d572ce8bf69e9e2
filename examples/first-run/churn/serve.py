"""The scoring service."""

from __future__ import annotations

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

from churn.cache import connect
from churn.features import COLUMNS

app = FastAPI()
cache = connect()
model = joblib.load(os.environ["MODEL_PATH"])


class Customer(BaseModel):
    """What a client sends."""

    customer_id: str
    days_since_login: int
    orders_90d: int
    tickets_90d: int


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/score")
def score(customer: Customer) -> dict[str, float]:
    row = customer.model_dump()
    key = "score:" + ":".join(str(row[name]) for name in ["customer_id", *COLUMNS])
    known = cache.get(key)
    if known is None:
        known = float(model.predict_proba(pd.DataFrame([row])[COLUMNS])[0, 1])
        cache.set(key, known, ex=600)
    return {"score": float(known)}


@app.post("/score-later")
def score_later(customer: Customer) -> dict[str, int]:
    return {"waiting": cache.rpush("score:requests", customer.model_dump_json())}
