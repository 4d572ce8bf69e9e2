"""A step named for a check or a deployment only prints, and its script says that the rest is still to come.

A placeholder of the first week stays in the workflow. The run is green, and the gate that everyone relies on has never
closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_ACTION = re.compile(
    r"(?:^|[^a-z])(?:deploy|test|validat|verif|check|scan|complian|evaluat|promot|publish|roll ?back|regist|notif|"
    r"alert|monitor|back ?up|migrat|smoke|drift|retrain|release)",
    re.IGNORECASE,
)
_GATE = re.compile(
    r"(?:^|[^a-z])(?:test|validat|verif|check|scan|complian|evaluat|smoke|drift|deploy|roll ?back)", re.IGNORECASE
)
_STUB = re.compile(
    r"(?:placeholder|\bstub\b|not (?:yet )?implemented|\badd\b[\w ,]*\bhere\b|"
    r"\b(?:your|actual|real)\b[\w ]*\b(?:commands?|tests?|steps?|logic|checks?|deployment)\b.*\b(?:here|go(?:es)?)\b|"
    r"\bTODO\b|\bFIXME\b|\bin (?:a )?real\b|\bsimulat(?:e|ed|ing)\b|\bwould (?:be|go|run|depend)\b)",
    re.IGNORECASE,
)
_DRY = re.compile(r"dry[-_ ]?run", re.IGNORECASE)
"""A step that is for runs which are to do nothing."""
_INERT = frozenset({"echo", "printf", "sleep", "true", ":", "fi", "then", "else", "if", "[", "[[", "date", "ls", "pwd"})
_LEAVES_SOMETHING = re.compile(r">>?\s*(?!/dev/null|&\d)\S|GITHUB_(?:OUTPUT|ENV|STEP_SUMMARY|PATH)|\$\(")


def _only_prints_somewhere(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(_is_named_for_action(job, step) and _only_prints(step) for step in job.steps)


def _is_named_for_action(job: facts.WorkflowJob, step: facts.JobStep) -> bool:
    return bool(_ACTION.search(step.name or job.id)) and not _DRY.search(f"{step.name} {step.condition}")


def _only_prints(step: facts.JobStep) -> bool:
    """Whether all that the step does is to print."""
    if step.run is None or step.run.shell is None:
        return False
    script = _ci.text_of(step.run.shell)
    bare = "\n".join(line for line in script.split("\n") if not line.lstrip().startswith("#"))
    if _LEAVES_SOMETHING.search(bare) or "{*}" in script:
        return False
    own = list(_ci.commands(step))
    printing = any(command.words[0] in ("echo", "printf") for command in own)
    return printing and all(command.words[0] in _INERT or command.words == ("exit", "0") for command in own)


@check.over(facts.WorkflowJob, where=_only_prints_somewhere)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each step that is named for an action and only prints."""
    for step in job.steps:
        if not (_is_named_for_action(job, step) and _only_prints(step)) or step.run is None:
            continue
        script = _ci.text_of(step.run.shell)
        said = next((m for line in script.split("\n") if (m := _STUB.search(_comment_or_echo(line)))), None)
        if said is None:
            yield Unjudged(step.place, "that it only prints may be meant")
            continue
        yield _finding(job, step, script, pipeline)


def _comment_or_echo(line: str) -> str:
    """The part of a line that speaks to people."""
    stripped = line.strip()
    if stripped.startswith("#"):
        return stripped
    return stripped.partition(" #")[2] or (stripped if stripped.startswith(("echo", "printf")) else "")


def _finding(job: facts.WorkflowJob, step: facts.JobStep, script: str, pipeline: Pipeline) -> Finding:
    lines = script.split("\n")
    number = next(i for i, line in enumerate(lines) if _STUB.search(_comment_or_echo(line)))
    said = lines[number].strip().lstrip("# ")[:80]
    name = step.name or job.id
    after = [other for other in _ci.siblings(job, pipeline) if job.id in other.needs]
    because: list[tuple[Place, str]] = [(other.place, f"{other.id} waits for {job.id}") for other in after[:2]]
    gate = _GATE.search(name) is not None
    return Finding(
        at=step.place,
        message=f"{name!r} in job {job.id!r} only prints, and is green every time; its script says: {said!r}.",
        because=tuple(because),
        about=(name,),
        group=job.identity,
        note=f"{name!r} only prints, too",
        severity=None if gate and after else Severity.MEDIUM,
        lowered="" if gate and after else ("no other job waits for it" if gate else "nothing is let through by it"),
    )
