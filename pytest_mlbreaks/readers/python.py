"""Python modules: what they import, bind, define, call, and ask their environment for."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from typing import Literal as L

from pytest_mlbreaks.formats.python import (
    PYTHON,
    Assignment,
    CallSite,
    ClassSite,
    FunctionSite,
    PythonFile,
    Scope,
    SubscriptSite,
)
from pytest_mlbreaks.formats.python_expr import ENVIRON_GET, environ_arguments, shield
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Choice, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Address, Argument, Call, Constant, EnvRead, Function, Parameter, PythonModule
from pytest_mlbreaks.readers._addresses import addresses
from pytest_mlbreaks.reading import Reader, Wanted

VENDORED = frozenset({"vendor", "vendored", "_vendor", "third_party", "thirdparty", "_vendored", "site-packages"})
"""Folders of code that others wrote and that was copied in."""

DICT_LIMIT = 200
"""Keys of a dictionary constant that are told one by one."""

_SETTINGS_BASES = frozenset(
    {
        *("pydantic.BaseSettings", "pydantic_settings.BaseSettings", "pydantic.v1.BaseSettings"),
        *("pydantic.env_settings.BaseSettings", "pydantic_settings.main.BaseSettings"),
    }
)
_FIELDS = frozenset({"pydantic.Field", "pydantic.v1.Field", "pydantic.fields.Field"})
_CONFIG_DICTS = frozenset({"pydantic_settings.SettingsConfigDict", "pydantic.ConfigDict", "builtins.dict"})
_ALIAS_CHOICES = frozenset({"pydantic.AliasChoices", "pydantic.aliases.AliasChoices"})
_ENVIRONS_METHODS = frozenset(
    {
        *("str", "bool", "int", "float", "decimal", "list", "dict", "json", "datetime", "date", "time", "timedelta"),
        *("url", "uuid", "log_level", "path", "enum", "db_url", "cache_url", "dj_db_url", "dj_cache_url", "bytes"),
    }
)
_ENV_OBJECTS = {"environs.Env()": "environs", "environ.Env()": "django-environ", "environs.env": "environs"}
_DECOUPLE = frozenset({"decouple.config", "decouple.AutoConfig()", "starlette.config.Config()"})
_DEPENDS = frozenset({"fastapi.Depends", "fastapi.Security"})
_SETTINGS_WORDS = (b"ettings", b"SETTINGS", b"onfig", b"CONFIG", b"cfg")
_ASKS_SETTINGS = {
    word: re.compile(rb"%s(?<=%s)(?=\w{0,12}(?:\(\))?\.([A-Za-z_]\w*))" % (word, begins + word), re.ASCII)
    for word, begins in zip(_SETTINGS_WORDS, (b"[sS]", b"", b"[cC]", b"", b""), strict=True)
}
"""By the part of it that is fixed: a name that speaks of settings, and behind it the attribute that it is asked for."""
_ASKS_ITSELF = re.compile(rb"self\.([A-Za-z_]\w*)", re.ASCII)
_ENV_GETTERS = frozenset({*ENVIRON_GET, "os.environ.pop", "os.environ.setdefault", "os.getenvb"})


def claims(path: str) -> bool:
    """Python source, notebooks too, that is the repository's own."""
    return path.endswith((".py", ".ipynb")) and VENDORED.isdisjoint(path.split("/"))


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The facts of one module; none for a file that does not parse (the file itself says why)."""
    if file.tree is None:
        return
    yield PythonModule(
        place=file.place(file.tree),
        imports=tuple(file.imports),
        calls=tuple(file.module.calls),
        asked=tuple(sorted(_settings_asked(file))),
        package=file.path.rsplit("/", 1)[-1] == "__init__.py",
        main=file.main,
    )
    changed = file.changed.union(_updated(file))
    yield from _constants(file, file.module, changed)
    depends = not _DEPENDS.isdisjoint(file.calls_by_name)
    for site in file.functions:
        yield _function(file, site, depends=depends)
    settings = _settings_classes(file)
    for cls in file.classes:
        if cls.node.name in settings and settings[cls.node.name] is cls:
            yield from _settings_fields(file, cls)
        elif cls.scope.assignments:
            yield from _constants(file, cls.scope, changed)
    yield from _environment(file)
    yield from addresses(file)
    exact, methods = _asked(wanted.calls)
    found = exact & file.calls_by_name.keys() | {methods[m] for m in methods.keys() & file.methods_by_name.keys()}
    for name in sorted(found):
        for call in file.sites(name):
            yield call_fact(file, call, name)


@functools.lru_cache(maxsize=8)
def _asked(calls: frozenset[str]) -> tuple[frozenset[str], dict[str, str]]:
    """The qualified names of *calls*, and those of methods of whatever value, by the method."""
    methods = {name[2:]: name for name in calls if name.startswith("*.")}
    return calls.difference(methods.values()), methods


# ------------------------------------------------------------------------------------------ constants, functions


def _constants(file: PythonFile, scope: Scope, changed: set[str]) -> Iterator[Constant]:
    """The names of a module or class body that can be told; a name bound several times is one of several. *changed*
    are the names of dictionaries whose entries are assigned later."""
    prefix = f"{scope.qualname}." if scope.qualname else ""
    bound: dict[str, list[Assignment]] = {}
    for assignment in scope.assignments:
        if assignment.value is not None:
            bound.setdefault(assignment.name, []).append(assignment)
    for name, assignments in bound.items():
        if len(assignments) == len(scope.names[name]) == 1:
            assignment = assignments[0]
            if isinstance(assignment.value, ast.Dict):
                if name not in changed:
                    yield from _dictionary(file, scope, prefix + name, assignment.value)
                continue
            value = file.expr(assignment.value, scope)
        else:
            value = _alternatives(file, scope, assignments)
        if not isinstance(value, Unknown):
            assignment = assignments[-1]
            yield Constant(
                place=file.place(assignment.node),
                name=prefix + name,
                value=shield(name, value, file.path),
                annotation=_annotation(assignment.annotation),
            )


def _updated(file: PythonFile) -> Iterator[str]:
    """Names of dictionaries that a method changes."""
    for method in ("update", "setdefault", "pop", "clear"):
        for site in file.sites(f"*.{method}"):
            function = site.node.func
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                yield function.value.id


def _alternatives(file: PythonFile, scope: Scope, assignments: list[Assignment]) -> Expr:
    values = [file.expr(assignment.value, scope) for assignment in assignments]
    if len(scope.names[assignments[0].name]) > len(assignments):  # also a loop, an import, an augmented assignment
        values.append(Unknown("bound in other ways as well"))
    unique = tuple(dict.fromkeys(values))
    if len(unique) == 1 or all(isinstance(value, Unknown) for value in unique):
        return unique[0]
    return Choice(unique)


def _dictionary(file: PythonFile, scope: Scope, name: str, node: ast.Dict, depth: int = 4) -> Iterator[Constant]:
    """The entries of a dictionary under their dotted keys; of repeated keys the last one counts."""
    if len(node.keys) > DICT_LIMIT or None in node.keys or depth == 0:  # unpacking may replace any key
        return
    entries: dict[str, tuple[ast.expr, ast.expr]] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        text = file.text(key, scope)
        if key is not None and text and "." not in text:
            entries[text] = (key, value)
    for text, (key, value) in entries.items():
        if isinstance(value, ast.Dict):
            yield from _dictionary(file, scope, f"{name}.{text}", value, depth - 1)
            continue
        expr = file.expr(value, scope)
        if not isinstance(expr, Unknown):
            yield Constant(place=file.place(key), name=f"{name}.{text}", value=shield(text, expr, file.path))


def _annotation(node: ast.expr | None) -> str:
    if node is None:
        return ""
    try:
        return (_plainly(node) or ast.unparse(node))[:200]
    except (RecursionError, ValueError):
        return ""


def _plainly(node: ast.expr) -> str:
    """What `ast.unparse`, which is slow, says of the usual annotations (``dict[str, int] | None``); "" for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return repr(node.value) if node.value is None or isinstance(node.value, str) else ""
    if isinstance(node, ast.Attribute):
        owner = _plainly(node.value) if isinstance(node.value, (ast.Name, ast.Attribute)) else ""
        return f"{owner}.{node.attr}" if owner else ""
    if isinstance(node, ast.Subscript) and isinstance(node.value, (ast.Name, ast.Attribute)):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1 else [node.slice]
        said = [_plainly(part) for part in parts]
        return f"{_plainly(node.value)}[{', '.join(said)}]" if all(said) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and not isinstance(node.right, ast.BinOp):
        left, right = _plainly(node.left), _plainly(node.right)
        return f"{left} | {right}" if left and right else ""
    return ""


def _function(file: PythonFile, site: FunctionSite, *, depends: bool) -> Function:
    """The fact of a function; *depends*: the file calls what FastAPI takes dependencies by."""
    node = site.node
    scope = site.scope
    outer = scope.parent or file.module
    arguments = node.args
    parameters: tuple[Parameter, ...] = ()
    if scope.parameters:
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
        pairs = [*zip(positional, defaults, strict=True)]
        pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        parameters = tuple(
            [
                Parameter(name=a.arg, default=None if d is None else shield(a.arg, file.expr(d, outer), file.path))
                for a, d in pairs
            ]
        )
    injected = tuple(dict.fromkeys(_dependencies(file, node, outer))) if depends else ()
    return Function(
        place=file.definition_place(node),
        name=scope.qualname,
        parameters=parameters,
        named=len(arguments.kwonlyargs),
        more=_takes(node, outer),
        calls=tuple(dict.fromkeys((*scope.calls, *injected))) if injected else tuple(scope.calls),
        injected=tuple([callee for callee in injected if callee not in scope.calls]),
        sometimes=tuple([name for name, conditional in scope.calls.items() if conditional]),
        decorators=tuple([_decorator(file, decorator, outer) for decorator in node.decorator_list]),
        asynchronous=node.__class__ is ast.AsyncFunctionDef,
    )


def _takes(node: ast.FunctionDef | ast.AsyncFunctionDef, outer: Scope) -> L["", "*", "**", "***", "?"]:
    """What a function takes besides its parameters (`Function.more`)."""
    arguments = node.args
    if arguments.posonlyargs or len(outer.names.get(node.name, ())) > 1 or _is_empty(node.body):
        return "?"
    cls = outer.node
    if isinstance(cls, ast.ClassDef) and (cls.keywords or cls.decorator_list):
        return "?"  # a metaclass or a decorator may put another one before it
    if arguments.vararg is not None:
        return "*" if arguments.kwarg is None else "***"
    return "" if arguments.kwarg is None else "**"


def _is_empty(body: list[ast.stmt]) -> bool:
    """Whether a function only says that there is one: ``...``, ``pass``, ``raise NotImplementedError``."""
    return all(
        isinstance(one, (ast.Pass, ast.Raise)) or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in body
    )


def _dependencies(file: PythonFile, node: ast.FunctionDef | ast.AsyncFunctionDef, outer: Scope) -> Iterator[str]:
    """What FastAPI calls before the function, by ``Depends`` in its parameters and decorators.

    Source: https://fastapi.tiangolo.com/tutorial/dependencies/
    """
    arguments = node.args
    said = [*arguments.defaults, *arguments.kw_defaults, *node.decorator_list]
    said += [a.annotation for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    for written in said:
        if written is None or written.__class__ is ast.Name or written.__class__ is ast.Constant:
            continue  # as most are
        for inner in walk(written):
            if isinstance(inner, ast.Call) and inner.args and file.qualified(inner.func, outer) in _DEPENDS:
                callee = file.qualified(inner.args[0], outer)
                if callee is not None and callee[0] != "*":
                    yield callee


def _decorator(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    """The qualified name of a decorator, called or not; "" where it has none."""
    return file.qualified(node.func if isinstance(node, ast.Call) else node, scope) or ""


def call_fact(file: PythonFile, site: CallSite, callee: str) -> Call:
    """The fact of a call, under the name *callee* by which it was asked for."""
    scope = site.scope
    arguments = []
    for argument in site.node.args:
        starred = isinstance(argument, ast.Starred)
        value = argument.value if isinstance(argument, ast.Starred) else argument
        arguments.append(
            Argument(value=file.expr(value, scope), name="*" if starred else "", place=file.place(argument))
        )
    for keyword in site.node.keywords:
        name = keyword.arg or "**"
        value_expr = shield(name, file.expr(keyword.value, scope), file.path)
        arguments.append(Argument(value=value_expr, name=name, place=file.place(keyword.value)))
    return Call(
        place=file.place(site.node),
        callee=callee,
        arguments=tuple(arguments),
        scope=scope.function,
        loops=len(site.loops),
        result=site.result,
    )


# -------------------------------------------------------------------------------------------------- environment


def _environment(file: PythonFile) -> Iterator[EnvRead]:
    for callee, sites in file.calls_by_name.items():
        if callee in _ENV_GETTERS:
            for site in sites:
                yield from _getter(file, site)
        elif callee in _DECOUPLE:
            for site in sites:
                yield from _casting(file, site, "decouple.config" if callee[0] == "d" else "starlette.config")
        elif "nv" in callee:
            base, _, method = callee.rpartition(".")
            if (method in _ENVIRONS_METHODS and base in _ENV_OBJECTS) or callee in _ENV_OBJECTS:
                for site in sites:
                    yield from _casting(file, site, _ENV_OBJECTS.get(base) or _ENV_OBJECTS[callee])
    yield from _subscripts(file)


def _getter(file: PythonFile, site: CallSite) -> Iterator[EnvRead]:
    """``os.environ.get(key, default)`` and its like. None as a default is none; ``or x`` is a default too."""
    key, default = environ_arguments(site.node)
    if key is None:
        return
    scope = site.scope
    value = file.expr(default, scope) if default is not None else None
    other = file.or_defaults.get(id(site.node))
    if other is not None and (value is None or (isinstance(value, Literal) and not value.value)):
        value = file.expr(other, scope)
    if value == Literal(None):
        value = None
    yield _read(file, site, key, value, site.callee, required=False)


def _casting(file: PythonFile, site: CallSite, api: str) -> Iterator[EnvRead]:
    """``config("KEY", default=x)``, ``env.str("KEY", "x")``: raises where there is neither variable nor default."""
    arguments = site.node.args
    keywords = site.node.keywords
    if not arguments or any(isinstance(a, ast.Starred) for a in arguments) or any(k.arg is None for k in keywords):
        return
    default = next((k.value for k in keywords if k.arg == "default"), None)
    if default is None and len(arguments) > 1 and api == "environs":
        default = arguments[1]
    value = file.expr(default, site.scope) if default is not None else None
    yield _read(file, site, arguments[0], value, api, required=default is None)


def _subscripts(file: PythonFile) -> Iterator[EnvRead]:
    if not file.mentions(b"environ"):
        return
    for site in file.subscripts:
        if file.qualified(site.node.value, site.scope) == "os.environ":
            yield _read(file, site, site.node.slice, None, "os.environ", required=True)


def _read(
    file: PythonFile,
    site: CallSite | SubscriptSite,
    key: ast.expr,
    default: Expr | None,
    api: str,
    *,
    required: bool,
) -> EnvRead:
    node, scope = site.node, site.scope
    text = file.text(key, scope)
    if default is not None and text is not None:
        default = shield(text, default, file.path)
    return EnvRead(
        place=file.place(node),
        key=Literal(text) if text is not None else file.expr(key, scope),
        default=default,
        scope=scope.function,
        required=required,
        field=_field_of(file, node, scope),
        conditional=site.conditional,
        api=api,
    )


def _field_of(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    """``Settings.url``, where *node* is in the value of a class body's assignment."""
    if scope.kind != "class":
        return ""
    for assignment in scope.assignments:
        statement = assignment.node
        if statement.lineno <= node.lineno and (node.end_lineno or 0) <= statement.end_lineno:
            return f"{scope.qualname}.{assignment.name}"
    return ""


# --------------------------------------------------------------------------------------------- pydantic settings


def _settings_asked(file: PythonFile) -> set[str]:
    """The attributes that are asked of settings; too many rather than too few, since text is all that is looked at."""
    words = filter(file.mentions, _SETTINGS_WORDS)
    found = sorted(match for word in words for match in file.found(_ASKS_SETTINGS[word]))
    names: set[str] = set()
    after = 0
    for start, end, name in found:
        if start >= after:  # of ``config.settings.url`` it is the settings that are asked for
            after = end
            names.add(name)
    return names | {name for _, _, name in file.found(_ASKS_ITSELF)} if file.mentions(b"BaseSettings") else names


def _settings_classes(file: PythonFile) -> dict[str, ClassSite]:
    """The classes of the file that are settings, directly or through another class of the file."""
    if not file.mentions(b"BaseSettings"):
        return {}
    found: dict[str, ClassSite] = {}
    for site in file.classes:
        for base in site.node.bases:
            name = file.qualified(base, site.scope.parent or file.module)
            if name in _SETTINGS_BASES or name in found:
                found[site.node.name] = site
    return found


def _settings_fields(file: PythonFile, site: ClassSite) -> Iterator[EnvRead]:
    """A field of a settings class is filled by a variable of its own name behind the prefix, whatever the case, unless
    an alias is given. An alias takes no prefix (pydantic-settings; ``Field(env=)`` of pydantic 1 the same)."""
    scope = site.scope
    prefix = _prefix(file, site)
    for assignment in scope.assignments:
        name = assignment.name
        if assignment.annotation is None or name.startswith("_") or name == "model_config":
            continue
        if _is_class_variable(assignment):
            continue
        keys, default, required = _field(file, scope, assignment)
        for key in keys or ([Literal((prefix + name).upper())] if prefix is not None else []):
            shown = key.value if isinstance(key, Literal) else name
            yield EnvRead(
                place=file.place(assignment.node),
                key=key,
                default=shield(f"{name} {shown}", default, file.path) if default is not None else None,
                required=required,
                field=f"{scope.qualname}.{name}",
                api="pydantic",
            )


def _is_class_variable(assignment: Assignment) -> bool:
    annotation = assignment.annotation
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return (isinstance(annotation, ast.Name) and annotation.id == "ClassVar") or (
        isinstance(annotation, ast.Attribute) and annotation.attr == "ClassVar"
    )


def _prefix(file: PythonFile, site: ClassSite) -> str | None:
    """The ``env_prefix`` of a settings class; "" where none is given, None where it can't be told."""
    scope = site.scope
    value: ast.expr | None = None
    for assignment in scope.assignments:
        if assignment.name == "model_config":
            value = _config_value(file, scope, assignment.value)
    for keyword in site.node.keywords:
        if keyword.arg == "env_prefix":
            value = keyword.value
    for inner in file.classes:
        if inner.scope.parent is scope and inner.node.name == "Config":
            value = next((a.value for a in inner.scope.assignments if a.name == "env_prefix"), value)
    if value is None:
        return "" if _own_bases_only(file, site) else None
    return file.text(value, scope)


def _own_bases_only(file: PythonFile, site: ClassSite) -> bool:
    """Whether no base class, which may have a prefix of its own, stands between the class and pydantic's."""
    outer = site.scope.parent or file.module
    return all(file.qualified(base, outer) in _SETTINGS_BASES for base in site.node.bases)


def _config_value(file: PythonFile, scope: Scope, node: ast.expr | None) -> ast.expr | None:
    if isinstance(node, ast.Call) and file.qualified(node.func, scope) in _CONFIG_DICTS:
        return next((k.value for k in node.keywords if k.arg == "env_prefix"), None)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if file.text(key, scope) == "env_prefix":
                return value
    return None


def _field(file: PythonFile, scope: Scope, assignment: Assignment) -> tuple[list[Expr], Expr | None, bool]:
    """Keys by alias (none: the field's own name), default, and whether a variable must be given."""
    value = assignment.value
    if value is None:
        return [], None, True
    if not (isinstance(value, ast.Call) and file.qualified(value.func, scope) in _FIELDS):
        return [], file.expr(value, scope), False
    keywords = {k.arg: k.value for k in value.keywords if k.arg}
    default = value.args[0] if value.args else keywords.get("default")
    alias = keywords.get("validation_alias") or keywords.get("alias") or keywords.get("env")
    keys = _aliases(file, scope, alias) if alias is not None else []
    if isinstance(default, ast.Constant) and default.value is ...:
        default = None
    if default is not None:
        return keys, file.expr(default, scope), False
    if "default_factory" in keywords:
        return keys, Unknown("result of a default_factory"), False
    return keys, None, True


def _aliases(file: PythonFile, scope: Scope, node: ast.expr) -> list[Expr]:
    if isinstance(node, ast.Call) and file.qualified(node.func, scope) in _ALIAS_CHOICES:
        nodes: list[ast.expr] = list(node.args)
    elif isinstance(node, (ast.List, ast.Tuple)):
        nodes = list(node.elts)
    else:
        nodes = [node]
    texts = [file.text(n, scope) for n in nodes]
    return [Literal(text.upper()) for text in texts if text] or [Unknown("an alias that is computed")]


READER: Reader[PythonFile] = Reader(
    name="python",
    version=7,
    format=PYTHON,
    facts=(PythonModule, Constant, Function, EnvRead, Address, Call),
    claims=claims,
    read=read,
)
