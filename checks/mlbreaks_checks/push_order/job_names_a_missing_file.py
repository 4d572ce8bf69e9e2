"""A job installs, builds, or deploys from a file or folder that its checkout does not hold.

The step fails on each run, and what comes behind it, the tests or the deployment, does not happen.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from mlbreaks_checks import _missing_files
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("untested-change",),
)


def _has_checkout(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return _missing_files.has_checkout(job)


@check.over(facts.WorkflowJob, where=_has_checkout)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the lists, manifests, Dockerfiles, compose files and charts that its commands name."""
    for one in _missing_files.lacking(job, pipeline):
        if one.doubt:
            yield Unjudged(one.command.place, one.doubt)
        else:
            yield _finding(job, one, pipeline)


def _finding(job: facts.WorkflowJob, one: _missing_files.Lacking, pipeline: Pipeline) -> Finding:
    command, option, path = one.command, one.option, one.path
    named: list[tuple[Place, str]] = []
    elsewhere = pipeline.paths_named(posixpath.basename(path))
    hint = ""
    if len(elsewhere) == 1:
        hint = f"; {elsewhere[0]} is in the tree"
        named.append((Place(elsewhere[0], 1), "the file of that name"))
    short = " ".join(command.words[:3])
    return Finding(
        at=command.place,
        message=(
            f"`{short} ...` of job {job.id!r} names {path}{f' by {option}' if option else ''}, and its checkout of "
            f"this repository holds nothing there{hint}: the step fails, and what follows it does not happen."
        ),
        because=(
            (one.checkout.place, "the repository is checked out here, and nothing is seen to bring the file"),
            *named,
        ),
        about=(path,),
        group=path,
        note="names it, too",
    )
