"""In which order the repository deploys today, and where that contradicts the order that a change needs.

Told by the steps of workflows, by the commands of containers, and by the waves of Argo CD.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pytest_mlbreaks.model import JobRun, Pipeline, Place, Process
from pytest_mlbreaks.model.facts import Command, Container, Workload
from pytest_mlbreaks.rollout.components import Component
from pytest_mlbreaks.rollout.edges import Edge

_MIGRATES = re.compile(r"\balembic\s+(?:-\S+\s+\S+\s+)*upgrade\b|\bmanage(?:\.py)?\s+migrate\b")
_APPLIES = re.compile(r"\bkubectl\s+(?:-\S+\s+)*apply\s+(?:-R\s+)?-[fk][= ]*([\w./-]+)")
_BY_KIND = {"dbt": re.compile(r"\bdbt\s+(?:run|build)\b"), "features": re.compile(r"\bfeast\b.*\bapply\b")}
_WAVE = "argocd.argoproj.io/sync-wave"
"""https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/: lower waves first, 0 where none is given."""


@dataclasses.dataclass(frozen=True)
class Deploy:
    """Something that is deployed: at *rank* of the *sequence*, a lower one is done first. *how* says by what."""

    component: str
    sequence: str
    rank: int
    place: Place
    how: str


@dataclasses.dataclass(frozen=True)
class Contradiction:
    """*edge* wants its first before its *then*; today *early* comes before *late*."""

    edge: Edge
    early: Deploy
    late: Deploy


def contradictions(edges: Iterable[Edge], deploys: Iterable[Deploy]) -> tuple[Contradiction, ...]:
    """The edges that a sequence of *deploys* turns round: all of what it does for one before all it does for the other,
    one contradiction for each edge."""
    by_component: dict[tuple[str, str], list[Deploy]] = defaultdict(list)
    sequences: dict[str, list[str]] = defaultdict(list)
    for deploy in deploys:
        by_component[deploy.component, deploy.sequence].append(deploy)
        sequences[deploy.component].append(deploy.sequence)
    found = []
    for edge in edges:
        for sequence in dict.fromkeys(sequences[edge.first]):
            first, then = by_component[edge.first, sequence], by_component.get((edge.then, sequence))
            if then and max(one.rank for one in then) < min(one.rank for one in first):
                found.append(Contradiction(edge, then[0], first[0]))
                break
    return tuple(found)


def today(pipeline: Pipeline, components: Mapping[str, Component]) -> tuple[Deploy, ...]:
    """What the workflows, containers and waves of *pipeline* deploy."""
    return (*_workflows(pipeline, components), *_starts(pipeline, components), *_waves(pipeline, components))


def _workflows(pipeline: Pipeline, components: Mapping[str, Component]) -> Iterator[Deploy]:
    """The steps of a job, one after the other. Jobs of one workflow are not compared: each may be skipped alone."""
    for run in pipeline.all(JobRun):
        for number, step in enumerate(run.steps):
            text = _text(pipeline, step.run)
            for component in _deployed(text, components) if text else ():
                how = f"the job {run.job.id} of {run.workflow.path}"
                yield Deploy(component, f"job:{run.identity}", number, step.place, how)


def _deployed(text: str, components: Mapping[str, Component]) -> Iterator[str]:
    if _MIGRATES.search(text):
        yield from _only(components, "migrations")
    for kind, command in _BY_KIND.items():
        if command.search(text):
            yield from _only(components, kind)
    for path in _APPLIES.findall(text):
        folder = path.removeprefix("./").rstrip("/")
        for component in components.values():
            where = component.place.path
            if component.kind in ("service", "config") and (where == folder or where.startswith(f"{folder}/")):
                yield component.id
                yield from component.builds


def _only(components: Mapping[str, Component], kind: str) -> Iterator[str]:
    """The one component of a kind: of several, a command does not tell which it means."""
    found = [component.id for component in components.values() if component.kind == kind]
    return iter(found if len(found) == 1 else ())


def _starts(pipeline: Pipeline, components: Mapping[str, Component]) -> Iterator[Deploy]:
    """Containers that bring the database forward and then serve: while the pods of before still run."""
    for process in pipeline.all(Process):
        container = process.fact
        if not isinstance(container, Container) or container.workload not in components:
            continue
        commands = [c for c in (container.entrypoint, container.command) if c is not None]
        command = next((c for c in commands if _MIGRATES.search(_text(pipeline, c))), None)
        if command is None:
            continue
        service = components[container.workload]
        how = f"the start command of {process.name}"
        for component in _only(components, "migrations"):
            yield Deploy(component, f"start:{process.identity}", 0, command.place, how)
        for component in (service.id, *service.builds):
            yield Deploy(component, f"start:{process.identity}", 1, process.place, f"then {process.name} itself")


def _waves(pipeline: Pipeline, components: Mapping[str, Component]) -> Iterator[Deploy]:
    for workload in pipeline.all(Workload):
        component = components.get(workload.identity)
        label = next((label for label in workload.annotations if label.key == _WAVE), None)
        if component is None or (label is not None and not label.value.lstrip("-").isdigit()):
            continue
        rank = int(label.value) if label is not None else 0
        place = label.place if label is not None else workload.place
        sequence = f"waves:{workload.path.rpartition('/')[0]}#{workload.namespace}"
        for name in (component.id, *component.builds):
            yield Deploy(name, sequence, rank, place, f"wave {rank} of Argo CD")


def _text(pipeline: Pipeline, command: Command | None) -> str:
    if command is None:
        return ""
    if command.argv is not None:
        return " ".join(pipeline.pattern(one) for one in command.argv)
    return pipeline.pattern(command.shell) if command.shell is not None else ""
