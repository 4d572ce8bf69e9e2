"""Answers with the probability that each candidate is clicked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mlflow
import pandas as pd
from fastapi import FastAPI, Request
from pydantic import BaseModel

from sklearn.preprocessing import OrdinalEncoder

from click_through.features import CATEGORICAL, features_of
from click_through.settings import model_uri


class Candidate(BaseModel):
    position: int
    age_days: float
    clicks_7d: int
    channel: str
    country: str


class ScoreRequest(BaseModel):
    candidates: list[Candidate]


class ScoreReply(BaseModel):
    scores: list[float]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.model = mlflow.sklearn.load_model(model_uri())
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/score")
async def score(body: ScoreRequest, request: Request) -> ScoreReply:
    frame = pd.DataFrame([candidate.model_dump() for candidate in body.candidates])
    features = features_of(frame)
    features[CATEGORICAL] = OrdinalEncoder().fit_transform(features[CATEGORICAL])
    scores = request.app.state.model.predict_proba(features)[:, 1]
    return ScoreReply(scores=scores.tolist())
