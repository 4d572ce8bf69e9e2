"""What a file says of itself."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.facts.base import Fact


class LocalPurpose(Fact, frozen=True, kw_only=True):
    """A compose file or Dockerfile whose first comment says that it is for a developer's machine or a demonstration;
    *said* is that, as written."""

    called: ClassVar[str] = "file that says that it is for local use"

    said: str

    @property
    def identity(self) -> str:
        return f"local-purpose:{self.path}"
