"""What a name in a file of Kubeflow Pipelines can hold while a pipeline function is followed."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pytest_mlbreaks.formats.python import Scope
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import KfpComponent

UNKNOWN = Unknown("not known")


@dataclasses.dataclass(slots=True, eq=False)
class Frame:
    """The names of a module or of one call of a function. *results* are what its returns gave."""

    scope: Scope
    parent: Frame | None = None
    names: dict[str, Value] = dataclasses.field(default_factory=dict)
    results: list[Value] = dataclasses.field(default_factory=list)

    def find(self, name: str) -> Value | None:
        """What *name* holds here, or None where it is not bound."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return None


@dataclasses.dataclass(slots=True, frozen=True)
class Ref:
    """Something imported, or a builtin: its qualified name, and how this file writes it."""

    name: str
    written: str

    @property
    def last(self) -> str:
        """The last part of its name."""
        return self.name.rpartition(".")[2]

    @property
    def root(self) -> str:
        """The first part of its name, "" where it is relative."""
        return self.name.partition(".")[0]


@dataclasses.dataclass(slots=True, eq=False)
class Func:
    """A function of the file, or a lambda (*node* has then no body of statements)."""

    node: Any  # ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame
    qualname: str


@dataclasses.dataclass(slots=True, eq=False)
class Items:
    """A list, tuple or set; *partial* where there may be more in it."""

    items: list[Value]
    partial: bool = False


@dataclasses.dataclass(slots=True, eq=False)
class Dict:
    """A mapping; keys that are no literal are left out, and make it *partial*."""

    entries: dict[object, Value]
    partial: bool = False


@dataclasses.dataclass(slots=True, frozen=True)
class Arg:
    """A keyword argument: what it holds, and the node that says so."""

    value: Value
    node: ast.expr


@dataclasses.dataclass(slots=True, eq=False)
class Bound:
    """``functools.partial``, or a decorator with its arguments: what is called, with arguments given already."""

    target: Ref
    kwargs: dict[str, Arg]


@dataclasses.dataclass(slots=True, eq=False)
class Component:
    """What makes a task when called. Either *fact* (made in this file), *file* (a component file), *definition* (a
    pipeline function of this file), or *ref* (imported; *sure* is false where it may be no component at all)."""

    name: str = ""
    fact: KfpComponent | None = None
    file: Expr | None = None
    definition: Func | None = None
    ref: Ref | None = None
    sure: bool = True


@dataclasses.dataclass(slots=True, eq=False)
class Group:
    """The pipeline itself (*parent* is None), or a condition, loop or exit handler. *sources* are what its condition or
    its items come from."""

    kind: str
    name: str
    parent: Group | None
    sources: tuple[Node, ...] = ()
    groups: list[Group] = dataclasses.field(default_factory=list)
    exit_task: Task | None = None


@dataclasses.dataclass(slots=True, eq=False)
class Task:
    """A task. *sources* are what it comes after."""

    key: str
    component: Component
    parent: Group
    node: ast.AST
    sources: dict[int, Node] = dataclasses.field(default_factory=dict)
    arguments: dict[str, Arg] = dataclasses.field(default_factory=dict)
    variables: list[tuple[str, Arg]] = dataclasses.field(default_factory=list)
    settings: list[tuple[str, Arg]] = dataclasses.field(default_factory=list)
    image: Arg | None = None
    trigger_rule: str = ""
    used: bool = False  # something was asked of it that only a task has

    def follow(self, nodes: Iterable[Node]) -> None:
        """Note that it comes after *nodes*."""
        for node in nodes:
            if node is not self:
                self.sources[id(node)] = node


Node = Task | Group


@dataclasses.dataclass(slots=True, eq=False)
class Channel:
    """What is known only when the pipeline runs: outputs of tasks, parameters of the pipeline, what is made of them."""

    nodes: tuple[Node, ...] = ()


Value = Expr | Ref | Func | Items | Dict | Bound | Component | Group | Task | Channel


def nodes_of(value: Value) -> Iterator[Node]:
    """The tasks and groups that *value* is made of, wherever they stand in it."""
    for part in _parts(value):
        if isinstance(part, Channel):
            yield from part.nodes
        elif isinstance(part, (Task, Group)):
            yield part


def holds_channel(value: Value) -> bool:
    """Whether *value* is, or holds, something that is known only when the pipeline runs."""
    return any(isinstance(part, (Channel, Task)) for part in _parts(value))


def _parts(value: Value) -> Iterator[Value]:
    """*value* and everything in it, each list and mapping once."""
    if not isinstance(value, (Items, Dict)):
        yield value
        return
    pending: list[Value] = [value]
    seen: set[int] = set()
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, (Items, Dict)) and id(part) not in seen:
            seen.add(id(part))
            inner = part.items if isinstance(part, Items) else list(part.entries.values())
            pending += reversed(inner)


def merged(values: Iterable[Value]) -> Channel:
    """One channel of all that *values* are made of."""
    unique = {id(node): node for value in values for node in nodes_of(value)}
    return Channel(tuple(unique.values()))


def text_of(value: Value | None) -> str:
    """The text that *value* is; "" for everything else."""
    return value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""


def plain_name(name: str) -> str:
    """A component's name as the name of a task (``maybe_rename_for_k8s`` in kfp/dsl/utils.py)."""
    return re.sub("-+", "-", re.sub("[^-0-9a-z]+", "-", name.lower())).strip("-")
