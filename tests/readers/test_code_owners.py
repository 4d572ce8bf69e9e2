"""CODEOWNERS, and who owns a path by them."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.testing import linked

GITHUB = """\
# everybody
*           @org/all
/models/    @org/ml  ml@example.com
docs/*      @writer
*.sql       @org/data # the warehouse
/models/legacy/
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("setup.py", ("@org/all",)),
        ("models/train.py", ("@org/ml", "ml@example.com")),
        ("docs/index.md", ("@writer",)),
        ("docs/deep/index.md", ("@org/all",)),
        ("models/features.sql", ("@org/data",)),
        ("models/legacy/old.py", ()),
    ],
)
def test_the_last_rule_that_matches_decides(path: str, owners: tuple[str, ...]) -> None:
    """As GitHub documents it: also a rule without owners, and a ``/*`` that goes no deeper."""
    assert linked({".github/CODEOWNERS": GITHUB}).owners(path) == owners


def test_each_section_has_its_own_last_word() -> None:
    """GitLab adds up the owners of all sections; a section's heading may name owners for its rules."""
    text = "* @all\n[Data][2] @data\n*.sql\n^[ML]\n/models/ @ml\n"
    pipeline = linked({"CODEOWNERS": text})
    assert set(pipeline.owners("models/a.sql")) == {"@all", "@data", "@ml"}
    assert pipeline.owners("a.py") == ("@all",)


def test_the_file_of_the_host_goes_first() -> None:
    """GitHub looks into ``.github/`` before the root."""
    assert linked({"CODEOWNERS": "* @b\n", ".github/CODEOWNERS": "* @a\n"}).owners("x") == ("@a",)
    assert linked({"sub/CODEOWNERS": "* @a\n"}).owners("x") == ()
