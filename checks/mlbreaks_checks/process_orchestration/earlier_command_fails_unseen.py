"""A task's script goes on after a command that failed, and its last command decides that all went well.

Airflow runs ``bash_command`` with ``bash -c``, without ``-e``: of several lines, only the last one's exit code counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_STOPS = re.compile(
    r"\bset\s+-\w*e|\bset\s+-o\s+errexit|\bbash\s+-\w*e|\btrap\b.*\bERR\b|\$\?|PIPESTATUS|\bexit\s+[1-9$]"
)
_WORKS = re.compile(
    r"^(?:(?:\S*/)?(?:python|ipython|papermill|jupyter|Rscript|java|spark-submit|spark-sql|dbt|dvc|mlflow|kedro|metaflow|"
    r"great_expectations|sqlmesh|feast|psql|mysql|bq|snowsql|clickhouse-client|duckdb)[\d.]*\s"
    r"|(?:gsutil|aws\s+s3|gcloud|az|mc|rclone|rsync|scp)\s.*\b(?:cp|sync|mv|rsync|copy|run|submit|deploy)\b"
    r"|(?:kubectl|helm|terraform)\s+(?:apply|upgrade|create|rollout)\b|(?:\./|bash\s|sh\s)\S+\.(?:sh|py)\b)"
)
_COMPOUND = re.compile(r"^(?:if|for|while|until|case|\{|function\b|\w+\s*\(\))|<<-?\s*[\"']?\w+")
_CHANGES_NOTHING = frozenset({"echo", "printf", "true", ":", "date", "ls", "sleep", "deactivate", "exit", "cat", "pwd"})


def _has_lines(step: facts.Step, pipeline: Pipeline) -> bool:
    """Whether a task of Airflow runs a script of several lines."""
    if step.orchestrator != "airflow" or len(step.commands) != 1 or "bash" not in step.operator.lower():
        return False
    return len(_lines(step)) > 1


def _script(step: facts.Step) -> str:
    return re.sub(r"\\\n", " ", _ci.text_of(step.commands[0].shell))


def _lines(step: facts.Step) -> list[str]:
    """The lines of the step's script that are no comments, those that a backslash joins as one."""
    stripped = [line.strip() for line in _script(step).split("\n")]
    return [line for line in stripped if line and not line.startswith("#")]


def _lost(step: facts.Step) -> tuple[_ci.SimpleCommand, _ci.SimpleCommand] | None:
    """A command of the step's script whose failure is lost, and the last one, which decides."""
    if _STOPS.search(_script(step)) or _quotes_span(_lines(step)):
        return None
    ends = _ends_of_lines(step.commands[0])
    lost = [one for one in ends[:-1] if _WORKS.search(one.text) and not one.swallowed and not one.piped]
    return (lost[0], ends[-1]) if lost else None


def _quotes_span(lines: list[str]) -> bool:
    """Whether a quote that opens on one line closes on another (``python -c "..."``), so that lines are no commands."""
    return any(line.count('"') % 2 or line.count("'") % 2 for line in lines)


def _ends_of_lines(command: facts.Command) -> list[_ci.SimpleCommand]:
    """The last command of each line: what stands before an ``&&`` fails the line with it. One that only says what
    happens when it fails (``|| echo``) counts for the one before it."""
    found: dict[int | None, _ci.SimpleCommand] = {}
    for one in _ci.commands_in(command):
        before = found.get(one.place.line)
        if before is None or not before.swallowed:
            found[one.place.line] = one
    return list(found.values())


@check.over(facts.Step, where=_has_lines)
def find(step: facts.Step, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each task of Airflow whose ``bash_command`` holds several lines."""
    lost = _lost(step)
    if lost is None:
        return
    if any(_COMPOUND.search(line) for line in _lines(step)):
        yield Unjudged(step.place, "the script has branches or loops")
        return
    first, last = lost
    harmless = last.swallowed or last.words[0] in _CHANGES_NOTHING
    ends = "the last command counts, which can't fail: the task is a success"
    if not harmless:
        ends = f"the last command, `{last.text[:40]}`, decides whether the task is a success"
    yield Finding(
        at=first.place,
        message=f"Task {step.name!r} goes on when `{first.text[:60]}` fails: without `set -e` only {ends}.",
        because=((step.place, f"{step.name} runs it with `bash -c`"),),
        severity=None if harmless else Severity.MEDIUM,
        lowered="" if harmless else "the last command may fail as well then",
        about=(first.words[0],),
    )
