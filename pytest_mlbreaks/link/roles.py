"""Roles: which processes train, which serve, which predict in batches, and which model goes from one to the other.

The terms are: *train* - code that is reached fits and keeps a model; *serve* - it answers requests, or is a server that
loads a model by its own command; *batch-infer* - it loads a model, predicts, writes data, and does not fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_mlbreaks import recognised
from pytest_mlbreaks.link.models import Models, loads_by_command
from pytest_mlbreaks.link.serving import Key, Serving
from pytest_mlbreaks.model import Model, ModelEdge, Pipeline, Process, Role
from pytest_mlbreaks.model.facts import DatasetAccess, Function, Handler, ModelAccess, PythonModule

MOST_FUNCTIONS = 2_000
"""Functions that one process is followed into."""

_FITS = frozenset({"fit", "partial_fit", "fit_generator", "train_model", "train_and_evaluate"})
_TRAINS = (
    *("xgboost.train", "xgboost.cv", "lightgbm.train", "catboost.train", "fasttext.train_supervised"),
    *("transformers.Trainer().train", "transformers.Seq2SeqTrainer().train", "trl.SFTTrainer().train"),
    *("ultralytics.YOLO().train", "spacy.cli.train.train"),
)
_PREPARES = ("sklearn.preprocessing.", "sklearn.impute.", "sklearn.feature_extraction.", "sklearn.decomposition.")
_PREDICTS = frozenset({"predict", "predict_proba", "transform", "predict_on_batch", "score_samples"})
_KEEPS = frozenset({"save", "register"})


class Roles:
    """Makes the roles of a pipeline, and the edges between them."""

    def __init__(self, pipeline: Pipeline, serving: Serving, models: Models) -> None:
        self.roles: list[Role] = []
        self.edges: list[ModelEdge] = []
        if not pipeline.all(ModelAccess):
            return
        self._pipeline = pipeline
        self._serving = serving
        self._of_access: dict[int, list[Model]] = defaultdict(list)
        for model in models.models:
            for access in model.accesses:
                self._of_access[id(access)].append(model)
        #: By file and function: what it accesses.
        self._models = pipeline.index(ModelAccess, _scope_key)
        self._data = pipeline.index(DatasetAccess, _scope_key)
        self._methods: dict[tuple[str, str], list[Function]] = defaultdict(list)
        for function in pipeline.all(Function):
            self._methods[function.path, function.name.rpartition(".")[2]].append(function)
        self.roles = list(self._make())
        self.edges = list(self._make_edges())

    # -------------------------------------------------------------------------------------------------- roles

    def _make(self) -> Iterator[Role]:
        started: set[str] = set()
        for process in self._pipeline.all(Process):
            started.update(process.modules)
            yield from self._of_process(process)
        for path in self._scripts():
            if path not in started:
                reached = self._reach([(path, "")], (path,))
                yield from self._by_calls(reached, path, None)

    def _scripts(self) -> Iterator[str]:
        """Files that somebody may start by hand, and that accesses to models stand in or are imported by."""
        for module in self._pipeline.all(PythonModule):
            if (module.main or module.path.endswith(".ipynb")) and not recognised.aside(module.path):
                yield module.path

    def _of_process(self, process: Process) -> Iterator[Role]:
        servers = [entry for entry in process.entries if loads_by_command(entry)]
        handlers = [h for path in process.modules for h in self._pipeline.index(Handler, "path").get(path, ())]
        handlers = [h for h in handlers if not recognised.aside(h.path)]
        if servers or handlers:
            place = servers[0].place if servers else handlers[0].place
            near = {
                id(a): a for path in process.modules for a in self._pipeline.index(ModelAccess, "path").get(path, ())
            }
            if servers:
                near |= {
                    id(a): a for a in self._pipeline.index(ModelAccess, "path").get(place.path, ()) if a.place == place
                }
            loads = self._named((a for a in near.values() if a.mode == "load"), process)
            if loads or servers:
                yield Role("serve", place.path, place, process, loads=loads)
        starts: list[Key] = []
        for entry in process.entries:
            if entry.path is not None:
                starts += [(entry.path, entry.function)] if entry.function else [(entry.path, "")]
                starts += [(entry.path, "")] if entry.function else []
        if starts and not handlers:
            yield from self._by_calls(self._reach(starts, process.modules), starts[0][0], process)

    def _by_calls(self, reached: dict[Key, tuple[str, ...]], path: str, process: Process | None) -> Iterator[Role]:
        """The role of what comes to the functions *reached*, with the calls of each."""
        accesses = [access for key in reached for access in self._models.get(key, ())]
        if not accesses:
            return
        calls = {callee for called in reached.values() for callee in called}
        fits = any(_fits(callee) for callee in calls) or _loops(calls)
        kept = [a for a in accesses if a.mode in _KEEPS]
        loaded = [a for a in accesses if a.mode == "load"]
        if fits and kept:
            saves, loads = self._named(kept, process), self._named(loaded, process)
            yield Role("train", kept[0].path, kept[0].place, process, saves, loads)
        elif loaded and not fits and any(callee.rpartition(".")[2] in _PREDICTS for callee in calls):
            writes = [a for key in reached for a in self._data.get(key, ()) if a.mode != "read"]
            if writes:
                loads = self._named(loaded, process)
                yield Role("batch-infer", loaded[0].path, loaded[0].place, process, loads=loads)

    def _named(self, accesses: Iterable[ModelAccess], process: Process | None) -> tuple[Model, ...]:
        """The models that *accesses* mean for *process*: those under a name that it gives, where it gives one."""
        found: dict[int, Model] = {}
        for access in accesses:
            models = self._of_access.get(id(access), [])
            own = [m for m in models if any(r.access is access and process in r.processes for r in m.references)]
            found |= {id(model): model for model in (own if process is not None and own else models)}
        return tuple(found.values())

    def _reach(self, starts: list[Key], modules: tuple[str, ...]) -> dict[Key, tuple[str, ...]]:
        """The functions that *starts* come to ("" is a module's own code), with the callees of each.

        A method of an object that is not known is the one method of that name in the files that are imported, if there
        is one only.
        """
        pending = list(starts)
        seen: dict[Key, tuple[str, ...]] = {}
        while pending and len(seen) < MOST_FUNCTIONS:
            key = pending.pop()
            if key in seen:
                continue
            calls = self._calls(key)
            seen[key] = calls
            for callee in calls:
                target = self._serving.called(key[0], callee) or self._method(callee, key[0], modules)
                if target is not None and target not in seen:
                    pending.append(target)
        return seen

    def _calls(self, key: Key) -> tuple[str, ...]:
        if key[1]:
            function = self._serving.function(key)
            return function.calls if function is not None else ()
        module = self._pipeline.index(PythonModule, "path").get(key[0], ())
        return module[0].calls if module else ()

    def _method(self, callee: str, path: str, modules: tuple[str, ...]) -> Key | None:
        name = callee.rpartition(".")[2]
        if not callee.startswith("*.") or name in _FITS or name in _PREDICTS or len(name) < 4:
            return None
        found = [f for module in dict.fromkeys((path, *modules)) for f in self._methods.get((module, name), ())]
        return (found[0].path, found[0].name) if len(found) == 1 and "." in found[0].name else None

    # -------------------------------------------------------------------------------------------------- edges

    def _make_edges(self) -> Iterator[ModelEdge]:
        makers: dict[int, list[Role]] = defaultdict(list)
        for role in self.roles:
            for model in role.saves:
                for access in model.accesses:
                    if access.mode in _KEEPS:
                        makers[id(access)].append(role)
        found = False
        for user in self.roles:
            if user.kind == "train":
                continue
            for model in user.loads:
                ends = {id(m): m for access in model.made_in for m in makers.get(id(access), ())}
                for maker in ends.values():
                    found = True
                    yield ModelEdge(maker, user, model, model.assumed)
        trains = [role for role in self.roles if role.kind == "train"]
        users = [role for role in self.roles if role.kind != "train" and not any(m.tied for m in role.loads)]
        if not found and len(trains) == 1 and len(users) == 1 and len(self.roles) == 2:
            yield ModelEdge(trains[0], users[0], None, "the only one that trains, and the only one that uses a model")


def _scope_key(access: ModelAccess | DatasetAccess) -> Key:
    return (access.path, access.scope)


def _fits(callee: str) -> bool:
    return callee in _TRAINS or (
        callee.rpartition(".")[2] in _FITS and "." in callee and not callee.startswith(_PREPARES)
    )


def _loops(calls: set[str]) -> bool:
    """Whether the calls are those of a training loop of PyTorch."""
    lasts = {callee.rpartition(".")[2] for callee in calls}
    return "backward" in lasts and "step" in lasts
