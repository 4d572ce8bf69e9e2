"""A metric has a series for every path or id that anybody asks for, and keeps them all.

Each value of a label is a time series of its own, in the memory of the server and of Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    expr,
    facts,
)

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=("*.labels",),
)

_PATH = re.compile(r"(?:^|\.)(?:request|req)\.(?:url\.path|url\.raw_path|path|full_path|url)$")
"""The path of a request as it came, with the ids that stand in it."""
_ID = re.compile(r"(?:^|\.)(?:user_id|session_id|request_id|customer_id|trace_id|conversation_id|client_ip)$")
"""What has as many values as there are users or requests."""


def _any_value(call: facts.Call) -> tuple[str, str] | None:
    """An argument of the call that may be anything: the label that it is given as ("" by position), and the name."""
    for argument in call.arguments:
        if isinstance(argument.value, expr.Name):
            name = argument.value.name
            if _PATH.search(name) or _ID.search(name):
                return argument.name, name
    return None


def _labels_with_anything(call: facts.Call, pipeline: Pipeline) -> bool:
    """Whether the call is one of a metric of Prometheus, with such an argument."""
    if not call.callee.endswith(".labels"):
        return False
    found = _any_value(call)
    return found is not None and _is_metric(found[0], call, pipeline)


def _is_metric(label: str, call: facts.Call, pipeline: Pipeline) -> bool:
    """Whether the file makes metrics, or the tree makes one that has the label."""
    for module in pipeline.index(facts.PythonModule, "path").get(call.path, ()):
        if any(one.level == 0 and one.target.partition(".")[0] == "prometheus_client" for one in module.imports):
            return True
    return bool(label) and label in pipeline.index(facts.MetricMade, _label_names, each=True)


def _label_names(metric: facts.MetricMade) -> tuple[str, ...]:
    return metric.labels or ()


@check.over(facts.Call, where=_labels_with_anything)
def find(call: facts.Call, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ``labels()`` of a metric that is given the path of a request, or somebody's id."""
    found = _any_value(call)
    if found is None:
        return
    label, name = found
    if not _PATH.search(name):
        yield _finding(call, label, f"{name!r}, which has a value for each user or request", ())
        return
    own = [one for one in _handlers(call.path, pipeline) if one.function == call.scope and one.path == call.path]
    if own and not any(map(_parameter, own)):
        return  # a handler of one path
    routes = own or [one for path in sorted(_beside(call, pipeline)) for one in _handlers(path, pipeline)]
    route = next((one for one in routes if _parameter(one)), None)
    if route is None:
        yield Unjudged(call.place, "no route with a parameter is seen")
        return
    shown = f"the path as it was asked for: `{_parameter(route)}` has one for each value of its parameter"
    yield _finding(call, label, shown, ((route.place, f"serves {_parameter(route)}"),))


def _handlers(path: str, pipeline: Pipeline) -> tuple[facts.Handler, ...]:
    return pipeline.index(facts.Handler, "path").get(path, ())


def _parameter(handler: facts.Handler) -> str:
    """The handler's route where it has a parameter, else ""."""
    route = handler.route
    if not isinstance(route, expr.Literal) or not isinstance(route.value, str):
        return ""
    return route.value if re.search(r"\{\w+|<(?:\w+:)?\w+>", route.value) else ""


def _beside(call: facts.Call, pipeline: Pipeline) -> set[str]:
    """The files of the processes that run the call's file; where none is known to, the file alone."""
    found = {call.path}
    for process in pipeline.index(Process, _files, each=True).get(call.path, ()):
        found |= set(process.modules)
    return found


def _files(process: Process) -> tuple[str, ...]:
    return tuple(process.modules)


def _finding(call: facts.Call, label: str, what: str, because: tuple[tuple[Place, str], ...]) -> Finding:
    given = f"Label {label!r}" if label else "A label"
    return Finding(
        at=call.place,
        message=(
            f"{given} of a metric is given {what}. Each is a series of its own, which the server keeps until it ends, "
            "and Prometheus takes in with every scrape."
        ),
        because=because,
        about=(label,),
        group=call.path,
        note="and here",
    )
