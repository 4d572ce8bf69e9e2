"""Two services that share a vector store are given different embedding models.

Vectors of two models lie in two spaces: what one has written, the other does not find.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _embedders
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


def _embeds(process: Process, pipeline: Pipeline) -> bool:
    return next(_embedders.models(process, pipeline), None) is not None


def _folder(process: Process) -> str:
    return process.place.path.rpartition("/")[0]


@check.over(Process, where=_embeds)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each process that is given an embedding model, beside those of its folder and environment."""
    others = [
        other
        for other in pipeline.index(Process, _folder)[_folder(process)]
        if other.place.sort_key > process.place.sort_key and other.environment == process.environment
    ]
    stores = _embedders.stores(process)
    for mine in _embedders.models(process, pipeline):
        for other in others:
            theirs = next((g for g in _embedders.models(other, pipeline) if g.name == mine.name), None)
            if theirs is None or _embedders.plain(theirs.text) == _embedders.plain(mine.text):
                continue
            shared = [name for name, text in _embedders.stores(other).items() if stores.get(name) == text]
            if not shared:
                yield Unjudged(mine.place, "whether they share a vector store can't be told")
                continue
            yield _finding(mine, theirs, shared[0])


def _finding(mine: _embedders.Given, theirs: _embedders.Given, shared: str) -> Finding:
    unless = f" Nothing in the tree sets it otherwise ({mine.unless or theirs.unless})." if mine.unless else ""
    return Finding(
        at=theirs.place,
        message=f"{theirs.process.name} embeds by {theirs.text} and {mine.process.name} by {mine.text}, and both use"
        f" one store ({shared}): neither finds what the other has written.{unless}",
        because=(
            (mine.place, f"{mine.process.name} gets {mine.name} {mine.text}"),
            (theirs.process.place, f"{theirs.process.name} has the same {shared}"),
        ),
        about=(mine.process.name, theirs.process.name),
    )
