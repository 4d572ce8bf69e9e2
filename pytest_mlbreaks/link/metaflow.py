"""Steps and order of Metaflow's flows: a flow has the steps of its class, and those of the classes it is derived from.

Rules are those of ``metaflow.graph.FlowGraph`` and of Python's inheritance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import Fact, Pipeline
from pytest_mlbreaks.model.facts import Callee, Edge, FlowClass, FlowStep, Schedule, Step, Wait

ORCHESTRATOR = "metaflow"


def flows(pipeline: Pipeline, modules: Modules) -> list[Fact]:
    """A `Schedule`, its steps, edges and waits for each class that is a flow; none for one that others are made of
    and that has no first step of its own."""
    classes = pipeline.all(FlowClass)
    if not classes:
        return []
    family = _Family(classes, modules)
    found: list[Fact] = []
    for cls in classes:
        flow = _Flow(family, cls)
        if flow.is_flow:
            found += flow.facts()
    return found


class _Family:
    """Which classes are derived from which."""

    def __init__(self, classes: Iterable[FlowClass], modules: Modules) -> None:
        self._modules = modules
        self._of_name: dict[tuple[str, str], FlowClass] = {(c.path, c.name): c for c in classes}
        self._bases: dict[str, tuple[list[FlowClass], list[str]]] = {}
        self.parents: set[str] = {base.identity for c in self._of_name.values() for base in self.bases(c)[0]}

    def bases(self, cls: FlowClass) -> tuple[list[FlowClass], list[str]]:
        """The bases of *cls* that are classes of flows, and those that lead out of the tree."""
        if cls.identity not in self._bases:
            found: list[FlowClass] = []
            lost: list[str] = []
            for name in cls.bases:
                base = self._resolve(cls.path, name)
                if base is not None and base is not cls:
                    found.append(base)
                elif base is None and not self._is_ours(cls.path, name):
                    lost.append(name or "a class that is computed")
            self._bases[cls.identity] = (found, lost)
        return self._bases[cls.identity]

    def _resolve(self, path: str, name: str) -> FlowClass | None:
        """The class that *name* means in *path*."""
        own = self._of_name.get((path, name))
        where = self._modules.origin(path, name) if own is None and name else None
        return own if where is None else self._of_name.get(where)

    def _is_ours(self, path: str, name: str) -> bool:
        """Whether a base that is no class of a flow stands in the tree: it brings methods, and no steps."""
        return bool(name) and self._modules.origin(path, name) is not None


class _Flow:
    """The steps of one class, its own and those that it inherits."""

    def __init__(self, family: _Family, cls: FlowClass) -> None:
        self.cls = cls
        self._family = family
        self.steps: dict[str, tuple[FlowClass, FlowStep]] = {}
        self.lost: list[str] = []
        # a class that comes up again counts where it comes last: that is what Python's order comes to
        line = list({c.identity: c for c in reversed(list(_line(family, cls, 0)))}.values())
        for member in line:
            for name in member.plain:
                self.steps.pop(name, None)
            self.steps |= {step.name: (member, step) for step in member.steps}
            self.lost += family.bases(member)[1]
        self.derived = any(c.flow for c in line)
        self.begin = self._end_of("begins", "start")
        self.end = self._end_of("ends", "end")
        base_only = cls.identity in family.parents and (self.begin is None or self.end is None)
        certain = self.derived or (bool(cls.steps) and bool(self.lost))
        self.is_flow = certain and bool(self.steps) and not base_only

    def _end_of(self, mark: str, name: str) -> str | None:
        marked = [n for n, (_, step) in self.steps.items() if getattr(step, mark)]
        if marked:
            return marked[0] if len(marked) == 1 else None
        if name in self.steps:
            return name
        alone = len(self.steps) == 1 and self.cls.identity not in self._family.parents
        return next(iter(self.steps)) if alone else None  # one step is a whole flow, where it is no base of others

    def facts(self) -> Iterator[Fact]:
        """The flow as the facts of any orchestrator."""
        cls = self.cls
        doubts = list(self._doubts())
        schedule = Schedule(
            place=cls.place,
            orchestrator=ORCHESTRATOR,
            name=cls.name,
            scope=cls.path,
            when=cls.when,
            settings=cls.settings,
            complete=not doubts,
            reason="; ".join(doubts[:5]),
        )
        yield schedule
        edges = self._edges()
        before: dict[str, list[str]] = defaultdict(list)
        for first, then in edges:
            before[then].append(first)
        mapped = self._mapped()
        for name, (owner, step) in self.steps.items():
            one_of = len(before[name]) > 1 and not step.joins
            yield Step(
                place=step.place,
                orchestrator=ORCHESTRATOR,
                pipeline=schedule.identity,
                name=name,
                operator=step.operator,
                callee=Callee(path=owner.path, name=f"{owner.name}.{name}"),
                image=step.image,
                variables=step.variables,
                settings=step.settings,
                trigger_rule="one_success" if one_of else "",
                mapped=name in mapped,
            )
        head = f"{schedule.identity}/"
        for (first, then), step in edges.items():
            yield Edge(place=step.next_place or step.place, before=head + first, after=head + then)
        if self.begin is not None:
            for awaited in cls.awaits:
                yield Wait(place=cls.place, step=head + self.begin, target_pipeline=awaited)

    def _doubts(self) -> Iterator[str]:
        for name in dict.fromkeys(self.lost):
            yield f"it is derived from {name}, which is not in the tree"
        if self.begin is None or self.end is None:
            yield f"it has no step that is its {'first' if self.begin is None else 'last'}"
        for name, (_, step) in self.steps.items():
            if not step.told and name != self.end:
                yield f"step {name} does not end with a call of self.next that can be read"

    def _edges(self) -> dict[tuple[str, str], FlowStep]:
        """The order of the steps that there are, each with the step that says so."""
        return {
            (name, then): step
            for name, (_, step) in self.steps.items()
            for then in step.next
            if then in self.steps and then != name
        }

    def _mapped(self) -> set[str]:
        """Steps that run once for each element: behind a ``foreach``, before the step that joins it."""
        found: set[str] = set()
        seen: set[str] = set()
        pending: list[tuple[str, tuple[str, ...]]] = [(self.begin, ())] if self.begin is not None else []
        while pending:
            name, splits = pending.pop()
            if name in seen or name not in self.steps:
                continue
            seen.add(name)
            step = self.steps[name][1]
            if step.joins and splits:
                splits = splits[:-1]
            if "foreach" in splits:
                found.add(name)
            inner = (*splits, step.split) if step.split in ("branch", "foreach") else splits
            pending += [(then, inner) for then in step.next]
        return found


def _line(family: _Family, cls: FlowClass, depth: int) -> Iterator[FlowClass]:
    """*cls* and all that it is derived from, the nearest first."""
    yield cls
    if depth < 10:
        for base in family.bases(cls)[0]:
            yield from _line(family, base, depth + 1)
