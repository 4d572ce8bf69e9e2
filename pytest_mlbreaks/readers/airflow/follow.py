"""Follows a DAG file as Airflow would run it, on what is written alone: nothing is imported or executed.

Loops over what the file tells are unrolled, functions of the file are entered, and what can't be known (a condition, a
loop over something computed, a function of another file) is followed once and leaves a doubt on the DAGs it touches.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_expr import choice, concat, shield
from pytest_mlbreaks.model import expr as e
from pytest_mlbreaks.model.expr import Expr, Literal, Name, Unknown
from pytest_mlbreaks.readers.airflow.build import Builder, Context, is_flow
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
    OperatorPartial,
    Ref,
    Task,
    Value,
    XCom,
    bounded,
    capped,
)
from pytest_mlbreaks.secrets import redact_url

STEP_LIMIT: Final = 30_000
"""Expressions, statements and edges followed in one file. The largest of the 117 real DAGs looked at took 988."""
CALL_DEPTH: Final = 12
"""Calls of the file's functions within one another."""
UNROLL_LIMIT: Final = 300
"""Rounds of one loop; a loop over more is followed once, as one over something unknown."""


_TEXT_ENUMS: Final = frozenset({"enum.StrEnum"})


class TooMuchError(Exception):
    """The file takes more than STEP_LIMIT to follow."""


class Follower:
    """Follows the statements of one file. What calls do is `calls.Calls`, given as *call*."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.builder = Builder(self.tick)
        self.module = Frame(file.module)
        self.steps = 0
        self.depth = 0
        self.entered: set[int] = set()
        """The ids of function nodes that were followed."""
        self.active: set[int] = set()
        """The ids of function nodes that are being followed: a recursion is not."""
        self.scopes: dict[int, Scope] = {id(site.node): site.scope for site in file.functions}
        self.scopes |= {id(site.node): site.scope for site in file.classes}
        self.call: Callable[[ast.Call, Frame], Value] = lambda node, frame: UNKNOWN
        self.apply: Callable[[Value, list[Value], dict[str, Arg], ast.AST, Frame], Value]

    # ----------------------------------------------------------------------------------------------- statements

    def run(self) -> None:
        """Follow the module. Raises TooMuchError."""
        assert self.file.tree is not None
        self.block(self.file.tree.body, self.module)

    def block(self, statements: Iterable[ast.stmt], frame: Frame) -> str:
        """Follow statements; tells how it ended: "", return, break, continue or raise."""
        for statement in statements:
            self.tick()
            handler = _STATEMENTS.get(statement.__class__)
            if handler is not None:
                signal = handler(self, statement, frame)
                if signal:
                    return signal
        return ""

    def tick(self) -> None:
        """Count one step."""
        self.steps += 1
        if self.steps > STEP_LIMIT:
            raise TooMuchError

    def _expression(self, node: ast.Expr, frame: Frame) -> str:
        if node.value.__class__ is not ast.Constant:  # a docstring
            self.value(node.value, frame)
        return ""

    def _assign(self, node: ast.Assign, frame: Frame) -> str:
        value = self.value(node.value, frame)
        for target in node.targets:
            self.bind(target, value, frame, node.value)
        return ""

    def _annotated(self, node: ast.AnnAssign, frame: Frame) -> str:
        if node.value is not None:
            self.bind(node.target, self.value(node.value, frame), frame, node.value)
        return ""

    def _augmented(self, node: ast.AugAssign, frame: Frame) -> str:
        value = self.value(node.value, frame)
        if isinstance(node.target, ast.Name):
            held = frame.find(node.target.id)
            if (
                isinstance(held, Items)
                and isinstance(value, Items)
                and len(held.items) + len(value.items) <= SIZE_LIMIT
            ):
                held.items += value.items
                held.partial = held.partial or value.partial or bool(self.builder.doubts)
            elif isinstance(held, Literal) and isinstance(node.op, ast.Add):
                frame.names[node.target.id] = _plus(held, value)
            elif isinstance(node.op, (ast.RShift, ast.LShift)) and held is not None:
                frame.names[node.target.id] = self.shift(held, value, node.op, node)
            else:
                frame.names[node.target.id] = Unknown(f"{node.target.id} is computed")
        return ""

    def _return(self, node: ast.Return, frame: Frame) -> str:
        frame.results.append(self.value(node.value, frame) if node.value is not None else Literal(None))
        return "return"

    def _if(self, node: ast.If, frame: Frame) -> str:
        truth = self.truth(node.test, frame)
        if truth is not None:
            return self.block(node.body if truth else node.orelse, frame)
        return self.branches([node.body, node.orelse], frame, f"a condition that is not known (line {node.lineno})")

    def branches(self, bodies: list[list[ast.stmt]], frame: Frame, reason: str) -> str:
        """Follow each body, one of which runs."""
        before = dict(frame.names)
        self.steps += len(before) // 20
        outcomes: list[dict[str, Value]] = []
        signals: list[str] = []
        for body in bodies:
            frame.names = dict(before)
            with self.doubt(reason):
                signals.append(self.block(body, frame))
            if signals[-1] in ("", "continue", "break"):
                outcomes.append(frame.names)
        frame.names = _merged(outcomes) if outcomes else before
        ends = {s for s in signals if s != "raise"}
        if len(ends) == 1:
            return ends.pop()
        if not ends:
            return "raise"
        self.builder.doubts.append(reason)  # until the function or loop that it may leave ends
        return ""

    @contextlib.contextmanager
    def doubt(self, reason: str = "") -> Iterator[None]:
        """While *reason* holds; doubts that come up within end with it."""
        held = len(self.builder.doubts)
        if reason:
            self.builder.doubts.append(reason)
        try:
            yield
        finally:
            del self.builder.doubts[held:]

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> str:
        iterable = self.value(node.iter, frame)
        rounds = elements(iterable)
        if rounds is None or len(rounds) > UNROLL_LIMIT:
            with self.doubt(f"a loop over what is not known (line {node.lineno})"):
                self.bind(node.target, Unknown("varies in a loop"), frame, node.iter)
                signal = self.block(node.body, frame)
            return signal if signal == "return" else ""
        with self.doubt():
            for value in rounds:
                self.bind(node.target, value, frame, node.iter)
                signal = self.block(node.body, frame)
                if signal in ("return", "raise"):
                    return signal
                if signal == "break":
                    break
            if isinstance(iterable, Items) and iterable.partial:
                with self.doubt(f"a loop over what is not all known (line {node.lineno})"):
                    self.bind(node.target, Unknown("varies in a loop"), frame, node.iter)
                    self.block(node.body, frame)
        return self.block(node.orelse, frame)

    def _while(self, node: ast.While, frame: Frame) -> str:
        with self.doubt(f"a while loop (line {node.lineno})"):
            signal = self.block(node.body, frame)
        return signal if signal == "return" else ""

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> str:
        return self._within(list(node.items), node, frame)

    def _within(self, items: list[ast.withitem], node: ast.With | ast.AsyncWith, frame: Frame) -> str:
        if not items:
            return self.block(node.body, frame)
        item = items[0]
        value = self.value(item.context_expr, frame)
        if item.optional_vars is not None:
            self.bind(item.optional_vars, value, frame, item.context_expr)
        if isinstance(value, (Dag, Group)):
            with self.within(value):
                return self._within(items[1:], node, frame)
        value = bounded(value)
        if isinstance(value, (Task, XCom)) or (isinstance(value, Items) and is_flow(value)):
            context = self.builder.enter_around(value)
            try:
                return self._within(items[1:], node, frame)
            finally:
                self.builder.leave_around(context, node)
        return self._within(items[1:], node, frame)

    @contextlib.contextmanager
    def within(self, value: Dag | Group) -> Iterator[None]:
        """While tasks are put into *value*."""
        context = Context(value) if isinstance(value, Dag) else Context(value.dag, value)
        self.builder.contexts.append(context)
        try:
            yield
        finally:
            self.builder.contexts.remove(context)
        if isinstance(value, Group):
            for given in value.inputs:
                self.builder.relate(given, value, _node_of(value))

    def _try(self, node: ast.Try, frame: Frame) -> str:
        """The body, as if nothing failed; what handlers do instead is not followed."""
        return self.block(node.body, frame) or self.block(node.orelse, frame) or self.block(node.finalbody, frame)

    def _match(self, node: ast.Match, frame: Frame) -> str:
        bodies = [case.body for case in node.cases]
        return self.branches([*bodies, []], frame, f"a condition that is not known (line {node.lineno})")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> str:
        value: Value = Func(node, frame, self.scopes[id(node)].qualname if id(node) in self.scopes else node.name)
        for decorator in reversed(node.decorator_list):
            with_args = self.value(decorator, frame)
            if _decorates(with_args):
                made = self.apply(with_args, [value], {}, node, frame)
                value = made if isinstance(made, Definition) else value
        frame.names[node.name] = value
        return ""

    def _class(self, node: ast.ClassDef, frame: Frame) -> str:
        scope = self.scopes.get(id(node))
        bases = tuple(self.file.qualified(base, frame.scope) or "" for base in node.bases)
        frame.names[node.name] = Class(node, scope.qualname if scope is not None else node.name, bases)
        return ""

    def _import(self, node: ast.Import, frame: Frame) -> str:
        for alias in node.names:
            head = alias.name.partition(".")[0]
            frame.names[alias.asname or head] = Ref(alias.name if alias.asname else head, alias.asname or head)
        return ""

    def _import_from(self, node: ast.ImportFrom, frame: Frame) -> str:
        module = "." * node.level + (node.module or "")
        separator = "." if node.module else ""
        for alias in node.names:
            name = alias.asname or alias.name
            frame.names[name] = Ref(f"{module}{separator}{alias.name}", name)
        return ""

    def _delete(self, node: ast.Delete, frame: Frame) -> str:
        for target in node.targets:
            if isinstance(target, ast.Name):
                frame.names.pop(target.id, None)
        return ""

    def bind(self, target: ast.expr, value: Value, frame: Frame, node: ast.AST) -> None:
        """Bind what *target* names to *value*."""
        if isinstance(target, ast.Name):
            frame.names[target.id] = self.shielded(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = elements(value)
            plain = not any(isinstance(element, ast.Starred) for element in target.elts)
            known = plain and parts is not None and len(parts) == len(target.elts)
            for index, element in enumerate(target.elts):
                inner = element.value if isinstance(element, ast.Starred) else element
                part = parts[index] if known and parts is not None else self._part(value, index)
                self.bind(inner, part, frame, node)
        elif isinstance(target, ast.Subscript):
            self._store(self.value(target.value, frame), target, value, frame, node)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, frame)
            if isinstance(owner, Task) and target.attr == "dag" and isinstance(value, Dag):
                self.builder.adopt(owner, value)
            elif isinstance(owner, (Task, Dag)):
                owner.kwargs[target.attr] = Arg(value, node)

    def shielded(self, name: object, value: Value) -> Value:
        """*value*, or a `SecretKey` in place of the text in it where *name* is that of a secret."""
        if isinstance(value, (Literal, e.Concat)) and isinstance(name, str):
            return shield(name, value, self.file.path)
        return value

    def _part(self, value: Value, index: int) -> Value:
        return value if isinstance(value, XCom) else Unknown("unpacked from something computed")

    def _store(self, owner: Value, target: ast.Subscript, value: Value, frame: Frame, node: ast.AST) -> None:
        key = self.value(target.slice, frame)
        if isinstance(owner, Dict):
            if isinstance(key, Literal):
                owner.entries[key.value] = Arg(self.shielded(key.value, value), node)
            owner.partial = owner.partial or bool(self.builder.doubts) or not isinstance(key, Literal)
        elif isinstance(owner, Items):
            if (
                isinstance(key, Literal)
                and isinstance(key.value, int)
                and -len(owner.items) <= key.value < len(owner.items)
            ):
                owner.items[key.value] = value
            else:
                owner.partial = True

    # ---------------------------------------------------------------------------------------------- expressions

    def value(self, node: ast.expr, frame: Frame) -> Value:
        """What *node* holds."""
        self.tick()
        handler = _VALUES.get(node.__class__)
        return handler(self, node, frame) if handler is not None else self.told(node, frame)

    def told(self, node: ast.expr, frame: Frame) -> Expr:
        """What the file says about *node* by itself, without what is followed here."""
        return self.file.expr(node, frame.scope)

    def _name(self, node: ast.Name, frame: Frame) -> Value:
        found = frame.find(node.id)
        if found is None:
            if hasattr(builtins, node.id):
                return Ref(f"builtins.{node.id}", node.id)
            if len(self.file.star_imports) == 1 and node.id not in self.file.module.names:
                return Ref(f"{self.file.star_imports[0]}.{node.id}", node.id)
            return self.told(node, frame)
        if isinstance(found, Unknown):
            told = self.told(node, frame)
            return found if isinstance(told, Unknown) or _follows(told) else told
        return found

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        inner = node.value
        if node.attr == "value" and isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            owner = frame.find(inner.value.id)
            if isinstance(owner, Class):
                return self._body_value(owner, inner.attr, frame) or self.told(node, frame)
        owner = self.value(node.value, frame)
        name = node.attr
        if isinstance(owner, Ref):
            if owner.last == "TriggerRule" and owner.airflow and name.isupper():
                return Literal(name.lower())
            return Ref(f"{owner.name}.{name}", f"{owner.written}.{name}")
        if isinstance(owner, Literal):
            return self._of_literal(owner, node, frame)
        if isinstance(owner, Class):
            return self._member(owner, node, frame)
        if isinstance(owner, Task):
            if name == "output":
                return XCom((owner,))
            if name in ("task_id", "label"):
                return Literal(owner.name) if "{*}" not in owner.name else UNKNOWN
            if name == "dag" and owner.dag is not None:
                return owner.dag
            return owner if name == "operator" else Unknown(f"attribute {name} of a task")
        if isinstance(owner, XCom):
            return owner.tasks[0] if name == "operator" and len(owner.tasks) == 1 else owner
        if isinstance(owner, Dag):
            if name == "dag_id":
                return Literal(owner.name) if "{*}" not in owner.name else UNKNOWN
            if name == "tasks":
                return Items(list(owner.tasks.values()))
            return Unknown(f"attribute {name} of a DAG")
        if isinstance(owner, Group) and name == "group_id":
            return Literal(owner.full)
        if isinstance(owner, Definition):
            return owner.target if name == "function" else UNKNOWN
        return self.told(node, frame)

    def _of_literal(self, owner: Literal, node: ast.Attribute, frame: Frame) -> Value:
        """``.value`` of an enumeration's member, ``.stem`` and ``.name`` of a path."""
        if node.attr == "value":
            return owner
        if isinstance(owner.value, str) and node.attr in ("stem", "name"):
            path = pathlib.PurePosixPath(owner.value)
            return Literal(path.stem if node.attr == "stem" else path.name)
        return self.told(node, frame)

    def _member(self, owner: Class, node: ast.Attribute, frame: Frame) -> Value:
        """A constant of a class's body. The member of an enumeration stands for its value, unless as a text it would
        read otherwise: then only ``.value`` tells."""
        if any(base.endswith("Enum") for base in owner.bases) and not any(b in _TEXT_ENUMS for b in owner.bases):
            return Unknown("a member of an enumeration")
        return self._body_value(owner, node.attr, frame) or self.told(node, frame)

    def _body_value(self, owner: Class, name: str, frame: Frame) -> Value | None:
        for statement in owner.node.body:
            if isinstance(statement, ast.Assign):
                targets: list[ast.expr] = statement.targets
            elif isinstance(statement, ast.AnnAssign):
                targets = [statement.target]
            else:
                continue
            if statement.value is not None and any(isinstance(t, ast.Name) and t.id == name for t in targets):
                value = self.value(statement.value, self.module)
                return value if isinstance(value, Literal) else None
        return None

    def _constant(self, node: ast.Constant, frame: Frame) -> Value:
        return self.told(node, frame)

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
        items: list[Value] = []
        partial = False
        for element in node.elts:
            if isinstance(element, ast.Starred):
                inner = self.value(element.value, frame)
                parts = elements(inner)
                known = parts if parts is not None and len(parts) + len(items) <= SIZE_LIMIT else None
                items += known or ()
                partial = partial or known is None or (isinstance(inner, Items) and inner.partial)
            else:
                items.append(self.value(element, frame))
        return Items(items, partial)

    def _dict(self, node: ast.Dict, frame: Frame) -> Value:
        result = Dict({})
        for key, child in zip(node.keys, node.values, strict=True):
            value = self.value(child, frame)
            if key is None:
                if isinstance(value, Dict):
                    result.entries |= value.entries
                    result.partial = result.partial or value.partial
                else:
                    result.partial = True
                continue
            name = self.value(key, frame)
            if isinstance(name, Literal):
                result.entries[name.value] = Arg(self.shielded(name.value, value), child)
            else:
                result.partial = True
        return result

    def _joined(self, node: ast.JoinedStr, frame: Frame) -> Value:
        parts: list[Expr] = []
        for child in node.values:
            if isinstance(child, ast.FormattedValue):
                if child.format_spec is not None or child.conversion not in (-1, 115):
                    parts.append(_formatted(self.value(child.value, frame), child))
                    continue
                child = child.value
            parts.append(self.expr(bounded(self.value(child, frame)), child, frame))
        return capped(concat(parts))

    def _binary(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        if isinstance(node.op, (ast.RShift, ast.LShift)):
            return self.shift(left, right, node.op, node)
        if isinstance(node.op, ast.BitOr) and isinstance(left, Dict) and isinstance(right, Dict):
            return Dict(left.entries | right.entries, left.partial or right.partial)
        if isinstance(node.op, ast.Add):
            if isinstance(left, Items) and isinstance(right, Items):
                if len(left.items) + len(right.items) > SIZE_LIMIT:
                    return Unknown("a list that is too long")
                return Items([*left.items, *right.items], left.partial or right.partial)
            added = _plus(left, right)
            if not isinstance(added, Unknown):
                return added
        if isinstance(left, Literal) and isinstance(right, Literal):
            return _calculated(left, right, node.op) or self.told(node, frame)
        return self.told(node, frame)

    def shift(self, left: Value, right: Value, op: ast.operator, node: ast.AST) -> Value:
        """``left >> right`` or ``left << right``."""
        left, right = bounded(left), bounded(right)
        if is_flow(left) or is_flow(right) or isinstance(left, Dag):
            if isinstance(op, ast.RShift):
                self.builder.relate(left, right, node)
            else:
                self.builder.relate(right, left, node)
        return right

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner = self.value(node.value, frame)
        if isinstance(owner, XCom):
            return owner
        if isinstance(owner, (Items, Dict)):
            return self._element(owner, node.slice, frame)
        return self.told(node, frame)

    def _element(self, owner: Items | Dict, index: ast.expr, frame: Frame) -> Value:
        if isinstance(index, ast.Slice):
            bounds = [self.value(b, frame) if b is not None else Literal(None) for b in (index.lower, index.upper)]
            if isinstance(owner, Items) and not owner.partial and index.step is None:
                numbers = [b.value for b in bounds if isinstance(b, Literal) and not isinstance(b.value, str | float)]
                if len(numbers) == 2:
                    return Items(owner.items[numbers[0] : numbers[1]])
            return Unknown("a part of a list")
        key = self.value(index, frame)
        if isinstance(key, Literal):
            if isinstance(owner, Dict) and key.value in owner.entries:
                return owner.entries[key.value].value
            items = owner.items if isinstance(owner, Items) and not owner.partial else []
            if isinstance(key.value, int) and -len(items) <= key.value < len(items):
                return items[key.value]
        return Unknown("an element that can't be told")

    def _conditional(self, node: ast.IfExp, frame: Frame) -> Value:
        truth = self.truth(node.test, frame)
        if truth is not None:
            return self.value(node.body if truth else node.orelse, frame)
        with self.doubt(f"a condition that is not known (line {node.lineno})"):
            one, other = self.value(node.body, frame), self.value(node.orelse, frame)
        return _either(one, other)

    def _boolean(self, node: ast.BoolOp, frame: Frame) -> Value:
        value: Value = UNKNOWN
        for child in node.values:
            value = self.value(child, frame)
            truth = truth_of(value)
            if truth is None:
                return self.told(node, frame)
            if truth is isinstance(node.op, ast.Or):
                return value
        return value

    def _comprehension(self, node: Any, frame: Frame) -> Value:
        inner = Frame(frame.scope, frame)
        items: list[Value] = []
        entries = Dict({})
        sure = self._rounds(node, list(node.generators), inner, items, entries)
        if isinstance(node, ast.DictComp):
            entries.partial = entries.partial or not sure
            return entries
        return Items(items, not sure)

    def _rounds(
        self, node: Any, generators: list[ast.comprehension], frame: Frame, items: list[Value], entries: Dict
    ) -> bool:
        """Follow the rounds of a comprehension; tells whether all of them could be told."""
        if not generators:
            if isinstance(node, ast.DictComp):
                key = self.value(node.key, frame)
                value = self.value(node.value, frame)
                if isinstance(key, Literal):
                    entries.entries[key.value] = Arg(value, node.value)
                return isinstance(key, Literal)
            items.append(self.value(node.elt, frame))
            return True
        generator = generators[0]
        iterable = self.value(generator.iter, frame)
        rounds = elements(iterable)
        sure = rounds is not None and len(rounds) <= UNROLL_LIMIT
        sure = sure and not (isinstance(iterable, Items) and iterable.partial)
        for value in rounds if rounds is not None and sure else [Unknown("varies in a loop")]:
            self.bind(generator.target, value, frame, generator.iter)
            truths = [self.truth(test, frame) for test in generator.ifs]
            if False in truths:
                continue
            doubtful = not sure or None in truths
            reason = f"a comprehension over what is not known (line {node.lineno})" if doubtful else ""
            with self.doubt(reason):
                sure = self._rounds(node, generators[1:], frame, items, entries) and sure and not doubtful
        return sure

    def _named(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.value(node.value, frame)
        self.bind(node.target, value, frame, node.value)
        return value

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return Func(node, frame, "")

    def _call(self, node: ast.Call, frame: Frame) -> Value:
        return self.call(node, frame)

    # --------------------------------------------------------------------------------------------------- truths

    def truth(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a condition holds; None where that is not known."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, frame)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            return self._truths(node, frame)
        if isinstance(node, ast.Compare):
            return self._compared(node, frame)
        value = self.value(node, frame)
        if isinstance(value, Ref) and value.last == "TYPE_CHECKING":
            return False
        return truth_of(value)

    def _truths(self, node: ast.BoolOp, frame: Frame) -> bool | None:
        deciding = isinstance(node.op, ast.Or)
        truths = []
        for child in node.values:
            truths.append(self.truth(child, frame))
            if truths[-1] is deciding:
                return deciding
        return None if None in truths else not deciding

    def _compared(self, node: ast.Compare, frame: Frame) -> bool | None:
        if isinstance(node.left, ast.Name) and node.left.id == "__name__":
            return isinstance(node.ops[0], ast.NotEq)
        left, right = self.value(node.left, frame), self.value(node.comparators[0], frame)
        if len(node.ops) != 1:
            return None
        op = node.ops[0]
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(left, Literal):
            found = _contains(right, left)
            return None if found is None else found is isinstance(op, ast.In)
        if isinstance(op, (ast.Is, ast.IsNot)) and right == Literal(None) and not isinstance(left, Expr):
            return isinstance(op, ast.IsNot)  # a task, a list, ...
        if isinstance(left, Literal) and isinstance(right, Literal):
            function = _COMPARISONS.get(op.__class__)
            with contextlib.suppress(TypeError):
                return function(left.value, right.value) if function is not None else None
        return None

    # ---------------------------------------------------------------------------------------------- expressions

    def expr(self, value: Value, node: ast.AST, frame: Frame) -> Expr:
        """*value* as an expression for a fact. *node* is what said it."""
        match value:
            case Items(items=items, partial=partial):
                if partial or len(items) > UNROLL_LIMIT:
                    return Unknown("a list that can't all be told")
                return e.Items(tuple(self.expr(item, node, frame) for item in items))
            case Dict(entries=entries, partial=partial):
                told = [
                    (key, shield(key, self.expr(arg.value, arg.node, frame), self.file.path))
                    for key, arg in entries.items()
                    if isinstance(key, str)
                ]
                return e.Entries(tuple(told), partial or len(told) < len(entries))
            case Ref(name=name, written=written):
                return Unknown(f"the builtin {written}") if name.startswith("builtins.") else self._ref(written, frame)
            case Func(node=function, qualname=qualname):
                if isinstance(function, ast.Lambda):
                    return Unknown("a function")
                return Name(self.file.path, function.name, qualname.rpartition(".")[0])
            case XCom(tasks=tasks):
                return Unknown(f"output of {', '.join(task.name for task in tasks)}"[:120])
            case Bound(target=target):
                return e.Made("functools.partial", (self.expr(target, node, frame),))
            case Class() | Decorator() | Definition() | OperatorPartial() | Dag() | Group() | Task():
                return Unknown(f"a {type(value).__name__.lower()}")
            case Literal(value=text) if isinstance(text, str) and "://" in text:
                return Literal(redact_url(text))
            case _ if isinstance(value, Expr):
                return value
        return UNKNOWN

    def _ref(self, written: str, frame: Frame) -> Expr:
        owner = frame.scope.owner(written.partition(".")[0])
        return Name(self.file.path, written, owner.qualname if owner is not None and owner.kind == "function" else "")


def elements(value: Value) -> list[Value] | None:
    """What a loop over *value* takes in turn, of a partial one what is known; None where nothing is."""
    if isinstance(value, Items):
        return list(value.items)
    if isinstance(value, Dict) and not value.partial:
        return [Literal(key) for key in value.entries]
    if isinstance(value, Literal) and isinstance(value.value, str):
        return [Literal(character) for character in value.value]
    return None


def truth_of(value: Value) -> bool | None:
    """Whether *value* is true; None where that is not known."""
    if isinstance(value, Literal):
        return bool(value.value)
    if isinstance(value, Items):
        return True if value.items else (None if value.partial else False)
    if isinstance(value, Dict):
        return True if value.entries else (None if value.partial else False)
    if isinstance(value, (Expr, Ref)):
        return None
    return True


def _decorates(value: Value) -> bool:
    return isinstance(value, (Decorator, Definition)) or (isinstance(value, Ref) and value.airflow)


def _follows(told: Expr) -> bool:
    """Whether what the file says by itself is less than what is known here: a name of a function's own."""
    return isinstance(told, Name) and bool(told.scope)


def _node_of(group: Group) -> ast.AST:
    return next((arg.node for arg in group.kwargs.values()), ast.Pass())


def _merged(outcomes: list[dict[str, Value]]) -> dict[str, Value]:
    """What names hold after one of several branches."""
    result = dict(outcomes[0])
    for other in outcomes[1:]:
        for name, value in other.items():
            result[name] = _either(result[name], value) if name in result else value
    return result


def _either(one: Value, other: Value) -> Value:
    if one is other:
        return one
    if isinstance(one, Expr) and isinstance(other, Expr):
        if one == Literal(None) or other == Literal(None) or one == other:
            return other if one == Literal(None) else one
        return choice([one, other])
    if one == Literal(None):
        return other
    if other == Literal(None):
        return one
    if isinstance(one, Items) and isinstance(other, Items) and is_flow(one) and is_flow(other):
        return Items([*one.items, *(item for item in other.items if item not in one.items)], True)
    if isinstance(one, Task) and isinstance(other, Task) and one.name == other.name and one.dag is other.dag:
        return one
    if isinstance(one, (Ref, Func, Class)) and isinstance(other, (Ref, Func, Class)):
        return one  # two versions of one thing, by what is installed
    return Unknown("one of several, by a condition")


def _plus(left: Value, right: Value) -> Expr:
    if isinstance(left, Expr) and isinstance(right, Expr):
        if any((isinstance(v, Literal) and isinstance(v.value, str)) or isinstance(v, e.Concat) for v in (left, right)):
            return capped(concat([left, right]))
        if isinstance(left, Literal) and isinstance(right, Literal):
            return _calculated(left, right, ast.Add()) or UNKNOWN
    return UNKNOWN


def _calculated(left: Literal, right: Literal, op: ast.operator) -> Literal | None:
    a, b = left.value, right.value
    if isinstance(a, int) and isinstance(b, int) and abs(a) < 2**31 and abs(b) < 2**31:
        if isinstance(op, ast.Add):
            return Literal(a + b)
        if isinstance(op, ast.Sub):
            return Literal(a - b)
        if isinstance(op, ast.Mult):
            return Literal(a * b)
        if b and isinstance(op, ast.Mod):
            return Literal(a % b)
        if b and isinstance(op, ast.FloorDiv):
            return Literal(a // b)
    return None


def _formatted(value: Value, node: ast.FormattedValue) -> Expr:
    """``{i:02d}`` and the like of a literal integer or text."""
    spec = node.format_spec
    if isinstance(value, Literal) and isinstance(spec, ast.JoinedStr) and node.conversion in (-1, 115):
        texts = [part.value for part in spec.values if isinstance(part, ast.Constant)]
        if len(texts) == len(spec.values) and len("".join(map(str, texts))) < 5:
            with contextlib.suppress(ValueError, TypeError):
                return Literal(format(value.value, "".join(map(str, texts))))
    return Unknown("a formatted value")


def _contains(holder: Value, item: Literal) -> bool | None:
    if isinstance(holder, Dict):
        return True if item.value in holder.entries else (None if holder.partial else False)
    if isinstance(holder, Literal) and isinstance(holder.value, str) and isinstance(item.value, str):
        return item.value in holder.value
    if isinstance(holder, Items):
        if item in holder.items:
            return True
        return False if not holder.partial and all(isinstance(i, Literal) for i in holder.items) else None
    return None


_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
}
_STATEMENTS: Final[dict[type, Callable[[Follower, Any, Frame], str]]] = {
    ast.Expr: Follower._expression,
    ast.Assign: Follower._assign,
    ast.AnnAssign: Follower._annotated,
    ast.AugAssign: Follower._augmented,
    ast.Return: Follower._return,
    ast.If: Follower._if,
    ast.For: Follower._for,
    ast.AsyncFor: Follower._for,
    ast.While: Follower._while,
    ast.With: Follower._with,
    ast.AsyncWith: Follower._with,
    ast.Try: Follower._try,
    ast.TryStar: Follower._try,
    ast.Match: Follower._match,
    ast.FunctionDef: Follower._function,
    ast.AsyncFunctionDef: Follower._function,
    ast.ClassDef: Follower._class,
    ast.Import: Follower._import,
    ast.ImportFrom: Follower._import_from,
    ast.Delete: Follower._delete,
    ast.Break: lambda follower, node, frame: "break",
    ast.Continue: lambda follower, node, frame: "continue",
    ast.Raise: lambda follower, node, frame: "raise",
}
_VALUES: Final[dict[type, Callable[[Follower, Any, Frame], Value]]] = {
    ast.Name: Follower._name,
    ast.Attribute: Follower._attribute,
    ast.Constant: Follower._constant,
    ast.List: Follower._sequence,
    ast.Tuple: Follower._sequence,
    ast.Set: Follower._sequence,
    ast.Dict: Follower._dict,
    ast.JoinedStr: Follower._joined,
    ast.BinOp: Follower._binary,
    ast.Subscript: Follower._subscript,
    ast.IfExp: Follower._conditional,
    ast.BoolOp: Follower._boolean,
    ast.ListComp: Follower._comprehension,
    ast.SetComp: Follower._comprehension,
    ast.GeneratorExp: Follower._comprehension,
    ast.DictComp: Follower._comprehension,
    ast.NamedExpr: Follower._named,
    ast.Lambda: Follower._lambda,
    ast.Call: Follower._call,
}
