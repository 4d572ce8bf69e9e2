"""What checks of serving code share: what a request handler does, and what to call it."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _rows
from pytest_mlbreaks.api import Application, Endpoint, Pipeline, Place, Reached, facts


def scoped(fact: facts.BlockingCall | facts.RemoteCall) -> tuple[str, str]:
    """File and function of a call."""
    return fact.path, fact.scope


def blocking(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[Reached, facts.BlockingCall]]:
    """The calls that hold the thread in a handler and in what it comes to, the nearest first."""
    index = pipeline.index(facts.BlockingCall, scoped)
    for reached in endpoint.reached:
        for call in index.get((reached.function.path, reached.function.name), ()):
            if not call.lazy and _stands_in(call.place, reached.function, pipeline):
                yield reached, call


def remote(endpoint: Endpoint, pipeline: Pipeline) -> Iterator[tuple[Reached, facts.RemoteCall]]:
    """The HTTP requests that a handler and what it comes to make, the nearest first."""
    index = pipeline.index(facts.RemoteCall, scoped)
    for reached in endpoint.reached:
        for call in index.get((reached.function.path, reached.function.name), ()):
            if _stands_in(call.place, reached.function, pipeline):
                yield reached, call


def named(function: facts.Function) -> tuple[str, str]:
    """File and name of a function."""
    return function.path, function.name


def _stands_in(place: Place, function: facts.Function, pipeline: Pipeline) -> bool:
    """Whether what stands at *place*, in a function of that name, stands in this one: the last to begin before it."""
    alike = pipeline.index(facts.Function, named).get(named(function), ())
    before = [one for one in alike if _line(one.place) <= _line(place)]
    return len(alike) < 2 or (bool(before) and max(before, key=_beginning) is function)


def _line(place: Place) -> int:
    return place.line or 0


def _beginning(function: facts.Function) -> int:
    return _line(function.place)


def is_served(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether the handler may answer requests: an application of the tree takes it in, or something loads its file."""
    return bool(endpoint.routes) or _rows.is_loaded(endpoint.handler.path, pipeline)


def file_of(endpoint: Endpoint) -> str:
    """The file that a handler is in."""
    return endpoint.handler.path


def shown(endpoint: Endpoint) -> str:
    """What people call a handler: ``predict (POST /predict)``."""
    handler = endpoint.handler
    route = endpoint.routes[0].replace("{*}", "{...}") if endpoint.routes else ""
    said = " ".join(part for part in ("/".join(handler.methods[:1]), route) if part)
    return f"{handler.function} ({said})" if said and route else handler.function


def short(api: str) -> str:
    """A callee as people write it: the method alone for those of values, else the whole name."""
    if api.startswith(("requests.", "httpx.")):
        return api.replace("()", "")
    return api.rpartition(".")[2] if api[0] == "*" or "()" in api else api


def way(reached: Reached) -> Iterator[tuple[Place, str]]:
    """The functions between a handler and what it comes to, with a note for each."""
    for function in (*reached.via[1:], *((reached.function,) if reached.via else ())):
        yield function.place, f"it calls {function.name}"


def in_lambda(endpoint: Endpoint, pipeline: Pipeline) -> bool:
    """Whether AWS Lambda alone runs the handler's application, by Mangum: each instance answers one request at a time,
    and AWS ends it at the function's timeout."""
    applications = pipeline.index(Application, _answering, each=True).get(endpoint.identity, ())
    return bool(applications) and all(_is_adapted(one.router.path, pipeline) for one in applications)


def _answering(application: Application) -> tuple[str, ...]:
    return tuple(endpoint.identity for endpoint in application.endpoints)


def _is_adapted(path: str, pipeline: Pipeline) -> bool:
    if any(isinstance(process.fact, facts.Container) for process in pipeline.processes_of(path)):
        return False
    dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return any(
        module.path == path or any(_means(one, dotted, module.path) for one in module.imports)
        for module in pipeline.index(facts.PythonModule, _adapts).get(True, ())
    )


def _adapts(module: facts.PythonModule) -> bool:
    return any(one.target.partition(".")[0] == "mangum" for one in module.imports)


_ENDS = frozenset({"Job", "CronJob"})


def server_of(path: str, function: str, pipeline: Pipeline) -> tuple[Place, str] | None:
    """What answers requests with the *function* of the file *path*, and goes on until it is stopped: a place and a
    note. A handler that comes to it, a container whose modules answer requests, or a file of handlers that imports the
    file; None where none is seen."""
    for endpoint in pipeline.index(Endpoint, reached_functions, each=True).get((path, function), ()):
        return endpoint.place, f"{endpoint.handler.function} answers requests by it"
    handlers = pipeline.index(facts.Handler, "path")
    if path in handlers:
        return handlers[path][0].place, f"{handlers[path][0].function} answers requests in the same file"
    for process in pipeline.processes_of(path):
        ends = process.workload is not None and process.workload.kind in _ENDS
        if isinstance(process.fact, facts.Container) and not ends and any(p in handlers for p in process.modules):
            return process.place, f"{process.name} runs it until it is stopped"
    dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for module in pipeline.index(facts.PythonModule, _imported, each=True).get(dotted.rpartition(".")[2], ()):
        if module.path in handlers:
            for one in module.imports:
                if _means(one, dotted, module.path):
                    place = Place(module.path, one.line)
                    return place, f"{handlers[module.path][0].function} answers requests in a file that imports it"
    return None


def reached_functions(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The functions that a handler comes to, by file and name: the key of an index."""
    return tuple((reached.function.path, reached.function.name) for reached in endpoint.reached)


def reached_files(endpoint: Endpoint) -> tuple[str, ...]:
    """The files of the functions that a handler comes to, each once: the key of an index."""
    return tuple(dict.fromkeys(reached.function.path for reached in endpoint.reached))


def _imported(module: facts.PythonModule) -> frozenset[str]:
    """The last parts of the names of all modules that a file may import."""
    return frozenset(last for one in module.imports for last in (one.target.rpartition(".")[2], one.name or "") if last)


def _means(one: facts.Import, dotted: str, importer: str) -> bool:
    """Whether an import in the file *importer* names the module *dotted*, from a folder that holds both."""
    for name in (one.target, f"{one.target}.{one.name}".lstrip(".")):
        if name and ("." + dotted).endswith("." + name):
            folder = dotted[: -len(name)].replace(".", "/")
            if importer.startswith(folder):
                return True
    return False
