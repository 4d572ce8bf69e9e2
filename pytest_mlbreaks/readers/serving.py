"""Code that serves and code that calls: request handlers, routers, request models, HTTP calls, calls that hold their
thread, and code that repeats what fails.

What a library does where nothing is said is that of its documentation: ``requests`` and ``urllib`` wait for ever,
``httpx`` 5 seconds, ``aiohttp`` 300. Only what is certain is stated: a ``predict`` of an object that is not known
counts where the object's name says that it is a model.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from typing import Literal as L

from pytest_mlbreaks.formats.python import PYTHON, CallSite, ClassSite, FunctionSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import children, walk
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import (
    BlockingCall,
    Handler,
    RemoteCall,
    RequestField,
    RequestModel,
    Retrying,
    Router,
    RouterMount,
)
from pytest_mlbreaks.readers import apis
from pytest_mlbreaks.readers._waiting import Held, is_async_session
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.waiting import METHODS, Waits, waits

Kind = L["load", "predict", "train", "sleep", "command"] | Waits
Deadline = L["none", "given", "default", "unknown"]

_VERBS: Final = frozenset({"get", "post", "put", "delete", "patch", "head", "options"})
_SENDS: Final = _VERBS | {"request", "urlopen"}
_ROUTES: Final = _VERBS | {"route", "api_route", "websocket"}
_ROUTERS: Final[Mapping[str, tuple[str, bool, str]]] = {
    "fastapi.FastAPI": ("fastapi", True, ""),
    "fastapi.applications.FastAPI": ("fastapi", True, ""),
    "fastapi.APIRouter": ("fastapi", False, "prefix"),
    "fastapi.routing.APIRouter": ("fastapi", False, "prefix"),
    "flask.Flask": ("flask", True, ""),
    "flask.Blueprint": ("flask", False, "url_prefix"),
}
"""By callee: the framework, whether it is an application, and the argument that holds its prefix."""

_MOUNTS: Final = {"include_router": "prefix", "register_blueprint": "url_prefix", "mount": ""}
_TAKE_NO_ROUTES: Final = re.compile(
    r"uvicorn|TestClient|CORS|Mangum|hypercorn|waitress|gunicorn|instrument|LoginManager|Limiter|ProxyFix|Talisman"
    r"|serve\.ingress|^builtins\.|SQLAlchemy|Migrate|\.expose$|PrometheusMetrics|add_middleware|ASGITransport|AsyncClient",
    re.IGNORECASE,
)
"""Callees that take an application and give it no route but ``/metrics``."""

_LITESTAR: Final = frozenset(f"litestar.{verb}" for verb in _VERBS)
_SAGEMAKER: Final = frozenset({"input_fn", "predict_fn", "output_fn", "transform_fn"})
_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_WEB_TYPES: Final = ("fastapi.", "starlette.", "builtins.", "datetime.", "uuid.", "typing.", "pathlib.", "decimal.")

_SESSIONS: Final[Mapping[str, str]] = {
    "requests.": "requests",
    "requests.Session().": "requests",
    "requests.session().": "requests",
    "requests.sessions.Session().": "requests",
    "httpx.": "httpx",
    "httpx.Client().": "httpx",
    "httpx.AsyncClient().": "httpx",
    "aiohttp.ClientSession().": "aiohttp",
}
"""What stands before the verb in the name of an HTTP call, and the library."""

_PREDICTS: Final = frozenset({"predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples"})
_MODEL_ROOTS: Final = (
    *("joblib.load()", "pickle.load()", "cloudpickle.load()", "dill.load()", "mlflow.", "sklearn.", "keras."),
    *("tensorflow.", "xgboost.", "lightgbm.", "catboost.", "skops."),
)
_ENCODERS: Final = ("sentence_transformers.SentenceTransformer().encode", "onnxruntime.InferenceSession().run")
_MODEL_NAME: Final = re.compile(
    r"(^|_)(model|clf|classifier|regressor|estimator|booster|predictor|pipeline|pipe|xgb|lgbm|lgb|rf)s?(_|\d|$)",
    re.IGNORECASE,
)
_NO_LOADS: Final = frozenset({"bentoml.models.get"})
_UNPICKLERS: Final = frozenset({"pickle.load", "cloudpickle.load", "dill.load"})
_COMMANDS: Final = frozenset(
    {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "os.system"}
)
_SECONDS: Final = 5
"""What a command may take that is not told: less than any probe and proxy waits for several times."""
_PYDANTIC: Final = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel", "pydantic.v1.BaseModel"})
_WHOLE_INPUT: Final = ("model_validator", "root_validator")
_TENACITY: Final = frozenset({"tenacity.retry", "tenacity.Retrying", "tenacity.AsyncRetrying"})
_PAUSES: Final = re.compile(
    r"sleep|wait|delay|back_?off|pause|throttl|rate_?limit|^input$|^poll$|prompt", re.IGNORECASE
)
"""Names of calls that take time on purpose, or wait for somebody."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The facts of one module. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    held = Held(file)
    routers: set[str] = set()
    for callee, sites in file.calls_by_name.items():
        head, _, method = callee.rpartition(".")
        if method not in _LAST_NAMES:
            continue
        if callee in _ROUTERS:
            for site in sites:
                for router in _router(file, site):
                    routers.add(router.name)
                    yield router
        elif method in _MOUNTS and head:
            for site in sites:
                yield from _mount(file, site, method)
        elif method in _SENDS:
            library = _SESSIONS.get(head + ".") or ("urllib" if callee == "urllib.request.urlopen" else "")
            for site in sites if library else ():
                yield _remote(file, site, library, held)
                yield from _looped(file, site)
            for site in sites if not library and method in METHODS else ():
                yield from _blocking(file, site, head, method, held)
        elif method == "Retry":
            if callee == "urllib3.Retry" or callee.endswith(".retry.Retry"):
                for site in sites:
                    yield from _urllib3(file, site)
        elif method in _HOLDING or callee in _LOADS:
            for site in sites:
                yield from _blocking(file, site, head, method, held)
    for function in file.functions:
        if function.node.decorator_list:
            yield from _decorated(file, function)
    if routers:
        yield from _handed_on(file, routers)
    yield from _named_handlers(file)
    if file.mentions(b"pydantic"):
        yield from _request_models(file)


# ---------------------------------------------------------------------------------------------------- handlers


def _name(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    """What a router is called: its own name in this file, or the qualified one where it is imported; "" for none."""
    if isinstance(node, ast.Name):
        owner = scope.owner(node.id)
        return owner.imports.get(node.id, node.id) if owner is not None else ""
    name = file.qualified(node, scope) if isinstance(node, ast.Attribute) else None
    return name if name and name[0] != "*" and "()" not in name else ""


def _keyword(call: ast.Call, *names: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg in names), None)


def _argument(call: ast.Call, position: int, *names: str) -> ast.expr | None:
    """The argument under one of *names*, or at *position*; None where it is not given or unpacked."""
    named = _keyword(call, *names)
    if named is not None or len(call.args) <= position:
        return named
    return None if any(isinstance(a, ast.Starred) for a in call.args[: position + 1]) else call.args[position]


def _router(file: PythonFile, site: CallSite) -> Iterator[Router]:
    framework, app, prefix = _ROUTERS[site.callee]
    if site.result and "." not in site.result:
        written = _keyword(site.node, prefix) if prefix else None
        yield Router(
            place=file.place(site.node),
            framework=framework,
            name=site.result,
            scope=site.scope.function,
            app=app,
            prefix=None if written is None else file.expr(written, site.scope),
        )


def _mount(file: PythonFile, site: CallSite, method: str) -> Iterator[RouterMount]:
    function = site.node.func
    if not isinstance(function, ast.Attribute):
        return
    parent = _name(file, function.value, site.scope)
    whole = method == "mount"
    child = _argument(site.node, 1 if whole else 0, "app" if whole else "router")
    prefix = _argument(site.node, 0, "path") if whole else _keyword(site.node, _MOUNTS[method])
    if parent and child is not None and not (whole and prefix is None):
        yield RouterMount(
            place=file.place(site.node),
            parent=parent,
            child=_name(file, child, site.scope),
            prefix=None if prefix is None else file.expr(prefix, site.scope),
            whole=whole,
        )


def _handed_on(file: PythonFile, routers: set[str]) -> Iterator[RouterMount]:
    """Calls that may give a router routes which are not written here: it is handed to them, or they take them."""
    for site in file.calls:
        function = site.node.func
        last = function.attr if isinstance(function, ast.Attribute) else ""
        if last in _ADDS and isinstance(function, ast.Attribute):
            given = [function.value]
        elif last not in _MOUNTS:
            given = [*site.node.args, *(k.value for k in site.node.keywords)]
        else:
            continue
        for node in given:
            if isinstance(node, ast.Name) and node.id in routers and not _TAKE_NO_ROUTES.search(site.callee):
                yield RouterMount(place=file.place(site.node), parent=node.id, child="")


_ADDS: Final = frozenset(
    {"add_api_route", "add_url_rule", "add_route", "add_api_websocket_route", "add_websocket_route"}
)


def _decorated(file: PythonFile, site: FunctionSite) -> Iterator[Fact]:
    outer = site.scope.parent or file.module
    for decorator in site.node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = file.qualified(target, outer) or ""
        head, _, method = name.rpartition(".")
        if call is not None and method in _ROUTES and head and head not in ("requests", "httpx"):
            yield from _route(file, site, outer, call, name)
        elif name in ("bentoml.api", "bentoml.Service().api"):
            yield _handler(file, site, "bentoml")
        elif name in _TENACITY:
            yield _tenacity(file, site.scope.qualname, call, outer, decorator)
        elif name in ("retry.retry", "retry.api.retry", "backoff.on_exception", "backoff.on_predicate"):
            yield _other_retry(file, site.scope.qualname, call, name, decorator)


def _handler(
    file: PythonFile,
    site: FunctionSite,
    framework: str,
    *,
    route: Expr | None = None,
    methods: tuple[str, ...] = (),
    router: str = "",
    body: str = "",
) -> Handler:
    return Handler(
        place=file.definition_place(site.node),
        framework=framework,
        function=site.scope.qualname,
        route=route,
        methods=methods,
        router=router,
        asynchronous=isinstance(site.node, ast.AsyncFunctionDef),
        body=body,
    )


def _route(file: PythonFile, site: FunctionSite, outer: Scope, call: ast.Call, name: str) -> Iterator[Handler]:
    """A route of an application or router that a decorator names: of a framework that is known, or of an imported
    object where the route is a path."""
    head, _, method = name.rpartition(".")
    node = _argument(call, 0, "path", "rule")
    if node is None:
        return
    route = file.expr(node, outer)
    framework = _ROUTERS[head[:-2]][0] if head[:-2] in _ROUTERS else ""
    if name in _LITESTAR:
        framework = "litestar"
    if not framework:
        text = route.value if isinstance(route, Literal) else None
        if "(" in head or not isinstance(text, str) or not text.startswith("/"):
            return
        framework = "web"
    methods: tuple[str, ...] = (method.upper(),) if method in _VERBS else ()
    if method in ("route", "api_route"):
        methods = _written_methods(file, call, outer, framework)
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    text = route.value if isinstance(route, Literal) and isinstance(route.value, str) else ""
    yield _handler(
        file,
        site,
        framework,
        route=route,
        methods=methods,
        router=_name(file, receiver, outer),
        body=_body(file, site, outer, text) if framework in ("fastapi", "web") and method not in _BODYLESS else "",
    )


def _written_methods(file: PythonFile, call: ast.Call, scope: Scope, framework: str) -> tuple[str, ...]:
    """``methods=[...]``; a route of Flask without it answers to GET, HEAD and OPTIONS. () where that can't be told."""
    written = _keyword(call, "methods")
    if written is None:
        return ("GET", "HEAD", "OPTIONS") if framework == "flask" else ()
    if isinstance(written, (ast.List, ast.Tuple, ast.Set)):
        found = [file.text(element, scope) for element in written.elts]
        if all(found):
            return tuple(text.upper() for text in found if text)
    return ()


def _body(file: PythonFile, site: FunctionSite, outer: Scope, route: str) -> str:
    """The annotation of the one parameter that FastAPI fills from the body; "" where there is not exactly one."""
    arguments = site.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    found = []
    for argument, default in pairs:
        if argument.arg == site.scope.receiver or f"{{{argument.arg}" in route:
            continue
        made = file.qualified(default.func, outer) if isinstance(default, ast.Call) else ""
        if default is not None and made not in ("fastapi.Body", "fastapi.param_functions.Body"):
            continue
        annotation = argument.annotation
        if isinstance(default, ast.Call) and _keyword(default, "embed") is not None:
            return ""
        if not isinstance(annotation, (ast.Name, ast.Attribute)):
            return ""  # a list of models, a union: not told
        name = file.qualified(annotation, outer) or ""
        if not name.startswith(_WEB_TYPES) and name != "Any":
            found.append(name)
    return found[0] if len(found) == 1 and found[0][:1] != "*" else ""


def _named_handlers(file: PythonFile) -> Iterator[Handler]:
    """Handlers that a framework finds by their names: methods of certain classes, functions of certain modules."""
    classes: dict[str, str] = {}
    for site in file.classes:
        outer = site.scope.parent or file.module
        if site.node.name == "TritonPythonModel":
            classes[site.scope.qualname] = "triton"
        elif any(file.qualified(base, outer) in ("kserve.Model", "kserve.model.Model") for base in site.node.bases):
            classes[site.scope.qualname] = "kserve"
        elif any(_decorator(file, d, outer) == "ray.serve.deployment" for d in site.node.decorator_list):
            classes[site.scope.qualname] = "ray-serve"
    sagemaker = any(site.scope.qualname == "model_fn" for site in file.functions)
    for function in file.functions:
        owner, _, name = function.scope.qualname.rpartition(".")
        if owner in classes:
            framework = classes[owner]
            if name in _NAMED[framework]:
                yield _handler(file, function, framework)
        elif not owner and sagemaker and name in _SAGEMAKER:
            yield _handler(file, function, "sagemaker")
        elif (
            not owner
            and name in ("lambda_handler", "handler")
            and [*function.scope.parameters][:2] == ["event", "context"]
        ):
            yield _handler(file, function, "lambda")


_NAMED: Final[Mapping[str, frozenset[str]]] = {
    "triton": frozenset({"execute"}),
    "kserve": frozenset({"predict", "preprocess", "postprocess", "explain"}),
    "ray-serve": frozenset({"__call__"}),
}


def _decorator(file: PythonFile, node: ast.expr, scope: Scope) -> str:
    return file.qualified(node.func if isinstance(node, ast.Call) else node, scope) or ""


# ---------------------------------------------------------------------------------------------- calls that wait


def _blocking(file: PythonFile, site: CallSite, head: str, method: str, held: Held) -> Iterator[BlockingCall]:
    kind = _reads_elsewhere(file, site) if method in _TABLES else _kind(site, site.callee, head, method)
    if kind is not None and not held.skips(site) and not is_async_session(file, site.callee):
        yield BlockingCall(
            place=file.place(site.node),
            kind=kind,
            api=site.callee,
            scope=site.scope.function,
            loops=len(site.loops),
            single=kind == "predict" and not site.callee.startswith("fasttext.") and _is_single(site),
            conditional=site.conditional,
            lazy=held.is_generator(site.scope),
        )


def _is_single(site: CallSite) -> bool:
    """Whether the model is asked about one item of the innermost loop at a time: what it is given is made of the item,
    what it is itself is not, and neither the items nor what they come from are called batches, folds or models. Items
    that are written out one by one are no rows."""
    loop = site.loops[-1] if site.loops else None
    if isinstance(loop, (ast.For, ast.AsyncFor)):
        target, source, body = [loop.target], [loop.iter], loop.body
    elif isinstance(loop, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
        target, source, body = [g.target for g in loop.generators], [g.iter for g in loop.generators], []
    else:
        return False
    if all(isinstance(node, ast.Tuple | ast.List | ast.Set) for node in source):
        return False
    items = {name for node in target for name in _names(node)}
    origin = {name for node in source for name in _names(node)}
    told = items if not origin.isdisjoint(_ROWS) else items | origin
    if not items or "range" in origin or any(map(_NO_ITEMS.search, told)):
        return False
    for statement in body:  # what is made of the item, in the order of the statements
        for node in walk(statement):
            if isinstance(node, ast.Assign) and not items.isdisjoint(_names(node.value)):
                items.update(name for t in node.targets if isinstance(t, ast.Name) for name in _names(t))
    function = site.node.func
    model = set(_names(function.value)) if isinstance(function, ast.Attribute) else set()
    given = {name for argument in site.node.args for name in _names(argument)}
    return model.isdisjoint(items) and not given.isdisjoint(items)


_ROWS: Final = frozenset({"iterrows", "itertuples", "iter_rows"})
_NO_ITEMS: Final = re.compile(
    r"batch|chunk|load|fold|split|epoch|model|clf|estim|grid|param|thresh|step|horizon|shard|group|part|window|frame|iter"
    r"|^(x|y|df)(_|$)|_df$|dataset|sets?$|keys$|names$|algo|classif|regress",
    re.IGNORECASE,
)
"""Names of what is more than one row, or other than data."""


def _names(node: ast.AST) -> Iterator[str]:
    for inner in walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _kind(site: CallSite, callee: str, head: str, method: str) -> Kind | None:
    if method in _PREDICTS:
        return "predict" if _is_model(site, head) else None
    if method == "fit":
        return "train" if _is_model(site, head) else None
    if callee in _LOADS or (callee.startswith(("mlflow.", "transformers.")) and _loads(callee, method)):
        return "load"
    if callee == "time.sleep":
        return "sleep"
    if callee in _MEASURES:
        return "sleep" if _measures_for_long(site) else None
    if callee in _COMMANDS:
        return None if _ends_soon(site) else "command"
    if callee in _ENCODERS:
        return "predict"
    return waits(callee, method)


_TABLES: Final = frozenset(
    {
        "read_csv",
        "read_parquet",
        "read_json",
        "read_excel",
        "read_feather",
        "read_sql",
        "read_sql_query",
        "read_sql_table",
    }
)
_ELSEWHERE: Final = ("s3://", "s3a://", "gs://", "gcs://", "abfs://", "abfss://", "az://", "http://", "https://")


def _reads_elsewhere(file: PythonFile, site: CallSite) -> Kind | None:
    """What pandas waits for when it reads a table: a database that is no file, or a file that is not here."""
    if not site.callee.startswith("pandas."):
        return None
    if site.callee.startswith("pandas.read_sql"):
        made = file.qualified(_argument(site.node, 1, "con"), site.scope) or ""
        return "query" if waits(f"{made}.connect", "connect") else None
    filesystem = _keyword(site.node, "filesystem")
    if filesystem is not None and (file.qualified(filesystem, site.scope) or "").startswith(
        ("gcsfs.", "s3fs.", "adlfs.")
    ):
        return "fetch"
    source = _argument(site.node, 0, "filepath_or_buffer", "path", "path_or_buf", "io")
    while isinstance(source, ast.BinOp):
        source = source.left
    if isinstance(source, ast.JoinedStr) and source.values:
        source = source.values[0]
    text = source.value if isinstance(source, ast.Constant) else file.text(source, site.scope)
    return "fetch" if isinstance(text, str) and text.startswith(_ELSEWHERE) else None


_MEASURES: Final = frozenset({"psutil.cpu_percent", "psutil.cpu_times_percent", "psutil.Process().cpu_percent"})


def _measures_for_long(site: CallSite) -> bool:
    """Whether psutil is told to measure for half a second at least: it sleeps meanwhile.

    Source: https://psutil.readthedocs.io/en/latest/#psutil.cpu_percent
    """
    interval = _argument(site.node, 0, "interval")
    return isinstance(interval, ast.Constant) and isinstance(interval.value, (int, float)) and interval.value >= 0.5


def _ends_soon(site: CallSite) -> bool:
    """Whether a command is given a few seconds at most (``timeout=2``)."""
    given = next((keyword.value for keyword in site.node.keywords if keyword.arg == "timeout"), None)
    seconds = given.value if isinstance(given, ast.Constant) else None
    return isinstance(seconds, int | float) and seconds <= _SECONDS


def _loads(callee: str, method: str) -> bool:
    return any(
        callee.startswith(root) and api.mode == "load"
        for root, api in apis.FAMILIES.get(method, ())
        if method in ("load_model", "from_pretrained")
    )


_LOADS: Final = (
    frozenset(callee for callee, api in apis.QUALIFIED.items() if api.mode == "load" and callee not in _NO_LOADS)
    | _UNPICKLERS
)


_HOLDING: Final = frozenset(
    {"fit", "sleep", "load_model", "from_pretrained", *_PREDICTS, *METHODS, *_TABLES}
    | {callee.rpartition(".")[2] for callee in (*_COMMANDS, *_ENCODERS, *_MEASURES)}
)
"""Last names of calls that may hold their thread, beside loads by their whole names."""

_LAST_NAMES: Final = frozenset(
    {"Retry", *_MOUNTS, *_SENDS, *_HOLDING} | {callee.rpartition(".")[2] for callee in (*_ROUTERS, *_LOADS)}
)
"""Last names of all calls that are looked at."""


def _is_model(site: CallSite, head: str) -> bool:
    """Whether what the method is called on is a model: a library made it, or nothing more is known of it than a call
    that made it, and a name that says so."""
    if head != "*" and ("()" not in head or head.startswith(_MODEL_ROOTS)):
        return "()" in head
    function = site.node.func
    receiver = function.value if isinstance(function, ast.Attribute) else None
    while isinstance(receiver, ast.Subscript):
        receiver = receiver.value
    name = receiver.id if isinstance(receiver, ast.Name) else getattr(receiver, "attr", "")
    return bool(_MODEL_NAME.search(name))


def _remote(file: PythonFile, site: CallSite, library: str, held: Held) -> RemoteCall:
    callee, call, scope = site.callee, site.node, site.scope
    method = callee.rpartition(".")[2]
    verb = method.upper()
    position = 0
    if method == "request":
        position = 1
        verb = (file.text(_argument(call, 0, "method"), scope) or "").upper()
    elif method == "urlopen":
        verb = "" if len(call.args) > 1 or _keyword(call, "data") is not None else "GET"
    url = _argument(call, position, "url")
    asynchronous = callee.startswith(("aiohttp.", "httpx.AsyncClient()"))
    return RemoteCall(
        place=file.place(call),
        api=callee,
        verb=verb,
        url=Unknown("not given") if url is None else file.expr(url, scope),
        deadline=_deadline(file, site, library),
        keys=_keys(file, site),
        scope=scope.function,
        loops=len(site.loops),
        awaited=asynchronous or held.skips(site),
        conditional=site.conditional,
        lazy=held.is_generator(scope),
    )


def _deadline(file: PythonFile, site: CallSite, library: str) -> Deadline:
    call = site.node
    timeout = _argument(call, 2, "timeout") if library == "urllib" else _keyword(call, "timeout")
    if timeout is not None:
        return "none" if isinstance(timeout, ast.Constant) and timeout.value is None else "given"
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        return "unknown"
    if library in ("httpx", "aiohttp"):
        return "default"
    if library == "urllib":
        return "unknown" if file.mentions(b"setdefaulttimeout") else "none"
    if "()" in site.callee and _adapted(file):
        return "unknown"
    return "none"


def _adapted(file: PythonFile) -> bool:
    """Whether a session of the file may have a limit of its own: an adapter that is not the library's, or a method
    that is replaced."""
    if file.mentions(b".request = ") or file.mentions(b".send = "):
        return True
    for site in file.sites("*.mount"):
        adapter = _argument(site.node, 1, "adapter")
        made = file.qualified(adapter, site.scope) if adapter is not None else None
        if isinstance(adapter, ast.Call):
            made = (file.qualified(adapter.func, site.scope) or "") + "()"
        if made not in ("requests.adapters.HTTPAdapter()", "requests.adapters.HTTPAdapter"):
            return True
    return False


def _keys(file: PythonFile, site: CallSite) -> tuple[str, ...] | None:
    """The keys of a JSON body that is a dictionary written out, in the call or under a name bound once."""
    node = _once(file, _keyword(site.node, "json"), site.scope)
    if node is None:
        data = _once(file, _keyword(site.node, "data", "content"), site.scope)
        if not isinstance(data, ast.Call) or file.qualified(data.func, site.scope) != "json.dumps" or not data.args:
            return None
        node = _once(file, data.args[0], site.scope)
    if not isinstance(node, ast.Dict):
        return None
    keys = [file.text(key, site.scope) for key in node.keys]
    return tuple(key for key in keys if key is not None) if None not in keys else None


def _once(file: PythonFile, node: ast.expr | None, scope: Scope) -> ast.expr | None:
    """What *node* is, through a name that is bound once and not changed afterwards; None where it is not told."""
    if not isinstance(node, ast.Name):
        return node
    name = node.id
    owner = scope.owner(name)
    bindings = owner.names[name] if owner is not None else []
    if len(bindings) != 1 or name in file.changed or not isinstance(bindings[0], ast.expr):
        return None
    changed = any(_is_changed(file, name, method) for method in ("update", "pop", "setdefault", "clear"))
    return None if changed else bindings[0]


def _is_changed(file: PythonFile, name: str, method: str) -> bool:
    return any(
        isinstance(s.node.func, ast.Attribute)
        and isinstance(s.node.func.value, ast.Name)
        and s.node.func.value.id == name
        for s in file.sites(f"*.{method}")
    )


# ------------------------------------------------------------------------------------------------------- retries


def _tenacity(file: PythonFile, function: str, call: ast.Call | None, scope: Scope, node: ast.expr) -> Retrying:
    """tenacity repeats any error, for ever and without a pause, where nothing else is said."""
    stops: bool | None = False
    waits: bool | None = False
    sorts: bool | None = False
    if call is not None:
        open_ = any(k.arg is None for k in call.keywords) or bool(call.args)
        stops = _says(file, call, scope, "stop", "tenacity.stop_never", open_)
        waits = _says(file, call, scope, "wait", "tenacity.wait_none", open_)
        if _keyword(call, "before_sleep", "sleep") is not None and waits is False:
            waits = None
        sorts = _keyword(call, "retry", "retry_error_cls") is not None or (None if open_ else False)
    return Retrying(place=file.place(node), tool="tenacity", function=function, stops=stops, waits=waits, sorts=sorts)


def _says(file: PythonFile, call: ast.Call, scope: Scope, name: str, nothing: str, open_: bool) -> bool | None:
    written = _keyword(call, name)
    if written is None:
        return None if open_ else False
    named = file.qualified(written.func if isinstance(written, ast.Call) else written, scope) or ""
    return named != nothing


def _other_retry(file: PythonFile, function: str, call: ast.Call | None, name: str, node: ast.expr) -> Retrying:
    """``retry`` (tries=-1, delay=0 where not given) and ``backoff`` (max_tries=None, max_time=None)."""
    open_ = call is not None and any(k.arg is None for k in call.keywords)
    backoff = name.startswith("backoff.")
    stops: bool | None = False
    waits: bool | None = backoff
    if call is not None:
        if backoff:
            stops = _keyword(call, "max_tries", "max_time") is not None
        else:
            stops = _argument(call, 1, "tries") is not None
            waits = _argument(call, 2, "delay") is not None
    return Retrying(
        place=file.place(node),
        tool="backoff" if backoff else "retry",
        function=function,
        stops=None if open_ else stops,
        waits=None if open_ and not waits else waits,
    )


def _looped(file: PythonFile, site: CallSite) -> Iterator[Retrying]:
    """A loop that makes the call again when it fails: a ``while``, or a ``for`` over a range, that success leaves, with
    a ``try`` around the call whose handler goes on."""
    loop = site.loops[-1] if site.loops else None
    stops: bool | None
    if isinstance(loop, ast.While):
        stops = None if not isinstance(loop.test, ast.Constant) else False
    elif isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call):
        if file.qualified(loop.iter.func, site.scope) != "builtins.range":
            return
        stops = True
    else:
        return
    nodes = list(walk(loop))
    if isinstance(loop, ast.For) and _asks_for_each(loop, site.node):
        return
    around = [
        node for node in nodes if isinstance(node, ast.Try) and any(site.node is n for s in node.body for n in walk(s))
    ]
    if not around or not any(isinstance(node, (ast.Break, ast.Return)) for node in nodes):
        return
    attempt = around[-1]
    goes_on = [h for h in attempt.handlers if not any(isinstance(s, _LEAVES) for s in h.body)]
    leaves = [*attempt.body, *attempt.orelse]
    succeeds = any(isinstance(n, (ast.Break, ast.Return)) for s in leaves for n in walk(s))
    if not goes_on or not succeeds:
        return
    if stops is False and any(isinstance(n, _LEAVES) for h in goes_on for n in walk(h)):
        stops = True
    yield Retrying(
        place=file.place(site.node),
        tool="loop",
        function=site.scope.function,
        stops=stops,
        waits=any(_pauses(node) for node in nodes) or _takes_timeouts_alone(file, goes_on, site.scope),
    )


def _asks_for_each(loop: ast.For, call: ast.Call) -> bool:
    """Whether what the turn of a loop counts goes into the request: each turn makes another one, and repeats none."""
    counted = {n.id for n in walk(loop.target) if isinstance(n, ast.Name)}
    for node in walk(loop):
        if isinstance(node, ast.Assign) and _names_in(node.value) & counted:
            counted |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    given = [*call.args, *(k.value for k in call.keywords if k.arg not in ("timeout", "headers"))]
    return any(_names_in(node) & counted for node in given)


def _names_in(node: ast.AST) -> set[str]:
    return {n.id for n in walk(node) if isinstance(n, ast.Name)}


def _takes_timeouts_alone(file: PythonFile, handlers: list[ast.ExceptHandler], scope: Scope) -> bool:
    """Whether of all that a request may raise only timeouts are taken: each of them was a pause already."""
    taken: set[str] = set()
    for handler in handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        taken |= {(file.qualified(kind, scope) or "").rpartition(".")[2] for kind in kinds}
    return bool(taken & _TIMEOUTS) and taken <= _TIMEOUTS | _OF_THE_ANSWER


_TIMEOUTS: Final = frozenset(
    {"Timeout", "ReadTimeout", "TimeoutError", "TimeoutException", "ServerTimeoutError", "PoolTimeout", "WriteTimeout"}
)
"""Names of exceptions that come when the limit of a request is over (requests, httpx, aiohttp, builtins)."""

_OF_THE_ANSWER: Final = frozenset({"ValueError", "KeyError", "TypeError", "JSONDecodeError", "ValidationError"})
"""Names of exceptions that no request raises, but code that looks at its answer."""

_LEAVES: Final = (ast.Raise, ast.Return, ast.Break)


def _pauses(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return bool(_PAUSES.search(name))


def _urllib3(file: PythonFile, site: CallSite) -> Iterator[Retrying]:
    """``Retry(total=5, status_forcelist=[503])``: without a ``backoff_factor`` it waits for nothing (it is 0)."""
    call = site.node
    total = _argument(call, 0, "total")
    count = file.expr(total, site.scope) if total is not None else Literal(10)
    if _keyword(call, "status_forcelist") is None or any(k.arg is None for k in call.keywords):
        return
    factor = _keyword(call, "backoff_factor")
    written = file.expr(factor, site.scope) if factor is not None else Literal(0)
    waits = bool(written.value) if isinstance(written, Literal) else None
    if not isinstance(count, Literal) or not isinstance(count.value, int) or count.value >= 3:
        yield Retrying(place=file.place(call), tool="urllib3", function=site.scope.function, stops=True, waits=waits)


# ------------------------------------------------------------------------------------------------ request models


def _request_models(file: PythonFile) -> Iterator[RequestModel]:
    by_name: dict[str, RequestModel] = {}
    configs = {id(c.scope.parent): c for c in file.classes if c.node.name == "Config"}
    whole = {
        id(function.scope.parent)
        for function in file.functions
        if any(_decorator(file, d, function.scope.parent or file.module).endswith(_WHOLE_INPUT) for d in _of(function))
    }
    for site in file.classes:
        outer = site.scope.parent or file.module
        bases = [file.qualified(base, outer) or "" for base in site.node.bases]
        known = [by_name[base] for base in bases if base in by_name]
        if not known and _PYDANTIC.isdisjoint(bases):
            continue
        told = len(known) + sum(base in _PYDANTIC for base in bases) == len(bases)
        model = _request_model(file, site, known, told and id(site.scope) not in whole, configs.get(id(site.scope)))
        by_name[site.scope.qualname] = model
        yield model


def _of(function: FunctionSite) -> list[ast.expr]:
    decorators: list[ast.expr] = function.node.decorator_list
    return decorators


def _request_model(
    file: PythonFile, site: ClassSite, bases: Iterable[RequestModel], told: bool, config: ClassSite | None
) -> RequestModel:
    fields = {field.name: field for base in bases for field in base.fields}
    extra: L["ignore", "forbid", "allow", "unknown"] = next((base.extra for base in bases), "ignore")
    complete = told and all(base.complete for base in bases)
    for assignment in site.scope.assignments:
        name, value = assignment.name, assignment.value
        if name == "model_config":
            extra, whole = _config(file, site, value)
            complete = complete and whole
        elif assignment.annotation is not None and not name.startswith("_"):
            if "ClassVar" in _words(assignment.annotation):
                continue
            required, plain = _field(file, site, value, assignment.annotation)
            complete = complete and plain
            place = file.place(assignment.node)
            fields[name] = RequestField(name=name, required=required, place=place, default=_made_up(file, site, value))
    if config is not None:
        extra, whole = _old_config(config)
        complete = complete and whole
    return RequestModel(
        place=file.definition_place(site.node),
        name=site.scope.qualname,
        fields=tuple(fields.values()),
        extra=extra,
        complete=complete,
    )


def _field(file: PythonFile, site: ClassSite, value: ast.expr | None, annotation: ast.expr) -> tuple[bool, bool]:
    """Whether a field is required, and whether its name is its own. One that may be None counts as not required:
    pydantic 1 fills it in."""
    words = _words(annotation)
    optional = not words.isdisjoint({"Optional", "None", "Any"})
    if any("alias" in word.lower() for word in words):
        return False, False
    if value is None:
        return not optional, True
    if isinstance(value, ast.Call) and (file.qualified(value.func, site.scope) or "").endswith("Field"):
        if any(k.arg is None or "alias" in k.arg for k in value.keywords):
            return False, False
        default = _argument(value, 0, "default")
        given = default is not None and not (isinstance(default, ast.Constant) and default.value is Ellipsis)
        return not given and not optional and _keyword(value, "default_factory") is None, True
    return isinstance(value, ast.Constant) and value.value is Ellipsis, True


def _made_up(file: PythonFile, site: ClassSite, value: ast.expr | None) -> str:
    """The number or text that a field is where it is missing, as written; "" where it has no such default."""
    if isinstance(value, ast.Call) and (file.qualified(value.func, site.scope) or "").endswith("Field"):
        value = _argument(value, 0, "default")
    number = value.operand if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub) else value
    if isinstance(number, ast.Constant) and isinstance(number.value, int | float | str):
        text = ast.unparse(value) if value is not None else ""
        return text if len(text) <= 40 else f"{text[:37]}..."
    return ""


def _words(annotation: ast.expr) -> set[str]:
    """The names, and None, in an annotation, keywords of calls included; one that is text counts as a name."""
    found = set()
    pending: list[ast.AST] = [annotation]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant):
            found.update(re.findall(r"\w+", str(node.value)[:200]))
        else:
            if isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
            pending.extend(children(node))
    return found


_Extra = L["ignore", "forbid", "allow", "unknown"]


def _config(file: PythonFile, site: ClassSite, value: ast.expr | None) -> tuple[_Extra, bool]:
    """What ``model_config`` says of extra keys, and whether it leaves the fields' names alone."""
    keywords: dict[str, ast.expr] = {}
    if isinstance(value, ast.Call):
        keywords = {k.arg: k.value for k in value.keywords if k.arg}
    elif isinstance(value, ast.Dict):
        keywords = {file.text(k, site.scope) or "": v for k, v in zip(value.keys, value.values, strict=True)}
    else:
        return "unknown", False
    return _extra(keywords.get("extra")), "alias_generator" not in keywords


def _old_config(site: ClassSite) -> tuple[_Extra, bool]:
    values = {a.name: a.value for a in site.scope.assignments}
    return _extra(values.get("extra")), "alias_generator" not in values and "fields" not in values


def _extra(node: ast.expr | None) -> _Extra:
    if node is None:
        return "ignore"
    text = node.value if isinstance(node, ast.Constant) else getattr(node, "attr", None)
    for known in ("ignore", "forbid", "allow"):
        if text == known:
            return known
    return "unknown"


READER: Reader[PythonFile] = Reader(
    name="serving",
    version=5,
    format=PYTHON,
    facts=(Handler, Router, RouterMount, RequestModel, RemoteCall, BlockingCall, Retrying),
    claims=claims,
    read=read,
)
