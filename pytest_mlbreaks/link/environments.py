"""Environments: which artifact belongs to production, which does not, and which says nothing of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from pytest_mlbreaks.model import Environment, Tier

_NONPROD = frozenset(
    {
        *(
            "dev",
            "devel",
            "development",
            "test",
            "tests",
            "testing",
            "qa",
            "stage",
            "staging",
            "stg",
            "sandbox",
            "preprod",
        ),
        *("uat", "ci", "local", "int", "nonprod", "preview", "ephemeral"),
    }
)
_PROD = frozenset({"prod", "production", "prd", "live"})
_SEPARATORS = re.compile(r"[-_./\\ ]+")
# A folder of tests, or of what CI runs, says where a file stands in the source, not where it is deployed.
_SOURCE_ONLY = frozenset({"test", "tests", "testing", "ci", "int", "live"})
UNKNOWN = Environment("", Tier.UNKNOWN)


def classify(text: str) -> Tier:
    """The tier that a name speaks of, by whole tokens: ``pre-prod`` and ``non-prod`` are not production."""
    tokens = _SEPARATORS.split(text.lower())
    for before, token in itertools.pairwise(tokens):
        if before in ("pre", "non") and token in _PROD:
            return Tier.NONPROD
    found = {Tier.PROD for t in tokens if t in _PROD} | {Tier.NONPROD for t in tokens if t in _NONPROD}
    return found.pop() if len(found) == 1 else Tier.UNKNOWN


def of_artifact(path: str, names: Iterable[tuple[str, str]] = ()) -> Environment:
    """The environment of something in file *path*. *names*: (what it is, text), the most telling first, such as a
    namespace or a workflow's ``environment``; then the file's own name, then its folders from the inside out."""
    for what, text in names:
        tier = classify(text)
        if tier is not Tier.UNKNOWN:
            return Environment(text, tier, f"{what} {text!r}")
    folders, _, name = path.rpartition("/")
    tier = classify(name)
    if tier is not Tier.UNKNOWN and not name.startswith("test_"):
        return Environment(name, tier, f"file name {name!r}")
    for folder in reversed(folders.split("/")):
        tier = classify(folder)
        if tier is not Tier.UNKNOWN and folder.lower() not in _SOURCE_ONLY:
            return Environment(folder, tier, f"folder {folder!r}")
    return UNKNOWN
