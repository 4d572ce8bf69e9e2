"""What the checks of training and serving code share: whose code a file is, and how a fit is called."""

from __future__ import annotations

import re

from pytest_mlbreaks.api import Pipeline, aside, facts

_TRIED_OUT = re.compile(r"(^|/)(notebooks?|experiments?|exploration|exploratory|scratch|sandbox|playground|eda)/", re.I)
_TESTED = re.compile(r"(^|[_\W])(x|y|df|data)?_?(test|testing|val|valid|validation|holdout|eval)([_\W]|$)", re.I)
_TRAINED = re.compile(r"train", re.I)

_KINDS = {
    "scaler": "a scaler",
    "imputer": "an imputer",
    "vectorizer": "a vectorizer",
    "encoder": "an encoder",
    "projection": "a projection",
    "selection": "a feature selection",
    "resampler": "a resampling",
    "dummies": "get_dummies",
    "unknown": "a transformer",
}


def tried_out(path: str) -> bool:
    """Whether *path* lies in a folder of experiments, which nobody runs but who wrote them."""
    return bool(_TRIED_OUT.search(path)) and not path.endswith(".ipynb")


def is_test_name(name: str) -> bool:
    """Whether rows are called what is only evaluated on (``X_test``, ``df_val``), and not also what is trained on."""
    return bool(_TESTED.search(name)) and not _TRAINED.search(name)


def is_train_name(name: str) -> bool:
    """Whether rows are called what is trained on."""
    return bool(_TRAINED.search(name))


def called(touch: facts.Touch) -> str:
    """A short name for people: the class (``StandardScaler``), or what kind of thing it is."""
    name = touch.by.rpartition(".")[2]
    return name if name[:1].isupper() or touch.kind in ("dummies", "resampler") else _KINDS[touch.kind]


def keeps_results(pipeline: Pipeline, path: str) -> bool:
    """Whether code of the file writes a dataset, or saves or registers a model: more than a look at data."""
    accesses = pipeline.index(facts.DatasetAccess, "path").get(path, ())
    models = pipeline.index(facts.ModelAccess, "path").get(path, ())
    return any(a.mode != "read" for a in accesses) or any(m.mode != "load" for m in models)


def is_called(path: str, function: str, pipeline: Pipeline) -> bool:
    """Whether code calls the function of this (qualified) name of the file *path*: that file itself, or one that calls
    by this name where the file, or the name, is imported by somebody."""
    name = function.rpartition(".")[2]
    callers = [
        *pipeline.index(facts.Function, _callees, each=True).get(name, ()),
        *pipeline.index(facts.PythonModule, _callees, each=True).get(name, ()),
    ]
    return any(code.path == path for code in callers) or bool(callers and _is_imported(path, name, pipeline))


def comes_to(path: str, function: str, pipeline: Pipeline) -> bool:
    """Whether anything may come to a function of the file *path*: a call, a decorator that registers it, somebody who
    imports it, a process or a command that runs the file."""
    module = _module(path, pipeline)
    if module is None or module.main or pipeline.processes_of(path) or is_called(path, function, pipeline):
        return True
    same = [one for one in pipeline.index(facts.Function, "path").get(path, ()) if one.name == function]
    outermost = function.partition(".")[0]
    return any(one.decorators for one in same) or _is_imported(path, outermost, pipeline)


def is_left_over(path: str, function: str, pipeline: Pipeline) -> bool:
    """Whether a function of a file that others import, for what else is in it, is one that nothing calls or imports:
    none that is registered by a decorator, nor one of a file that a process, a command or a person runs."""
    module = _module(path, pipeline)
    if not function or "." in function or module is None or module.main or pipeline.processes_of(path):
        return False
    imports = pipeline.index(facts.PythonModule, _imported, each=True)
    same = [one for one in pipeline.index(facts.Function, "path").get(path, ()) if one.name == function]
    used = imports.get(function) or any(one.decorators for one in same) or is_called(path, function, pipeline)
    return not used and bool(imports.get(_stem(path)))


def is_for_a_person(path: str, pipeline: Pipeline) -> bool:
    """Whether the file *path* is a script that nothing is seen to start but a person: no process or command of the
    tree runs it, nothing imports it, no decorator registers a function of it, and it is no ``main.py``, which what
    deploys a repository may start without a word in it."""
    module = _module(path, pipeline)
    if module is None or not module.main or _stem(path) == "main" or pipeline.processes_of(path):
        return False
    imports = pipeline.index(facts.PythonModule, _imported, each=True)
    return not _is_decorated(path, pipeline) and not imports.get(_stem(path))


def is_a_loose_script(path: str, pipeline: Pipeline) -> bool:
    """Whether the file *path* does all that it does when it is loaded, and nothing is seen to load it: as
    `is_for_a_person`, without a line that asks for ``__main__``."""
    module = _module(path, pipeline)
    if module is None or module.package or _stem(path) in ("main", "app") or is_loaded(path, pipeline):
        return False
    return not _is_decorated(path, pipeline)


def _is_decorated(path: str, pipeline: Pipeline) -> bool:
    return any(one.decorators for one in pipeline.index(facts.Function, "path").get(path, ()))


def is_loaded(path: str, pipeline: Pipeline) -> bool:
    """Whether anything may load the file *path*: a process or a person that runs it, or a file that imports a module
    called like it."""
    module = _module(path, pipeline)
    if module is None or module.main or pipeline.processes_of(path):
        return True
    return any(
        one.path != path for one in pipeline.index(facts.PythonModule, _imported, each=True).get(_stem(path), ())
    )


def only_tests_come_to(path: str, pipeline: Pipeline) -> bool:
    """Whether nothing runs the file *path*, and what imports it is tests and examples only, or again such a file. Not
    what a package's ``__init__.py`` imports, which others may use, nor what nobody imports."""
    waiting, seen = [path], {path}
    tested = False
    while waiting:
        here = waiting.pop()
        module = _module(here, pipeline)
        if module is None or module.main or module.package or pipeline.processes_of(here):
            return False
        importers = pipeline.index(facts.PythonModule, _imported, each=True).get(_stem(here), ())
        tests = {one.path for one in importers if aside(one.path)}
        tested = tested or bool(tests)
        waiting += [one.path for one in importers if one.path not in seen | tests]
        seen |= {one.path for one in importers}
    return tested


def _module(path: str, pipeline: Pipeline) -> facts.PythonModule | None:
    return next(iter(pipeline.index(facts.PythonModule, "path").get(path, ())), None)


def _stem(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]


def _is_imported(path: str, name: str, pipeline: Pipeline) -> bool:
    """Whether a file imports *name*, or a module called like the file *path*."""
    imports = pipeline.index(facts.PythonModule, _imported, each=True)
    return bool(imports.get(name) or imports.get(_stem(path)))


def _callees(code: facts.Function | facts.PythonModule) -> list[str]:
    return list({callee.rpartition(".")[2] for callee in code.calls})


def _imported(module: facts.PythonModule) -> list[str]:
    """The last parts of the names of modules that a file may import, and the names that it imports."""
    names = {one.target.rpartition(".")[2] for one in module.imports} | {one.name for one in module.imports if one.name}
    return list(names)
