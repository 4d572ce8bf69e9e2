"""Facts, written and read back."""

from __future__ import annotations

import msgspec
import pytest

from pytest_mlbreaks import engine, testing
from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.model import FACTS, Place
from pytest_mlbreaks.model.expr import (
    Choice,
    Concat,
    ConfigKey,
    Context,
    Entries,
    EnvVar,
    Expr,
    Items,
    Literal,
    Made,
    Name,
    PathJoin,
    SecretKey,
    Unknown,
)
from pytest_mlbreaks.model.facts import Constant
from pytest_mlbreaks.tree import MemoryTree

EXPRESSIONS: tuple[Expr, ...] = (
    *(Literal(value) for value in (None, True, False, 0, 1, -1.5, 2**62, "", "text\n\x1b[31m\u202e ]]>", "8080")),
    Name("a.py", "settings.BUCKET", "f"),
    EnvVar("A", EnvVar("B", Literal("x"), empty_counts=True), "host"),
    ConfigKey("configmap/a", "b"),
    SecretKey("a", "b"),
    Context("github", "sha"),
    Concat((Literal("a"), Unknown("why"))),
    PathJoin((Literal("/a"), Literal("b"))),
    Choice((Literal(1), Literal("1"))),
    Items((Literal(1), Items(()))),
    Entries((("a", Literal(1)),), partial=True),
    Made("datetime.timedelta", (Literal(1),), (("days", Literal(2)),)),
)


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=lambda expr: type(expr).__name__)
def test_every_expression_survives(expr: Expr) -> None:
    """Also its types: a number is not the text of it, True is not 1."""
    codec = FactCodec(FACTS)
    fact = Constant(place=Place("a.py", 1, 2, 3, 4), name="x", value=expr)
    (back,) = codec.decode(codec.encode([fact]))
    assert back == fact
    assert repr(back) == repr(fact)
    assert back.identity == fact.identity


def test_one_line_per_fact() -> None:
    """Line ends within values are escaped, so that a line is a fact; nothing gives nothing."""
    codec = FactCodec(FACTS)
    facts = [Constant(place=Place("a.py"), name="x", value=expr) for expr in EXPRESSIONS]
    assert codec.encode(facts).count(b"\n") == len(facts)
    assert codec.decode(b"") == []
    assert codec.encode([]) == b""


def test_what_readers_say_survives(small_repository: dict[str, str]) -> None:
    """The facts of a small repository with many kinds of files come back as they were, in order."""
    packs = testing.installed()
    reading = engine.read(MemoryTree(small_repository), packs, lambda *told: None)
    assert len({type(fact) for fact in reading.facts}) > 20
    codec = FactCodec(packs.facts)
    assert tuple(codec.decode(codec.encode(reading.facts))) == reading.facts


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"fact": "Nothing"}', b'{"fact": "Constant"}', b'{"fact": 1}', b"x"])
def test_anything_else_is_refused(data: bytes) -> None:
    """Data that is no fact of ours raises, and is never taken for one."""
    with pytest.raises(msgspec.DecodeError):
        FactCodec(FACTS).decode(data)
