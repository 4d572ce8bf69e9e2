"""Kustomizations are built, and what they come to stands in the place of what they are made of."""

from __future__ import annotations

import textwrap

import pytest

from pytest_mlbreaks.model import Pipeline, Process, Tier
from pytest_mlbreaks.model.expr import Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import Autoscaler, ConfigObject, Container, NetworkService, Workload
from pytest_mlbreaks.testing import linked

SCORER = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: scorer
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: scorer}
    spec:
      containers:
        - name: scorer
          image: registry.example.com/scorer:1.4.0
          args: [--port, "8080"]
          env:
            - {name: MODEL, value: churn}
            - {name: LEVEL, value: info}
          envFrom:
            - configMapRef: {name: scorer-config}
          resources:
            limits: {memory: 1Gi}
        - name: proxy
          image: envoy:1.30
"""
BASE = {"k8s/base/kustomization.yaml": "resources: [scorer.yaml]", "k8s/base/scorer.yaml": SCORER}


def deployed(overlay: str, more: dict[str, str] | None = None, *, name: str = "live") -> Pipeline:
    """The pipeline of the base and one overlay, whose fields are *overlay*."""
    text = textwrap.dedent(overlay)
    if "resources:" not in text:
        text = f"resources: [../base]\n{text}"
    return linked({**BASE, f"k8s/{name}/kustomization.yaml": text, **(more or {})})


def workload(pipeline: Pipeline) -> Workload:
    """The one workload of a pipeline."""
    (found,) = pipeline.all(Workload)
    return found


def container(pipeline: Pipeline, name: str = "scorer") -> Container:
    """The one container of *name*."""
    (found,) = (one for one in pipeline.all(Container) if one.name == name)
    return found


def values(holder: Container | ConfigObject) -> dict[str, object]:
    """The variables or entries by name."""
    return {v.name: v.value for v in (holder.variables if isinstance(holder, Container) else holder.entries)}


def test_an_overlay_is_the_deployment_of_what_it_takes_in() -> None:
    """The base is none of its own; places stay where things are written."""
    pipeline = deployed("namespace: ml-prod", name="prod")
    found = workload(pipeline)
    assert (found.scope, found.path, found.namespace) == (
        "k8s/prod/kustomization.yaml",
        "k8s/base/scorer.yaml",
        "ml-prod",
    )
    assert pipeline.environment(found).tier is Tier.PROD
    assert pipeline.environment(container(pipeline)).tier is Tier.PROD


def test_each_overlay_is_a_deployment() -> None:
    """Two overlays of one base are two workloads, each of its environment."""
    pipeline = deployed(
        "namespace: ml", {"k8s/dev/kustomization.yaml": "resources: [../base]\nnamePrefix: dev-"}, name="prod"
    )
    assert {(w.name, pipeline.environment(w).tier) for w in pipeline.all(Workload)} == {
        ("scorer", Tier.PROD),
        ("dev-scorer", Tier.NONPROD),
    }


def test_images_and_replicas_are_set() -> None:
    """By name, with another one, a tag or a digest."""
    pipeline = deployed("""
        images:
          - {name: registry.example.com/scorer, newName: mirror.example.com/scorer, newTag: "2.0"}
          - {name: envoy, digest: "sha256:00ff"}
        replicas:
          - {name: scorer, count: 5}
    """)
    assert container(pipeline).image == Literal("mirror.example.com/scorer:2.0")
    assert container(pipeline, "proxy").image == Literal("envoy@sha256:00ff")
    assert workload(pipeline).replicas == Literal(5)


def test_a_strategic_merge_patch_is_applied() -> None:
    """Elements by their names, deletions, null, and lists without a key as a whole."""
    patch = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: scorer}
        spec:
          replicas: null
          template:
            spec:
              containers:
                - name: scorer
                  args: [--fast]
                  env:
                    - {name: LEVEL, $patch: delete}
                    - {name: MODEL, value: fraud}
                    - {name: REGION, value: eu}
                  resources:
                    limits: {nvidia.com/gpu: 1}
                - name: proxy
                  $patch: delete
    """
    pipeline = deployed("patches: [{path: patch.yaml}]", {"k8s/live/patch.yaml": textwrap.dedent(patch)})
    found = container(pipeline)
    assert values(found) == {"MODEL": Literal("fraud"), "REGION": Literal("eu")}
    assert found.command is not None
    assert found.command.argv == (Literal("--fast"),)
    assert {q.resource for q in found.limits} == {"memory", "nvidia.com/gpu"}
    assert workload(pipeline).replicas is None
    assert [c.name for c in pipeline.all(Container)] == ["scorer"]
    assert {v.name: v.place.path for v in found.variables}["REGION"] == "k8s/live/patch.yaml"


def test_a_json_patch_is_applied() -> None:
    """Written into the kustomization, to what its target selects; a place is that of the line in it."""
    pipeline = deployed("""
        patches:
          - target: {kind: Deployment, name: scor.*}
            patch: |-
              - op: replace
                path: /spec/template/spec/containers/0/image
                value: scorer:9
              - op: add
                path: /spec/template/spec/containers/0/env/-
                value: {name: EXTRA, value: "1"}
              - op: remove
                path: /spec/template/spec/containers/1
    """)
    found = container(pipeline)
    assert found.image == Literal("scorer:9")
    assert values(found)["EXTRA"] == Literal("1")
    assert [c.name for c in pipeline.all(Container)] == ["scorer"]
    places = {v.name: v.place for v in found.variables}
    assert (places["EXTRA"].path, places["EXTRA"].line) == ("k8s/live/kustomization.yaml", 11)


def test_names_are_changed_where_they_are_named() -> None:
    """Of what is among the resources: others keep theirs."""
    scaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: scorer}
        spec: {scaleTargetRef: {kind: Deployment, name: scorer}, maxReplicas: 3}
    """
    pipeline = deployed(
        "resources: [../base, hpa.yaml]\nnamePrefix: eu-\nconfigMapGenerator: [{name: scorer-config, literals: [A=1]}]",
        {"k8s/live/hpa.yaml": textwrap.dedent(scaler)},
    )
    assert workload(pipeline).name == "eu-scorer"
    assert [s.target_name for s in pipeline.all(Autoscaler)] == ["eu-scorer"]
    assert [source.name for source in container(pipeline).variable_sources] == [Literal("eu-scorer-config")]
    assert [(c.name, c.generated) for c in pipeline.all(ConfigObject)] == [("eu-scorer-config", True)]


def test_generated_objects_are_put_together() -> None:
    """An overlay adds to what its base generates, files are not their content, and secrets have no values."""
    files = {
        "k8s/base/kustomization.yaml": textwrap.dedent("""
            resources: [scorer.yaml]
            configMapGenerator:
              - name: scorer-config
                literals: [LEVEL=info, MODEL=churn]
                files: [model.json]
            secretGenerator:
              - {name: keys, literals: [token=abc]}
        """),
        "k8s/live/.env": "# set by the platform\nMODEL=fraud\nREGION=eu\n",
    }
    pipeline = deployed("configMapGenerator: [{name: scorer-config, behavior: merge, envs: [.env]}]", files)
    holders = {holder.kind: holder for holder in pipeline.all(ConfigObject)}
    assert len(holders) == len(pipeline.all(ConfigObject)) == 2
    assert values(holders["configmap"]) == {
        "LEVEL": Literal("info"),
        "MODEL": Literal("fraud"),
        "REGION": Literal("eu"),
        "model.json": Unknown("the content of model.json"),
    }
    assert not holders["configmap"].partial
    assert values(holders["secret"]) == {"token": SecretKey("secret/keys", "token")}


def test_labels_reach_selectors_and_templates() -> None:
    """``commonLabels`` and ``labels`` with ``includeSelectors``; a Service finds its pods."""
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: scorer}, ports: [{port: 80}]}"
    pipeline = deployed(
        "resources: [../base, s.yaml]\nlabels: [{pairs: {tier: gpu}, includeSelectors: true}, {pairs: {x: y}}]",
        {"k8s/live/s.yaml": service},
    )
    assert {one.key for one in workload(pipeline).pod_labels} == {"app", "tier"}
    assert {one.key for one in workload(pipeline).labels} == {"tier", "x"}
    (found,) = pipeline.all(NetworkService)
    assert {one.key for one in found.selector} == {"app", "tier"}


def test_components_work_on_what_is_there() -> None:
    """A component patches the resources of the kustomization that names it."""
    component = """
        kind: Component
        patches:
          - target: {kind: Deployment}
            patch: '[{"op": "replace", "path": "/spec/replicas", "value": 7}]'
    """
    pipeline = deployed("components: [../gpu]", {"k8s/gpu/kustomization.yaml": textwrap.dedent(component)})
    assert workload(pipeline).replicas == Literal(7)


def test_replacements_are_put_in() -> None:
    """A field of one object goes into another one's, whole or as a part."""
    source = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions}\ndata: {scorer: '3.1'}"
    pipeline = deployed(
        """
        resources: [../base, versions.yaml]
        replacements:
          - source: {kind: ConfigMap, name: versions, fieldPath: data.scorer}
            targets:
              - select: {kind: Deployment}
                fieldPaths: ["spec.template.spec.containers.[name=scorer].image"]
                options: {delimiter: ":", index: 1}
        """,
        {"k8s/live/versions.yaml": source},
    )
    assert container(pipeline).image == Literal("registry.example.com/scorer:3.1")


@pytest.mark.parametrize(
    "overlay",
    [
        "components: ['https://example.com/parts//gpu']",
        "patches: [{path: missing.yaml}]",
        "transformers: [mine.yaml]",
        "resources: [../base, ../live]",
        "patches:\n  - patch: |-\n      a: [",
    ],
)
def test_what_cannot_be_built_stays_as_it_is(overlay: str) -> None:
    """A component or patch that is not there, a plugin, a cycle, a patch that cannot be read: nothing is claimed."""
    pipeline = deployed(overlay)
    assert workload(pipeline).scope == "k8s/base/scorer.yaml"


def test_an_object_that_a_patch_fails_on_stays_as_it_is() -> None:
    """Others of the kustomization are built."""
    other = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}"
    pipeline = deployed(
        """
        resources: [../base, s.yaml]
        patches:
          - target: {kind: Deployment}
            patch: |-
              - op: remove
                path: /spec/nothing
        """,
        {"k8s/live/s.yaml": other},
    )
    assert workload(pipeline).scope == "k8s/base/scorer.yaml"
    assert [s.scope for s in pipeline.all(NetworkService)] == ["k8s/live/kustomization.yaml"]


def test_what_is_remote_adds_objects_only() -> None:
    """A resource behind a URL changes none of those that are here."""
    pipeline = deployed("resources: [../base, 'https://example.com/crds.yaml']\nreplicas: [{name: scorer, count: 3}]")
    assert workload(pipeline).replicas == Literal(3)


def test_a_base_that_argo_cd_deploys_is_a_deployment() -> None:
    """Besides the overlay of it."""
    application = """
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: base}
        spec:
          source: {repoURL: "https://example.com/x.git", path: k8s/base}
          destination: {namespace: ml}
    """
    pipeline = deployed("namespace: live", {"apps/base.yaml": textwrap.dedent(application)})
    assert {w.scope for w in pipeline.all(Workload)} == {"k8s/base/kustomization.yaml", "k8s/live/kustomization.yaml"}


def test_overlays_of_tests_are_no_deployments() -> None:
    """The base is then what it was."""
    pipeline = linked({**BASE, "tests/data/kustomization.yaml": "resources: [../../k8s/base]\nnamePrefix: t-"})
    assert [(w.name, w.scope) for w in pipeline.all(Workload)] == [("scorer", "k8s/base/kustomization.yaml")]


def test_kustomizations_that_double_are_given_up() -> None:
    """Each takes in the one below twice, which kustomize refuses."""
    chain = {f"k/{n}/kustomization.yaml": f"resources: [../{n + 1}, ../{n + 1}]" for n in range(30)}
    pipeline = linked({**chain, "k/30/kustomization.yaml": "resources: [scorer.yaml]", "k/30/scorer.yaml": SCORER})
    assert workload(pipeline).scope == "k/30/scorer.yaml"


def test_a_config_map_is_found_in_its_own_deployment() -> None:
    """Two overlays generate one of the same name; each pod sees that of its own."""
    files = {
        **BASE,
        **{
            f"k8s/{name}/kustomization.yaml": textwrap.dedent(f"""
                resources: [../base]
                namespace: {name}
                configMapGenerator: [{{name: scorer-config, literals: [URL=https://{name}.example.com]}}]
            """)
            for name in ("dev", "prod")
        },
    }
    pipeline = linked(files)
    found = {(p.environment.tier, p.variables["URL"].text) for p in pipeline.all(Process) if "URL" in p.variables}
    assert found == {(Tier.PROD, "https://prod.example.com"), (Tier.NONPROD, "https://dev.example.com")}
