"""What calls and decorators of Kubeflow Pipelines make: components, pipelines, tasks, groups.

Rules are those of the SDK (https://kubeflow-pipelines.readthedocs.io, kfp/dsl of 2.x and 1.8).
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_mlbreaks.formats.python import PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Argument, Callee, Command, KfpComponent
from pytest_mlbreaks.readers.kfp.compiled import component_of_text
from pytest_mlbreaks.readers.kfp.follow import SIZE_LIMIT, Follower, elements
from pytest_mlbreaks.readers.kfp.values import (
    UNKNOWN,
    Arg,
    Bound,
    Channel,
    Component,
    Dict,
    Frame,
    Func,
    Group,
    Items,
    Ref,
    Task,
    Value,
    holds_channel,
    merged,
    nodes_of,
    plain_name,
    text_of,
)

CALL_DEPTH: Final = 10
"""Calls of the file's functions within one another."""
TASK_LIMIT: Final = 2000
"""Tasks of one pipeline."""

GCPC: Final = "google_cloud_pipeline_components"
_ROOTS: Final = frozenset({"kfp", "kfp_kubernetes", "kfp_tekton", "kfp_components"})
_FUNCTION: Final = frozenset(
    {
        *("component", "python_component", "create_component_from_func", "func_to_container_op"),
        *("func_to_component_file", "create_component_from_func_v2"),
    }
)
_DECORATORS: Final = frozenset({"pipeline", "graph_component", "container_component", "notebook_component"})
_FILES: Final = frozenset({"load_component_from_file", "load_component_from_url", "load_component"})
_OPERATORS: Final = frozenset(
    {
        *("ContainerOp", "ResourceOp", "VolumeOp", "VolumeSnapshotOp", "CreatePVC", "DeletePVC", "importer"),
        "condition",
    }
)
_CONDITIONS: Final = frozenset({"Condition", "If", "Elif", "Else"})
_FROM_COMPONENT: Final = frozenset(
    {"create_custom_training_job_from_component", "create_custom_training_job_op_from_component"}
)
_TASK_METHODS: Final = re.compile(r"(set|add|use|apply|with|ignore)_?\w*|after|apply|execute|display_name")
_TEXT_METHODS: Final = {"removesuffix": 1, "removeprefix": 1, "replace": 2, "lower": 0, "upper": 0, "strip": 0}
"""Methods of a text that are followed, and how many arguments they take here."""
_NO_TASK: Final = re.compile(
    r"(kfp\.(compiler|Client)|os|sys|json|logging|pathlib|datetime|typing|re|math|yaml|collections|time|uuid|builtins"
    r"|kubernetes|google\.cloud|functools|itertools|copy|string|textwrap|inspect|warnings|subprocess)(\.|$)"
)


@dataclasses.dataclass(slots=True, eq=False)
class Run:
    """One pipeline function while it is followed."""

    name: str
    function: str
    node: ast.AST
    kwargs: dict[str, Arg]
    root: Group
    stack: list[Group]
    tasks: list[Task] = dataclasses.field(default_factory=list)
    groups: int = 0
    doubts: list[str] = dataclasses.field(default_factory=list)

    def doubt(self, reasons: Iterable[str]) -> None:
        """Remember why not all of it can be told."""
        self.doubts += [reason for reason in dict.fromkeys(reasons) if reason not in self.doubts]

    def next_group(self) -> int:
        """The number of the next group; items of a loop that are written out take one, too."""
        self.groups += 1
        return self.groups


class Calls:
    """The calls of one followed file."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.file: PythonFile = follower.file
        self.components: list[KfpComponent] = []
        self.runs: list[Run] = []
        self.waiting: list[tuple[Func, str, dict[str, Arg]]] = []
        self.run: Run | None = None
        self.active: list[int] = []
        self.entered: set[int] = set()
        follower.call = self.call
        follower.decorate = self.decorate
        follower.named = self.named
        follower.within = self.within

    # ------------------------------------------------------------------------------------------------- pipelines

    def finish(self) -> None:
        """Follow the pipeline functions that were defined, those defined on the way included."""
        while self.waiting:
            func, name, kwargs = self.waiting.pop(0)
            if id(func.node) not in {id(run.node) for run in self.runs}:
                self._pipeline(func, name, kwargs)

    def _pipeline(self, func: Func, name: str, kwargs: dict[str, Arg]) -> None:
        root = Group("pipeline", "", None)
        run = Run(name, func.qualname, func.node, kwargs, root, [root])
        self.runs.append(run)
        if "name" in kwargs and not text_of(kwargs["name"].value):
            run.doubt(["its name is computed"])
        self.run = run
        try:
            self._enter(func, [Channel() for _ in _parameters(func)], {}, func.frame)
        finally:
            self.run = None

    def follow_as_pipeline(self, func: Func) -> None:
        """Note that *func* is compiled, as v1 allows without a decorator."""
        self.waiting.append((func, plain_name(func.node.name), {}))

    # ------------------------------------------------------------------------------------------------ decorators

    def decorate(self, decorator: Value, value: Value, node: ast.AST) -> Value:
        """What a function is behind *decorator*."""
        target = decorator.target if isinstance(decorator, Bound) else decorator
        kwargs = decorator.kwargs if isinstance(decorator, Bound) else {}
        if not isinstance(target, Ref) or not isinstance(value, Func) or not _is_kfp(target):
            return value
        if target.last in ("pipeline", "graph_component"):
            name = plain_name((text_of(kwargs["name"].value) if "name" in kwargs else "") or value.node.name)
            self.waiting.append((value, name, kwargs))
            return Component(name, definition=value)
        if target.last == "container_component":
            return self._container_component(value)
        if target.last == "notebook_component":
            return self._function_component(value, kwargs, "notebook")
        if target.last in _FUNCTION and not self._makes_operator(value):
            return self._function_component(value, kwargs)
        return value

    def _makes_operator(self, func: Func) -> bool:
        """Whether a function makes a ``ContainerOp`` itself, as under v1's ``@dsl.component``."""
        scope = self.follower.scopes.get(id(func.node))
        return scope is not None and any(callee.endswith(".ContainerOp") for callee in scope.calls)

    def _function_component(self, target: Func | Ref, kwargs: dict[str, Arg], operator: str = "python") -> Component:
        if isinstance(target, Func):
            name, function = target.node.name, target.qualname
            callee, place = Callee(path=self.file.path, name=function), self.file.definition_place(target.node)
        else:
            name, function = target.last, target.written
            callee = Callee(path=self.file.path, name=target.written)
            place = (
                self.file.place(next(iter(kwargs.values())).node) if kwargs else self.file.place(self.file.module.node)
            )
        images = [kwargs[key] for key in ("target_image", "base_image") if key in kwargs]
        fact = KfpComponent(
            name=plain_name(name),
            function=function,
            operator=operator,
            callee=callee,
            image=self._expr(images[0]) if images else None,
            packages=tuple(self._packages(kwargs)),
            place=place,
        )
        self.components.append(fact)
        return Component(fact.name, fact=fact)

    def _packages(self, kwargs: dict[str, Arg]) -> Iterator[Argument]:
        given = kwargs.get("packages_to_install")
        if given is None:
            return
        nodes = given.node.elts if isinstance(given.node, (ast.List, ast.Tuple)) else []
        if isinstance(given.value, Items) and len(nodes) == len(given.value.items) and not given.value.partial:
            for value, node in zip(given.value.items, nodes, strict=True):
                yield Argument(value=self._expr(Arg(value, node)), place=self.file.place(node))
        else:
            yield Argument(value=self._expr(given), name="*", place=self.file.place(given.node))

    def _container_component(self, func: Func) -> Component:
        scope = self.follower.scopes.get(id(func.node))
        fact = KfpComponent(
            name=plain_name(func.node.name),
            function=func.qualname,
            operator="container",
            place=self.file.definition_place(func.node),
        )
        for node in walk(func.node):
            if isinstance(node, ast.Call) and scope is not None:
                callee = self.file.qualified(node.func, scope) or ""
                if callee.rpartition(".")[2] == "ContainerSpec":
                    given = {k.arg: k.value for k in node.keywords if k.arg}
                    given |= dict(zip(("image", "command", "args"), node.args, strict=False))
                    frame = Frame(scope, func.frame, {name: Channel() for name in scope.parameters})
                    fact = self._with_container(fact, given, frame)
                    break
        self.components.append(fact)
        return Component(fact.name, fact=fact)

    def _with_container(self, fact: KfpComponent, given: dict[str, ast.expr], frame: Frame) -> KfpComponent:
        image = given.get("image")
        parts = [given[key] for key in ("command", "args") if key in given]
        argv = [word for part in parts for word in self._words(part, frame)]
        place = self.file.place(parts[0]) if parts else fact.place
        told = self.follower.expr(self.follower.value(image, frame), image, frame) if image is not None else None
        commands = (Command(argv=tuple(argv), place=place),) if argv else ()
        return _changed(fact, image=told, commands=commands)

    def _words(self, node: ast.expr, frame: Frame) -> Iterator[Expr]:
        value = self.follower.value(node, frame)
        if isinstance(value, Items) and not value.partial:
            for item in value.items:
                yield self.follower.expr(item, node, frame)
        else:
            yield self.follower.expr(value, node, frame)

    def named(self, target: ast.Name, component: Component) -> None:
        """Note that a name of the module holds *component*: another file may import it."""
        if component.fact is not None and component.fact.function != target.id:
            self.components.append(_changed(component.fact, function=target.id))
        elif component.file is not None:
            place = self.file.place(target)
            named = KfpComponent(
                name=component.name, function=target.id, operator="file", file=component.file, place=place
            )
            self.components.append(named)

    # ------------------------------------------------------------------------------------------------------ calls

    def call(self, node: ast.Call, frame: Frame) -> Value:
        """What *node* makes."""
        if isinstance(node.func, ast.Attribute):
            owner = self.follower.value(node.func.value, frame)
            if not isinstance(owner, Ref):
                return self._method(owner, node.func.attr, node, frame)
        target = self.follower.value(node.func, frame)
        args, kwargs = self._arguments(node, frame)
        return self._apply(target, args, kwargs, node, frame)

    def _arguments(self, node: ast.Call, frame: Frame) -> tuple[list[Value], dict[str, Arg]]:
        args: list[Value] = []
        for argument in node.args:
            value = self.follower.value(argument, frame)
            parts = elements(value) if isinstance(argument, ast.Starred) else None
            args += parts if parts is not None else [value]
        kwargs: dict[str, Arg] = {}
        for keyword in node.keywords:
            value = self.follower.value(keyword.value, frame)
            if keyword.arg is not None:
                kwargs[keyword.arg] = Arg(value, keyword.value)
            elif isinstance(value, Dict):
                kwargs |= {str(key): Arg(inner, keyword.value) for key, inner in value.entries.items()}
            else:
                kwargs["**"] = Arg(value, keyword.value)
        return args, kwargs

    def _apply(self, target: Value, args: list[Value], kwargs: dict[str, Arg], node: ast.Call, frame: Frame) -> Value:
        if isinstance(target, Bound):
            return self._apply(target.target, args, {**target.kwargs, **kwargs}, node, frame)
        if isinstance(target, Component):
            return self._task(target, args, kwargs, node)
        if isinstance(target, Func):
            return self._enter(target, args, kwargs, frame)
        if isinstance(target, Ref):
            return self._of_ref(target, args, kwargs, node, frame)
        values = [*args, *(arg.value for arg in kwargs.values())]
        if any(isinstance(value, Task) for value in values) and self.run is not None:
            self.run.doubt([f"a call of something that can't be told (line {node.lineno})"])
        if any(holds_channel(value) for value in values):
            return merged(values)
        return self.file.expr(node, frame.scope)

    def _of_ref(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.Call, frame: Frame) -> Value:
        if ref.name == "functools.partial" and args and isinstance(args[0], Ref):
            return Bound(args[0], kwargs)
        if ref.name == "os.path.basename" and len(args) == 1 and text_of(args[0]):
            return Literal(text_of(args[0]).rpartition("/")[2])
        if ref.root == "builtins":
            return self._builtin(ref.last, args, kwargs, node, frame)
        if _is_kfp(ref):
            return self._of_kfp(ref, args, kwargs, node, frame)
        if ref.last in _FROM_COMPONENT or (ref.root == GCPC and args and isinstance(args[0], Component)):
            return next((v for v in (*args, *(a.value for a in kwargs.values())) if isinstance(v, Component)), UNKNOWN)
        if self.run is not None and not _NO_TASK.match(ref.name):
            if ref.root == GCPC:
                return self._task(Component(_op_name(ref.last), ref=ref), args, kwargs, node)
            return self._task(Component(plain_name(ref.last), ref=ref, sure=False), args, kwargs, node)
        values = [*args, *(arg.value for arg in kwargs.values())]
        return merged(values) if any(holds_channel(v) for v in values) else self.file.expr(node, frame.scope)

    def _of_kfp(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.Call, frame: Frame) -> Value:
        name = ref.last
        first = args[0] if args else next((kwargs[k].value for k in ("func", "component_spec") if k in kwargs), None)
        if name in _FUNCTION or name in _DECORATORS:
            if isinstance(first, Func) and name not in _FUNCTION:
                return self.decorate(Bound(ref, kwargs), first, node)
            if isinstance(first, (Func, Ref)) and name in _FUNCTION:
                return self._function_component(first, kwargs)
            return Bound(
                ref, kwargs if not args or name != "pipeline" else {**kwargs, "name": Arg(args[0], node.args[0])}
            )
        if name in _FILES:
            return self._loaded(first, kwargs, node, frame)
        if name == "load_component_from_text":
            return self._component_of_text(first if first is not None else UNKNOWN, node, frame)
        if name in _OPERATORS and self.run is not None:
            return self._operator(ref, args, kwargs, node, frame)
        if name in _CONDITIONS or name in ("ParallelFor", "ExitHandler", "SubGraph"):
            return self._group(name, args, kwargs, node)
        if args and isinstance(args[0], Task):  # kfp.kubernetes.mount_pvc(task, ...)
            return self._changed_task(args[0], name, args[1:], kwargs, node)
        values = [*args, *(arg.value for arg in kwargs.values())]
        if any(holds_channel(value) for value in values):
            return merged(values)
        return Unknown(f"made by {ref.written}"[:100])

    def _loaded(self, first: Value | None, kwargs: dict[str, Arg], node: ast.Call, frame: Frame) -> Component:
        given = next((kwargs[k].value for k in ("filename", "url", "text") if k in kwargs), first)
        if "text" in kwargs:
            return self._component_of_text(given or UNKNOWN, node, frame)
        source = node.args[0] if node.args else next((k.value for k in node.keywords), node)
        path = self.file.expr(source, frame.scope) if given is None else self.follower.expr(given, source, frame)
        return Component(file=path)

    def _component_of_text(self, given: Value, node: ast.Call, frame: Frame) -> Component:
        source = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "text"), node)
        found = component_of_text(text_of(given) or self._template(source, frame), self.file.place(node))
        if found is None:
            return Component(file=Unknown("a text that can't be told"))
        fact = _changed(found, function=f"{found.name}@{node.lineno}")
        self.components.append(fact)
        return Component(fact.name, fact=fact)

    def _template(self, node: ast.expr, frame: Frame) -> str:
        """A text that something is put into, without that."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return text_of(self.follower.value(node.left, frame)).replace("%s", "x")
        told = self.file.expr(node, frame.scope)
        if not isinstance(told, Concat):
            return ""
        return "".join(str(part.value) if isinstance(part, Literal) else "x" for part in told.parts)

    def _operator(self, ref: Ref, args: list[Value], kwargs: dict[str, Arg], node: ast.Call, frame: Frame) -> Task:
        """``ContainerOp`` and its like: component and task at once."""
        run = self.run
        assert run is not None
        given = {k.arg: k.value for k in node.keywords if k.arg}
        if ref.last == "ContainerOp":
            given |= dict(zip(("name", "image", "command", "arguments"), node.args, strict=False))
        name = kwargs.get("name", Arg(args[0] if args and ref.last == "ContainerOp" else UNKNOWN, node)).value
        fact = KfpComponent(
            name=plain_name(text_of(name) or ref.last),
            function=f"{run.function}@{node.lineno}#{len(run.tasks)}",
            operator=ref.last,
            place=self.file.place(node),
        )
        if ref.last == "ContainerOp":
            told = {"image": given.get("image"), "command": given.get("command"), "args": given.get("arguments")}
            fact = self._with_container(fact, {k: v for k, v in told.items() if v is not None}, frame)
        self.components.append(fact)
        return self._task(Component(fact.name, fact=fact), args, kwargs, node)

    # ---------------------------------------------------------------------------------------------- tasks, groups

    def _task(self, component: Component, args: list[Value], kwargs: dict[str, Arg], node: ast.Call) -> Task:
        run = self.run
        root = run.stack[-1] if run is not None else Group("pipeline", "", None)
        task = Task(f"#{len(run.tasks) if run is not None else 0}", component, root, node)
        task.arguments = {name: arg for name, arg in kwargs.items() if name != "**"}
        for value in (*args, *(arg.value for arg in kwargs.values())):
            task.follow(nodes_of(value))
            task.used = task.used or (isinstance(value, Channel) and bool(value.nodes))  # only a component takes it
        if run is None:
            return task
        if len(run.tasks) >= TASK_LIMIT:
            run.doubt(["it has more tasks than are followed"])
            return task
        run.tasks.append(task)
        if component.sure:
            run.doubt(self.follower.doubts)
        return task

    def _group(self, kind: str, args: list[Value], kwargs: dict[str, Arg], node: ast.Call) -> Group:
        given = (
            args[0]
            if args
            else next(
                (kwargs[k].value for k in ("items", "loop_args", "exit_task", "exit_op", "condition") if k in kwargs),
                UNKNOWN,
            )
        )
        group = Group(kind, "", None, tuple(nodes_of(given)) if kind != "ExitHandler" else ())
        if kind == "ExitHandler" and isinstance(given, Task):
            group.exit_task = given
        if kind == "ParallelFor" and self.run is not None and not holds_channel_itself(given):
            self.run.next_group()
        return group

    @contextlib.contextmanager
    def within(self, group: Group) -> Iterator[Value]:
        """While tasks are put into *group*."""
        run = self.run
        if run is None:
            yield UNKNOWN
            return
        previous = run.stack[-1].groups[-1] if run.stack[-1].groups else None
        chained = group.kind in ("Elif", "Else") and previous is not None
        if chained and previous is not None:
            group.sources = (*group.sources, *previous.sources)
            if previous.kind != "Elif":
                self._branches(run, previous)
        self._push(run, group, _KINDS[group.kind])
        try:
            yield Channel(group.sources)
        finally:
            # an Elif leaves the group of all branches open, which the Else closes: so does KFP, whatever comes between
            del run.stack[-2 if group.kind == "Else" and chained else -1 :]
        if group.exit_task is not None:
            group.exit_task.parent = run.stack[-1]
            group.exit_task.trigger_rule = "all_done"
            group.exit_task.follow([group])

    def _branches(self, run: Run, previous: Group) -> None:
        """Put an ``If`` and what follows it into a group of its own, which takes the number of the ``If``."""
        around = Group("branches", "", run.stack[-1], previous.sources)
        number = run.next_group()
        around.name = f"condition-branches-{previous.name.rpartition('-')[2]}"
        previous.name = f"condition-{number}"
        run.stack[-1].groups[-1] = around
        around.groups.append(previous)
        previous.parent = around
        run.stack.append(around)

    def _push(self, run: Run, group: Group, kind: str) -> None:
        group.name = f"{kind}-{run.next_group()}"
        group.parent = run.stack[-1]
        if group.parent.kind == "branches":
            group.parent.sources = (*group.parent.sources, *group.sources)
        run.stack[-1].groups.append(group)
        run.stack.append(group)

    # --------------------------------------------------------------------------------------------------- methods

    def _method(self, owner: Value, name: str, node: ast.Call, frame: Frame) -> Value:
        args, kwargs = self._arguments(node, frame)
        if isinstance(owner, Task):
            return self._changed_task(owner, name, args, kwargs, node)
        if isinstance(owner, Channel):
            return merged([owner, *args])
        if isinstance(owner, Items):
            return self._of_items(owner, name, args)
        if isinstance(owner, Dict):
            return _of_dict(owner, name, args)
        if isinstance(owner, Literal) and isinstance(owner.value, str) and name in _TEXT_METHODS:
            told = [arg.value for arg in args if isinstance(arg, Literal) and isinstance(arg.value, str)]
            if len(told) == len(args) == _TEXT_METHODS[name]:
                return Literal(getattr(owner.value, name)(*told)[:SIZE_LIMIT])
        values = [*args, *(arg.value for arg in kwargs.values())]
        if any(holds_channel(value) for value in values):
            if self.run is not None and not isinstance(owner, Literal):
                self.run.doubt([f"a call of something that can't be told (line {node.lineno})"])
            return merged(values)
        return self.file.expr(node, frame.scope)

    def _changed_task(self, task: Task, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.Call) -> Value:
        task.used = task.used or bool(_TASK_METHODS.fullmatch(name))
        values = [*args, *(arg.value for arg in kwargs.values())]
        for value in values:
            task.follow(nodes_of(value))
            if name == "after" and isinstance(value, Items) and value.partial and self.run is not None:
                self.run.doubt([f"an edge to something that can't be told (line {node.lineno})"])
        if name == "after":
            if self.run is not None:
                self.run.doubt(self.follower.doubts)
            return task
        given = [*(Arg(v, n) for v, n in zip(args, node.args, strict=False)), *kwargs.values()]
        if name in ("set_env_variable", "add_env_variable", "set_env"):
            pair = _variable(given, kwargs)
            if pair is not None:
                task.variables.append(pair)
        elif name in ("set_container_image", "set_image") and given:
            task.image = given[0]
        elif name == "ignore_upstream_failure":
            task.trigger_rule = "all_done"
        elif given:
            task.settings.append((name.removeprefix("set_"), given[0]))
        else:
            task.settings.append((name.removeprefix("set_"), Arg(Literal(True), node)))
        return task

    def _of_items(self, owner: Items, name: str, args: list[Value]) -> Value:
        if name in ("append", "add", "insert") and args and len(owner.items) < SIZE_LIMIT:
            owner.items.append(args[-1])
            owner.partial = owner.partial or bool(self.follower.doubts)
        elif name == "extend" and args:
            parts = elements(args[0])
            owner.items += parts or ()
            owner.partial = owner.partial or parts is None or bool(self.follower.doubts)
        elif name == "copy":
            return Items(list(owner.items), owner.partial)
        elif name == "pop" and owner.items and not owner.partial and not args:
            return owner.items.pop()
        elif name not in ("index", "count"):
            owner.partial = True
        return UNKNOWN

    # ------------------------------------------------------------------------------------------------- functions

    def _enter(self, func: Func, args: list[Value], kwargs: dict[str, Arg], frame: Frame) -> Value:
        """Follow a function of the file."""
        if id(func.node) in self.active or len(self.active) >= CALL_DEPTH:
            if self.run is not None:
                self.run.doubt(["functions that call one another"])
            return UNKNOWN
        scope = self.follower.scopes.get(id(func.node))
        inner = Frame(scope if scope is not None else func.frame.scope, func.frame)
        names = _parameters(func)
        arguments = func.node.args
        defaults = arguments.defaults
        for name, default in zip(
            [a.arg for a in (*arguments.posonlyargs, *arguments.args)][-len(defaults) :] if defaults else [],
            defaults,
            strict=False,
        ):
            inner.names[name] = self.follower.value(default, func.frame)
        for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if keyword_default is not None:
                inner.names[argument.arg] = self.follower.value(keyword_default, func.frame)
        inner.names |= dict(zip(names, args, strict=False))
        inner.names |= {name: arg.value for name, arg in kwargs.items() if name in names}
        if arguments.vararg is not None:
            inner.names[arguments.vararg.arg] = Items(args[len(names) :])
        if arguments.kwarg is not None:
            rest: dict[object, Value] = {n: arg.value for n, arg in kwargs.items() if n not in names}
            inner.names[arguments.kwarg.arg] = Dict(rest, "**" in kwargs)
        for name in names:
            inner.names.setdefault(name, Unknown(f"{name} is given by the caller"))
        if isinstance(func.node, ast.Lambda):
            return self.follower.value(func.node.body, inner)
        self.active.append(id(func.node))
        self.entered.add(id(func.node))
        try:
            with self.follower.doubt():
                self.follower.block(func.node.body, inner)
        finally:
            self.active.pop()
        if len(inner.results) == 1:
            return inner.results[0]
        return merged(inner.results) if any(holds_channel(r) for r in inner.results) else UNKNOWN

    def enter_factory(self, func: Func) -> None:
        """Follow a function that defines a pipeline, with arguments that are not known."""
        self._enter(func, [], {}, func.frame)

    def _builtin(self, name: str, args: list[Value], kwargs: dict[str, Arg], node: ast.Call, frame: Frame) -> Value:
        first = args[0] if args else None
        if name in ("list", "tuple", "set", "sorted", "reversed") and isinstance(first, Items):
            order = list(reversed(first.items)) if name == "reversed" else list(first.items)
            return Items(order, first.partial)
        if name in ("list", "dict") and not args:
            return Dict({k: a.value for k, a in kwargs.items()}) if name == "dict" else Items([])
        if name == "range" and args and all(isinstance(a, Literal) and isinstance(a.value, int) for a in args):
            numbers = [a.value for a in args if isinstance(a, Literal) and isinstance(a.value, int)]
            if len(numbers) <= 2 or numbers[2]:
                return Items([Literal(n) for n in range(*numbers[:3])[:SIZE_LIMIT]])
        if name == "enumerate" and isinstance(first, Items):
            pairs: list[Value] = [Items([Literal(i), item]) for i, item in enumerate(first.items)]
            return Items(pairs, first.partial)
        if name == "zip" and args and all(isinstance(a, Items) for a in args):
            lists = [a for a in args if isinstance(a, Items)]
            rows: list[Value] = [Items(list(row)) for row in zip(*(one.items for one in lists), strict=False)]
            return Items(rows, any(one.partial for one in lists))
        if name == "len" and isinstance(first, Items) and not first.partial:
            return Literal(len(first.items))
        if name == "str" and isinstance(first, Literal):
            return Literal(str(first.value))
        if any(holds_channel(value) for value in args):
            return merged(args)
        return self.file.expr(node, frame.scope)

    def _expr(self, arg: Arg) -> Expr:
        return self.follower.expr(arg.value, arg.node, self.follower.module)


_KINDS: Final = {
    **dict.fromkeys(_CONDITIONS, "condition"),
    "ParallelFor": "for-loop",
    "ExitHandler": "exit-handler",
    "SubGraph": "subgraph",
}


def holds_channel_itself(value: Value) -> bool:
    """Whether *value* itself is known only when the pipeline runs, and no list around such values."""
    return isinstance(value, (Channel, Task))


def _is_kfp(ref: Ref) -> bool:
    return ref.root in _ROOTS


def _op_name(name: str) -> str:
    """The name of a component of Google's library: ``ModelUploadOp`` is ``model-upload``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name.removesuffix("Op"))
    return plain_name(spaced)


def _changed(fact: KfpComponent, **fields: object) -> KfpComponent:
    told = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return KfpComponent(**{**told, **fields})


def _parameters(func: Func) -> list[str]:
    arguments = func.node.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _variable(given: list[Arg], kwargs: dict[str, Arg]) -> tuple[str, Arg] | None:
    name = kwargs["name"] if "name" in kwargs else (given[0] if given else None)
    value = kwargs["value"] if "value" in kwargs else (given[1] if len(given) > 1 else None)
    if name is None or value is None or not text_of(name.value):
        return None
    return text_of(name.value), value


def _of_dict(owner: Dict, name: str, args: list[Value]) -> Value:
    if name in ("items", "keys", "values"):
        rows: list[Value] = []
        for key, value in owner.entries.items():
            told = Literal(key) if isinstance(key, str | int | float | bool) else UNKNOWN
            rows.append({"items": Items([told, value]), "keys": told, "values": value}[name])
        return Items(rows, owner.partial)
    if name == "get" and args and isinstance(args[0], Literal):
        found = owner.entries.get(args[0].value)
        if found is not None:
            return found
        return UNKNOWN if owner.partial else (args[1] if len(args) > 1 else Literal(None))
    if name == "update" and args and isinstance(args[0], Dict):
        owner.entries |= args[0].entries
        owner.partial = owner.partial or args[0].partial
    elif name not in ("copy",):
        owner.partial = True
    return UNKNOWN
