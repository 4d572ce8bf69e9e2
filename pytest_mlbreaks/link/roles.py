"""Roles: which processes train, which serve, which predict in batches, and which model goes from one to the other.

The terms are: *train* - code that is reached fits and keeps a model; *serve* - it answers requests, or is a server that
loads a model by its own command; *batch-infer* - it loads a model, predicts, writes data, and does not fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_mlbreaks import recognised
from pytest_mlbreaks.link.models import Models, loads_by_command
from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.reach import Reach
from pytest_mlbreaks.link.serving import Key
from pytest_mlbreaks.model import Model, ModelEdge, Pipeline, Process, Role
from pytest_mlbreaks.model.facts import DatasetAccess, Handler, ModelAccess, PythonModule

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

    def __init__(self, pipeline: Pipeline, modules: Modules, reach: Reach, models: Models) -> None:
        self.roles: list[Role] = []
        self.edges: list[ModelEdge] = []
        if not pipeline.all(ModelAccess):
            return
        self._pipeline = pipeline
        self._modules = modules
        self._reach = reach
        self._of_access: dict[int, list[Model]] = defaultdict(list)
        for model in models.models:
            for access in model.accesses:
                self._of_access[id(access)].append(model)
        #: By file and function: what it accesses.
        self._accesses = pipeline.index(ModelAccess, _scope_key)
        self._data = pipeline.index(DatasetAccess, _scope_key)
        roles = list(self._make())
        known = {(role.kind, role.place) for role in roles if role.process is not None}
        self.roles = [role for role in roles if role.process is not None or (role.kind, role.place) not in known]
        self.edges = list(self._make_edges())

    # -------------------------------------------------------------------------------------------------- roles

    def _make(self) -> Iterator[Role]:
        started: set[str] = set()
        for process in self._pipeline.all(Process):
            started.update(entry.path for entry in process.entries if entry.path is not None)
            if self._reach.serves(process) or any(loads_by_command(entry) for entry in process.entries):
                started.update(process.modules)
                yield from self._serving(process)
            else:
                yield from self._by_calls(self._reach.of(process), process.place.path, process)
        for module in self._pipeline.all(PythonModule):
            if module.path not in started and not recognised.aside(module.path):
                yield from self._of_file(module)

    def _of_file(self, module: PythonModule) -> Iterator[Role]:
        """The role of a file that no process is seen to start, though somebody may."""
        path = module.path
        handlers = [h for h in self._pipeline.index(Handler, "path").get(path, ()) if h.framework != "web"]
        if handlers:
            files = self._modules.reach([path])
            loads = self._named(self._loads_in(files), None)
            if loads:
                yield Role("serve", path, handlers[0].place, None, loads=loads)
        elif module.main or path.endswith(".ipynb"):
            yield from self._by_calls(self._reach.from_script(path, self._modules.reach([path])), path, None)

    def _loads_in(self, files: Iterable[str]) -> list[ModelAccess]:
        accesses = self._pipeline.index(ModelAccess, "path")
        return [access for path in files for access in accesses.get(path, ()) if access.mode == "load"]

    def _serving(self, process: Process) -> Iterator[Role]:
        servers = [entry for entry in process.entries if loads_by_command(entry)]
        loads = self._loads_in(process.modules)
        for entry in servers:
            loads += [a for a in self._loads_in((entry.place.path,)) if a.place == entry.place]
        named = self._named(loads, process)
        if named or servers:
            place = servers[0].place if servers else self._reach.serves(process)[0].place
            yield Role("serve", place.path, place, process, loads=named)

    def _by_calls(self, reached: dict[Key, tuple[str, ...]], path: str, process: Process | None) -> Iterator[Role]:
        """The role of what comes to the functions *reached*, with the calls of each."""
        accesses = [access for key in reached for access in self._accesses.get(key, ())]
        if not accesses:
            return
        calls = {callee for called in reached.values() for callee in called}
        fits = any(_fits(callee) for callee in calls) or _loops(calls)
        kept = [a for a in accesses if a.mode in _KEEPS]
        loaded = [a for a in accesses if a.mode == "load"]
        if fits and kept:
            saves, loads = self._named(kept, process), self._named(loaded, process)
            yield Role("train", path, kept[0].place, process, saves, loads)
        elif loaded and not fits and any(callee.rpartition(".")[2] in _PREDICTS for callee in calls):
            writes = [a for key in reached for a in self._data.get(key, ()) if a.mode != "read"]
            if writes:
                loads = self._named(loaded, process)
                yield Role("batch-infer", path, loaded[0].place, process, loads=loads)

    def _named(self, accesses: Iterable[ModelAccess], process: Process | None) -> tuple[Model, ...]:
        """The models that *accesses* mean for *process*: those under a name that it gives, where it gives one."""
        found: dict[int, Model] = {}
        for access in accesses:
            models = self._of_access.get(id(access), [])
            own = [m for m in models if any(r.access is access and process in r.processes for r in m.references)]
            found |= {id(model): model for model in (own if process is not None and own else models)}
        return tuple(found.values())

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
