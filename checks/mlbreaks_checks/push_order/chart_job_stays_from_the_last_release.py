"""A Job of a Helm chart runs with the first release, and with no other.

Its name stays, so that an upgrade finds the finished one: it leaves that as it is, or is refused where its pods would
change, which Kubernetes does not allow.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, aside, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")


def _is_of_a_chart(job: facts.LastingJob, pipeline: Pipeline) -> bool:
    return not aside(job.path)


@check.over(facts.LastingJob, where=_is_of_a_chart)
def find(job: facts.LastingJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the Jobs of each chart that are ordinary objects of it; one finding for those of a chart."""
    if any(one.kind == "Job" for one in pipeline.index(facts.GuardedObject, "path").get(job.path, ())):
        yield Unjudged(job.place, "it is rendered only while there is none")
        return
    name = f"Job {job.name}" if "{{" not in job.name and "." not in job.name else "This job"
    yield Finding(
        at=job.place,
        message=f"{name} is no hook, and is called the same in each release: `helm upgrade` leaves the one that has "
        "finished, so that it does not run again, or fails (`field is immutable`) where its image or command changed.",
        about=(job.name,),
        group=job.chart,
        note=f"{name} is like it",
    )
