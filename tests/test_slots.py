"""Text with expressions in it."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Literal, SecretKey, Unknown
from pytest_mlbreaks.slots import Slots, join, plain, sealed

SECRET = SecretKey("store", "key")


def test_pieces() -> None:
    """A piece of the text has the expressions whose slots are in it."""
    slots = Slots()
    assert not slots
    text = f"a:{slots.hold(EnvVar('A'))}-b,{slots.hold(EnvVar('B'))}"
    assert slots
    first, second = text.split(",")
    assert slots.expr(first) == Concat((Literal("a:"), EnvVar("A"), Literal("-b")))
    assert slots.expr(second) == EnvVar("B")
    assert slots.expr("") == Literal("")


def test_join() -> None:
    """Neighbouring literals become one, inner concatenations are laid open."""
    assert join([Literal("a"), Literal("b")]) == Literal("ab")
    assert join([Literal("a"), Concat((Literal("b"), EnvVar("A")))]) == Concat((Literal("ab"), EnvVar("A")))
    assert join([]) == Literal("")


def test_characters_like_slots() -> None:
    """A character of the text that looks like a slot is none."""
    assert plain("a\ue000b") == "a\N{REPLACEMENT CHARACTER}b"


def test_too_many() -> None:
    """The number of slots is limited, and the limit is an error that a reader can catch."""
    slots = Slots()
    for _ in range(6400):
        slots.hold(EnvVar("A"))
    with pytest.raises(ValueError, match="too many"):
        slots.hold(EnvVar("A"))


def test_redaction() -> None:
    """A variable in the place of a password keeps its name and loses its default."""
    slots = Slots()
    text = slots.redact(f"x://u:{slots.hold(EnvVar('P', Literal('pw')))}@h y://u:pw@h")
    assert slots.expr(text) == Concat(
        (Literal("x://u:"), EnvVar("P", Unknown("a password")), Literal("@h y://u:***@h"))
    )


def test_sealing() -> None:
    """Each literal goes, whatever it is part of; nothing and truth values stay."""
    assert sealed(Literal("x"), SECRET) == SECRET
    assert sealed(Literal(""), SECRET) == Literal("")
    assert sealed(Literal("false"), SECRET) == Literal("false")
    assert sealed(EnvVar("A", Literal("x")), SECRET) == EnvVar("A", SECRET)
    assert sealed(Choice((Literal("x"), EnvVar("A"))), SECRET) == Choice((SECRET, EnvVar("A")))
    assert sealed(Concat((Literal("x"), EnvVar("A"))), SECRET) == Concat((SECRET, EnvVar("A")))
