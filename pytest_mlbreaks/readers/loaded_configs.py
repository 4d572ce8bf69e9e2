"""Configuration that code loads from YAML: by PyYAML, OmegaConf or Hydra, into which variable, from which file.

What stands in the file is stated by whoever reads it; link puts the two together. A variable counts only where it is
bound once, and nothing in sight changes what it holds. The callee of a function that is called as if it loaded a
configuration (``load_config()``) is stated, too: whether it does, and from where, stands in that function.

https://hydra.cc/docs/tutorials/basic/your_first_app/config_file/: ``config_path`` is relative to the file of the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Argument, LoadedConfig, TakenConfig
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_OF_A_STREAM = ("yaml.safe_load", "yaml.load", "yaml.full_load", "yaml.unsafe_load")
_OF_A_PATH = ("omegaconf.OmegaConf.load",)
_HYDRA = "hydra.main"
_LOADS = re.compile(
    r"(?:load|read|get|parse|open|fetch)_(?:\w+_)?(?:config|cfg|conf|params|parameters|yaml|yml)s?(?:_file)?"
)
_WORDS = ("conf", "cfg", "param", "yaml", "yml")
_CHANGES = frozenset({"update", "pop", "setdefault", "clear", "popitem", "merge_with", "__setitem__"})
_DEEPEST = 6


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What one module says. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    for callee in (*_OF_A_STREAM, *_OF_A_PATH):
        for site in file.calls_by_name.get(callee, ()):
            source = _source(site, of_path=callee in _OF_A_PATH)
            if source is not None:
                yield from _loaded(file, site, file.expr(source, site.scope), callee)
    for site in file.calls_by_name.get(_HYDRA, ()):
        yield from _composed(file, site)
    for callee, sites in file.calls_by_name.items():
        last = callee.rpartition(".")[2]
        if not any(word in last for word in _WORDS) or callee in _OF_A_STREAM or _LOADS.fullmatch(last) is None:
            continue
        for site in sites:
            yield from _taken(file, site, callee)


# --------------------------------------------------------------------------------------------------------- calls


def _source(site: CallSite, *, of_path: bool) -> ast.expr | None:
    """The path that a call loads from; None where it is given something else."""
    given = site.node.args[0] if site.node.args else None
    if given is None or of_path:
        return given
    return _opened(given, site, 0)


def _opened(node: ast.expr, site: CallSite, depth: int) -> ast.expr | None:
    """The path that is opened for *node*: a file object, or the text of a file."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, ast.Name):
        for item in reversed(site.contexts):
            if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == node.id:
                return _opened(item.context_expr, site, depth + 1)
        owner = site.scope.owner(node.id)
        bound = owner.names.get(node.id, []) if owner is not None else []
        return _opened(bound[0], site, depth + 1) if len(bound) == 1 and isinstance(bound[0], ast.Call) else None
    if not isinstance(node, ast.Call):
        return None
    match node.func:
        case ast.Name(id="open") if node.args:
            return node.args[0]
        case ast.Attribute(attr="open" | "read_text", value=path):
            return path
        case ast.Attribute(attr="read", value=stream):
            return _opened(stream, site, depth + 1)
    return None


def _loaded(file: PythonFile, site: CallSite, source: Expr, callee: str) -> Iterator[Fact]:
    for variable, scope, key in _bound(file, site):
        yield LoadedConfig(
            variable=variable, scope=scope, file=source, key=key, api=callee, place=file.place(site.node)
        )


def _taken(file: PythonFile, site: CallSite, callee: str) -> Iterator[Fact]:
    for variable, scope, key in _bound(file, site):
        given = [Argument(value=file.expr(node, site.scope), place=file.place(node)) for node in site.node.args]
        given += [
            Argument(name=keyword.arg or "**", value=file.expr(keyword.value, site.scope), place=file.place(keyword))
            for keyword in site.node.keywords
        ]
        yield TakenConfig(
            variable=variable, scope=scope, callee=callee, arguments=tuple(given), key=key, place=file.place(site.node)
        )


def _composed(file: PythonFile, site: CallSite) -> Iterator[Fact]:
    """What ``@hydra.main`` gives to the function that it decorates."""
    given = {keyword.arg: keyword.value for keyword in site.node.keywords}
    name, folder = given.get("config_name"), given.get("config_path")
    for node in walk(site.scope.node):
        if isinstance(node, ast.FunctionDef) and site.node in node.decorator_list and node.args.args:
            variable = node.args.args[0].arg
            if name is None or folder is None or _changed(node, variable):
                continue
            yield LoadedConfig(
                variable=variable,
                scope=node.name,
                file=file.expr(name, site.scope),
                folder=file.expr(folder, site.scope),
                api=_HYDRA,
                place=file.place(site.node),
            )


# ----------------------------------------------------------------------------------------------------- variables


def _bound(file: PythonFile, site: CallSite) -> Iterator[tuple[str, str, str]]:
    """What holds the result of a call: the variable ("" where the function returns it), the scope, and the key that is
    taken of it right away."""
    if site.scope.kind == "function" and _returned(site):
        yield "", site.scope.function, ""
    for node in walk(site.scope.node):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            key = _key(_without_default(node.value), site.node)
            target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
            target = node.target if isinstance(node, ast.AnnAssign) else target
            if key is not None and target is not None:
                yield from _variable(file, site.scope, target, key)


def _returned(site: CallSite) -> bool:
    """Whether the function returns what the call gives, and nothing else."""
    values = [node.value for node in walk(site.scope.node) if isinstance(node, ast.Return) and node.value is not None]
    told = [_without_default(value) for value in values]
    every = all(v is site.node or (isinstance(v, ast.Name) and v.id == site.result != "") for v in told)
    return bool(told) and every and not (site.result and _changed(site.scope.node, site.result))


def _without_default(value: ast.expr) -> ast.expr:
    """``load(f)`` of ``load(f) or {}``."""
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or) and isinstance(value.values[-1], ast.Dict):
        return value.values[0]
    return value


def _key(node: ast.expr, call: ast.Call) -> str | None:
    """The keys by which *node* is a part of what *call* gives, with dots between; None where it is none."""
    keys: list[str] = []
    while isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        keys.append(str(node.slice.value))
        node = node.value
    return ".".join(reversed(keys)) if node is call else None


def _variable(file: PythonFile, scope: Scope, target: ast.expr, key: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(target, ast.Name):
        owner = scope.owner(target.id)
        if owner is scope and len(scope.names.get(target.id, [])) == 1 and not _changed(scope.node, target.id):
            yield target.id, scope.function, key
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        holder = scope.parent
        if holder is None or holder.kind != "class" or target.value.id != scope.receiver:
            return
        if len(holder.attributes.get(target.attr, [])) == 1 and not _changed(holder.node, target.attr):
            yield f"self.{target.attr}", holder.qualname, key


def _changed(root: ast.AST, name: str) -> bool:
    """Whether something of what the variable or attribute *name* holds is set below *root*."""
    for node in walk(root):
        if isinstance(node, ast.Subscript | ast.Attribute):
            if not isinstance(node.ctx, ast.Load) and _holder(node.value) == name:
                return True
            continue
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in _CHANGES and _holder(called.value) == name:
            return True
    return False


def _holder(node: ast.expr) -> str:
    """The variable, or the attribute of ``self``, that a chain of keys begins with."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            return node.attr
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


READER: Reader[PythonFile] = Reader("loaded-configs", 1, PYTHON, (LoadedConfig, TakenConfig), claims, read)
