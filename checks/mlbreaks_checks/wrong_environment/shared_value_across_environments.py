"""A test or staging environment is given the production address of something that it writes to.

The copy for another environment was made from production's, and one database, bucket, topic or registry was not
changed: what staging deletes, retrains or publishes, it does in production.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Answer, Check, Confidence, Finding, Pipeline, Severity, Twin, Unjudged, Verdict

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_WRITTEN = re.compile(
    r"(^|[._-])(dsn|database|db|schema|bucket|topic|queue|index|registry|tracking|store|broker|webhook|table|dataset|"
    r"warehouse|collection|keyspace|catalog|container|redis|postgres|mysql|mongo|kafka|namespace|project)([._-]|$)",
    re.IGNORECASE,
)
_PROD = re.compile(r"(?<![a-z])(?<!pre-)(?<!non-)(?<!pre)(?<!non)(prod|production|prd|live)(?![a-z])", re.IGNORECASE)
_READ_ONLY = re.compile(
    r"image|docker|container_registry|ecr|gcr|mirror|log|sentry|licen[cs]e|docs?|help", re.IGNORECASE
)


def _names_something_written(twin: Twin, pipeline: Pipeline) -> bool:
    return bool(_WRITTEN.search(twin.key)) and not _READ_ONLY.search(twin.key)


@check.over(Twin, where=_names_something_written)
def find(twin: Twin, pipeline: Pipeline, *, shared: tuple[str, ...] = ()) -> Iterator[Verdict]:
    """Options: ``shared``, values that every environment may use."""
    answer = twin.prod.same(twin.nonprod)
    if answer is Answer.CANNOT_TELL:
        yield Unjudged(twin.place, twin.nonprod.reason or twin.prod.reason)
        return
    only = twin.nonprod.only
    if answer is Answer.NO or only is None or only.value in (*shared, "", None) or isinstance(only.value, bool | int):
        return
    text = str(only.value)
    if not only.secret and not _PROD.search(text):
        return
    shown = "the same secret" if only.secret else repr(text)
    yield Finding(
        at=twin.nonprod_place,
        message=f"{twin.nonprod_environment.name} sets {twin.key} to {shown}, which is production's.",
        because=((twin.prod_place, f"{twin.prod_environment.name} sets the same ({twin.prod_environment.reason})"),),
        about=(twin.key,),
    )
