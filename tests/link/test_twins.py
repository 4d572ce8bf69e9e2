"""Keys that production and another environment both set."""

from __future__ import annotations

from pytest_mlbreaks.model import Twin
from pytest_mlbreaks.testing import linked


def test_config_files_of_two_environments() -> None:
    """Paths that differ only in the environment's name; keys of one side alone have no twin."""
    files = {"conf/prod.yaml": "url: a\nonly: 1\nsame: x\n", "conf/dev.yaml": "url: b\nsame: x\n"}
    twins = {t.key: t for t in linked(files).all(Twin)}
    assert set(twins) == {"url", "same"}
    assert (twins["url"].prod.text, twins["url"].nonprod.text) == ("a", "b")
    assert twins["same"].differing == ("url",)


def test_env_files() -> None:
    """``.env.prod`` beside ``.env.staging``."""
    (twin,) = linked({".env.prod": "URL=a\n", ".env.staging": "URL=a\n"}).all(Twin)
    assert (twin.key, twin.nonprod_environment.name) == ("URL", ".env.staging")


def test_other_files_are_no_twins() -> None:
    """Another folder, another stem, or no environment in the name."""
    files = {
        "a/prod.yaml": "url: a\n",
        "b/dev.yaml": "url: a\n",
        "conf/base.yaml": "url: a\n",
        "conf/x-dev.yaml": "url: a\n",
    }
    assert not linked(files).all(Twin)
