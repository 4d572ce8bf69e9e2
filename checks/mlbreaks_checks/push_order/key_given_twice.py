"""A workflow or compose file has a key twice, so that GitHub or docker compose refuses the whole file."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    also=("untested-change", "process-orchestration"),
)


@check.over(facts.RepeatedKey)
def find(one: facts.RepeatedKey, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each key of a mapping that stands there again."""
    github = one.tool == "github"
    action = one.path.rpartition("/")[2] in ("action.yml", "action.yaml")
    what = "action: each job that uses it fails" if action else "workflow: none of its jobs runs"
    refused = f"GitHub refuses the whole {what}" if github else "docker compose refuses the file, and starts nothing"
    yield Finding(
        at=one.place,
        message=f"The key {one.key!r} stands in line {one.first.line} already. {refused}.",
        because=((one.first, f"the first {one.key}"),),
        about=(one.key,),
        group=one.path,
        note=f"{one.key} is given again here, too",
        confidence=None if github else Confidence.MEDIUM,
        lowered="" if github else "docker-compose 1, which took the last of them, may still be in use",
    )
