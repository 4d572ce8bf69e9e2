"""What stands at a line: facts, what their values can be and whence, which checks looked at it and what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_mlbreaks.display import clean
from pytest_mlbreaks.judge.apply import Trace
from pytest_mlbreaks.model import Fact, Pipeline, Place, Process, Value
from pytest_mlbreaks.model.expr import (
    Choice,
    Concat,
    ConfigKey,
    Context,
    Entries,
    EnvVar,
    Expr,
    Items,
    Literal,
    Made,
    Name,
    PathJoin,
    SecretKey,
    Unknown,
)
from pytest_mlbreaks.model.linked import Setting
from pytest_mlbreaks.report import Report
from pytest_mlbreaks.secrets import redact_url

EXPRESSIONS = (
    *(Choice, Concat, ConfigKey, Context, Entries, EnvVar, Items, Literal, Made, Name, PathJoin, SecretKey, Unknown),
)
MOST_PROCESSES = 5
"""Of how many processes that reach the line a value is told; more say little more."""

LONGEST = 300


@dataclasses.dataclass(frozen=True)
class Spot:
    """A line of a file; of a notebook, in a cell."""

    path: str
    line: int
    cell: int | None = None

    def in_(self, place: Place) -> bool:
        """Whether the line is one of *place*."""
        if place.path != self.path or place.line is None or (self.cell is not None and place.cell != self.cell):
            return False
        return place.line <= self.line <= (place.end_line or place.line)


def parse(text: str) -> Spot:
    """``PATH:LINE``, or ``PATH:CELL:LINE`` in a notebook, as reports write places (a column may follow a line). Raises
    ValueError."""
    path, *numbers = text.split(":")
    while len(numbers) > 3:  # a colon in the path
        path, numbers = f"{path}:{numbers[0]}", numbers[1:]
    if "cell" in path or (numbers and numbers[0].startswith("cell ")):
        numbers[0] = numbers[0].removeprefix("cell ")
    if not path or not numbers or not all(one.isascii() and one.isdigit() for one in numbers):
        raise ValueError(text)
    told = [int(one) for one in numbers]
    if path.endswith(".ipynb") and len(told) > 1:
        return Spot(path, told[1], told[0])
    return Spot(path, told[0])


def answer(spot: Spot, pipelines: Sequence[Pipeline], report: Report, traces: Sequence[Trace]) -> str:
    """The text about *spot*, for people."""
    sections = [
        ("Facts", [line for pipeline in pipelines for line in _facts(spot, pipeline)]),
        ("Values, for each process that comes here", [line for one in pipelines for line in _settings(spot, one)]),
        ("Found", [*_found(spot, report)]),
        ("Could not be judged", [*_unjudged(spot, report)]),
        ("Looked at, and nothing found", [*_clean(spot, report, traces)]),
        ("Reading", [*_diagnostics(spot, report)]),
    ]
    where = f"{spot.path}:{spot.cell}:{spot.line}" if spot.cell is not None else f"{spot.path}:{spot.line}"
    lines = [clean(where, LONGEST)]
    for title, said in sections:
        if said:
            lines += ["", f"  {title}", *(f"    {line}" for line in dict.fromkeys(said))]
    if len(lines) == 1:
        known = any(fact.place.path == spot.path for pipeline in pipelines for fact in _all(pipeline))
        lines.append("")
        lines.append(
            "  No fact stands on this line, and no check looked at it."
            if known
            else "  Nothing was read of this file, and no check looked at it."
        )
    return "\n".join(lines) + "\n"


def _all(pipeline: Pipeline) -> Iterator[Fact]:
    for kind in pipeline.kinds():
        if issubclass(kind, Fact):
            yield from pipeline.all(kind)


def _facts(spot: Spot, pipeline: Pipeline) -> Iterator[str]:
    """Each fact of the line, with what its expressions can be for whatever reads them."""
    for fact in _all(pipeline):
        if spot.in_(fact.place):
            yield f"{type(fact).__name__}  {_text(fact.identity)}"
            for name in fact.__struct_fields__:
                value = getattr(fact, name)
                if isinstance(value, EXPRESSIONS) and not isinstance(value, Literal):
                    yield f"  {name}: {shown(value)}"
                    yield from (f"    {line}" for line in _value(pipeline.resolve(value)))
                elif isinstance(value, Literal):
                    yield f"  {name}: {shown(value)}"


def _settings(spot: Spot, pipeline: Pipeline) -> Iterator[str]:
    """What the variables that the line asks for are, process by process; which processes come to the file at all."""
    told = 0
    for setting in pipeline.all(Setting):
        if spot.in_(setting.place):
            told += 1
            if told > MOST_PROCESSES:
                yield "... and more"
                return
            yield f"{_text(setting.name)} for {_process(setting.process)}"
            yield from (f"  {line}" for line in _value(setting.value))
    if not told and any(spot.in_(fact.place) for fact in _all(pipeline)):
        for process in pipeline.processes_of(spot.path)[:MOST_PROCESSES]:
            yield f"run by {_process(process)}"


def _process(process: Process) -> str:
    environment = process.environment
    where = f", {environment.name}" if environment.name else ""
    return f"{_text(process.name)} ({process.place}{where})"


def _value(value: Value) -> Iterator[str]:
    for alternative in value:
        said = f"<secret {_text(str(alternative.value))}>" if alternative.secret else _text(repr(alternative.value))
        yield f"= {said}"
        yield from (f"    {origin.place}  {_text(origin.note)}" for origin in alternative.origins)
    if not value.complete:
        yield f"{'or ' if value.alternatives else ''}unknown: {_text(value.reason)}"


def _found(spot: Spot, report: Report) -> Iterator[str]:
    for result in report.results:
        for finding in result.findings:
            if spot.in_(finding.place):
                yield f"{finding.check}: {_text(finding.message)}"
                yield from (f"  {one.place}  {_text(one.note)}" for one in finding.because)
                if finding.suppressed is not None:
                    yield f"  silenced: {_text(finding.suppressed.reason or 'no reason given')}"
            elif any(spot.in_(one.place) for one in finding.because):
                yield f"{finding.check}, of {finding.place}, for which this line is evidence: {_text(finding.message)}"


def _unjudged(spot: Spot, report: Report) -> Iterator[str]:
    for result in report.results:
        for doubt in result.unjudged:
            if spot.in_(doubt.place):
                yield f"{result.check}: {_text(doubt.reason)}"
        if result.outcome == "failed":
            yield f"{result.check}: it failed ({_text(result.reason)})"


def _clean(spot: Spot, report: Report, traces: Sequence[Trace]) -> Iterator[str]:
    found = {result.check for result in report.results for one in result.findings if spot.in_(one.place)}
    doubted = {result.check for result in report.results for one in result.unjudged if spot.in_(one.place)}
    for trace in traces:
        if trace.check in found or trace.check in doubted:
            continue
        subjects = [identity for identity, place, judged in trace.subjects if judged and spot.in_(place)]
        if subjects:
            yield f"{trace.check}: {_text(subjects[0])}"


def _diagnostics(spot: Spot, report: Report) -> Iterator[str]:
    for told in report.diagnostics:
        if told.place.path == spot.path:
            yield f"{told.level}: {told.place}: {_text(told.message)}"


def shown(expr: Expr) -> str:
    """An expression as people write it. The value of a secret is not in one."""
    return _text(_shown(expr))


def _shown(expr: Any) -> str:
    match expr:
        case Literal(value=value):
            return repr(value)
        case Name(name=name):
            return str(name)
        case EnvVar(key=key, default=None):
            return f"${key}"
        case EnvVar(key=key, default=default):
            return f"${key}, else {_shown(default)}"
        case ConfigKey(store=store, key=key):
            return f"{key} of {store}"
        case SecretKey(store=store, key=key):
            return f"<secret {key}{f' of {store}' if store else ''}>"
        case Context(tool=tool, name=name):
            return f"{tool}.{name}"
        case Concat(parts=parts):
            return " + ".join(map(_shown, parts))
        case PathJoin(parts=parts):
            return " / ".join(map(_shown, parts))
        case Choice(options=options):
            return "one of " + ", ".join(map(_shown, options))
        case Items(items=items):
            return f"[{', '.join(map(_shown, items))}]"
        case Entries(entries=entries, partial=partial):
            told = ", ".join(f"{key}: {_shown(value)}" for key, value in entries)
            return f"{{{told}{', ...' if partial else ''}}}"
        case Made(callee=callee, arguments=arguments, keywords=keywords):
            named = (f"{key}={_shown(value)}" for key, value in keywords)
            return f"{callee}({', '.join([*map(_shown, arguments), *named])})"
        case Unknown(reason=reason):
            return f"unknown: {reason}"
    raise TypeError(type(expr).__name__)


def _text(text: str) -> str:
    return clean(redact_url(text), LONGEST)
