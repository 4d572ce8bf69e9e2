"""Passed over: manifests of Kubernetes that what deploys the others leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import Kustomization, Script, TaskFile, WorkflowJob, Workload

BY_COMMANDS = "commands apply other manifests of its folder"
BY_KUSTOMIZATION = "the kustomization of its folder takes another file for it"

_APPLIED = re.compile(r"-[fkR]+[\s=]+['\"]?([^\s'\";|&]+)")


def passed_over(pipeline: Pipeline, values: Values) -> dict[str, str]:
    """Why nobody is seen to apply a manifest, by its path.

    Commands (of scripts, Makefiles, workflows) name other manifests of the folder one by one, one of them called like
    this one (``api-deployment.yaml``, ``api.yaml``), and neither this one nor the folder; or the kustomization of the
    folder takes in another file, which has a workload of the same kind and name. Either may be an older one.
    """
    workloads = [one for one in pipeline.all(Workload) if one.tool == "kubernetes"]
    if not workloads:
        return {}
    applied = {path for text in _texts(pipeline, values) if "kubectl" in text for path in _named(text)}
    names = {path.rpartition("/")[2] for path in applied}
    folders = {path.rpartition("/")[0].rpartition("/")[2] for path in applied if path.endswith((".yaml", ".yml"))}
    stems = {_stem(path.rpartition("/")[2]) for path in applied if path.endswith((".yaml", ".yml"))}
    taken = {path for one in pipeline.all(Kustomization) for path in one.lists}
    by_folder = {one.path.rpartition("/")[0]: one for one in pipeline.all(Kustomization)}
    kinds = pipeline.index(Workload, "path")
    found: dict[str, str] = {}
    for workload in workloads:
        folder, _, name = workload.path.rpartition("/")
        last = folder.rpartition("/")[2]
        told = last in names or name in names
        if last and last in folders and not told and any(_alike(_stem(name), stem) for stem in stems):
            found[workload.path] = BY_COMMANDS
        elif folder in by_folder and not {workload.path, folder} & taken:
            listed = (other for path in by_folder[folder].lists for other in kinds.get(path, ()))
            if any((other.kind, other.name) == (workload.kind, workload.name) for other in listed):
                found[workload.path] = BY_KUSTOMIZATION
    return found


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _alike(first: str, second: str) -> bool:
    """Whether one of two names is the other with something before or behind it."""
    short, long = sorted((first, second), key=len)
    return f"-{short}-" in f"-{long}-".replace("_", "-")


def _named(text: str) -> Iterator[str]:
    for path in _APPLIED.findall(text):
        yield path.rstrip("/")


def _texts(pipeline: Pipeline, values: Values) -> Iterator[str]:
    """The commands of scripts, files of tasks and jobs: a text for each that one shell runs."""
    for script in pipeline.all(Script):
        yield script.text
    for file in pipeline.all(TaskFile):
        for task in file.tasks:
            yield "\n".join(line.text for line in task.lines)
    for job in pipeline.all(WorkflowJob):
        for step in job.steps:
            if step.run is not None and step.run.shell is not None:
                yield values.pattern(step.run.shell)
