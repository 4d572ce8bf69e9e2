"""Python source: parsed once, walked once, and indexed for every reader that asks.

Nothing is imported or run. A file that does not parse becomes one diagnostic.

How callees are named (`PythonFile.qualified`):

- a name that an import binds: the imported name, dots included (``pd.read_csv`` -> ``pandas.read_csv``); relative
  imports keep their dots (``from .settings import load`` -> ``.settings.load``);
- a function or class of the file: its own qualified name (``load``, ``Model.predict`` for ``self.predict``);
- a builtin that the file does not redefine: ``builtins.open``;
- what is called on the result of a call: ``boto3.client().put_object``, also through a name or ``self`` attribute that
  is bound once, a ``with ... as`` and a parameter whose annotation is an imported class (``pandas.DataFrame().merge``);
- a method of anything else: ``*.put_object``; a call of a value that is not known has no name, but a name that the file
  does not bind at all is itself.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from pytest_mlbreaks.formats.python_expr import Evaluator
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Import
from pytest_mlbreaks.reading import Format, Source

Binding = ast.expr | Literal["parameter", "import", "definition", "loop", "part", "other"]
"""What binds a name: the expression, or how else it came about (``part``: by unpacking; ``other``: ``+=``, ``del``,
``global`` in a function, ``except ... as``, a pattern)."""

CHAIN_LIMIT: Final = 8
"""Calls upon results of calls, and names bound to names, that a qualified name follows; then the object is unknown."""

_BUILTINS: Final = frozenset(dir(builtins))


class Scope:
    """A module, class or function body, and the names bound in it."""

    __slots__ = (
        *("assignments", "attributes", "calls", "forwarded", "imports", "kind", "names", "node", "parameters"),
        *("parent", "qualname", "resolved"),
    )

    def __init__(
        self, kind: Literal["module", "class", "function"], qualname: str, parent: Scope | None, node: ast.AST
    ) -> None:
        self.kind = kind
        self.qualname = qualname
        self.parent = parent
        self.node = node
        self.names: dict[str, list[Binding]] = {}
        self.imports: dict[str, str] = {}
        """Qualified names by the name that an import binds."""
        self.attributes: dict[str, list[tuple[Binding, Scope]]] = {}
        """Of a class: what its methods assign to attributes of their first parameter."""
        self.assignments: list[Assignment] = []
        """Of a module or class: its assignments to plain names, in order."""
        self.parameters: dict[str, ast.arg] = {}
        self.calls: dict[str, bool] = {}
        """Callee names of the calls in it, in order, and whether it comes to them only in some cases; those of nested
        functions and classes are theirs."""
        self.forwarded: set[str] = set()
        """Names that ``global`` or ``nonlocal`` hand to an outer scope."""
        self.resolved: dict[str, str] = {}

    def owner(self, name: str) -> Scope | None:
        """The scope whose binding *name* means when it is used here, by Python's rules; None where there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None

    @property
    def function(self) -> str:
        """The qualified name of the enclosing function, or "" at module level and in the class bodies there."""
        scope: Scope | None = self
        while scope is not None and scope.kind == "class":
            scope = scope.parent
        return scope.qualname if scope is not None else ""

    @property
    def receiver(self) -> str:
        """The name of a method's first parameter (``self``, ``cls``); "" for everything that is no method."""
        if self.kind == "function" and self.parent is not None and self.parent.kind == "class":
            return next(iter(self.parameters), "")
        return ""

    def __repr__(self) -> str:
        return f"<Scope {self.kind} {self.qualname or '(module)'}>"


class Assignment(msgspec.Struct, frozen=True):
    """``name: annotation = value`` in a module or class body; an annotation alone has no value."""

    name: str
    value: Any  # ast.expr | None
    annotation: Any  # ast.expr | None
    node: Any  # ast.stmt


class CallSite(msgspec.Struct):
    """A call. *loops* are the enclosing loops and comprehensions of its scope, outermost first; *contexts* the
    ``with`` items around it there; *result* the name (or ``self.attribute``) that its result is bound to, or "".
    *callee* is its qualified name, "" where it has none; *conditional*: it stands where code of its module or function
    comes to only in some cases (below an ``if``, behind one that returns, behind ``or``, in a handler); *dropped*: it
    is a statement of its own, so that nothing gets its result."""

    node: ast.Call
    scope: Scope
    loops: tuple[ast.AST, ...]
    contexts: tuple[ast.withitem, ...]
    result: str
    callee: str = ""
    conditional: bool = False
    dropped: bool = False


class FunctionSite(msgspec.Struct, frozen=True):
    """A function or method. *scope* is its own scope, whose parent is where it is defined; *loops* and *contexts* as
    in `CallSite`, of the place of its definition."""

    node: Any  # ast.FunctionDef | ast.AsyncFunctionDef
    scope: Scope
    loops: tuple[ast.AST, ...]
    contexts: tuple[ast.withitem, ...]


class ClassSite(msgspec.Struct, frozen=True):
    """A class. *scope* is its own scope."""

    node: ast.ClassDef
    scope: Scope


class ExpressionSite(msgspec.Struct, frozen=True):
    """A statement that is an operator expression (``extract >> load``). Fields as in `CallSite`."""

    node: ast.expr
    scope: Scope
    loops: tuple[ast.AST, ...]
    contexts: tuple[ast.withitem, ...]


class SubscriptSite(msgspec.Struct, frozen=True):
    """A subscript that is read, of a name or of an attribute called ``environ``. *conditional* as in `CallSite`."""

    node: ast.Subscript
    scope: Scope
    conditional: bool = False


class PythonFile:
    """A Python file, parsed and indexed.

    *tree* is None where the file does not parse; every index is then empty and *diagnostics* says why.
    *calls*, *functions*, *classes*, *expressions* and *subscripts* are in no particular order across statements.
    A notebook is one too (`pytest_mlbreaks.formats.notebook`): one module of all its cells.
    """

    kind = "python"
    """Under what it is counted in reports."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.diagnostics: list[Diagnostic] = []
        self.tree: ast.Module | None = None
        self.module = Scope("module", "", None, ast.Module([], []))
        self.imports: list[Import] = []
        self.star_imports: list[str] = []
        self.calls: list[CallSite] = []
        self.functions: list[FunctionSite] = []
        self.classes: list[ClassSite] = []
        self.expressions: list[ExpressionSite] = []
        self.subscripts: list[SubscriptSite] = []
        self.or_defaults: dict[int, ast.expr] = {}
        """By the id of a call or subscript node ``x`` in ``x or y``: ``y``."""
        self.changed: set[str] = set()
        """Names of which an element is assigned somewhere (``CONFIG["k"] = v``)."""
        self.main = False
        """Whether it has an ``if __name__ == "__main__"`` that does more than print."""
        self.calls_by_name: dict[str, list[CallSite]] = {}
        """Calls by qualified callee name."""
        self.methods_by_name: dict[str, list[CallSite]] = {}
        """Calls upon values (``*.to_csv``, ``pandas.read_csv().to_csv``) by the method's name (``to_csv``)."""
        self._data = data
        self._wide: dict[int, bytes] | None = None
        self._roots: frozenset[str] | None = None
        self._ascii = data.isascii()
        self._evaluator = Evaluator(self)
        try:
            self._read()
        except RecursionError:
            self._reset()
            self.diagnostics.append(Diagnostic(Place(path, 1), "error", "Python code is nested too deeply; not read"))

    def _read(self) -> None:
        tree = self._parsed()
        if isinstance(tree, Diagnostic):
            self.diagnostics.append(tree)
            return
        self.tree = tree
        self.module.node = tree
        _Walk(self).module(tree)
        self._index()

    def _parsed(self) -> ast.Module | Diagnostic:
        return parse_python(self.path, self._data)

    def _reset(self) -> None:
        self.tree = None
        self.module = Scope("module", "", None, ast.Module([], []))
        for index in (self.imports, self.star_imports, self.calls, self.functions, self.classes, self.expressions):
            index.clear()
        self.subscripts.clear()
        self.changed.clear()
        self.or_defaults.clear()
        self.main = False
        self.calls_by_name.clear()
        self.methods_by_name.clear()

    def release(self) -> None:
        """Forget everything, so that the tree of nodes is freed at once; the file answers nothing afterwards."""
        for cls in self.classes:
            cls.scope.attributes.clear()  # a class knows its methods here, and they know it as their parent
        self.__dict__.clear()

    def _index(self) -> None:
        """Name the callees of all calls, and list the calls by them."""
        by_name, methods = self.calls_by_name, self.methods_by_name
        for site in self.calls:
            node: Any = site.node.func
            scope = site.scope
            callee: str | None
            # what nearly all calls are is told here, as `_qualified` would
            if node.__class__ is ast.Attribute and node.value.__class__ is ast.Name:
                name = node.value.id
                base = scope.resolved.get(name) or self._resolve(name, scope, CHAIN_LIMIT)
                if base != "*":
                    callee = f"{base}.{node.attr}"
                elif name == scope.receiver:
                    callee = self._qualified(node, scope, CHAIN_LIMIT)
                else:
                    callee = "*." + node.attr
            else:
                callee = self._qualified(node, scope, CHAIN_LIMIT)
            if callee is None:
                continue
            site.callee = callee
            called = scope.calls
            called[callee] = site.conditional and called.get(callee, True)
            sites = by_name.get(callee)
            if sites is None:
                by_name[callee] = [site]
            else:
                sites.append(site)
            if callee[0] == "*" or "()" in callee:
                method = callee[callee.rfind(".") + 1 :]
                sites = methods.get(method)
                if sites is None:
                    methods[method] = [site]
                else:
                    sites.append(site)

    def sites(self, wanted: str) -> list[CallSite]:
        """The calls of *wanted*: a qualified name, or ``*.name`` for a method ``name`` of whatever value."""
        if wanted.startswith("*."):
            return self.methods_by_name.get(wanted[2:], [])
        return self.calls_by_name.get(wanted, [])

    def qualified(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The dotted name of what *node* refers to in *scope* (see the module's text); None where it has none."""
        return self._qualified(node, scope, CHAIN_LIMIT)

    def _qualified(self, node: Any, scope: Scope, depth: int) -> str | None:
        names: list[str] = []
        kind = node.__class__
        while kind is ast.Attribute:
            names.append(node.attr)
            node = node.value
            kind = node.__class__
        if kind is ast.Name:
            identifier = node.id
            base = scope.resolved.get(identifier) or self._resolve(identifier, scope, depth)
            if names and base == "*" and identifier == scope.receiver:
                base = self._attribute(names, scope, depth)
                if not names:
                    return base
        elif kind is ast.Call and depth:
            base = self._result(node, scope, depth)
        else:
            base = "*"
        if not names:
            if base == "*":
                return node.id if kind is ast.Name and scope.owner(node.id) is None else None
            return base
        if base == "*":
            return "*." + names[0]
        names.append(base)
        names.reverse()
        return ".".join(names)

    def _result(self, call: ast.Call, scope: Scope, depth: int) -> str:
        """What the result of *call* is called: ``boto3.client()``, "*" where the callee is not known."""
        callee = self._qualified(call.func, scope, depth - 1)
        return "*" if callee is None or callee[0] == "*" else callee + "()"

    def _resolve(self, name: str, scope: Scope, depth: int) -> str:
        owner = scope.owner(name)
        if owner is None:
            if name in _BUILTINS:
                result = f"builtins.{name}"
            elif len(self.star_imports) == 1:
                result = f"{self.star_imports[0]}.{name}"
            else:
                result = "*"
        elif name in owner.imports:
            result = owner.imports[name]
        else:
            result = self._resolve_binding(name, owner, depth)
        if depth == CHAIN_LIMIT:  # a smaller depth may have given up early
            scope.resolved[name] = result
        return result

    def _resolve_binding(self, name: str, owner: Scope, depth: int) -> str:
        bindings = owner.names[name]
        if "definition" in bindings:
            return f"{owner.qualname}.{name}" if owner.qualname else name
        if len(bindings) != 1 or depth <= 0:
            return "*"
        return self._bound(bindings[0], owner, depth, name)

    def _bound(self, binding: Binding, scope: Scope, depth: int, name: str) -> str:
        """What a name or attribute that is bound once is called."""
        if isinstance(binding, ast.Await):
            binding = binding.value
        if isinstance(binding, ast.Call):
            return self._result(binding, scope, depth)
        if isinstance(binding, (ast.Name, ast.Attribute)):
            target = self._qualified(binding, scope, depth - 1)
            return "*" if target is None or target[0] == "*" else target
        if binding == "parameter":
            annotation = scope.parameters[name].annotation if name in scope.parameters else None
            if isinstance(annotation, (ast.Name, ast.Attribute)) and scope.parent is not None:
                target = self._qualified(annotation, scope.parent, depth - 1)
                if target is not None and target[0] != "*" and not target.startswith("builtins."):
                    return target + "()"
        return "*"

    def _attribute(self, names: list[str], scope: Scope, depth: int) -> str:
        """The name of ``self.NAME``, where *names* are the attributes, last first; takes off what it used."""
        cls = scope.parent
        assert cls is not None
        name = names[-1]
        if "definition" in cls.names.get(name, ()):
            names.pop()
            return f"{cls.qualname}.{name}"
        bound = cls.attributes.get(name, ())
        if len(names) > 1 and len(bound) == 1 and name not in cls.names and depth > 0:
            base = self._bound(bound[0][0], bound[0][1], depth - 1, "")
            if base != "*":
                names.pop()
                return base
        return "*"

    @property
    def roots(self) -> frozenset[str]:
        """The first parts of the names of all modules that are imported anywhere in the file, relative ones aside."""
        if self._roots is None:
            self._roots = frozenset(entry.target.partition(".")[0] for entry in self.imports if not entry.level)
        return self._roots

    def mentions(self, text: bytes) -> bool:
        """Whether *text* stands anywhere in the file."""
        return text in self._data

    def has(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether *pattern*, which should begin with a fixed text, is found anywhere in the file."""
        return pattern.search(self._data) is not None

    def found(self, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int, str]]:
        """Where *pattern*, which should begin with a fixed text, is found in the file, comments included: where it
        starts, where its first group ends, and that group, which is a word of ASCII."""
        for match in pattern.finditer(self._data):
            yield match.start(), match.end(1), match.group(1).decode("ascii")

    def lines_of(self, pattern: re.Pattern[bytes]) -> Iterator[int]:
        """The lines, from 1 and in order, on which *pattern*, which should begin with a fixed text, is found; a line is
        told once for each time."""
        line, last = 1, 0
        for match in pattern.finditer(self._data):
            line += self._data.count(b"\n", last, match.start())
            last = match.start()
            yield line

    def text(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The text that *node* is, also through a name of the file that is bound once; None for all else."""
        return self._evaluator.text(node, scope)

    def expr(self, node: ast.expr | None, scope: Scope) -> Expr:
        """What *node*, used in *scope*, says about its value."""
        return self._evaluator.expr(node, scope)

    def place(self, node: ast.AST) -> Place:
        """Where *node* begins and ends, the end exclusive; columns in code points. The file for nodes without one."""
        line: int | None = getattr(node, "lineno", None)
        if line is None:
            return Place(self.path)
        start, end_line, end = node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        if not self._ascii:
            wide = self._wide_lines()
            if line in wide:
                start = self._column(line, start)
            if end_line in wide:
                end = self._column(end_line, end)
        return Place(self.path, line, start + 1, end_line, end + 1)

    def _wide_lines(self) -> Mapping[int, bytes]:
        """The lines, in UTF-8, that are not all ASCII, by their numbers."""
        if self._wide is None:
            lines = enumerate(_utf8_lines(self._data), start=1)
            self._wide = {number: line for number, line in lines if not line.isascii()}
        return self._wide

    def _column(self, line: int, offset: int) -> int:
        """Code points before the byte *offset* of a line that is not all ASCII."""
        return len(self._wide_lines()[line][:offset].decode("utf-8", "replace"))

    def definition_place(self, node: ast.AST) -> Place:
        """Where a function or class is named: its ``def`` or ``class`` line, without body and decorators."""
        whole = self.place(node)
        return Place(self.path, whole.line, whole.column)


def _utf8_lines(data: bytes) -> list[bytes]:
    """The lines of a source file as the parser counts them, in UTF-8, without a byte order mark."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    cookie = _COOKIE.match(b"\n".join(data.split(b"\n", 2)[:2]))
    encoding = cookie[1].decode("ascii") if cookie else "utf-8"
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        with contextlib.suppress(LookupError, ValueError):  # the columns are then of bytes; such a file hardly parsed
            data = data.decode(encoding).encode("utf-8", "replace")
    return data.splitlines()


_VERSION = "{}.{}".format(*sys.version_info)
_COOKIE = re.compile(rb"(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
_PYTHON_2 = re.compile(
    r"Missing parentheses in call to '(?:print|exec)'|multiple exception types must be parenthesized"
    r"|leading zeros in decimal integer literals|invalid octal|inconsistent use of tabs"
)
_PYTHON_2_LINE = re.compile(
    r"""^\s*(?:except\s+[\w.]+\s*,\s*\w+\s*:|raise\s+\w+\s*,|print\s+[^\s(=]|exec\s+["'])|<>|\d[lL]\b|\bur["']"""
)


def parse_python(path: str, data: bytes) -> ast.Module | Diagnostic:
    """The module of *data*, or why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = compile(data, "<unknown>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
            return tree if isinstance(tree, ast.Module) else ast.Module([], [])
    except SyntaxError as error:
        return _syntax_diagnostic(path, data, error)
    except RecursionError:
        return Diagnostic(Place(path, 1), "error", "Python code is nested too deeply; not read")
    except MemoryError:
        return Diagnostic(Place(path, 1), "error", "Python code is too complex for the parser; not read")
    except (ValueError, LookupError, OverflowError, SystemError) as error:
        if b"\0" in data:
            line = data.count(b"\n", 0, data.index(b"\0")) + 1
            return Diagnostic(Place(path, line), "error", "contains null bytes: not Python source")
        return Diagnostic(Place(path, 1), "error", f"Python code can't be read: {error}")


def _syntax_diagnostic(path: str, data: bytes, error: SyntaxError) -> Diagnostic:
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return Diagnostic(Place(path, line), "error", "contains null bytes: not Python source")
    message = error.msg or "invalid syntax"
    lines = data.splitlines()
    line = error.lineno if error.lineno and 0 < error.lineno <= len(lines) + 1 else 1
    text = lines[line - 1].decode("utf-8", "replace") if line <= len(lines) else ""
    if _PYTHON_2.search(message) or _PYTHON_2_LINE.search(text[:500]):
        message += " (Python 2 code?)"
    return Diagnostic(Place(path, line), "error", f"can't be parsed as Python {_VERSION}: {message}; not read")


def _child_fields(kind: type[ast.AST]) -> tuple[str, ...]:
    skipped = {"ctx", "op", "ops", "kind", "conversion", "attr", "id", "n", "s", "str", "type_comment", "simple"}
    return tuple(field for field in kind._fields if field not in skipped)


def _subclasses(kind: type[ast.AST]) -> Iterator[type[ast.AST]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


_EXPRESSIONS: Final = {kind: _child_fields(kind) for kind in _subclasses(ast.expr)}
_LEAVES: Final = frozenset({ast.Name, ast.Constant, type(None)})
_IMPORT_ERRORS: Final = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_COMPREHENSIONS: Final = frozenset({ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})
_OPERATORS: Final[frozenset[Any]] = frozenset({ast.BinOp, ast.List, ast.Tuple})


class _Walk:
    """The one walk over a module. Expressions go over an explicit stack, statements by recursion."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.scope = file.module
        self.loops: tuple[ast.AST, ...] = ()
        self.contexts: tuple[ast.withitem, ...] = ()
        self.guarded = False
        self.conditional = 0
        """How many conditions the code at hand stands below."""
        self.handlers: dict[type, Any] = {
            ast.Assign: self.assign,
            ast.AnnAssign: self.annotated,
            ast.AugAssign: self.augmented,
            ast.Return: self.value,
            ast.If: self.condition,
            ast.For: self.loop,
            ast.AsyncFor: self.loop,
            ast.While: self.while_loop,
            ast.With: self.context,
            ast.AsyncWith: self.context,
            ast.Try: self.attempt,
            ast.TryStar: self.attempt,
            ast.FunctionDef: self.function,
            ast.AsyncFunctionDef: self.function,
            ast.ClassDef: self.class_body,
            ast.Import: self.import_,
            ast.ImportFrom: self.import_from,
            ast.Global: self.forward,
            ast.Nonlocal: self.forward,
            ast.Delete: self.delete,
            ast.Match: self.match,
        }

    def module(self, tree: ast.Module) -> None:
        self.block(tree.body)
        self.handlers = {}  # bound methods know this walk, and through it the file

    def block(self, statements: Iterable[Any]) -> None:
        handlers = self.handlers
        conditional = self.conditional
        for statement in statements:
            kind = statement.__class__
            if kind is ast.Expr:
                value = statement.value
                if value.__class__ in _OPERATORS:
                    self.file.expressions.append(ExpressionSite(value, self.scope, self.loops, self.contexts))
                if value.__class__ is ast.Call:
                    at = len(self.file.calls)
                    self.visit(value)
                    self.file.calls[at].dropped = True
                elif value.__class__ not in _LEAVES:
                    self.visit(value)
                continue
            handler = handlers.get(kind)
            if handler is not None:
                handler(statement)
                if kind is ast.If and statement.body[-1].__class__ is ast.Return:
                    self.conditional += 1  # what follows is for the other cases
            else:
                for field in kind._fields:
                    child = getattr(statement, field)
                    if isinstance(child, ast.expr):
                        self.visit(child)
        self.conditional = conditional

    # -------------------------------------------------------------------------------------------- expressions

    def visit(self, root: Any, result: str = "") -> None:
        """Walk an expression; *result* is the name that its value is bound to."""
        leaves = _LEAVES
        fields = _EXPRESSIONS
        scope, loops, contexts = self.scope, self.loops, self.contexts
        calls = self.file.calls
        stack: list[Any] = [root]
        pop, push = stack.pop, stack.append
        while stack:
            node = pop()
            kind = node.__class__
            if kind in leaves:
                continue
            if kind is ast.Call:
                calls.append(
                    CallSite(node, scope, loops, contexts, result if node is root else "", "", self.conditional > 0)
                )
                inner = node.func
                while inner.__class__ is ast.Attribute:
                    inner = inner.value
                if inner.__class__ is not ast.Name:
                    push(inner)
                for argument in node.args:
                    if argument.__class__ not in leaves:
                        push(argument)
                for keyword in node.keywords:
                    argument = keyword.value
                    if argument.__class__ not in leaves:
                        push(argument)
            elif kind is ast.Attribute:
                inner = node.value
                while inner.__class__ is ast.Attribute:
                    inner = inner.value
                if inner.__class__ is not ast.Name:
                    push(inner)
            elif kind in _COMPREHENSIONS:
                self.comprehension(node)
            elif kind is int:  # the border of what is computed only in some cases
                self.conditional += node
            elif kind is ast.IfExp:
                stack += (-1, node.body, node.orelse, 1, node.test)
            elif kind is ast.BoolOp:
                first, *others = node.values
                if node.op.__class__ is ast.Or:
                    self.file.or_defaults[id(first)] = others[0]
                stack += (-1, *others, 1, first)
            else:
                if kind is ast.Subscript:
                    self.subscript(node)
                elif kind is ast.NamedExpr:
                    self.bind(node.target.id, node.value)
                elif kind is ast.Await and node is root:
                    root = node.value
                elif kind is ast.Lambda:
                    self.lambda_(node)
                    continue
                for field in fields[kind]:
                    child = getattr(node, field)
                    if child.__class__ is list:
                        stack.extend(child)
                    elif child.__class__ not in leaves:
                        push(child)

    def subscript(self, node: ast.Subscript) -> None:
        value: Any = node.value
        kind = value.__class__
        if (kind is ast.Name or (kind is ast.Attribute and value.attr == "environ")) and (
            node.ctx.__class__ is ast.Load
        ):
            self.file.subscripts.append(SubscriptSite(node, self.scope, self.conditional > 0))

    def comprehension(self, node: Any) -> None:
        loops = self.loops
        first = True
        for generator in node.generators:
            self.target(generator.target, "loop")
            if not first:
                self.loops = (*loops, node)
            first = False
            self.visit(generator.iter)
            self.loops = (*loops, node)
            for condition in generator.ifs:
                self.visit(condition)
        if node.__class__ is ast.DictComp:
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        self.loops = loops

    def lambda_(self, node: ast.Lambda) -> None:
        """A lambda belongs to the scope around it; its parameters hide that scope's names for what is told of them."""
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self.bind(argument.arg, "loop")
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        self.visit(node.body)

    # ------------------------------------------------------------------------------------------------ binding

    def bind(self, name: str, binding: Binding) -> None:
        names = self.scope.names
        bindings = names.get(name)
        if bindings is None:
            names[name] = [binding]
        else:
            bindings.append(binding)

    def target(self, node: ast.expr, binding: Binding) -> None:
        """Bind what *node*, the target of an assignment or loop, names."""
        kind = node.__class__
        if kind is ast.Name:
            self.bind(node.id, binding)  # type: ignore[attr-defined]
        elif kind is ast.Attribute:
            self.attribute(node, binding)  # type: ignore[arg-type]
        elif kind is ast.Tuple or kind is ast.List:
            elements = node.elts  # type: ignore[attr-defined]
            values = binding.elts if isinstance(binding, (ast.Tuple, ast.List)) else []
            if len(values) == len(elements) and not any(isinstance(e, ast.Starred) for e in (*elements, *values)):
                for element, value in zip(elements, values, strict=True):
                    self.target(element, value)
            else:
                for element in elements:
                    self.target(element, "loop" if binding == "loop" else "part")
        elif kind is ast.Subscript and isinstance(node.value, ast.Name):  # type: ignore[attr-defined]
            self.file.changed.add(node.value.id)  # type: ignore[attr-defined]
            self.visit(node)
        elif kind is ast.Starred:
            self.target(node.value, "part")  # type: ignore[attr-defined]
        else:
            self.visit(node)

    def attribute(self, node: ast.Attribute, binding: Binding) -> None:
        owner = node.value
        scope = self.scope
        if owner.__class__ is ast.Name:
            if owner.id == scope.receiver and scope.parent is not None:
                scope.parent.attributes.setdefault(node.attr, []).append((binding, scope))
        else:
            self.visit(owner)

    def assign(self, node: ast.Assign) -> None:
        value = node.value
        result = ""
        scope = self.scope
        for target in node.targets:
            if target.__class__ is ast.Name:
                result = result or target.id
                self.bind(target.id, value)
                if scope.kind != "function":
                    scope.assignments.append(Assignment(target.id, value, None, node))
            else:
                self.target(target, value)
                if target.__class__ is ast.Attribute and target.value.__class__ is ast.Name:
                    result = result or f"{target.value.id}.{target.attr}"
        if value.__class__ not in _LEAVES:
            self.visit(value, result)

    def annotated(self, node: ast.AnnAssign) -> None:
        target = node.target
        value = node.value
        scope = self.scope
        if target.__class__ is ast.Name:
            name: str = target.id
            if value is not None:
                self.bind(name, value)
            if scope.kind != "function":
                scope.assignments.append(Assignment(name, value, node.annotation, node))
        else:
            name = ""
            if value is not None:
                self.target(target, value)
        if value is not None:
            self.visit(value, name)

    def augmented(self, node: ast.AugAssign) -> None:
        self.target(node.target, "other")
        self.visit(node.value)

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if target.__class__ is ast.Name:
                self.bind(target.id, "other")

    def forward(self, node: ast.Global | ast.Nonlocal) -> None:
        scope = self.scope
        scope.forwarded.update(node.names)

    # --------------------------------------------------------------------------------------------- statements

    def value(self, node: ast.Return) -> None:
        if node.value.__class__ not in _LEAVES:
            self.visit(node.value)

    def condition(self, node: ast.If) -> None:
        conditional = self.conditional
        while True:  # a chain of elif is nested, and may be long
            test = node.test
            inner = conditional + 1
            guarded = self.guarded
            if test.__class__ is ast.Name or test.__class__ is ast.Attribute:
                name = test.id if isinstance(test, ast.Name) else test.attr
                self.guarded = guarded or name == "TYPE_CHECKING"
            else:
                if test.__class__ is ast.Compare and self.scope.kind == "module" and self.main_guard(node, test):
                    inner = conditional
                self.visit(test)
            self.conditional = inner
            self.block(node.body)
            self.guarded = guarded
            following = node.orelse
            if len(following) == 1 and following[0].__class__ is ast.If:
                node = following[0]
            else:
                self.block(following)
                self.conditional = conditional
                return

    def main_guard(self, node: ast.If, test: ast.Compare) -> bool:
        """Whether *test* asks for the main module; noted in the file where more than prints stands below it."""
        sides = (test.left, *test.comparators)
        if any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides) and any(
            isinstance(s, ast.Constant) and s.value == "__main__" for s in sides
        ):
            self.file.main = self.file.main or not all(map(_prints, node.body))
            return True
        return False

    def loop(self, node: ast.For | ast.AsyncFor) -> None:
        self.target(node.target, "loop")
        self.visit(node.iter)
        loops = self.loops
        self.loops = (*loops, node)
        self.block(node.body)
        self.loops = loops
        self.block(node.orelse)

    def while_loop(self, node: ast.While) -> None:
        loops = self.loops
        self.loops = (*loops, node)
        self.visit(node.test)
        self.block(node.body)
        self.loops = loops
        self.block(node.orelse)

    def context(self, node: ast.With | ast.AsyncWith) -> None:
        contexts = self.contexts
        for item in node.items:
            result = ""
            variables = item.optional_vars
            if variables is not None:
                if isinstance(variables, ast.Name):
                    result = variables.id
                self.target(variables, item.context_expr)
            self.visit(item.context_expr, result)
            self.contexts = (*self.contexts, item)
        self.block(node.body)
        self.contexts = contexts

    def attempt(self, node: ast.Try) -> None:
        guarded = self.guarded
        self.guarded = guarded or any(_catches_import_error(handler.type) for handler in node.handlers)
        self.block(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self.visit(handler.type)
            if handler.name:
                self.bind(handler.name, "other")
            self.conditional += 1
            self.block(handler.body)
            self.conditional -= 1
        self.guarded = guarded
        self.block(node.orelse)
        self.block(node.finalbody)

    def match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            for pattern in _patterns(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if name:
                    self.bind(name, "other")
            self.conditional += 1
            if case.guard is not None:
                self.visit(case.guard)
            self.block(case.body)
            self.conditional -= 1

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer, loops, contexts = self.scope, self.loops, self.contexts
        name = node.name
        self.bind(name, "definition")
        scope = Scope("function", f"{outer.qualname}.{name}" if outer.qualname else name, outer, node)
        self.file.functions.append(FunctionSite(node, scope, loops, contexts))
        for decorator in node.decorator_list:
            self.visit(decorator)
        arguments = node.args
        for defaults in (arguments.defaults, arguments.kw_defaults):
            for default in defaults:
                if default.__class__ not in _LEAVES:
                    self.visit(default)
        names = scope.names
        parameters = scope.parameters
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            names[argument.arg] = ["parameter"]
            parameters[argument.arg] = argument
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                names[extra.arg] = ["part"]
        self.scope, self.loops, self.contexts = scope, (), ()
        self.block(node.body)
        self.scope, self.loops, self.contexts = outer, loops, contexts
        if scope.forwarded:
            self.hand_over(scope)

    def hand_over(self, scope: Scope) -> None:
        """Give the names under ``global``/``nonlocal`` to the outer scopes: what they hold there is then open."""
        for name in scope.forwarded:
            if scope.names.pop(name, None) is None:
                continue
            owner = scope.parent.owner(name) if scope.parent is not None else None
            (owner or self.file.module).names.setdefault(name, []).append("other")

    def class_body(self, node: ast.ClassDef) -> None:
        outer, loops, contexts = self.scope, self.loops, self.contexts
        self.bind(node.name, "definition")
        scope = Scope("class", f"{outer.qualname}.{node.name}" if outer.qualname else node.name, outer, node)
        self.file.classes.append(ClassSite(node, scope))
        for expression in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(expression)
        self.scope, self.loops, self.contexts = scope, (), ()
        self.block(node.body)
        self.scope, self.loops, self.contexts = outer, loops, contexts

    def import_(self, node: ast.Import) -> None:
        scope = self.scope
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            scope.imports[name] = alias.name if alias.asname else name
            self.bind(name, "import")
            self.file.imports.append(
                Import(
                    target=alias.name,
                    alias=name,
                    scope=scope.qualname,
                    guarded=self.guarded,
                    line=alias.lineno,
                )
            )

    def import_from(self, node: ast.ImportFrom) -> None:
        scope = self.scope
        module = node.module or ""
        prefix = "." * node.level + module
        for alias in node.names:
            name = alias.asname or alias.name
            if name == "*":
                self.file.star_imports.append(prefix)
            else:
                scope.imports[name] = f"{prefix}.{alias.name}" if module else f"{prefix}{alias.name}"
                self.bind(name, "import")
            self.file.imports.append(
                Import(
                    target=module,
                    alias=name,
                    name=alias.name,
                    level=node.level,
                    scope=scope.qualname,
                    guarded=self.guarded,
                    line=alias.lineno,
                )
            )


def _catches_import_error(node: ast.expr | None) -> bool:
    if node is None:
        return True
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(kind, ast.Name) and kind.id in _IMPORT_ERRORS for kind in kinds)


def _patterns(pattern: ast.pattern) -> Iterator[ast.pattern]:
    pending = [pattern]
    while pending:
        current = pending.pop()
        yield current
        for field in current._fields:
            child = getattr(current, field)
            if isinstance(child, ast.pattern):
                pending.append(child)
            elif isinstance(child, list):
                pending.extend(c for c in child if isinstance(c, ast.pattern))


def _parse(source: Source) -> PythonFile:
    if source.path.endswith(".ipynb"):
        from pytest_mlbreaks.formats import notebook  # it is made of this module

        return notebook.parse(source)
    return PythonFile(source.path, source.data)


PYTHON: Format[PythonFile] = Format("python", _parse, PythonFile.release)


def _prints(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
