"""What commands of the tree make in a cluster: shared by checks of what a manifest says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Pipeline, facts

Source = facts.Script | facts.TaskFile | facts.WorkflowJob
SOURCES: tuple[type[Source], ...] = (facts.Script, facts.TaskFile, facts.WorkflowJob)
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_CREATES = re.compile(
    r"\bkubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:create|patch|edit|apply|set)\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*"
    r"(?:secrets?|configmaps?|cm)\b|\bkubeseal\b|\bsops\b|\bexternal-?secrets?\b|\bvault\b",
    re.IGNORECASE,
)


def is_made(name: str, pipeline: Pipeline) -> bool:
    """Whether a command that makes a Secret or a ConfigMap names *name*."""
    return any(name in pipeline.index(kind, _made, each=True) for kind in SOURCES)


def _made(source: Source) -> tuple[str, ...]:
    return tuple({word for text in texts(source) if _CREATES.search(text) for word in _WORD.findall(text)})


def texts(source: Source) -> Iterator[str]:
    """The commands of a script, a file of tasks, or a job: a text for each that one shell runs."""
    if isinstance(source, facts.Script):
        yield source.text
    elif isinstance(source, facts.TaskFile):
        yield "\n".join(line.text for task in source.tasks for line in task.lines)
    else:
        yield from (_ci.text_of(step.run.shell) for step in source.steps if step.run is not None)
