"""A label that did not arrive becomes a class: its gap is filled behind an outer join."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("data-join",))


def _elsewhere(label: facts.FilledLabel, pipeline: Pipeline) -> bool:
    return not tried_out(label.path)


@check.over(facts.FilledLabel, where=_elsewhere)
def find(label: facts.FilledLabel, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Targets that are filled with a constant and whose rows come from an outer join."""
    if label.joined is None:
        yield Unjudged(label.place, "why the label can be missing is not in its function")
        return
    yield Finding(
        at=label.place,
        message=f"Where the {label.how} join finds no label, {label.column!r} becomes {label.value}, and the model is "
        "trained on that: on the day when labels are late, everything recent is an example of it.",
        because=(
            (label.joined, f"the {label.how} join leaves it empty where nothing is found"),
            (label.used, f"{label.column!r} is what the model is trained on"),
        ),
        about=(label.column,),
    )
