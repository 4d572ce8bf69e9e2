"""What calls do in a DAG file: make DAGs, groups, tasks and edges, or give plain values."""

from __future__ import annotations

import ast
import itertools
import posixpath
import re
import sys
from collections.abc import Callable
from typing import Any, Final

from pytest_mlbreaks.formats.python_expr import concat
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Made, Unknown
from pytest_mlbreaks.readers.airflow.build import makes
from pytest_mlbreaks.readers.airflow.follow import CALL_DEPTH, UNROLL_LIMIT, Follower, elements
from pytest_mlbreaks.readers.airflow.values import (
    SIZE_LIMIT,
    UNKNOWN,
    Arg,
    Bound,
    Class,
    Dag,
    Decorator,
    Definition,
    Dict,
    Frame,
    Func,
    Group,
    Items,
    Label,
    OperatorPartial,
    Ref,
    Task,
    Value,
    XCom,
    bounded,
    capped,
    outputs,
    pattern,
)

_HARMLESS: Final = sys.stdlib_module_names | {
    *("airflow", "builtins", "pendulum", "dateutil", "pytz", "yaml", "pandas", "numpy", "croniter", "jinja2"),
    *("requests", "boto3", "kubernetes", "docker", "google", "sqlalchemy", "packaging"),
}
"""Packages whose functions put no tasks into a DAG."""
_STEP_CLASS: Final = re.compile(r"[A-Z]\w*(?:Operator|Sensor|OperatorAsync|SensorAsync)|_[A-Z]\w*Operator")
_PLAIN: Final = frozenset(
    {
        *(
            "retries",
            "retry_delay",
            "execution_timeout",
            "start_date",
            "end_date",
            "schedule",
            "executor_config",
            "pool",
        ),
        *(
            "secrets",
            "resources",
            "container_resources",
            "affinity",
            "tolerations",
            "volumes",
            "volume_mounts",
            "owner",
        ),
        *("doc_md", "email", "queue", "sla", "priority_weight", "tags", "default_args", "image"),
    }
)
"""Arguments of operators that hold no task and no output of one."""
_TOLD: Final = ("os.", "pathlib.", "posixpath.")
_FIELD: Final = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")


class Calls:
    """What the calls of one file do."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.builder = follower.builder
        self.quiet = 0
        follower.call = self.call
        follower.apply = self.apply

    def call(self, node: ast.Call, frame: Frame) -> Value:
        """Follow a call and give its result."""
        function = node.func
        owner = self.follower.value(function.value, frame) if isinstance(function, ast.Attribute) else None
        args, kwargs = self._arguments(node, frame)
        if owner is not None and isinstance(function, ast.Attribute):
            if isinstance(owner, Ref):
                target: Value = Ref(f"{owner.name}.{function.attr}", f"{owner.written}.{function.attr}")
            else:
                method = _METHODS.get(owner.__class__)
                if method is not None:
                    return method(self, owner, function.attr, args, kwargs, node, frame)
                self._lent(args, kwargs, node, "a method of something that is computed")
                return self.follower.told(node, frame)
        else:
            target = self.follower.value(function, frame)
        return self.apply(target, args, kwargs, node, frame)

    def _arguments(self, node: ast.Call, frame: Frame) -> tuple[list[Value], dict[str, Arg]]:
        """Positional arguments and named ones; ``*`` and ``**`` keys stand for what is unpacked and not known."""
        args: list[Value] = []
        kwargs: dict[str, Arg] = {}
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                inner = bounded(self.follower.value(argument.value, frame))
                parts = elements(inner)
                args += parts if parts is not None else ()
                if parts is None or (isinstance(inner, Items) and inner.partial):
                    args.append(Items([], True))
            else:
                args.append(bounded(self.follower.value(argument, frame)))
        for index, keyword in enumerate(node.keywords):
            value = self._quietly(keyword, frame)
            if keyword.arg is not None:
                kwargs[keyword.arg] = Arg(value, keyword.value)
                continue
            if isinstance(value, Dict):
                kwargs |= {key: arg for key, arg in value.entries.items() if isinstance(key, str)}
            if not isinstance(value, Dict) or value.partial:
                kwargs[f"**{index}"] = Arg(UNKNOWN, keyword.value)
        return args, kwargs

    def _quietly(self, keyword: ast.keyword, frame: Frame) -> Value:
        """The value of an argument; a function that gives what is no task is not suspected of adding tasks."""
        plain = keyword.arg is not None and (keyword.arg.endswith("_callback") or keyword.arg in _PLAIN)
        self.quiet += plain
        value = self.follower.value(keyword.value, frame)
        self.quiet -= plain
        return self.follower.shielded(keyword.arg, bounded(value))

    # ---------------------------------------------------------------------------------------------------- calls

    def apply(self, target: Value, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame) -> Value:
        """What calling *target* gives."""
        match target:
            case Func():
                return self.enter(target, args, kwargs, node)
            case Ref():
                return self._imported(target, args, kwargs, node, frame)
            case Definition():
                return self._definition(target, args, kwargs, node)
            case Decorator():
                return self._decorated(target, args, node)
            case Bound():
                return self.apply(target.target, [*target.args, *args], {**target.kwargs, **kwargs}, node, frame)
            case Class():
                return self._class(target, args, kwargs, node)
        self._lent(args, kwargs, node, "something that is computed")
        return self.follower.told(node, frame) if isinstance(node, ast.Call) else UNKNOWN

    def _class(self, target: Class, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Value:
        if "task_id" in kwargs or _STEP_CLASS.fullmatch(target.node.name) or any(map(_is_step, target.bases)):
            return self.builder.make_task(target.qualname, node, kwargs, inputs=args)
        self._lent(args, kwargs, node, f"class {target.node.name}")
        return Unknown(f"an instance of {target.qualname}")

    def enter(self, function: Func, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Value:
        """Follow the body of a function of the file with these arguments, and give what it returns."""
        follower = self.follower
        scope = follower.scopes.get(id(function.node))
        key = id(function.node)
        if scope is None or follower.depth >= CALL_DEPTH or key in follower.active:
            self._lent(args, kwargs, node, "a function that is not followed")
            return UNKNOWN
        inner = Frame(scope, function.frame)
        self._parameters(function, args, kwargs, inner)
        follower.entered.add(key)
        follower.active.add(key)
        follower.depth += 1
        try:
            with follower.doubt():
                follower.block(function.node.body, inner)
        finally:
            follower.depth -= 1
            follower.active.discard(key)
        if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in map(_value_of, function.node.body)):
            return Unknown("what a generator yields")
        results = [r for r in inner.results if r != Literal(None)] or inner.results
        if not results:
            return Literal(None)
        return results[0] if len(results) == 1 else Unknown(f"one of several results of {function.node.name}")

    def _parameters(self, function: Func, args: list[Value], kwargs: dict[str, Arg], frame: Frame) -> None:
        arguments = function.node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
        named = [*zip(positional, defaults, strict=True)]
        named += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for parameter, default in named:
            if default is not None:
                frame.names[parameter.arg] = self.follower.value(default, function.frame)
            else:
                frame.names[parameter.arg] = Unknown(f"parameter {parameter.arg}")
        for parameter, value in zip(positional, args, strict=False):
            frame.names[parameter.arg] = value
        if arguments.vararg is not None:
            frame.names[arguments.vararg.arg] = Items(args[len(positional) :])
        names = {parameter.arg for parameter, _ in named}
        rest = Dict({})
        for name, arg in kwargs.items():
            if name in names:
                frame.names[name] = arg.value
            elif name.startswith("**"):
                rest.partial = True
            else:
                rest.entries[name] = arg
        if arguments.kwarg is not None:
            frame.names[arguments.kwarg.arg] = rest

    def _lent(self, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, what: str) -> None:
        """A DAG, task or group is given to code that is not followed: it may add tasks and edges."""
        values = [*args, *(arg.value for arg in kwargs.values())]
        if any(makes(value) for value in values):
            dags = {id(d): d for v in values for d in _dags_of(v)}
            if self.builder.dag is not None:
                dags[id(self.builder.dag)] = self.builder.dag
            for dag in dags.values():
                dag.doubt(f"{what} may add to it (line {getattr(node, 'lineno', '?')})")

    # ------------------------------------------------------------------------------------------ imported things

    def _imported(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame) -> Value:
        last = ref.last
        if ref.name.startswith(("builtins.", "itertools.", "functools.", "copy.")):
            return self._builtin(ref, args, kwargs, node, frame)
        if ref.airflow:
            made = self._airflow(ref, last, args, kwargs, node)
            if made is not None:
                return made
        if last == "DAG" or (last.endswith(("DAG", "Dag")) and last[0].isupper() and "dag_id" in kwargs):
            dag = self._dag(args, kwargs, node)
            if not ref.airflow:
                dag.doubt(f"it is a {ref.name}, which may add tasks")
            return dag
        if last.endswith("TaskGroup") and last[0].isupper():
            return self._group(ref, args, kwargs)
        owner, _, method = ref.name.rpartition(".")
        if method == "partial" and _is_step(owner):
            return OperatorPartial(owner, kwargs)
        if "task_id" in kwargs or _is_step(ref.name):
            return self._operator(ref.name, args, kwargs, node)
        return self._foreign(ref, args, kwargs, node, frame)

    def _operator(self, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Task:
        if args and "task_id" not in kwargs and isinstance(args[0], (Literal, Concat)):
            kwargs = {"task_id": Arg(args[0], node), **kwargs}
        task = self.builder.make_task(name, node, kwargs, inputs=args)
        if name.endswith(".SubDagOperator") and task.dag is not None:
            task.dag.doubt(f"it has a DAG within it (line {_line(node)})")
        return task

    def _dag(self, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Dag:
        for name, value in zip(("dag_id", "description"), args, strict=False):
            kwargs.setdefault(name, Arg(value, node))
        given = kwargs.get("dag_id")
        return self.builder.make_dag(pattern(given.value if given is not None else None), node, kwargs)

    def _group(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg]) -> Group:
        given = kwargs.get("group_id")
        group = self.builder.make_group(pattern(args[0] if args else given.value if given else None), kwargs)
        self.builder.touch(group.dag)
        if not ref.airflow and group.dag is not None:
            group.dag.doubt(f"it has a {ref.name}, which adds tasks")
        return group

    def _airflow(self, ref: Ref, last: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Value | None:
        decorator = _decorator(ref.name, kwargs)
        if decorator is not None:
            if args and isinstance(args[0], (Func, Ref, Definition)):
                return self._decorated(decorator, args, node)
            if args and isinstance(args[0], (Literal, Concat)):
                kwargs.setdefault(
                    {"dag": "dag_id", "group": "group_id"}.get(decorator.kind, "name"), Arg(args[0], node)
                )
            return decorator
        if last in ("chain", "chain_linear"):
            self.builder.chain(args, node, linear=last == "chain_linear")
        elif last == "cross_downstream":
            both = [*args, *(kwargs[k].value for k in ("from_tasks", "to_tasks") if k in kwargs)]
            if len(both) == 2:
                self.builder.relate(both[0], both[1], node)
        elif last == "Label":
            return Label()
        elif last == "XComArg" and args and isinstance(args[0], Task):
            return XCom((args[0],))
        else:
            return None
        return Literal(None)

    def _foreign(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame) -> Value:
        root = ref.name.partition(".")[0]
        if not root or root not in _HARMLESS:
            self._lent(args, kwargs, node, f"{ref.written}, which is not in this file,")
            dag = self.builder.dag
            if (
                dag is not None
                and not self.quiet
                and not ref.last[:1].isupper()
                and not isinstance(node, ast.FunctionDef)
            ):
                dag.doubt(f"{ref.written}, which is not in this file, may add to it (line {_line(node)})")
        if ref.name in _PATH_PARTS and args and isinstance(args[0], Literal) and isinstance(args[0].value, str):
            return _PATH_PARTS[ref.name](args[0].value)
        if ref.name.startswith(_TOLD) and isinstance(node, ast.Call):
            told = self.follower.told(node, frame)
            if not isinstance(told, Unknown):
                return told
        if len(args) + len(kwargs) > 40 or any(isinstance(a, Items) and a.partial for a in args):
            return Unknown(f"result of a call to {ref.name}"[:100])
        expr = self.follower.expr
        return Made(
            ref.name,
            tuple(expr(value, node, frame) for value in args),
            tuple((name, expr(arg.value, arg.node, frame)) for name, arg in kwargs.items() if name[0] != "*"),
        )

    def _builtin(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame) -> Value:
        name = ref.last
        if ref.name == "functools.partial" and args:
            return Bound(args[0], args[1:], kwargs)
        if name == "dict" and all(isinstance(a, Dict) for a in args):
            result = Dict({}, any(k[0] == "*" for k in kwargs))
            for given in args:
                assert isinstance(given, Dict)
                result.entries |= given.entries
                result.partial = result.partial or given.partial
            result.entries |= {k: v for k, v in kwargs.items() if k[0] != "*"}
            return result
        if name in ("deepcopy", "copy") and args:
            return _copied(args[0])
        function = _BUILTINS.get(name)
        if function is not None and not kwargs:
            result_of = function(args)
            if result_of is not None:
                return result_of
        self._lent(args, kwargs, node, ref.written) if name not in _PURE else None
        return self.follower.told(node, frame) if isinstance(node, ast.Call) else UNKNOWN

    # ---------------------------------------------------------------------------------------- decorated functions

    def _decorated(self, decorator: Decorator, args: list[Value], node: ast.AST) -> Value:
        target = args[0] if args else None
        if isinstance(target, Bound):
            target = target.target
        if decorator.kind == "mark":
            if isinstance(target, Definition):
                target.marks |= decorator.marks
                return target
            decorator = Decorator("task", "airflow.decorators.task", decorator.kwargs, decorator.marks)
        if isinstance(target, Definition) and decorator.kind == "condition":
            return target
        if not isinstance(target, (Func, Ref)):
            return UNKNOWN
        made = Definition(decorator, target, dict(decorator.kwargs), {}, decorator.marks)
        if decorator.kind == "asset":
            self._asset(made, node)
        return made

    def _asset(self, made: Definition, node: ast.AST) -> None:
        """``@asset``: a DAG of the function's name with one task of that name."""
        name = _name_of(made)
        given = made.kwargs.get("dag_id") or made.kwargs.get("name")
        label = pattern(given.value) if given is not None else name
        dag = self.builder.make_dag(label, node, {k: made.kwargs[k] for k in made.kwargs if k == "schedule"})
        with self.follower.within(dag):
            self.builder.make_task(made.decorator.name, node, {}, function=made.target, default_id=name)

    def _definition(self, made: Definition, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Value:
        kind = made.decorator.kind
        if kind == "dag":
            return self._run_dag(made, args, kwargs, node)
        if kind == "group":
            return self._run_group(made, args, {**made.partial, **kwargs}, node)
        return self._flow_task(made, args, {**made.partial, **kwargs}, node)

    def _flow_task(
        self, made: Definition, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, *, mapped: bool = False
    ) -> XCom:
        settings = {**made.kwargs}
        given = [*args, *(arg.value for arg in kwargs.values())]
        if kwargs or args:
            settings["op_kwargs"] = Arg(_bound_arguments(made.target, args, kwargs, node), node)
        task = self.builder.make_task(
            made.decorator.name,
            made.target.node if isinstance(made.target, Func) else node,
            settings,
            function=made.target,
            inputs=given,
            at=node,
            mapped=mapped,
            unique=True,
            default_id=_name_of(made),
            marks=made.marks,
        )
        return XCom((task,))

    def _run_group(
        self, made: Definition, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, *, mapped: bool = False
    ) -> Value:
        given = made.kwargs.get("group_id")
        label = pattern(given.value) if given is not None else _name_of(made)
        unique = "add_suffix_on_collision" not in made.kwargs
        group = self.builder.make_group(label, made.kwargs, unique=unique)
        group.mapped = mapped
        if mapped:
            group.inputs = [XCom(tuple(_outputs([*args, *(a.value for a in kwargs.values())])))]
        result: Value = UNKNOWN
        with self.follower.within(group):
            if isinstance(made.target, Func):
                result = self.enter(made.target, args, kwargs, node)
            elif group.dag is not None:
                group.dag.doubt(f"{made.target.written}, which is not in this file, adds tasks (line {_line(node)})")
        return group if result == Literal(None) else result

    def _run_dag(self, made: Definition, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Value:
        settings = dict(made.kwargs)
        if "dag_id" not in settings:
            settings["dag_id"] = Arg(Literal(_name_of(made)), node)
        if not isinstance(made.target, Func):
            return UNKNOWN
        dag = self._dag([], settings, made.target.node)
        parameters = {
            a.arg: Arg(Unknown(f"parameter {a.arg} of a run"), a)
            for a in (*made.target.node.args.args, *made.target.node.args.kwonlyargs)
        }
        contexts, self.builder.contexts = self.builder.contexts, []
        try:
            with self.follower.within(dag):
                self.enter(made.target, [], parameters, node)
        finally:
            self.builder.contexts = contexts
        return dag

    # -------------------------------------------------------------------------------------------------- methods

    def _of_definition(
        self, made: Definition, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        if name == "override":
            return Definition(made.decorator, made.target, {**made.kwargs, **kwargs}, made.partial, made.marks)
        if name == "partial":
            return Definition(made.decorator, made.target, made.kwargs, {**made.partial, **kwargs}, made.marks)
        if name in ("expand", "expand_kwargs"):
            if made.decorator.kind == "group":
                mapped = {k: Arg(_mapped(a.value), a.node) for k, a in kwargs.items()}
                if name == "expand_kwargs":
                    mapped = {"**": Arg(UNKNOWN, node)}
                return self._run_group_over(made, mapped, [*args, *(a.value for a in kwargs.values())], node)
            return self._flow_task(made, args, {**made.partial, **kwargs}, node, mapped=True)
        if name == "function":
            return self.apply(made.target, args, kwargs, node, frame)
        return UNKNOWN

    def _run_group_over(self, made: Definition, kwargs: dict[str, Arg], inputs: list[Value], node: ast.AST) -> Value:
        """A task group expanded over *inputs*: its first tasks run after what they are the output of."""
        given = {**made.partial, **kwargs}
        value = Arg(XCom(tuple(_outputs(inputs))), node)
        return self._run_group(made, [], {**given, "**inputs": value}, node, mapped=True)

    def _of_partial(
        self, made: OperatorPartial, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        if name in ("expand", "expand_kwargs"):
            return self.builder.make_task(made.operator, node, {**made.kwargs, **kwargs}, inputs=args, mapped=True)
        return UNKNOWN

    def _of_class(
        self, made: Class, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        if name == "partial" and (_STEP_CLASS.fullmatch(made.node.name) or any(map(_is_step, made.bases))):
            return OperatorPartial(made.qualname, kwargs)
        self._lent(args, kwargs, node, f"{made.node.name}.{name}")
        return self.follower.told(node, frame) if isinstance(node, ast.Call) else UNKNOWN

    def _of_flow(
        self,
        value: Task | XCom | Group,
        name: str,
        args: list[Value],
        kwargs: dict[str, Arg],
        node: ast.AST,
        frame: Frame,
    ) -> Value:
        given = [*args, *(arg.value for key, arg in kwargs.items() if key in ("task_or_task_list", "other"))]
        if name == "set_downstream" and given:
            self.builder.relate(value, given[0], node)
            return Literal(None)
        if name == "set_upstream" and given:
            self.builder.relate(given[0], value, node)
            return Literal(None)
        if name in ("as_setup", "as_teardown"):
            for task in [value] if isinstance(value, Task) else value.tasks if isinstance(value, XCom) else []:
                task.marks |= {name[3:]}
            if "setups" in kwargs:
                setups = kwargs["setups"].value
                for task in _outputs([setups]) or [setups] if isinstance(setups, Task) else _flat_tasks(setups):
                    task.marks |= {"setup"}
                self.builder.relate(setups, value, node)
            return value
        if isinstance(value, XCom):
            return XCom((*value.tasks, *_outputs([*args, *(a.value for a in kwargs.values())])))
        if isinstance(value, Group) and name in ("add", "add_task"):
            for argument in args:
                if isinstance(argument, Task) and value.dag is not None:
                    self.builder.adopt(argument, value.dag)
        return Unknown(f"result of {name} of a task")

    def _of_dag(
        self, dag: Dag, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        if name in ("add_task", "add_tasks"):
            for task in _flat_tasks(Items(args)):
                self.builder.adopt(task, dag)
        elif name == "get_task" and args and isinstance(args[0], Literal):
            return dag.tasks.get(str(args[0].value), UNKNOWN)
        elif name in ("set_dependency",) and len(args) == 2:
            ends = [dag.tasks.get(pattern(a)) for a in args]
            if ends[0] is not None and ends[1] is not None:
                self.builder.edge(ends[0], ends[1], node)
        return Unknown(f"result of {name} of a DAG")

    def _of_dict(
        self, owner: Dict, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        if name == "copy":
            return Dict(dict(owner.entries), owner.partial)
        if name == "update":
            for given in args:
                if isinstance(given, Dict):
                    owner.entries |= given.entries
                owner.partial = owner.partial or not isinstance(given, Dict) or given.partial
            owner.entries |= {k: a for k, a in kwargs.items() if k[0] != "*"}
            owner.partial = owner.partial or bool(self.builder.doubts)
            return Literal(None)
        keys: list[Value] = [Literal(key) for key in owner.entries]
        values = [arg.value for arg in owner.entries.values()]
        if name == "keys":
            return Items(keys, owner.partial)
        if name == "values":
            return Items(values, owner.partial)
        if name == "items":
            return Items([Items([k, v]) for k, v in zip(keys, values, strict=True)], owner.partial)
        if name in ("get", "pop", "setdefault") and args and isinstance(args[0], Literal):
            found = owner.entries.get(args[0].value)
            if found is not None:
                return found.value
            if not owner.partial:
                return args[1] if len(args) > 1 else Literal(None)
        return self.follower.told(node, frame) if isinstance(node, ast.Call) else UNKNOWN

    def _of_items(
        self, owner: Items, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        if name in ("append", "add", "insert") and args:
            if len(owner.items) >= SIZE_LIMIT:
                owner.partial = True
            elif name == "insert" and args[0] == Literal(0):
                owner.items.insert(0, args[-1])
            else:
                owner.items.append(args[-1])
            owner.partial = owner.partial or bool(self.builder.doubts)
            return Literal(None)
        if name in ("extend", "update") and args:
            parts = elements(args[0])
            if parts is not None and len(parts) + len(owner.items) > SIZE_LIMIT:
                parts = None
            owner.items += parts or ()
            inner = isinstance(args[0], Items) and args[0].partial
            owner.partial = owner.partial or parts is None or inner or bool(self.builder.doubts)
            return Literal(None)
        if name == "copy":
            return Items(list(owner.items), owner.partial)
        if name == "pop" and owner.items and (not args or args[0] in (Literal(0), Literal(-1))):
            return owner.items.pop(0 if args and args[0] == Literal(0) else -1)
        if name not in ("index", "count"):
            owner.partial = True
        return UNKNOWN

    def _of_text(
        self, owner: Literal, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame
    ) -> Value:
        text = owner.value
        if isinstance(text, str):
            if name == "format":
                return self._format(text, args, kwargs, node, frame)
            if name == "join" and len(args) == 1 and isinstance(args[0], Items) and not args[0].partial:
                parts = [self.follower.expr(item, node, frame) for item in args[0].items]
                joined = [p for part in parts for p in (Literal(text), part)][1:]
                return capped(concat(joined))
            plain = [a.value for a in args if isinstance(a, Literal)]
            texts = [a for a in plain if isinstance(a, str)]
            if name in _TEXT_METHODS and len(texts) == len(args) and not kwargs and len(args) <= 2:
                try:
                    result = getattr(text, name)(*texts)
                except (TypeError, ValueError):
                    return UNKNOWN
                return (
                    Items([Literal(part) for part in result]) if isinstance(result, list) else capped(Literal(result))
                )
        return self.follower.told(node, frame) if isinstance(node, ast.Call) else UNKNOWN

    def _format(self, text: str, args: list[Value], kwargs: dict[str, Arg], node: ast.AST, frame: Frame) -> Expr:
        parts: list[Expr] = []
        end = following = 0
        for match in _FIELD.finditer(text):
            parts.append(Literal(text[end : match.start()]))
            end = match.end()
            field = match[1]
            if match[0] in ("{{", "}}"):
                parts.append(Literal(match[0][0]))
                continue
            if field is None:
                return Unknown("text formatted with specifications")
            if field == "":
                field, following = str(following), following + 1
            if field.isascii() and field.isdigit() and int(field[:4]) < len(args):
                parts.append(self.follower.expr(args[int(field[:4])], node, frame))
            elif field in kwargs:
                parts.append(self.follower.expr(kwargs[field].value, node, frame))
            else:
                parts.append(Unknown("a formatted value"))
        parts.append(Literal(text[end:]))
        return capped(concat(parts))


def _line(node: ast.AST) -> int | str:
    return getattr(node, "lineno", "?")


def _is_step(name: str) -> bool:
    return _STEP_CLASS.fullmatch(name.rpartition(".")[2]) is not None


def _decorator(name: str, kwargs: dict[str, Arg]) -> Decorator | None:
    """The decorator of Airflow that *name* is, or None."""
    parts = name.split(".")
    if "decorators" in parts:
        parts = parts[parts.index("decorators") + 1 :]
    elif parts[1] == "sdk":
        parts = [part for part in parts[2:] if part not in ("definitions", "dag", "taskgroup", "asset")] or parts[-1:]
        parts = [*(["asset"] if name.startswith("airflow.sdk.asset") else []), *parts]
    else:
        return None
    parts = [p for p in parts if p not in ("base", "python", "definitions", "task_group_decorator")] or parts
    kind = {"task": "task", "dag": "dag", "task_group": "group", "asset": "asset", "python_task": "task"}.get(parts[0])
    if parts[0] in ("setup", "teardown"):
        return Decorator("mark", name, kwargs, frozenset({parts[0]}))
    if kind == "task" and parts[-1] in ("skip_if", "run_if"):
        return Decorator("condition", name, kwargs)
    return Decorator(kind, name, kwargs) if kind is not None else None


def _name_of(made: Definition) -> str:
    return made.target.last if isinstance(made.target, Ref) else made.target.node.name


def _bound_arguments(target: Func | Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.AST) -> Dict:
    """The arguments of a TaskFlow call by the names of the function's parameters."""
    names: list[str] = []
    if isinstance(target, Func):
        names = [a.arg for a in (*target.node.args.posonlyargs, *target.node.args.args)]
    result = Dict({name: Arg(value, node) for name, value in zip(names, args, strict=False)})
    for name, arg in kwargs.items():
        if name[0] == "*":
            result.partial = True
        else:
            result.entries[name] = arg
    result.partial = result.partial or len(args) > len(names)
    return result


def _mapped(value: Value) -> Value:
    """One element of what a group is expanded over: not known, but still the output of its tasks."""
    tasks = tuple(_outputs([value]))
    return XCom(tasks) if tasks else Unknown("an element of what is expanded over")


def _outputs(values: list[Value]) -> list[Task]:
    return [task for value in values for task in outputs(value)]


def _flat_tasks(value: Value) -> list[Task]:
    if isinstance(value, Items):
        return [task for item in value.items for task in _flat_tasks(item)]
    if isinstance(value, XCom):
        return list(value.tasks)
    return [value] if isinstance(value, Task) else []


def _dags_of(value: Value) -> list[Dag]:
    if isinstance(value, Dag):
        return [value]
    if isinstance(value, Group):
        return [value.dag] if value.dag is not None else []
    if isinstance(value, Items):
        return [dag for item in value.items for dag in _dags_of(item)]
    if isinstance(value, Dict):
        return [dag for arg in value.entries.values() for dag in _dags_of(arg.value)]
    return [task.dag for task in _flat_tasks(value) if task.dag is not None]


def _value_of(statement: ast.stmt) -> ast.expr | None:
    return statement.value if isinstance(statement, ast.Expr) else None


def _copied(value: Value) -> Value:
    if isinstance(value, Dict):
        return Dict({k: Arg(_copied(a.value), a.node) for k, a in value.entries.items()}, value.partial)
    if isinstance(value, Items):
        return Items([_copied(item) for item in value.items], value.partial)
    return value


def _as_items(args: list[Value]) -> Value | None:
    if not args:
        return Items([])
    parts = elements(args[0])
    partial = isinstance(args[0], Items) and args[0].partial
    return Items(parts, partial) if parts is not None and len(args) == 1 else None


def _range(args: list[Value]) -> Value | None:
    numbers = [a.value for a in args if isinstance(a, Literal) and isinstance(a.value, int)]
    if len(numbers) != len(args) or not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and not numbers[2]):
        return None
    span = range(*numbers)
    return Items([Literal(number) for number in span]) if len(span) <= UNROLL_LIMIT else None


def _enumerate(args: list[Value]) -> Value | None:
    parts = elements(args[0]) if args else None
    start = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else 0
    if parts is None or not isinstance(start, int):
        return None
    partial = isinstance(args[0], Items) and args[0].partial
    return Items([Items([Literal(n), part]) for n, part in enumerate(parts, start)], partial)


def _zip(args: list[Value]) -> Value | None:
    columns = [elements(a) for a in args]
    if any(c is None for c in columns) or any(isinstance(a, Items) and a.partial for a in args):
        return None
    return Items([Items(list(row)) for row in zip(*(c for c in columns if c is not None), strict=False)])


def _sorted(args: list[Value]) -> Value | None:
    parts = elements(args[0]) if len(args) == 1 else None
    if parts is None or (isinstance(args[0], Items) and args[0].partial):
        return None
    values: list[Any] = [p.value for p in parts if isinstance(p, Literal)]
    try:
        return Items([Literal(v) for v in sorted(values)]) if len(values) == len(parts) else None
    except TypeError:
        return None


def _reversed(args: list[Value]) -> Value | None:
    items = _as_items(args)
    return Items(items.items[::-1], items.partial) if isinstance(items, Items) else None


def _len(args: list[Value]) -> Value | None:
    items = _as_items(args)
    return Literal(len(items.items)) if isinstance(items, Items) and not items.partial and args else None


def _str(args: list[Value]) -> Value | None:
    if len(args) != 1:
        return None
    if isinstance(args[0], Literal):
        return Literal(str(args[0].value))
    return args[0] if isinstance(args[0], Concat) else None


def _product(args: list[Value]) -> Value | None:
    columns = [elements(a) for a in args]
    known = [c for c in columns if c is not None]
    if len(known) != len(columns):
        return None
    rows = list(itertools.islice(itertools.product(*known), UNROLL_LIMIT + 1))
    return Items([Items(list(row)) for row in rows])


def _joined_lists(args: list[Value]) -> Value | None:
    lists = [elements(a) for a in args]
    if any(part is None for part in lists):
        return None
    return Items([item for part in lists if part is not None for item in part])


_TEXT_METHODS: Final = frozenset(
    {
        *("lower", "upper", "title", "capitalize", "replace", "strip", "lstrip", "rstrip", "split", "removeprefix"),
        *("removesuffix", "startswith", "endswith", "rsplit"),
    }
)
_PURE: Final = frozenset(
    {"print", "len", "isinstance", "str", "repr", "type", "id", "bool", "sum", "any", "all", "hasattr"}
)
_PATH_PARTS: Final[dict[str, Callable[[str], Value]]] = {
    "os.path.basename": lambda path: Literal(posixpath.basename(path)),
    "os.path.splitext": lambda path: Items([Literal(part) for part in posixpath.splitext(path)]),
}
_BUILTINS: Final[dict[str, Callable[[list[Value]], Value | None]]] = {
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "iter"), _as_items),
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "sorted": _sorted,
    "reversed": _reversed,
    "len": _len,
    "str": _str,
    "product": _product,
    "chain": _joined_lists,
}
_METHODS: Final[dict[type, Callable[..., Value]]] = {
    Definition: Calls._of_definition,
    OperatorPartial: Calls._of_partial,
    Class: Calls._of_class,
    Task: Calls._of_flow,
    XCom: Calls._of_flow,
    Group: Calls._of_flow,
    Dag: Calls._of_dag,
    Dict: Calls._of_dict,
    Items: Calls._of_items,
    Literal: Calls._of_text,
}
