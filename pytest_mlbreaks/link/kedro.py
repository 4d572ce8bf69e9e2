"""Kedro: the pipelines of a project in one schedule, the order of their nodes, and the files behind their datasets.

A project is what a ``pipeline_registry.py`` registers; its nodes are ordered by the datasets that they hand on. The
catalog is ``conf/*/catalog*`` above the registry: https://docs.kedro.org/en/stable/catalog-data/data_catalog/.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, PathJoin, Unknown, literal_text
from pytest_mlbreaks.model.facts import (
    ConfigEntry,
    DatasetAccess,
    Edge,
    Fact,
    KedroNode,
    KedroPart,
    KedroPipeline,
    KedroWrap,
    ModelAccess,
    Schedule,
    Step,
)

_HOLE: Final = "{*}"
_DEPTH: Final = 12
_REGISTRY: Final = "register_pipelines"
_CATALOG: Final = re.compile(r"(?:^|/)conf/(?:[^/]+/){0,3}catalog[^/]*(?:/.+)?\.ya?ml$")
_TARGETS: Final = ("filepath", "path", "table_name", "sql", "table")
_SLOT: Final = re.compile(r"\{[^{}]*\}")


def steps(pipeline: Pipeline, modules: Modules) -> list[Fact]:
    """Schedules, steps, edges and accesses of all projects."""
    made = {(one.path, one.function): one for one in pipeline.all(KedroPipeline)}
    if not made:
        return []
    found: list[Fact] = []
    held: set[tuple[str, str]] = set()
    catalogs = _Catalogs(pipeline)
    for where in sorted(made):
        if where[1] == _REGISTRY:
            project = _Project(made, modules, where)
            held |= project.used
            found += project.facts(catalogs)
    for where in sorted(made):
        if where not in held and where[1] != _REGISTRY:
            project = _Project(made, modules, where, doubt="no registry of the tree takes it in")
            if not project.nodes:
                continue
            held |= project.used
            found += project.facts(catalogs)
    return found


@dataclasses.dataclass(frozen=True)
class _Named:
    """A node as the project has it, namespaces put in."""

    name: str
    node: KedroNode
    path: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class _Project:
    """What one function makes, with all that it takes in."""

    def __init__(
        self,
        made: Mapping[tuple[str, str], KedroPipeline],
        modules: Modules,
        where: tuple[str, str],
        *,
        doubt: str = "",
    ) -> None:
        self._made = made
        self._modules = modules
        self._root = made[where]
        self.doubt = doubt
        self.used: set[tuple[str, str]] = set()
        self.nodes: dict[str, _Named] = {}
        self._take(self._root, (), 0)

    def _take(self, one: KedroPipeline, wraps: tuple[KedroWrap, ...], depth: int) -> None:
        self.used.add((one.path, one.function))
        self.doubt = self.doubt or one.doubt
        if depth > _DEPTH:
            self.doubt = self.doubt or "pipelines within pipelines that have no end"
            return
        for part in one.parts:
            around = (*part.wraps, *wraps)
            for node in part.nodes:
                self._add(_named(node, one.path, around))
            if part.reference:
                self._refer(one, part, around, depth)

    def _add(self, named: _Named) -> None:
        if _HOLE in (*named.inputs, *named.outputs, named.name):
            self.doubt = self.doubt or "names of nodes or datasets are computed"
        name, number = named.name, 1
        while not named.node.name and name in self.nodes and not _same(self.nodes[name], named):
            number += 1  # Kedro calls nodes without a name by their function and a hash
            name = f"{named.name}_{number}"
        self.nodes.setdefault(name, dataclasses.replace(named, name=name))

    def _refer(self, one: KedroPipeline, part: KedroPart, wraps: tuple[KedroWrap, ...], depth: int) -> None:
        if part.reference == "*":
            for path in self._found(one.path.rpartition("/")[0]):
                inner = self._at(path, "create_pipeline")
                if inner is not None:
                    self._take(inner, wraps, depth + 1)
                else:
                    self.doubt = self.doubt or "a pipeline is made elsewhere"
            return
        inner = self._at(one.path, part.reference)
        if inner is None:
            self.doubt = self.doubt or "a pipeline is made by what is not followed"
        else:
            self._take(inner, wraps, depth + 1)

    def _found(self, folder: str) -> Iterator[str]:
        """The modules in which ``find_pipelines`` looks for ``create_pipeline``: those right below ``pipelines``, and
        ``pipeline.py`` beside the registry."""
        base = posixpath.join(folder, "pipelines")
        for path in sorted(self._modules.files):
            if not path.startswith(f"{base}/"):
                continue
            rest = path[len(base) + 1 :]
            packaged = rest.count("/") == 1 and rest.endswith("/__init__.py")
            if packaged or ("/" not in rest and rest != "__init__.py"):
                yield path
        single = posixpath.join(folder, "pipeline.py")
        if single in self._modules.files:
            yield single

    def _at(self, path: str, name: str) -> KedroPipeline | None:
        """The pipeline that the qualified *name* means in the file *path*."""
        if (path, name) in self._made:
            return self._made[path, name]
        module, _, last = name.rpartition(".")
        if not module and not name.startswith("."):
            where = self._modules.definition(path, name)
            return self._made.get(where) if where is not None else None
        file = self._module(path, module or ".")
        where = self._modules.definition(file, last) if file is not None else None
        return self._made.get(where) if where is not None else None

    def _module(self, path: str, dotted: str) -> str | None:
        if not dotted.startswith("."):
            return self._modules.find(dotted, path)
        rest = dotted.lstrip(".")
        folder = path.rpartition("/")[0]
        for _ in range(len(dotted) - len(rest) - 1):
            folder = folder.rpartition("/")[0]
        stem = posixpath.join(folder, rest.replace(".", "/")) if rest else folder
        return next((c for c in (f"{stem}.py", f"{stem}/__init__.py") if c in self._modules.files), None)

    # ----------------------------------------------------------------------------------------------------- facts

    def facts(self, catalogs: _Catalogs) -> Iterator[Fact]:
        """The schedule of the project, its steps and edges, and what they read and write."""
        if not self.nodes:
            return
        schedule = Schedule(
            orchestrator="kedro",
            name=self._root.path if self._root.function == _REGISTRY else self._root.function,
            scope="" if self._root.function == _REGISTRY else self._root.path,
            complete=not self.doubt,
            reason=self.doubt,
            place=self._root.place,
        )
        yield schedule
        makers: dict[str, list[str]] = defaultdict(list)
        for named in self.nodes.values():
            for output in named.outputs:
                makers[_plain(output)].append(named.name)
        catalog = catalogs.of(self._root.path)
        for named in self.nodes.values():
            yield Step(
                orchestrator="kedro",
                pipeline=schedule.identity,
                name=named.name,
                operator="node",
                callee=named.node.callee,
                group=named.name.rpartition(".")[0],
                place=named.node.place,
            )
            befores = {maker for given in named.inputs for maker in makers.get(_plain(given), ())} - {named.name}
            for before in sorted(befores):
                yield Edge(
                    before=f"{schedule.identity}/{before}",
                    after=f"{schedule.identity}/{named.name}",
                    place=named.node.place,
                )
            yield from catalog.accesses(named.inputs, named.node, write=False)
            yield from catalog.accesses(named.outputs, named.node, write=True)


def _same(one: _Named, other: _Named) -> bool:
    return (one.inputs, one.outputs) == (other.inputs, other.outputs)


def _plain(dataset: str) -> str:
    """A dataset's name without how it is read in (``x@pandas``)."""
    return dataset.partition("@")[0] if _HOLE not in dataset else f"{dataset}?"


def _named(node: KedroNode, path: str, wraps: Iterable[KedroWrap]) -> _Named:
    name = node.name or node.function or _HOLE
    inputs, outputs = node.inputs, node.outputs
    for wrap in wraps:
        inputs = tuple(_renamed(dataset, wrap) for dataset in inputs)
        outputs = tuple(_renamed(dataset, wrap) for dataset in outputs)
        name = f"{wrap.namespace}.{name}" if wrap.namespace else name
    return _Named(name, node, path, inputs, outputs)


def _renamed(dataset: str, wrap: KedroWrap) -> str:
    base, at, how = dataset.partition("@")
    for old, new in wrap.renamed:
        if dataset == old:
            return new
        if base == old:
            return f"{new}{at}{how}"
    if not wrap.namespace or dataset == "parameters" or dataset == _HOLE:
        return dataset
    if dataset.startswith("params:"):
        return f"params:{wrap.namespace}.{dataset.removeprefix('params:')}"
    return f"{wrap.namespace}.{dataset}"


# ------------------------------------------------------------------------------------------------------ catalog


class _Catalogs:
    """The catalogs of a tree, by the folder of their project."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._entries: dict[str, dict[str, dict[str, ConfigEntry]]] = defaultdict(lambda: defaultdict(dict))
        self._globals: dict[str, dict[str, Expr]] = defaultdict(dict)
        for entry in pipeline.all(ConfigEntry):
            folder, conf, rest = f"/{entry.path}".rpartition("/conf/")
            if not conf:
                continue
            if rest.rpartition("/")[2].startswith("globals"):
                self._globals[folder.lstrip("/")].setdefault(entry.key, entry.value)
            elif _CATALOG.search(entry.path):
                self._entries[folder.lstrip("/")][entry.path][entry.key] = entry

    def of(self, registry: str) -> _Catalog:
        """The catalog of the project that *registry* lies in: that of the nearest ``conf`` above."""
        folder = registry
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self._entries:
                return _Catalog(folder, self._entries[folder], self._globals[folder])
        return _Catalog("", {}, {})


class _Catalog:
    """The datasets of one project: of each, where it lies in each environment that says so."""

    def __init__(self, folder: str, files: Mapping[str, Mapping[str, ConfigEntry]], shared: Mapping[str, Expr]) -> None:
        self._folder = folder
        self._shared = shared
        self._places: dict[str, list[tuple[str, str, Expr]]] = defaultdict(list)
        self._patterns: list[str] = []
        for path in sorted(files):
            self._read(files[path])
        self._patterns = sorted((n for n in self._places if "{" in n), key=lambda n: -len(_SLOT.sub("", n)))

    def _read(self, entries: Mapping[str, ConfigEntry]) -> None:
        names = {key.rpartition(".")[0]: entry for key, entry in entries.items() if key.endswith(".type")}
        for name, kind in names.items():
            if name.startswith("_") or any(name.startswith(f"{other}.") for other in names):
                continue  # a part of another: the dataset below a cached or versioned one
            found = next((f for f in _TARGETS if f"{name}.{f}" in entries), "")
            inner = next(
                (f"{below}.filepath" for below in ("dataset", "data_set") if f"{name}.{below}.filepath" in entries), ""
            )
            target = entries.get(f"{name}.{found}") if found else entries.get(f"{name}.{inner}")
            if target is not None:
                told = literal_text(kind.value) or ""
                self._places[name].append((told, found or "filepath", self._filled(target.value, entries)))

    def _filled(self, value: Expr, entries: Mapping[str, ConfigEntry], depth: int = 0) -> Expr:
        """*value* with what ``${x}`` means in a catalog: another entry of the file, or one of the globals."""
        if isinstance(value, Concat):
            return Concat(tuple(self._filled(part, entries, depth) for part in value.parts))
        if isinstance(value, EnvVar) and value.scope == "host":
            entry = entries.get(value.key)
            given = entry.value if entry is not None else self._shared.get(value.key)
            if given is None or depth > _DEPTH:
                return Unknown("a value of the run's configuration")
            return self._filled(given, entries, depth + 1)
        return value

    def accesses(self, datasets: Iterable[str], node: KedroNode, *, write: bool) -> Iterator[Fact]:
        """What a node reads or writes, of the datasets that the catalog knows."""
        for dataset in datasets:
            name = dataset if dataset in self._places else self._pattern(dataset)
            if name is None:
                continue
            kinds = [kind for kind, _, _ in self._places[name]]
            field = self._places[name][0][1]
            targets = tuple(dict.fromkeys(self._target(name, dataset, f, value) for _, f, value in self._places[name]))
            target = targets[0] if len(targets) == 1 else Choice(targets)
            yield _access(kinds[0], field, target, node, node.place, write=write)

    def _pattern(self, dataset: str) -> str | None:
        """The dataset factory that makes *dataset*: the most specific one."""
        for pattern in self._patterns:
            parts = _SLOT.split(pattern)
            if any(parts) and re.fullmatch("(.+?)".join(re.escape(part) for part in parts), dataset):
                return pattern
        return None

    def _target(self, name: str, dataset: str, field: str, value: Expr) -> Expr:
        if name != dataset:
            slots = [slot.strip("{}") for slot in _SLOT.findall(name)]
            match = re.fullmatch("(.+?)".join(re.escape(part) for part in _SLOT.split(name)), dataset)
            text = literal_text(value)
            if match is None or text is None:
                return Unknown("made by a dataset factory")
            for slot, given in zip(slots, match.groups(), strict=True):
                text = text.replace(f"{{{slot}}}", given)
            value = Literal(text)
        text = literal_text(value)
        if text is not None:
            text = text.replace("\\", "/")
            relative = field in ("filepath", "path") and "://" not in text and not text.startswith("/")
            return Literal(posixpath.normpath(posixpath.join(self._folder, text)) if relative else text)
        if isinstance(value, Concat) and self._folder and isinstance(value.parts[0], Literal):
            return PathJoin((Literal(self._folder), value))
        return value


def _access(kind: str, field: str, target: Expr, node: KedroNode, place: Place, *, write: bool) -> Fact:
    scope = node.function
    text = literal_text(target) or ""
    if ("mlflow" in kind.lower() and "Model" in kind) or "/06_models/" in f"/{text}":
        return ModelAccess(mode="save" if write else "load", target=target, api="kedro", scope=scope, place=place)
    table = field not in ("filepath", "path")
    return DatasetAccess(
        mode="write" if write else "read",
        target=target if field != "sql" else Unknown("a query of the catalog"),
        api="kedro",
        kind="table" if table else "path",
        scope=scope,
        place=place,
    )
