"""What the comparisons of this folder count."""

from __future__ import annotations

from counting import Count


def test_what_is_said_to_be_open_is_no_mistake() -> None:
    """Only where we say that we could tell all is a difference missed or invented."""
    count = Count()
    count.add({"a", "b"}, {"b", "c"}, complete=False, where="x")
    count.add({"a"}, {"a", "c"}, complete=True)
    assert (count.known, count.found) == (3, 2)
    assert (count.open, count.invented_open) == (["x: a"], ["x: c"])
    assert (count.missed, count.invented) == ([], ["c"])
    assert count.figures() == {"known": 3, "found": 2, "missed": 0, "open": 1, "invented": 1, "invented_open": 1}


def test_what_claims_nothing_and_what_is_allowed_is_not_invented() -> None:
    """Patterns are no names; what is said beyond may be given apart."""
    count = Count()
    count.add({"a"}, {"a", "load_{*}", "d"}, allowed=frozenset({"d"}))
    assert (count.found, count.invented) == (1, [])
    count.add({"a"}, {"a"}, beyond={"z"})
    assert count.invented == ["z"]


def test_a_strict_count_has_no_excuse_for_what_is_said_beyond() -> None:
    """There, it is invented also where not all could be told."""
    count = Count(strict=True)
    count.add({"a"}, {"b"}, complete=False)
    assert (count.open, count.invented, count.invented_open) == (["a"], ["b"], [])
