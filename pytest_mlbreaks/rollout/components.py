"""What is pushed apart from everything else: the components of a pipeline, what each provides, and what each uses.

A component is known by its identity, so that it can be found again in another revision. What one provides and another
uses is an `Item`; only what two components share by an item can fix their order.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from pytest_mlbreaks.model import (
    Application,
    Dataset,
    DbtTree,
    FeatureGroup,
    Image,
    Model,
    Pipeline,
    Place,
    Process,
    Setting,
)
from pytest_mlbreaks.model.expr import ConfigKey, SecretKey, literal_text
from pytest_mlbreaks.model.facts import (
    ConfigObject,
    Container,
    Import,
    PythonModule,
    RemoteCall,
    Schedule,
    SqlQuery,
    SqlSelect,
    Step,
    Workflow,
    Workload,
)
from pytest_mlbreaks.recognised import aside
from pytest_mlbreaks.rollout import orm
from pytest_mlbreaks.rollout.migrations import Operation, operations

Kind = Literal["migrations", "dbt", "features", "config", "image", "code", "service", "schedule", "workflow"]
ItemKind = Literal["table", "column", "rows", "data", "variable", "config", "key", "route", "sent", "feature", "alias"]

STAYS: frozenset[str] = frozenset({"data", "alias"})
"""What is still there when nothing provides it any more: a dataset that is written no more, an alias in a registry."""

NO_ORDER: frozenset[str] = frozenset({"github-actions"})
"""Schedules whose steps are no components: a merge pushes them, and they reach all code of a repository."""

Text = Callable[[str], str]
"""The text of a file by its path; "" where there is none."""


@dataclasses.dataclass(frozen=True)
class Item:
    """Something that one component provides and another uses. *owner* keeps apart what may share a name: the table of
    a column, the workload of a variable. *shown* is what people call it."""

    kind: ItemKind
    owner: str
    name: str
    shown: str = dataclasses.field(compare=False)


@dataclasses.dataclass(frozen=True)
class Use:
    """Where a component provides or uses an item, and on what that rests where names alone suggest it."""

    place: Place
    assumed: str = ""


@dataclasses.dataclass
class Component:
    """Something that is pushed by itself. *files*: it changes where one of them does; *shape*: and where what is
    declared of it does. *images*: what a service runs, as written; *builds*: the images of the tree among them.
    *untold*: what it does, and whose effect can't be told."""

    id: str
    kind: Kind
    name: str
    place: Place
    files: set[str] = dataclasses.field(default_factory=set)
    shape: list[object] = dataclasses.field(default_factory=list)
    provides: dict[Item, Use] = dataclasses.field(default_factory=dict)
    uses: dict[Item, Use] = dataclasses.field(default_factory=dict)
    images: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    untold: dict[Place, str] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        """What people call it: ``image backend/Dockerfile``."""
        return self.name if self.kind == "config" else f"{self.kind} {self.name}"


@dataclasses.dataclass(frozen=True)
class Side:
    """One revision: its pipeline, the text of its files, and the files that the other one does not hold the same."""

    pipeline: Pipeline
    text: Text
    touched: frozenset[str]
    fresh: frozenset[str]  # of those, what the base does not hold at all


def components(side: Side, operated: tuple[Operation, ...], *, head: bool) -> dict[str, Component]:
    """The components of one *side*, by id. *operated* is what the migrations of the change do: the base
    still has what they drop, the head has what they add."""
    made = _Making(side)
    made.services()
    made.images()
    made.schedules()
    made.workflows()
    made.loose_code()
    made.config()
    made.variables()
    made.features()
    made.dbt()
    made.tables()
    made.routes()
    made.models()
    made.migrations(operated, head=head)
    return made.found


def new_migrations(base: Side, head: Side) -> tuple[Operation, ...]:
    """What migrations in files that the change adds do: one that has run is not touched again. A column that is
    dropped, and that the database demanded as *base* declares it, is told twice: from then on rows without it pass."""
    done = [
        operation
        for module in head.pipeline.all(PythonModule)
        if module.path in head.fresh and not aside(module.path) and any(map(_migrates, module.imports))
        for operation in operations(module.path, head.text(module.path))
    ]
    dropped = {(_last(o.table), o.column): o for o in done if o.does == "drop" and o.column}
    if dropped:
        for _, table in _declaring(base):
            for name in table.names:
                for column, declared in table.columns.items():
                    drop = dropped.get((name, column))
                    if drop is not None and declared.demanded:
                        done.append(dataclasses.replace(drop, does="permit"))
    return tuple(dict.fromkeys(done))


def _declaring(side: Side) -> Iterator[tuple[str, orm.Table]]:
    """The files whose classes are tables of a database, with each class."""
    for module in side.pipeline.all(PythonModule):
        if aside(module.path) or _is_migration(module.path):
            continue
        if any(one.target.startswith(_ORMS) for one in module.imports):
            for table in orm.tables(side.text(module.path)):
                yield module.path, table


class _Making:
    def __init__(self, side: Side) -> None:
        self.side = side
        self.pipeline = side.pipeline
        self.found: dict[str, Component] = {}
        self.by_file: dict[str, list[Component]] = defaultdict(list)

    def component(self, id_: str, kind: Kind, name: str, place: Place) -> Component:
        return self.found.setdefault(id_, Component(id_, kind, name, place))

    def own(self, component: Component, paths: Iterable[str]) -> None:
        for path in paths:
            if path not in component.files and not aside(path):
                component.files.add(path)
                self.by_file[path].append(component)

    # ------------------------------------------------------------------------------------------ what runs

    def services(self) -> None:
        containers = self.pipeline.index(Container, "workload")
        processes = self.pipeline.index(Process, _container)
        for workload in self.pipeline.all(Workload):
            if aside(workload.path):
                continue
            mine = containers.get(workload.identity, ())
            component = self.component(
                workload.identity, "service", f"{workload.name} ({workload.path})", workload.place
            )
            component.shape += [shape(workload), *map(shape, mine)]
            running = [p for c in mine for p in processes.get(c.identity, ())]
            component.images = tuple(sorted({self.pipeline.pattern(c.image) for c in mine if c.image is not None}))
            component.builds = tuple(sorted({f"image:{p.dockerfile.path}" for p in running if p.dockerfile}))
            for process in running:
                if process.dockerfile is None:
                    self.own(component, process.modules)

    def images(self) -> None:
        for image in self.pipeline.all(Image):
            path = image.dockerfile.path
            if aside(path):
                continue
            component = self.component(f"image:{path}", "image", path, image.place)
            self.own(component, (path,))
            for process in image.processes:
                self.own(component, process.modules)

    def schedules(self) -> None:
        processes = self.pipeline.index(Process, _step)
        steps = self.pipeline.index(Step, "pipeline")
        for schedule in self.pipeline.all(Schedule):
            if schedule.orchestrator in NO_ORDER | {"dbt"} or aside(schedule.path):
                continue
            name = f"{schedule.name} ({schedule.path})"
            component = self.component(schedule.identity, "schedule", name, schedule.place)
            self.own(component, (schedule.path,))
            for step in steps.get(schedule.identity, ()):
                for process in processes.get(step.identity, ()):
                    self.own(component, process.modules)

    def workflows(self) -> None:
        for workflow in self.pipeline.all(Workflow):
            self.own(self.component(workflow.identity, "workflow", workflow.path, workflow.place), (workflow.path,))

    def loose_code(self) -> None:
        """Touched code that nothing seen runs: one component for each folder with a mark of a program of its own."""
        for path in sorted(self.side.touched & self.pipeline.paths):
            if path.endswith(".py") and not self.by_file.get(path) and not aside(path) and not _is_migration(path):
                self._loose(path)

    def _loose(self, path: str) -> None:
        folder = self._program(path)
        self.own(self.component(f"code:{folder}", "code", folder or "of the root", Place(folder or ".")), (path,))

    def _program(self, path: str) -> str:
        folder = path.rpartition("/")[0]
        while folder:
            if any(f"{folder}/{mark}" in self.pipeline.paths for mark in _MARKS):
                return folder
            folder = folder.rpartition("/")[0]
        return ""

    # ------------------------------------------------------------------------------- configuration, variables

    def config(self) -> None:
        for one in self.pipeline.all(ConfigObject):
            if aside(one.path):
                continue
            component = self.component(one.identity, "config", f"{one.kind} {one.name} ({one.path})", one.place)
            component.shape.append(shape(one))
            component.provides[_config(one.kind, one.name)] = Use(one.place)
            for entry in one.entries:
                component.provides[_key(one.kind, one.name, entry.name)] = Use(entry.place)
        for container in self.pipeline.all(Container):
            service = self.found.get(container.workload)
            if service is None or container.tool != "kubernetes":
                continue
            for source in container.variable_sources:
                name = literal_text(source.name)
                if name and source.kind in ("configmap", "secret") and not source.optional:
                    service.uses[_config(source.kind, name)] = Use(source.place)
            for variable in container.variables:
                value = variable.value
                if isinstance(value, ConfigKey | SecretKey) and "/" in value.store:
                    kind, _, name = value.store.partition("/")
                    service.uses[_key(kind, name, value.key)] = Use(variable.place)

    def variables(self) -> None:
        """What code can't do without, and who sets it. Compose starts what it builds together with its variables."""
        objects = {e.place: o.identity for o in self.pipeline.all(ConfigObject) for e in o.entries}
        for setting in self.pipeline.all(Setting):
            container = setting.process.fact
            dockerfile = setting.process.dockerfile
            if not isinstance(container, Container) or dockerfile is None or container.build:
                continue
            image, service = self.found.get(f"image:{dockerfile.path}"), self.found.get(container.workload)
            if image is None or service is None or setting.read.default is not None or setting.read.conditional:
                continue
            item = Item("variable", service.id, setting.name, f"variable {setting.name} of {service.name}")
            image.uses[item] = Use(setting.read.place)
        for process in self.pipeline.all(Process):
            container = process.fact
            service = self.found.get(container.workload) if isinstance(container, Container) else None
            if service is None:
                continue
            written = {v.place for v in container.variables} if isinstance(container, Container) else set()
            for name, value in process.variables.items():
                item = Item("variable", service.id, name, f"variable {name} of {service.name}")
                for place in (o.place for a in value.alternatives for o in a.origins):
                    if place in objects and objects[place] in self.found:
                        self.found[objects[place]].provides[item] = Use(place)
                    elif place in written:
                        service.provides[item] = Use(place)

    # ----------------------------------------------------------------------------------- data, features, models

    def features(self) -> None:
        for group in self.pipeline.all(FeatureGroup):
            if aside(group.place.path):
                continue
            folder = group.view.path.rpartition("/")[0] or "."
            component = self.component(f"features:{folder}", "features", folder, Place(folder))
            self.own(component, (group.view.path,))
            component.shape.append(shape(group.view))
            for field in group.view.fields:
                component.provides[_feature(group.name, field.name)] = Use(field.place)
            for column, read in group.columns:
                self.use(read.path, _feature(group.name, column), Use(read.place), beside=component)

    def tables(self) -> None:
        for dataset in self.pipeline.all(Dataset):
            if "{*}" in dataset.name:
                continue
            item = Item("data", dataset.kind, dataset.name, f"{dataset.kind} {dataset.name}")
            for access in dataset.accesses:
                if access.mode == "read":
                    self.use(access.path, item, Use(access.place))
                else:
                    self.provide(access.path, item, Use(access.place))
        for query in self.pipeline.all(SqlQuery):
            for name in query.reads:
                self.use(query.path, _table(name), Use(query.place))
        for select in self.pipeline.all(SqlSelect):
            tables = {s.alias: s.table for s in select.sources if s.kind == "table"}
            only = next(iter(tables.values())) if len(select.sources) == len(tables) == 1 else ""
            used = [(only, column) for _, column in select.passed] if only else []
            used += [(tables[c.source], c.name) for c in select.mentioned if c.source in tables]
            for table, column in used:
                self.use(select.path, _column(table, column), Use(select.place))

    def dbt(self) -> None:
        selects = self.pipeline.index(SqlSelect, "path")
        for tree in self.pipeline.all(DbtTree):
            if aside(tree.place.path):
                continue
            name = tree.project.folder or "of the root"
            component = self.component(tree.identity, "dbt", name, tree.place)
            for model in tree.models.values():
                self.own(component, (model.path, *(p.path for p in model.described)))
                component.provides[_table(model.name)] = Use(model.place)
                for described in model.described:
                    for column in described.columns:
                        component.provides[_column(model.name, column.name)] = Use(column.place)
                for select in selects.get(model.path, ()):
                    if select.name == "final":
                        outputs = [(o.name, o.place) for o in select.outputs if o.name]
                        for written, place in [*outputs, *((out, select.place) for out, _ in select.passed)]:
                            component.provides[_column(model.name, written)] = Use(place)
            for source, table in tree.sources:
                component.uses[_table(f"{source}.{table}")] = Use(tree.place)

    def models(self) -> None:
        for model in self.pipeline.all(Model):
            if model.kind != "registry":
                continue
            for reference in model.references:
                access = reference.access
                asked = reference.alias or reference.stage
                told = f" @{asked}" if asked else ""
                item = Item("alias", model.name, asked, f"model {model.name}{told}")
                if "{*}" in model.name + asked:
                    continue
                if access.mode in ("load", "find"):
                    self.use(access.path, item, Use(access.place))
                else:
                    self.provide(access.path, item, Use(access.place))

    # ----------------------------------------------------------------------------------------- requests

    def routes(self) -> None:
        """Paths that one application of the tree serves, and requests whose URL ends in one of them."""
        served: dict[str, list[tuple[Application, str]]] = defaultdict(list)
        for application in self.pipeline.all(Application):
            if aside(application.place.path):
                continue
            for route, endpoints in application.routes.items():
                shown = route.replace("{*}", "{...}")
                item = Item("route", application.identity, route, f"route {shown} of {application.place.path}")
                self.provide(application.place.path, item, Use(endpoints[0].place))
                served[_bare(route)].append((application, route))
                for endpoint in endpoints:
                    for field in endpoint.body.fields if endpoint.body is not None and endpoint.body.complete else ():
                        if field.required:
                            sent = _sent(application, route, field.name)
                            self.use(application.place.path, sent, Use(field.place))
        for call in self.pipeline.all(RemoteCall):
            path = _path(self.pipeline.pattern(call.url))
            matching = served.get(_bare(path), []) if path not in ("", "/", "/health") else []
            if len(matching) != 1 or aside(call.path):
                continue
            application, route = matching[0]
            server = self.by_file.get(application.place.path, [])
            item = Item("route", application.identity, route, f"route {route} of {application.place.path}")
            assumed = "the path alone ties them"
            for client in self.by_file.get(call.path, []):
                if client not in server:
                    client.uses[item] = Use(call.place, assumed)
                    for key in call.keys or ():
                        client.provides[_sent(application, route, key)] = Use(call.place, assumed)

    # ---------------------------------------------------------------------------------------- migrations

    def migrations(self, done: tuple[Operation, ...], *, head: bool) -> None:
        """What the new migrations do, and which classes declare the columns on this side: each query names all columns
        that a class declares, and no row that it writes has another one."""
        by_table: dict[str, list[Operation]] = defaultdict(list)
        for operation in done:
            folder = operation.place.path.rpartition("/")[0]
            component = self.component(f"migrations:{folder}", "migrations", folder, Place(folder))
            component.files.add(operation.place.path)
            if operation.does == "unknown":
                component.untold[operation.place] = operation.table
                continue
            if (operation.does in ("add", "permit")) is head:
                component.provides[_operated(operation)] = Use(operation.place)
            by_table[_last(operation.table)].append(operation)
        for path, table in _declaring(self.side) if done else ():
            for name in sorted(table.names & by_table.keys()):
                self._declares(path, table, by_table[name])

    def _declares(self, path: str, table: orm.Table, done: Iterable[Operation]) -> None:
        if not self.by_file.get(path):
            self._loose(path)
        for operation in done:
            column = table.columns.get(operation.column)
            if operation.does in ("require", "permit"):
                line = table.line if column is None else None
            elif operation.column:
                line = column.line if column is not None else None
            else:
                line = table.line
            if line is not None:
                self.use(path, _operated(operation), Use(Place(path, line)))

    # ------------------------------------------------------------------------------------------- helpers

    def use(self, path: str, item: Item, use: Use, beside: Component | None = None) -> None:
        for component in self.by_file.get(path, ()):
            if component is not beside:
                component.uses.setdefault(item, use)

    def provide(self, path: str, item: Item, use: Use) -> None:
        for component in self.by_file.get(path, ()):
            component.provides.setdefault(item, use)


_MARKS = ("pyproject.toml", "setup.py", "Dockerfile", "requirements.txt", "package.json")
_ORMS = ("sqlalchemy", "sqlmodel", "django.db")
_MIGRATION = re.compile(r"(?:^|/)(?:versions|migrations)/[^/]+\.py$")
_URL_PATH = re.compile(r"^(?:[a-z]+://[^/]*|\{\*\})(/[^?#]*)")


def _migrates(one: Import) -> bool:
    return (one.target, one.name) in (("alembic", "op"), ("django.db", "migrations")) or one.target == "alembic.op"


def _is_migration(path: str) -> bool:
    return _MIGRATION.search(path) is not None


def _container(process: Process) -> str | None:
    return process.fact.identity if isinstance(process.fact, Container) else None


def _step(process: Process) -> str | None:
    return process.fact.identity if isinstance(process.fact, Step) else None


def _last(name: str) -> str:
    return name.replace('"', "").replace("`", "").rpartition(".")[2].lower()


def _table(name: str) -> Item:
    return Item("table", "", _last(name), f"table {name}")


def _column(table: str, column: str) -> Item:
    return Item("column", _last(table), column.lower(), f"column {_last(table)}.{column}")


def _operated(operation: Operation) -> Item:
    if operation.does in ("require", "permit"):
        shown = f"rows of {operation.table} without {operation.column}"
        return Item("rows", _last(operation.table), operation.column.lower(), shown)
    return _column(operation.table, operation.column) if operation.column else _table(operation.table)


def _config(kind: str, name: str) -> Item:
    return Item("config", kind, name, f"{kind} {name}")


def _key(kind: str, name: str, key: str) -> Item:
    return Item("key", f"{kind}/{name}", key, f"key {key} of {kind} {name}")


def _feature(view: str, column: str) -> Item:
    return Item("feature", view, column, f"feature {view}:{column}")


def _sent(application: Application, route: str, key: str) -> Item:
    return Item("sent", f"{application.identity}{route}", key, f"field {key} of requests to {route}")


def _path(url: str) -> str:
    found = _URL_PATH.match(url)
    return found.group(1) if found else ""


def _bare(route: str) -> str:
    return route.rstrip("/")


def shape(thing: object) -> object:
    """What a fact says, without the places: what stays the same when lines move."""
    if isinstance(thing, Place):
        return None
    if isinstance(thing, msgspec.Struct):
        return (type(thing).__name__, *(shape(getattr(thing, name)) for name in thing.__struct_fields__))
    if isinstance(thing, tuple):
        return tuple(map(shape, thing))
    return thing
