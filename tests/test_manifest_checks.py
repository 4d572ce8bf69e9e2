"""What checks of manifests share: overlays, images that CI fills in, slips of names."""

from __future__ import annotations

import pytest
from mlbreaks_checks import _manifests
from mlbreaks_checks._names import is_slip

from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.expr import Concat, Context, Literal
from pytest_mlbreaks.model.facts import JobStep, Kustomization, Label, Variable, WorkflowJob, Workload
from pytest_mlbreaks.testing import linked


def kustomization(
    path: str, *lists: str, changes: tuple[str, ...] = (), patches: tuple[str, ...] = ()
) -> Kustomization:
    """A kustomization of these paths."""
    return Kustomization(lists=lists, changes=changes, patches=patches, place=Place(path, 1))


def workload(path: str, **labels: str) -> Workload:
    """A Deployment with these labels."""
    marks = tuple(Label(key=key, value=value, place=Place(path, 1)) for key, value in labels.items())
    return Workload(tool="kubernetes", kind="Deployment", name="scorer", labels=marks, place=Place(path, 1))


def test_overlays_reach_through_bases() -> None:
    """An overlay that patches a base may change what the base lists, and nothing else."""
    pipeline = Pipeline(
        [
            kustomization("k8s/base/kustomization.yaml", "k8s/base/scorer.yaml", "k8s/base/sub"),
            kustomization("k8s/base/sub/kustomization.yaml", "k8s/base/sub/store.yaml"),
            kustomization("k8s/prod/kustomization.yaml", "k8s/base", changes=("images", "patches")),
            kustomization("k8s/dev/kustomization.yaml", "k8s/other", changes=("images",)),
        ],
        (),
    )
    assert _manifests.may_be_patched("k8s/base/scorer.yaml", pipeline)
    assert _manifests.may_be_patched("k8s/base/sub/store.yaml", pipeline, apart_from=("images",))
    assert not _manifests.may_be_patched("k8s/base/sub/store.yaml", pipeline, apart_from=("images", "patches"))
    assert not _manifests.may_be_patched("k8s/base/not-listed.yaml", pipeline)
    assert _manifests.may_be_patched("k8s/other/in-a-folder-without-one.yaml", pipeline)
    assert not _manifests.renamed(pipeline)


def test_what_a_kustomization_passes_over_for_a_file_that_was_not_read() -> None:
    """The file that it takes in may hold the same object."""
    files = [kustomization("k8s/kustomization.yaml", "k8s/scorer.yaml"), workload("k8s/old.yaml")]
    assert not _manifests.may_be_patched("k8s/old.yaml", Pipeline(files, ()))
    assert _manifests.may_be_patched("k8s/old.yaml", Pipeline(files, (), {"k8s/scorer.yaml": "no YAML"}))


def test_kustomizations_that_list_each_other_end() -> None:
    """A circle is refused by kustomize, and does not hang us."""
    pipeline = Pipeline(
        [kustomization("a/kustomization.yaml", "b", "a/x.yaml"), kustomization("b/kustomization.yaml", "a")], ()
    )
    assert set(_manifests.overlays("a/x.yaml", pipeline)) == {"a/kustomization.yaml", "b/kustomization.yaml"}


@pytest.mark.parametrize(
    ("part", "whole", "meant"),
    [
        ("k8s/patch.yaml", "k8s/scorer.yaml", True),
        ("k8s/prod/patch.yaml", "k8s/scorer.yaml", True),
        ("k8s/prod/patch.yaml", "k8s/base/scorer.yaml", True),
        ("overlays/big/patch.yaml", "deploy/base/scorer.yaml", True),
        ("overlays/small/patch.yaml", "deploy/base/scorer.yaml", False),
        ("patch.yaml", "k8s/scorer.yaml", False),
        ("prod/patch.yaml", "scorer.yaml", True),
    ],
)
def test_parts_of_one_object(part: str, whole: str, meant: bool) -> None:
    """They lie beside or below it, or one kustomization takes in both."""
    overlay = kustomization("overlays/big/kustomization.yaml", "deploy/base", patches=("overlays/big/patch.yaml",))
    listing = kustomization("deploy/base/kustomization.yaml", "deploy/base/scorer.yaml")
    assert _manifests.is_part_of(part, whole, Pipeline([overlay, listing], ())) is meant


@pytest.mark.parametrize(
    ("tag", "answer"), [(Context("github", "sha"), "does"), (Literal("stable"), "may")], ids=["varies", "stays"]
)
def test_an_action_fills_in_images(tag: Context | Literal, answer: str) -> None:
    """An image that differs with each push certainly rolls the pods."""
    place = Place(".github/workflows/deploy.yml", 1)
    given = Variable(name="images", value=Concat((Literal("registry/scorer:"), tag)), place=place)
    step = JobStep(index=0, uses="azure/k8s-deploy@v5", inputs=(given,), place=place)
    job = WorkflowJob(id="deploy", workflow="w", step="s", steps=(step,), place=place)
    assert _manifests.images_replaced(Pipeline([job], ())) == answer
    assert _manifests.images_replaced(Pipeline([], ())) == ""


def test_rendered_manifests() -> None:
    """Helm marks what it makes; other people's manifests lie in folders of their own."""
    assert _manifests.is_rendered(workload("k8s/rendered/a.yaml"))
    assert _manifests.is_rendered(workload("k8s/a.yaml", **{"app.kubernetes.io/managed-by": "Helm"}))
    assert _manifests.is_rendered(workload("k8s/a.yaml", **{"helm.sh/chart": "scorer-1.0"}))
    assert not _manifests.is_rendered(workload("k8s/a.yaml", **{"app.kubernetes.io/managed-by": "us"}))
    assert not _manifests.is_rendered(workload("k8s/vendor.yaml"))


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("scorer", "scorers", True),
        ("model-scorer", "model-scroer", True),
        ("scorer-cpu", "scorer-gpu", False),
        ("scorer-v1", "scorer-v2", False),
        ("scorer1", "scorer2", False),
        ("scorer", "scorer-gpu", False),
    ],
)
def test_slips_of_names(one: str, other: str, slip: bool) -> None:
    """A slip is one letter of one word: numbers and short or whole words are told apart on purpose."""
    assert is_slip(one, other) is slip


@pytest.mark.parametrize(
    ("change", "patched"),
    [
        ("patches: [{target: {kind: Deployment, name: scorer}, patch: x}]", True),
        ("patches: [{target: {kind: Deployment, name: other}, patch: x}]", False),
        ("patches: [{target: {name: sco.*}, patch: x}]", True),
        ("patches: [{target: {labelSelector: a=b}, patch: x}]", True),
        ("patches: [{target: {name: '('}, patch: x}]", True),
        ("patches: [{path: patch.yaml}]", False),
        ("patchesStrategicMerge: [patch.yaml]", False),
        ("patches: [{path: gone.yaml}]", True),
        ('patches: [{patch: "kind: Deployment\\nmetadata: {name: other}\\n"}]', False),
        ('patches: [{patch: "kind: Deployment\\nmetadata: {name: scorer}\\n"}]', True),
        ("images: [{name: acme/scorer, newTag: '2'}]", True),
        ("images: [{name: acme/other, newTag: '2'}]", False),
        ("replicas: [{name: scorer, count: 2}]", True),
        ("replicas: [{name: other, count: 2}]", False),
        ("components: [../part]", True),
        ("replacements: [{path: r.yaml}]", True),
        ("namePrefix: a-\nreplicas: [{name: other, count: 2}]", True),
    ],
)
def test_a_kustomization_changes_what_it_names(change: str, patched: bool) -> None:
    """Patches, images and replicas concern the objects that they name; what names none may concern all.

    The kustomization takes in itself, so that it is not built.
    """
    pod = "spec: {template: {spec: {containers: [{name: c, image: 'acme/scorer:1'}]}}}\n"
    pipeline = linked(
        {
            "base/kustomization.yaml": "resources: [scorer.yaml]\n",
            "base/scorer.yaml": f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: scorer}}\n{pod}",
            "prod/kustomization.yaml": f"resources: [../base, ../prod]\n{change}\n",
            "prod/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\nspec: {replicas: 2}\n",
        }
    )
    found = next(w for w in pipeline.all(Workload) if w.path == "base/scorer.yaml")
    assert _manifests.may_be_patched(found.path, pipeline, of=found) is patched
    assert _manifests.may_be_patched(found.path, pipeline) is True
