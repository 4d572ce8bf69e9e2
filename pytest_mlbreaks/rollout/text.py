"""The order as text for a terminal, and as JSON (version 1, described in ``docs/plan.md``)."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pytest_mlbreaks import __version__
from pytest_mlbreaks.display import clean
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.reporters.json import finding_as_data
from pytest_mlbreaks.rollout.changes import Change
from pytest_mlbreaks.rollout.edges import Reason
from pytest_mlbreaks.rollout.findings import findings
from pytest_mlbreaks.rollout.order import Order, Stage

VERSION = 1
MOST_FILES = 3


def terminal(order: Order, base: str, width: int = 100) -> str:
    """The order as lines that fit *width* columns; *base* is the revision that the change is since."""
    wrapped: list[str] = []
    for line in _lines(order, base):
        lead = line[: len(line) - len(line.lstrip())]
        wrapped += textwrap.wrap(
            clean(line.lstrip(), 2000),
            max(width, 40),
            initial_indent=lead,
            subsequent_indent=f"{lead}  ",
            break_on_hyphens=False,
            break_long_words=False,
        ) or [""]
    return "\n".join(wrapped) + "\n"


def _lines(order: Order, base: str) -> Iterator[str]:
    if not order.changes:
        yield f"Nothing that is pushed by itself has changed since {base}."
        return
    count = len(order.changes)
    yield f"{count} {'component' if count == 1 else 'components'} changed since {base}."
    for one in order.broken:
        yield ""
        yield f"NO ORDER IS SAFE: {one.provider.title} takes {one.item.shown} away, and {one.user.title} still uses it"
        yield f"  {one.lost.place}  here it was"
        yield f"  {one.use.place}  here it is still used"
    for finding in findings(order):
        yield ""
        yield "TODAY IT IS DEPLOYED THE OTHER WAY ROUND"
        yield f"  {finding.place}  {finding.message}"
        yield f"  {finding.check} [{finding.category}, ML {finding.axis.ml}, distributed {finding.axis.distributed}]"
        for related in finding.because:
            yield f"  {related.place}  {related.note}"
    yield ""
    titles = {change.component.id: change for change in order.changes}
    if len(order.stages) == 1 and not order.stages[0].tied:
        yield "Nothing was found by which one would have to be pushed before another."
    else:
        yield "Push in this order; wait until each step runs everywhere before the next:"
    number = 0
    step_of: dict[str, int] = {}
    for stage in order.stages:
        number += 1
        step_of |= dict.fromkeys(stage.components, number)
        yield ""
        if stage.tied:
            yield from _tied(order, stage, titles, number)
            continue
        for position, name in enumerate(stage.components):
            change = titles[name]
            lead = f"{number}." if position == 0 else " " * len(f"{number}.")
            yield f"{lead} {change.component.title} ({change.what}){_files(change)}"
            yield from _untold(change)
            before = [edge for edge in order.edges if edge.then == name]
            for step in sorted({step_of[edge.first] for edge in before}):
                yield f"     after step {step}, because"
                for edge in before:
                    if step_of[edge.first] == step:
                        for reason in edge.reasons:
                            yield from _reason(reason)


def _tied(order: Order, stage: Stage, titles: dict[str, Change], number: int) -> Iterator[str]:
    yield f"{number}. NO SINGLE PUSH IS SAFE for these {len(stage.components)}, in whatever order:"
    for name in stage.components:
        yield f"     {titles[name].component.title} ({titles[name].what}){_files(titles[name])}"
        yield from _untold(titles[name])
    within = set(stage.components)
    yield "   because"
    for edge in order.edges:
        if edge.then in within:
            for reason in edge.reasons:
                yield from _reason(reason)
    yield "   Do it in three pushes:"
    for name, steps in (("expand", stage.expand), ("migrate", stage.migrate), ("contract", stage.contract)):
        for step in steps:
            yield f"     {name + ':':<9} {step}"


def _reason(reason: Reason) -> Iterator[str]:
    rests = f" (rests on: {reason.assumed})" if reason.assumed else ""
    yield f"       {reason.text}{rests}"
    yield f"         {reason.first} first, then {reason.then}"


def _untold(change: Change) -> Iterator[str]:
    for place, what in list(change.component.untold.items())[:MOST_FILES]:
        yield f"     read it yourself: {place} calls {what}, and what that does to which table can't be told"


def _files(change: Change) -> str:
    if not change.files:
        return ""
    more = f" and {len(change.files) - MOST_FILES} more" if len(change.files) > MOST_FILES else ""
    return f": {', '.join(change.files[:MOST_FILES])}{more}"


def as_json(order: Order, base: str, head: str) -> str:
    """The order as one JSON object, indented; ASCII alone, so that nothing in it can steer a terminal."""
    data = {
        "version": VERSION,
        "tool": {"version": __version__},
        "base": base,
        "head": head or None,
        "safe": order.safe,
        "components": [
            {
                "id": change.component.id,
                "kind": change.component.kind,
                "name": change.component.name,
                "change": change.what,
                "place": _place(change.component.place),
                "files": list(change.files),
                "untold": [{"call": what, "place": _place(at)} for at, what in change.component.untold.items()],
            }
            for change in order.changes
        ],
        "steps": [
            {
                "components": list(stage.components),
                "tied": stage.tied,
                "expand": list(stage.expand),
                "migrate": list(stage.migrate),
                "contract": list(stage.contract),
            }
            for stage in order.stages
        ],
        "edges": [
            {
                "first": edge.first,
                "then": edge.then,
                "reasons": [
                    {
                        "text": reason.text,
                        "first": _place(reason.first),
                        "then": _place(reason.then),
                        "assumed": reason.assumed or None,
                    }
                    for reason in edge.reasons
                ],
            }
            for edge in order.edges
        ],
        "contradictions": [
            {
                "first": told.edge.first,
                "then": told.edge.then,
                "today_first": {"how": told.early.how, "place": _place(told.early.place)},
                "today_then": {"how": told.late.how, "place": _place(told.late.place)},
            }
            for told in order.contradictions
        ],
        "findings": [finding_as_data(finding) for finding in findings(order)],
        "broken": [
            {
                "provider": one.provider.id,
                "user": one.user.id,
                "what": one.item.shown,
                "was": _place(one.lost.place),
                "used": _place(one.use.place),
            }
            for one in order.broken
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def _place(place: Place) -> dict[str, Any]:
    return {"path": place.path, "line": place.line}
