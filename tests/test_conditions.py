"""GitHub's conditions and filters, answered for one event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.conditions import Occasion, bare, holds, is_text, matches

PUSH = Occasion("push", "refs/heads/main")
PULL = Occasion("pull_request")


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("", True),
        ("github.ref == 'refs/heads/main'", True),
        ("${{ github.ref == 'refs/heads/develop' }}", False),
        ("github.ref_name == 'MAIN'", True),
        ("github.event_name == 'pull_request'", False),
        ("github.event_name != 'pull_request' && github.ref == 'refs/heads/main'", True),
        ("(github.event_name == 'push' && github.ref == 'refs/heads/x') || github.event_name == 'release'", False),
        ("startsWith(github.ref, 'refs/tags/v')", False),
        ("contains(github.ref, 'heads')", True),
        ("!startsWith(github.ref, 'refs/tags/')", True),
        ("always()", True),
        ("failure() && github.ref == 'refs/heads/main'", False),
        ("vars.DEPLOY == 'true'", None),
        ("vars.DEPLOY == 'true' && github.ref == 'refs/heads/x'", False),
        ("vars.DEPLOY == 'true' || github.ref == 'refs/heads/main'", True),
        ("github.event.pull_request.merged == true", False),
        ("github.event['inputs'].mode == 'full'", False),
        ("needs.build.outputs.n > 3", None),
        ("github.ref_type == 'branch'", True),
        ("github.head_ref == ''", True),
        ("${{ steps.a.outcome }} == 'success'", True),
        ("github.ref ==", None),
        ("github.ref == 'a' 'b'", None),
        ("frobnicate(github.ref)", None),
        ("@@", None),
        ("'it''s' == 'it''s'", True),
        ("null == 0", True),
        ("github.event.pull_request.draft == false || false", True),
    ],
)
def test_a_condition_is_answered_for_a_push_to_main(condition: str, answer: bool | None) -> None:
    """What is decided by the event and its branch is answered, and what is not is said to be unknown."""
    assert holds(condition, PUSH) is answer


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("github.event_name == 'pull_request'", True),
        ("github.ref == 'refs/heads/main'", None),
        ("github.event.pull_request.merged", None),
        ("github.base_ref == 'main'", None),
    ],
)
def test_of_a_pull_request_only_the_event_is_known(condition: str, answer: bool | None) -> None:
    """The branch of a pull request is not known before it is opened."""
    assert holds(condition, PULL) is answer


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("${{ steps.plan.outcome }} == 'success'", True),
        ("${{ steps.plan.outcome == 'success' }}", False),
        ("steps.plan.outcome == 'success'", False),
        ("${{ a }} && ${{ b }}", True),
        ("! ${{ cancelled() }}", True),
        ("${{ cancelled() }}\n", True),
        ("${{ format('}} {0}', a) }}", False),
        ("cancelled()\n", False),
        ("", False),
    ],
)
def test_text_around_an_expression_is_told(condition: str, answer: bool) -> None:
    """Text outside of the braces makes a condition a text that is never empty."""
    assert is_text(condition) is answer


def test_the_braces_around_a_condition_fall_away() -> None:
    """Braces around all of it are how it may be written as well."""
    assert bare(" ${{ always() }} ") == "always()"
    assert bare("${{ a }} == ${{ b }}") == "${{ a }} == ${{ b }}"


@pytest.mark.parametrize(
    ("patterns", "text", "taken"),
    [
        (("main",), "main", True),
        (("releases/**",), "releases/a/b", True),
        (("releases/*",), "releases/a/b", False),
        (("**.js",), "src/a.js", True),
        (("**/docs/**",), "docs/a.md", True),
        (("src/**", "!src/docs/**"), "src/docs/a.md", False),
        (("!src/docs/**", "src/**"), "src/docs/a.md", True),
        (("v[0-9]+.*",), "v12.3", True),
        (("*.jsx?",), "a.js", True),
        (("[",), "[", True),
        (("*" * 40,), "a", False),
        (("a\\*b",), "a*b", True),
        ((), "main", False),
    ],
)
def test_a_filter_takes_what_github_takes(patterns: tuple[str, ...], text: str, taken: bool) -> None:
    """The cheat sheet of GitHub's filter patterns, and what is no pattern."""
    assert matches(patterns, text) is taken


@given(st.text(alphabet="abg.()!&|='$ {}'\"<>0,", max_size=60))
def test_no_condition_raises(condition: str) -> None:
    """Whatever stands in a condition is answered, or is said to be unknown."""
    assert holds(condition, PUSH) in (True, False, None)


@given(st.text(alphabet="ab*?+[]!/\\-", max_size=30), st.text(alphabet="ab/", max_size=20))
def test_no_filter_raises(pattern: str, text: str) -> None:
    """Whatever stands in a filter takes a text or does not."""
    assert matches((pattern,), text) in (True, False)
