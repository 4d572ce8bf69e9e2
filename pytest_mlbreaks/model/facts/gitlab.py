"""Pipelines of GitLab CI."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class GitlabValue(Part, frozen=True, kw_only=True):
    """A value of a GitLab CI file as written, since what it comes to is made of several files: a *text*, a list
    (*items*), a mapping (*keys* with their *items*), or what another job has (``!reference``: *items* are the path).

    Null is a text that is None. *place* of a text is where it begins, below a block scalar's head.
    """

    kind: L["text", "list", "map", "reference"]
    text: str | None = None
    keys: tuple[str, ...] = ()
    items: tuple[GitlabValue, ...] = ()
    place: Place


class GitlabFile(Fact, frozen=True, kw_only=True):
    """A file of GitLab CI: the pipeline's own, or one that is included. *root* is its mapping."""

    called: ClassVar[str] = "file of GitLab CI"

    root: GitlabValue

    @property
    def identity(self) -> str:
        return f"gitlab-file:{self.path}"
