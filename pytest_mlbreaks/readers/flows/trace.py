"""Follows the function of a flow through what it calls, and tells which calls are done before others begin.

Nothing is run. Each value is followed as the set of calls that it comes from. Where calls *block* (Prefect: a task that
is called, and not submitted), a call begins when the one before has ended; where they don't (Flyte, ``submit``), only
what a call is given keeps it waiting. Both branches of a condition are followed; what stands in a loop is followed
once, and is *mapped*.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from pytest_mlbreaks.formats.python import PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import children
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Argument, FlowNode

STEP_LIMIT: Final = 20_000
"""Statements and expressions followed for one flow."""
CALL_DEPTH: Final = 8
"""Functions of the file within one another."""

Origin = frozenset[int]
"""The calls, by number, that a value comes from."""
NOTHING: Final[Origin] = frozenset()


class TooMuchError(Exception):
    """The flow takes more than STEP_LIMIT to follow."""


@dataclasses.dataclass(frozen=True)
class Called:
    """What the tool makes of a call: a task or flow *callee*, that *blocks* or does not. Fields as in `FlowNode`."""

    callee: str
    operator: str = ""
    sure: bool = False
    submitted: bool = False
    blocks: bool = False
    mapped: bool = False
    title: str = ""
    starts: Expr | None = None
    waits: bool = True
    awaits: tuple[str, ...] = ()
    settings: tuple[Argument, ...] = ()


Recognise = Callable[[ast.Call, Scope, bool], Called | None]
"""Whether a call, in a scope, awaited or not, may be one of a task or a flow."""


@dataclasses.dataclass
class _Frame:
    """The names of one call of a function."""

    scope: Scope
    parent: _Frame | None
    names: dict[str, Origin]
    returned: Origin = NOTHING

    def find(self, name: str) -> Origin:
        frame: _Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return NOTHING


class Trace:
    """What one flow calls: *nodes*, in the order of the code."""

    def __init__(self, file: PythonFile, recognise: Recognise, waiting: frozenset[str], ordering: bool) -> None:
        self.file = file
        self.nodes: list[FlowNode] = []
        self._recognise = recognise
        self._waiting = waiting
        """Methods and functions that wait for what they are given."""
        self._ordering = ordering
        """Whether ``a >> b`` puts one call after the other."""
        self._done: Origin = NOTHING
        self._later: dict[int, set[int]] = {}
        self._loops = 0
        self._doubtful = 0
        self._steps = 0
        self._active: list[ast.AST] = []
        self._functions = {site.scope.qualname: site for site in file.functions}

    def follow(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> tuple[FlowNode, ...]:
        """The calls of the flow *node*. Raises TooMuchError or RecursionError where that takes too much."""
        frame = _Frame(scope, None, {})
        self._active.append(node)
        self._block(node.body, frame)
        return tuple(
            msgspec.structs.replace(one, after=tuple(sorted({*one.after, *self._later.get(index, ())} - {index})))
            for index, one in enumerate(self.nodes)
        )

    # ----------------------------------------------------------------------------------------------- statements

    def _block(self, statements: Iterable[ast.stmt], frame: _Frame) -> bool:
        """Follow statements; tells whether they end the function (or the loop's round)."""
        held = self._doubtful
        ended = False
        for statement in statements:
            self._tick()
            if self._statement(statement, frame):
                ended = True
                break
        self._doubtful = held
        return ended

    def _tick(self) -> None:
        self._steps += 1
        if self._steps > STEP_LIMIT:
            raise TooMuchError

    def _statement(self, node: Any, frame: _Frame) -> bool:
        kind = node.__class__
        if kind is ast.Expr:
            self._value(node.value, frame)
        elif kind is ast.Assign:
            self._assign(node, frame)
        elif kind in (ast.AnnAssign, ast.AugAssign):
            if node.value is not None:
                value = self._value(node.value, frame)
                before = self._value(node.target, frame) if kind is ast.AugAssign else NOTHING
                self._bind(node.target, value | before, frame)
        elif kind is ast.Return:
            if node.value is not None:
                frame.returned |= self._value(node.value, frame)
            return True
        elif kind is ast.Raise:
            return True
        elif kind is ast.If:
            return self._if(node, frame)
        elif kind in (ast.For, ast.AsyncFor):
            self._bind(node.target, self._value(node.iter, frame), frame)
            self._loop(node.body, node.orelse, frame)
        elif kind is ast.While:
            self._value(node.test, frame)
            self._loop(node.body, node.orelse, frame)
        elif kind in (ast.With, ast.AsyncWith):
            for item in node.items:
                value = self._value(item.context_expr, frame)
                if item.optional_vars is not None:
                    self._bind(item.optional_vars, value, frame)
            return self._block(node.body, frame)
        elif kind in (ast.Try, getattr(ast, "TryStar", ast.Try)):
            return self._try(node, frame)
        elif kind is ast.Match:
            self._value(node.subject, frame)
            self._branches([case.body for case in node.cases] + [[]], frame)
        elif kind is ast.Assert:
            self._value(node.test, frame)
        elif kind in (ast.Break, ast.Continue):
            return True
        return False

    def _assign(self, node: ast.Assign, frame: _Frame) -> None:
        """``a, b = f(), g()`` gives each its own."""
        elements = node.value.elts if isinstance(node.value, (ast.Tuple, ast.List)) else []
        values = [self._value(element, frame) for element in elements]
        whole = NOTHING.union(*values) if elements else self._value(node.value, frame)
        for target in node.targets:
            inner = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
            if inner and len(inner) == len(values) and not any(isinstance(t, ast.Starred) for t in (*inner, *elements)):
                for one, value in zip(inner, values, strict=True):
                    self._bind(one, value, frame)
            else:
                self._bind(target, whole, frame)

    def _if(self, node: ast.If, frame: _Frame) -> bool:
        self._value(node.test, frame)
        return self._branches([node.body, node.orelse], frame)

    def _branches(self, bodies: list[list[ast.stmt]], frame: _Frame) -> bool:
        """Follow each of *bodies*, one of which runs; tells whether all of them end the function."""
        names, done = dict(frame.names), self._done
        outcomes: list[tuple[dict[str, Origin], Origin]] = []
        ends = []
        for body in bodies:
            frame.names, self._done = dict(names), done
            self._doubtful += 1
            ended = self._block(body, frame)
            self._doubtful -= 1
            ends.append(ended)
            if not ended:
                outcomes.append((frame.names, self._done))
        frame.names, self._done = _merged(outcomes) if outcomes else (names, done)
        if any(ends) and not all(ends):
            self._doubtful += 1  # what follows in this block is not always come to
        return all(ends)

    def _loop(self, body: list[ast.stmt], orelse: list[ast.stmt], frame: _Frame) -> None:
        names, done = dict(frame.names), self._done
        self._loops += 1
        self._block(body, frame)
        self._loops -= 1
        frame.names, self._done = _merged([(names, done), (frame.names, self._done)])
        self._block(orelse, frame)

    def _try(self, node: Any, frame: _Frame) -> bool:
        names, done = dict(frame.names), self._done
        ended = self._block(node.body, frame)
        if not ended:
            ended = self._block(node.orelse, frame)
        outcomes = [] if ended else [(frame.names, self._done)]
        for handler in node.handlers:
            frame.names, self._done = dict(names), done
            self._doubtful += 1
            if not self._block(handler.body, frame):
                outcomes.append((frame.names, self._done))
            self._doubtful -= 1
        if outcomes:
            frame.names, self._done = _merged(outcomes)
        return self._block(node.finalbody, frame) or not outcomes

    def _bind(self, target: ast.expr, value: Origin, frame: _Frame) -> None:
        if isinstance(target, ast.Name):
            frame.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self._bind(element, value, frame)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, value, frame)
        elif isinstance(target, (ast.Subscript, ast.Attribute)):
            self._grow(target.value, value, frame)

    def _grow(self, owner: ast.expr, value: Origin, frame: _Frame) -> None:
        """Something is put into what *owner* names."""
        while isinstance(owner, (ast.Subscript, ast.Attribute)):
            owner = owner.value
        if isinstance(owner, ast.Name):
            frame.names[owner.id] = frame.find(owner.id) | value

    # ---------------------------------------------------------------------------------------------- expressions

    def _value(self, node: Any, frame: _Frame) -> Origin:
        """What calls the value of *node* comes from; calls in it are followed."""
        self._tick()
        kind = node.__class__
        if kind is ast.Constant or node is None:
            return NOTHING
        if kind is ast.Name:
            return frame.find(node.id)
        if kind is ast.Call:
            return self._call(node, frame)
        if kind is ast.Await:
            return self._await(node.value, frame)
        if kind in (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp):
            return self._comprehension(node, frame)
        if kind is ast.NamedExpr:
            value = self._value(node.value, frame)
            self._bind(node.target, value, frame)
            return value
        if kind in (ast.IfExp, ast.BoolOp):
            return self._some(node, frame)
        if kind is ast.BinOp and self._ordering and isinstance(node.op, (ast.RShift, ast.LShift)):
            return self._shift(node, frame)
        if kind is ast.Lambda:
            return NOTHING
        found = NOTHING
        for child in children(node):
            if isinstance(child, (ast.expr, ast.keyword)):
                found |= self._value(child.value if isinstance(child, ast.keyword) else child, frame)
        return found

    def _some(self, node: ast.IfExp | ast.BoolOp, frame: _Frame) -> Origin:
        """Operands of which not every one is come to."""
        first, *others = [node.test, node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        found = self._value(first, frame)
        found = NOTHING if isinstance(node, ast.IfExp) else found
        self._doubtful += 1
        for other in others:
            found |= self._value(other, frame)
        self._doubtful -= 1
        return found

    def _comprehension(self, node: Any, frame: _Frame) -> Origin:
        inner = _Frame(frame.scope, frame, {})
        for generator in node.generators:
            self._bind(generator.target, self._value(generator.iter, inner), inner)
        self._loops += 1
        conditions = [test for generator in node.generators for test in generator.ifs]
        for test in conditions:
            self._value(test, inner)
        parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        found = NOTHING
        for part in parts:
            found |= self._value(part, inner)
        self._loops -= 1
        return found

    def _shift(self, node: ast.BinOp, frame: _Frame) -> Origin:
        """``a >> b``: what *b* comes from begins when *a* is done; the whole is *b*."""
        left, right = self._value(node.left, frame), self._value(node.right, frame)
        first, then = (left, right) if isinstance(node.op, ast.RShift) else (right, left)
        for one in then:
            self._later.setdefault(one, set()).update(first)
        return right

    # ----------------------------------------------------------------------------------------------------- calls

    def _await(self, node: ast.expr, frame: _Frame) -> Origin:
        """What is awaited is done; but of what is submitted only the submission is awaited."""
        if isinstance(node, ast.Call) and (called := self._recognise(node, frame.scope, True)) is not None:
            return self._node(node, called, frame)
        value = self._value(node, frame)
        self._done |= value
        return value

    def _call(self, node: ast.Call, frame: _Frame) -> Origin:
        called = self._recognise(node, frame.scope, False)
        if called is not None:
            return self._node(node, called, frame)
        if self._ordering and (chain := self._conditional(node, frame.scope)):
            return self._cases(chain, frame)
        owner = self._value(node.func, frame) if not isinstance(node.func, ast.Name) else frame.find(node.func.id)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        given = [self._value(argument, frame) for argument in arguments]
        every = owner.union(*given)
        name = self.file.qualified(node.func, frame.scope) or ""
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
        if last in self._waiting and every:
            self._done |= every
        elif last in _GROWS and isinstance(node.func, ast.Attribute):
            self._grow(node.func.value, NOTHING.union(*given), frame)
        site = self._functions.get(name)
        if site is not None and site.node not in self._active and len(self._active) < CALL_DEPTH:
            return self._enter(node, site.node, site.scope, given, frame)
        return every

    def _conditional(self, node: ast.Call, scope: Scope) -> list[tuple[str, ast.Call]]:
        """The methods called upon ``conditional(...)``, the last first; none where *node* is no such chain."""
        chain: list[tuple[str, ast.Call]] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            chain.append((inner.func.attr, inner))
            inner = inner.func.value
        if not chain or not isinstance(inner, ast.Call):
            return []
        name = self.file.qualified(inner.func, scope) or ""
        return chain if name.rpartition(".")[2] == "conditional" else []

    def _cases(self, chain: list[tuple[str, ast.Call]], frame: _Frame) -> Origin:
        """``conditional("x").if_(...).then(a()).else_().then(b())``: each case waits for all conditions."""
        held = self._done
        for method, call in reversed(chain):
            if method in ("if_", "elif_"):
                self._done |= NOTHING.union(*(self._value(a, frame) for a in call.args))
        cases = [self._value(a, frame) for method, call in reversed(chain) if method == "then" for a in call.args]
        self._done = held
        return NOTHING.union(*cases)

    def _enter(self, call: ast.Call, function: Any, scope: Scope, given: list[Origin], frame: _Frame) -> Origin:
        """A plain function of the file: what it calls, the flow calls."""
        inner = _Frame(scope, frame if scope.parent is frame.scope else None, {})
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        if scope.receiver and names and isinstance(call.func, ast.Attribute):
            names = names[1:]
        for index, value in enumerate(given):
            if index < len(call.args):
                if index < len(names):
                    inner.names[names[index]] = value
            elif (keyword := call.keywords[index - len(call.args)].arg) is not None:
                inner.names[keyword] = value
        self._active.append(function)
        held = self._doubtful
        self._block(function.body, inner)
        self._doubtful = held
        self._active.pop()
        return inner.returned

    def _node(self, node: ast.Call, called: Called, frame: _Frame) -> Origin:
        given = NOTHING
        for part in _inside(node):
            given |= self._value(part, frame)
        index = len(self.nodes)
        self.nodes.append(
            FlowNode(
                callee=called.callee,
                operator=called.operator,
                sure=called.sure,
                submitted=called.submitted,
                title=called.title,
                after=tuple(sorted(given | self._done)),
                awaits=called.awaits,
                mapped=called.mapped or self._loops > 0,
                sometimes=self._doubtful > 0,
                starts=called.starts,
                waits=called.waits,
                settings=called.settings,
                place=self.file.place(node),
            )
        )
        mine = frozenset({index})
        if called.blocks:
            self._done = mine
        return mine


_GROWS: Final = frozenset({"append", "extend", "add", "insert", "update", "setdefault", "appendleft", "put"})
"""Methods that put what they are given into their object."""


def _inside(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call, and those of calls that it is made upon (``t.with_options(...).submit(x)``)."""
    yield from call.args
    for keyword in call.keywords:
        yield keyword.value
    owner: ast.expr = call.func
    while isinstance(owner, (ast.Attribute, ast.Call)):
        if isinstance(owner, ast.Call):
            yield from owner.args
            yield from (keyword.value for keyword in owner.keywords)
            owner = owner.func
        else:
            owner = owner.value
    yield owner  # a local name for `partial(task, given)`


def _merged(outcomes: list[tuple[dict[str, Origin], Origin]]) -> tuple[dict[str, Origin], Origin]:
    """What holds where one of several ways was taken."""
    names: dict[str, Origin] = {}
    done = NOTHING
    for held, ended in outcomes:
        done |= ended
        for name, value in held.items():
            names[name] = names.get(name, NOTHING) | value
    return names, done
