"""Image references, and when two of them mean one repository."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.references import Reference, same_repository, split_reference


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("app", Reference("app")),
        ("registry:5000/team/app", Reference("registry:5000/team/app")),
        ("registry:5000/team/app:1.2", Reference("registry:5000/team/app", "1.2")),
        ("team/app:1.2@sha256:ab", Reference("team/app", "1.2", "sha256:ab")),
    ],
)
def test_a_reference_is_split_into_repository_tag_and_digest(text: str, parts: Reference) -> None:
    """A registry's port is not taken for a tag."""
    assert split_reference(text) == parts


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("team/app", "team/app", True),
        ("team/app", "team/api", False),
        ("{*}/team/app", "registry/team/app", True),
        ("{*}/blue/app", "registry/red/app", False),
        ("team/{*}", "team/app", False),
        ("{*}", "{*}", False),
    ],
)
def test_repositories_are_one_only_where_their_last_part_is_told(one: str, other: str, same: bool) -> None:
    """What can't be told fits everything, save for the image's own name."""
    assert same_repository(one, other) is same
