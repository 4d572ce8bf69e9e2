"""Assets, ops and jobs of Dagster."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.facts.steps import Callee
from pytest_mlbreaks.model.place import Place


class AssetInput(Part, frozen=True, kw_only=True):
    """What an asset of Dagster depends on: the asset *key*, parts joined by ``/``; or *reference*, the qualified name
    of the asset in the code; or *model*, a model of dbt. *named* is false for a parameter that may be something else
    (a resource), and that no argument ties to a key."""

    key: str = ""
    reference: str = ""
    model: str = ""
    named: bool = True
    place: Place


class DagsterAsset(Fact, frozen=True, kw_only=True):
    """An asset of Dagster. *key*: its parts joined by ``/``, ``{*}`` for one that can't be told. *variable*: what
    the module calls it. *kind*: how it is made; nothing of the tree makes one that is ``external``. *doubt*: why there
    may be more, or fewer, of it."""

    called: ClassVar[str] = "asset of Dagster"

    key: str
    kind: L["asset", "multi", "graph", "dbt", "notebook", "external"] = "asset"
    variable: str = ""
    inputs: tuple[AssetInput, ...] = ()
    group: str = ""
    callee: Callee | None = None
    settings: tuple[Argument, ...] = ()
    doubt: str = ""

    @property
    def identity(self) -> str:
        return f"asset:{self.path}#{self.variable}:{self.key}"


class DagsterArgument(Part, frozen=True, kw_only=True):
    """What a node of a graph is given: results of *nodes*, by their index, and *parameters* of the graph. *name* is
    that of the argument, its position from 0 where it has none."""

    name: str
    nodes: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()


class DagsterNode(Part, frozen=True, kw_only=True):
    """A call of an op or a graph in the body of a graph: *callee* is its qualified name, *alias* the given one."""

    callee: str
    alias: str = ""
    arguments: tuple[DagsterArgument, ...] = ()
    mapped: bool = False
    place: Place


class DagsterGraph(Fact, frozen=True, kw_only=True):
    """An op, graph or job of Dagster: *name* is the tool's, *function* the code's. *returns* are the nodes whose
    results a graph hands on. *graph*: of a job that is made of a graph (``to_job``), that graph's
    qualified name. *doubt*: why not all of its nodes could be told."""

    called: ClassVar[str] = "op, graph or job of Dagster"

    kind: L["op", "graph", "job"]
    name: str
    function: str
    parameters: tuple[str, ...] = ()
    nodes: tuple[DagsterNode, ...] = ()
    returns: tuple[int, ...] = ()
    graph: str = ""
    settings: tuple[Argument, ...] = ()
    doubt: str = ""

    @property
    def identity(self) -> str:
        return f"{self.kind}:{self.path}#{self.function}:{self.name}"


class DagsterSource(Part, frozen=True, kw_only=True):
    """Where definitions of Dagster come from: a *name* of the code, *modules*, a *package* with all below it, or a
    *folder* of the tree; *unknown* where that is computed. *prefix* is put before the keys of its assets."""

    kind: L["name", "modules", "package", "folder", "unknown"]
    names: tuple[str, ...] = ()
    prefix: str = ""
    place: Place


class DagsterDefinitions(Fact, frozen=True, kw_only=True):
    """The definitions that a module makes for Dagster (``Definitions``, ``@repository``), or a list of assets that it
    loads, under *variable*. *root* is false for such a list."""

    called: ClassVar[str] = "definitions of Dagster"

    variable: str = ""
    sources: tuple[DagsterSource, ...] = ()
    root: bool = True

    @property
    def identity(self) -> str:
        return f"definitions:{self.path}#{self.variable}"


class DagsterTimer(Fact, frozen=True, kw_only=True):
    """A schedule of Dagster, which starts a *job*: its name, or the qualified name of it in the code. *cron* as
    written."""

    called: ClassVar[str] = "schedule of Dagster"

    job: str
    cron: Expr
    variable: str = ""

    @property
    def identity(self) -> str:
        return f"timer:{self.path}#{self.variable}:{self.job}"
