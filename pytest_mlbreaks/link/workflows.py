"""Jobs of GitHub workflows as they run: reusable workflows and composite actions of the tree followed, their inputs
filled in.

Rules: https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows and
https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#runs-for-composite-actions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from pytest_mlbreaks.conditions import bare
from pytest_mlbreaks.model import JobRun, Pipeline, Place
from pytest_mlbreaks.model.expr import Choice, Concat, Context, Expr, Literal
from pytest_mlbreaks.model.facts import (
    Command,
    CompositeAction,
    JobStep,
    Variable,
    Workflow,
    WorkflowInput,
    WorkflowJob,
)
from pytest_mlbreaks.slots import join

DEEPEST = 10
"""How many calls may lie in each other: what GitHub allows for workflows, and for composite actions."""

MOST_RUNS = 1_000
"""Jobs that the workflows of a tree come to, at most; the rest is not followed."""

_INPUT = re.compile(r"\binputs\.([A-Za-z_][\w-]*)", re.IGNORECASE)


def job_runs(pipeline: Pipeline) -> list[JobRun]:
    """Each job of each workflow that an event starts, by way of every caller."""
    found: list[JobRun] = []
    for workflow in pipeline.all(Workflow):
        if any(event.event != "workflow_call" for event in workflow.events):
            for run in _Runs(pipeline, workflow).of(workflow, (), {}, (), ()):
                if len(found) == MOST_RUNS:
                    return found
                found.append(run)
    return found


class _Runs:
    """The runs that one workflow comes to."""

    def __init__(self, pipeline: Pipeline, started: Workflow) -> None:
        self.pipeline = pipeline
        self.started = started

    def of(
        self,
        workflow: Workflow,
        callers: tuple[WorkflowJob, ...],
        inputs: Mapping[str, Expr],
        conditions: tuple[str, ...],
        groups: tuple[str, ...],
    ) -> Iterator[JobRun]:
        """The runs of the jobs of *workflow*, called by *callers* with *inputs*."""
        inner_groups = (*groups, workflow.concurrency) if workflow.concurrency else groups
        for job in self.pipeline.index(WorkflowJob, "workflow").get(workflow.identity, ()):
            values = {**inputs, **_matrix(job)}
            own = _filled_text(job.condition, values)
            run_conditions = (*conditions, own) if own else conditions
            run_groups = (*inner_groups, job.concurrency) if job.concurrency else inner_groups
            called = self._called(job) if len(callers) < DEEPEST else None
            if called is not None:
                given = _given(called.inputs, job.inputs, values)
                yield from self.of(called, (*callers, job), given, run_conditions, run_groups)
                continue
            expander = _Expander(self.pipeline)
            steps = tuple(expander.expand(job.steps, values))
            unread = expander.unread
            if job.uses:
                unread.append((job.place, "a workflow of another repository is not read"))
                if job.uses.startswith("./"):
                    unread[-1] = (job.place, "a workflow that it calls can't be read")
            yield JobRun(
                workflow=self.started,
                job=job,
                callers=callers,
                steps=steps,
                inputs=inputs,
                conditions=run_conditions,
                groups=run_groups,
                environment=_filled(job.environment, values) if job.environment is not None else None,
                unread=tuple(unread),
            )

    def _called(self, job: WorkflowJob) -> Workflow | None:
        if not job.uses.startswith("./"):
            return None
        return self.pipeline.one(Workflow, f"workflow:{job.uses[2:]}")


class _Expander:
    """The steps of a job with composite actions of the tree laid open; *unread* gathers what can't be."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.unread: list[tuple[Place, str]] = []

    def expand(self, steps: tuple[JobStep, ...], values: Mapping[str, Expr], depth: int = 0) -> Iterator[JobStep]:
        """Each step with *values* for its inputs and its matrix."""
        for step in steps:
            filled = _filled_step(step, values)
            if not step.uses.startswith("./"):
                yield filled
                continue
            action = self._action(step.uses)
            if action is None or depth == DEEPEST:
                self.unread.append((step.place, "an action of the tree can't be followed"))
                yield filled
                continue
            given = _given(action.inputs, step.inputs, values)
            for inner in self.expand(action.steps, given, depth + 1):
                yield msgspec.structs.replace(
                    inner,
                    condition=_both(filled.condition, inner.condition),
                    continue_on_error=filled.continue_on_error or inner.continue_on_error,
                    variables=(*filled.variables, *inner.variables),
                )

    def _action(self, uses: str) -> CompositeAction | None:
        folder = uses.removeprefix("./").strip("/")
        prefix = f"{folder}/" if folder else ""
        for name in ("action.yml", "action.yaml"):
            action = self.pipeline.one(CompositeAction, f"action:{prefix}{name}")
            if action is not None:
                return action
        return None


# ---------------------------------------------------------------------------------------------------- filling in


def _given(
    declared: tuple[WorkflowInput, ...], given: tuple[Variable, ...], values: Mapping[str, Expr]
) -> dict[str, Expr]:
    """What each declared input is, under the name by which it is asked for: given, by default, or empty."""
    by_name = {variable.name.lower(): _filled(variable.value, values) for variable in given}
    return {
        f"inputs.{declared_one.name.lower()}": by_name.get(
            declared_one.name.lower(), declared_one.default or Literal("")
        )
        for declared_one in declared
    }


def _matrix(job: WorkflowJob) -> dict[str, Expr]:
    """The dimensions of the job's matrix that have their values written out."""
    options: dict[str, list[Expr]] = {}
    for value in job.values:
        known = options.setdefault(f"matrix.{value.name.lower()}", [])
        if value.value not in known:
            known.append(value.value)
    return {name: known[0] if len(known) == 1 else Choice(tuple(known)) for name, known in options.items()}


def _filled(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """The expression with what is known of ``inputs`` and ``matrix`` put in."""
    if not values:
        return expr
    match expr:
        case Context(tool="github", name=name):
            return values.get(name.lower(), expr)
        case Concat(parts=parts):
            return join([_filled(part, values) for part in parts])
        case Choice(options=options):
            return Choice(tuple(_filled(option, values) for option in options))
    return expr


def _filled_text(condition: str, values: Mapping[str, Expr]) -> str:
    """A condition with the inputs that are literals put in as texts."""
    if "inputs." not in condition.lower():
        return condition

    def put(match: re.Match[str]) -> str:
        value = values.get(f"inputs.{match[1].lower()}")
        if not isinstance(value, Literal):
            return match[0]
        text = str(value.value)
        return text if text in ("true", "false") else "'" + text.replace("'", "''") + "'"

    return _INPUT.sub(put, condition)


def _filled_step(step: JobStep, values: Mapping[str, Expr]) -> JobStep:
    if not values:
        return step
    return msgspec.structs.replace(
        step,
        inputs=_filled_variables(step.inputs, values),
        variables=_filled_variables(step.variables, values),
        run=_filled_command(step.run, values) if step.run is not None else None,
        remote=_filled_command(step.remote, values) if step.remote is not None else None,
        condition=_filled_text(step.condition, values),
    )


def _filled_variables(variables: tuple[Variable, ...], values: Mapping[str, Expr]) -> tuple[Variable, ...]:
    return tuple(msgspec.structs.replace(one, value=_filled(one.value, values)) for one in variables)


def _filled_command(command: Command, values: Mapping[str, Expr]) -> Command:
    return msgspec.structs.replace(
        command,
        shell=_filled(command.shell, values) if command.shell is not None else None,
        argv=tuple(_filled(word, values) for word in command.argv) if command.argv is not None else None,
        workdir=_filled(command.workdir, values) if command.workdir is not None else None,
    )


def _both(outer: str, inner: str) -> str:
    """The condition that holds where both do."""
    if not outer or not inner:
        return outer or inner
    return f"({bare(outer)}) && ({bare(inner)})"
