"""Features: which view a read asks, which source a view has, and who fills and who asks it.

A read names a view as ``view:column`` (https://docs.feast.dev/getting-started/concepts/feature-retrieval), or a feature
service, which takes whole views or some of their columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.reach import Reach
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Dataset, FeatureGroup, Pipeline, Process
from pytest_mlbreaks.model.expr import Expr, Items, Name
from pytest_mlbreaks.model.facts import (
    Constant,
    DatasetAccess,
    FeatureRead,
    FeatureService,
    FeatureSource,
    FeatureStore,
    FeatureView,
    FeatureWrite,
)
from pytest_mlbreaks.model.near import distance

Key = tuple[str, str]


def groups(pipeline: Pipeline, modules: Modules, values: Values, reach: Reach) -> list[FeatureGroup]:
    """All feature views of the tree whose name is told."""
    if not pipeline.all(FeatureView):
        return []
    return list(_Features(pipeline, modules, values, reach).make())


class _Features:
    def __init__(self, pipeline: Pipeline, modules: Modules, values: Values, reach: Reach) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._values = values
        self._reach = reach
        self._sources = {(s.path, s.variable): s for s in pipeline.all(FeatureSource)}
        self._views = {(v.path, v.variable): v for v in pipeline.all(FeatureView) if v.variable}
        self._services = {(s.path, s.variable): s for s in pipeline.all(FeatureService) if s.variable}
        self._datasets: dict[str, list[Dataset]] = defaultdict(list)
        for dataset in pipeline.all(Dataset):
            for access in dataset.accesses:
                self._datasets[_at(access)].append(dataset)
        #: By view: services, reads with the column ("" for all that is asked by a service).
        self._of_services: dict[int, list[FeatureService]] = defaultdict(list)
        self._asked: dict[str, list[tuple[str, FeatureRead]]] = defaultdict(list)
        self._by_service: dict[str, list[FeatureRead]] = defaultdict(list)
        self._unsure = ""
        self._take_services()
        for read in pipeline.all(FeatureRead):
            self._take(read)

    def _find(self, path: str, name: str, known: Mapping[Key, object]) -> Key | None:
        """Where what the file *path* calls *name* is made."""
        if (path, name) in known:
            return path, name
        where = self._modules.definition(path, name)
        if where is None:
            where = self._imported(path, name)
        return where if where in known else None

    def _imported(self, path: str, name: str) -> Key | None:
        """A name that an import brings and that is bound to what is no constant."""
        module = self._modules.files.get(path)
        for entry in module.imports if module is not None else ():
            if entry.alias == name and entry.name and entry.name != "*":
                target = self._modules.find(entry.target, path) if not entry.level else None
                if target is None and entry.level:
                    folder = path.rpartition("/")[0]
                    target = next((p for p in (f"{folder}/{entry.target}.py",) if p in self._modules.files), None)
                if target is not None:
                    return target, entry.name
        return None

    def _take_services(self) -> None:
        for service in self._pipeline.all(FeatureService):
            for view in service.views:
                key = self._find(service.path, view, self._views)
                if key is not None:
                    self._of_services[id(self._views[key])].append(service)

    def _take(self, read: FeatureRead) -> None:
        if read.service is not None:
            name = self._values.resolve(read.service).text
            if name is not None:
                self._by_service[name].append(read)
                return
        texts, complete = self._texts(read)
        for text in texts:
            view, _, column = text.partition(":")
            self._asked[view].append((column, read))
        if not complete:
            self._unsure = self._unsure or "a read asks for features that can't be told"

    def _texts(self, read: FeatureRead) -> tuple[list[str], bool]:
        """The features that a read asks for by name, and whether that is all of them."""
        found: list[str] = []
        complete = True
        pending: list[Expr] = list(read.features)
        for feature in pending:
            if isinstance(feature, Name):
                key = self._find(read.path, feature.name, self._services)
                if key is not None:
                    name = self._values.resolve(self._services[key].name).text
                    if name is not None:
                        self._by_service[name].append(read)
                        continue
                constant: Constant | None = self._modules.constant(feature.path, feature.name)
                if constant is not None and isinstance(constant.value, Items):
                    pending += constant.value.items
                    continue
            text = self._values.resolve(feature).text
            if text is not None and ":" in text:
                found.append(text)
            else:
                complete = False
        return found, complete and (read.complete or bool(found))

    def make(self) -> Iterator[FeatureGroup]:
        for view in self._pipeline.all(FeatureView):
            name = self._values.resolve(view.name).text
            if name is None:
                continue
            sources = tuple(self._sources_of(view))
            services = tuple(self._of_services.get(id(view), ()))
            asked = self._asked.get(name, [])
            reads = [read for _, read in asked]
            for service in services:
                text = self._values.resolve(service.name).text
                reads += self._by_service.get(text, []) if text is not None else []
            reads = list(dict.fromkeys(reads))
            writes = [w for w in self._pipeline.all(FeatureWrite) if self._fills(w, name, sources)]
            yield FeatureGroup(
                view=view,
                name=name,
                store=self._store(view),
                sources=sources,
                datasets=tuple(dict.fromkeys(d for s in sources for d in self._datasets.get(_at(s), ()))),
                services=services,
                reads=tuple(reads),
                writes=tuple(writes),
                columns=tuple((column, read) for column, read in asked if column),
                readers=self._processes(reads),
                writers=self._processes(writes),
                unsure=self._unsure,
            )

    def _sources_of(self, view: FeatureView) -> Iterator[FeatureSource]:
        for name in view.sources:
            key = self._find(view.path, name, self._sources)
            if key is None:
                continue
            source = self._sources[key]
            yield source
            behind = self._find(source.path, source.batch, self._sources) if source.batch else None
            if behind is not None:
                yield self._sources[behind]

    def _fills(self, write: FeatureWrite, name: str, sources: tuple[FeatureSource, ...]) -> bool:
        """Whether *write* fills the view *name*: all views, this one, or a push source of it."""
        if not write.views:
            return write.mode in ("materialize", "incremental")
        texts = {self._values.resolve(view).text for view in write.views}
        named = {self._values.resolve(s.name).text for s in sources if s.name is not None}
        return name in texts or (write.mode == "push" and bool(texts & (named - {None})))

    def _store(self, view: FeatureView) -> FeatureStore | None:
        """The one store whose file lies nearest to the view's."""
        stores = sorted(self._pipeline.all(FeatureStore), key=lambda s: distance(view.path, s.path))
        if len(stores) > 1 and distance(view.path, stores[0].path) == distance(view.path, stores[1].path):
            return None
        return stores[0] if stores else None

    def _processes(self, uses: list[FeatureRead] | list[FeatureWrite]) -> tuple[Process, ...]:
        found: dict[Process, None] = {}
        for use in uses:
            for process in self._pipeline.processes_of(use.path):
                if (use.path, use.scope) in self._reach.of(process):
                    found[process] = None
        return tuple(found)


def _at(fact: DatasetAccess | FeatureSource) -> str:
    return f"{fact.path}:{fact.place.line}:{fact.place.column}"
