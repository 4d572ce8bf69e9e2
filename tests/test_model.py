"""The model's rules: places, values and their comparison, the pipeline's look-ups, identities."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from pytest_mlbreaks import engine, testing
from pytest_mlbreaks.model import FACTS, Alternative, Answer, Fact, Pipeline, Place, Value
from pytest_mlbreaks.model.expr import EnvVar, Literal
from pytest_mlbreaks.model.facts import Argument, Call, Constant, Container, EnvRead
from pytest_mlbreaks.tree import MemoryTree


def constant(name: str, path: str = "a.py", line: int = 1) -> Constant:
    """A constant called *name*."""
    return Constant(place=Place(path, line), name=name, value=Literal(1))


def several(*values: Any, complete: bool = True) -> Value:
    """A value that can be any of these."""
    return Value(tuple(Alternative(value) for value in values), complete=complete, reason="" if complete else "why")


# ------------------------------------------------------------------------------------------------------- places


def test_places_read_as_people_write_them() -> None:
    """Path, cell, line, column, as far as they are told."""
    assert str(Place("a.py")) == "a.py"
    assert str(Place("a.py", 3)) == "a.py:3"
    assert str(Place("a.py", 3, 4)) == "a.py:3:4"
    assert str(Place("n.ipynb", 3, kind="cell", cell=2)) == "n.ipynb:cell 2:3"


def test_places_sort_in_reading_order() -> None:
    """By path, cell, line and column as numbers; what is not told comes first."""
    ordered = [Place("a"), Place("a", 2), Place("a", 2, 1), Place("a", 10), Place("a", 1, cell=1), Place("b")]
    assert sorted(reversed(ordered), key=lambda place: place.sort_key) == ordered


# ------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (Value.of("a"), Value.of("a"), Answer.YES),
        (Value.of("a"), Value.of("b"), Answer.NO),
        (Value.of(1), Value.of(1.0), Answer.YES),
        (Value.of(None), Value.of(None), Answer.YES),
        (Value.of(8080), Value.of("8080"), Answer.CANNOT_TELL),
        (Value.of(True), Value.of(1), Answer.CANNOT_TELL),
        (Value.of("a"), Value.unknown("why"), Answer.CANNOT_TELL),
        (Value.unknown("why"), Value.unknown("why"), Answer.CANNOT_TELL),
        (several("a", "b"), several("a", "b"), Answer.CANNOT_TELL),
        (several("a", "b"), several("c", "d"), Answer.NO),
        (several("a", "b"), several("b", "c"), Answer.CANNOT_TELL),
        (several("a", "b"), Value.of("c"), Answer.NO),
        (several("a", 1), Value.of("c"), Answer.CANNOT_TELL),
        (several("a", complete=False), Value.of("a"), Answer.CANNOT_TELL),
        (several("a", complete=False), Value.of("b"), Answer.CANNOT_TELL),
        (Value(()), Value.of("a"), Answer.CANNOT_TELL),
        (Value((Alternative("K", secret=True),)), Value((Alternative("K", secret=True),)), Answer.CANNOT_TELL),
        (Value((Alternative("K", secret=True),)), Value.of("a"), Answer.CANNOT_TELL),
    ],
)
def test_two_values_compare(one: Value, other: Value, answer: Answer) -> None:
    """YES and NO only where nothing else is possible; and the same both ways."""
    assert one.same(other) is answer
    assert other.same(one) is answer


def test_values_have_no_equality() -> None:
    """``==``, ``!=``, hashing and the truth of an answer are errors: each would hide that nothing can be told."""
    value = Value.of("a")
    for use in (lambda: value == value, lambda: value != value, lambda: hash(value), lambda: bool(Answer.CANNOT_TELL)):
        with pytest.raises(TypeError):
            use()  # type: ignore[no-untyped-call]


def test_only_and_text() -> None:
    """The one thing a value can be; text that is no secret."""
    assert Value.of("a").text == "a"
    assert Value.of(1).text is None
    assert Value.of(None).only == Alternative(None)
    assert several("a", "b").only is None
    assert several("a", complete=False).only is None
    secret = Value((Alternative("DB_PASSWORD", secret=True),))
    assert secret.text is None
    assert "DB_PASSWORD" not in repr(secret)


# ----------------------------------------------------------------------------------------------------- pipeline


def by_line(fact: Constant) -> int | None:
    """A key function as a check would have one."""
    return fact.place.line if fact.name != "left_out" else None


def letters(fact: Constant) -> tuple[str, ...]:
    """Several keys."""
    return tuple(fact.name)


def test_an_index_groups_in_reading_order() -> None:
    """By attribute or function; what has the key None is left out; with each, under every member of the key."""
    ab, bc, out = constant("ab"), constant("bc"), constant("left_out")
    pipeline = Pipeline([ab, bc, out], ["a.py"])
    assert pipeline.index(Constant, "name")["ab"] == (ab,)
    assert dict(pipeline.index(Constant, by_line)) == {1: (ab, bc)}
    assert pipeline.index(Constant, letters, each=True)["b"] == (ab, bc)
    assert pipeline.index(EnvRead, "key") == {}


def test_an_index_is_filled_once() -> None:
    """Asking again is one look-up, whatever the number of facts."""
    pipeline = Pipeline([constant(str(n)) for n in range(100)], [])
    first = pipeline.index(Constant, "name")
    done = pipeline.work
    assert pipeline.index(Constant, "name") is first
    assert pipeline.work == done + 1


def test_an_index_asks_for_a_plain_function() -> None:
    """A lambda, a closure or a bound method is another object each time: the index would be filled each time."""

    def inner(fact: Constant) -> str:
        return fact.name

    refused: list[Callable[[Constant], Any]] = [lambda fact: fact.name, inner, {}.get]
    for by in refused:
        with pytest.raises(TypeError, match="defined at the top of a module"):
            Pipeline([], []).index(Constant, by)


def test_what_link_adds_is_indexed() -> None:
    """An index that was asked for before does not hide what came later."""
    pipeline = Pipeline([constant("a")], [])
    assert set(pipeline.index(Constant, "name")) == {"a"}
    pipeline.add([constant("b")])
    assert set(pipeline.index(Constant, "name")) == {"a", "b"}


def test_one_is_the_only_one() -> None:
    """None where two have the identity: neither can be meant."""
    pipeline = Pipeline([constant("a"), constant("b"), constant("b", line=2)], [])
    assert pipeline.one(Constant, "constant:a.py#a") is not None
    assert pipeline.one(Constant, "constant:a.py#b") is None
    assert pipeline.one(Constant, "constant:a.py#c") is None


def test_paths_and_folders() -> None:
    """Folders are those that hold a file at any depth; what was not read is told for all that lies below it."""
    pipeline = Pipeline([], ["a/b/c.py", "d.py", "x/c.py"], {"sub": "a submodule", "d.py": "too large"})
    assert all(pipeline.has_folder(path) for path in ("", ".", "a", "a/b", "x"))
    assert not any(pipeline.has_folder(path) for path in ("a/b/c.py", "b", "a/", "d.py"))
    assert pipeline.paths_named("c.py") == ("a/b/c.py", "x/c.py")
    assert pipeline.unread_near("sub/deep/file.py") == "a submodule"
    assert pipeline.unread_near("d.py") == "too large"
    assert pipeline.unread_near("subway/x.py") is None


def test_before_link_nothing_is_resolved() -> None:
    """A question that only link can answer is unknown, or an error; never an answer."""
    pipeline = Pipeline([], [])
    assert not pipeline.resolve(Literal(1)).complete
    with pytest.raises(RuntimeError):
        pipeline.environment(Place("a"))
    with pytest.raises(RuntimeError):
        _ = pipeline.order


# ------------------------------------------------------------------------------------------------------ facts


def test_facts_are_frozen() -> None:
    """Nobody edits a fact."""
    with pytest.raises(AttributeError):
        constant("a").name = "b"  # type: ignore[misc]


def test_fact_types_have_names_of_their_own() -> None:
    """The name is the tag on disk."""
    assert len({kind.__name__ for kind in FACTS}) == len(FACTS)
    assert Fact not in FACTS


def test_identities_outlive_moves(small_repository: dict[str, str]) -> None:
    """Nothing of a line or column is in the identity of any fact that readers state."""
    packs = testing.installed()
    facts = engine.read(MemoryTree(small_repository), packs, lambda *told: None).facts
    moved = {
        path: text if path in ("uv.lock", ".dockerignore") else "#\n#\n#\n" + text
        for path, text in small_repository.items()
    }
    again = engine.read(MemoryTree(moved), packs, lambda *told: None).facts
    assert [fact.identity for fact in again] == [fact.identity for fact in facts]
    assert [fact.place for fact in again] != [fact.place for fact in facts]
    for fact in facts:
        elsewhere = msgspec.structs.replace(fact, place=msgspec.structs.replace(fact.place, line=999, column=777))
        assert elsewhere.identity == fact.identity


def test_identities_tell_facts_apart(small_repository: dict[str, str]) -> None:
    """Two different facts of one small repository have different identities, save the accesses of one thing."""
    packs = testing.installed()
    facts = engine.read(MemoryTree(small_repository), packs, lambda *told: None).facts
    for one, other in itertools.combinations(facts, 2):
        assert one.identity != other.identity, (one, other)


def test_secrets_are_not_in_facts(small_repository: dict[str, str]) -> None:
    """The value under a key that looks like a secret's is never kept."""
    packs = testing.installed()
    facts = engine.read(MemoryTree(small_repository), packs, lambda *told: None).facts
    assert not any("hunter2" in repr(fact) for fact in facts)


def test_arguments_of_a_call() -> None:
    """By name or position before anything is unpacked; omitted only if nothing unpacked can hold it."""
    where = Place("a.py", 1)

    def call(*names: str) -> Call:
        arguments = tuple(Argument(name=name, value=Literal(n), place=where) for n, name in enumerate(names))
        return Call(place=where, callee="f", arguments=arguments)

    assert call("", "x").argument("x") == Argument(name="x", value=Literal(1), place=where)
    assert call("", "x").argument("y", 0) == Argument(value=Literal(0), place=where)
    assert call("*", "").argument("y", 0) is None
    assert call("", "x").omits("y", 1)
    assert not call("", "x").omits("x")
    assert not call("**").omits("y")
    assert not call("*").omits("y", 0)
    assert call("*").omits("y")


def test_an_env_read_is_named_by_its_key() -> None:
    """Whether the key is text or itself a variable."""
    place = Place("a.py", 1)
    assert EnvRead(place=place, key=Literal("A"), api="os.getenv").identity == "env-read:a.py#:A"
    assert EnvRead(place=place, key=EnvVar("A"), api="os.getenv", scope="f").identity.startswith("env-read:a.py#f:")
    assert Container(place=place, tool="compose", workload="w", name="c").identity == "container:w/c"
