"""A Deployment behind a Service has no readiness probe, and its server takes a while to start.

A container without a readiness probe is ready as soon as it runs. The Service then sends it requests, and a rollout
takes the old pod away, while the new one still imports, installs or loads.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Host,
    Pipeline,
    Place,
    Process,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

_SLOW_IMAGES = frozenset(
    {
        *(
            "mlflow",
            "tritonserver",
            "vllm-openai",
            "text-generation-inference",
            "text-embeddings-inference",
            "torchserve",
        ),
        *("mlserver", "feature-server", "ollama", "localai", "kserve-huggingfaceserver", "sklearnserver", "jupyterhub"),
    }
)
"""Images of servers that take seconds to minutes until they listen, by the last part of their names."""

_SLOW_IMPORTS = frozenset(
    {
        *("torch", "tensorflow", "transformers", "sentence_transformers", "keras", "sklearn", "xgboost", "lightgbm"),
        *("catboost", "onnxruntime", "mlflow", "spacy", "jax", "fastai", "ultralytics", "ray", "vllm", "diffusers"),
    }
)
"""Packages whose import alone takes from one second to half a minute."""


def _is_served(process: Process, pipeline: Pipeline) -> bool:
    """Whether a Service of the tree leads to the container, and its Deployment is rolled over without a gap."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or container.tool != "kubernetes" or container.init:
        return False
    if workload is None or workload.kind != "Deployment" or workload.strategy == "Recreate":
        return False
    return pipeline.environment(container).tier is not Tier.NONPROD and _service(process, pipeline) is not None


def _service(process: Process, pipeline: Pipeline) -> Host | None:
    """A Service whose port is one of the container's; where none is told, a pod with one container has to do."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return None
    inside = {pipeline.pattern(port.container, process) for port in container.ports}
    for host in pipeline.index(Host, "processes", each=True).get(process, ()):
        others = [p for p in host.processes if p.workload is process.workload and not _is_init(p)]
        if len(others) == 1 or any(str(port) in inside for port in host.published.values()):
            return host
    return None


def _is_init(process: Process) -> bool:
    return isinstance(process.fact, facts.Container) and process.fact.init


@check.over(Process, where=_is_served)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container of a Deployment that a Service leads to."""
    container, workload, host = process.fact, process.workload, _service(process, pipeline)
    if not isinstance(container, facts.Container) or workload is None or host is None:
        return
    if _waits(container):
        return
    slow = _slow(process, container, pipeline)
    if slow is None:
        if not process.modules:
            yield Unjudged(container.place, "what the container runs is not in the tree")
        return
    if _manifests.may_be_patched(container.path, pipeline, of=workload) or _manifests.is_rendered(workload):
        yield Unjudged(container.place, _manifests.PATCHED)
        return
    if _manifests.is_templated(container, pipeline, "readinessProbe", "startupProbe"):
        yield Unjudged(container.place, _manifests.TEMPLATED)
        return
    if _has_a_twin(workload, pipeline):
        yield Unjudged(container.place, "another file of its folder has it with a probe")
        return
    why, at = slow
    yield Finding(
        at=container.place,
        message=(
            f"Deployment {workload.name} has no readiness probe: a new pod gets the requests of Service {host.name}, "
            f"and replaces an old one, while it still {why}."
        ),
        because=((host.declared, f"Service {host.name} leads to it"), (at, f"it {why} before it listens")),
    )


def _waits(container: facts.Container) -> bool:
    return any(probe.kind in ("readiness", "startup") for probe in container.probes)


def _has_a_twin(workload: facts.Workload, pipeline: Pipeline) -> bool:
    """Whether another file of the folder describes the same Deployment, with a probe: which of them is applied last
    stands nowhere."""
    return any(
        other.path != workload.path
        and any(map(_waits, pipeline.index(facts.Container, "workload").get(str(other.identity), ())))
        for other in pipeline.index(facts.Workload, _object)[_object(workload)]
    )


def _object(workload: facts.Workload) -> tuple[str, ...]:
    return workload.path.rpartition("/")[0], workload.kind, workload.namespace, workload.name


def _slow(process: Process, container: facts.Container, pipeline: Pipeline) -> tuple[str, Place] | None:
    """What the server does before it listens that takes time, and where that is written."""
    for entry in process.entries[:-1]:
        if posixpath.basename(entry.written) in ("pip", "pip3", "uv") and "install" in entry.arguments:
            return "installs packages", entry.place
    if not process.modules:
        name = posixpath.basename(references.split_reference(pipeline.pattern(container.image, process)).repository)
        return (f"starts {name}", container.place) if name in _SLOW_IMAGES else None
    for path in process.modules:
        for load in pipeline.index(facts.ModelAccess, "path").get(path, ()):
            if load.mode == "load" and not load.scope:
                return "loads its model", load.place
    for path in process.modules:
        for module in pipeline.index(facts.PythonModule, "path").get(path, ()):
            for imported in module.imports:
                package = imported.target.partition(".")[0]
                if not (imported.scope or imported.guarded or imported.level) and package in _SLOW_IMPORTS:
                    return f"imports {package}", Place(path, imported.line)
    return None
