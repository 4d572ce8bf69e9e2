"""How many processes a web server starts its application in."""

from __future__ import annotations

import re

from mlbreaks_checks._shells import of_process
from pytest_mlbreaks.api import Pipeline, Place, Process

_WORKERS = re.compile(r"\b(?:gunicorn|uvicorn|hypercorn)\b[^\n;&|]*?\s(?:-w\s*|--workers[ =])['\"]?(\d+)")


def of(process: Process, pipeline: Pipeline) -> tuple[int, Place, bool]:
    """How many workers the server starts, where that is said, and whether it loads the application before it forks."""
    for started in of_process(process, pipeline):
        match = _WORKERS.search(started.text)
        if match is not None:
            return int(match[1]), started.place, "--preload" in started.text
    value = process.variables.get("WEB_CONCURRENCY")
    only = value.only if value is not None else None
    if only is not None and str(only.value).isdigit():
        return int(str(only.value)), only.origins[0].place if only.origins else process.place, False
    return 1, process.place, False
