"""Which environment a name speaks of."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.environments import Environments, Names, classify
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
    assert Environments().of_artifact(path).tier is tier


def test_what_it_says_of_itself_goes_first() -> None:
    """A namespace over the file's name."""
    assert Environments().of_artifact("dev.yaml", [("namespace", "prod")]).tier is Tier.PROD


CONFIGURED = Environments(
    Names(names=("blue", "eu-live", "*-p"), hosts=("*.acme.net",), buckets=("acme-models",), namespaces=("ml",)),
    Names(names=("green", "blue-trial", "live"), hosts=("*.trial.acme.example",), namespaces=("ml-trial",)),
)


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("api-blue", Tier.PROD),
        ("API.Blue.yaml", Tier.PROD),
        ("blueberry", Tier.UNKNOWN),
        ("api-blue-trial", Tier.NONPROD),  # the longer name decides
        ("eu-live", Tier.PROD),
        ("live", Tier.NONPROD),  # what is configured decides over what everybody means
        ("blue-green", Tier.UNKNOWN),
        ("cluster-p", Tier.PROD),
        ("cluster-p.yaml", Tier.PROD),
        ("prod", Tier.PROD),
    ],
)
def test_configured_names(text: str, tier: Tier) -> None:
    """A configured name is found by whole tokens, or by its wildcards; others mean what they always do."""
    assert CONFIGURED.classify(text) is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("postgres://u:p@db.acme.net:5432/x", Tier.PROD),
        ("db.acme.net:5432", Tier.PROD),
        ("https://db.trial.acme.example/x", Tier.NONPROD),
        ("s3://acme-models/m/1", Tier.PROD),
        ("acme-models", Tier.PROD),
        ("abfss://c@acme-models.dfs.core.windows.net/x", Tier.PROD),
        ("https://acme-models/x", Tier.UNKNOWN),
        ("prod-db", Tier.UNKNOWN),
        ("", Tier.UNKNOWN),
    ],
)
def test_configured_addresses(text: str, tier: Tier) -> None:
    """Only what is configured says whose an address is."""
    assert CONFIGURED.address(text) is tier
    assert Environments().address(text) is Tier.UNKNOWN


def test_configured_namespaces_and_folders() -> None:
    """A namespace is compared as a whole; a folder whose name is configured says where a file is deployed."""
    assert CONFIGURED.of_artifact("k8s/a.yaml", [("namespace", "ml")]).tier is Tier.PROD
    assert CONFIGURED.of_artifact("k8s/a.yaml", [("namespace", "ml-trial")]).tier is Tier.NONPROD
    assert CONFIGURED.of_artifact("live/a.yaml").tier is Tier.NONPROD
    assert Environments().of_artifact("live/a.yaml").tier is Tier.UNKNOWN
