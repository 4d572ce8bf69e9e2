"""Flows that are written as Python code."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.images import Variable
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.place import Place


class FlowStep(Part, frozen=True, kw_only=True):
    """A step of a Metaflow class: *next* are the steps that its last statement (``self.next(...)``) names.

    *split* is how it goes on: one after the other, to all of them, once for each element (``foreach``), or to the one
    that a value decides (``switch``). *joins*: it takes the results of several (``def join(self, inputs)``).
    *told* is false where its last statement is no ``self.next`` that Metaflow could read. *begins* and *ends* as said
    in ``@step(start=True)``, apart from its name.
    """

    name: str
    next: tuple[str, ...] = ()
    split: L["linear", "branch", "foreach", "switch"] = "linear"
    joins: bool = False
    told: bool = True
    begins: bool = False
    ends: bool = False
    operator: str = ""
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    place: Place
    next_place: Place | None = None


class FlowClass(Fact, frozen=True, kw_only=True):
    """A class of Metaflow code that is a flow, or from which flows may inherit steps. Link makes their steps of it.

    *flow*: it is derived from ``FlowSpec`` itself; *bases* are its other bases as written ("" where one is computed).
    *plain* are its methods that are no steps. *awaits* name the flows whose end starts this one.
    """

    called: ClassVar[str] = "class of a Metaflow flow"

    name: str
    flow: bool = False
    bases: tuple[str, ...] = ()
    steps: tuple[FlowStep, ...] = ()
    plain: tuple[str, ...] = ()
    when: Expr | None = None
    awaits: tuple[Expr, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-class:{self.path}#{self.name}"


class FlowTask(Fact, frozen=True, kw_only=True):
    """A function that a decorator of Prefect, Flyte or ZenML makes a task or a flow. *name* is the Python name it is
    known by, *function* the function's own, *title* the name that the tool shows. *asynchronous*: a call of it only
    begins where it is awaited."""

    called: ClassVar[str] = "task or flow"

    orchestrator: L["prefect", "flyte", "zenml"]
    kind: L["task", "flow"]
    name: str
    function: str = ""
    title: str = ""
    operator: str = ""
    asynchronous: bool = False
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-task:{self.path}#{self.name}"


class FlowNode(Part, frozen=True, kw_only=True):
    """A call in a flow that may be one of a task or a flow: *callee* as seen from the flow's file.

    *sure*: it can be nothing else; *submitted*: it is written as only calls of tasks are. *after* are the calls, by
    their place in `FlowCode.nodes`, that are done before it begins, not those that are so because of others. *title* is
    a name that the call itself gives. *mapped*: it stands in a loop, or is mapped over elements. *sometimes*: only some
    runs come to it. *starts* is the pipeline that it starts by name, and *waits* whether it waits for that. *awaits*
    are names of steps that it is told to wait for.
    """

    callee: str
    operator: str = ""
    sure: bool = False
    submitted: bool = False
    title: str = ""
    after: tuple[int, ...] = ()
    awaits: tuple[str, ...] = ()
    mapped: bool = False
    sometimes: bool = False
    starts: Expr | None = None
    waits: bool = True
    settings: tuple[Argument, ...] = ()
    place: Place


class FlowCode(Fact, frozen=True, kw_only=True):
    """What the function of a flow (Prefect), workflow (Flyte) or pipeline (ZenML) calls. Link makes steps of those that
    are of tasks. *doubts* are why the calls could not all be told. *name* is the function's, *title* the flow's."""

    called: ClassVar[str] = "code of a flow"

    orchestrator: L["prefect", "flyte", "zenml"]
    name: str
    title: str
    nodes: tuple[FlowNode, ...] = ()
    doubts: tuple[str, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-code:{self.path}#{self.name}"


class FlowDeployment(Fact, frozen=True, kw_only=True):
    """A flow that is given to a server to be run there: a deployment of Prefect, a launch plan of Flyte, what ZenML has
    with a schedule.

    Its flow is *flow*, a name as seen from this file, or the function *function* of the file *entry*, a path of the
    tree. *when* are its schedules.
    """

    called: ClassVar[str] = "deployment of a flow"

    orchestrator: L["prefect", "flyte", "zenml"]
    name: str
    flow: str = ""
    entry: Expr | None = None
    function: str = ""
    when: Expr | None = None
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-deployment:{self.path}#{self.name}"
