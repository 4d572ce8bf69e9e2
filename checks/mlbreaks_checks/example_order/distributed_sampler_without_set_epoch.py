"""A distributed sampler is not told the epoch, so that every epoch has the same order."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1")


@check.over(facts.EpochSampler)
def find(sampler: facts.EpochSampler, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Samplers whose file runs through epochs and never calls set_epoch."""
    if sampler.told:
        return
    if sampler.trainer:
        yield Unjudged(sampler.place, "a training framework may tell the sampler the epoch")
    elif sampler.loop is None:
        yield Unjudged(sampler.place, "the loop over epochs is not in the sampler's file")
    else:
        yield Finding(
            at=sampler.place,
            message="A DistributedSampler shuffles by its seed and the epoch, and set_epoch is never called: each "
            "epoch gives every process the same examples in the same order as the first.",
            because=((sampler.loop, "the loop over epochs, without set_epoch"),),
        )
