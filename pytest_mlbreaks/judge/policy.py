"""What a run was told about findings: which are ignored, which were there before, which count."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence

from pytest_mlbreaks.globs import Globs
from pytest_mlbreaks.judge.baseline import Baseline
from pytest_mlbreaks.model import Place


@dataclasses.dataclass(frozen=True, eq=False)
class Ignore:
    """An entry of ``ignores``: the findings of checks in *paths* and about *resources* (either may be None: any).

    *checks*: by the id or category that is written, the ids of the checks that it stands for.
    """

    place: Place
    name: str
    checks: Mapping[str, frozenset[str]]
    reason: str
    paths: Globs | None
    resources: tuple[str, ...] | None

    def silences(self, check: str) -> bool:
        """Whether it is about findings of *check*."""
        return any(check in ids for ids in self.checks.values())

    def fits(self, path: str, identities: Sequence[str]) -> bool:
        """Whether it is about something in *path* with these identities."""
        if self.paths is not None and self.paths.file(path) is None:
            return False
        return self.resources is None or any(
            fnmatch.fnmatchcase(identity, pattern) for pattern in self.resources for identity in identities
        )


@dataclasses.dataclass(frozen=True)
class Policy:
    """How findings are judged. *locked*: by check id, who locked it: nobody below may silence it. *previews*: by check
    id, why its findings do not count yet. *capped*: by check id, what its findings were at most before it was raised,
    and why the difference does not count yet."""

    ignores: tuple[Ignore, ...] = ()
    locked: Mapping[str, str] = dataclasses.field(default_factory=dict)
    baseline: Baseline | None = None
    previews: Mapping[str, str] = dataclasses.field(default_factory=dict)
    capped: Mapping[str, tuple[int, str]] = dataclasses.field(default_factory=dict)
