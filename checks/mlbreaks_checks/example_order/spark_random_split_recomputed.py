"""A Spark frame that comes out otherwise each time is split at random, so that the parts overlap."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")


def _divides(split: facts.SparkSplit, pipeline: Pipeline) -> bool:
    return split.parts != 1


@check.over(facts.SparkSplit, where=_divides)
def find(split: facts.SparkSplit, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Splits of what is made by chance after a shuffle, and kept nowhere."""
    if split.kept:
        return
    if not split.lottery and not split.shuffle:
        yield Unjudged(split.place, "how the frame is made is not in the function that splits it")
    if split.lottery_place is None or split.shuffle_place is None:
        return
    yield Finding(
        at=split.place,
        message=f"{split.frame or 'The frame'} is computed anew for each part of randomSplit, and does not come out "
        f"the same: {split.lottery} depends on the order of rows, which {split.shuffle} changes from run to run. "
        "Rows of the test set are in the training set as well, and others in neither; a seed does not help.",
        because=(
            (split.lottery_place, f"{split.lottery} goes by the order in which rows arrive"),
            (split.shuffle_place, f"{split.shuffle} lets them arrive in any order"),
        ),
    )
