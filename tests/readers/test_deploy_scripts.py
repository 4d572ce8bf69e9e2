"""Scripts that make Kubernetes replace running pods."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.text import TextFile
from pytest_mlbreaks.model.facts import PodRestart
from pytest_mlbreaks.readers.deploy_scripts import READER
from pytest_mlbreaks.reading import Wanted


def restarts(text: str) -> list[PodRestart]:
    """What is read of a script of *text*."""
    facts = list(READER.read(TextFile("deploy.sh", text), Wanted(frozenset())))
    return [fact for fact in facts if isinstance(fact, PodRestart)]


@pytest.mark.parametrize(
    "command",
    [
        "kubectl -n serving rollout restart deploy/scorer",
        "kubectl set image deploy/scorer scorer=registry/scorer:$TAG",
        "cd overlays/prod && kustomize edit set image scorer=registry/scorer:$TAG && kubectl apply -k .",
        "helm upgrade --recreate-pods scorer chart/",
        "kubectl delete pods -l app=scorer",
        "envsubst < deployment.yaml | kubectl apply -f -",
        "sed s/TAG/$TAG/ deployment.yaml | kubectl apply -f -",
    ],
)
def test_pods_are_replaced(command: str) -> None:
    """A command after which pods are new ones is told, with its line."""
    (found,) = restarts(f"set -e\n{command}\n")
    assert (found.place.line, found.certain) == (2, True)


def test_pods_may_be_replaced() -> None:
    """A command that may have written another image into the manifest is told as one that may."""
    (found,) = restarts("# sed\nsed -i s/TAG/$1/ k8s/deploy.yaml\nkubectl apply -f k8s/\n")
    assert (found.place.line, found.certain, found.command) == (2, False, "sed")
    assert restarts("sed -i s/a/b/ x\n") == []
    (found,) = restarts("sed -i s/a/b/ x\nkubectl rollout restart deploy/scorer\n")
    assert (found.place.line, found.certain) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        "kubectl apply -f k8s/\n",
        "helm upgrade --install scorer chart/\n",
        "# kubectl rollout restart deploy/scorer\n",
        "git config set image x\n",
        "",
    ],
)
def test_pods_stay(text: str) -> None:
    """Applying replaces no pod, and neither does a comment or a command of something else."""
    assert restarts(text) == []


@pytest.mark.parametrize(
    ("path", "claimed"),
    [("k8s/deploy.sh", True), ("Makefile", True), ("ops/deploy.mk", True), ("deploy.py", False), ("Dockerfile", False)],
)
def test_claims(path: str, claimed: bool) -> None:
    """Shell scripts and Makefiles are looked at."""
    assert READER.claims(path) is claimed
