"""Values: what an expression can be for one process in one environment, and how two of them compare."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NoReturn

import msgspec

from pytest_mlbreaks.model.expr import Scalar
from pytest_mlbreaks.model.place import Place


class Tier(enum.Enum):
    """The class of an environment. Unknown is neither production nor not production."""

    PROD = "prod"
    NONPROD = "nonprod"
    UNKNOWN = "unknown"


class Environment(msgspec.Struct, frozen=True):
    """An environment by name (``prod``, ``overlays/dev``); *reason* says what in the tree named it."""

    name: str
    tier: Tier
    reason: str = ""


class Answer(enum.Enum):
    """The outcome of a comparison. Deliberately not a bool: CANNOT_TELL must be handled."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"

    def __bool__(self) -> NoReturn:
        raise TypeError("an Answer is not a bool: ask `is Answer.YES`, and treat CANNOT_TELL as unjudged")


class Origin(msgspec.Struct, frozen=True):
    """One step on the way to a value: where, and what happened there (``"default in the code"``)."""

    place: Place
    note: str


class Alternative(msgspec.Struct, frozen=True):
    """One thing that a value can be, and where it comes from, the deciding place first."""

    value: Scalar
    origins: tuple[Origin, ...] = ()
    secret: bool = False  # *value* is then the secret's name, never what is in it


class Value:
    """What an expression can be. Incomplete: it may also be something that we cannot tell, for *reason*.

    There is no ``==``: two values compare by `same`, which can answer that it cannot tell.
    """

    __slots__ = ("alternatives", "complete", "reason")

    def __init__(self, alternatives: tuple[Alternative, ...], *, complete: bool = True, reason: str = "") -> None:
        self.alternatives = alternatives
        self.complete = complete
        self.reason = reason

    @classmethod
    def unknown(cls, reason: str) -> Value:
        """A value of which nothing is known."""
        return cls((), complete=False, reason=reason)

    @classmethod
    def of(cls, value: Scalar, *origins: Origin) -> Value:
        """A value that can only be *value*."""
        return cls((Alternative(value, origins),))

    @property
    def only(self) -> Alternative | None:
        """The one alternative of a complete value that has exactly one; else None."""
        if self.complete and len(self.alternatives) == 1:
            return self.alternatives[0]
        return None

    @property
    def text(self) -> str | None:
        """The text of `only`, if it is text and no secret; else None."""
        only = self.only
        if only is not None and not only.secret and isinstance(only.value, str):
            return only.value
        return None

    def same(self, other: Value) -> Answer:
        """Whether both are always the same thing: YES only if both are complete and single and equal; NO if they
        can never be equal; else CANNOT_TELL - also for a secret on either side (two clusters may hold different
        secrets under one name, or one secret under two), and for a number against text (``8080``, ``"8080"``)."""
        if any(a.secret for a in (*self.alternatives, *other.alternatives)):
            return Answer.CANNOT_TELL
        mine, theirs = self.only, other.only
        if mine is not None and theirs is not None:
            return _same_scalar(mine.value, theirs.value)
        if self.complete and other.complete and self.alternatives and other.alternatives:
            answers = {_same_scalar(a.value, b.value) for a in self.alternatives for b in other.alternatives}
            if answers == {Answer.NO}:
                return Answer.NO
        return Answer.CANNOT_TELL

    def __iter__(self) -> Iterator[Alternative]:
        return iter(self.alternatives)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("values have no ==: use a.same(b), which can answer that it cannot tell")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join("<secret>" if a.secret else repr(a.value) for a in self.alternatives)
        return f"Value({shown}{'' if self.complete else f'; or unknown: {self.reason}'})"


def _same_scalar(one: Scalar, other: Scalar) -> Answer:
    if isinstance(one, str) == isinstance(other, str) and isinstance(one, bool) == isinstance(other, bool):
        return Answer.YES if one == other else Answer.NO
    return Answer.CANNOT_TELL
