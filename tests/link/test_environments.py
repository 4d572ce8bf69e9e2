"""Which environment a name speaks of."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.environments import classify, of_artifact
from pytest_mlbreaks.model import Tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("prod", Tier.PROD),
        ("ml-production", Tier.PROD),
        ("pre-prod", Tier.NONPROD),
        ("nonprod", Tier.NONPROD),
        ("non_prod", Tier.NONPROD),
        ("product", Tier.UNKNOWN),
        ("latest", Tier.UNKNOWN),
        ("dev-to-prod", Tier.UNKNOWN),
    ],
)
def test_names(text: str, tier: Tier) -> None:
    """Whole tokens; two that disagree say nothing."""
    assert classify(text) is tier


@pytest.mark.parametrize(
    ("path", "tier"),
    [
        (".env.prod", Tier.PROD),
        (".env.staging", Tier.NONPROD),
        ("Dockerfile.dev", Tier.NONPROD),
        ("compose.prod.yaml", Tier.PROD),
        ("overlays/dev/deployment.yaml", Tier.NONPROD),
        ("tests/data/config.yaml", Tier.UNKNOWN),
        ("src/test_train.py", Tier.UNKNOWN),
        ("k8s/deployment.yaml", Tier.UNKNOWN),
    ],
)
def test_paths(path: str, tier: Tier) -> None:
    """A file's name, then its folders; folders of tests say where a source stands."""
    assert of_artifact(path).tier is tier


def test_what_it_says_of_itself_goes_first() -> None:
    """A namespace over the file's name."""
    assert of_artifact("dev.yaml", [("namespace", "prod")]).tier is Tier.PROD
