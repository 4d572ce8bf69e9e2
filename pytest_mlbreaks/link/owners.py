"""Who owns a path, by the CODEOWNERS file that the host of the repository takes."""

from __future__ import annotations

from pytest_mlbreaks.globs import Globs
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import CodeOwners, OwnerRule

_ORDER = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""GitHub takes the first of ``.github/``, the root and ``docs/``; GitLab of the root, ``docs/`` and ``.gitlab/``."""


class Owners:
    """Answers `Pipeline.owners`."""

    def __init__(self, pipeline: Pipeline) -> None:
        files = {file.path: file for file in pipeline.all(CodeOwners)}
        path = next((path for path in _ORDER if path in files), None)
        rules = files[path].rules if path is not None else ()
        self._rules = tuple((rule, Globs([rule.pattern])) for rule in reversed(rules))

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of the file *path*: of each section the last rule that matches decides."""
        decided: dict[str, tuple[str, ...]] = {}
        for rule, globs in self._rules:
            if rule.section not in decided and _matches(rule, globs, path):
                decided[rule.section] = rule.owners
        return tuple(dict.fromkeys(owner for owners in reversed(decided.values()) for owner in owners))


def _matches(rule: OwnerRule, globs: Globs, path: str) -> bool:
    if rule.pattern == "*":
        return True
    if rule.pattern.endswith("/*") and not rule.pattern.endswith("**/*"):
        # unlike in .gitignore, what lies deeper is not meant
        depth = rule.pattern.strip("/").count("/")
        return path.count("/") == depth and globs.file(path) is not None
    return globs.file(path) is not None
