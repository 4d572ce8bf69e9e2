"""Steps, their order, and what starts them."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.images import Command, Variable
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.place import Place


class Callee(Part, frozen=True, kw_only=True):
    """A Python function that a step runs: *name* as seen from *path* (a decorated function, ``python_callable=``)."""

    path: str
    name: str


class Step(Fact, frozen=True, kw_only=True):
    """One schedulable unit of an orchestrator: an Airflow task, a job of a workflow.

    *pipeline* is the identity of its `Schedule`. *operator* is the class, decorator or action that runs it.
    *settings* are its other arguments by name, as expressions. Whether all edges of its pipeline could be told is said
    by the `Schedule`. *returns* is what the function of a branching task returns, one for each ``return`` with a value.
    *prints*: all that the task's function does, which stands in the same file, is to print or log.
    """

    orchestrator: str
    pipeline: str
    name: str
    operator: str = ""
    callee: Callee | None = None
    commands: tuple[Command, ...] = ()
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    trigger_rule: str = ""
    returns: tuple[Expr, ...] = ()
    mapped: bool = False
    group: str = ""
    prints: bool = False

    @property
    def identity(self) -> str:
        return f"{self.pipeline}/{self.name}"

    def setting(self, name: str) -> Argument | None:
        """The argument given under *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class Edge(Fact, frozen=True, kw_only=True):
    """*after* runs after *before* (identities of steps)."""

    before: str
    after: str

    @property
    def identity(self) -> str:
        return f"edge:{self.before}->{self.after}"


class Schedule(Fact, frozen=True, kw_only=True):
    """What starts a pipeline: an Airflow DAG, a GitHub workflow. *when* is its cron, preset, timetable or None, and
    *when_place* where that stands, if it is not where the pipeline begins.

    *complete* is false where tasks or edges could not all be told (factories, loops over what is not known);
    *reason* then says why.
    """

    orchestrator: str
    name: str
    scope: str = ""  # the file, where names are unique only within one
    when: Expr | None = None
    when_place: Place | None = None
    settings: tuple[Argument, ...] = ()
    complete: bool = True
    reason: str = ""

    @property
    def identity(self) -> str:
        return f"{self.orchestrator}:{self.scope}#{self.name}" if self.scope else f"{self.orchestrator}:{self.name}"

    def setting(self, name: str) -> Argument | None:
        """The argument given under *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class Wait(Fact, frozen=True, kw_only=True):
    """A step that waits for another pipeline: *target_pipeline* and *target_step* name it as written."""

    called: ClassVar[str] = "sensor that waits for another pipeline"

    step: str
    target_pipeline: Expr
    target_step: Expr | None = None
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"wait:{self.step}"


class Trigger(Fact, frozen=True, kw_only=True):
    """A step that starts another pipeline; *waits* is true where it also waits for it to finish."""

    step: str
    target_pipeline: Expr
    waits: bool = False

    @property
    def identity(self) -> str:
        return f"trigger:{self.step}"


class ParsedVariable(Fact, frozen=True, kw_only=True):
    """A variable of Airflow that a file of DAGs gets while it is parsed: on the level of the module, or in the function
    of a ``@dag``. *default*: what is taken where it is not set stands beside it, or an error is caught."""

    called: ClassVar[str] = "variable of Airflow that is read at each parse"

    key: Expr
    default: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"parsed-variable:{self.path}#{self.scope}:{render(self.key)}"
