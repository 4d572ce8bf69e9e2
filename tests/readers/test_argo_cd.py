"""Applications of Argo CD, and what they decide of the charts and manifests that they bring to a cluster."""

from __future__ import annotations

from pytest_mlbreaks.model import Pipeline, Process, Tier
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Application, Workload
from pytest_mlbreaks.testing import linked

POD = (
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n    - name: c\n"
    "      image: acme/c:{{ .Values.tag }}\n"
)
CHART = {"apps/c/Chart.yaml": "name: c\n", "apps/c/values.yaml": "tag: '1'\n", "apps/c/templates/pod.yaml": POD}


def application(source: str, kind: str = "Application") -> str:
    """An application with that source."""
    spec = f"destination: {{namespace: c-prod}}, source: {source}, syncPolicy: {{automated: {{}}}}"
    spec = f"template: {{spec: {{{spec}}}}}" if kind == "ApplicationSet" else spec
    wave = 'annotations: {argocd.argoproj.io/sync-wave: "2"}'
    return f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: a, {wave}}}\nspec: {{{spec}}}\n"


def image(source: str) -> tuple[list[object], bool]:
    """What the image of the chart can be, and whether that is all, where an application has this source."""
    return image_of(linked({**CHART, "argo/a.yaml": application(source)}))


def image_of(pipeline: Pipeline) -> tuple[list[object], bool]:
    """What the image of the only process can be, and whether that is all."""
    (process,) = pipeline.all(Process)
    assert process.image is not None
    return [alternative.value for alternative in process.image], process.image.complete


def test_an_application() -> None:
    """It is stated with what it takes, where it puts it, and when."""
    for kind in ("Application", "ApplicationSet"):
        (found,) = linked({"a.yaml": application("{path: apps/c, kustomize: {images: [a=b]}}", kind)}).all(Application)
        assert (found.name, found.source, found.namespace) == ("a", Literal("apps/c"), "c-prod")
        assert (found.wave, found.automated, found.sets_images) == (2, True, True)


def test_its_parameters_are_values_of_the_chart() -> None:
    """Beside what the chart itself says; a folder whose beginning is filled in is known by its end."""
    assert image("{path: apps/c, helm: {parameters: [{name: tag, value: '2'}]}}") == (["acme/c:1", "acme/c:2"], True)
    assert image("{path: '{{ .Values.root }}/c', helm: {parameters: [{name: tag, value: '2'}]}}")[0][1:] == ["acme/c:2"]
    assert image("{path: apps/other, helm: {parameters: [{name: tag, value: '2'}]}}") == (["acme/c:1"], True)


def test_values_that_are_not_read_leave_it_open() -> None:
    """Values in the application, or a file of another folder that is not there, may say anything."""
    assert image("{path: apps/c, helm: {values: 'tag: x'}}")[1] is False
    assert image("{path: apps/c, helm: {valueFiles: [../../env/x.yaml]}}")[1] is False
    assert image("{path: apps/c, helm: {valueFiles: [values.yaml]}}") == (["acme/c:1"], True)


def test_a_file_of_values_of_another_folder() -> None:
    """It says what the chart's values are for that application."""
    text = application("{path: apps/c, helm: {valueFiles: [../../env/values-c.yaml]}}")
    found = linked({**CHART, "argo/a.yaml": text, "env/values-c.yaml": "tag: '3'\n"})
    assert image_of(found) == (["acme/c:1", "acme/c:3"], True)


def test_secrets_among_parameters_stay_out() -> None:
    """A parameter whose name tells a secret is one."""
    text = application("{path: apps/c, helm: {parameters: [{name: db.password, value: hunter2}]}}")
    assert "hunter2" not in repr(linked({"a.yaml": text}).all(Application))


def test_the_namespace_of_an_application_tells_the_environment() -> None:
    """Of manifests that name none of their own."""
    manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec: {}\n"
    found = linked({"argo/a.yaml": application("{path: apps/c}"), "apps/c/pod.yaml": manifest, "b/pod.yaml": manifest})
    tiers = {workload.path: found.environment(workload).tier for workload in found.all(Workload)}
    assert tiers == {"apps/c/pod.yaml": Tier.PROD, "b/pod.yaml": Tier.UNKNOWN}
