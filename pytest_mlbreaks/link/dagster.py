"""Dagster: the code locations of a tree, the assets that they take in, their jobs, and what comes before what.

A module with ``Definitions`` is a code location and one schedule; its assets are the steps. Keys are those of one
deployment, so an asset of one location may depend on one of another. What ``dagster-dbt`` does by default ties the
models and sources of a dbt project to keys: https://docs.dagster.io/integrations/libraries/dbt/reference.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import (
    AssetInput,
    Callee,
    DagsterAsset,
    DagsterDefinitions,
    DagsterGraph,
    DagsterNode,
    DagsterSource,
    DagsterTimer,
    Edge,
    Fact,
    PythonModule,
    Schedule,
    Step,
)
from pytest_mlbreaks.model.linked import DbtTree

_HOLE = "{*}"
_DEPTH = 12
_OPERATORS = {
    "multi": "multi_asset",
    "graph": "graph_asset",
    "dbt": "dbt_assets",
    "notebook": "define_dagstermill_asset",
}


def steps(pipeline: Pipeline, modules: Modules) -> list[Fact]:
    """Schedules, steps and edges of all code locations and jobs."""
    assets = pipeline.all(DagsterAsset)
    graphs = pipeline.all(DagsterGraph)
    if not assets and not graphs:
        return []
    names = _Names(pipeline, modules)
    found: list[Fact] = list(_jobs(names, pipeline))
    if assets:
        found += _Locations(pipeline, modules, names).facts()
    return found


class _Names:
    """What a qualified name of the code means, as seen from a file."""

    def __init__(self, pipeline: Pipeline, modules: Modules) -> None:
        self._modules = modules
        self.assets: dict[tuple[str, str], list[DagsterAsset]] = defaultdict(list)
        self.definitions: dict[tuple[str, str], DagsterDefinitions] = {}
        self.graphs: dict[tuple[str, str], DagsterGraph] = {}
        for asset in pipeline.all(DagsterAsset):
            if asset.variable:
                self.assets[asset.path, asset.variable].append(asset)
        for made in pipeline.all(DagsterDefinitions):
            self.definitions[made.path, made.variable] = made
        for graph in pipeline.all(DagsterGraph):
            self.graphs[graph.path, graph.function] = graph
        self.timers = {(timer.path, timer.variable) for timer in pipeline.all(DagsterTimer)}

    def known(self, where: tuple[str, str]) -> bool:
        """Whether something of Dagster is bound there."""
        return where in self.assets or where in self.definitions or where in self.graphs or where in self.timers

    def where(self, path: str, name: str) -> tuple[str, str] | None:
        """The file and the name in it that *name* means in the file *path*; the name is "" for a module."""
        if self.known((path, name)):
            return path, name
        module = self.module(path, name)
        if module is not None:
            return module, ""
        head, _, last = name.rpartition(".")
        module = self.module(path, head or ".") if head or name.startswith(".") else None
        if module is None:
            return None
        if self.known((module, last)):
            return module, last
        return self._modules.definition(module, last) or self._imported(module, last, 0)

    def _imported(self, path: str, name: str, depth: int) -> tuple[str, str] | None:
        """What *name* means where the module *path* imports it: what is bound to a call is no constant."""
        module = self._modules.files.get(path)
        for entry in module.imports if module is not None and depth < _DEPTH else ():
            if entry.alias == name and entry.name:
                origin = self.module(path, "." * entry.level + entry.target)
                if origin is not None and origin != path:
                    where = (origin, entry.name)
                    return where if self.known(where) else self._imported(origin, entry.name, depth + 1)
        return None

    def module(self, path: str, dotted: str) -> str | None:
        """The file of the module *dotted*, which may be relative, as seen from *path*; the file itself for ""."""
        if not dotted:
            return path
        if not dotted.startswith("."):
            return self._modules.find(dotted, path)
        rest = dotted.lstrip(".")
        folder = path.rpartition("/")[0]
        for _ in range(len(dotted) - len(rest) - 1):
            folder = folder.rpartition("/")[0]
        stem = posixpath.join(folder, rest.replace(".", "/")) if rest else folder
        for candidate in (f"{stem}.py", posixpath.join(stem, "__init__.py")):
            if candidate in self._modules.files:
                return candidate
        return None

    def folder(self, path: str, dotted: str) -> str | None:
        """The folder of the package *dotted*, also of one without an ``__init__.py``."""
        module = self.module(path, dotted)
        if module is not None:
            return module.removesuffix("/__init__.py").removesuffix(".py")
        tail = dotted.lstrip(".").replace(".", "/")
        above = path.rpartition("/")[0]
        while tail:
            candidate = posixpath.join(above, tail)
            if any(known.startswith(candidate + "/") for known in self._modules.files):
                return candidate
            if not above:
                return None
            above = above.rpartition("/")[0]
        return None


# -------------------------------------------------------------------------------------------------------- jobs


@dataclasses.dataclass
class _Expanded:
    """A job whose graphs are put in: its steps by name, their order, and why something may be missing."""

    steps: dict[str, tuple[DagsterNode, Callee | None]] = dataclasses.field(default_factory=dict)
    edges: dict[tuple[str, str], DagsterNode] = dataclasses.field(default_factory=dict)
    doubt: str = ""


def _jobs(names: _Names, pipeline: Pipeline) -> Iterator[Fact]:
    timers = _timed(names, pipeline)
    seen: set[str] = set()
    for job in pipeline.all(DagsterGraph):
        if job.kind != "job":
            continue
        body = job
        expanded = _Expanded(doubt=job.doubt)
        if job.graph:
            where = names.where(job.path, job.graph)
            found = names.graphs.get(where) if where is not None else None
            if found is None:
                expanded.doubt = expanded.doubt or "its graph is not in the tree"
            body = found or job
        _expand(names, body, "", {}, expanded, 0)
        schedule = Schedule(
            orchestrator="dagster",
            name=job.name or body.name,
            scope=job.path,
            when=timers.get((job.path, job.function)) or timers.get(("", job.name)),
            settings=job.settings,
            complete=not expanded.doubt,
            reason=expanded.doubt,
            place=job.place,
        )
        if _HOLE in schedule.name or schedule.identity in seen:
            continue
        seen.add(schedule.identity)
        yield schedule
        for name, (node, callee) in expanded.steps.items():
            yield Step(
                orchestrator="dagster",
                pipeline=schedule.identity,
                name=name,
                operator="op",
                callee=callee,
                mapped=node.mapped,
                group=name.rpartition(".")[0],
                place=node.place,
            )
        for (before, after), node in expanded.edges.items():
            identity = schedule.identity
            yield Edge(before=f"{identity}/{before}", after=f"{identity}/{after}", place=node.place)


def _timed(names: _Names, pipeline: Pipeline) -> dict[tuple[str, str], Expr]:
    """The schedule of each job that has one, by file and name in the code, and by ("", name of the job)."""
    found: dict[tuple[str, str], Expr] = {}
    for timer in pipeline.all(DagsterTimer):
        found[names.where(timer.path, timer.job) or ("", timer.job)] = timer.cron
    return found


def _expand(
    names: _Names, graph: DagsterGraph, prefix: str, given: Mapping[str, frozenset[str]], into: _Expanded, depth: int
) -> frozenset[str]:
    """Put the nodes of *graph* into *into*; *given* are the steps behind its parameters. The steps that it hands on."""
    into.doubt = into.doubt or graph.doubt
    if depth > _DEPTH:
        into.doubt = into.doubt or "graphs within graphs that have no end"
        return frozenset()
    results: list[frozenset[str]] = []
    used: dict[str, int] = defaultdict(int)
    for node in graph.nodes:
        where = names.where(graph.path, node.callee)
        inner = names.graphs.get(where) if where is not None else None
        if inner is None:
            into.doubt = into.doubt or "it calls what is no op or graph of the tree"
        base = node.alias or (inner.name if inner is not None else node.callee.rpartition(".")[2])
        used[base] += 1
        name = prefix + (base if used[base] == 1 else f"{base}_{used[base]}")
        taken = {
            argument.name: frozenset(
                step
                for steps in (
                    *(results[index] for index in argument.nodes if index < len(results)),
                    *(given.get(parameter, frozenset()) for parameter in argument.parameters),
                )
                for step in steps
            )
            for argument in node.arguments
        }
        if inner is not None and inner.kind != "op":
            results.append(_expand(names, inner, f"{name}.", _by_parameter(inner, taken), into, depth + 1))
            continue
        into.steps[name] = (node, Callee(path=inner.path, name=inner.function) if inner is not None else None)
        for before in sorted(frozenset().union(*taken.values())):
            into.edges.setdefault((before, name), node)
        results.append(frozenset({name}))
    return frozenset(step for index in graph.returns if index < len(results) for step in results[index])


def _by_parameter(graph: DagsterGraph, taken: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """What is given by position, by the name of the parameter."""
    positions = dict(enumerate(graph.parameters))
    return {positions.get(int(name), name) if name.isdigit() else name: steps for name, steps in taken.items()}


# ---------------------------------------------------------------------------------------------------- locations


@dataclasses.dataclass
class _Location:
    """A code location: the assets that it takes in, each under the key that it has there."""

    definitions: DagsterDefinitions
    assets: list[tuple[str, DagsterAsset]] = dataclasses.field(default_factory=list)
    doubt: str = ""

    @property
    def path(self) -> str:
        return self.definitions.path

    def take(self, asset: DagsterAsset, prefix: str) -> None:
        """Take *asset* in, once."""
        if all(known is not asset for _, known in self.assets):
            self.assets.append((f"{prefix}/{asset.key}" if prefix else asset.key, asset))
            self.doubt = self.doubt or asset.doubt or ("a key is computed" if _HOLE in asset.key else "")


class _Locations:
    """Makes the code locations of a tree, and their steps."""

    def __init__(self, pipeline: Pipeline, modules: Modules, names: _Names) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._names = names
        self._by_file: dict[str, list[DagsterAsset]] = defaultdict(list)
        for asset in pipeline.all(DagsterAsset):
            self._by_file[asset.path].append(asset)
        self._of_file: dict[str, list[DagsterDefinitions]] = defaultdict(list)
        for made in pipeline.all(DagsterDefinitions):
            if made.root:
                self._of_file[made.path].append(made)
        self._components = [p for p in pipeline.paths if p.endswith(("/defs.yaml", "/component.yaml"))]

    def facts(self) -> Iterator[Fact]:
        """Schedules, steps and edges."""
        locations = self._locations()
        keys: dict[str, list[tuple[_Location, DagsterAsset]]] = defaultdict(list)
        steps: dict[int, list[tuple[_Location, str]]] = defaultdict(list)
        for location in locations:
            for key, asset in location.assets:
                keys[key].append((location, asset))
                steps[id(asset)].append((location, key))
        for location in locations:
            edges, doubt = self._edges(location, keys, steps)
            location.doubt = location.doubt or doubt
            yield from self._location(location)
            yield from edges

    def _locations(self) -> list[_Location]:
        taken: set[str] = set()
        made: list[_Location] = []
        for path in sorted(self._of_file, key=lambda path: (path.count("/"), path)):
            if path in taken:
                continue
            location = _Location(self._of_file[path][0])
            taken.add(path)
            for definitions in self._of_file[path]:
                self._take(location, definitions, "", taken, 0)
            made.append(location)
        return self._with_the_rest(made)

    def _with_the_rest(self, locations: list[_Location]) -> list[_Location]:
        """Assets that no list of a location names belong to the one that imports their file, if it is not all told."""
        held = {asset.path for location in locations for _, asset in location.assets}
        left = [path for path in sorted(self._by_file) if path not in held]
        for location in locations:
            if location.doubt:
                reached = set(self._modules.reach([location.path]))
                for path in left:
                    if path in reached:
                        for asset in self._by_file[path]:
                            location.take(asset, "")
        held = {asset.path for location in locations for _, asset in location.assets}
        for path in left:
            if path not in held:
                assets = self._by_file[path]
                location = _Location(
                    DagsterDefinitions(place=assets[0].place), doubt="no definitions of the tree take it in"
                )
                for asset in assets:
                    location.take(asset, "")
                locations.append(location)
        return locations

    def _take(
        self, location: _Location, definitions: DagsterDefinitions, prefix: str, taken: set[str], depth: int
    ) -> None:
        for source in definitions.sources:
            inner = f"{prefix}/{source.prefix}".strip("/")
            if depth > _DEPTH or source.kind == "unknown":
                location.doubt = location.doubt or "assets are computed"
            elif source.kind == "name":
                self._take_name(location, definitions.path, source.names[0], inner, taken, depth)
            elif source.kind == "modules":
                for name in source.names:
                    path = self._names.module(definitions.path, name)
                    self._take_file(location, path, inner)
            elif source.kind == "package":
                folder = self._names.folder(definitions.path, source.names[0])
                self._take_below(location, folder, inner)
            else:
                self._take_folder(location, definitions, source, taken, depth)

    def _take_name(self, location: _Location, path: str, name: str, prefix: str, taken: set[str], depth: int) -> None:
        where = self._names.where(path, name)
        if where is None:
            location.doubt = location.doubt or "assets of another package, or computed ones"
        elif where in self._names.assets:
            for asset in self._names.assets[where]:
                location.take(asset, prefix)
        elif where in self._names.definitions:
            taken.add(where[0])
            self._take(location, self._names.definitions[where], prefix, taken, depth + 1)
        elif not self._names.known(where):
            location.doubt = location.doubt or "assets are computed"

    def _take_file(self, location: _Location, path: str | None, prefix: str) -> None:
        if path is None:
            location.doubt = location.doubt or "a module with assets is not in the tree"
            return
        for asset in self._by_file.get(path, ()):
            if asset.kind != "external" or asset.variable:
                location.take(asset, prefix)

    def _take_below(self, location: _Location, folder: str | None, prefix: str) -> None:
        if folder is None:
            location.doubt = location.doubt or "a package with assets is not in the tree"
            return
        for path in sorted(self._by_file):
            if path.startswith(f"{folder}/") or path == f"{folder}.py":
                self._take_file(location, path, prefix)

    def _take_folder(
        self, location: _Location, definitions: DagsterDefinitions, source: DagsterSource, taken: set[str], depth: int
    ) -> None:
        """A folder of definitions: a ``definitions.py`` in it speaks for its whole folder, all else is loaded as it
        is; components in YAML are not read."""
        folder: str | None
        if source.names == ("defs",):
            folder = posixpath.join(definitions.path.rpartition("/")[0], "defs")
        else:
            folder = self._names.folder(definitions.path, source.names[0])
        if folder is None:
            location.doubt = location.doubt or "a package with assets is not in the tree"
            return
        if any(path.startswith(f"{folder}/") for path in self._components):
            location.doubt = location.doubt or "components that YAML describes are not read"
        spoken = {
            p.rpartition("/")[0]
            for p in self._modules.files
            if p.startswith(f"{folder}/") and p.endswith("/definitions.py")
        }
        for path in sorted({*self._by_file, *self._of_file}):
            if not path.startswith(f"{folder}/"):
                continue
            at = path.rpartition("/")[0]
            covered = any(at == one or at.startswith(f"{one}/") for one in spoken)
            if path in self._of_file:
                taken.add(path)
            if path.endswith("/definitions.py") or not covered:
                for made in self._of_file.get(path, ()):
                    self._take(location, made, "", taken, depth + 1)
            if not covered:
                self._take_file(location, path, "")

    def _location(self, location: _Location) -> Iterator[Fact]:
        schedule = _schedule(location)
        if location.assets or location.doubt:
            yield schedule
        seen: set[str] = set()
        for key, asset in location.assets:
            if asset.kind == "external" or key in seen:
                continue
            seen.add(key)
            yield Step(
                orchestrator="dagster",
                pipeline=schedule.identity,
                name=key,
                operator=_OPERATORS.get(asset.kind, "asset"),
                callee=asset.callee,
                settings=asset.settings,
                group=asset.group,
                place=asset.place,
            )

    # ----------------------------------------------------------------------------------------------------- edges

    def _edges(
        self,
        location: _Location,
        keys: Mapping[str, list[tuple[_Location, DagsterAsset]]],
        steps: Mapping[int, list[tuple[_Location, str]]],
    ) -> tuple[list[Edge], str]:
        """The edges to the assets of *location*, and why there may be more."""
        found: dict[tuple[str, str], Edge] = {}
        doubt = ""
        models = self._dbt()
        for key, asset in location.assets:
            after = f"{_schedule(location).identity}/{key}"
            for given in asset.inputs:
                befores, why = self._before(location, key, asset, given, keys, steps)
                doubt = doubt or why
                if not befores and (given.model or given.named):
                    befores = models.before(given)
                for before in befores:
                    if before != after and asset.kind != "external":
                        found.setdefault((before, after), Edge(before=before, after=after, place=given.place))
            if asset.kind != "external":
                for model in models.after(key):
                    found.setdefault((after, model), Edge(before=after, after=model, place=asset.place))
        return list(found.values()), doubt

    def _before(
        self,
        location: _Location,
        key: str,
        asset: DagsterAsset,
        given: AssetInput,
        keys: Mapping[str, list[tuple[_Location, DagsterAsset]]],
        steps: Mapping[int, list[tuple[_Location, str]]],
    ) -> tuple[list[str], str]:
        """The steps that make what *given* names, and why that can't be told."""
        if given.model:
            return [], ""
        if given.reference:
            where = self._names.where(asset.path, given.reference)
            made = self._names.assets.get(where, ()) if where is not None else ()
            told = [
                f"{_schedule(at).identity}/{name}"
                for one in made
                if one.kind != "external"
                for at, name in _nearest(location, steps.get(id(one), ()))
            ]
            return told, "" if made else "what an asset depends on is computed"
        if _HOLE in given.key:
            return [], "what an asset depends on is computed"
        wanted = self._similar(location, key, asset, given, keys)
        holders = [(at, one) for at, one in keys.get(wanted, ()) if one.kind != "external"]
        return [f"{_schedule(at).identity}/{wanted}" for at, _ in _nearest(location, holders)], ""

    def _similar(
        self,
        location: _Location,
        key: str,
        asset: DagsterAsset,
        given: AssetInput,
        keys: Mapping[str, list[tuple[_Location, DagsterAsset]]],
    ) -> str:
        """The key that *given* means: as written, with the prefix that the asset was loaded with, or, of a parameter,
        the one asset of that name in the same group or below the same prefix."""
        own = key.removesuffix(asset.key).strip("/") if key != asset.key else ""
        if own and any(at is location for at, _ in keys.get(f"{own}/{given.key}", ())):
            return f"{own}/{given.key}"
        if given.key in keys or given.named or "/" in given.key:
            return given.key
        same = [
            (name, one) for name, one in location.assets if name.rpartition("/")[2] == given.key and one is not asset
        ]
        for chosen in (
            [name for name, one in same if one.group == asset.group],
            [name for name, _ in same if name.rpartition("/")[0] == key.rpartition("/")[0]],
        ):
            if len(chosen) == 1:
                return chosen[0]
        return given.key

    def _dbt(self) -> _DbtKeys:
        used = any(
            entry.target.startswith("dagster_dbt")
            for module in self._pipeline.all(PythonModule)
            for entry in module.imports
        )
        return _DbtKeys(self._pipeline if used else None)


class _DbtKeys:
    """The models of dbt by their name, and those that read a source, by its key."""

    def __init__(self, pipeline: Pipeline | None) -> None:
        self._models: dict[str, list[str]] = defaultdict(list)
        self._readers: dict[str, list[str]] = defaultdict(list)
        schedules = {s.scope: s.identity for s in pipeline.all(Schedule) if s.orchestrator == "dbt"} if pipeline else {}
        for tree in pipeline.all(DbtTree) if pipeline else ():
            identity = schedules[tree.project.path]
            for model in tree.models.values():
                self._models[model.name].append(f"{identity}/{model.name}")
                for ref in model.refs:
                    if ref.kind == "source":
                        self._readers[f"{ref.group}/{ref.name}"].append(f"{identity}/{model.name}")

    def before(self, given: AssetInput) -> list[str]:
        """The model that *given* names, if it is one of the tree: its key ends in the model's name."""
        found = self._models.get(given.model or given.key.rpartition("/")[2], [])
        return found if len(found) == 1 else []

    def after(self, key: str) -> list[str]:
        """The models that read the source of this key."""
        return self._readers.get(key, [])


_Held = TypeVar("_Held")


def _nearest(location: _Location, holders: Sequence[tuple[_Location, _Held]]) -> Sequence[tuple[_Location, _Held]]:
    """Of several code locations that hold an asset, the own one; of others only one alone."""
    own = [holder for holder in holders if holder[0] is location]
    return own or (holders if len(holders) == 1 else ())


def _schedule(location: _Location) -> Schedule:
    return Schedule(
        orchestrator="dagster",
        name=location.path,
        complete=not location.doubt,
        reason=location.doubt,
        place=location.definitions.place,
    )
