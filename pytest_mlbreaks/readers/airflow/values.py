"""What a name in a DAG file can hold while the file is followed: tasks, groups, DAGs, and plain values as `Expr`."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from pytest_mlbreaks.formats.python import Scope
from pytest_mlbreaks.formats.python_expr import TEXT_LIMIT
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown

UNKNOWN = Unknown("not known")
SIZE_LIMIT: Final = 5000
"""Things that a collection may hold, all levels counted, to take part in anything."""
PARTS_LIMIT: Final = 60
"""Parts that a text may be put together of."""


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
class Arg:
    """An argument, or the value of a key: what it holds, and the node that says so."""

    value: Value
    node: ast.AST


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
    def airflow(self) -> bool:
        """Whether it is Airflow's own."""
        return self.name.startswith("airflow.")


@dataclasses.dataclass(slots=True, eq=False)
class Func:
    """A function of the file, or a lambda (*node* has then no body of statements)."""

    node: Any  # ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame
    qualname: str


@dataclasses.dataclass(slots=True, eq=False)
class Class:
    """A class of the file; *bases* by qualified name."""

    node: ast.ClassDef
    qualname: str
    bases: tuple[str, ...]


@dataclasses.dataclass(slots=True, eq=False)
class Items:
    """A list, tuple, set or iterator; *partial* where there may be more in it."""

    items: list[Value]
    partial: bool = False


@dataclasses.dataclass(slots=True, eq=False)
class Dict:
    """A mapping; keys that are no literal are left out, and make it *partial*."""

    entries: dict[str | int | float | bool | None, Arg]
    partial: bool = False


@dataclasses.dataclass(slots=True, eq=False)
class Bound:
    """``functools.partial``: what is called, with arguments given already."""

    target: Value
    args: list[Value]
    kwargs: dict[str, Arg]


@dataclasses.dataclass(slots=True, eq=False)
class Decorator:
    """A decorator of Airflow with its arguments (``task.docker(image="x")``); *kind* is task, group, dag or asset."""

    kind: str
    name: str
    kwargs: dict[str, Arg]
    marks: frozenset[str] = frozenset()


@dataclasses.dataclass(slots=True, eq=False)
class Definition:
    """A decorated function, which makes a task, group or DAG when called. *partial* are arguments of its calls."""

    decorator: Decorator
    target: Func | Ref
    kwargs: dict[str, Arg]
    partial: dict[str, Arg] = dataclasses.field(default_factory=dict)
    marks: frozenset[str] = frozenset()  # setup, teardown


@dataclasses.dataclass(slots=True, eq=False)
class OperatorPartial:
    """``SomeOperator.partial(...)``, before ``expand``."""

    operator: str
    kwargs: dict[str, Arg]


@dataclasses.dataclass(slots=True, eq=False)
class Dag:
    """A DAG. *doubts* say why not all of it can be told."""

    name: str
    node: ast.AST
    kwargs: dict[str, Arg]
    tasks: dict[str, Task] = dataclasses.field(default_factory=dict)
    groups: set[str] = dataclasses.field(default_factory=set)
    edges: dict[tuple[str, str], ast.AST] = dataclasses.field(default_factory=dict)
    doubts: list[str] = dataclasses.field(default_factory=list)
    repeats: dict[str, int] = dataclasses.field(default_factory=dict)  # how often an id came up again

    def doubt(self, reason: str) -> None:
        """Remember that something of it could not be told."""
        if reason not in self.doubts:
            self.doubts.append(reason)


@dataclasses.dataclass(slots=True, eq=False)
class Group:
    """A task group; *label* is its own id, *prefix* whether it stands before the ids of what is in it."""

    label: str
    dag: Dag | None
    parent: Group | None
    prefix: bool
    kwargs: dict[str, Arg]
    mapped: bool = False
    members: list[Task] = dataclasses.field(default_factory=list)
    inputs: list[Value] = dataclasses.field(default_factory=list)  # what it is expanded over

    @property
    def full(self) -> str:
        """The id with those of the groups around it."""
        return child_id(self.parent, self.label)


def child_id(group: Group | None, label: str) -> str:
    """The id of a task or group *label* in *group*."""
    return f"{group.full}.{label}" if group is not None and group.prefix else label


@dataclasses.dataclass(slots=True, eq=False)
class Task:
    """A task. *upstream* and *downstream* are its direct neighbours."""

    name: str
    operator: str
    node: ast.AST
    kwargs: dict[str, Arg]
    dag: Dag | None
    group: Group | None
    mapped: bool = False
    function: Value | None = None
    partial: bool = False  # arguments unpacked that are not known
    inherited: tuple[Dict, ...] = ()  # default_args around it, nearest first
    marks: frozenset[str] = frozenset()
    upstream: dict[str, Task] = dataclasses.field(default_factory=dict)
    downstream: dict[str, Task] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True, eq=False)
class XCom:
    """The output of tasks, to be had when they ran."""

    tasks: tuple[Task, ...]


@dataclasses.dataclass(slots=True, eq=False)
class Label:
    """A label on edges: what was related to it on either side."""

    before: list[Value] = dataclasses.field(default_factory=list)
    after: list[Value] = dataclasses.field(default_factory=list)


Value = (
    Expr
    | Ref
    | Func
    | Class
    | Items
    | Dict
    | Bound
    | Decorator
    | Definition
    | OperatorPartial
    | Dag
    | Group
    | Task
    | XCom
    | Label
)


def bounded(value: Value) -> Value:
    """*value*, or what is not known in its place where it holds more than SIZE_LIMIT things, itself among them."""
    if not isinstance(value, (Items, Dict)):
        return value
    pending: list[Value] = [value]
    count = 0
    while pending:
        one = pending.pop()
        if isinstance(one, Items):
            pending += one.items
            count += len(one.items)
        elif isinstance(one, Dict):
            pending += [arg.value for arg in one.entries.values()]
            count += len(one.entries)
        if count > SIZE_LIMIT:
            return Unknown("a collection that is too large")
    return value


def capped(text: Expr) -> Expr:
    """*text*, or what is not known in its place where it is longer than TEXT_LIMIT."""
    if isinstance(text, Literal) and isinstance(text.value, str) and len(text.value) > TEXT_LIMIT:
        return Unknown("a long text")
    if isinstance(text, Concat):
        length = sum(len(str(part.value)) for part in text.parts if isinstance(part, Literal))
        if len(text.parts) > PARTS_LIMIT or length > TEXT_LIMIT:
            return Unknown("a long text")
    return text


def outputs(value: Value, depth: int = 8) -> Iterator[Task]:
    """The tasks whose output *value* is, or holds somewhere."""
    if isinstance(value, XCom):
        yield from value.tasks
    elif depth and isinstance(value, Items):
        for item in value.items:
            yield from outputs(item, depth - 1)
    elif depth and isinstance(value, Dict):
        for arg in value.entries.values():
            yield from outputs(arg.value, depth - 1)


def pattern(value: Value | None) -> str:
    """The text that *value* is, with ``{*}`` for what of it can't be told."""
    if isinstance(value, Literal) and value.value is not None:
        return str(value.value)
    if isinstance(value, Concat):
        return "".join(pattern(part) for part in value.parts)
    return "{*}"
