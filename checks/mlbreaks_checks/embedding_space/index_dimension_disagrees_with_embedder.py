"""The length of vectors that is configured is not that of the embedding model.

A store refuses vectors of another length than its index has.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _embedders
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


def _embeds(process: Process, pipeline: Pipeline) -> bool:
    return (
        next(_embedders.models(process, pipeline), None) is not None
        and next(_embedders.dimensions(process, pipeline), None) is not None
    )


@check.over(Process, where=_embeds)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each process that has both an embedding model and a length of vectors."""
    models = list(_embedders.models(process, pipeline))
    lengths = list(_embedders.dimensions(process, pipeline))
    if len(models) > 1 or len(lengths) > 1:
        yield Unjudged(process.place, "it has several embedding models, or several lengths of vectors")
        return
    model, length = models[0], lengths[0]
    name = _embedders.plain(model.text)
    fixed, most = _embedders.FIXED.get(name), _embedders.AT_MOST.get(name)
    if (fixed is None and most is None) or not length.text.isdecimal():
        yield Unjudged(model.place, "the length of this model's vectors is not known")
        return
    number = int(length.text)
    if number == fixed or (most is not None and number <= most):
        return
    has = f"vectors of {fixed}" if fixed is not None else f"vectors of {most} at most"
    yield Finding(
        at=length.place,
        message=f"{process.name} has {length.name} {number}, but {model.text} makes {has}: the store refuses them.",
        because=((model.place, f"{process.name} gets {model.name} {model.text}"),),
        about=(length.name,),
    )
