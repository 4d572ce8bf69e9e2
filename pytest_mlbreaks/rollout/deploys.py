"""In which order the repository deploys today, and where that contradicts the order that a change needs.

Told by the steps of workflows, by the commands of containers, by the waves of Argo CD, and by the hooks of Helm.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pytest_mlbreaks.model import JobRun, Pipeline, Place, Process
from pytest_mlbreaks.model.facts import Command, Container, Label, Workload
from pytest_mlbreaks.rollout.components import Component
from pytest_mlbreaks.rollout.edges import Edge

_MIGRATES = re.compile(r"\balembic\s+(?:-\S+\s+\S+\s+)*upgrade\b|\bmanage(?:\.py)?\s+migrate\b")
_APPLIES = re.compile(r"\bkubectl\s+(?:-\S+\s+)*apply\s+(?:-R\s+)?-[fk][= ]*([\w./-]+)")
_BY_KIND = {"dbt": re.compile(r"\bdbt\s+(?:run|build)\b"), "features": re.compile(r"\bfeast\b.*\bapply\b")}
_WAVE = "argocd.argoproj.io/sync-wave"
"""https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/: lower waves first, 0 where none is given."""

_HOOK = "helm.sh/hook"
_HOOK_WEIGHT = "helm.sh/hook-weight"
_BEFORE, _AFTER = frozenset({"pre-install", "pre-upgrade"}), frozenset({"post-install", "post-upgrade"})
"""https://helm.sh/docs/topics/charts_hooks/: before all other objects of the release are loaded, or after it."""


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
    """What the workflows, containers, waves and hooks of *pipeline* deploy."""
    return (
        *_workflows(pipeline, components),
        *_starts(pipeline, components),
        *_waves(pipeline, components),
        *_hooks(pipeline, components),
    )


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
        if process.workload is not None and process.workload.kind in ("Job", "CronJob"):
            continue  # it serves nothing after it
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
        label = _annotation(workload, _WAVE)
        rank = _number(label)
        if rank is None:
            continue
        place = label.place if label is not None else workload.place
        sequence = f"waves:{workload.path.rpartition('/')[0]}#{workload.namespace}"
        for name in _done_by(pipeline, workload, components):
            yield Deploy(name, sequence, rank, place, f"wave {rank} of Argo CD")


def _hooks(pipeline: Pipeline, components: Mapping[str, Component]) -> Iterator[Deploy]:
    """Of each chart with a hook: its hooks, and between those before and after it, all else."""
    charts: dict[str, list[Workload]] = defaultdict(list)
    for workload in pipeline.all(Workload):
        chart, inside, _ = workload.path.partition("/templates/")
        if inside:
            charts[chart].append(workload)
    for chart, workloads in charts.items():
        if not any(_annotation(workload, _HOOK) for workload in workloads):
            continue
        for workload in workloads:
            hook = _annotation(workload, _HOOK)
            when = {part.strip() for part in hook.value.split(",")} if hook is not None else set()
            weight = _number(_annotation(workload, _HOOK_WEIGHT))
            if hook is None:
                rank, how, place = 0, "the release itself", workload.place
            elif weight is not None and when & _BEFORE and not when & _AFTER:
                rank, how, place = weight - _BEYOND_WEIGHTS, f"the hook {hook.value} of Helm", hook.place
            elif weight is not None and when & _AFTER and not when & _BEFORE:
                rank, how, place = weight + _BEYOND_WEIGHTS, f"the hook {hook.value} of Helm", hook.place
            else:
                continue
            for name in _done_by(pipeline, workload, components):
                yield Deploy(name, f"hooks:{chart}", rank, place, how)


_BEYOND_WEIGHTS = 10**6
"""More than any weight of a hook."""


def _done_by(pipeline: Pipeline, workload: Workload, components: Mapping[str, Component]) -> Iterator[str]:
    """What is deployed when *workload* is: itself with its image, or, of a Job, what its command does."""
    containers = pipeline.index(Container, "workload").get(workload.identity, ())
    done: list[str] = []
    if workload.kind == "Job":
        commands = [c for container in containers for c in (container.entrypoint, container.command) if c is not None]
        done = [name for command in commands for name in _deployed(_text(pipeline, command), components)]
    component = components.get(workload.identity)
    if done:
        yield from done
    elif component is not None:
        yield component.id
        yield from component.builds


def _annotation(workload: Workload, key: str) -> Label | None:
    return next((label for label in workload.annotations if label.key == key), None)


def _number(label: Label | None) -> int | None:
    """The number that an annotation holds, 0 where there is none; None where it holds something else."""
    if label is None:
        return 0
    digits = label.value.removeprefix("-")
    return int(label.value) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None


def _text(pipeline: Pipeline, command: Command | None) -> str:
    if command is None:
        return ""
    if command.argv is not None:
        return " ".join(pipeline.pattern(one) for one in command.argv)
    return pipeline.pattern(command.shell) if command.shell is not None else ""
