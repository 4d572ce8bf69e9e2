"""Which manifests commands of the tree apply, and what they make: shared by checks of what a manifest says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Pipeline, facts

PASSED_OVER = "commands apply other manifests of its folder"
"""Why nothing is said of a manifest."""

_Source = facts.Script | facts.TaskFile | facts.WorkflowJob
_APPLIED = re.compile(r"-[fkR]+[\s=]+['\"]?([^\s'\";|&]+)")
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_CREATES = re.compile(
    r"\bkubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:create|patch|edit|apply|set)\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*"
    r"(?:secrets?|configmaps?|cm)\b|\bkubeseal\b|\bsops\b|\bexternal-?secrets?\b|\bvault\b",
    re.IGNORECASE,
)


def is_passed_over(path: str, pipeline: Pipeline) -> bool:
    """Whether commands name other manifests of the folder one by one, and neither the one at *path* nor the folder: it
    may be an older one, that nothing applies."""
    folder, _, name = path.rpartition("/")
    last = folder.rpartition("/")[2]
    if _is_said(pipeline, _names, name) or _is_said(pipeline, _names, last):
        return False
    return bool(last) and _is_said(pipeline, _folders, last)


def is_made(name: str, pipeline: Pipeline) -> bool:
    """Whether a command that makes a Secret or a ConfigMap names *name*."""
    return _is_said(pipeline, _made, name)


def _is_said(pipeline: Pipeline, say: Callable[[_Source], tuple[str, ...]], name: str) -> bool:
    kinds: tuple[type[_Source], ...] = (facts.Script, facts.TaskFile, facts.WorkflowJob)
    return any(name in pipeline.index(kind, say, each=True) for kind in kinds)


def _names(source: _Source) -> tuple[str, ...]:
    """The last parts of what is applied: manifests, and folders."""
    return tuple({path.rpartition("/")[2] for path in _applied(source)})


def _folders(source: _Source) -> tuple[str, ...]:
    """The folders of the manifests that are applied one by one, by the last part of their names."""
    manifests = (path for path in _applied(source) if path.endswith((".yaml", ".yml")))
    return tuple({path.rpartition("/")[0].rpartition("/")[2] for path in manifests})


def _applied(source: _Source) -> list[str]:
    texts = (text for text in _texts(source) if "kubectl" in text)
    return [path.rstrip("/") for text in texts for path in _APPLIED.findall(text)]


def _made(source: _Source) -> tuple[str, ...]:
    return tuple({word for text in _texts(source) if _CREATES.search(text) for word in _WORD.findall(text)})


def _texts(source: _Source) -> Iterator[str]:
    """The commands of a script, a file of tasks, or a job: a text for each that one shell runs."""
    if isinstance(source, facts.Script):
        yield source.text
    elif isinstance(source, facts.TaskFile):
        yield "\n".join(line.text for task in source.tasks for line in task.lines)
    else:
        yield from (_ci.text_of(step.run.shell) for step in source.steps if step.run is not None)
