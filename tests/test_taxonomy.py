"""The taxonomy that ships, held to the study's published figures."""

from __future__ import annotations

import pytest

from pytest_mlbreaks import taxonomy

CATEGORIES = taxonomy.categories()
RANKED = [category for category in CATEGORIES.values() if category.rank is not None]


def test_the_19_causes_and_one_more() -> None:
    """The study names 19 causes, in an order; dependency failure stands beside them."""
    assert [category.rank for category in RANKED] == list(range(1, 20))
    assert [name for name, category in CATEGORIES.items() if category.rank is None] == ["dependency-failure"]
    assert len({category.name for category in CATEGORIES.values()}) == 20


def test_priors_are_shares() -> None:
    """They sum to 1, fall along the study's order, and give the published extremes of 96 outages: 15 and about 1."""
    priors = [category.prior for category in RANKED]
    assert sum(priors) == pytest.approx(1)
    assert priors == sorted(priors, reverse=True)
    assert round(priors[0] * 96) == 15
    assert round(priors[-1] * 96) == 1
    assert taxonomy.category("dependency-failure").prior == 0


def test_positions_are_1_to_5() -> None:
    """Both axes, for every category; a stated side of the ML axis is an end of it."""
    for category in CATEGORIES.values():
        for position in (category.axis.ml, category.axis.distributed):
            assert position.value in range(1, 6), category.id
        if category.axis.ml.basis == "stated":
            assert category.axis.ml.value in (1, 5), category.id


def test_every_category_says_why_and_has_a_plain_id() -> None:
    """Ids name folders of checks once their dashes are underscores; all have a name and a reason."""
    for identifier, category in CATEGORIES.items():
        assert identifier == category.id
        assert identifier.replace("-", "_").isidentifier()
        assert category.name
        assert category.why.endswith(".")


def test_an_unknown_category_is_an_error() -> None:
    """Asking for one that does not exist raises KeyError."""
    with pytest.raises(KeyError):
        taxonomy.category("gremlins")
