"""Workflows of GitHub."""

from __future__ import annotations

from typing import ClassVar, Final
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.images import Command, Variable
from pytest_mlbreaks.model.place import Place


class WorkflowEvent(Part, frozen=True, kw_only=True):
    """An event that starts a workflow, with its filters as written."""

    event: str
    branches: tuple[str, ...] = ()
    branches_ignore: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tags_ignore: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    paths_ignore: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    crons: tuple[str, ...] = ()
    place: Place


class WorkflowInput(Part, frozen=True, kw_only=True):
    """An input that a reusable workflow or an action declares; *default* is what holds where the caller gives none."""

    name: str
    default: Expr | None = None
    required: bool = False
    place: Place


class Workflow(Fact, frozen=True, kw_only=True):
    """A GitHub Actions workflow. Its pipeline identity is that of its `Schedule` (``github-actions:PATH``).

    *inputs* and *secrets* are what it declares for those that call it (``on.workflow_call``), *variables* its ``env``.
    """

    name: str = ""
    events: tuple[WorkflowEvent, ...] = ()
    concurrency: str = ""
    cancels: bool | None = None
    inputs: tuple[WorkflowInput, ...] = ()
    secrets: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"workflow:{self.path}"


class JobStep(Part, frozen=True, kw_only=True):
    """One step of a job: an action (*uses* with *inputs*) or a command (*run*, for the *shell* that is named: "" where
    none is). *remote* is what an action runs on another host over ssh: nothing of it is in the runner's tree."""

    index: int
    id: str = ""
    name: str = ""
    uses: str = ""
    inputs: tuple[Variable, ...] = ()
    run: Command | None = None
    remote: Command | None = None
    shell: str = ""
    variables: tuple[Variable, ...] = ()
    condition: str = ""
    continue_on_error: bool = False
    place: Place


class ContextRead(Part, frozen=True, kw_only=True):
    """An expression of a job that asks for what another job (``needs.NAME``) or another of its steps (``steps.NAME``)
    has left: *field* is what follows the name (``outputs.label``, ``result``). Or for a variable (``env.NAME``), where
    that is the whole expression.

    *key* is the job's key that it stands in (``if``, ``env``, ``outputs``, ``steps``), *step* the index of the step.
    """

    of: L["needs", "steps", "env"]
    name: str
    field: str = ""
    key: str
    step: int | None = None
    place: Place


GITHUB_CONTEXTS: Final = (
    *("github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs", "inputs"),
)
"""The contexts of an expression: https://docs.github.com/en/actions/reference/workflows-and-actions/contexts"""


class Misread(Part, frozen=True, kw_only=True):
    """What GitHub reads otherwise than it is written. A *number*: the version *text* of the input, variable or
    dimension *name* that stands without quotes, and loses its last zero. A *name*: the expression *text* begins a term
    with *name*, which is no context, no function and no value of the language. A *place*: the condition *text* asks for
    the context *name*, which conditions do not have there."""

    kind: L["number", "name", "place"]
    name: str
    text: str
    place: Place


class CompositeAction(Fact, frozen=True, kw_only=True):
    """An action of the tree that is made of steps (``runs.using: composite``)."""

    called: ClassVar[str] = "composite action"

    inputs: tuple[WorkflowInput, ...] = ()
    outputs: tuple[str, ...] = ()
    steps: tuple[JobStep, ...] = ()

    @property
    def identity(self) -> str:
        return f"action:{self.path}"


class WorkflowJob(Fact, frozen=True, kw_only=True):
    """A job of a GitHub workflow, in the tool's own terms. The `Step` of the same identity is its common face."""

    workflow: str  # identity of the Workflow
    step: str  # identity of the Step
    id: str
    name: str = ""
    needs: tuple[str, ...] = ()
    condition: str = ""
    environment: Expr | None = None
    uses: str = ""  # a reusable workflow
    inputs: tuple[Variable, ...] = ()
    matrix: tuple[str, ...] = ()  # the names of its dimensions
    concurrency: str = ""
    cancels: bool | None = None
    continue_on_error: bool = False
    contents: str = ""  # what its token may do with the repository's files: write, read, none; "" where no file says so
    steps: tuple[JobStep, ...] = ()
    reads: tuple[ContextRead, ...] = ()
    outputs: tuple[Variable, ...] = ()
    values: tuple[Variable, ...] = ()  # those of the matrix's dimensions, one for each value that is written out
    secrets: tuple[str, ...] = ()  # names that it passes to a reusable workflow; "*" where all (``inherit``)
    misread: tuple[Misread, ...] = ()

    called: ClassVar[str] = "workflow job"

    @property
    def identity(self) -> str:
        return f"job:{self.workflow}/{self.id}"
