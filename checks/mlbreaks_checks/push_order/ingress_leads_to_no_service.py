"""An Ingress names a Service, or a port of one, that the manifests beside it do not define.

The Ingress is taken all the same, and each request for that path is answered with 503.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    facts,
    one_namespace,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_BRINGS = re.compile(
    r"\bhelm(?:file)?\s+(?:-\S+\s+)*(?:install|upgrade|template|apply|sync)\b|\bkubectl\s+expose\b|\bkompose\b|"
    r"\bkubectl\b[^\n]*\b(?:apply|create)\b[^\n]*\bhttps?://"
)
_OPERATED = frozenset(
    {"InferenceService", "SeldonDeployment", "RayCluster", "RayService", "RayJob", "Service", "WorkflowTemplate"}
)
"""Kinds for which an operator makes Services of its own."""


def _leads_into_the_tree(ingress: facts.Ingress, pipeline: Pipeline) -> bool:
    """Whether Services for the Ingress stand in the tree: one of those that it names is there."""
    names = [pipeline.pattern(path.service) for path in ingress.paths]
    return any(_services(name, ingress, pipeline) for name in names)


def _services(name: str, ingress: facts.Ingress, pipeline: Pipeline) -> list[facts.NetworkService]:
    named = pipeline.index(facts.NetworkService, "name").get(name, ())
    return [service for service in named if one_namespace(service.namespace, ingress.namespace)]


@check.over(facts.Ingress, where=_leads_into_the_tree)
def find(ingress: facts.Ingress, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each path of an Ingress that leads to Services of the tree: to a name and a port that are there."""
    seen: set[tuple[str, str]] = set()
    for path in ingress.paths:
        name, port = pipeline.pattern(path.service), pipeline.pattern(path.port)
        if (name, port) in seen:
            continue
        seen.add((name, port))
        if "{" in name:
            yield Unjudged(path.place, "the Service's name is made by a template")
        elif services := _services(name, ingress, pipeline):
            yield from _judge_port(ingress, path, services, port, pipeline)
        else:
            yield from _judge_name(ingress, path, name, pipeline)


def _judge_name(
    ingress: facts.Ingress, path: facts.IngressPath, name: str, pipeline: Pipeline
) -> Iterator[Finding | Unjudged]:
    doubt = _doubt(ingress, name, pipeline)
    if doubt:
        yield Unjudged(path.place, doubt)
        return
    beside = next(s for p in ingress.paths for s in _services(pipeline.pattern(p.service), ingress, pipeline))
    elsewhere = pipeline.index(facts.NetworkService, "name").get(name, ())
    where = f"{name} stands in the namespace {elsewhere[0].namespace}" if elsewhere else f"no manifest defines {name}"
    yield Finding(
        at=path.place,
        message=(
            f"Ingress {ingress.name} sends {path.path or 'all else'} to Service {name}, and {where}: the answer is 503."
        ),
        because=((beside.place, f"Service {beside.name}, which it names as well, is defined"),),
        about=(name,),
    )


def _judge_port(
    ingress: facts.Ingress,
    path: facts.IngressPath,
    services: list[facts.NetworkService],
    port: str,
    pipeline: Pipeline,
) -> Iterator[Verdict]:
    ports = [p for service in services for p in service.ports]
    told = {text for p in ports for text in (pipeline.pattern(p.port), p.name) if text}
    if path.port is None or port in told:
        return
    if "{" in port or not ports or any("{" in text for text in told) or any(s.external for s in services):
        yield Unjudged(path.place, "the ports of the Service can't be told")
        return
    if _manifests.may_be_patched(ingress.path, pipeline, apart_from=("replicas", "images")):
        yield Unjudged(path.place, _manifests.PATCHED)
        return
    yield Finding(
        at=path.place,
        message=(
            f"Ingress {ingress.name} sends {path.path or 'all else'} to port {port} of Service {services[0].name}, "
            f"which has {' and '.join(sorted(told))}: the answer is 503."
        ),
        because=((ports[0].place, f"the port of Service {services[0].name}"),),
        about=(services[0].name, port),
    )


def _doubt(ingress: facts.Ingress, name: str, pipeline: Pipeline) -> str:
    """Why the Service may come from elsewhere; "" where the tree is all there is."""
    if _manifests.may_be_patched(ingress.path, pipeline, apart_from=("replicas", "images")):
        return _manifests.PATCHED
    if _manifests.renamed(pipeline):
        return "a kustomization gives other names"
    brings = (
        *pipeline.index(facts.Script, _brings),
        *pipeline.index(facts.WorkflowJob, _job_brings),
        *pipeline.index(facts.TaskFile, _task_brings),
    )
    if True in brings:
        return "Helm may bring the Service"
    if pipeline.all(facts.Application):
        return "Argo CD may bring the Service"
    if any("{" in service.name for service in pipeline.all(facts.NetworkService)):
        return "a template makes names of Services"
    if any(w.kind in _OPERATED and w.tool == "kubernetes" for w in pipeline.all(facts.Workload)):
        return "an operator may make the Service"
    return ""


def _brings(script: facts.Script) -> bool:
    return _BRINGS.search(script.text) is not None


def _job_brings(job: facts.WorkflowJob) -> bool:
    return any(_BRINGS.search(_ci.text_of(step.run.shell)) for step in job.steps if step.run is not None)


def _task_brings(file: facts.TaskFile) -> bool:
    return any(_BRINGS.search(line.text) for task in file.tasks for line in task.lines)
