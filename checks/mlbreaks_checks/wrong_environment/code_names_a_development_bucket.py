"""Code that every environment runs names a bucket of the development environment.

It works for whoever wrote it. Production writes to development's bucket, or is refused there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Tier,
    Verdict,
    aside,
    expr,
    facts,
)

_NAMED = {
    "google.cloud.aiplatform.CustomTrainingJob": ("staging_bucket",),
    "google.cloud.aiplatform.CustomContainerTrainingJob": ("staging_bucket",),
    "google.cloud.aiplatform.CustomPythonPackageTrainingJob": ("staging_bucket",),
    "google.cloud.aiplatform.init": ("staging_bucket",),
    "google.cloud.aiplatform.PipelineJob": ("pipeline_root",),
    "django.db.models.FileField": ("storage",),
    "google.cloud.storage.Client().bucket": ("bucket_name",),
    "google.cloud.storage.Client().get_bucket": ("bucket_or_name",),
    "boto3.client().upload_file": ("Bucket",),
    "boto3.client().upload_fileobj": ("Bucket",),
    "boto3.client().put_object": ("Bucket",),
    "boto3.client().get_object": ("Bucket",),
    "boto3.client().download_file": ("Bucket",),
    "boto3.resource().Bucket": ("name",),
}
"""Calls that take a bucket, and the argument."""
_FIRST = {"bucket_name", "bucket_or_name", "name"}
"""Arguments that come first where they are not named."""

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1", calls=tuple(_NAMED))

_DEVELOPMENT = re.compile(r"(?<![a-z0-9])(dev|development|qa|sandbox|test)(?![a-z0-9])", re.IGNORECASE)
_STORE = re.compile(r"^(?:gs|s3|s3a|abfss?)://([^/{}]+)(?:/|$)")
_BARE = re.compile(r"[a-z0-9][a-z0-9._-]{4,62}")


def _bucket_of_call(call: facts.Call) -> tuple[str, Place]:
    """The bucket that a call is given as text, and where; "" where none is."""
    for name in _NAMED.get(call.callee, ()):
        argument = call.argument(name, 0 if name in _FIRST else None)
        if argument is None:
            continue
        text = _written(argument.value)
        match = _STORE.match(text)
        if match or _BARE.fullmatch(text):
            return (match[1] if match else text), argument.place
    return "", call.place


def _bucket_of_data(access: facts.DatasetAccess) -> str:
    """The bucket of a path in code; "" for what a node of Kedro reads, whose path stands in a catalogue instead."""
    if access.api == "kedro":
        return ""
    match = _STORE.match(_written(access.target))
    return match[1] if match and access.path.endswith(".py") else ""


def _written(value: expr.Expr) -> str:
    """The text that an expression begins with, as written in its place; "" where a name or variable stands there."""
    if isinstance(value, expr.Concat) and value.parts:
        value = value.parts[0]
    return value.value if isinstance(value, expr.Literal) and isinstance(value.value, str) else ""


def _call_names_one(call: facts.Call, pipeline: Pipeline) -> bool:
    return bool(_DEVELOPMENT.search(_bucket_of_call(call)[0])) and not aside(call.path)


def _data_names_one(access: facts.DatasetAccess, pipeline: Pipeline) -> bool:
    return bool(_DEVELOPMENT.search(_bucket_of_data(access))) and not aside(access.path)


@check.over(facts.Call, where=_call_names_one)
def find_call(call: facts.Call, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each call that is given such a bucket by name."""
    yield from _judge(*_bucket_of_call(call), pipeline)


@check.over(facts.DatasetAccess, where=_data_names_one)
def find_data(access: facts.DatasetAccess, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each read or write of such a bucket."""
    yield from _judge(_bucket_of_data(access), access.place, pipeline)


def _judge(bucket: str, place: Place, pipeline: Pipeline) -> Iterator[Verdict]:
    if pipeline.environment(place).tier is Tier.NONPROD:
        return
    twin = _DEVELOPMENT.sub("prod", bucket, count=1)
    yield Finding(
        at=place,
        message=f"The bucket {bucket} is written out here, for every environment that runs this code: production works "
        f"on development's data, or has no right to it and fails (its own would be called something like {twin}).",
        group=bucket,
        note="here, too",
    )
