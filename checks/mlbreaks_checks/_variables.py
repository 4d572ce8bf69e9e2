"""The variables that a step of a workflow has: those of the workflow and the job, and what earlier steps leave."""

from __future__ import annotations

import re

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Pipeline, facts

_SETS_NONE = (
    *("actions/checkout", "actions/cache", "actions/upload-artifact", "actions/download-artifact"),
    *("docker/login-action", "docker/build-push-action", "docker/setup-buildx-action", "docker/setup-qemu-action"),
    *("actions/setup-node", "aws-actions/amazon-ecr-login"),
)
"""Actions that leave no variable behind."""

_SETS_THESE = {
    "actions/setup-python": ("python", "PYTHON", "Python", "PKG_CONFIG_PATH", "LD_LIBRARY_PATH"),
    "actions/setup-java": ("JAVA",),
    "astral-sh/setup-uv": ("UV_", "VIRTUAL_ENV"),
    "docker/metadata-action": ("DOCKER_METADATA_",),
    "aws-actions/configure-aws-credentials": ("AWS_",),
    "google-github-actions/auth": ("GOOGLE_", "CLOUDSDK_", "GCP_", "GCLOUD_"),
    "google-github-actions/setup-gcloud": ("CLOUDSDK_", "GCLOUD_"),
    "google-github-actions/get-gke-credentials": ("KUBECONFIG", "KUBE_"),
    "azure/login": ("AZURE_",),
    "hashicorp/setup-terraform": ("TERRAFORM_", "TF_"),
}
"""How the variables begin that an action leaves, as its documentation says."""

_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(?:=|<<)")
_WRITTEN_OUT = re.compile(r"""[^#]*?\b(?:echo|printf)\s+["']?[A-Za-z_]\w*=|\s*#""")
"""A line of a script that sets one variable whose name it tells, or a comment."""


def of_the_job(job: facts.WorkflowJob, pipeline: Pipeline) -> tuple[facts.Variable, ...]:
    """What the workflow and the job set; names are not told apart by case on every runner."""
    workflow = _ci.workflow_of(job, pipeline)
    step = pipeline.one(facts.Step, job.step)
    return (*(workflow.variables if workflow is not None else ()), *(step.variables if step is not None else ()))


def left_before(job: facts.WorkflowJob, index: int, name: str) -> tuple[str, bool]:
    """Why it can't be told, and whether a step before the one at *index* leaves the variable *name*."""
    for step in job.steps:
        if step.index >= index:
            break
        text = _ci.text_of(step.run.shell) if step.run is not None else ""
        if name in _ASSIGNED.findall(text) and "GITHUB_ENV" in text:
            return "", True
        if any(_WRITTEN_OUT.match(line) is None for line in text.splitlines() if "GITHUB_ENV" in line):
            return "a command sets variables that are not written out", False
        action = step.uses.partition("@")[0]
        if action in _SETS_THESE and name.startswith(_SETS_THESE[action]):
            return "", True
        if action and action not in _SETS_THESE and action not in _SETS_NONE:
            return f"{action} may set it", False
    return "", False


def of_a_container(container: facts.Container) -> tuple[str, ...]:
    """The names of the variables that a container is given: the key of an index."""
    return tuple(variable.name for variable in container.variables)
