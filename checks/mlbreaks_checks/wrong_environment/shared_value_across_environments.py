"""A test or staging environment is given the production address of something that it writes to.

The copy for another environment was made from production's, and one database, bucket, topic or registry was not
changed: what staging deletes, retrains or publishes, it does in production.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Answer, Check, Confidence, Finding, Pipeline, Severity, Tier, Twin, Unjudged, Verdict

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_WRITTEN = re.compile(
    r"(^|[._-])(dsn|database|db|schema|bucket|topic|queue|index|registry|tracking|store|broker|webhook|table|dataset|"
    r"warehouse|collection|keyspace|catalog|container|redis|postgres|mysql|mongo|kafka|namespace|project)([._-]|$)",
    re.IGNORECASE,
)
_PROD = re.compile(r"(?<![a-z])(?<!pre-)(?<!non-)(?<!pre)(?<!non)(prod|production|prd|live)(?![a-z])", re.IGNORECASE)
_READ_ONLY = re.compile(
    r"(^|[._-])(image|images|docker|container|ecr|gcr|mirror|pypi|log|logs|logging|sentry|licen[cs]e|docs?|help)([._-]|$)",
    re.IGNORECASE,
)
# What production's data is read through, or a part of where it lies.
_READ = re.compile(
    r"(^|[._-])(sources?|read|readers?|readonly|ro|replicas?|inputs?|training|artifacts?|raw|references?|prefix)([._-]|$)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"change[-_]?me|replace|todo|placeholder|example|xxx|^<.*>$|\{\{", re.IGNORECASE)
# Keys that, beside the one that is shared, keep what is written apart.
_WITHIN = re.compile(
    r"(^|[._-])(schema|database|db|prefix|path|namespace|folder|table|dataset|suffix|env|environment|stage|group)([._-]|$)",
    re.IGNORECASE,
)


def _names_something_written(twin: Twin, pipeline: Pipeline) -> bool:
    return bool(_WRITTEN.search(twin.key)) and not _READ_ONLY.search(twin.key) and not _READ.search(twin.key)


@check.over(Twin, where=_names_something_written)
def find(twin: Twin, pipeline: Pipeline, *, shared: tuple[str, ...] = ()) -> Iterator[Verdict]:
    """Options: ``shared``, values that every environment may use."""
    answer = twin.prod.same(twin.nonprod)
    if answer is Answer.CANNOT_TELL:
        reason = twin.nonprod.reason or twin.prod.reason
        yield Unjudged(twin.place, reason or "two clusters may hold different secrets under one name")
        return
    only = twin.nonprod.only
    if answer is Answer.NO or only is None or only.value in (*shared, "", None) or isinstance(only.value, bool | int):
        return
    text = str(only.value)
    tier = pipeline.address_tier(text)
    of_production = tier is Tier.PROD or (tier is Tier.UNKNOWN and _PROD.search(text))
    if not of_production or _PLACEHOLDER.search(text) or _kept_apart(twin):
        return
    bare = text.isalnum()
    yield Finding(
        at=twin.nonprod_place,
        message=f"{twin.nonprod_environment.name} sets {twin.key} to {text!r}, which is production's.",
        because=((twin.prod_place, f"{twin.prod_environment.name} sets the same ({twin.prod_environment.reason})"),),
        about=(twin.key,),
        severity=Severity.MEDIUM if bare else None,
        lowered="a bare name does not say what it leads to" if bare else "",
    )


def _kept_apart(twin: Twin) -> bool:
    """Whether another key of the same group, in which the two differ, says where within it they write."""
    group = twin.key.rpartition(".")[0]
    return any(
        key != twin.key and key.rpartition(".")[0] == group and _WITHIN.search(key.rpartition(".")[2])
        for key in twin.differing
    )
