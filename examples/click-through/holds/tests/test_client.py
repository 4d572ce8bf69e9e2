from __future__ import annotations

import requests

from client import scores


class Reply:
    def __init__(self, count):
        self._count = count

    def raise_for_status(self):
        pass

    def json(self):
        return {"scores": [0.5] * self._count}


def test_scores_come_in_the_order_of_the_candidates(monkeypatch):
    def post(url, json, timeout):
        assert url.endswith("/v1/score")
        return Reply(len(json["candidates"]))

    monkeypatch.setattr(requests, "post", post)
    assert scores.scores([{}, {}]) == [0.5, 0.5]
