"""The facts that the DAGs of a file are stated as."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_expr import shield
from pytest_mlbreaks.formats.python_nodes import children, walk
from pytest_mlbreaks.model import Fact, Place, expr
from pytest_mlbreaks.model.expr import Expr, Literal, Made, Unknown
from pytest_mlbreaks.model.facts import Argument, Callee, Command, Edge, Schedule, Step, Trigger, Variable, Wait
from pytest_mlbreaks.readers.airflow.follow import Follower
from pytest_mlbreaks.readers.airflow.values import (
    Arg,
    Bound,
    Dag,
    Definition,
    Dict,
    Func,
    Items,
    Ref,
    Task,
    Value,
    bounded,
    pattern,
)

_WHEN = ("schedule", "schedule_interval", "timetable")
_NOT_SETTINGS = frozenset({"dag_id", *_WHEN})
_LOGS = frozenset({"debug", "info", "warning", "error", "critical"})
_STRUCTURE = frozenset({"task_id", "dag", "task_group"})


class Statements:
    """States the DAGs of one followed file."""

    def __init__(self, file: PythonFile, follower: Follower) -> None:
        self.file = file
        self.follower = follower

    def facts(self) -> Iterator[Fact]:
        """Each DAG with its steps and edges. Of two with one id, both tell that they are not all of it."""
        names = [dag.name for dag in self.follower.builder.dags]
        seen: set[str] = set()
        for dag in self.follower.builder.dags:
            if names.count(dag.name) > 1:
                dag.doubt("another DAG of this file has the same id")
            for fact in self._dag(dag):
                if fact.identity not in seen or isinstance(fact, Wait):
                    seen.add(fact.identity)
                    yield fact

    def _dag(self, dag: Dag) -> Iterator[Fact]:
        when = next((dag.kwargs[k] for k in _WHEN if k in dag.kwargs), None)
        schedule = Schedule(
            place=self._place(dag.node),
            orchestrator="airflow",
            name=dag.name,
            scope=self.file.path,
            when=self._expr(when) if when is not None else None,
            when_place=self._place(when.node) if when is not None else None,
            settings=tuple(self._settings(dag.kwargs, _NOT_SETTINGS)),
            complete=not dag.doubts,
            reason="; ".join(dag.doubts[:5]),
        )
        yield schedule
        for task in dag.tasks.values():
            yield from self._task(task, schedule.identity)
        for (before, after), node in dag.edges.items():
            yield Edge(
                place=self.file.place(node),
                before=f"{schedule.identity}/{before}",
                after=f"{schedule.identity}/{after}",
            )

    # ---------------------------------------------------------------------------------------------------- steps

    def _task(self, task: Task, pipeline: str) -> Iterator[Fact]:
        kwargs = task.kwargs
        used = set(_STRUCTURE)
        callee = self._callee(task)
        if callee is not None:
            used.add("python_callable")
        commands = tuple(self._commands(task, used))
        variables = tuple(self._variables(task, used))
        image = kwargs.get("image")
        rule = self._rule(task, used)
        if image is not None:
            used.add("image")
        step = Step(
            place=self._place(task.node),
            orchestrator="airflow",
            pipeline=pipeline,
            name=task.name,
            operator=task.operator,
            callee=callee,
            commands=commands,
            image=self._expr(image) if image is not None else None,
            variables=variables,
            settings=tuple(self._settings(kwargs, used)),
            trigger_rule=rule,
            returns=self._returns(task) if "branch" in task.operator.lower() else (),
            mapped=task.mapped,
            group=task.group.full if task.group is not None else "",
            prints=self._prints(task),
        )
        yield step
        yield from self._between(task, step)

    def _rule(self, task: Task, used: set[str]) -> str:
        given = task.kwargs.get("trigger_rule")
        if given is None:
            given = next((d.entries["trigger_rule"] for d in task.inherited if "trigger_rule" in d.entries), None)
            if given is None:
                return "all_done_setup_success" if "teardown" in task.marks else ""
        value = given.value
        if isinstance(value, Literal) and isinstance(value.value, str):
            used.add("trigger_rule")
            return value.value.lower()
        if isinstance(value, Ref) and ".TriggerRule." in value.name:
            used.add("trigger_rule")
            return value.name.removesuffix(".value").rpartition(".")[2].lower()
        return ""

    def _returns(self, task: Task) -> tuple[Expr, ...]:
        """What the function of a branching task returns, those of functions inside it left out."""
        target = _function(task)
        if not isinstance(target, Func):
            return ()
        scope = next((site.scope for site in self.file.functions if site.node is target.node), target.frame.scope)
        found: list[Expr] = []
        if isinstance(target.node, ast.Lambda):
            return (self._returned(target.node.body, scope),)
        stack: list[ast.AST] = [*target.node.body]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Return) and node.value is not None:
                found.append(self._returned(node.value, scope))
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.expr)):
                stack.extend(children(node))
        return tuple(dict.fromkeys(reversed(found)))

    def _returned(self, node: ast.expr, scope: Scope) -> Expr:
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return expr.Items(tuple(self.file.expr(element, scope) for element in node.elts))
        if isinstance(node, ast.IfExp):
            return expr.Choice((self._returned(node.body, scope), self._returned(node.orelse, scope)))
        return self.file.expr(node, scope)

    def _prints(self, task: Task) -> bool:
        """Whether the task's function does nothing but print."""
        target = _function(task)
        if not isinstance(target, Func) or isinstance(target.node, ast.Lambda):
            return False
        printing = [statement for statement in target.node.body if _is_print(statement)]
        return bool(printing) and all(
            statement in printing or isinstance(statement, ast.Pass) or _is_constant(statement)
            for statement in target.node.body
        )

    def _callee(self, task: Task) -> Callee | None:
        target = _function(task)
        if isinstance(target, Func) and not isinstance(target.node, ast.Lambda):
            return Callee(path=self.file.path, name=target.qualname)
        if isinstance(target, Ref) and not target.name.startswith("builtins."):
            return Callee(path=self.file.path, name=target.written)
        return None

    def _commands(self, task: Task, used: set[str]) -> Iterator[Command]:
        kwargs = task.kwargs
        name = task.operator.rpartition(".")[2]
        shell = kwargs.get("bash_command")
        if shell is not None:
            used |= {"bash_command", "cwd"}
            workdir = kwargs.get("cwd")
            yield Command(
                shell=self._expr(shell),
                workdir=self._expr(workdir) if workdir is not None else None,
                place=self.file.place(shell.node),
            )
        elif "PodOperator" in name or "kubernetes" in name:
            given = [kwargs[key] for key in ("cmds", "arguments") if key in kwargs]
            lists = [arg.value for arg in given if isinstance(arg.value, Items) and not arg.value.partial]
            if given and len(lists) == len(given):
                used |= {"cmds", "arguments"}
                argv = [self._expr(Arg(item, given[0].node)) for items in lists for item in items.items]
                yield Command(argv=tuple(argv), place=self.file.place(given[0].node))
        elif "Docker" in name or name == "docker":
            command = kwargs.get("command")
            if command is not None:
                used.add("command")
                yield self._command(command)
        elif name.startswith("Ecs"):
            for override in self._container_overrides(task):
                command = override.entries.get("command")
                if command is not None:
                    yield self._command(command)

    def _command(self, arg: Arg) -> Command:
        place = self.file.place(arg.node)
        if isinstance(arg.value, Items) and not arg.value.partial:
            return Command(argv=tuple(self._expr(Arg(i, arg.node)) for i in arg.value.items), place=place)
        return Command(shell=self._expr(arg), place=place)

    def _container_overrides(self, task: Task) -> Iterator[Dict]:
        """ECS's ``overrides={"containerOverrides": [...]}``."""
        overrides = task.kwargs.get("overrides")
        if overrides is not None and isinstance(overrides.value, Dict):
            given = overrides.value.entries.get("containerOverrides")
            if given is not None and isinstance(given.value, Items):
                yield from (item for item in given.value.items if isinstance(item, Dict))

    def _variables(self, task: Task, used: set[str]) -> Iterator[Variable]:
        kwargs = task.kwargs
        name = task.operator.rpartition(".")[2]
        keys = {"env_vars"} | ({"env"} if "Bash" in name or name == "bash" else set())
        keys |= {"environment"} if "Docker" in name or name == "docker" else set()
        for key in sorted(keys & kwargs.keys()):
            arg = kwargs[key]
            if isinstance(arg.value, Dict):
                if not arg.value.partial:
                    used.add(key)
                for variable, given in arg.value.entries.items():
                    yield self._variable(str(variable), given)
            elif isinstance(arg.value, Items):
                yield from self._pairs(arg.value, arg)
        if name.startswith("Ecs"):
            for override in self._container_overrides(task):
                environment = override.entries.get("environment")
                if environment is not None and isinstance(environment.value, Items):
                    yield from self._pairs(environment.value, environment)

    def _pairs(self, items: Items, arg: Arg) -> Iterator[Variable]:
        """Variables given as ``{"name": ..., "value": ...}`` or ``V1EnvVar(name=..., value=...)``."""
        for item in items.items:
            if isinstance(item, Dict) and "name" in item.entries:
                value = item.entries.get("value")
                name = pattern(item.entries["name"].value)
                if "{*}" not in name:
                    yield self._variable(name, value or Arg(Unknown("a reference to another object"), arg.node))
            elif isinstance(item, Made) and item.callee.endswith("V1EnvVar"):
                given = dict(item.keywords)
                told = given.get("name")
                if isinstance(told, Literal):
                    value_of = given.get("value", Unknown("a reference to another object"))
                    yield self._variable(str(told.value), Arg(value_of, arg.node))

    def _variable(self, name: str, arg: Arg) -> Variable:
        value = shield(name, self._expr(arg), self.file.path)
        return Variable(name=name, value=value, place=self.file.place(arg.node))

    def _settings(self, kwargs: dict[str, Arg], used: frozenset[str] | set[str]) -> Iterator[Argument]:
        for name, arg in kwargs.items():
            if name in used:
                continue
            if name == "default_args" and isinstance(arg.value, Dict):
                for key, inner in arg.value.entries.items():
                    yield self._argument(f"default_args.{key}", inner)
                if arg.value.partial:
                    yield self._argument("default_args.**", Arg(Unknown("what is unpacked"), arg.node))
            else:
                yield self._argument("**" if name.startswith("**") else name, arg)

    def _argument(self, name: str, arg: Arg) -> Argument:
        value = shield(name, self._expr(arg), self.file.path)
        return Argument(name=name, value=value, place=self.file.place(arg.node))

    # --------------------------------------------------------------------------------------- waits and triggers

    def _between(self, task: Task, step: Step) -> Iterator[Fact]:
        name = task.operator.rpartition(".")[2]
        if name.startswith("ExternalTaskSensor"):
            target = task.kwargs.get("external_dag_id")
            dag = self._expr(target) if target is not None else Unknown("the DAG is not given by name")
            for awaited in self._awaited(task):
                yield Wait(
                    place=step.place,
                    step=step.identity,
                    target_pipeline=dag,
                    target_step=awaited,
                    settings=step.settings,
                )
        elif name.startswith("TriggerDagRunOperator"):
            target = task.kwargs.get("trigger_dag_id")
            waits = task.kwargs.get("wait_for_completion")
            yield Trigger(
                place=step.place,
                step=step.identity,
                target_pipeline=self._expr(target) if target is not None else Unknown("the DAG is not given by name"),
                waits=waits is not None and waits.value == Literal(True),
            )

    def _awaited(self, task: Task) -> list[Expr | None]:
        """The tasks that a sensor waits for; None stands for the whole DAG (or a group: the settings tell)."""
        many = task.kwargs.get("external_task_ids")
        one = task.kwargs.get("external_task_id")
        if many is not None and many.value != Literal(None):
            if isinstance(many.value, Items) and not many.value.partial and many.value.items:
                return [self._expr(Arg(item, many.node)) for item in many.value.items]
            return [Unknown("tasks that can't all be told")]
        if one is None or one.value == Literal(None):
            return [None]
        return [self._expr(one)]

    # ----------------------------------------------------------------------------------------------------------

    def _expr(self, arg: Arg) -> Expr:
        value: Value = bounded(arg.value)
        if isinstance(value, Made):
            return value
        return self.follower.expr(value, arg.node, self.follower.module)

    def _place(self, node: ast.AST) -> Place:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return self.file.definition_place(node)
        return self.file.place(node)


def _function(task: Task) -> Value | None:
    """What a task calls: a function of the file, or a name."""
    given = task.kwargs.get("python_callable")
    target = task.function if given is None else given.value
    for _ in range(5):
        if isinstance(target, (Bound, Definition)):
            target = target.target
    return target


def _is_print(statement: ast.stmt) -> bool:
    """``print(...)`` or ``logger.info(...)``, with nothing but texts and names in it."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    call = statement.value
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if any(isinstance(node, (ast.Call, ast.Subscript, ast.Await)) for one in given for node in walk(one)):
        return False
    if isinstance(call.func, ast.Name):
        return call.func.id == "print"
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in _LOGS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("logging", "logger", "log", "LOGGER", "_logger", "LOG")
    )


def _is_constant(statement: ast.stmt) -> bool:
    """A docstring, or a ``return`` of a constant."""
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
