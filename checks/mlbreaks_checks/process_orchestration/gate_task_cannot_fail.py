"""A task that is there to check something can't fail, and others wait for it.

What it would find is made a success (``test -d data || echo missing``), or it only prints. The tasks behind it run
without what they need, on every run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_ORCHESTRATORS = frozenset({"airflow", "argo"})
_NAMED_FOR_CHECK = re.compile(
    r"(?:^|[^a-z])(?:check(?!point|out)|validat|verif|ensure|assert|test|quality|gate|wait_?for|sensor)", re.IGNORECASE
)
_CHOOSES = re.compile(r"branch|short_?circuit|sensor", re.IGNORECASE)
_PRINTS = frozenset({"echo", "printf", "sleep", "true", ":", "date"})
_LEAVES_SOMETHING = re.compile(r">>?\s*(?!/dev/null|&\d)\S|\$\(|`")
_TESTS = frozenset({"test", "[", "[["})
_FOR_TRIAL = re.compile(r"optional|informational|non_?blocking|report_only|dry_?run", re.IGNORECASE)


def _waited_for(step: facts.Step, pipeline: Pipeline) -> bool:
    """Whether a task checks something, by its name or by its command, and another one runs after it."""
    if step.orchestrator not in _ORCHESTRATORS or not pipeline.index(facts.Edge, "before").get(step.identity):
        return False
    if _CHOOSES.search(step.operator) or _FOR_TRIAL.search(step.name):
        return False
    if step.prints:
        return _is_named(step)
    acting = _acting(_commands(step))
    return bool(step.commands) and (_is_named(step) or (bool(acting) and acting[0].words[0] in _TESTS))


def _is_named(step: facts.Step) -> bool:
    function = step.callee.name if step.callee is not None else ""
    return bool(_NAMED_FOR_CHECK.search(step.name) or _NAMED_FOR_CHECK.search(function))


def _commands(step: facts.Step) -> list[_ci.SimpleCommand]:
    return [command for one in step.commands for command in _ci.commands_in(one)]


def _acting(commands: list[_ci.SimpleCommand]) -> list[_ci.SimpleCommand]:
    return [command for command in commands if command.words[0] not in _PRINTS]


@check.over(facts.Step, where=_waited_for)
def find(step: facts.Step, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each task of Airflow or Argo Workflows that checks something, and for which others wait."""
    after = pipeline.index(facts.Edge, "before").get(step.identity, ())
    if step.prints:
        how = "all that its function does is to print"
    else:
        if any("{*}" in command.words[0] for command in _commands(step)):
            yield Unjudged(step.place, "what the task runs can't be told")
            return
        how = _how(step)
    if not how:
        return
    waiting = [edge.after.rpartition("/")[2] for edge in after]
    yield Finding(
        at=step.place,
        message=f"Task {step.name!r} can't fail: {how}. {_who(waiting)} as if it had found what it looks for.",
        because=tuple((edge.place, f"{name} comes after it") for edge, name in zip(after[:2], waiting, strict=False)),
    )


def _who(waiting: list[str]) -> str:
    return f"{waiting[0]!r} runs" if len(waiting) == 1 else f"{waiting[0]!r} and {len(waiting) - 1} more run"


def _how(step: facts.Step) -> str:
    """Why a task's script can't fail, or ""."""
    commands = _commands(step)
    scripts = [_ci.text_of(one.shell) for one in step.commands if one.shell is not None]
    if any(_LEAVES_SOMETHING.search(script) for script in scripts):
        return ""
    acting = _acting(commands)
    if not acting:
        return "all that its script does is to print" if any(c.words[0] == "echo" for c in commands) else ""
    if len(acting) == 1 and acting[0].swallowed:
        return f"what follows `||` makes a success of it when `{acting[0].text[:60]}` fails"
    return ""
