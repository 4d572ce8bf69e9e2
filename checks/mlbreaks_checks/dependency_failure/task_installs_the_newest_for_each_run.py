"""Each run of a task makes an environment anew, with whatever release of a package is the newest then.

``@task.virtualenv`` installs its requirements over the network whenever the task starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, aside, expr, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))

_OPERATORS = ("PythonVirtualenvOperator", "BranchPythonVirtualenvOperator", ".virtualenv", ".branch_virtualenv")
_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?")
_FIXED = re.compile(r"===?\s*[^*,\s]+$|@\s*\S+")
"""One release, or an address."""
_TEMPLATES = re.compile(r"\{\{|\{%|^\S+\.(?:txt|in)$")


def _makes_its_own(step: facts.Step, pipeline: Pipeline) -> bool:
    """Whether it is the first task of a scheduled DAG that installs what it needs when it starts."""
    if step.orchestrator != "airflow" or not step.operator.endswith(_OPERATORS) or aside(step.path):
        return False
    if step.setting("requirements") is None or step.setting("venv_cache_path") is not None:
        return False
    schedule = pipeline.one(facts.Schedule, step.pipeline)
    return schedule is not None and schedule.when is not None and schedule.when != expr.Literal(None)


@check.over(facts.Step, where=_makes_its_own)
def find(step: facts.Step, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the requirements of tasks that run in an environment of their own."""
    setting = step.setting("requirements")
    if setting is None:
        return
    names = _newest(setting.value)
    if names is None:
        yield Unjudged(setting.place, "what the task installs can't be told")
    elif names:
        takes = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        yield Finding(
            at=setting.place,
            message=f"Task {step.name} installs {takes} when it starts, in the newest release there is: two runs of "
            "one DAG, or two tasks of one run, can work with different code, and none starts while the index is away.",
            about=tuple(names),
            group=step.pipeline,
            note=f"task {step.name} installs {takes} in the same way",
        )


def _newest(value: expr.Expr) -> list[str] | None:
    """The packages that are not held to one release; None where the list can't be told."""
    if isinstance(value, expr.Literal):
        items: tuple[expr.Expr, ...] = (value,)
    elif isinstance(value, expr.Items):
        items = value.items
    else:
        return None
    found = []
    for item in items:
        if not isinstance(item, expr.Literal) or not isinstance(item.value, str) or _TEMPLATES.search(item.value):
            return None
        for line in item.value.splitlines():
            written = line.partition("#")[0].partition(";")[0].strip()
            name = _NAME.match(written)
            if name is not None and "://" not in written and not _FIXED.search(written):
                found.append(name[0])
    return found
