"""Where the pods stand in objects of Kubernetes that are not its own: KServe, Seldon, Knative, Ray, Kubeflow, Argo.

Rules are those of each project's API reference: https://kserve.github.io/website/docs/reference/crd-api,
https://docs.seldon.ai/seldon-core-1, https://knative.dev/docs/serving/reference/serving-api,
https://ray-project.github.io/kuberay/reference/api, https://www.kubeflow.org/docs/components/trainer/legacy-v1,
https://argo-workflows.readthedocs.io/en/latest/fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from pytest_mlbreaks.formats.yaml import YamlNode


@dataclasses.dataclass(frozen=True)
class Pods:
    """Pods of one sort. *part* tells them from others of the object; *pod* is their spec, with lists of containers, or
    *container* the only container, written apart; *metadata* and *replicas* where they have their own."""

    part: str
    pod: YamlNode | None = None
    container: YamlNode | None = None
    metadata: YamlNode | None = None
    replicas: YamlNode | None = None


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _elements(node: YamlNode | None) -> Iterator[YamlNode]:
    return node.elements() if node is not None else iter(())


def _template(part: str, node: YamlNode | None, replicas: YamlNode | None = None) -> Iterator[Pods]:
    if node is not None and node.is_mapping:
        yield Pods(part, pod=node.get("spec"), metadata=node.get("metadata"), replicas=replicas)


_SERVERS = (
    "model",
    "sklearn",
    "xgboost",
    "tensorflow",
    "pytorch",
    "triton",
    "onnx",
    "lightgbm",
    "huggingface",
    "mlflow",
)


def _inference_service(node: YamlNode) -> Iterator[Pods]:
    for part in ("predictor", "transformer", "explainer"):
        component = node.get("spec", part)
        if component is None or not component.is_mapping:
            continue
        replicas = component.get("minReplicas")
        server = next((found for name in _SERVERS if (found := component.get(name)) is not None), None)
        yield Pods(part, pod=component, container=server, replicas=replicas)


def _seldon_deployment(node: YamlNode) -> Iterator[Pods]:
    for predictor in _elements(node.get("spec", "predictors")):
        for index, component in enumerate(_elements(predictor.get("componentSpecs"))):
            name = _text(predictor.get("name"))
            yield from _template(f"{name}-{index}" if index else name, component, predictor.get("replicas"))


def _knative_service(node: YamlNode) -> Iterator[Pods]:
    yield from _template("", node.get("spec", "template"))


def _ray(*path: str) -> Callable[[YamlNode], Iterator[Pods]]:
    def find(node: YamlNode) -> Iterator[Pods]:
        cluster = node.get(*path)
        if cluster is None:
            return
        yield from _template("head", cluster.get("headGroupSpec", "template"))
        for group in _elements(cluster.get("workerGroupSpecs")):
            name = _text(group.get("groupName")) or "worker"
            yield from _template(name, group.get("template"), group.get("replicas"))

    return find


def _training_job(field: str) -> Callable[[YamlNode], Iterator[Pods]]:
    def find(node: YamlNode) -> Iterator[Pods]:
        specs = node.get("spec", field)
        for role, _, spec in specs.items() if specs is not None else ():
            yield from _template(role.lower(), spec.get("template"), spec.get("replicas"))

    return find


def _argo(*path: str) -> Callable[[YamlNode], Iterator[Pods]]:
    def find(node: YamlNode) -> Iterator[Pods]:
        workflow = node.get(*path)
        for template in _elements(workflow.get("templates") if workflow is not None else None):
            container = template.get("container") or template.get("script")
            if container is not None and container.is_mapping:
                yield Pods(_text(template.get("name")), pod=template, container=container)

    return find


def model_uris(kind: str, node: YamlNode) -> Iterator[YamlNode]:
    """Where an object that serves models takes them from: ``storageUri`` of KServe, ``modelUri`` of Seldon's graph."""
    if kind == "InferenceService":
        for part in ("predictor", "transformer"):
            component = node.get("spec", part)
            for server in _SERVERS if component is not None else ():
                uri = node.get("spec", part, server, "storageUri")
                if uri is not None and uri.text:
                    yield uri
    elif kind == "SeldonDeployment":
        for predictor in _elements(node.get("spec", "predictors")):
            pending = [(predictor.get("graph"), 0)]
            while pending:
                unit, depth = pending.pop()
                uri = unit.get("modelUri") if unit is not None else None
                if uri is not None and uri.text:
                    yield uri
                if unit is not None and depth < _DEEPEST:
                    pending += [(child, depth + 1) for child in _elements(unit.get("children"))]


_DEEPEST = 20
"""Units of a graph below each other: https://docs.seldon.ai/seldon-core-1/configuration/deployments/inference-graph."""

KINDS: Mapping[str, tuple[str, Callable[[YamlNode], Iterator[Pods]]]] = {
    "InferenceService": ("serving.kserve.io", _inference_service),
    "SeldonDeployment": ("machinelearning.seldon.io", _seldon_deployment),
    "Service": ("serving.knative.dev", _knative_service),
    "RayCluster": ("ray.io", _ray("spec")),
    "RayService": ("ray.io", _ray("spec", "rayClusterConfig")),
    "RayJob": ("ray.io", _ray("spec", "rayClusterSpec")),
    "PyTorchJob": ("kubeflow.org", _training_job("pytorchReplicaSpecs")),
    "TFJob": ("kubeflow.org", _training_job("tfReplicaSpecs")),
    "XGBoostJob": ("kubeflow.org", _training_job("xgbReplicaSpecs")),
    "MPIJob": ("kubeflow.org", _training_job("mpiReplicaSpecs")),
    "Workflow": ("argoproj.io", _argo("spec")),
    "WorkflowTemplate": ("argoproj.io", _argo("spec")),
    "ClusterWorkflowTemplate": ("argoproj.io", _argo("spec")),
    "CronWorkflow": ("argoproj.io", _argo("spec", "workflowSpec")),
}
"""Kinds of other projects that run containers: their API group, and where their pods stand."""
