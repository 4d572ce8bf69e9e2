"""A step of a workflow uses a variable that only another step is given.

What stands in a step's `env` is that step's alone. The next one finds an empty text, or its program ends with an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _variables
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

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", also=("push-order",))

_USE = re.compile(r"(?<!\\)\$(?:([A-Z][A-Z0-9_]{2,})\b|\{([A-Z][A-Z0-9_]{2,})[}%#/])")
"""A variable of the shell, without a default and without a question whether it is set."""
_SHELLS = frozenset({"", "bash", "sh"})
_TAKES_FILES = re.compile(r"(?:^|[\s;&(])(?:source|eval|\.)\s+\S|\bset -a\b|\bset -o allexport\b", re.MULTILINE)
_OF_THE_RUNNER = re.compile(
    r"(?:CI|HOME|PATH|USER|SHELL|PWD|LANG|HOSTNAME|TMPDIR)$|(?:RUNNER|ACTIONS|JAVA|ANDROID)_|GITHUB_(?:(?:ACTIONS?|ACTOR|"
    r"ACTION_\w+|ACTOR_ID|API_URL|BASE_REF|ENV|EVENT_\w+|GRAPHQL_URL|HEAD_REF|JOB|OUTPUT|PATH|REF|REF_NAME|REF_PROTECTED|"
    r"REF_TYPE|REPOSITORY|REPOSITORY_\w+|RETENTION_DAYS|RUN_\w+|SERVER_URL|SHA|STATE|STEP_SUMMARY|TRIGGERING_ACTOR|"
    r"WORKFLOW|WORKFLOW_\w+|WORKSPACE)$)"
)
"""https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables"""
_QUOTED_DOCUMENT = re.compile(r"<<-?\s*(?:'(\w+)'|\"(\w+)\"|\\(\w+)).*?^\s*(?:\1|\2|\3)\s*$", re.MULTILINE | re.DOTALL)
_MAIN = frozenset({"", "main"})


def _runs_commands(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(step.run is not None and step.shell in _SHELLS for step in job.steps)


@check.over(facts.WorkflowJob, where=_runs_commands)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at variables of shells, and at what Python files started by a step ask for."""
    shared = {variable.name for variable in _variables.of_the_job(job, pipeline)}
    said: set[str] = set()
    for step in job.steps:
        if step.run is None or step.run.shell is None or step.shell not in _SHELLS:
            continue
        script = _ci.text_of(step.run.shell)
        own = {variable.name for variable in step.variables}
        for name, place, read in _uses(job, step, script, pipeline):
            if name in shared or name in own or name in said or _OF_THE_RUNNER.match(name):
                continue
            giver = _giver(job, name, pipeline)
            if giver is None or _handles(script, name):
                continue
            said.add(name)
            why, left = _variables.left_before(job, step.index, name)
            if left:
                continue
            why = why or _doubt(job, script, pipeline)
            yield Unjudged(place, why) if why else _finding(job, step, name, place, read, giver)


def _uses(
    job: facts.WorkflowJob, step: facts.JobStep, script: str, pipeline: Pipeline
) -> Iterator[tuple[str, Place, Place | None]]:
    """What a step uses: the variable, where the step does, and where the code that it starts asks for it."""
    assert step.run is not None
    start = step.run.place
    for offset, line in enumerate(_expanded(script).split("\n") if _USE.search(script) else ()):
        place = start if start.line is None else Place(start.path, start.line + offset)
        for match in _USE.finditer(line):
            yield match[1] or match[2], place, None
    if start.line is None or "py" not in script:
        return
    last = start.line + script.count("\n")
    for process in pipeline.index(Process, _step_identity).get(job.step, ()):
        for entry in process.entries:
            if entry.path is not None and start.line <= (entry.place.line or 0) <= last:
                yield from ((name, entry.place, read) for name, read in _asked(entry.path, pipeline))


def _asked(path: str, pipeline: Pipeline) -> Iterator[tuple[str, Place]]:
    """The variables without which the code of a file certainly ends."""
    imports = [
        one.target for module in pipeline.index(facts.PythonModule, "path").get(path, ()) for one in module.imports
    ]
    if any(target.partition(".")[0] in ("dotenv", "environs", "decouple") for target in imports):
        return
    for read in pipeline.index(facts.EnvRead, "path").get(path, ()):
        if read.required and not read.conditional and read.scope in _MAIN and isinstance(read.key, expr.Literal):
            yield str(read.key.value), read.place


def _step_identity(process: Process) -> str | None:
    return process.fact.identity if isinstance(process.fact, facts.Step) else None


def _expanded(script: str) -> str:
    """The script with blanks for what the shell does not expand: comments, texts in single quotes, quoted documents."""
    script = _QUOTED_DOCUMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), script)
    found: list[str] = []
    quote = ""
    for before, char in zip("\n" + script, script, strict=False):
        if quote == "#":
            quote = "" if char == "\n" else quote
        elif quote == char and before != "\\":
            quote = ""
        elif not quote and (char in "'\"" or (char == "#" and before.isspace())) and before != "\\":
            quote = char
        found.append(" " if quote in ("'", "#") and quote and char != "\n" else char)
    return "".join(found)


def _handles(script: str, name: str) -> bool:
    """Whether the script sets the variable, asks whether it is set, or has a default for it."""
    return (
        re.search(
            rf"(?:^|[\s;&(\"']){name}\+?=|\b(?:read|mapfile|readarray|printf -v|getopts)\b[^\n]*\b{name}\b|"
            rf"\bfor {name}\b|"
            rf"-[nvz] +[\"']?(?:\$\{{?)?{name}\b|\$\{{{name}:?[-=?+]",
            script,
            re.MULTILINE,
        )
        is not None
    )


def _giver(job: facts.WorkflowJob, name: str, pipeline: Pipeline) -> tuple[Place, str] | None:
    """Where a step of the job, or one of the workflow, is given the variable, and whose it is."""
    jobs = pipeline.index(facts.WorkflowJob, _given, each=True).get((job.workflow, name), ())
    for one in sorted(jobs, key=lambda other: other is not job):
        for step in one.steps:
            for variable in step.variables:
                if variable.name == name:
                    return variable.place, "another step of the job" if one is job else f"a step of job {one.id}"
    return None


def _given(job: facts.WorkflowJob) -> frozenset[tuple[str, str]]:
    return frozenset((job.workflow, variable.name) for step in job.steps for variable in step.variables)


def _doubt(job: facts.WorkflowJob, script: str, pipeline: Pipeline) -> str:
    """Why the variable may be there all the same; "" where it is not."""
    step = pipeline.one(facts.Step, job.step)
    if step is None or step.image is not None:
        return "the job's container may set it"
    runner = next((one.value for one in step.settings if one.name == "runs-on"), None)
    if runner is not None and ("windows" in _ci.text_of(runner).lower() or "self-hosted" in _ci.text_of(runner)):
        return "another shell, or a runner with variables of its own"
    return "a file that the step reads may set it" if _TAKES_FILES.search(script) else ""


def _finding(
    job: facts.WorkflowJob, step: facts.JobStep, name: str, place: Place, read: Place | None, giver: tuple[Place, str]
) -> Finding:
    what = "is empty in this step" if read is None else "is not there for what this step starts"
    because = [(giver[0], f"{giver[1]} is given {name}, for itself alone")]
    if read is not None:
        because.append((read, f"{name} is asked for here, without a default"))
    return Finding(
        at=place,
        message=f"{name} {what}: neither the step, nor job {job.id!r}, nor the workflow sets it, and what "
        f"{giver[1]} is given does not last.",
        because=tuple(because),
        about=(job.id, step.id or step.name, name),
        group=f"{job.identity}#{step.index}",
        note=f"{name} is not there, either",
    )
