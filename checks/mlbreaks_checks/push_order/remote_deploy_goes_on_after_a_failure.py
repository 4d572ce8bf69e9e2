"""A deployment over ssh goes on after a command that failed, and its last command decides that all went well.

The shell on the other host is no ``bash -e``: of several lines, only the last one's exit code comes back to the job.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _runs
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
    facts,
)

check = Check(
    __name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("process-orchestration",)
)

_STOPS = re.compile(
    r"\bset\s+-\w*e|\bset\s+-\w+\s+(?:-\w*e|-o\s+errexit)|\bset\s+-o\s+errexit|\btrap\b.*\bERR\b|\$\?|\bexit\s+[1-9$]"
)
_MATTERS = re.compile(
    r"^(?:git\s+(?:-C\s+\S+\s+)?(?:pull|checkout|reset|merge)\b"
    r"|docker\s+(?:image\s+)?(?:build|pull|run|load|buildx)\b|docker(?:-compose|\s+compose)\s.*\b(?:build|pull|up|run)\b"
    r"|docker\s+(?:stack\s+deploy|service\s+update)\b|(?:kubectl|helm|terraform)\s+(?:apply|upgrade|set|create|replace)\b"
    r"|(?:pip3?|uv|poetry|conda)\s+(?:install|sync|pip\s+install|env\s+update)\b|alembic\s+upgrade\b"
    r"|.*\bmigrat(?:e|ions?)\b|(?:python[\d.]*|make)\s+\S|systemctl\s+(?:--\S+\s+)*(?:re)?start\b|(?:\./|bash\s|sh\s)\S+\.(?:sh|py)\b)"
)
_COMPOUND = re.compile(r"^(?:if|for|while|until|case|\{|function\b|\w+\s*\(\))")
_PULLS_IMAGES = re.compile(r"^docker\s.*\bpull\b|^docker-compose\s.*\bpull\b")
_SAYS_NOTHING = re.compile(
    r"^(?:echo|printf|true|:|date|ls|sleep|cat|pwd|exit(?:\s+0)?$|docker\s+(?:ps|logs|images|(?:system|image|container|"
    r"builder)\s+(?:prune|df)|rmi)|docker(?:-compose|\s+compose)\s.*\b(?:ps|logs|images)\b|kubectl\s+get\b|rm\s)"
)
"""Commands that succeed whatever became of the deployment."""
_NOT_PRODUCTION = re.compile(
    r"(?:^|[-_./ ])(?:dev|development|staging|stage|preview|pr|test|qa|sandbox)(?:$|[-_./ \d])"
)
_TOLD_TO_STOP = re.compile(r"@v?(?:0\.|1\.[01](?:\.|$)|1\.2\.0$)")
"""Releases of appleboy/ssh-action that know ``script_stop``: 1.2.1 has dropped it, and ``v1`` and ``master`` with it.

Source: https://github.com/appleboy/ssh-action/pull/350
"""
_RETURNS_THE_LAST = frozenset({"appleboy/ssh-action", "google-github-actions/ssh-compute", "ssh", "gcloud compute ssh"})


@dataclasses.dataclass(frozen=True)
class _Script:
    """A script that deploys on another host, and the step that has it run."""

    step: facts.JobStep
    script: _ci.Elsewhere
    deploys: _ci.SimpleCommand


def _deploys_with_several(run: JobRun, pipeline: Pipeline) -> bool:
    return bool(_scripts(run))


def _scripts(run: JobRun) -> list[_Script]:
    found = []
    for step in run.steps:
        there = _ci.deployed_over_ssh(step)
        if there is not None and len(there[0].statements) > 1:
            found.append(_Script(step, *there))
    return found


@check.over(JobRun, where=_deploys_with_several)
def find(run: JobRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each script of more than one command by which a job deploys on another host."""
    for one in _scripts(run):
        script = one.script
        if script.stops or _STOPS.search(script.script):
            continue
        lost = _lost(one)
        if lost is None:
            continue
        reason = _unknown(one) or _asked_for(run, one, lost[0])
        if reason:
            yield Unjudged(script.place, reason)
        elif not (_is_told(one.step) and _TOLD_TO_STOP.search(one.step.uses)):
            yield _finding(run, one, *lost)


def _lost(one: _Script) -> tuple[_ci.SimpleCommand, str, bool] | None:
    """A command of the script whose failure is lost, its last line, which decides, and whether that can't fail.

    An image of this commit that could not be pulled can't be started either.
    """
    statements = [(text, commands) for text, _, commands in one.script.statements if commands]
    before = [command for _, commands in statements[:-1] for command in commands]
    lost = [each for each in before if _MATTERS.search(each.text) and not each.swallowed and not each.piped]
    if _runs.names_own_commit(one.step):
        lost = [each for each in lost if not _PULLS_IMAGES.search(each.text)]
    if not lost:
        return None
    last, commands = statements[-1]
    return lost[0], last, commands[-1].swallowed or _SAYS_NOTHING.search(commands[0].text) is not None


def _unknown(one: _Script) -> str:
    """Why it can't be told what a failure comes to; "" where it can."""
    if one.script.by.lower() not in _RETURNS_THE_LAST:
        return "what the action makes of a failure is not known"
    lines = [text for text, _, _ in one.script.statements]
    if any(line.count('"') % 2 or line.count("'") % 2 for line in lines):
        return "a quote of the script spans lines"
    if any(_COMPOUND.search(line) for line in lines):
        return "the script has branches or loops"
    if _is_told(one.step) and re.search(r"@[0-9a-f]{40}$", one.step.uses):
        return "whether the action's release knows `script_stop` is not read"
    return ""


def _asked_for(run: JobRun, one: _Script, first: _ci.SimpleCommand) -> str:
    """Why it may not be lost that a container could not be started: a later step asks at a port which it publishes, and
    fails where nobody answers; "" where none does."""
    ports = set(_PUBLISHED.findall(first.text))
    for step in run.steps[run.steps.index(one.step) + 1 :] if ports else ():
        for command in _ci.commands(step):
            url = _ASKS.search(command.text)
            if url is None or command.swallowed or step.continue_on_error:
                continue
            if (url[2] or {"http": "80", "https": "443"}[url[1]]) in ports:
                return "a later step asks at the port of what is started"
    return ""


_PUBLISHED = re.compile(r"(?<=\s)(?:-p|--publish)[ =](?:[\d.]+:)?(\d+):\d+")
_ASKS = re.compile(r"^curl\s.*(?:-\w*f|--fail)\b.*?(https?)://[^/\s:]+(?::(\d+))?")


def _is_told(step: facts.JobStep) -> bool:
    """Whether the step gives appleboy/ssh-action ``script_stop: true``."""
    return any(given.name == "script_stop" and _ci.text_of(given.value).lower() == "true" for given in step.inputs)


def _finding(run: JobRun, one: _Script, first: _ci.SimpleCommand, last: str, harmless: bool) -> Finding:
    decides = f"`{_shown(last)}` decides whether the job is green"
    if harmless:
        decides = f"`{_shown(last)}` decides, which succeeds all the same: the job is green"
    because: list[tuple[Place, str]] = [
        (one.step.place, f"{one.script.by} gives back the exit code of the last command")
    ]
    if one.deploys.place != first.place:
        because.append((one.deploys.place, f"deploys with {_ci.said_of(one.deploys)}"))
    if _is_told(one.step):
        place = next(given.place for given in one.step.inputs if given.name == "script_stop")
        because.append((place, "`script_stop` is no input of the action any more, and does nothing"))
    trial = _NOT_PRODUCTION.search(f"{run.job.id} {_ci.text_of(run.environment)}".lower())
    return Finding(
        at=first.place,
        message=(
            f"Job {run.job.id!r} deploys over ssh, and the script goes on when `{_shown(first.text)}` fails: without "
            f"`set -e` only {decides}."
        ),
        because=tuple(because),
        about=(first.words[0],),
        severity=Severity.MEDIUM if trial else None,
        lowered="what it deploys to is not production by its name" if trial else "",
    )


def _shown(text: str) -> str:
    text = " ".join(text.replace("{*}", "...").split())
    return text if len(text) <= 50 else " ".join(text[:50].split()[:-1]) + " ..."
