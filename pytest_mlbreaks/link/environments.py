"""Environments: which artifact belongs to production, which does not, and which says nothing of it.

Names that everybody uses are known; those that only one organisation uses are told by its configuration, and decide.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

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


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of one tier, as a configuration tells them. Each may hold ``*`` and ``?``; case does not matter.

    *names* of environments, branches, folders and files: one without a wildcard is also found as a part of a longer
    name (``blue`` in ``api-blue``). *hosts*, *buckets* and *namespaces* (of Kubernetes) are told in full.
    """

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    def joined(self, other: Names) -> Names:
        """The names of both, each once."""
        both = ({*getattr(self, f)} | {*getattr(other, f)} for f in self.__struct_fields__)
        return Names(*(tuple(sorted(names)) for names in both))


class Environments:
    """Tells the tier of names: by what is configured, else by what everybody means by them."""

    def __init__(self, production: Names | None = None, not_production: Names | None = None) -> None:
        self._told = ((Tier.PROD, production or Names()), (Tier.NONPROD, not_production or Names()))
        self._any = any(getattr(names, field) for _, names in self._told for field in Names.__struct_fields__)

    def classify(self, text: str) -> Tier:
        """The tier that a name speaks of, by whole tokens: ``pre-prod`` and ``non-prod`` are not production."""
        if self._any:
            tier = self._longest(text)
            if tier is not Tier.UNKNOWN:
                return tier
        return classify(text)

    def namespace(self, text: str) -> Tier:
        """The tier of a namespace of Kubernetes."""
        tier = self._listed("namespaces", text)
        return tier if tier is not Tier.UNKNOWN else self.classify(text)

    def address(self, text: str) -> Tier:
        """The tier of what *text* leads to (a URL, ``host:port``, ``s3://bucket/key``, a bucket's name), as far as it
        is configured: nothing is concluded from the words of an address."""
        if not self._any:
            return Tier.UNKNOWN
        scheme, _, rest = text.rpartition("://")
        first = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        if scheme.lower() in _BUCKETS:
            return self._listed("buckets", first.partition(".")[0] if scheme.lower().startswith("abfs") else first)
        tier = self._listed("hosts", first.partition(":")[0])
        return tier if tier is not Tier.UNKNOWN or scheme else self._listed("buckets", first)

    def _listed(self, field: Literal["hosts", "buckets", "namespaces"], text: str) -> Tier:
        name = text.lower()
        found = {
            tier
            for tier, names in self._told
            for pattern in getattr(names, field)
            if fnmatch.fnmatchcase(name, pattern.lower())
        }
        return found.pop() if len(found) == 1 else Tier.UNKNOWN

    def _longest(self, text: str) -> Tier:
        """The tier of the configured name that covers most of *text*; unknown where two of different tiers do."""
        tokens = [token for token in _SEPARATORS.split(text.lower()) if token]
        best: dict[int, set[Tier]] = {}
        for tier, names in self._told:
            for name in names.names:
                covered = _covered(name.lower(), text.lower(), tokens)
                if covered:
                    best.setdefault(covered, set()).add(tier)
        found = best[max(best)] if best else set()
        return next(iter(found)) if len(found) == 1 else Tier.UNKNOWN

    def of_artifact(self, path: str, names: Iterable[tuple[str, str]] = ()) -> Environment:
        """The environment of something in file *path*. *names*: (what it is, text), the most telling first, such as a
        namespace or a workflow's ``environment``; then the file's own name, then its folders from the inside out."""
        for what, text in names:
            tier = self.namespace(text) if what == "namespace" else self.classify(text)
            if tier is not Tier.UNKNOWN:
                return Environment(text, tier, f"{what} {text!r}")
        folders, _, name = path.rpartition("/")
        tier = self.classify(name)
        if tier is not Tier.UNKNOWN and not name.startswith("test_"):
            return Environment(name, tier, f"file name {name!r}")
        for folder in reversed(folders.split("/")):
            tier = self.classify(folder)
            if tier is not Tier.UNKNOWN and (folder.lower() not in _SOURCE_ONLY or self._told_by_name(folder)):
                return Environment(folder, tier, f"folder {folder!r}")
        return UNKNOWN

    def _told_by_name(self, folder: str) -> bool:
        return self._any and self._longest(folder) is not Tier.UNKNOWN


_BUCKETS = frozenset({"s3", "s3a", "s3n", "gs", "gcs", "r2", "oss", "abfs", "abfss", "wasb", "wasbs"})


def _covered(pattern: str, text: str, tokens: Sequence[str]) -> int:
    """How many of *tokens* a configured name stands for; 0 where it does not fit."""
    if "*" in pattern or "?" in pattern:
        stem = text.rpartition(".")[0]
        return len(tokens) if fnmatch.fnmatchcase(text, pattern) or fnmatch.fnmatchcase(stem, pattern) else 0
    wanted = [token for token in _SEPARATORS.split(pattern) if token]
    starts = range(len(tokens) - len(wanted) + 1) if wanted else ()
    return len(wanted) if any(tokens[start : start + len(wanted)] == wanted for start in starts) else 0


def classify(text: str) -> Tier:
    """The tier that a name speaks of to everybody, by whole tokens."""
    tokens = _SEPARATORS.split(text.lower())
    for before, token in itertools.pairwise(tokens):
        if before in ("pre", "non") and token in _PROD:
            return Tier.NONPROD
    found = {Tier.PROD for t in tokens if t in _PROD} | {Tier.NONPROD for t in tokens if t in _NONPROD}
    return found.pop() if len(found) == 1 else Tier.UNKNOWN
