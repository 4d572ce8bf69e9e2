"""A step of a workflow takes a variable from `env` that nothing sets.

The context holds what the workflow, the job, the step and earlier steps have set, and nothing of the runner's own.
A name that is not there is an empty text: no error, but an argument, an image or a bucket with a hole in its name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))

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


def _reads_variables(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(read.of == "env" and read.step is not None for read in job.reads)


@check.over(facts.WorkflowJob, where=_reads_variables)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each expression of a step that is a variable and nothing else."""
    known = _of_the_job(job, pipeline)
    said: set[str] = set()
    for read in job.reads:
        name = read.name
        if read.of != "env" or read.step is None or name.casefold() in said:
            continue
        own = {variable.name.casefold() for s in job.steps if s.index == read.step for variable in s.variables}
        if name.casefold() in known | own:
            continue
        said.add(name.casefold())
        why, left = _left_before(job, read.step, name)
        if why:
            yield Unjudged(read.place, why)
        elif not left:
            close = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
            hint = f"; the job has {close[0]!r}" if close else ""
            yield Finding(
                at=read.place,
                message=f"env.{name} is always empty: neither the workflow, nor job {job.id!r}, nor a step before sets "
                f"it{hint}.",
                because=((job.place, f"job {job.id}"),),
                about=(job.id, name),
                group=job.path,
                note=f"env.{name} is empty, too",
            )


def _of_the_job(job: facts.WorkflowJob, pipeline: Pipeline) -> set[str]:
    """What the workflow and the job set, in small letters: names are not told apart by case on every runner."""
    workflow = _ci.workflow_of(job, pipeline)
    step = pipeline.one(facts.Step, job.step)
    given = (*(workflow.variables if workflow is not None else ()), *(step.variables if step is not None else ()))
    return {variable.name.casefold() for variable in given}


def _left_before(job: facts.WorkflowJob, index: int, name: str) -> tuple[str, bool]:
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
