"""What a Python expression says about its value, as an `Expr`; nothing is computed that the file does not tell."""

from __future__ import annotations

import ast
import builtins
import math
import operator
import posixpath
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, Name, PathJoin, SecretKey, Unknown
from pytest_mlbreaks.secrets import redact_url, secret_key

if TYPE_CHECKING:
    from pytest_mlbreaks.formats.python import Binding, PythonFile, Scope

DEPTH_LIMIT: Final = 30
"""Levels of an expression, names followed included; what is deeper is unknown."""

SIZE_LIMIT: Final = 300
"""Nodes that one expression may draw in through local names; what is beyond is unknown."""

OPTIONS_LIMIT: Final = 5
"""Bindings of a local name that are told as alternatives."""

TEXT_LIMIT: Final = 4096
"""Characters. A longer text (a prompt, an embedded document) is not a value that systems agree upon."""

PATHS: Final = frozenset(
    f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")
)
_HERE: Final = frozenset({"os.getcwd", "pathlib.Path.cwd"})
_JOINS: Final = frozenset({"os.path.join", "posixpath.join"})
_SAME_PATH: Final = frozenset(
    {
        *("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser", "os.fspath"),
        *("posixpath.abspath", "posixpath.normpath"),
    }
)
_SAME_PATH_METHODS: Final = frozenset({"resolve", "absolute", "as_posix", "expanduser", "__str__", "__fspath__"})
ENVIRON_GET: Final = frozenset({"os.environ.get", "os.getenv"})
_NUMBERS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_KEY: Final = re.compile(r"[\w-]+")
_FIELD: Final = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")
_PERCENT: Final = re.compile(r"%%|%(?:\((\w+)\))?([sd])|%")
_TOKEN: Final = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22,}|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bhf_[A-Za-z0-9]{30,}|\bAIza[A-Za-z0-9_-]{35}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY"
)
"""Texts that are credentials by their form: AWS, GitHub, OpenAI, Slack, Hugging Face and Google keys, private keys."""


class Evaluator:
    """Turns the expressions of one file into `Expr`."""

    __slots__ = ("_active", "_budget", "_file", "_uses_file")

    def __init__(self, file: PythonFile) -> None:
        self._file = file
        self._budget = SIZE_LIMIT
        self._active: set[tuple[int, str]] = set()
        self._uses_file = file.mentions(b"__file__")

    def expr(self, node: ast.expr | None, scope: Scope) -> Expr:
        """What *node*, used in *scope*, says. None, where a value is left out, is the literal None."""
        if node is None:
            return Literal(None)
        if node.__class__ is ast.Constant:
            return self._constant(node.value)
        self._budget = SIZE_LIMIT
        self._active.clear()
        return self._expr(node, scope, DEPTH_LIMIT)

    def text(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The text that *node* is, through names of the file that are bound once; None where it is anything else."""
        if node.__class__ is ast.Constant:
            value = node.value
            return value if isinstance(value, str) and _encodable(value) else None
        if isinstance(node, ast.Name):
            owner = scope.owner(node.id)
            bindings = owner.names[node.id] if owner is not None else []
            if len(bindings) == 1 and isinstance(bindings[0], ast.Constant):
                return self.text(bindings[0], scope)
        return None

    def _expr(self, node: ast.expr, scope: Scope, depth: int) -> Expr:
        self._budget -= 1
        if depth <= 0 or self._budget < 0:
            return Unknown("an expression nested too deeply")
        if self._uses_file and node.__class__ in _STATIC:
            static = self._static(node, scope, depth)
            if static is not None:
                return Literal(static)
        handler = _HANDLERS.get(node.__class__)
        if handler is None:
            return Unknown(_REASONS.get(node.__class__, "an expression that is computed"))
        return handler(self, node, scope, depth - 1)

    # ------------------------------------------------------------------------------------------------- leaves

    def _constant(self, value: object) -> Expr:
        if isinstance(value, str):
            if len(value) > TEXT_LIMIT:
                return Unknown("a long text")
            if not _encodable(value):
                return Unknown("text that is not Unicode")
            if len(value) >= 16:
                if _TOKEN.search(value):
                    return SecretKey(self._file.path, "credential in the code")
                value = redact_url(value)
            return Literal(value)
        if value is None or isinstance(value, bool):
            return Literal(value)
        if isinstance(value, int):
            return Literal(value) if -(2**63) <= value < 2**63 else Unknown("a number over 64 bits")
        if isinstance(value, float):
            return Literal(value) if math.isfinite(value) else Unknown("an infinite number")
        return Unknown("bytes" if isinstance(value, bytes) else "an expression that is computed")

    def _literal(self, node: ast.Constant, scope: Scope, depth: int) -> Expr:
        return self._constant(node.value)

    def _name(self, node: ast.Name, scope: Scope, depth: int) -> Expr:
        name = node.id
        owner = scope.owner(name)
        path = self._file.path
        if owner is None:
            return Unknown(f"the builtin {name}") if hasattr(builtins, name) else Name(path, name)
        if owner.kind == "module":
            return Name(path, name)
        if owner.kind == "class":
            return Name(path, f"{owner.qualname}.{name}")
        key = (id(owner), name)
        if key in self._active:
            return Unknown(f"{name} depends on itself")
        bindings = owner.names[name]
        if len(bindings) > OPTIONS_LIMIT:
            return Unknown(f"{name} is bound in {len(bindings)} places")
        self._active.add(key)
        options = [self._binding(name, binding, owner, depth) for binding in bindings]
        self._active.discard(key)
        # `x = x or y` after `x = z` adds nothing that is not among the other options already
        itself = Unknown(f"{name} depends on itself")
        flat = [part for option in options for part in (option.options if isinstance(option, Choice) else (option,))]
        return choice([part for part in flat if part != itself] or [itself])

    def _binding(self, name: str, binding: Binding, owner: Scope, depth: int) -> Expr:
        if isinstance(binding, ast.expr):
            return self._expr(binding, owner, depth)
        if binding == "loop":
            return Unknown(f"{name} varies in a loop")
        if binding in ("part", "other"):
            return Unknown(f"{name} is computed")
        return Name(self._file.path, name, owner.qualname)

    def _attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Expr:
        dotted = self._dotted(node, scope)
        if dotted is not None:
            return self._member(dotted, scope, depth)
        if node.attr == "value":  # of an enumeration's member
            return self._expr(node.value, scope, depth)
        return Unknown(f"attribute {node.attr} of a value that is computed")

    def _dotted(self, node: ast.expr, scope: Scope) -> list[str] | None:
        """``a.b["c"]`` as a, b, c; None where another kind of expression is in it."""
        names: list[str] = []
        while True:
            if isinstance(node, ast.Attribute):
                names.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Subscript):
                key = self.text(node.slice, scope)
                if key is None or not _KEY.fullmatch(key):
                    return None
                names.append(key)
                node = node.value
            elif isinstance(node, ast.Name):
                names.append(node.id)
                names.reverse()
                return names
            else:
                return None

    def _member(self, names: list[str], scope: Scope, depth: int) -> Expr:
        first = names[0]
        method: Scope | None = scope
        while method is not None and first not in method.names:
            method = method.parent
        if method is not None and first == method.receiver and method.parent is not None:
            return self._own_attribute(names, method, depth)
        owner = scope.owner(first)
        where = owner.qualname if owner is not None and owner.kind == "function" else ""
        if owner is not None and owner.kind == "class":
            names = [*owner.qualname.split("."), *names]
        return Name(self._file.path, ".".join(names), where)

    def _own_attribute(self, names: list[str], method: Scope, depth: int) -> Expr:
        """``self.x``: what the class's methods assign to it, else the class's own."""
        cls = method.parent
        assert cls is not None
        attribute = names[1]
        bound = cls.attributes.get(attribute, [])
        key = (id(cls), attribute)
        if len(names) == 2 and 0 < len(bound) <= OPTIONS_LIMIT and attribute not in cls.names:
            if key in self._active:
                return Unknown(f"{attribute} depends on itself")
            self._active.add(key)
            options = [self._binding(attribute, binding, owner, depth) for binding, owner in bound]
            self._active.discard(key)
            return choice(options)
        if attribute in cls.names and not bound:
            return Name(self._file.path, ".".join((cls.qualname, *names[1:])))
        return Name(self._file.path, ".".join(names), method.qualname)

    def _subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> Expr:
        if self._file.qualified(node.value, scope) == "os.environ":
            key = self.text(node.slice, scope)
            return EnvVar(key) if key else Unknown("an environment variable whose name is computed")
        dotted = self._dotted(node, scope)
        if dotted is not None:
            return self._member(dotted, scope, depth)
        return Unknown("an element of a value that is computed")

    # -------------------------------------------------------------------------------------------- composition

    def _joined(self, node: ast.JoinedStr, scope: Scope, depth: int) -> Expr:
        return concat(self._expr(value, scope, depth) for value in node.values)

    def _formatted(self, node: ast.FormattedValue, scope: Scope, depth: int) -> Expr:
        if node.format_spec is not None or node.conversion not in (-1, 115):
            return Unknown("a formatted value")
        return self._expr(node.value, scope, depth)

    def _binary(self, node: ast.BinOp, scope: Scope, depth: int) -> Expr:
        kind = node.op.__class__
        if kind is ast.Div and self._is_path(node, scope, depth):
            return self._division(node, scope, depth)
        if kind is ast.Add:
            operands: list[ast.expr] = []
            left: ast.expr = node
            while isinstance(left, ast.BinOp) and left.op.__class__ is ast.Add:
                operands.append(left.right)
                left = left.left
            operands.append(left)
            operands.reverse()
            return self._sum([self._expr(operand, scope, depth) for operand in operands])
        left_value = self._expr(node.left, scope, depth)
        if kind is ast.Mod and isinstance(left_value, Literal) and isinstance(left_value.value, str):
            return self._percent(left_value.value, node.right, scope, depth)
        return _arithmetic(kind, left_value, self._expr(node.right, scope, depth))

    def _sum(self, parts: list[Expr]) -> Expr:
        if any(_is_text(part) for part in parts):
            return concat(parts)
        total = parts[0]
        for part in parts[1:]:
            total = _arithmetic(ast.Add, total, part)
        return total

    def _division(self, node: ast.BinOp, scope: Scope, depth: int) -> Expr:
        operands: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and left.op.__class__ is ast.Div:
            operands.append(left.right)
            left = left.left
        operands.append(left)
        operands.reverse()
        return self._path(operands, scope, depth)

    def _path(self, operands: list[ast.expr], scope: Scope, depth: int) -> Expr:
        """The operands joined as a path; a beginning that is told by ``__file__`` counts from the repository's root."""
        return path_join([self._expr(operand, scope, depth) for operand in operands])

    def _is_path(self, node: ast.expr, scope: Scope, depth: int) -> bool:
        """Whether an expression is a path for certain: made by pathlib, or divided by text."""
        while depth > 0:
            depth -= 1
            if isinstance(node, ast.BinOp):
                if node.op.__class__ is not ast.Div:
                    return False
                if isinstance(node.right, ast.JoinedStr) or self.text(node.right, scope) is not None:
                    return True
                node = node.left
            elif isinstance(node, ast.Attribute) and node.attr == "parent":
                node = node.value
            elif isinstance(node, ast.Call):
                function = node.func
                if isinstance(function, ast.Attribute) and function.attr in _SAME_PATH_METHODS | {"joinpath"}:
                    node = function.value
                else:
                    callee = self._file.qualified(function, scope)
                    return callee in PATHS or callee == "pathlib.Path.cwd"
            elif isinstance(node, ast.Name):
                owner = scope.owner(node.id)
                bindings = owner.names[node.id] if owner is not None else []
                if owner is None or len(bindings) != 1 or not isinstance(bindings[0], ast.expr):
                    return False
                node, scope = bindings[0], owner
            else:
                return False
        return False

    def _percent(self, text: str, right: ast.expr, scope: Scope, depth: int) -> Expr:
        """``"a/%s" % x``, with ``%s`` and ``%d`` only."""
        named: dict[str, ast.expr] = {}
        if isinstance(right, ast.Dict):
            for key, value in zip(right.keys, right.values, strict=True):
                name = self.text(key, scope)
                if name is not None:
                    named[name] = value
        values = list(right.elts) if isinstance(right, ast.Tuple) else [right]
        parts: list[Expr] = []
        end = 0
        for match in _PERCENT.finditer(text):
            parts.append(Literal(text[end : match.start()]))
            end = match.end()
            if match[0] == "%%":
                parts.append(Literal("%"))
                continue
            node = named.get(match[1]) if match[1] else (values.pop(0) if match[2] and values else None)
            if not match[2]:
                return Unknown("text formatted with %")
            parts.append(self._expr(node, scope, depth) if node is not None else Unknown("a formatted value"))
        parts.append(Literal(text[end:]))
        return concat(parts)

    def _format(self, text: str, call: ast.Call, scope: Scope, depth: int) -> Expr:
        """``"a/{}/{name}".format(x, name=y)``, without format specifications."""
        named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return Unknown("text formatted with unpacked arguments")
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
            index = int(field) if field.isascii() and field.isdigit() and len(field) < 4 else -1
            node = call.args[index] if 0 <= index < len(call.args) else named.get(field)
            parts.append(self._expr(node, scope, depth) if node is not None else Unknown("a formatted value"))
        parts.append(Literal(text[end:]))
        return concat(parts)

    def _if(self, node: ast.IfExp, scope: Scope, depth: int) -> Expr:
        return choice([self._expr(node.body, scope, depth), self._expr(node.orelse, scope, depth)])

    def _boolean(self, node: ast.BoolOp, scope: Scope, depth: int) -> Expr:
        if node.op.__class__ is not ast.Or:
            return Unknown("an expression that is computed")
        options = [self._expr(value, scope, depth) for value in node.values]
        first = options[0]
        if isinstance(first, EnvVar) and (first.default is None or _is_falsy(first.default)):
            default = choice(options[1:])
            return EnvVar(first.key, shield(first.key, default, self._file.path), first.scope, empty_counts=True)
        return choice(options)

    def _unary(self, node: ast.UnaryOp, scope: Scope, depth: int) -> Expr:
        value = self._expr(node.operand, scope, depth)
        if isinstance(value, Literal) and not isinstance(value.value, str) and value.value is not None:
            if isinstance(node.op, ast.USub):
                return self._constant(-value.value)
            if isinstance(node.op, ast.Not):
                return Literal(not value.value)
        return Unknown("an expression that is computed")

    def _named(self, node: ast.NamedExpr, scope: Scope, depth: int) -> Expr:
        return self._expr(node.value, scope, depth)

    # -------------------------------------------------------------------------------------------------- calls

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Expr:
        callee = self._file.qualified(node.func, scope)
        arguments = node.args
        if callee is not None:
            if callee in ENVIRON_GET:
                return self._environ(node, scope, depth)
            if any(isinstance(argument, ast.Starred) for argument in arguments):
                return Unknown(f"result of a call to {callee}")
            if callee in _JOINS or (callee in PATHS and len(arguments) > 1):
                return self._path(arguments, scope, depth)
            if len(arguments) == 1 and not node.keywords:
                if callee in PATHS or callee in _SAME_PATH:
                    return self._expr(arguments[0], scope, depth)
                if callee in _CASTS:
                    return self._cast(callee, self._expr(arguments[0], scope, depth))
                if callee == "os.path.dirname":
                    return _dirname(self._expr(arguments[0], scope, depth))
            if callee in _HERE or (callee in PATHS and not arguments):
                return Literal(".")
        if isinstance(node.func, ast.Attribute):
            method = self._method(node, node.func, scope, depth)
            if method is not None:
                return method
        return Unknown(f"result of a call to {callee}" if callee and len(callee) < 80 else "result of a call")

    def _method(self, node: ast.Call, function: ast.Attribute, scope: Scope, depth: int) -> Expr | None:
        """Methods of text and paths that change nothing, or join and fill in."""
        name, owner = function.attr, function.value
        if name == "format":
            base = self._expr(owner, scope, depth)
            if isinstance(base, Literal) and isinstance(base.value, str):
                return self._format(base.value, node, scope, depth)
        elif name == "join" and len(node.args) == 1 and isinstance(node.args[0], (ast.List, ast.Tuple)):
            separator = self.text(owner, scope)
            elements = node.args[0].elts
            if separator is not None and not any(isinstance(e, ast.Starred) for e in elements):
                parts: list[Expr] = []
                for element in elements:
                    parts += [Literal(separator)] if parts else []
                    parts.append(self._expr(element, scope, depth))
                return concat(parts)
        elif name == "joinpath" and not any(isinstance(a, ast.Starred) for a in node.args):
            if self._is_path(owner, scope, depth):
                return self._path([owner, *node.args], scope, depth)
        elif name in _SAME_PATH_METHODS and not node.args and self._is_path(owner, scope, depth):
            return self._expr(owner, scope, depth)
        elif name == "strip" and not node.args:
            base = self._expr(owner, scope, depth)
            return base if isinstance(base, (EnvVar, Concat)) else None
        return None

    def _environ(self, node: ast.Call, scope: Scope, depth: int) -> Expr:
        key, default = environ_arguments(node)
        name = self.text(key, scope)
        if not name:
            return Unknown("an environment variable whose name is computed")
        value = self._expr(default, scope, depth) if default is not None else None
        if value == Literal(None):
            value = None
        return EnvVar(name, shield(name, value, self._file.path) if value is not None else None)

    def _cast(self, callee: str, value: Expr) -> Expr:
        if isinstance(value, Literal):
            try:
                return self._constant(_CASTS[callee](value.value))
            except (TypeError, ValueError, OverflowError):
                return Unknown(f"result of a call to {callee}")
        return value

    # -------------------------------------------------------------------------------- paths told by __file__

    def _static(self, node: ast.expr, scope: Scope, depth: int) -> str | None:
        """The path, relative to the repository's root, that an expression upon ``__file__`` is; else None."""
        if depth <= 0:
            return None
        if isinstance(node, ast.Name):
            owner = scope.owner(node.id)
            if owner is None:
                return self._file.path if node.id == "__file__" else None
            bindings = owner.names[node.id]
            if len(bindings) == 1 and isinstance(bindings[0], ast.expr):
                return self._static(bindings[0], owner, depth - 1)
        elif isinstance(node, ast.Attribute):
            if node.attr == "parent":
                return _up(self._static(node.value, scope, depth - 1))
        elif isinstance(node, ast.Subscript):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
                return self._ancestor(node, self._static(node.value.value, scope, depth - 1))
        elif isinstance(node, ast.BinOp):
            if node.op.__class__ is ast.Div:
                return self._static_join(self._static(node.left, scope, depth - 1), [node.right], scope)
        elif isinstance(node, ast.Call):
            return self._static_call(node, scope, depth)
        return None

    def _static_call(self, node: ast.Call, scope: Scope, depth: int) -> str | None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _SAME_PATH_METHODS:
            return self._static(function.value, scope, depth - 1)
        if isinstance(function, ast.Attribute) and function.attr == "joinpath":
            return self._static_join(self._static(function.value, scope, depth - 1), node.args, scope)
        if not node.args:
            return None
        callee = self._file.qualified(function, scope)
        if callee == "os.path.dirname":
            return _up(self._static(node.args[0], scope, depth - 1))
        if callee in PATHS or callee in _JOINS or callee in _SAME_PATH or callee == "builtins.str":
            return self._static_join(self._static(node.args[0], scope, depth - 1), node.args[1:], scope)
        return None

    def _static_join(self, base: str | None, others: list[ast.expr], scope: Scope) -> str | None:
        if base is None:
            return None
        texts = [self.text(other, scope) for other in others]
        if any(text is None or text.startswith("/") for text in texts):
            return None
        joined = posixpath.normpath(posixpath.join(base, *(text for text in texts if text is not None)))
        return None if joined.startswith("..") else joined

    def _ancestor(self, node: ast.Subscript, path: str | None) -> str | None:
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 50:
            return None
        for _ in range(index + 1):
            path = _up(path)
        return path


def _up(path: str | None) -> str | None:
    return None if path in (None, ".") else posixpath.dirname(path) or "."


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return False
    return True


def _is_text(expr: Expr) -> bool:
    if isinstance(expr, Literal):
        return isinstance(expr.value, str)
    return isinstance(expr, Concat | PathJoin)


def _is_falsy(expr: Expr) -> bool:
    return isinstance(expr, Literal) and not expr.value


def _dirname(expr: Expr) -> Expr:
    if isinstance(expr, Literal) and isinstance(expr.value, str):
        return Literal(posixpath.dirname(expr.value))
    return Unknown("the folder of a path that is computed")


def _arithmetic(kind: type[ast.operator], left: Expr, right: Expr) -> Expr:
    function = _NUMBERS.get(kind)
    if function is not None and isinstance(left, Literal) and isinstance(right, Literal):
        a, b = left.value, right.value
        if isinstance(a, (int, float)) and isinstance(b, (int, float)):
            try:
                result = function(a, b)
            except (ArithmeticError, ValueError):
                return Unknown("a calculation that fails")
            if isinstance(result, float) and not math.isfinite(result):
                return Unknown("an infinite number")
            if -(2**63) <= result < 2**63:
                return Literal(result)
    return Unknown("a calculation")


def choice(options: list[Expr]) -> Expr:
    """One of *options*, each once, those of a choice among them on their own; the option itself where there is one."""
    flat = (part for option in options for part in (option.options if isinstance(option, Choice) else (option,)))
    unique = list(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else Choice(tuple(unique))


def concat(parts: Iterable[Expr]) -> Expr:
    """The parts as one text, neighbouring literals joined."""
    flat: list[Expr] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Concat) else (part,):
            if isinstance(piece, Literal):
                text = piece.value if isinstance(piece.value, str) else str(piece.value)
                if flat and isinstance(flat[-1], Literal):
                    text = f"{flat.pop().value}{text}"  # type: ignore[union-attr]
                flat.append(Literal(text))
            else:
                flat.append(piece)
    flat = [piece for piece in flat if piece != Literal("")]
    if not flat:
        return Literal("")
    return flat[0] if len(flat) == 1 else Concat(tuple(flat))


def path_join(parts: list[Expr]) -> Expr:
    """The parts as one path; a literal where all of them are."""
    flat: list[Expr] = []
    for part in parts:
        flat += part.parts if isinstance(part, PathJoin) else (part,)
    texts = [part.value for part in flat if isinstance(part, Literal) and isinstance(part.value, str)]
    if len(texts) == len(flat):
        return Literal(posixpath.join(*texts))
    return flat[0] if len(flat) == 1 else PathJoin(tuple(flat))


def shield(name: str, expr: Expr, path: str) -> Expr:
    """The expression, or a `SecretKey` in place of each text in it where *name* is that of a secret."""
    if isinstance(expr, Unknown | Name) or (isinstance(expr, Literal) and _tells_nothing(expr)) or not secret_key(name):
        return expr
    return _hide(expr, name, path)


def _tells_nothing(expr: Literal) -> bool:
    """Whether a literal is no secret under whatever name: nothing, empty, or a truth value."""
    return not expr.value or expr.value is True


def _hide(expr: Expr, name: str, path: str) -> Expr:
    if isinstance(expr, Literal):
        return expr if _tells_nothing(expr) else SecretKey(path, name)
    if isinstance(expr, Concat):
        return SecretKey(path, name)
    if isinstance(expr, Choice):
        return choice([_hide(option, name, path) for option in expr.options])
    if isinstance(expr, EnvVar) and expr.default is not None:
        return EnvVar(expr.key, _hide(expr.default, name, path), expr.scope, expr.empty_counts)
    return expr


def environ_arguments(node: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    """Key and default of a call like ``os.environ.get(key, default)``; None for what is not given, or unpacked."""
    key: ast.expr | None = None
    default: ast.expr | None = None
    if node.args and not isinstance(node.args[0], ast.Starred):
        key = node.args[0]
        default = node.args[1] if len(node.args) > 1 else None
    for keyword in node.keywords:
        if keyword.arg == "key":
            key = keyword.value
        elif keyword.arg == "default":
            default = keyword.value
    return key, default


_CASTS: Final[dict[str, Callable[[Any], object]]] = {"builtins.str": str, "builtins.int": int, "builtins.float": float}
_STATIC: Final = frozenset({ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.Call})
_HANDLERS: Final[dict[type, Callable[[Evaluator, Any, Scope, int], Expr]]] = {
    ast.Constant: Evaluator._literal,
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._attribute,
    ast.Subscript: Evaluator._subscript,
    ast.JoinedStr: Evaluator._joined,
    ast.FormattedValue: Evaluator._formatted,
    ast.BinOp: Evaluator._binary,
    ast.IfExp: Evaluator._if,
    ast.BoolOp: Evaluator._boolean,
    ast.UnaryOp: Evaluator._unary,
    ast.NamedExpr: Evaluator._named,
    ast.Call: Evaluator._call,
}
_REASONS: Final[dict[type, str]] = {
    **dict.fromkeys((ast.List, ast.Tuple, ast.Set), "a list"),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "a comprehension"),
    ast.Dict: "a dictionary",
    ast.Lambda: "a function",
    ast.Compare: "a comparison",
    ast.Await: "an awaited result",
    ast.Starred: "unpacked arguments",
}
