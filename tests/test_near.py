"""Which of several things of one name a manifest means."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.facts import VolumeClaim, Workload


def claim(path: str, namespace: str = "") -> VolumeClaim:
    """A claim ``models`` in *path*."""
    return VolumeClaim(name="models", namespace=namespace, scope=path, place=Place(path, 1))


@pytest.mark.parametrize(
    ("claims", "namespace", "meant"),
    [
        ([], "", None),
        ([("k8s/serve.yaml", "")], "", "k8s/serve.yaml"),
        ([("other/claim.yaml", "")], "", "other/claim.yaml"),
        ([("k8s/claim.yaml", ""), ("k8s/serve.yaml", "")], "", "k8s/serve.yaml"),
        ([("k8s/storage/claim.yaml", ""), ("other/claim.yaml", "")], "", "k8s/storage/claim.yaml"),
        ([("k8s/dev/claim.yaml", ""), ("k8s/prod/claim.yaml", "")], "", None),
        ([("k8s/claim.yaml", "dev"), ("k8s/far/away/claim.yaml", "prod")], "prod", "k8s/far/away/claim.yaml"),
        ([("k8s/claim.yaml", "dev")], "prod", None),
        ([("kubernetes/claim.yaml", ""), ("k8s-old/x/claim.yaml", "")], "", "kubernetes/claim.yaml"),
    ],
)
def test_nearest(claims: list[tuple[str, str]], namespace: str, meant: str | None) -> None:
    """The one of the namespace, in the same file or else the nearest folder; none where two are as near."""
    pipeline = Pipeline([claim(*c) for c in claims], [])
    workload = Workload(
        tool="kubernetes", kind="Deployment", name="serve", namespace=namespace, place=Place("k8s/serve.yaml", 1)
    )
    found = pipeline.nearest(VolumeClaim, "models", workload)
    assert (found.path if found else None) == meant


def test_nearest_of_some() -> None:
    """What is kept out is not in the way."""
    pipeline = Pipeline([claim("k8s/a.yaml"), claim("k8s/b.yaml", "prod")], [])
    workload = Workload(tool="kubernetes", kind="Deployment", name="serve", place=Place("k8s/serve.yaml", 1))
    assert pipeline.nearest(VolumeClaim, "models", workload) is None
    found = pipeline.nearest(VolumeClaim, "models", workload, where=lambda c: c.namespace == "prod")
    assert found is not None
    assert found.path == "k8s/b.yaml"
