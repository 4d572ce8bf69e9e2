"""A deployment does not wait for the tests, or goes on when they fail.

Jobs of a workflow run side by side unless ``needs`` orders them; ``always()`` runs a job although what it needs failed;
``workflow_run`` fires whatever the outcome was; and a test command behind ``|| true`` never fails at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")

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
    gates = [(one, test) for one in needed if (test := _ci.job_runs_tests(one)) is not None]
    own = _own_tests(job, deploy)
    if gates or own is not None:
        yield from _gated(job, deploy, gates, own)
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
    toothless = [(place, how) for one, _ in gates for place, how, fails in _test_runs(one) if not fails]
    biting = [place for one, _ in gates for place, _, fails in _test_runs(one) if fails]
    for place, how, fails in _test_runs(job) if own is not None else ():
        if fails:
            biting.append(place)
        else:
            toothless.append((place, how))
    if toothless and not biting:
        place, how = toothless[0]
        yield Finding(
            at=place,
            message=(
                f"The tests that stand before job {job.id!r} can't stop it: {how}, so that {deploy.what} is brought "
                "out when they fail."
            ),
            because=((deploy.place, f"{job.id} brings out {deploy.what}"),),
            about=("cannot-fail",),
            severity=_severity(job, deploy)[0],
            lowered=_severity(job, deploy)[1],
        )


def _test_runs(job: facts.WorkflowJob) -> Iterator[tuple[Place, str, bool]]:
    """Each test command of the job: where, why its failure counts for nothing, and whether it does count."""
    for step in job.steps:
        forgiving = False
        for command in _ci.commands(step):
            if command.words[0] == "set" and "+e" in command.words[1:]:
                forgiving = True
            if not (_ci.runs_tests(command) or _ci.may_run_tests(command)):
                continue
            if command.swallowed:
                yield command.place, "what follows `||` in its command line makes a failure a success", False
            elif step.continue_on_error:
                yield command.place, "its step has `continue-on-error: true`", False
            elif job.continue_on_error:
                yield command.place, f"job {job.id} has `continue-on-error: true`", False
            else:
                yield command.place, "", not forgiving


def _own_tests(job: facts.WorkflowJob, deploy: _ci.Deploy) -> _ci.SimpleCommand | None:
    """A test command of the deploying job itself, before it deploys."""
    for step in job.steps:
        if (step.place.line or 0) > (deploy.place.line or 0):
            return None
        for command in _ci.commands(step):
            if _ci.runs_tests(command):
                return command
    return None


def _beside(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[tuple[facts.WorkflowJob, _ci.SimpleCommand]]:
    """Jobs of the same workflow that run tests on the same events and do not come after *job*."""
    for other in pipeline.index(facts.WorkflowJob, _ci.tested_workflow).get(job.workflow, ()):
        if other is job or other.condition or job in _ci.ancestors(other, pipeline):
            continue
        test = _ci.job_runs_tests(other)
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
            for job in pipeline.index(facts.WorkflowJob, _ci.tested_workflow).get(upstream.identity, ()):
                test = _ci.job_runs_tests(job)
                if test is not None:
                    found.append((upstream, test))
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
    if any(_ci.job_runs_tests(one) is not None for one in (job, *_ci.ancestors(job, pipeline))):
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
