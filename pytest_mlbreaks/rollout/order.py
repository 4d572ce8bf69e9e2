"""In which order changed components can be pushed: edges with their reasons, and where no order is safe."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pytest_mlbreaks.rollout.changes import Change
from pytest_mlbreaks.rollout.components import STAYS, Component, Item, Use
from pytest_mlbreaks.rollout.deploys import Contradiction, Deploy, contradictions
from pytest_mlbreaks.rollout.edges import Edge, Reason

MOST_REASONS = 8
"""Reasons that are told of one edge; more of the same would not be read."""


@dataclasses.dataclass(frozen=True)
class Broken:
    """Something that is taken away while *user* still uses it: no order helps."""

    user: Component
    provider: Component
    item: Item
    use: Use
    lost: Use


@dataclasses.dataclass(frozen=True)
class Stage:
    """What is pushed at one point: components that no edge orders among themselves. More than one *tied* together by
    edges both ways can't be pushed in any order: then *expand*, *migrate* and *contract* are the steps instead."""

    components: tuple[str, ...]
    tied: bool = False
    expand: tuple[str, ...] = ()
    migrate: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Order:
    """The answer: *stages* one after the other. It is safe if no stage is tied, nothing is broken, and
    what deploys today does not do it the other way round (*contradictions*)."""

    changes: tuple[Change, ...]
    edges: tuple[Edge, ...]
    stages: tuple[Stage, ...]
    broken: tuple[Broken, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether there is an order in which each component can be pushed as it is."""
        return not self.broken and not self.contradictions and not any(stage.tied for stage in self.stages)


def order(changes: Sequence[Change], head: Mapping[str, Component], deploys: Iterable[Deploy] = ()) -> Order:
    """The order of *changes*, where *head* are all components after them, those that did not change included, and
    *deploys* is what the repository deploys today."""
    edges = _edges(changes)
    names = [change.component.id for change in changes]
    groups = _tied(names, edges)
    by_id = {change.component.id: change for change in changes}
    stages = _stages(groups, edges, by_id)
    return Order(tuple(changes), edges, stages, _broken(changes, head), contradictions(edges, deploys))


def _edges(changes: Sequence[Change]) -> tuple[Edge, ...]:
    begins, ceases = _by_item(changes, "begins"), _by_item(changes, "ceases")
    reasons: dict[tuple[str, str], list[Reason]] = defaultdict(list)
    for provider in changes:
        mine = provider.component
        for item, use in provider.gained.items():
            for user, needed in begins.get(item, ()):
                if user.component.id != mine.id and not _at_once(item, provider, user):
                    text = _needs(user.component, provider.component, item)
                    reasons[mine.id, user.component.id].append(
                        Reason(text, item, use.place, needed.place, _why(use, needed))
                    )
        for item, use in provider.lost.items():
            if item.kind in STAYS:
                continue
            for user, needed in ceases.get(item, ()):
                if user.component.id != mine.id and not _at_once(item, provider, user):
                    text = _still(user.component, provider.component, item)
                    reasons[user.component.id, mine.id].append(
                        Reason(text, item, needed.place, use.place, _why(use, needed))
                    )
    by_id = {change.component.id: change for change in changes}
    for service in changes:
        for built in service.component.builds if service.images_differ else ():
            image = by_id.get(built)
            if image is not None and service.what != "removed":
                text = f"{service.component.title} runs another image than before, which has to be built and pushed"
                place = service.component.place
                reasons[built, service.component.id].append(Reason(text, None, image.component.place, place))
    return tuple(Edge(first, then, tuple(told[:MOST_REASONS])) for (first, then), told in sorted(reasons.items()))


def _by_item(changes: Sequence[Change], which: str) -> dict[Item, list[tuple[Change, Use]]]:
    found: dict[Item, list[tuple[Change, Use]]] = defaultdict(list)
    for change in changes:
        for item, use in (change.begins if which == "begins" else change.ceases).items():
            found[item].append((change, use))
    return found


def _at_once(item: Item, provider: Change, user: Change) -> bool:
    """A manifest that names a new image brings its variables and that image to each pod together."""
    return item.kind == "variable" and provider.component.id == item.owner and provider.images_differ


def _why(one: Use, other: Use) -> str:
    return "; ".join(dict.fromkeys(told for told in (one.assumed, other.assumed) if told))


def _needs(user: Component, provider: Component, item: Item) -> str:
    match item.kind:
        case "data":
            return f"{user.title} begins to read {item.shown}, which only a run of the new {provider.title} writes"
        case "alias":
            return f"{user.title} begins to load {item.shown}, which the new {provider.title} has to have registered"
        case "rows":
            return f"{user.title} begins to write {item.shown}, which the database refuses before {provider.title}"
        case "sent":
            return f"{user.title} begins to demand the {item.shown}: as long as clients do not send it, it refuses them"
        case "variable":
            return f"{user.title} begins to ask for the {item.shown}, and has no default"
        case _:
            return f"{user.title} begins to use {item.shown}, which {provider.title} brings"


def _still(user: Component, provider: Component, item: Item) -> str:
    match item.kind:
        case "rows":
            return f"{provider.title} begins to refuse {item.shown}, which the {user.title} that runs now still writes"
        case "sent":
            return (
                f"the {user.title} that runs now still demands the {item.shown}, which {provider.title} stops sending"
            )
        case "variable":
            return f"the {user.title} that runs now still asks for the {item.shown}, and fails at its next restart"
        case _:
            return f"the {user.title} that runs now still uses {item.shown}, which {provider.title} takes away"


def _broken(changes: Sequence[Change], head: Mapping[str, Component]) -> tuple[Broken, ...]:
    """What is taken away, provided by nothing any more, and still used after the change."""
    lost = {item: (change, use) for change in changes for item, use in change.lost.items() if item.kind not in STAYS}
    if not lost:
        return ()
    provided = {item for component in head.values() for item in component.provides if item in lost}
    found = []
    for user in head.values():
        for item in lost.keys() & user.uses.keys():
            change, use = lost[item]
            needed = user.uses[item]
            # a file that merely names a word may mean something else by it
            if item not in provided and change.component.id != user.id and not needed.assumed:
                found.append(Broken(user, change.component, item, needed, use))
    return tuple(sorted(found, key=lambda one: (one.use.place.sort_key, one.item.shown)))


def _stages(groups: Sequence[tuple[str, ...]], edges: Iterable[Edge], by_id: Mapping[str, Change]) -> tuple[Stage, ...]:
    """The groups in order; those that nothing orders are one stage."""
    group_of = {name: number for number, group in enumerate(groups) for name in group}
    before: dict[int, set[int]] = defaultdict(set)
    inner: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        first, then = group_of[edge.first], group_of[edge.then]
        if first == then:
            inner[first].append(edge)
        else:
            before[then].add(first)
    depth: dict[int, int] = {}
    for number in range(len(groups)):  # groups come after those that they wait for
        depth[number] = 1 + max((depth[one] for one in before[number]), default=-1)
    stages = []
    for level in sorted(set(depth.values())):
        here = [number for number in depth if depth[number] == level]
        free = tuple(sorted(name for number in here if len(groups[number]) == 1 for name in groups[number]))
        if free:
            stages.append(Stage(free))
        for number in here:
            if len(groups[number]) > 1:
                stages.append(_steps(groups[number], inner[number], by_id))
    return tuple(stages)


def _steps(group: tuple[str, ...], edges: Sequence[Edge], by_id: Mapping[str, Change]) -> Stage:
    """Expand, migrate, contract: what is in the way of an order is brought first, and taken away last."""
    expand: dict[str, None] = {}
    migrate: dict[str, None] = {}
    contract: dict[str, None] = {}
    for edge in edges:
        first, then = by_id[edge.first], by_id[edge.then]
        for reason in edge.reasons:
            item = reason.item
            if item is None:
                continue
            if item in first.gained:
                expand[_expand(first.component, item)] = None
                migrate[f"push {then.component.title}"] = None
            else:
                migrate[f"push {first.component.title}"] = None
                if item.kind == "rows":
                    expand[f"{then.component.title}: let {item.shown} pass (NULL, or a default of the server)"] = None
                    contract[f"{then.component.title}: fill what is empty, then refuse {item.shown}"] = None
                else:
                    expand[f"{then.component.title}: keep {item.shown}"] = None
                    contract[f"{then.component.title}: take {item.shown} away, once nothing of before runs"] = None
    return Stage(tuple(sorted(group)), True, tuple(expand), tuple(migrate), tuple(contract))


def _expand(component: Component, item: Item) -> str:
    if item.kind == "rows":
        return f"{component.title}: let {item.shown} pass (NULL, or a default of the server)"
    filled = ", fill it from the old one, and let both be written" if item.kind == "column" else ""
    return f"{component.title}: add {item.shown} beside what there is{filled}"


def _tied(names: Sequence[str], edges: Sequence[Edge]) -> list[tuple[str, ...]]:
    """The strongly connected components of the edges (Tarjan, without recursion), those that come first first."""
    later: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        later[edge.first].append(edge.then)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups: list[tuple[str, ...]] = []
    for start in names:
        if start in index:
            continue
        work = [(start, iter(later[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            name, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    cut = stack.index(name) if stack[-1] != name else len(stack) - 1
                    groups.append(tuple(stack[cut:]))
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(later[following])))
            elif following in on_stack:
                low[name] = min(low[name], index[following])
    return groups[::-1]
