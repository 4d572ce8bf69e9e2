"""A container of a test environment is given the name of something of production's.

A test run then works on production's tracking server, bucket or project, as far as its credentials let it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Alternative,
    Answer,
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Tier,
    Twin,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")

_PROD = re.compile(r"(?<![a-z])(?<!pre-)(?<!non-)(?<!pre)(?<!non)(prod|production|prd)(?![a-z])", re.IGNORECASE)
_LEADS = re.compile(
    r"(^|_)(URL|URI|HOST|HOSTNAME|ENDPOINT|BUCKET|PROJECT|PROJECT_ID|DSN|DATABASE|DB|SCHEMA|DATASET|TOPIC|QUEUE|"
    r"NAMESPACE|CLUSTER|WORKSPACE|CATALOG|INDEX|TARGET|BROKERS?)(_|$)",
    re.IGNORECASE,
)
_READ_ONLY = re.compile(r"(^|_)(IMAGE|REGISTRY|MIRROR|PYPI|LOGS?|SENTRY|DOCS?|RO|READONLY|REPLICA)(_|$)", re.IGNORECASE)


def _names_production(process: Process) -> list[tuple[str, Alternative]]:
    """The variables that lead to something of production's by its name, as the container's own files set them."""
    found = []
    for name, value in process.variables.items():
        only = value.only
        if only is None or only.secret or not isinstance(only.value, str) or not only.origins:
            continue
        of_image = process.dockerfile is not None and only.origins[0].place.path == process.dockerfile.path
        if _LEADS.search(name) and not _READ_ONLY.search(name) and not of_image and _PROD.search(only.value):
            found.append((name, only))
    return found


def _is_of_another_environment(process: Process, pipeline: Pipeline) -> bool:
    return (
        isinstance(process.fact, facts.Container)
        and process.environment.tier is Tier.NONPROD
        and any(_LEADS.search(name) for name in process.variables)
    )


def _of_both(twin: Twin) -> str | None:
    """The value that production and another environment set a key to: `shared-value-across-environments` has it."""
    return twin.nonprod.text if twin.prod.same(twin.nonprod) is Answer.YES else None


@check.over(Process, where=_is_of_another_environment)
def find(process: Process, pipeline: Pipeline, *, shared: tuple[str, ...] = ()) -> Iterator[Verdict]:
    """Options: ``shared``, values that every environment may use."""
    twins = pipeline.index(Twin, _of_both)
    found = [
        (name, value)
        for name, value in _names_production(process)
        if value.value not in shared
        and value.value not in twins  # those are what shared-value-across-environments is for
    ]
    if not found:
        return
    name, first = found[0]
    yield Finding(
        at=first.origins[0].place,
        message=f"{process.name} is not of production ({process.environment.reason}), and {name} leads "
        f"it to {first.value!r}: by its name that is production's.",
        because=tuple((value.origins[0].place, f"{other} is {value.value!r}") for other, value in found[1:4]),
        about=(name,),
    )
