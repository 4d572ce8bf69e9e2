"""Pipelines of Kubeflow."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.images import Command, Variable
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.facts.steps import Callee
from pytest_mlbreaks.model.place import Place


class KfpComponent(Fact, frozen=True, kw_only=True):
    """What a task of Kubeflow Pipelines runs: a component function, a container, a component file.

    *name* is the name as KFP writes it in a pipeline (``train-model``). *function* is the qualified name of what makes
    it in its file, or of the name that holds it, "" for a component file; *callee* the Python function that runs,
    *commands* what a container runs. *file* is the component file that describes it, as written, where it is loaded
    from one. *packages* are requirements that are installed each time it starts (``packages_to_install``).
    """

    called: ClassVar[str] = "component of Kubeflow Pipelines"

    name: str
    function: str = ""
    operator: str = ""  # python, container, file, notebook, compiled, or the class or function that makes it
    callee: Callee | None = None
    file: Expr | None = None
    image: Expr | None = None
    commands: tuple[Command, ...] = ()
    variables: tuple[Variable, ...] = ()
    packages: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"kfp-component:{self.path}#{self.function or self.name}"


class KfpTask(Part, frozen=True, kw_only=True):
    """A task as a pipeline function makes it. *key* tells it from others of its pipeline; *name* is its component's,
    "" where another file tells it.

    What runs is *component* (a `KfpComponent` of the same file, by identity), or *source* (a name as seen from the
    file, which may be a component or pipeline of another), or *file* (a component file, as written). *sure* is false
    where *source* may as well be a function that makes no task. *groups* are the conditions, loops and exit handlers
    around it; *after* the keys of tasks, and ``group:NAME``, that it comes after.
    """

    key: str
    name: str = ""
    component: str = ""
    source: Callee | None = None
    file: Expr | None = None
    sure: bool = True
    groups: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    trigger_rule: str = ""
    mapped: bool = False
    place: Place


class KfpPipeline(Fact, frozen=True, kw_only=True):
    """A pipeline function of Kubeflow Pipelines, or a compiled pipeline (*function* is then ""). Its steps and edges
    are made by link. *doubts* say why not all of it could be told."""

    called: ClassVar[str] = "pipeline of Kubeflow Pipelines"

    name: str
    function: str = ""
    tasks: tuple[KfpTask, ...] = ()
    when: Expr | None = None
    settings: tuple[Argument, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"kfp-pipeline:{self.path}#{self.function or self.name}"
