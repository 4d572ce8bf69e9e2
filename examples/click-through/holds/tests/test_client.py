from __future__ import annotations

import httpx

from client import scores


def test_scores_come_in_the_order_of_the_candidates(monkeypatch):
    def post(url, json, timeout):
        assert url.endswith("/v1/score")
        return httpx.Response(200, json={"scores": [0.5] * len(json["candidates"])}, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx, "post", post)
    assert scores.scores([{}, {}]) == [0.5, 0.5]
