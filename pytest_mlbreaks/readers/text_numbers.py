"""Variables of the environment, which are text, where code needs a number and nothing makes one of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Literal as L

import msgspec

from pytest_mlbreaks.formats.python import PYTHON, PythonFile, Scope
from pytest_mlbreaks.formats.python_expr import ENVIRON_GET, environ_arguments
from pytest_mlbreaks.formats.python_nodes import within
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import TextAsNumber
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_POSITIONAL = {
    **dict.fromkeys(("builtins.range", "time.sleep", "asyncio.sleep", "builtins.abs", "builtins.round"), 3),
    **dict.fromkeys(("asyncio.Semaphore", "aiohttp.ClientTimeout", "lru.LRU"), 1),
    **dict.fromkeys(("concurrent.futures.ThreadPoolExecutor", "concurrent.futures.ProcessPoolExecutor"), 1),
}
"""Callables that take numbers by position, and how many arguments may be one."""
_NAMED = {
    "aiohttp.ClientTimeout": frozenset({"total", "connect", "sock_read", "sock_connect"}),
    "concurrent.futures.ThreadPoolExecutor": frozenset({"max_workers"}),
    "concurrent.futures.ProcessPoolExecutor": frozenset({"max_workers"}),
    "torch.utils.data.DataLoader": frozenset({"batch_size", "num_workers"}),
    "datetime.timedelta": frozenset({"days", "hours", "minutes", "seconds", "weeks", "milliseconds"}),
    "asyncio.wait_for": frozenset({"timeout"}),
    "asyncio.Semaphore": frozenset({"value"}),
    "collections.deque": frozenset({"maxlen"}),
    "functools.lru_cache": frozenset({"maxsize"}),
    **dict.fromkeys((f"requests.{verb}" for verb in ("get", "post", "put", "delete", "patch")), frozenset({"timeout"})),
}
"""The arguments of callables that refuse text: the first use of the argument compares it, adds to it, or asks for its
type. (A port is none: sockets, and what converts it itself, take text.)"""
_USES = frozenset({ast.BinOp, ast.Compare, ast.Slice, ast.Call})
"""Nodes that may use a number."""
_LIKE_A_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_NEVER_TEXT = (ast.Sub, ast.FloorDiv, ast.Pow)
"""Operators that text does not have, whatever stands at the other side."""
_ALSO_NUMBERS = (ast.Add, ast.Mult, ast.Div)


class _Variable(msgspec.Struct, frozen=True):
    """A variable as one place of the code asks for it."""

    key: str
    default: L["", "number", "text"]
    node: ast.expr


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """Each such use in one module, in the functions and at module level."""
    if file.tree is None or not (file.mentions(b"environ") or file.mentions(b"getenv")):
        return
    variables = dict(_variables(file))
    for site in file.calls if variables else ():
        if site.callee not in _POSITIONAL and site.callee not in _NAMED:
            for argument in site.node.args:
                variables.pop(id(argument), None)  # made a number, or given to what takes text
    if not variables:
        return
    found: list[TextAsNumber] = []
    everywhere = _are_shared(file, variables)
    places = [(site.node.body, site.scope) for site in file.functions if everywhere or _asks(site.scope, variables)]
    for body, scope in ((file.tree.body, file.module), *places):
        uses = _Uses(file, scope, variables)
        for node in within(body):
            if node.__class__ in _USES:
                found += uses.of(node)
    yield from sorted(found, key=lambda use: (use.place.line or 0, use.place.column or 0))


def _are_shared(file: PythonFile, variables: Mapping[int, _Variable]) -> bool:
    """Whether the module, a class or an object gives a variable a name, by which any function may use it."""
    for scope in (file.module, *(site.scope for site in file.classes)):
        bound = (*scope.names.values(), *([one for one, _ in given] for given in scope.attributes.values()))
        if any(id(one) in variables for bindings in bound for one in bindings):
            return True
    return False


def _asks(scope: Scope, variables: Mapping[int, _Variable]) -> bool:
    """Whether a variable is asked for in the function, or in one around it."""
    outer = scope
    while scope.parent is not None:
        outer = scope if scope.kind == "function" else outer
        scope = scope.parent
    first, last = getattr(outer.node, "lineno", 0), getattr(outer.node, "end_lineno", 0)
    return any(first <= one.node.lineno <= last for one in variables.values())


def _variables(file: PythonFile) -> Iterator[tuple[int, _Variable]]:
    """Each variable that is asked for, by the id of the node that gets it."""
    for name in ENVIRON_GET:
        for site in file.calls_by_name.get(name, ()):
            key, default = environ_arguments(site.node)
            text = file.text(key, site.scope)
            kind = _kind(file, default, site.scope)
            if text and kind is not None:
                yield id(site.node), _Variable(text, kind, site.node)
    for part in file.subscripts:
        text = file.text(part.node.slice, part.scope)
        if text and file.qualified(part.node.value, part.scope) == "os.environ":
            yield id(part.node), _Variable(text, "", part.node)


def _kind(file: PythonFile, default: ast.expr | None, scope: Scope) -> L["", "number", "text"] | None:
    """What a default is; "" where there is none, None where it is no number, or can't be told."""
    if isinstance(default, ast.Name):
        owner = scope.owner(default.id)
        bound = owner.names[default.id] if owner is not None else []
        default = bound[0] if len(bound) == 1 and isinstance(bound[0], ast.Constant) else default
    value = file.expr(default, scope)
    if not isinstance(value, Literal) or isinstance(value.value, bool):
        return None
    if value.value is None:
        return ""
    if isinstance(value.value, str):
        return "text" if _LIKE_A_NUMBER.fullmatch(value.value) else None
    return "number"


class _Uses:
    """The uses in one function, or in the code outside of functions."""

    def __init__(self, file: PythonFile, scope: Scope, variables: dict[int, _Variable]) -> None:
        self._file = file
        self._scope = scope
        self._variables = variables

    def of(self, node: ast.AST) -> Iterator[TextAsNumber]:
        """Those that *node* itself is."""
        if isinstance(node, ast.BinOp):
            yield from self._operands(node)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for index, operator in enumerate(node.ops):
                for one, other in ((sides[index], sides[index + 1]), (sides[index + 1], sides[index])):
                    if isinstance(operator, _ORDER) and self._is_number(other):
                        yield from self._use(one, node, "order")
                    elif isinstance(operator, (ast.Eq, ast.NotEq)) and _number(other):
                        yield from self._use(one, node, "equal")
        elif isinstance(node, ast.Slice):
            for bound in (node.lower, node.upper):
                if bound is not None:
                    yield from self._use(bound, node, "slice")
        elif isinstance(node, ast.Call):
            yield from self._arguments(node)

    def _operands(self, node: ast.BinOp) -> Iterator[TextAsNumber]:
        if isinstance(node.op, _NEVER_TEXT):
            yield from self._use(node.left, node, "counted")
        repeats = isinstance(node.op, ast.Mult)
        for one, other in ((node.left, node.right), (node.right, node.left)):
            plain = isinstance(node.op, _ALSO_NUMBERS) or (isinstance(node.op, _NEVER_TEXT) and one is node.right)
            if plain and self._is_number(other):
                yield from self._use(one, node, "repeated" if repeats else "counted")

    def _arguments(self, node: ast.Call) -> Iterator[TextAsNumber]:
        callee = self._file.qualified(node.func, self._scope) or ""
        named = _NAMED.get(callee, frozenset())
        for argument in node.args[: _POSITIONAL.get(callee, 0)]:
            yield from self._use(argument, node, "argument")
        for keyword in node.keywords:
            if keyword.arg in named:
                yield from self._use(keyword.value, node, "argument")

    def _use(
        self, part: ast.expr, node: ast.AST, how: L["order", "equal", "slice", "counted", "repeated", "argument"]
    ) -> Iterator[TextAsNumber]:
        variable = self._variable(part)
        if variable is None or (how in ("slice", "repeated") and variable.default != "number"):
            return  # a slice of a frame may be of dates, and text may be meant to be repeated
        yield TextAsNumber(
            place=self._file.place(node if hasattr(node, "lineno") else part),
            variable=variable.key,
            default=variable.default,
            how=how,
            written=" ".join(ast.unparse(node).split())[:80],
            read=self._file.place(variable.node),
            scope=self._scope.function,
        )

    def _variable(self, node: ast.expr) -> _Variable | None:
        """The variable that *node* is: asked for in its place, or by the one assignment to what it names."""
        found = self._variables.get(id(node))
        if found is None and isinstance(node, ast.Name):
            owner = self._scope.owner(node.id)
            bound = owner.names[node.id] if owner is not None else ()
            found = self._bound(list(bound))
        elif found is None and isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            method = self._scope
            while method.kind == "function" and not method.receiver and method.parent is not None:
                method = method.parent
            if method.receiver and method.receiver == node.value.id and method.parent is not None:
                own = method.parent
                if node.attr not in own.names:
                    found = self._bound([one for one, _ in own.attributes.get(node.attr, ())])
        return found

    def _bound(self, bindings: list[object]) -> _Variable | None:
        return self._variables.get(id(bindings[0])) if len(bindings) == 1 else None

    def _is_number(self, node: ast.expr) -> bool:
        """Whether *node* is certainly a number: one that is written, a length, a time, or what is counted of them."""
        if _number(node):
            return True
        if isinstance(node, ast.BinOp):
            return self._is_number(node.left) and self._is_number(node.right)
        if isinstance(node, ast.Call):
            return self._file.qualified(node.func, self._scope) in (
                "builtins.len",
                "time.time",
                "builtins.int",
                "builtins.float",
            )
        return False


def _number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


READER: Reader[PythonFile] = Reader("text-numbers", 1, PYTHON, (TextAsNumber,), claims, read)
