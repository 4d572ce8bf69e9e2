"""DAGs, groups, tasks and edges as they come about while a DAG file is followed, by Airflow's own rules."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator

from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.readers.airflow.values import (
    Arg,
    Dag,
    Definition,
    Dict,
    Group,
    Items,
    Label,
    Task,
    Value,
    XCom,
    child_id,
    outputs,
    pattern,
)

NOT_TEMPLATED = frozenset({"dag", "task_group", "task_id", "default_args", "trigger_rule", "python_callable"})
"""Arguments of operators that are never searched for outputs of other tasks."""


@dataclasses.dataclass(slots=True, eq=False)
class Context:
    """What a ``with`` puts around tasks: a DAG, a group in it, or setup and teardown tasks (*around*)."""

    dag: Dag | None
    group: Group | None = None
    around: tuple[Task, ...] = ()
    created: list[Task] = dataclasses.field(default_factory=list)


class Builder:
    """Everything that a file makes. *tick* counts a step, and raises where there are too many; *doubts* are the reasons
    why what is made now may not be made, or not as told."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self.tick = tick
        self.dags: list[Dag] = []
        self.contexts: list[Context] = []
        self.doubts: list[str] = []

    @property
    def dag(self) -> Dag | None:
        """The DAG that tasks are put into here."""
        return next((c.dag for c in reversed(self.contexts) if c.dag is not None), None)

    @property
    def group(self) -> Group | None:
        """The group that tasks are put into here."""
        for context in reversed(self.contexts):
            if context.group is not None:
                return context.group
            if context.dag is not None and not context.around:
                return None
        return None

    def touch(self, dag: Dag | None) -> None:
        """Note that something of *dag* is made here, with the doubts that hold."""
        if dag is not None:
            for doubt in self.doubts:
                dag.doubt(doubt)

    # --------------------------------------------------------------------------------------------- dags, groups

    def make_dag(self, name: str, node: ast.AST, kwargs: dict[str, Arg]) -> Dag:
        """A DAG of the id *name*, a pattern where it can't be told."""
        dag = Dag(name, node, kwargs)
        if "{*}" in name:
            dag.doubt("its id is computed")
        if any(key.startswith("**") for key in kwargs):
            dag.doubt("arguments are unpacked that can't be told")
        self.dags.append(dag)
        self.touch(dag)
        return dag

    def make_group(self, label: str, kwargs: dict[str, Arg], *, unique: bool = False) -> Group:
        """A task group; with *unique* a number is put behind an id that is taken."""
        parent = _value(kwargs, "parent_group")
        given = _value(kwargs, "dag")
        dag = given if isinstance(given, Dag) else self.dag
        if isinstance(parent, Group):
            dag = parent.dag or dag
        else:
            parent = self.group
        prefix = _value(kwargs, "prefix_group_id") != Literal(False)
        suffix = unique or _value(kwargs, "add_suffix_on_collision") == Literal(True)
        group = Group(label, dag, parent, prefix, kwargs)
        if dag is not None:
            if suffix and group.full in dag.groups:
                base = re.split(r"__\d+$", label)[0]
                number = 1
                while child_id(parent, f"{base}__{number}") in dag.groups:
                    number += 1
                group.label = f"{base}__{number}"
            dag.groups.add(group.full)
            if "{*}" in label:
                dag.doubt("the id of a task group is computed")
        return group

    # ---------------------------------------------------------------------------------------------------- tasks

    def make_task(
        self,
        operator: str,
        node: ast.AST,
        kwargs: dict[str, Arg],
        *,
        function: Value | None = None,
        inputs: Iterable[Value] = (),
        at: ast.AST | None = None,
        mapped: bool = False,
        unique: bool = False,
        default_id: str = "{*}",
        marks: frozenset[str] = frozenset(),
    ) -> Task:
        """A task of *operator*. *inputs* are values that it takes besides *kwargs*, *at* is the call that
        gives them; with *unique* a number is put
        behind an id that is taken, as TaskFlow does."""
        given = _value(kwargs, "task_id")
        label = default_id if given is None else pattern(given)
        group = _value(kwargs, "task_group")
        dag = _value(kwargs, "dag")
        group = group if isinstance(group, Group) else self.group
        dag = dag if isinstance(dag, Dag) else (group.dag if group is not None else None) or self.dag
        if group is not None and group.dag is not dag:
            group = None
        name = child_id(group, label)
        if unique and dag is not None and name in dag.tasks:
            name = _unique(name, dag)
        task = Task(
            name,
            operator,
            node,
            kwargs,
            dag,
            group,
            mapped=mapped or _in_mapped(group),
            function=function,
            partial=any(key.startswith("**") for key in kwargs),
            inherited=_inherited(group, dag, kwargs),
            marks=marks,
        )
        self._register(task)
        values = [arg.value for key, arg in kwargs.items() if key not in NOT_TEMPLATED]
        for value in (*values, *inputs):
            for upstream in outputs(value):
                self.edge(upstream, task, at or node)
        for context in self.contexts:
            if context.around:
                context.created.append(task)
        return task

    def _register(self, task: Task) -> None:
        dag = task.dag
        if dag is None:
            return
        if "{*}" in task.name:
            dag.doubt(f"the id of a task is computed (line {getattr(task.node, 'lineno', '?')})")
            number = dag.repeats[task.name] = dag.repeats.get(task.name, 0) + 1
            if number > 1:  # another task, for all we know
                task.name = f"{task.name}#{number}"
        dag.tasks.setdefault(task.name, task)
        group = task.group
        while group is not None:
            group.members.append(task)
            group = group.parent
        self.touch(dag)

    def adopt(self, task: Task, dag: Dag) -> None:
        """Put a task that has no DAG yet into one."""
        if task.dag is None:
            task.dag = dag
            task.inherited = _inherited(None, dag, task.kwargs)
            self._register(task)

    # ---------------------------------------------------------------------------------------------------- edges

    def edge(self, before: Task, after: Task, node: ast.AST) -> None:
        """*after* runs after *before*."""
        self.tick()
        if before.dag is None and after.dag is not None:
            self.adopt(before, after.dag)
        elif after.dag is None and before.dag is not None:
            self.adopt(after, before.dag)
        dag = before.dag
        if dag is None or after.dag is not dag or before is after:
            return
        before.downstream[after.name] = after
        after.upstream[before.name] = before
        dag.edges.setdefault((before.name, after.name), node)
        self.touch(dag)

    def relate(self, before: Value, after: Value, node: ast.AST) -> None:
        """Everything in *before* runs before everything in *after*: tasks, outputs, groups, labels, lists of them."""
        for value, other in ((before, after), (after, before)):
            if not self._known(value):
                for dag in self._dags(other):
                    self.touch(dag)
                    dag.doubt(f"an edge to something that can't be told (line {getattr(node, 'lineno', '?')})")
        for one in _each(before):
            for two in _each(after):
                self._relate(one, two, node)

    def _relate(self, before: Value, after: Value, node: ast.AST) -> None:
        if isinstance(before, Label):
            if after not in before.after:
                before.after.append(after)
                for value in before.before:
                    self._relate(value, after, node)
        elif isinstance(after, Label):
            if before not in after.before:
                after.before.append(before)
                for value in after.after:
                    self._relate(before, value, node)
        elif isinstance(before, Dag):
            for task in _tasks(after):
                self.adopt(task, before)
        else:
            heads = list(first_tasks(after))
            for task in last_tasks(before):
                for following in heads:
                    self.edge(task, following, node)

    def _known(self, value: Value) -> bool:
        if isinstance(value, Items):
            return not value.partial and all(self._known(item) for item in value.items)
        return isinstance(value, (Task, XCom, Group, Label, Dag))

    def _dags(self, value: Value) -> Iterator[Dag]:
        for one in _each(value):
            if isinstance(one, Group) and one.dag is not None:
                yield one.dag
            for task in _tasks(one):
                if task.dag is not None:
                    yield task.dag

    def chain(self, values: list[Value], node: ast.AST, *, linear: bool = False) -> None:
        """``chain`` and ``chain_linear``: each before the next; two lists are related pairwise, or all with all."""
        for before, after in itertools.pairwise(values):
            both = isinstance(before, Items) and isinstance(after, Items) and not linear
            if both and not (before.partial or after.partial):  # type: ignore[union-attr]
                for one, two in zip(before.items, after.items, strict=False):  # type: ignore[union-attr]
                    self.relate(one, two, node)
            else:
                self.relate(before, after, node)

    # ----------------------------------------------------------------------------------------------- setup, with

    def enter_around(self, value: Value) -> Context:
        """A ``with`` on setup or teardown tasks."""
        context = Context(None, None, tuple(_tasks(value)))
        self.contexts.append(context)
        return context

    def leave_around(self, context: Context, node: ast.AST) -> None:
        """Relate what was made in the ``with`` to its setups and teardowns."""
        self.contexts.remove(context)
        setups = {t.name: t for t in context.around if "teardown" not in t.marks}
        teardowns = {t.name: t for t in context.around if "teardown" in t.marks}
        for task in list(teardowns.values()):
            setups |= {n: t for n, t in task.upstream.items() if "setup" in t.marks}
        for task in list(setups.values()):
            teardowns |= {n: t for n, t in task.downstream.items() if "teardown" in t.marks}
        made = [t for t in context.created if not t.marks & {"setup", "teardown"}]
        first = [t for t in made if not t.upstream] or made[:1]
        last = [t for t in made if not t.downstream] or made[-1:]
        for setup in setups.values():
            for task in first:
                self.edge(setup, task, node)
        for teardown in teardowns.values():
            for task in last:
                self.edge(task, teardown, node)


def _value(kwargs: dict[str, Arg], name: str) -> Value | None:
    arg = kwargs.get(name)
    return arg.value if arg is not None else None


def _unique(name: str, dag: Dag) -> str:
    """Airflow's `get_unique_task_id`: the id with the next number behind it."""
    prefix = re.split(r"__\d+$", name)[0]
    number = dag.repeats.get(prefix)
    if number is None:
        taken = re.compile(rf"{re.escape(prefix)}__(\d{{1,6}})")
        number = max((int(m[1]) for t in dag.tasks if (m := taken.fullmatch(t))), default=0)
    number += 1
    while f"{prefix}__{number}" in dag.tasks:
        number += 1
    dag.repeats[prefix] = number
    return f"{prefix}__{number}"


def _in_mapped(group: Group | None) -> bool:
    while group is not None:
        if group.mapped:
            return True
        group = group.parent
    return False


def _inherited(group: Group | None, dag: Dag | None, kwargs: dict[str, Arg]) -> tuple[Dict, ...]:
    found = [_value(kwargs, "default_args")]
    while group is not None:
        found.append(_value(group.kwargs, "default_args"))
        group = group.parent
    if dag is not None:
        found.append(_value(dag.kwargs, "default_args"))
    return tuple(value for value in found if isinstance(value, Dict))


def _each(value: Value) -> Iterator[Value]:
    if isinstance(value, Items):
        for item in value.items:
            yield from _each(item)
    else:
        yield value


def _tasks(value: Value) -> Iterator[Task]:
    for one in _each(value):
        if isinstance(one, Task):
            yield one
        elif isinstance(one, XCom):
            yield from one.tasks
        elif isinstance(one, Group):
            yield from one.members


def first_tasks(value: Value) -> Iterator[Task]:
    """The tasks that an edge to *value* leads to: of a group those with nothing before them in it."""
    if isinstance(value, Group):
        names = {t.name for t in value.members}
        for task in value.members:
            if not names & task.upstream.keys():
                yield task
    else:
        yield from _tasks(value)


def last_tasks(value: Value) -> Iterator[Task]:
    """The tasks that an edge from *value* starts at: of a group those with nothing behind them in it; a teardown is
    passed over, and what is before it stands for it."""
    if not isinstance(value, Group):
        yield from _tasks(value)
        return
    names = {t.name for t in value.members}
    pending = [t for t in value.members if not names & t.downstream.keys()]
    seen: set[str] = set()
    while pending:
        task = pending.pop(0)
        if task.name in seen:
            continue
        seen.add(task.name)
        if "teardown" not in task.marks:
            yield task
            continue
        for before in task.upstream.values():
            ends = not any(n in names and "teardown" not in t.marks for n, t in before.downstream.items())
            if before.name in names and ends and "setup" not in before.marks:
                pending.append(before)


def is_flow(value: Value) -> bool:
    """Whether *value* is something that edges go to."""
    if isinstance(value, Items):
        return any(is_flow(item) for item in value.items)
    return isinstance(value, (Task, XCom, Group, Label))


def makes(value: Value) -> bool:
    """Whether *value* is, or holds, something of a DAG that a function could add tasks or edges to."""
    if isinstance(value, Items):
        return any(makes(item) for item in value.items)
    if isinstance(value, Dict):
        return any(makes(arg.value) for arg in value.entries.values())
    return isinstance(value, (Dag, Task, XCom, Group, Definition))
