"""A script of CI publishes several things, goes on after one that failed, and its last command decides.

A script is no step of a workflow: its shell does not stop at what fails unless it is told to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    JobRun,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("process-orchestration",),
)

_PUBLISHES = re.compile(
    r"^(?:(?:poetry|uv|npm|yarn|flit|hatch|cargo)\s+publish\b|twine\s+upload\b|docker\s+(?:image\s+)?push\b"
    r"|docker\s.*--push\b|(?:kubectl|helm|terraform|cdk|sam|serverless|sls)\s+(?:apply|upgrade|deploy|replace)\b"
    r"|gcloud\s.*\bdeploy\b|aws\s.*\b(?:deploy|update-service|update-function-code)\b|bentoml\s+(?:push|deploy)\b)"
)
_MAY = re.compile(r"publish|upload|push|apply|upgrade|deploy|update-")
"""One of these words stands in a script that publishes anything."""
_STOPS = re.compile(
    r"^#!.*\s-\w*e|\bset\s+-\w*e|\bset\s+-\w+\s+(?:-\w*e|-o\s+errexit)|\bset\s+-o\s+errexit|\btrap\b.*\bERR\b|\$\?"
    r"|\bexit\s+[1-9$]|\bdie\b|\bfail\b"
)
_COMPOUND = re.compile(r"^(?:if|for|while|until|case|\{|function\b|[\w-]+\s*\(\))")
_NAMED = re.compile(r"[\w./-]+\.(?:sh|bash)\b")


def _publishes_several(script: facts.Script, pipeline: Pipeline) -> bool:
    return not aside(script.path) and len(_published(script)) > 1 and _caller(script.path, pipeline) is not None


@check.over(facts.Script, where=_publishes_several)
def find(script: facts.Script, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at scripts that a job runs and that publish or deploy more than one thing."""
    caller = _caller(script.path, pipeline)
    if caller is None or _STOPS.search(script.text):
        return
    statements = [(text, commands) for text, _, commands in _statements(script) if commands]
    if any(_COMPOUND.search(text) for text, _ in statements):
        yield Unjudged(script.place, "the script has branches or loops")
        return
    before = [command for _, commands in statements[:-1] for command in commands]
    lost = [command for command in before if _PUBLISHES.match(command.text) and not command.swallowed]
    if not lost:
        return
    place, how = caller
    if re.search(r"\b(?:ba|z)?sh\s+-\w*e", how):
        return
    last = statements[-1][0]
    yield Finding(
        at=lost[0].place,
        message=f"`{lost[0].text}` may fail, and the script goes on: `{last}` decides whether the job is green, with a "
        "part of the release published and the rest left as it was.",
        because=(
            *((one.place, f"so may `{one.text}`") for one in lost[1:4]),
            (place, f"the job runs {script.path}"),
        ),
        fix="Begin the script with `set -euo pipefail`.",
    )


def _statements(script: facts.Script) -> list[tuple[str, Place, tuple[_ci.SimpleCommand, ...]]]:
    whole = _ci.Elsewhere(script.text, Place(script.path, 1), "script")
    return [(text, place, tuple(commands)) for text, place, commands in whole.statements]


def _published(script: facts.Script) -> list[_ci.SimpleCommand]:
    if not _MAY.search(script.text):
        return []
    return [one for _, _, commands in _statements(script) for one in commands if _PUBLISHES.match(one.text)]


def _caller(path: str, pipeline: Pipeline) -> tuple[Place, str] | None:
    """Where a job runs the script, and how, as written."""
    name = path.rpartition("/")[2]
    for run in pipeline.index(JobRun, _called, each=True).get(name, ()):
        for step in run.steps:
            for text, place in _texts(step):
                for line in text.splitlines():
                    written = [one for one in _NAMED.findall(line) if path.endswith(one.removeprefix("./"))]
                    if written:
                        return place, line
    return None


def _called(run: JobRun) -> set[str]:
    return {one.rpartition("/")[2] for step in run.steps for text, _ in _texts(step) for one in _NAMED.findall(text)}


def _texts(step: facts.JobStep) -> Iterator[tuple[str, Place]]:
    """What a step runs, here and on other hosts."""
    for command in (step.run, step.remote):
        if command is not None and command.shell is not None:
            yield _ci.text_of(command.shell), command.place
