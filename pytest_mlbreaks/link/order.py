"""Order: the edges of all orchestrators in one graph."""

from __future__ import annotations

from collections import defaultdict

from pytest_mlbreaks.model import Answer, Pipeline
from pytest_mlbreaks.model.facts import Edge, Schedule, Step


class StepOrder:
    """Which step comes before which. Questions are answered by one walk each, and remembered."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._before: dict[str, set[str]] = defaultdict(set)
        for edge in pipeline.all(Edge):
            self._before[edge.after].add(edge.before)
        self._all_before: dict[str, frozenset[str]] = {}
        self._pipeline_of = {step.identity: step.pipeline for step in pipeline.all(Step)}
        self._complete = {schedule.identity for schedule in pipeline.all(Schedule) if schedule.complete}

    def before(self, step: str) -> frozenset[str]:
        """All steps that are done before *step* starts (a circle of edges ends where it began)."""
        if step not in self._all_before:
            seen: set[str] = set()
            stack = list(self._before.get(step, ()))
            while stack:
                earlier = stack.pop()
                if earlier not in seen:
                    seen.add(earlier)
                    stack.extend(self._before.get(earlier, ()))
            self._all_before[step] = frozenset(seen)
        return self._all_before[step]

    def reaches(self, first: str, then: str) -> Answer:
        """Whether *first* is always done before *then* starts. NO only within one pipeline all of whose edges could
        be told: between pipelines, something that we don't read may keep the order."""
        if first in self.before(then):
            return Answer.YES
        pipelines = {self._pipeline_of.get(first), self._pipeline_of.get(then)}
        if len(pipelines) == 1 and pipelines <= self._complete:
            return Answer.NO
        return Answer.CANNOT_TELL
