"""Which manifests commands of the tree apply: shared by checks of what a manifest says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Pipeline, facts

PASSED_OVER = "commands apply other manifests of its folder"
"""Why nothing is said of a manifest."""


def is_passed_over(path: str, pipeline: Pipeline) -> bool:
    """Whether commands name other manifests of the folder one by one, and the one at *path* never: it may be an older
    one, that nothing applies."""
    folder, name = folder_of(path), path.rpartition("/")[2]
    whole = re.compile(rf"-[fkR]+[\s=]+\S*{re.escape(folder.rpartition('/')[2])}/?['\"]?(\s|$)")
    texts = [text for text in commands(pipeline) if "kubectl" in text]
    if not texts or any(name in text or whole.search(text) for text in texts):
        return False
    beside = pipeline.index(facts.Workload, _folder).get(folder, ())
    others = {workload.path.rpartition("/")[2] for workload in beside} - {name}
    return any(other in text for other in others for text in texts)


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _folder(workload: facts.Workload) -> str:
    return folder_of(workload.path)


def commands(pipeline: Pipeline) -> Iterator[str]:
    """The commands of scripts, of Makefiles and of CI, a text for each script, file of tasks, and step."""
    for script in pipeline.all(facts.Script):
        yield script.text
    for file in pipeline.all(facts.TaskFile):
        yield "\n".join(line.text for task in file.tasks for line in task.lines)
    for job in pipeline.all(facts.WorkflowJob):
        yield "\n".join(_ci.text_of(step.run.shell) for step in job.steps if step.run is not None)
