"""A frame is copied whole for every row, file or page that a loop adds to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_DATA = re.compile(r"iterate_|chunk|loader|batches\b|pages\b|paginat|filings\b|partitions\b")
"""Loops whose turns each bring a piece of data, of which there will be more; not the rows of what is in memory, nor the
files of a folder: up to some hundred of them, reading costs more than copying."""

_MADE_UP = re.compile(r"(test|fake|mock|dummy|sample|synthetic)_?data", re.I)


def _elsewhere(grown: facts.GrownInLoop, pipeline: Pipeline) -> bool:
    return not tried_out(grown.path) and not _MADE_UP.search(grown.path)


@check.over(facts.GrownInLoop, where=_elsewhere)
def find(grown: facts.GrownInLoop, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Frames that grow in a loop over data, the first of each file."""
    if grown.small or grown.reset or grown.needed:
        return
    if not _DATA.search(grown.over):
        yield Unjudged(grown.place, "how often the loop runs can't be told")
        return
    alike = [g for g in pipeline.index(facts.GrownInLoop, "path")[grown.path] if not g.small and not g.reset]
    alike = [g for g in alike if _DATA.search(g.over) and not g.needed]
    if alike[0] is not grown:
        return  # told with the first
    name = grown.api.removeprefix("pandas.").removeprefix("numpy.").removeprefix("torch.").removeprefix("polars.")
    yield Finding(
        at=grown.place,
        message=f"{grown.frame!r} is copied whole by {name} in each turn of the loop over {grown.over}: twice the data "
        "takes four times as long, and memory for two copies of all of it.",
        because=(
            (grown.loop, "the loop runs once for each piece of data"),
            *((g.place, f"{g.frame!r} grows in the same way") for g in alike[1:]),
        ),
    )
