"""Fills the cache with the scores that were asked for most."""

from __future__ import annotations

import sys

from churn.cache import connect


def main() -> None:
    client = connect()
    for line in sys.stdin:
        key, _, score = line.strip().partition(" ")
        client.set(key, float(score), ex=600)


if __name__ == "__main__":
    main()
