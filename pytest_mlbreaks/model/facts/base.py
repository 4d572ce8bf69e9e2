"""What all facts have in common."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from pytest_mlbreaks.model.place import Place


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True, omit_defaults=True):
    """The base of all facts, also of those that other packs bring. The class name is the fact's tag on disk."""

    #: What people call it, where the class's own name does not say it.
    called: ClassVar[str] = ""

    place: Place

    @property
    def identity(self) -> str:
        """A name that outlives a move of lines: ``airflow:daily_train/load``."""
        raise NotImplementedError(type(self).__name__)

    @property
    def path(self) -> str:
        """The file that the fact was taken from."""
        return self.place.path


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of what facts are made of."""
