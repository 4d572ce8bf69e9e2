"""Who owns which path."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class OwnerRule(Part, frozen=True, kw_only=True):
    """A line of a CODEOWNERS file: whoever owns what *pattern* matches. Without *owners*, nobody does.

    *section*: the heading that it stands below on GitLab, whose sections each have their own last word."""

    pattern: str
    owners: tuple[str, ...] = ()
    section: str = ""
    place: Place


class CodeOwners(Fact, frozen=True, kw_only=True):
    """A CODEOWNERS file; the last rule that matches decides."""

    called: ClassVar[str] = "CODEOWNERS file"

    rules: tuple[OwnerRule, ...] = ()

    @property
    def identity(self) -> str:
        return f"code-owners:{self.path}"
