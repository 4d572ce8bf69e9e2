"""What a job's run brings out, and on which events: shared by the checks of deployments and of unmerged changes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from mlbreaks_checks import _ci, _missing_files
from pytest_mlbreaks.api import JobRun, Pipeline, Place, conditions, expr, facts, references

_WRITES_MAIN = re.compile(r"^git\s+push\b.*?[\s:/](?:main|master)\s*$")
_APPLIES = re.compile(
    r"^(?:terraform|tofu|terragrunt)\s+(?:-\S+\s+)*apply\b|^pulumi\s+up\b|^aws\s+cloudformation\s+deploy\b"
)
_STARTS = re.compile(r"^docker(?:-compose|\s+compose)?\s.*?\b(?:run|up)\s.*?(?:-d\b|--detach\b|--restart)")
"""Starts a container that outlives the job, on a machine of the owner's."""
_RESTARTS = re.compile(r"^(?:kubectl|oc)\s+(?:-\S+\s+)*(?:patch|rollout)\b")
"""Changes what is there, and fails where nothing is there yet: brings no code of its own."""
_MOVING = frozenset({"latest", "main", "master", "stable", "prod", "production", "live"})
"""Tags that name no build but whatever is current."""

_AFTER_A_FAILURE = re.compile(r"\b(?:always|failure|cancelled)\s*\(")
"""In an ``if``: what runs though something before it has failed.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#status-check-functions
"""

OTHER_BRANCH = conditions.Occasion("push", "refs/heads/some-other-branch")
"""A push to a branch that has not been merged."""
PULL_REQUEST = conditions.Occasion("pull_request", "refs/pull/1/merge")
"""A pull request: its ``github.ref`` is that of the merge that GitHub tries, never a branch's.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request
"""


@dataclasses.dataclass(frozen=True)
class Brought:
    """What a step of a run brings out: *kind* says whether it deploys code, only restarts or patches what runs, applies
    infrastructure, moves the tag of an image, or writes to the default branch; *step* is the one that does.
    *image* is the reference of an image. *remote*: another host does it, and takes what it finds there or in the
    repository at that moment, unless `brings_own_commit`."""

    kind: str  # deploy, restart, infrastructure, image, commit
    what: str
    place: Place
    step: facts.JobStep
    image: str = ""
    remote: bool = False


def started_by(run: JobRun) -> str:
    """The path of the workflow whose events start the run: a key of an index."""
    return run.workflow.path


def brings(run: JobRun, pipeline: Pipeline) -> list[Brought]:
    """What the run brings out, in order; nothing where it works on a cluster of its own, or fails before it."""
    if _ci.works_locally(run.steps):
        return []
    found: list[Brought] = []
    on_own_machine = is_self_hosted(run, pipeline)
    for step in run.steps:
        action = step.uses.partition("@")[0].lower()
        if action in _ci.DEPLOY_ACTIONS:
            found.append(Brought("deploy", action, step.place, step))
        for command in _ci.commands(step):
            kind = _kind(command) or ("deploy" if on_own_machine and _STARTS.match(command.text) else "")
            if kind:
                found.append(Brought(kind, f"`{_short(command)}`", command.place, step))
        there = _ci.deployed_over_ssh(step)
        if there is not None:
            found.append(Brought("deploy", _ci.said_of(there[1]), there[1].place, step, remote=True))
    found.extend(_moved_images(run, pipeline))
    return _come_to(run, found, pipeline) if found else found


def _come_to(run: JobRun, found: list[Brought], pipeline: Pipeline) -> list[Brought]:
    """Those of *found* that the run can come to: not behind a step of the job, or of one that it waits for, that fails
    each time, as it names a file that is not there."""
    before = (job for job in _ci.ancestors(run.job, pipeline) if not job.continue_on_error)
    if not _AFTER_A_FAILURE.search(run.job.condition) and any(
        _fails(one) for job in before for one in _missing_files.lacking(job, pipeline)
    ):
        return []
    ends = min((one.index for one in _missing_files.lacking(run.job, pipeline) if _fails(one)), default=None)
    if ends is None:
        return found
    behind = [step for step in run.job.steps[ends:] if not _AFTER_A_FAILURE.search(step.condition)]
    return [one for one in found if one.step not in behind]


def _fails(one: _missing_files.Lacking) -> bool:
    return one.always and not one.doubt


def is_self_hosted(run: JobRun, pipeline: Pipeline) -> bool:
    """Whether the job's runner is a machine of the owner's, which keeps what a job leaves running."""
    step = pipeline.one(facts.Step, run.job.step)
    runner = step.setting("runs-on") if step is not None else None
    return runner is not None and "self-hosted" in _ci.text_of(runner.value)


def _kind(command: _ci.SimpleCommand) -> str:
    if _ci.deploys_by_itself(command):
        return "restart" if _RESTARTS.match(command.text) else "deploy"
    if _APPLIES.match(command.text):
        return "infrastructure"
    return "commit" if _WRITES_MAIN.match(command.text) else ""


def _short(command: _ci.SimpleCommand) -> str:
    """A command's first words, without options and what is worked out when it runs."""
    words = [word for word in command.words[:4] if not word.startswith("-") and "{*}" not in word and "$" not in word]
    return " ".join(words)


def _moved_images(run: JobRun, pipeline: Pipeline) -> Iterator[Brought]:
    for build in pipeline.index(facts.ImageBuild, "owner").get(run.job.step, ()):
        step = _step_at(run, build.place)
        if step is None or build.pushes is False or (build.pushes is None and build.builder != "github-actions"):
            continue
        for image in build.images:
            text = pipeline.pattern(with_variables(image, run, step, pipeline))
            name = references.split_reference(text)
            if not name.digest and (name.tag in _MOVING or (not name.tag and not text.endswith("{*}"))):
                shown = f"{name.repository.rpartition('/')[2]}:{name.tag or 'latest'}".replace("{*}", "...")
                yield Brought("image", f"the image {shown}", build.place, step, text)
                break


def with_variables(written: expr.Expr, run: JobRun, step: facts.JobStep, pipeline: Pipeline) -> expr.Expr:
    """The expression with the variables that the step, its job and its workflow set put in."""
    whole = pipeline.one(facts.Step, run.job.step)
    variables = {one.name: one.value for one in (*(whole.variables if whole is not None else ()), *step.variables)}
    return _filled(written, variables)


def _filled(written: expr.Expr, variables: Mapping[str, expr.Expr]) -> expr.Expr:
    if isinstance(written, expr.EnvVar):
        return variables.get(written.key, written)
    if isinstance(written, expr.Concat):
        return expr.Concat(tuple(_filled(part, variables) for part in written.parts))
    return written


def _step_at(run: JobRun, place: Place) -> facts.JobStep | None:
    """The step of the run in which a build stands."""
    best = None
    for step in run.steps:
        if step.place.path == place.path and (step.place.line or 0) <= (place.line or 0):
            best = step
    return best


def happens(run: JobRun, brought: Brought, occasion: conditions.Occasion) -> bool | None:
    """Whether the run does that on *occasion*, as far as conditions tell; None where they don't."""
    texts = [*run.conditions, brought.step.condition]
    if brought.kind == "image" and brought.step.uses:
        texts.extend(_push_input(brought.step))
    answers = [conditions.holds(text, occasion) for text in texts]
    if False in answers:
        return False
    return None if None in answers else True


def _push_input(step: facts.JobStep) -> Iterator[str]:
    """The ``push`` of docker/build-push-action as a condition."""
    for given in step.inputs:
        if given.name.lower() == "push":
            if isinstance(given.value, expr.Context):
                yield given.value.name
            elif not isinstance(given.value, expr.Literal):
                yield "vars.unknown"


def ancestors_run(run: JobRun, pipeline: Pipeline, occasion: conditions.Occasion) -> bool | None:
    """Whether the jobs that the run's job needs run on *occasion*: one that does not keeps it from running."""
    if run.callers:
        return None if any(caller.needs for caller in run.callers) else True
    if re.search(r"\balways\(\)|!\s*cancelled\(\)", run.job.condition):
        return True
    answers = [conditions.holds(one.condition, occasion) for one in _ci.ancestors(run.job, pipeline)]
    if False in answers:
        return False
    return None if None in answers else True


def looks_at_branch(run: JobRun, brought: Brought) -> bool:
    """Whether something asks which event or branch it is on: the step itself where it moves a tag that is written out,
    else any step of the run."""
    steps = (brought.step,) if brought.kind == "image" else run.steps
    scripts = [_ci.text_of(step.run.shell) for step in steps if step.run is not None]
    return any(map(_ASKS.search, scripts)) or any(_ASKED.search(one.name) for step in steps for one in _contexts(step))


def brings_own_commit(brought: Brought) -> bool:
    """Whether what is brought out is the commit that the run is of: another host that pulls takes the newest one of the
    branch, unless the step tells it which."""
    return not brought.remote or names_own_commit(brought.step)


def names_own_commit(step: facts.JobStep) -> bool:
    """Whether the step's script or inputs name the commit or ref of the run."""
    return any(_OWN_COMMIT.match(one.name) for one in _contexts(step))


_OWN_COMMIT = re.compile(r"github\.(?:sha|ref|ref_name|head_ref|event\.(?:after|pull_request\.head))\b")
_ASKS = re.compile(r"GITHUB_(?:EVENT_NAME|REF\b|REF_NAME|HEAD_REF|BASE_REF)|CI_BRANCH|git\s+rev-parse\s+--abbrev-ref")
_ASKED = re.compile(r"github\.(?:ref|ref_name|head_ref|base_ref|event_name|event\.number|event\.pull_request)\b")


def _contexts(step: facts.JobStep) -> Iterator[expr.Context]:
    """What the step's script, variables and inputs ask of GitHub."""
    pending: list[expr.Expr | None] = [one.value for one in (*step.variables, *step.inputs)]
    if step.run is not None:
        pending.append(step.run.shell)
    while pending:
        one = pending.pop()
        if isinstance(one, expr.Context):
            yield one
        elif isinstance(one, expr.Concat):
            pending.extend(one.parts)
        elif isinstance(one, expr.Choice):
            pending.extend(one.options)


def event(run: JobRun, *names: str) -> facts.WorkflowEvent | None:
    """The event of one of these names that starts the run's workflow."""
    return next((one for one in run.workflow.events if one.event in names), None)


def takes_branch(one: facts.WorkflowEvent, branch: str) -> bool:
    """Whether a push to *branch* starts the workflow.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onpushbranchestagsbranches-ignoretags-ignore
    """
    if one.branches:
        return conditions.matches(one.branches, branch)
    if one.branches_ignore:
        return not conditions.matches(one.branches_ignore, branch)
    return not (one.tags or one.tags_ignore)
