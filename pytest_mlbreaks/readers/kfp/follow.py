"""Follows a file of Kubeflow Pipelines as its compiler would run it, on what is written alone.

Loops over what the file tells are unrolled and functions of the file are entered. What can't be known (a condition, a
loop over something computed) is followed once, and leaves a doubt on the pipeline that it touches.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_expr import shield
from pytest_mlbreaks.model import expr as e
from pytest_mlbreaks.model.expr import Expr, Literal, Name, Unknown
from pytest_mlbreaks.readers.kfp.values import (
    UNKNOWN,
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
)

STEP_LIMIT: Final = 30_000
"""Expressions and statements followed in one file. The largest real pipeline looked at took 2,400."""
UNROLL_LIMIT: Final = 200
"""Rounds of one loop; a loop over more is followed once, as one over something unknown."""
SIZE_LIMIT: Final = 2000
"""Things in one collection."""

_OUTPUTS: Final = frozenset({"output", "outputs", "volume", "pvolume", "pvolumes"})


class TooMuchError(Exception):
    """The file takes more than STEP_LIMIT to follow."""


class Follower:
    """Follows the statements of one file. What calls, decorators and ``with`` do is set by `calls.Calls`."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.module = Frame(file.module)
        self.steps = 0
        self.budget = 0
        """Things that may still be stated of one value."""
        self.doubts: list[str] = []
        """Why what is made now may not be made, or not as told."""
        self.scopes: dict[int, Scope] = {id(site.node): site.scope for site in file.functions}
        self.call: Callable[[ast.Call, Frame], Value]
        self.decorate: Callable[[Value, Value, ast.AST], Value]
        self.named: Callable[[ast.Name, Component], None]
        self.within: Callable[[Group], contextlib.AbstractContextManager[Value]]

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
            signal = handler(self, statement, frame) if handler is not None else ""
            if signal:
                return signal
        return ""

    def tick(self) -> None:
        """Count one step."""
        self.steps += 1
        if self.steps > STEP_LIMIT:
            raise TooMuchError

    @contextlib.contextmanager
    def doubt(self, reason: str = "") -> Iterator[None]:
        """While *reason* holds; doubts that come up within end with it."""
        held = len(self.doubts)
        if reason:
            self.doubts.append(reason)
        try:
            yield
        finally:
            del self.doubts[held:]

    def _expression(self, node: ast.Expr, frame: Frame) -> str:
        if node.value.__class__ is not ast.Constant:
            self.value(node.value, frame)
        return ""

    def _assign(self, node: ast.Assign, frame: Frame) -> str:
        value = self.value(node.value, frame)
        for target in node.targets:
            self.bind(target, value, frame)
        return ""

    def _annotated(self, node: ast.AnnAssign, frame: Frame) -> str:
        if node.value is not None:
            self.bind(node.target, self.value(node.value, frame), frame)
        return ""

    def _augmented(self, node: ast.AugAssign, frame: Frame) -> str:
        value = self.value(node.value, frame)
        if isinstance(node.target, ast.Name):
            held = frame.find(node.target.id)
            if isinstance(held, Items) and isinstance(value, Items) and len(held.items) < SIZE_LIMIT:
                held.items += value.items[:SIZE_LIMIT]
                held.partial = held.partial or value.partial
            elif held is not None and (holds_channel(held) or holds_channel(value)):
                frame.names[node.target.id] = merged([held, value])
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
        outcomes: list[dict[str, Value]] = []
        signals: list[str] = []
        for body in bodies:
            frame.names = dict(before)
            with self.doubt(reason):
                signals.append(self.block(body, frame))
            if signals[-1] in ("", "continue", "break"):
                outcomes.append(frame.names)
        frame.names = _joined_names(outcomes) if outcomes else before
        ends = {signal for signal in signals if signal != "raise"}
        if len(ends) == 1:
            return ends.pop()
        if not ends:
            return "raise"
        self.doubts.append(reason)  # until the function or loop that it may leave ends
        return ""

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> str:
        iterable = self.value(node.iter, frame)
        rounds = elements(iterable)
        sure = rounds is not None and len(rounds) <= UNROLL_LIMIT
        with self.doubt():
            for value in rounds if rounds is not None and sure else ():
                self.bind(node.target, value, frame)
                signal = self.block(node.body, frame)
                if signal in ("return", "raise"):
                    return signal
                if signal == "break":
                    break
        if not sure or (isinstance(iterable, Items) and iterable.partial):
            with self.doubt(f"a loop over what is not known (line {node.lineno})"):
                self.bind(node.target, Unknown("varies in a loop"), frame)
                self.block(node.body, frame)
        return self.block(node.orelse, frame)

    def _while(self, node: ast.While, frame: Frame) -> str:
        with self.doubt(f"a while loop (line {node.lineno})"):
            self.block(node.body, frame)
        return ""

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> str:
        return self._enter(list(node.items), node, frame)

    def _enter(self, items: list[ast.withitem], node: ast.With | ast.AsyncWith, frame: Frame) -> str:
        if not items:
            return self.block(node.body, frame)
        value = self.value(items[0].context_expr, frame)
        manager: contextlib.AbstractContextManager[Value] = contextlib.nullcontext(value)
        if isinstance(value, Group):
            manager = self.within(value)
        with manager as given:
            if items[0].optional_vars is not None:
                self.bind(items[0].optional_vars, given, frame)
            return self._enter(items[1:], node, frame)

    def _try(self, node: ast.Try, frame: Frame) -> str:
        """The body, as if nothing failed; what handlers do instead is not followed."""
        return self.block(node.body, frame) or self.block(node.orelse, frame) or self.block(node.finalbody, frame)

    def _match(self, node: ast.Match, frame: Frame) -> str:
        bodies = [case.body for case in node.cases]
        return self.branches([*bodies, []], frame, f"a condition that is not known (line {node.lineno})")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> str:
        qualname = self.scopes[id(node)].qualname if id(node) in self.scopes else node.name
        value: Value = Func(node, frame, qualname)
        for decorator in reversed(node.decorator_list):
            value = self.decorate(self.value(decorator, frame), value, decorator)
        frame.names[node.name] = value
        return ""

    def _class(self, node: ast.ClassDef, frame: Frame) -> str:
        frame.names[node.name] = Unknown("a class")
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

    def bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Bind what *target* names to *value*."""
        if isinstance(target, ast.Name):
            if isinstance(value, Component) and not value.name and value.file is not None:
                value.name = target.id.removesuffix("_op").replace("_", "-")
            if isinstance(value, Component) and frame is self.module:
                self.named(target, value)
            shielded = shield(target.id, value, self.file.path) if isinstance(value, Literal | e.Concat) else value
            frame.names[target.id] = shielded
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = elements(value)
            known = parts is not None and len(parts) == len(target.elts)
            for index, element in enumerate(target.elts):
                inner = element.value if isinstance(element, ast.Starred) else element
                self.bind(inner, parts[index] if known and parts is not None else _part(value), frame)
        elif isinstance(target, ast.Subscript):
            owner, key = self.value(target.value, frame), self.value(target.slice, frame)
            if isinstance(owner, Dict):
                if isinstance(key, Literal) and len(owner.entries) < SIZE_LIMIT:
                    owner.entries[key.value] = value
                owner.partial = owner.partial or bool(self.doubts) or not isinstance(key, Literal)
            elif isinstance(owner, Items):
                owner.partial = True

    # ---------------------------------------------------------------------------------------------- expressions

    def value(self, node: ast.expr, frame: Frame) -> Value:
        """What *node* holds."""
        self.tick()
        handler = _VALUES.get(node.__class__)
        return handler(self, node, frame) if handler is not None else self.told(node, frame)

    def told(self, node: ast.expr, frame: Frame) -> Value:
        """What the file says about *node* by itself; a channel where one takes part in it."""
        parts = [self.value(child, frame) for child in _parts(node)]
        return merged(parts) if any(holds_channel(part) for part in parts) else self.file.expr(node, frame.scope)

    def _name(self, node: ast.Name, frame: Frame) -> Value:
        found = frame.find(node.id)
        if found is not None:
            return found
        if hasattr(builtins, node.id):
            return Ref(f"builtins.{node.id}", node.id)
        if len(self.file.star_imports) == 1 and node.id not in self.file.module.names:
            return Ref(f"{self.file.star_imports[0]}.{node.id}", node.id)
        return self.file.expr(node, frame.scope)

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        owner = self.value(node.value, frame)
        if isinstance(owner, Ref):
            return Ref(f"{owner.name}.{node.attr}", f"{owner.written}.{node.attr}")
        if isinstance(owner, Task):
            owner.used = owner.used or node.attr in _OUTPUTS
            return Channel((owner,)) if node.attr != "name" else Unknown("a task's name")
        if isinstance(owner, Channel):
            return owner
        if isinstance(owner, Component):
            return owner if node.attr in ("component_spec", "pipeline_func", "python_func") else UNKNOWN
        return self.file.expr(node, frame.scope)

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner = self.value(node.value, frame)
        if isinstance(owner, (Channel, Task)):
            return Channel(tuple(nodes_of(owner)))
        if not isinstance(owner, (Items, Dict)):
            return self.file.expr(node, frame.scope)
        if isinstance(node.slice, ast.Slice):
            return merged([owner]) if holds_channel(owner) else Unknown("a part of a list")
        key = self.value(node.slice, frame)
        if isinstance(owner, Dict) and isinstance(key, Literal) and key.value in owner.entries:
            return owner.entries[key.value]
        items = owner.items if isinstance(owner, Items) and not owner.partial else []
        if isinstance(key, Literal) and isinstance(key.value, int) and -len(items) <= key.value < len(items):
            return items[key.value]
        return merged([owner]) if holds_channel(owner) else Unknown("an element that can't be told")

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
        result = Items([])
        for element in node.elts[:SIZE_LIMIT]:
            if isinstance(element, ast.Starred):
                inner = self.value(element.value, frame)
                parts = elements(inner)
                result.items += parts or ()
                result.partial = result.partial or parts is None or (isinstance(inner, Items) and inner.partial)
            else:
                result.items.append(self.value(element, frame))
        result.partial = result.partial or len(node.elts) > SIZE_LIMIT
        return result

    def _dict(self, node: ast.Dict, frame: Frame) -> Value:
        result = Dict({}, len(node.keys) > SIZE_LIMIT)
        for key, child in list(zip(node.keys, node.values, strict=True))[:SIZE_LIMIT]:
            value = self.value(child, frame)
            name = self.value(key, frame) if key is not None else None
            if isinstance(name, Literal):
                result.entries[name.value] = value
            elif name is None and isinstance(value, Dict):
                result.entries |= value.entries
                result.partial = result.partial or value.partial
            else:
                result.partial = True
        return result

    def _binary(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        if isinstance(left, Items) and isinstance(right, Items) and isinstance(node.op, ast.Add):
            if len(left.items) + len(right.items) <= SIZE_LIMIT:
                return Items([*left.items, *right.items], left.partial or right.partial)
            return Unknown("a list that is too long")
        if isinstance(left, Dict) and isinstance(right, Dict) and isinstance(node.op, ast.BitOr):
            return Dict(left.entries | right.entries, left.partial or right.partial)
        if holds_channel(left) or holds_channel(right):
            return merged([left, right])
        return self._sum(left, right) if isinstance(node.op, ast.Add) else self.file.expr(node, frame.scope)

    def _sum(self, left: Value, right: Value) -> Value:
        if isinstance(left, Literal) and isinstance(right, Literal):
            one, two = left.value, right.value
            if isinstance(one, str) and isinstance(two, str) and len(one) + len(two) <= SIZE_LIMIT:
                return Literal(one + two)
            if isinstance(one, int) and isinstance(two, int) and abs(one) < 2**31 and abs(two) < 2**31:
                return Literal(one + two)
        return Unknown("a sum")

    def _formatted(self, node: ast.JoinedStr, frame: Frame) -> Value:
        parts = [self.value(c.value, frame) for c in node.values if isinstance(c, ast.FormattedValue)]
        if any(holds_channel(part) for part in parts):
            return merged(parts)
        texts = []
        for child in node.values:
            plain = child.value if isinstance(child, ast.Constant) else None
            if isinstance(child, ast.FormattedValue) and child.format_spec is None and child.conversion == -1:
                told = parts[sum(isinstance(c, ast.FormattedValue) for c in node.values[: node.values.index(child)])]
                plain = told.value if isinstance(told, Literal) else None
            if plain is None:
                return self.file.expr(node, frame.scope)
            texts.append(str(plain))
        text = "".join(texts)
        return Literal(text) if len(text) <= SIZE_LIMIT else Unknown("a long text")

    def _compared(self, node: ast.Compare, frame: Frame) -> Value:
        parts = [self.value(node.left, frame), *(self.value(c, frame) for c in node.comparators)]
        return merged(parts) if any(holds_channel(p) for p in parts) else UNKNOWN

    def _boolean(self, node: ast.BoolOp, frame: Frame) -> Value:
        parts = [self.value(child, frame) for child in node.values]
        if any(holds_channel(part) for part in parts):
            return merged(parts)
        for part in parts:
            truth = truth_of(part)
            if truth is None:
                return self.file.expr(node, frame.scope)
            if truth is isinstance(node.op, ast.Or):
                return part
        return parts[-1]

    def _conditional(self, node: ast.IfExp, frame: Frame) -> Value:
        truth = self.truth(node.test, frame)
        if truth is not None:
            return self.value(node.body if truth else node.orelse, frame)
        with self.doubt(f"a condition that is not known (line {node.lineno})"):
            return either(self.value(node.body, frame), self.value(node.orelse, frame))

    def _comprehension(self, node: Any, frame: Frame) -> Value:
        inner = Frame(frame.scope, frame)
        items: list[Value] = []
        sure = self._rounds(node, list(node.generators), inner, items)
        if not isinstance(node, ast.DictComp):
            return Items(items, not sure)
        pairs = [(p.items[0], p.items[1]) for p in items if isinstance(p, Items)]
        told: dict[object, Value] = {key.value: value for key, value in pairs if isinstance(key, Literal)}
        return Dict(told, not sure or len(told) < len(pairs))

    def _rounds(self, node: Any, generators: list[ast.comprehension], frame: Frame, items: list[Value]) -> bool:
        """Follow the rounds of a comprehension; tells whether all of them could be told."""
        if not generators:
            if isinstance(node, ast.DictComp):
                items.append(Items([self.value(node.key, frame), self.value(node.value, frame)]))
            else:
                items.append(self.value(node.elt, frame))
            return len(items) <= SIZE_LIMIT
        generator = generators[0]
        iterable = self.value(generator.iter, frame)
        rounds = elements(iterable)
        known = rounds is not None and len(rounds) <= UNROLL_LIMIT
        sure = known and not (isinstance(iterable, Items) and iterable.partial)
        for value in rounds if rounds is not None and known else [Unknown("varies in a loop")]:
            self.bind(generator.target, value, frame)
            truths = [self.truth(test, frame) for test in generator.ifs]
            if False in truths:
                continue
            doubtful = not sure or None in truths
            with self.doubt(f"a comprehension over what is not known (line {node.lineno})" if doubtful else ""):
                sure = self._rounds(node, generators[1:], frame, items) and sure and not doubtful
        return sure

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return Func(node, frame, "")

    def _named(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.value(node.value, frame)
        self.bind(node.target, value, frame)
        return value

    def _starred(self, node: ast.Starred, frame: Frame) -> Value:
        return self.value(node.value, frame)

    def _call(self, node: ast.Call, frame: Frame) -> Value:
        return self.call(node, frame)

    # --------------------------------------------------------------------------------------------------- truths

    def truth(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a condition holds; None where that is not known."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, frame)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            truths = [self.truth(child, frame) for child in node.values]
            deciding = isinstance(node.op, ast.Or)
            if deciding in truths:
                return deciding
            return None if None in truths else not deciding
        if isinstance(node, ast.Compare):
            return self._comparison(node, frame)
        return truth_of(self.value(node, frame))

    def _comparison(self, node: ast.Compare, frame: Frame) -> bool | None:
        if len(node.ops) != 1:
            return None
        op = node.ops[0]
        if isinstance(node.left, ast.Name) and node.left.id == "__name__":
            return isinstance(op, ast.NotEq)
        left, right = self.value(node.left, frame), self.value(node.comparators[0], frame)
        if isinstance(left, Literal) and isinstance(right, Literal):
            if isinstance(op, (ast.Eq, ast.Is)):
                return left.value == right.value
            return left.value != right.value if isinstance(op, (ast.NotEq, ast.IsNot)) else None
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(left, Literal):
            keys = elements(right)
            if keys is None or (isinstance(right, Items) and right.partial):
                return None
            if all(isinstance(key, Literal) for key in keys):
                return (left in keys) is isinstance(op, ast.In)
        return None

    # -------------------------------------------------------------------------------------------------- for facts

    def expr(self, value: Value, node: ast.expr, frame: Frame) -> Expr:
        """*value* as an expression for a fact. *node* is what said it."""
        self.budget = SIZE_LIMIT
        return self._stated(value, node, frame)

    def _stated(self, value: Value, node: ast.expr, frame: Frame, depth: int = 20) -> Expr:
        self.budget -= 1
        if self.budget < 0 or not depth:
            return Unknown("a collection that is too large")
        match value:
            case Items(items=items, partial=partial):
                if partial or len(items) > UNROLL_LIMIT:
                    return Unknown("a list that can't all be told")
                return e.Items(tuple(self._stated(item, node, frame, depth - 1) for item in items))
            case Dict(entries=entries, partial=partial):
                told = [
                    (key, shield(key, self._stated(inner, node, frame, depth - 1), self.file.path))
                    for key, inner in entries.items()
                    if isinstance(key, str)
                ]
                return e.Entries(tuple(told), partial or len(told) < len(entries))
            case Ref(written=written):
                owner = frame.scope.owner(written.partition(".")[0])
                inside = owner is not None and owner.kind == "function"
                return Name(self.file.path, written, owner.qualname if inside and owner is not None else "")
            case Channel(nodes=nodes):
                return Unknown("the output of a task" if nodes else "a parameter of the pipeline")
            case Task():
                return Unknown("the output of a task")
            case _ if isinstance(value, Expr):
                return value
        return UNKNOWN


def elements(value: Value) -> list[Value] | None:
    """What a loop over *value* takes in turn, of a partial one what is known; None where nothing is."""
    if isinstance(value, Items):
        return list(value.items)
    if isinstance(value, Dict) and not value.partial:
        return [Literal(key) for key in value.entries if isinstance(key, str | int | float | bool)]
    return None


def truth_of(value: Value) -> bool | None:
    """Whether *value* is true; None where that is not known."""
    if isinstance(value, Literal):
        return bool(value.value)
    if isinstance(value, (Items, Dict)):
        held = value.items if isinstance(value, Items) else value.entries
        return True if held else (None if value.partial else False)
    return True if isinstance(value, (Task, Component, Func)) else None


def either(one: Value, other: Value) -> Value:
    """What holds after a condition that is not known."""
    if one is other or other == Literal(None):
        return one
    if one == Literal(None):
        return other
    if isinstance(one, Component) and isinstance(other, Component):
        return one
    if holds_channel(one) or holds_channel(other):
        return merged([one, other])
    return Unknown("one of several, by a condition")


def _joined_names(outcomes: list[dict[str, Value]]) -> dict[str, Value]:
    result = dict(outcomes[0])
    for other in outcomes[1:]:
        for name, value in other.items():
            result[name] = either(result[name], value) if name in result else value
    return result


def _part(value: Value) -> Value:
    return Channel(tuple(nodes_of(value))) if holds_channel(value) else Unknown("unpacked from something computed")


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """The operands of an operator, whatever it is."""
    if isinstance(node, (ast.UnaryOp, ast.Await, ast.FormattedValue)):
        yield node.operand if isinstance(node, ast.UnaryOp) else node.value


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
    ast.Match: Follower._match,
    ast.FunctionDef: Follower._function,
    ast.AsyncFunctionDef: Follower._function,
    ast.ClassDef: Follower._class,
    ast.Import: Follower._import,
    ast.ImportFrom: Follower._import_from,
    ast.Break: lambda follower, node, frame: "break",
    ast.Continue: lambda follower, node, frame: "continue",
    ast.Raise: lambda follower, node, frame: "raise",
}
_VALUES: Final[dict[type, Callable[[Follower, Any, Frame], Value]]] = {
    ast.Name: Follower._name,
    ast.Attribute: Follower._attribute,
    ast.Subscript: Follower._subscript,
    ast.List: Follower._sequence,
    ast.Tuple: Follower._sequence,
    ast.Set: Follower._sequence,
    ast.Dict: Follower._dict,
    ast.BinOp: Follower._binary,
    ast.JoinedStr: Follower._formatted,
    ast.Compare: Follower._compared,
    ast.BoolOp: Follower._boolean,
    ast.IfExp: Follower._conditional,
    ast.ListComp: Follower._comprehension,
    ast.SetComp: Follower._comprehension,
    ast.GeneratorExp: Follower._comprehension,
    ast.DictComp: Follower._comprehension,
    ast.Lambda: Follower._lambda,
    ast.NamedExpr: Follower._named,
    ast.Starred: Follower._starred,
    ast.Call: Follower._call,
}
