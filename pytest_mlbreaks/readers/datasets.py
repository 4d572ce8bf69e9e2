"""Datasets and models that Python code reads and writes, by the library calls of `pytest_mlbreaks.readers.apis`."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any, cast
from typing import Literal as L

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_expr import PATHS, choice, concat, shield
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Choice, Concat, Expr, Items, Literal, Name, PathJoin, Unknown
from pytest_mlbreaks.model.facts import Argument, Call, DatasetAccess, ModelAccess, Passed, Tracking
from pytest_mlbreaks.readers import apis
from pytest_mlbreaks.readers.apis import Api, Kind, Mode
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

MOST_CALLS = 20
"""Calls of one function in a file that are told; one that is called more often is a tool of no one dataset."""

_PATH = re.compile(r"/|\.(?:csv|parquet|json|jsonl|pkl|joblib|txt|ya?ml|h5|pt|pth|onnx|npy|npz|feather|tsv|bin|model)$")
_LIBRARIES = frozenset(
    {
        *("numpy", "pandas", "torch", "tensorflow", "sklearn", "keras", "matplotlib", "plotly", "seaborn", "pytest"),
        *("fastapi", "flask", "django", "pydantic", "sqlalchemy", "requests", "httpx", "boto3", "botocore", "google"),
        *("airflow", "kfp", "dagster", "prefect", "mlflow", "transformers", "datasets", "langchain", "pyspark", "dbt"),
        *("click", "typer", "yaml", "joblib", "polars", "streamlit", "alembic", "kubernetes", "azure", "sagemaker"),
        *("setuptools", "wandb", "ray", "jax", "cv2", "PIL", "spacy", "nltk", "scipy", "xgboost", "lightgbm", "rich"),
        *("vertexai", "openai", "loguru", "structlog", "celery", "redis", "duckdb", "pyarrow", "tqdm", "hopsworks"),
    }
)
"""Packages whose functions are no functions of a tree."""

_BUFFERS = ("io.", "tempfile.", "builtins.open", "sys.")
"""What makes objects in memory, or files that nobody else finds by name."""

_WRAPPER = re.compile(r"(?:load|save|dump|restore|persist|export|register|promote)_[a-z]")
"""Names of functions that load or save something for their callers."""

_PATH_METHODS: dict[str, Mode | None] = {
    **dict.fromkeys(("read_text", "read_bytes"), "read"),
    **dict.fromkeys(("write_text", "write_bytes"), "write"),
    "open": None,
}


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The accesses of one module, and what is passed to functions. What does not parse is the Python reader's to
    report."""
    followed: dict[str, None] = {}  # in order, so that every run says the same
    for fact in _accesses(file, wanted):
        if isinstance(fact, DatasetAccess | ModelAccess):
            followed.update(dict.fromkeys(_parameters(fact.target)))
        yield fact
    yield from _passed(file, followed)


def _accesses(file: PythonFile, wanted: Wanted) -> Iterator[Fact]:
    for callee, sites in file.calls_by_name.items():
        api = apis.QUALIFIED.get(callee)
        if api is not None:
            for site in sites:
                yield from _access(file, site, api, callee)
            continue
        if callee in apis.TRACKING:
            for site in sites:
                yield from _tracking(file, site, callee)
            continue
        if callee in apis.OPENERS:
            for site in sites:
                yield from _opened(file, site, apis.OPENERS[callee])
            continue
        head, _, method = callee.rpartition(".")
        if _WRAPPER.match(method) and _is_wrapper(callee, method) and not {callee, f"*.{method}"} & wanted.calls:
            for site in sites:
                yield _wrapper(file, site, callee)
        if method in _RULES and head:
            for site in sites:
                yield from _method(file, site, callee, head, method)


def _parameters(target: Expr) -> Iterator[str]:
    """The functions of the file whose parameters are in *target*."""
    match target:
        case Name(scope=scope) if scope:
            yield scope
        case Concat(parts=parts) | PathJoin(parts=parts) | Choice(options=parts):
            for part in parts:
                yield from _parameters(part)


def _passed(file: PythonFile, followed: dict[str, None]) -> Iterator[Passed]:
    """The calls of functions of the file that open what they are given, and of those functions that hand it to them;
    and the calls of imported functions that are given something that looks like a path."""
    pending = list(followed)
    while pending:
        name = pending.pop()
        for site in file.calls_by_name.get(name, ()):
            fact = _arguments(file, site, name)
            yield fact
            for argument in fact.arguments:
                further = dict.fromkeys(name for name in _parameters(argument.value) if name not in followed)
                followed |= further
                pending += further
    for callee, sites in file.calls_by_name.items():
        if callee in followed or not _may_be_ours(callee):
            continue
        if len(sites) <= MOST_CALLS and any(_tells_path(node) for site in sites for node in _values(site)):
            for site in sites:
                yield _arguments(file, site, callee)


def _may_be_ours(callee: str) -> bool:
    """Whether a callee may be an imported function of the tree: no method, and nothing of a well-known library."""
    root, separator, rest = callee.partition(".")
    if not separator or "*" in callee or "()" in callee or not rest:
        return False
    return root not in sys.stdlib_module_names and root not in _LIBRARIES and root != "builtins"


def _values(site: CallSite) -> Iterator[ast.expr]:
    yield from site.node.args
    for keyword in site.node.keywords:
        yield keyword.value


def _tells_path(node: ast.expr) -> bool:
    """Whether an argument looks like a path, or a name of the module that may be one."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and len(node.value) < 300 and _PATH.search(node.value) is not None
    if isinstance(node, ast.Name):
        return node.id.isupper() or "path" in node.id or "file" in node.id
    if isinstance(node, ast.Attribute):
        return node.attr.isupper() or "path" in node.attr or "file" in node.attr
    if isinstance(node, ast.JoinedStr):
        return any(_tells_path(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div) and _tells_path(node.right)
    return False


def _arguments(file: PythonFile, site: CallSite, callee: str) -> Passed:
    """What a call passes, literals that a parameter's name makes a secret left out."""
    arguments = []
    for node in site.node.args:
        starred = isinstance(node, ast.Starred)
        value = node.value if isinstance(node, ast.Starred) else node
        arguments.append(
            Argument(value=file.expr(value, site.scope), name="*" if starred else "", place=file.place(node))
        )
    for keyword in site.node.keywords:
        name = keyword.arg or "**"
        shown = shield(name, file.expr(keyword.value, site.scope), file.path)
        arguments.append(Argument(value=shown, name=name, place=file.place(keyword.value)))
    return Passed(place=file.place(site.node), callee=callee, arguments=tuple(arguments), scope=site.scope.function)


def _method(file: PythonFile, site: CallSite, callee: str, head: str, method: str) -> Iterator[Fact]:
    """A method, or a function known by its last name and the beginning of its first."""
    if method in _WANDB and head in _WANDB_OWNERS:
        yield from _wandb(file, site, head, method)
        return
    for root, api in apis.FAMILIES.get(method, ()):
        if callee.startswith(root):
            yield from _family(file, site, api, callee, root)
            return
    if head in apis.PICKLERS:
        yield from _pickled(file, site, method, callee)
        return
    if method in _PATH_METHODS and head[:-2] in PATHS:
        yield from _path_method(file, site, method)
        return
    if head != "*" and "()" not in head and not head.endswith((".read", ".write")):
        return  # a function of a module, not a method of a value
    if head != "*" and "definition" in file.module.names.get(head.partition("(")[0].partition(".")[0], ()):
        return  # of a class of this file: what it does is written there
    if method in apis.METHODS:
        yield from _access(file, site, apis.METHODS[method], f"*.{method}")
    elif method in apis.TYPED_METHODS:
        roots, api = apis.TYPED_METHODS[method]
        if callee.startswith(roots):
            yield from _access(file, site, api, f"*.{method}")
    elif method in apis.S3_METHODS:
        yield from _s3(file, site, method, head)
    elif method in apis.GCS_METHODS:
        yield from _gcs(file, site, method)
    else:
        yield from _spark(file, site, method)


def _argument(site: CallSite, position: int | None, names: tuple[str, ...]) -> ast.expr | None:
    """The argument under one of *names*, or at *position*; None where it is not given or unpacked."""
    for keyword in site.node.keywords:
        if keyword.arg in names:
            return keyword.value
    arguments = site.node.args
    if position is None or position >= len(arguments):
        return None
    return None if any(isinstance(a, ast.Starred) for a in arguments[: position + 1]) else arguments[position]


def _access(file: PythonFile, site: CallSite, api: Api, callee: str) -> Iterator[Fact]:
    node = _argument(site, api.position, api.names)
    if node is None or _in_memory(file, node, site.scope):
        return
    target = _given(file, node, site.scope) if api.model else file.expr(node, site.scope)
    if isinstance(target, Literal) and not isinstance(target.value, str):
        return  # None: the text is returned; a number names nothing
    mode = api.mode
    if api.append is not None:
        value = _argument(site, None, (api.append[0],))
        if value is not None and file.text(value, site.scope) in api.append[1]:
            mode = "append"
    yield _fact(file, site, mode, target, callee, api.kind, _more(file, site, api))


def _given(file: PythonFile, node: ast.expr, scope: Scope) -> Expr:
    """The expression of *node*; of a parameter, what the calls in the file give for it, and its default: other files
    may call the function, too."""
    told = file.expr(node, scope)
    function = scope.node
    if not isinstance(node, ast.Name) or scope.names.get(node.id) != ["parameter"]:
        return told
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return told
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    bound = scope.receiver != "" and not any(
        isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list
    )
    position = names.index(node.id) - bound if node.id in names else None
    outer = scope.parent
    options: list[Expr] = []
    for call in file.calls_by_name.get(scope.qualname, ()):
        passed = _argument(call, position, (node.id,))
        if passed is not None:
            options.append(file.expr(passed, call.scope))
    defaults = dict(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
    defaults |= {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}
    if node.id in defaults and outer is not None:
        options.append(file.expr(defaults[node.id], outer))
    known = [option for option in options if not isinstance(option, Unknown) and option != Literal(None)]
    return choice([*known, Unknown("a caller may give another")]) if known else told


def _is_wrapper(callee: str, method: str) -> bool:
    """Whether it may be a function of the tree, and is none of a library that is known here."""
    return callee[0] != "*" and not any(callee.startswith(root) for root, _ in apis.FAMILIES.get(method, ()))


def _wrapper(file: PythonFile, site: CallSite, callee: str) -> Fact:
    """A call of what by its name loads or saves something, so that link finds what it gives for a parameter."""
    arguments = [
        Argument(
            name="*" if isinstance(node, ast.Starred) else "", value=file.expr(node, site.scope), place=file.place(node)
        )
        for node in site.node.args
    ]
    arguments += [
        Argument(name=k.arg or "**", value=file.expr(k.value, site.scope), place=file.place(k.value))
        for k in site.node.keywords
    ]
    return Call(place=file.place(site.node), callee=callee, arguments=tuple(arguments), scope=site.scope.function)


def _more(file: PythonFile, site: CallSite, api: Api) -> dict[str, Expr]:
    """What other arguments say of a model. A list of one (``stages=["Production"]``) is that one."""
    found: dict[str, Expr] = {}
    for field, position, names in api.more:
        node = _argument(site, position, names)
        value = _one(_listed(file, node, site.scope)) if node is not None else Literal(None)
        if value != Literal(None):
            found[field] = value
    return found


def _one(value: Expr) -> Expr:
    """The one item of a list of one, else *value* itself."""
    return value.items[0] if isinstance(value, Items) and len(value.items) == 1 else value


def _listed(file: PythonFile, node: ast.expr, scope: Scope) -> Expr:
    """The expression of *node*, of a written list its items."""
    if isinstance(node, (ast.List, ast.Tuple)) and not any(isinstance(item, ast.Starred) for item in node.elts):
        return Items(tuple(file.expr(item, scope) for item in node.elts))
    return file.expr(node, scope)


def _wandb(file: PythonFile, site: CallSite, head: str, method: str) -> Iterator[Fact]:
    """A model among the artifacts of Weights & Biases: taken by an alias, or stored with some.

    https://docs.wandb.ai/ref/python/experiments/run/#method-runuse_artifact: ``NAME:ALIAS``, or ``aliases=``.
    ``latest`` moves with each version that is stored, other aliases where they are given.
    """
    if head == "*" and not file.mentions(b"wandb"):
        return
    if method == "use_artifact":
        yield from _wandb_taken(file, site)
        return
    node = _argument(site, 0, ("artifact_or_path", "artifact"))
    made = _made(file, node, site.scope) if node is not None else None
    if made is None or file.qualified(made[0].func, made[1]) != "wandb.Artifact":
        return
    artifact = CallSite(*made, loops=(), contexts=(), result="")
    named = _argument(artifact, 0, ("name",))
    kind = _argument(artifact, 1, ("type",))
    if named is None or kind is None or file.text(kind, artifact.scope) != "model":
        return
    position = 3 if method == "log_artifact" else 2
    given = _argument(site, position, ("aliases",))
    aliases = _listed(file, given, site.scope) if given is not None else Items(())
    if method == "log_artifact" and isinstance(aliases, Items):
        aliases = Items((*aliases.items, Literal("latest")))
    target = file.expr(named, artifact.scope)
    yield _fact(file, site, "promote", target, f"wandb.{method}", "registry", {"alias": _one(aliases)})


def _wandb_taken(file: PythonFile, site: CallSite) -> Iterator[Fact]:
    node = _argument(site, 0, ("artifact_or_name",))
    kind = _argument(site, 1, ("type",))
    given = _argument(site, 2, ("aliases",))
    if node is None:
        return
    name, alias = _without_alias(file.expr(node, site.scope))
    if given is not None:
        alias = _one(_listed(file, given, site.scope))
    told = name.value if isinstance(name, Literal) and isinstance(name.value, str) else ""
    is_model = file.text(kind, site.scope) == "model" if kind is not None else "model" in told.rpartition("/")[2]
    if is_model and alias is not None:
        if told:
            name = Literal(told.rpartition("/")[2])  # without the project, which a run gives it by itself
        yield _fact(file, site, "find", name, "wandb.use_artifact", "registry", {"alias": alias})


def _without_alias(target: Expr) -> tuple[Expr, Expr | None]:
    """The name of an artifact and the alias or version behind its colon; None where there is none, or a version."""
    parts = list(target.parts) if isinstance(target, Concat) else [target]
    last = parts[-1]
    if not isinstance(last, Literal) or not isinstance(last.value, str) or ":" not in last.value:
        return target, None
    before, _, alias = last.value.rpartition(":")
    rest = concat([*parts[:-1], Literal(before)]) if before or len(parts) == 1 else concat(parts[:-1])
    return rest, None if alias.removeprefix("v").isdecimal() else Literal(alias)


def _tracking(file: PythonFile, site: CallSite, callee: str) -> Iterator[Fact]:
    for kind, position, name in apis.TRACKING[callee]:
        node = _argument(site, position, (name,))
        target = file.expr(node, site.scope) if node is not None else Literal(None)
        if target != Literal(None):
            yield Tracking(place=file.place(site.node), kind=kind, target=target, scope=site.scope.function)


def _in_memory(file: PythonFile, node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Call):
        return (file.qualified(node.func, scope) or "").startswith(_BUFFERS)
    return isinstance(node, (ast.Name, ast.Attribute)) and (file.qualified(node, scope) or "").startswith(_BUFFERS)


def _fact(
    file: PythonFile,
    site: CallSite,
    mode: Mode,
    target: Expr,
    api: str,
    kind: Kind = "path",
    more: dict[str, Any] | None = None,
) -> Fact:
    place = file.place(site.node)
    scope = site.scope.function
    if mode in apis.MODEL_MODES:
        return ModelAccess(
            place=place,
            mode=cast(L["load", "save", "register", "promote", "find"], mode),
            target=target,
            api=api,
            kind=cast(L["path", "registry", "hub"], kind),
            scope=scope,
            **(more or {}),
        )
    return DatasetAccess(
        place=place,
        mode=cast(L["read", "write", "append"], mode),
        target=target,
        api=api,
        kind=cast(L["path", "table"], kind),
        scope=scope,
    )


def _family(file: PythonFile, site: CallSite, api: Api, callee: str, root: str) -> Iterator[Fact]:
    if root != "mlflow.":
        yield from _access(file, site, api, callee)
        return
    registered = _argument(site, None, ("registered_model_name",))
    if registered is not None:
        name = file.expr(registered, site.scope)
        if name != Literal(None):
            logged = _argument(site, 1, ("artifact_path", "name"))
            more = {"artifact": file.expr(logged, site.scope)} if logged is not None else {}
            yield _fact(file, site, "register", name, callee, "registry", more)
    for fact in _access(file, site, api, callee):
        if isinstance(fact, ModelAccess) and fact.kind == "registry" and not _in_registry(fact.target):
            yield _fact(file, site, "load", fact.target, callee, "path")
        else:
            yield fact


def _in_registry(target: Expr) -> bool:
    """Whether a model URI may be one of the registry: it begins with ``models:``, or with what is not told."""
    first = target.parts[0] if isinstance(target, Concat) else target
    return not (isinstance(first, Literal) and isinstance(first.value, str)) or first.value.startswith("models:")


def _opened(file: PythonFile, site: CallSite, default: str) -> Iterator[Fact]:
    """``open(file, mode)``, for a file that can be told at least in part and a mode that is written."""
    node = _argument(site, 0, ("file", "filename", "urlpath", "uri", "name"))
    mode_node = _argument(site, 1, ("mode",))
    mode = _mode(default if mode_node is None else file.text(mode_node, site.scope))
    if node is None or mode is None:
        return
    target = file.expr(node, site.scope)
    if not isinstance(target, Unknown) and not (isinstance(target, Literal) and not isinstance(target.value, str)):
        yield _fact(file, site, mode, target, site.callee)


def _mode(text: str | None) -> Mode | None:
    if text is None:
        return None
    if "a" in text:
        return "append"
    return "write" if any(letter in text for letter in "wx+") else "read"


def _path_method(file: PythonFile, site: CallSite, method: str) -> Iterator[Fact]:
    function = site.node.func
    if not isinstance(function, ast.Attribute):
        return
    mode = _PATH_METHODS[method]
    if mode is None:
        node = _argument(site, 0, ("mode",))
        mode = _mode("r" if node is None else file.text(node, site.scope))
    target = file.expr(function.value, site.scope)
    if mode is not None and not isinstance(target, Unknown):
        yield _fact(file, site, mode, target, site.callee)


def _pickled(file: PythonFile, site: CallSite, method: str, callee: str) -> Iterator[Fact]:
    """``pickle.load(f)`` and ``pickle.dump(x, f)`` where *f* is an opened file whose path is told."""
    node = _argument(site, 0 if method == "load" else 1, ("file",))
    opened = _made(file, node, site.scope) if node is not None and method in ("load", "dump") else None
    if opened is None:
        return
    call, scope = opened
    if file.qualified(call.func, scope) in apis.OPENERS and call.args:
        target = file.expr(call.args[0], scope)
        if not isinstance(target, Unknown):
            yield _fact(file, site, "load" if method == "load" else "save", target, callee)


def _made(file: PythonFile, node: ast.expr, scope: Scope) -> tuple[ast.Call, Scope] | None:
    """The call that made a value, also through a name or ``self`` attribute that is bound once."""
    if isinstance(node, ast.Name):
        owner = scope.owner(node.id)
        bindings = owner.names[node.id] if owner is not None else []
        if owner is None or len(bindings) != 1 or not isinstance(bindings[0], ast.expr):
            return None
        node, scope = bindings[0], owner
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == scope.receiver:
        bound = scope.parent.attributes.get(node.attr, []) if scope.parent is not None else []
        if len(bound) != 1 or not isinstance(bound[0][0], ast.expr):
            return None
        node, scope = bound[0]  # type: ignore[assignment]
    return (node, scope) if isinstance(node, ast.Call) else None


def _s3(file: PythonFile, site: CallSite, method: str, head: str) -> Iterator[Fact]:
    """An S3 client's method; of an object that is not known only where both ``Bucket=`` and ``Key=`` are given."""
    mode, bucket_position, key_position = apis.S3_METHODS[method]
    client = head.startswith(("boto3.", "aiobotocore.", "botocore.")) and head.endswith(("client()", ".client"))
    bucket = _argument(site, bucket_position if client else None, ("Bucket",))
    key = _argument(site, key_position if client else None, ("Key",))
    if bucket is not None and key is not None:
        scope = site.scope
        target = concat([Literal("s3://"), file.expr(bucket, scope), Literal("/"), file.expr(key, scope)])
        yield _fact(file, site, mode, target, f"s3.{method}")


def _gcs(file: PythonFile, site: CallSite, method: str) -> Iterator[Fact]:
    """A method of a blob whose bucket and name are told: ``client.bucket(b).blob(k).upload_from_filename(f)``."""
    function = site.node.func
    blob = _made(file, function.value, site.scope) if isinstance(function, ast.Attribute) else None
    if blob is None or not _is_method(blob[0], "blob", "get_blob"):
        return
    bucket = _made(file, cast(ast.Attribute, blob[0].func).value, blob[1])
    if bucket is None or not _is_method(bucket[0], "bucket", "get_bucket"):
        return
    target = concat(
        [
            Literal("gs://"),
            file.expr(bucket[0].args[0], bucket[1]),
            Literal("/"),
            file.expr(blob[0].args[0], blob[1]),
        ]
    )
    yield _fact(file, site, apis.GCS_METHODS[method], target, f"gcs.{method}")


def _is_method(call: ast.Call, *names: str) -> bool:
    function = call.func
    return isinstance(function, ast.Attribute) and function.attr in names and bool(call.args)


def _spark(file: PythonFile, site: CallSite, method: str) -> Iterator[Fact]:
    """``spark.read...parquet(path)``, ``df.write...saveAsTable(name)``, by the chain of attributes and calls."""
    chain: list[str] = []
    mode: Mode = "write"
    node: ast.expr = site.node.func
    while True:
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in ("mode", "outputMode") and node.args:
                mode = "append" if file.text(node.args[0], site.scope) == "append" else mode
            node = function
        elif isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        else:
            break
    root = node.id if isinstance(node, ast.Name) else ""
    written = _argument(site, None, ("mode",))
    if written is not None and file.text(written, site.scope) == "append":
        mode = "append"
    target = _argument(site, 0, ("path", "name", "tableName"))
    if target is None:
        return
    if "read" in chain[1:] and method in apis.SPARK_READS and _is_spark([root, *chain], method):
        kind = cast(Kind, apis.SPARK_READS[method])
        yield _fact(file, site, "read", file.expr(target, site.scope), f"spark.read.{method}", kind)
    elif "write" in chain[1:] and method in apis.SPARK_WRITES and (method != "save" or len(chain) > 2):
        if method == "insertInto" and mode == "write":
            overwrite = _argument(site, 1, ("overwrite",))
            mode = "write" if isinstance(overwrite, ast.Constant) and overwrite.value is True else "append"
        kind = cast(Kind, apis.SPARK_WRITES[method])
        yield _fact(file, site, mode, file.expr(target, site.scope), f"spark.write.{method}", kind)


def _is_spark(names: list[str], method: str) -> bool:
    """Whether ``x.read...method()`` is Spark's: what is read in a columnar format, or a name or an option says so."""
    return method in ("parquet", "orc", "csv") or any(
        "spark" in name.lower() or name in ("format", "option", "options", "schema") for name in names
    )


_WANDB = frozenset({"use_artifact", "log_artifact", "link_artifact"})
_WANDB_OWNERS = frozenset({"*", "wandb", "wandb.run", "wandb.init()"})
_RULES = frozenset(
    {
        *_WANDB,
        *apis.FAMILIES,
        *apis.METHODS,
        *apis.TYPED_METHODS,
        *apis.S3_METHODS,
        *apis.GCS_METHODS,
        *apis.SPARK_READS,
        *apis.SPARK_WRITES,
        *_PATH_METHODS,
        "dump",
    }
)
"""Last names of callees that one of the rules is about."""

READER: Reader[PythonFile] = Reader(
    name="datasets",
    version=4,
    format=PYTHON,
    facts=(DatasetAccess, ModelAccess, Passed, Tracking, Call),
    claims=claims,
    read=read,
)
