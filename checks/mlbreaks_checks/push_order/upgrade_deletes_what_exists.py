"""The next upgrade of a Helm chart deletes what the chart made

Helm deletes what the last release had and the new one has not. What is rendered only while it does not exist is there
after the first release, so that the second renders none of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_GONE_ANYWAY = frozenset({"Job", "Pod"})
"""Kinds that have done their work when the next release comes."""
_HAS_DATA = frozenset({"PersistentVolumeClaim", "StatefulSet", "Secret", "CronJob", "Namespace"})
"""Kinds with which something is lost that the next release does not bring back, or that nobody misses at once."""
_WHEN = {"lookup": "only while there is none", "install": "only when the chart is installed"}


def _stays(guarded: facts.GuardedObject, _: Pipeline) -> bool:
    return guarded.kind not in _GONE_ANYWAY


@check.over(facts.GuardedObject, where=_stays)
def find(guarded: facts.GuardedObject, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each object of a chart that has such a condition; one finding for those of a chart."""
    if guarded.kept:
        return
    if guarded.kept is None:
        yield Unjudged(guarded.place, "a template makes its annotations")
    elif not guarded.itself:
        yield Unjudged(guarded.place, "whether it is what is looked up can't be told")
    elif _by_argo_cd(guarded.chart, pipeline):
        yield Unjudged(guarded.place, "Argo CD renders the chart, and looks nothing up")
    else:
        yield Finding(
            at=guarded.place,
            message=(
                f"{_shown(guarded)} is rendered {_WHEN[guarded.guard]}: the next `helm upgrade` renders none, and Helm"
                " deletes the one that the release before has made."
            ),
            about=(guarded.identity,),
            severity=None if guarded.kind in _HAS_DATA else Severity.MEDIUM,
            lowered="" if guarded.kind in _HAS_DATA else "the release after brings it back as it was",
            group=guarded.chart,
            note=f"{_shown(guarded)} is rendered {_WHEN[guarded.guard]}, too",
        )


def _shown(guarded: facts.GuardedObject) -> str:
    return guarded.kind if "{{" in guarded.name or not guarded.name else f"{guarded.kind} {guarded.name}"


def _by_argo_cd(chart: str, pipeline: Pipeline) -> bool:
    sources = (pipeline.pattern(one.source) for one in pipeline.all(facts.Application) if one.source is not None)
    return any(source.strip("./") == chart or source.endswith(f"/{chart}") or "{*}" in source for source in sources)
