"""Asks the service which articles will be clicked."""

from __future__ import annotations

import os

import requests

SCORER = os.environ["SCORER_URL"]


def scores(candidates: list[dict[str, object]]) -> list[float]:
    """The scores in the order of *candidates*; each has position, age_days, clicks_7d, channel and country."""
    reply = requests.post(f"{SCORER}/score", json={"candidates": candidates}, timeout=2)
    reply.raise_for_status()
    return reply.json()["scores"]
