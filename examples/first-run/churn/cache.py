"""The cache of recent scores, and the queue of those to come."""

from __future__ import annotations

import os

import redis

HOST = os.environ.get("REDIS_HOST", "localhost")


def connect(timeout: float = 0.2) -> redis.Redis:
    """A client that gives up after *timeout* seconds; soon, by default: a score can always be computed."""
    return redis.Redis(host=HOST, port=6379, socket_timeout=timeout, socket_connect_timeout=0.2)
