"""Options of command lines (argparse, click, typer), and whether the file that declares them asks for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from pytest_mlbreaks.formats.python import CallSite, FunctionSite, PythonFile
from pytest_mlbreaks.formats.python_expr import shield
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model.facts import CommandOption
from pytest_mlbreaks.readers.training.nodes import around, keyword

_Read = Literal["yes", "no", "unknown"]

_NO_VALUE = frozenset({"help", "version"})
_ONLY_SHOW = frozenset({"builtins.print", "builtins.str", "builtins.repr", "pprint.pprint", "builtins.format"})
_LOG = frozenset({"debug", "info", "warning", "error", "log", "exception"})
_DISOWNED = re.compile(
    r"deprecat|ignored|unused|not used|no longer|no[- ]?op\b|compatib|legacy|does nothing|todo|not (yet )?implemented",
    re.IGNORECASE,
)


_TYPER = frozenset({"typer.Option", "typer.Argument"})
_CLICK = frozenset({"click.option", "rich_click.option", "asyncclick.option"})
_OTHERS = re.compile(r"\bselenium\b|[.]webdriver[.]|undetected_chromedriver|ChromeOptions|FirefoxOptions|launch", re.I)
"""Of what is no parser, and takes arguments all the same: browsers, launch descriptions."""
_ALL_OF_THEM = frozenset({"locals", "vars"})


def options(file: PythonFile) -> Iterator[CommandOption]:
    """The options that one file declares."""
    yield from _of_argparse(file)
    if file.mentions(b"click") or file.mentions(b"typer"):
        for function in file.functions:
            yield from _of_function(file, function)


def _of_argparse(file: PythonFile) -> Iterator[CommandOption]:
    sites = [s for s in file.methods_by_name.get("add_argument", ()) if _is_parser(s) and not _is_other(file, s)]
    if not sites or not file.mentions(b"argparse"):
        return
    asked = _Asked(file)
    for site in sites:
        option = _option(file, site, asked)
        if option is not None:
            yield option


def _of_function(file: PythonFile, function: FunctionSite) -> Iterator[CommandOption]:
    """The options of a command of click or typer: what its function has as parameters."""
    node, outer = function.node, function.scope.parent or file.module
    arguments = node.args
    used: set[str] | None = None
    for name, default in _parameters(arguments):
        if not isinstance(default, ast.Call) or file.qualified(default.func, outer) not in _TYPER:
            continue
        used = _used(node) if used is None else used
        flags = tuple(f for a in default.args if (f := _flag(a)) is not None)
        yield _told(file, function, default, ("typer", flags or (f"--{name.replace('_', '-')}",), name), used)
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or file.qualified(decorator.func, outer) not in _CLICK:
            continue
        flags = tuple(f for a in decorator.args if (f := _flag(a)) is not None)
        names = [a.value for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        own = [n for n in names if n.isidentifier()]
        if not flags or not (own or all("/" not in f for f in flags)):
            continue
        name = own[0] if own else _destination(flags)
        used = _used(node) if used is None else used
        seen = used if name in function.scope.parameters else None
        yield _told(file, function, decorator, ("click", flags, name), seen)


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = arguments.defaults
    yield from zip((a.arg for a in positional[len(positional) - len(defaults) :]), defaults, strict=True)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield argument.arg, default


def _flag(node: ast.expr) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and value.startswith("-") else None


def _used(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str] | None:
    """The names that the body of a function uses; None where it may use them all."""
    names = {n.id for statement in function.body for n in walk(statement) if isinstance(n, ast.Name)}
    return None if names & _ALL_OF_THEM or _is_empty(function) else names


def _is_empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has no body to speak of: a group, or something that only declares."""
    return all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in function.body
    )


def _told(
    file: PythonFile,
    function: FunctionSite,
    call: ast.Call,
    told: tuple[Literal["click", "typer"], tuple[str, ...], str],
    used: set[str] | None,
) -> CommandOption:
    library, flags, name = told
    says = keyword(call, "help")
    text = file.text(says, function.scope) or ""
    hidden = keyword(call, "hidden") is not None or keyword(call, "expose_value") is not None
    called_back = keyword(call, "callback") is not None or keyword(call, "is_eager") is not None
    read: _Read = "unknown" if used is None or called_back else "yes" if name in used else "no"
    return CommandOption(
        place=file.place(call),
        library=library,
        flags=flags,
        destination=name,
        scope=function.scope.qualname,
        read=read,
        disowned=hidden or _DISOWNED.search(text) is not None,
    )


def _is_parser(site: CallSite) -> bool:
    head = site.callee.rpartition(".")[0]
    return head == "*" or "argparse." in head or "ArgumentParser" in head


def _is_other(file: PythonFile, site: CallSite) -> bool:
    """Whether the call is upon something else that has such a method: selenium's ``Options().add_argument``."""
    function = site.node.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    owner = site.scope.owner(function.value.id)
    made = owner.names[function.value.id] if owner is not None else []
    names = [file.qualified(value.func, site.scope) or "" for value in made if isinstance(value, ast.Call)]
    return bool(names) and all(_OTHERS.search(name) for name in names)


def _option(file: PythonFile, site: CallSite, asked: _Asked) -> CommandOption | None:
    node, scope = site.node, site.scope
    flags = tuple(a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str) and a.value)
    if not flags or len(flags) != len(node.args) or any(k.arg is None for k in node.keywords):
        return None
    action_node = keyword(node, "action")
    action = file.text(action_node, scope) or file.qualified(action_node, scope) or ""
    if action in _NO_VALUE:
        return None
    written = file.text(keyword(node, "dest"), scope)
    if written is None and keyword(node, "dest") is not None:
        return None
    destination = written or _destination(flags)
    default = keyword(node, "default")
    says = keyword(node, "help")
    told = file.text(says, scope) or ""
    return CommandOption(
        place=file.place(node),
        flags=flags,
        destination=destination,
        kind=file.qualified(keyword(node, "type"), scope) or "",
        action=action,
        default=None if default is None else shield(destination, file.expr(default, scope), file.path),
        scope=scope.function,
        read=asked.for_(destination),
        disowned=_DISOWNED.search(told) is not None or (file.qualified(says, scope) or "").endswith(".SUPPRESS"),
        required=_is_true(keyword(node, "required")),
    )


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _destination(flags: tuple[str, ...]) -> str:
    """The attribute that argparse makes of flags: of the first long one; a positional one stays as it is."""
    first = next((f for f in flags if f.startswith("--")), flags[0])
    return first.lstrip("-").replace("-", "_") if first.startswith("-") else first


class _Asked:
    """Which attributes the parsed options of a file are asked for, and whether all of that can be seen."""

    def __init__(self, file: PythonFile) -> None:
        self._file = file
        self.seen = True
        self._names: set[str] = set()
        parsed = [s for m in ("parse_args", "parse_known_args") for s in file.methods_by_name.get(m, ())]
        parsed = [s for s in parsed if _is_parser(s)]
        self._attributes: set[str] = set()
        self._texts: set[str] = set()
        if not parsed or file.tree is None or file.mentions(b"__dict__") or file.mentions(b"_get_kwargs"):
            self.seen = False
            return
        for site in parsed:
            self._result(site, depth=2)
        if self.seen:
            self._follow(file.tree)

    def for_(self, destination: str) -> _Read:
        """Whether the option with this *destination* is asked for."""
        if not self.seen:
            return "unknown"
        return "yes" if destination in self._attributes or destination in self._texts else "no"

    def _result(self, site: CallSite, depth: int) -> None:
        """Where the result of *site* goes: a name, an attribute that is asked for, a function, or out of sight."""
        chain = around(site)
        parent = chain[-2] if len(chain) > 1 else None
        if isinstance(parent, ast.Assign):
            for target in parent.targets:
                first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
                if isinstance(first, ast.Name):
                    self._names.add(first.id)
                else:
                    self.seen = False
        elif isinstance(parent, ast.AnnAssign) and isinstance(parent.target, ast.Name):
            self._names.add(parent.target.id)
        elif isinstance(parent, ast.Call):
            self._handed(parent, site.node, site.scope)
        elif isinstance(parent, ast.Return) and depth and self._file.main:
            function = site.scope.function
            for caller in self._file.calls_by_name.get(function, ()):
                self._result(caller, depth - 1)
        elif not isinstance(parent, ast.Attribute):
            self.seen = False

    def _follow(self, tree: ast.Module) -> None:
        """Look at every use of the names, which may bring further ones."""
        uses: dict[str, list[tuple[ast.Name, ast.AST | None]]] = {}
        pending: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
        while pending:
            node, parent = pending.pop()
            kind = node.__class__
            if kind is ast.Name:
                uses.setdefault(node.id, []).append((node, parent))  # type: ignore[attr-defined, arg-type]
                continue
            if kind is ast.Constant:
                if node.value.__class__ is str:  # type: ignore[attr-defined]
                    self._texts.add(node.value)  # type: ignore[attr-defined]
                continue
            if kind is ast.Attribute:
                self._attributes.add(node.attr)  # type: ignore[attr-defined]
            if not _declares(node):
                for field in node._fields:
                    child = getattr(node, field, None)
                    if child.__class__ is list:
                        pending += [(c, node) for c in child if isinstance(c, ast.AST)]
                    elif isinstance(child, ast.AST) and field != "ctx":
                        pending.append((child, node))
        followed: set[str] = set()
        while self.seen and self._names - followed:
            name = min(self._names - followed)
            followed.add(name)
            for use, parent in uses.get(name, ()):
                if isinstance(use.ctx, ast.Load):
                    self._use(use, parent)

    def _use(self, name: ast.Name, parent: ast.AST | None) -> None:
        if isinstance(parent, ast.Attribute | ast.FormattedValue):
            return
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
            self._names.add(parent.targets[0].id)
        elif isinstance(parent, ast.Call):
            self._handed(parent, name, self._file.module)
        elif isinstance(parent, ast.keyword):
            self._named(parent)
        elif not (isinstance(parent, ast.Return) and self._file.main):
            self.seen = False

    def _handed(self, call: ast.Call, node: ast.expr, scope: object) -> None:
        """The options are an argument of *call*: of a function of the file they are followed into."""
        function = call.func
        name = function.id if isinstance(function, ast.Name) else ""
        qualified = self._file.qualified(function, self._file.module) or ""
        if qualified in _ONLY_SHOW or (isinstance(function, ast.Attribute) and function.attr in _LOG):
            return
        if name == "getattr" and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
            return
        own = [f for f in self._file.functions if name and f.scope.qualname == name]
        if len(own) != 1 or node not in call.args or any(isinstance(a, ast.Starred) for a in call.args):
            self.seen = False
            return
        arguments = own[0].node.args
        parameters = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        position = call.args.index(node)
        if position < len(parameters):
            self._names.add(parameters[position])
        else:
            self.seen = False

    def _named(self, argument: ast.keyword) -> None:
        """The options are passed by name: to a function of the file with such a parameter, or out of sight."""
        if argument.arg is not None and any(argument.arg in f.scope.parameters for f in self._file.functions):
            self._names.add(argument.arg)
        else:
            self.seen = False


def _declares(node: ast.AST) -> bool:
    """Whether *node* declares an option: its own texts are no use of it."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument"
