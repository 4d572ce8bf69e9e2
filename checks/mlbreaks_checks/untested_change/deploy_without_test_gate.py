"""A deployment does not wait for the tests, or goes on when they fail.

Jobs of a workflow run side by side unless ``needs`` orders them; ``always()`` runs a job although what it needs failed;
``workflow_run`` fires whatever the outcome was; and a test command behind ``|| true`` never fails at all.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_RUNS_ANYWAY = re.compile(r"\balways\(\)|!\s*cancelled\(\)|\bsuccess\(\)\s*\|\|\s*failure\(\)")
_LOOKS_AT_RESULT = re.compile(
    r"\bneeds\b[^&|]*\.(?:result|outputs)|&&\s*success\(\)|success\(\)\s*&&|!\s*failure\(\)|contains\(\s*needs"
)
_OTHER_EVENT = re.compile(r"github\.event_name\s*==\s*'(?!push)")
_BYPASS = re.compile(r"\b(?:hotfix|rollback|emergency|skip[-_ ]?tests?)\b", re.IGNORECASE)
_NOT_PRODUCTION = re.compile(
    r"(?:^|[-_./ ])(?:dev|development|staging|stage|preview|pr|test|qa|sandbox)(?:$|[-_./ \d])"
)


def _deploys_unasked(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    """Whether the job brings code out on a push, or after another workflow, and there are tests that could stop it."""
    workflow = _ci.workflow_of(job, pipeline)
    if workflow is None or _OTHER_EVENT.search(job.condition):
        return False
    if _ci.on_push(workflow) is None and _workflow_run(workflow) is None:
        return False
    return any(not d.image or d.moving for d in _ci.deploys(job, pipeline)) and bool(_tests(job, workflow, pipeline))


@check.over(facts.WorkflowJob, where=_deploys_unasked)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each job that deploys, or moves an image's ``latest``, beside or after jobs that run tests."""
    workflow = _ci.workflow_of(job, pipeline)
    deploy = next((d for d in _ci.deploys(job, pipeline) if not d.image or d.moving), None)
    if workflow is None or deploy is None:
        return
    if _BYPASS.search(f"{workflow.name} {workflow.path} {job.id} {job.name}"):
        return
    if _ci.on_push(workflow) is not None:
        yield from _within(job, deploy, pipeline)
    else:
        yield from _after_another(job, workflow, deploy, pipeline)


# --------------------------------------------------------------------------------------------- one workflow


def _within(job: facts.WorkflowJob, deploy: _ci.Deploy, pipeline: Pipeline) -> Iterator[Verdict]:
    """The deployment and the tests are in one workflow, on a push."""
    needed = _ci.ancestors(job, pipeline)
    gates = [(one, test) for one in needed if (test := _ci.tests_behind(one, pipeline)) is not None]
    own = _own_tests(job, deploy, pipeline)
    if gates or own is not None:
        yield from _gated(job, deploy, gates, own, pipeline)
        return
    if any(_ci.waits_for_checks(one) for one in (job, *needed)):
        yield Unjudged(job.place, "it waits for other checks of the commit")
        return
    if any(True for one in (job, *needed) for _ in _ci.opaque(one, pipeline)):
        yield Unjudged(job.place, "what it needs may run tests that can't be seen")
        return
    test_job, test = next((one, t) for one, t in _beside(job, pipeline))
    yield Finding(
        at=job.place,
        message=(
            f"Job {job.id!r} brings out {deploy.what} on a push without waiting for {test_job.id!r}, which runs the "
            "tests in the same workflow: nothing orders the two, and it is done whether the tests pass or fail."
        ),
        because=(
            (deploy.place, f"{deploy.what} is brought out here"),
            (test.place, f"{test_job.id} runs {_program(test)}"),
        ),
        about=("no-needs",),
        severity=_severity(job, deploy)[0],
        lowered=_severity(job, deploy)[1],
    )


def _gated(
    job: facts.WorkflowJob,
    deploy: _ci.Deploy,
    gates: list[tuple[facts.WorkflowJob, _ci.SimpleCommand]],
    own: _ci.SimpleCommand | None,
    pipeline: Pipeline,
) -> Iterator[Verdict]:
    """The deployment comes after tests: whether these can stop it."""
    if own is None and _RUNS_ANYWAY.search(job.condition) and not _LOOKS_AT_RESULT.search(job.condition):
        gate, test = gates[0]
        yield Finding(
            at=job.place,
            message=(
                f"Job {job.id!r} needs {gate.id!r}, which runs the tests, and its condition "
                f"{_bare(job.condition)!r} runs it also when they fail: it still brings out {deploy.what}."
            ),
            because=((test.place, f"{gate.id} runs {_program(test)}"), (deploy.place, "brought out here")),
            about=("runs-anyway",),
            severity=_severity(job, deploy)[0],
            lowered=_severity(job, deploy)[1],
        )
        return
    runs = [
        run for one, _ in gates for behind in _ci.jobs_behind(one, pipeline) for run in _test_runs(behind, pipeline)
    ]
    runs.extend(_test_runs(job, pipeline, deploy) if own is not None else ())
    if not runs or any(run.fails for run in runs):
        return
    if unsure := next((run for run in runs if run.fails is None), None):
        yield Unjudged(unsure.place, unsure.how)
        return
    if any(_ci.calls_unread(one, pipeline) for one in (job, *_ci.ancestors(job, pipeline))):
        yield Unjudged(job.place, "what it needs may run tests that can't be seen")
        return
    yield Finding(
        at=runs[0].place,
        message=(
            f"The tests that stand before job {job.id!r} can't stop it: {runs[0].how}, so that {deploy.what} is "
            "brought out when they fail."
        ),
        because=((deploy.place, f"{job.id} brings out {deploy.what}"),),
        about=("cannot-fail",),
        severity=_severity(job, deploy)[0],
        lowered=_severity(job, deploy)[1],
    )


@dataclasses.dataclass(frozen=True)
class _TestRun:
    """A test command, and whether its failure *fails* the job: None where that can't be told; *how* says why not."""

    place: Place
    fails: bool | None
    how: str = ""


def _test_runs(job: facts.WorkflowJob, pipeline: Pipeline, deploy: _ci.Deploy | None = None) -> Iterator[_TestRun]:
    """Each test command of the job. *deploy*: what it brings out itself."""
    for step in _ci.steps_of(job, pipeline):
        own = list(_ci.commands(step))
        for position, command in enumerate(own):
            if not (_ci.runs_tests(command) or _ci.may_run_tests(command)):
                continue
            forgiving = any(one.words[0] == "set" and "+e" in one.words[1:] for one in own[:position])
            behind = any(deploy is not None and one.place == deploy.place for one in own[position:])
            if command.swallowed and command.leaves and behind:
                yield _TestRun(command.place, True)  # what would deploy stands in the step that is left
            elif command.swallowed:
                how = "what follows `||` in its command line makes a failure a success"
                yield _TestRun(command.place, False, how)
            elif forgiving:
                yield _forgiven(command, own[position + 1 :])
            elif step.continue_on_error and _outcome_is_read(job, step):
                yield _TestRun(command.place, None, "something asks for the outcome of the tests' step")
            elif step.continue_on_error:
                yield _TestRun(command.place, False, "its step has `continue-on-error: true`")
            elif job.continue_on_error:
                yield _TestRun(command.place, False, f"job {job.id} has `continue-on-error: true`")
            else:
                yield _TestRun(command.place, True)


def _forgiven(test: _ci.SimpleCommand, after: list[_ci.SimpleCommand]) -> _TestRun:
    """A test command behind ``set +e``: the last command of the step decides."""
    if not after:
        return _TestRun(test.place, True)
    if after[-1].text == "exit 0" and not any(one.words[0] in ("exit", "set", "if", "[", "[[") for one in after[:-1]):
        return _TestRun(test.place, False, "`set +e` goes before them, and their step ends with `exit 0`")
    return _TestRun(test.place, None, "what follows the tests behind `set +e` decides whether they can fail")


def _outcome_is_read(job: facts.WorkflowJob, step: facts.JobStep) -> bool:
    """Whether an expression of the job asks how the step, or any step, ended."""
    return any("steps.*" in other.condition for other in job.steps) or any(
        read.of == "steps" and read.name == step.id and read.field.startswith(("outcome", "conclusion"))
        for read in job.reads
    )


def _own_tests(job: facts.WorkflowJob, deploy: _ci.Deploy, pipeline: Pipeline) -> _ci.SimpleCommand | None:
    """A test command of the deploying job itself, before it deploys."""
    for step in _ci.steps_of(job, pipeline):
        same_file = step.place.path == deploy.place.path
        if same_file and (step.place.line or 0) > (deploy.place.line or 0):
            return None
        for command in _ci.commands(step):
            if _ci.runs_tests(command):
                return command
    return None


def _beside(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[tuple[facts.WorkflowJob, _ci.SimpleCommand]]:
    """Jobs of the same workflow that run tests on the same events and do not come after *job*."""
    for other in _ci.siblings(job, pipeline):
        if other is job or other.condition or job in _ci.ancestors(other, pipeline):
            continue
        behind = (one for one in _ci.jobs_behind(other, pipeline) if not one.condition)
        test = next((test for one in behind if (test := _ci.job_runs_tests(one, pipeline)) is not None), None)
        if test is not None:
            yield other, test


# ---------------------------------------------------------------------------------------------- two workflows


def _workflow_run(workflow: facts.Workflow) -> facts.WorkflowEvent | None:
    """The event ``workflow_run`` of the workflow, where it fires when another one is through."""
    for event in workflow.events:
        if event.event == "workflow_run" and (not event.types or "completed" in event.types):
            return event
    return None


def _after_another(
    job: facts.WorkflowJob, workflow: facts.Workflow, deploy: _ci.Deploy, pipeline: Pipeline
) -> Iterator[Verdict]:
    """The deployment starts when a workflow that runs tests is through."""
    event = _workflow_run(workflow)
    tested = _upstream_tests(workflow, pipeline)
    if event is None or not tested:
        return
    if any(_asks_for_outcome(one) for one in _ci.siblings(job, pipeline)):
        return
    upstream, test = tested[0]
    yield Finding(
        at=event.place,
        message=(
            f"Job {job.id!r} brings out {deploy.what} whenever the workflow {upstream.name or upstream.path!r} has "
            "completed, and nothing looks at `github.event.workflow_run.conclusion`: it does so also when the tests "
            "failed."
        ),
        because=(
            (test.place, f"{upstream.name or upstream.path} runs {_program(test)}"),
            (deploy.place, "brought out here"),
        ),
        about=("workflow-run",),
        severity=_severity(job, deploy)[0],
        lowered=_severity(job, deploy)[1],
    )


def _upstream_tests(workflow: facts.Workflow, pipeline: Pipeline) -> list[tuple[facts.Workflow, _ci.SimpleCommand]]:
    """The workflows that this one waits for and that run tests, each with a test command."""
    event = _workflow_run(workflow)
    found: list[tuple[facts.Workflow, _ci.SimpleCommand]] = []
    for name in event.workflows if event is not None else ():
        for upstream in pipeline.index(facts.Workflow, "name").get(name, ()):
            found.extend((upstream, test) for _, test in _ci.tested_jobs(upstream, pipeline))
    return found


def _asks_for_outcome(job: facts.WorkflowJob) -> bool:
    """Whether anything in the job mentions the outcome of the run that started it, or asks GitHub for it."""
    texts = [job.condition, *(step.condition for step in job.steps)]
    for step in job.steps:
        texts.append(_ci.text_of(step.run.shell) if step.run is not None else "")
        texts.extend(str(getattr(v.value, "name", "")) + _ci.text_of(v.value) for v in (*step.variables, *step.inputs))
    return job.uses != "" or any("conclusion" in text or "gh run" in text or "workflow_runs" in text for text in texts)


# ------------------------------------------------------------------------------------------------------ shared


def _tests(job: facts.WorkflowJob, workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    """Whether tests stand beside, before or within the job, or in the workflow that it waits for."""
    if _ci.on_push(workflow) is None:
        return bool(_upstream_tests(workflow, pipeline))
    if any(_ci.tests_behind(one, pipeline) is not None for one in (job, *_ci.ancestors(job, pipeline))):
        return True
    return any(True for _ in _beside(job, pipeline))


def _severity(job: facts.WorkflowJob, deploy: _ci.Deploy) -> tuple[Severity | None, str]:
    """The severity where it is lower than the check's, and why."""
    if _NOT_PRODUCTION.search(f"{job.id} {_ci.text_of(job.environment)}".lower()):
        return Severity.LOW, "what it deploys to is not production by its name"
    if deploy.image:
        return Severity.MEDIUM, "it moves an image's tag; what runs that image decides the harm"
    return None, ""


def _program(command: _ci.SimpleCommand) -> str:
    text = " ".join(command.words[:4])
    return f"`{text}`"


def _bare(condition: str) -> str:
    return condition.strip().removeprefix("${{").removesuffix("}}").strip()
