"""dbt projects: which file is which model, what its configuration comes to, and what it reads.

A project's models are steps of one schedule, ordered by what they refer to, and each writes the table of its name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.expr import Concat, EnvVar, Expr, Literal, Unknown, literal_text
from pytest_mlbreaks.model.facts import (
    Argument,
    DatasetAccess,
    DbtExposure,
    DbtFile,
    DbtMacro,
    DbtPackages,
    DbtProfile,
    DbtProject,
    DbtProperties,
    DbtRef,
    Edge,
    Fact,
    Schedule,
    Step,
)
from pytest_mlbreaks.model.linked import DbtKind, DbtModel, DbtTree
from pytest_mlbreaks.recognised import is_test_data

_FOLDERS_READ = frozenset({"models", "seeds", "data", "snapshots", "sources"})
"""Folders whose properties files are read, wherever they lie."""

_WITHOUT_MODELS = frozenset(
    {
        *("dbt_utils", "dbt_expectations", "dbt_date", "codegen", "audit_helper", "trino_utils", "spark_utils"),
        *("dbt_external_tables", "dbt_profiler", "dbt_constraints", "tsql_utils", "redshift", "metrics", "dbt_ml"),
    }
)
"""Packages that bring macros and tests, and no models."""

_SCHEMA = Unknown("the schema is the profile's")


def trees(pipeline: Pipeline) -> list[DbtTree]:
    """The dbt projects of the tree, with their models."""
    projects = {project.folder: project for project in pipeline.all(DbtProject)}
    if not projects:
        return []
    by_folder: dict[str, list[str]] = defaultdict(list)
    for path in sorted(pipeline.paths):
        if path.endswith((".sql", ".py", ".csv")):
            folder = _owner(path, projects)
            if folder is not None:
                by_folder[folder].append(path)
    facts: dict[str, list[Fact]] = defaultdict(list)
    for kind in (DbtFile, DbtProperties, DbtPackages, DbtExposure):
        for fact in pipeline.all(kind):
            folder = _owner(fact.path, projects)
            if folder is not None:
                facts[folder].append(fact)
    unread: dict[str, str] = {}
    for path in pipeline.unread:
        folder = _owner(path, projects)
        if folder is not None and path.endswith((".yml", ".yaml", ".sql")) and not is_test_data(path):
            unread.setdefault(folder, path)
    return [
        _Maker(project, by_folder[folder], facts[folder], unread.get(folder, "")).make()
        for folder, project in projects.items()
    ]


def _owner(path: str, projects: Mapping[str, DbtProject]) -> str | None:
    """The folder of the nearest project above *path*."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in projects:
            return folder
    return None


class _Maker:
    """Makes the models of one project."""

    def __init__(self, project: DbtProject, paths: list[str], facts: Iterable[Fact], unread: str) -> None:
        self._project = project
        self._paths = paths
        self._files: dict[str, DbtFile] = {}
        self._properties: dict[str, list[DbtProperties]] = defaultdict(list)
        self._sources: dict[tuple[str, str], list[DbtProperties]] = defaultdict(list)
        self._packages: list[DbtPackages] = []
        self._exposures: list[DbtExposure] = []
        for fact in facts:
            if isinstance(fact, DbtFile):
                self._files[fact.path] = fact
            elif isinstance(fact, DbtPackages):
                self._packages.append(fact)
            elif isinstance(fact, DbtExposure):
                if self._in(fact.path, project.folders):
                    self._exposures.append(fact)
            elif isinstance(fact, DbtProperties) and self._in(fact.path, project.folders):
                if fact.source:
                    self._sources[fact.source, fact.name].append(fact)
                else:
                    self._properties[fact.name].append(fact)
        self._unread = unread

    def make(self) -> DbtTree:
        """The project with its models."""
        models: dict[str, DbtModel] = {}
        for kind, name, path in self._named():
            file = self._files.get(path)
            described = tuple(self._properties.get(name, ()))
            models.setdefault(
                name,
                DbtModel(
                    project=self._project,
                    kind=kind,
                    name=name,
                    path=path,
                    file=file,
                    described=described,
                    config=self._config(kind, path, file, described),
                ),
            )
        return DbtTree(
            project=self._project,
            models=models,
            sources={key: tuple(entries) for key, entries in self._sources.items()},
            described={name: tuple(entries) for name, entries in self._properties.items()},
            tests=tuple(file for path, file in self._files.items() if self._in(path, self._project.test_paths)),
            exposures=tuple(self._exposures),
            macros={macro.name: macro for file in self._files.values() for macro in file.referring},
            incomplete=self._incomplete(),
            packages=tuple(p for fact in self._packages for p in fact.packages if _name(p) not in _WITHOUT_MODELS),
        )

    def _named(self) -> Iterator[tuple[DbtKind, str, str]]:
        project = self._project
        for path in self._paths:
            stem, _, ending = path.rpartition("/")[2].rpartition(".")
            if ending == "csv":
                if self._in(path, project.seed_paths):
                    yield "seed", stem, path
            elif ending == "sql" and path in self._files and self._files[path].snapshots:
                for name in self._files[path].snapshots:
                    yield "snapshot", name, path
            elif self._in(path, project.model_paths) and stem != "__init__":
                yield "model", stem, path
        for name, entries in self._properties.items():
            for entry in entries:
                if entry.kind == "snapshot" and entry.config:
                    yield "snapshot", name, entry.path  # defined by its properties alone, since dbt 1.9

    def _in(self, path: str, folders: tuple[str, ...]) -> bool:
        prefix = f"{self._project.folder}/" if self._project.folder else ""
        return any(path.startswith(f"{prefix}{folder}/") for folder in folders)

    def _config(
        self, kind: DbtKind, path: str, file: DbtFile | None, described: tuple[DbtProperties, ...]
    ) -> dict[str, Argument]:
        """The configuration of a model: the project file's, then its properties', then its own, which decides."""
        found: dict[str, Argument] = {}
        section = f"{kind}s"
        relative = path[len(self._project.folder) :].strip("/").rpartition(".")[0].split("/")[1:]
        best: dict[str, int] = {}
        for setting in self._project.settings:
            parts = setting.name.split(".")
            if parts[0] != section:
                continue
            name = parts[-1].removeprefix("+")
            folders = parts[1:-1]
            if folders[:1] == [self._project.name]:
                folders = folders[1:]
            if relative[: len(folders)] == folders and len(folders) >= best.get(name, 0):
                found[name] = setting
                best[name] = len(folders)
        for entry in described:
            found |= {argument.name: argument for argument in entry.config}
        if file is not None:
            found |= {argument.name: argument for argument in file.config}
        return found

    def _incomplete(self) -> str:
        """Why a model or source may be there that is not seen; "" where all are."""
        if self._unread:
            return f"{self._unread} is not read"
        if not any(
            path.endswith((".sql", ".py")) and self._in(path, self._project.model_paths) for path in self._paths
        ):
            return "no model of the project is in the tree"  # a copy that leaves them out, or they come from elsewhere
        odd = [folder for folder in self._project.folders if _FOLDERS_READ.isdisjoint(folder.split("/"))]
        return f"properties files of {odd[0]} are not read" if odd else ""


def _name(package: str) -> str:
    return package.rpartition("/")[2].removesuffix(".git").removeprefix("dbt-").replace("-", "_")


def steps(trees: Iterable[DbtTree], pipeline: Pipeline) -> list[Fact]:
    """Schedules, steps, edges, and the tables that models read and write. What is switched off is no step."""
    return list(_steps(trees, pipeline))


def _steps(trees: Iterable[DbtTree], pipeline: Pipeline) -> Iterator[Fact]:
    every = list(trees)
    for tree in every:
        models = [model for model in tree.models.values() if model.setting("enabled") != Literal(False)]
        reason = _not_told(tree, models)
        schedule = Schedule(
            place=tree.project.place,
            orchestrator="dbt",
            name=tree.project.name or tree.project.folder,
            scope=tree.project.path,
            complete=not reason,
            reason=reason,
        )
        yield schedule
        tables = _Tables(tree, pipeline)
        names = {model.name for model in models}
        for model in models:
            yield Step(
                place=model.place,
                orchestrator="dbt",
                pipeline=schedule.identity,
                name=model.name,
                operator=literal_text(model.setting("materialized")) or model.kind,
            )
            for ref in (*model.refs, *_by_macros(model, tree)):
                before = tree.model(ref)
                if before is not None and before.name in names and before is not model:
                    yield _edge(schedule, ref.place, before.name, model.name)
            if len(every) == 1:  # two projects may have models of one name, in schemas that only their profiles tell
                yield from _accesses(model, tables)
        yield from _exposed(tree, schedule, names)


def _not_told(tree: DbtTree, models: Iterable[DbtModel]) -> str:
    """Why not all steps and edges of a project are told; "" where they are."""
    if tree.incomplete:
        return tree.incomplete
    for model in models:
        if model.file is not None and (model.file.opaque or any(m.opaque for m in _called(model, tree))):
            return "a reference that a template computes"
        if any(ref.conditional for macro in _called(model, tree) for ref in macro.refs):
            return "a macro refers to a model on a condition"
        if isinstance(model.setting("enabled"), Unknown):
            return "whether a model is enabled is computed"
    return ""


def _called(model: DbtModel, tree: DbtTree) -> Iterator[DbtMacro]:
    """The macros of the project that a model calls, and that refer to something."""
    own = f"{tree.project.name}."
    for call in model.file.calls if model.file is not None else ():
        macro = tree.macros.get(call.removeprefix(own))
        if macro is not None:
            yield macro


def _by_macros(model: DbtModel, tree: DbtTree) -> Iterator[DbtRef]:
    for macro in _called(model, tree):
        yield from (ref for ref in macro.refs if not ref.conditional)


def _edge(schedule: Schedule, place: Place, before: str, after: str) -> Edge:
    return Edge(place=place, before=f"{schedule.identity}/{before}", after=f"{schedule.identity}/{after}")


def _exposed(tree: DbtTree, schedule: Schedule, names: Collection[str]) -> Iterator[Fact]:
    """What uses the models outside dbt, as steps that come after them."""
    for exposure in tree.exposures:
        name = f"exposure {exposure.name}"
        given = {"type": exposure.kind, "owner": exposure.owner, "url": exposure.url}
        yield Step(
            place=exposure.place,
            orchestrator="dbt",
            pipeline=schedule.identity,
            name=name,
            operator="exposure",
            settings=tuple(Argument(name=n, value=Literal(v), place=exposure.place) for n, v in given.items() if v),
        )
        for ref in exposure.refs:
            model = tree.model(ref)
            if model is not None and model.name in names:
                yield _edge(schedule, ref.place, model.name, name)


def _accesses(model: DbtModel, tables: _Tables) -> Iterator[Fact]:
    written = tables.written(model)
    yield DatasetAccess(place=model.place, mode="write", target=written, api="dbt", kind="table", scope=model.name)
    for ref in model.refs:
        target = tables.read(ref)
        if target is not None:
            yield DatasetAccess(place=ref.place, mode="read", target=target, api="dbt", kind="table", scope=model.name)


def _names_schemas(file: DbtFile) -> bool | None:
    """Of a file with a macro by which projects name schemas otherwise: True."""
    return True if "generate_schema_name" in file.macros else None


def _table_alias(access: DatasetAccess) -> str | None:
    """What the table is called, within its schema, that code names in full."""
    name = literal_text(access.target)
    if access.kind != "table" or access.api == "dbt" or name is None or "." not in name:
        return None
    return name.rpartition(".")[2].lower()


class _Tables:
    """Which tables the models of a project are.

    A model's schema is its configuration's and its profile's to say, and another one for each target. So a model is the
    table that other code names, where its name is that of no other model, and its schema may be the one named there
    (https://docs.getdbt.com/docs/build/custom-schemas); else the schema is not known.
    """

    def __init__(self, tree: DbtTree, pipeline: Pipeline) -> None:
        self._tree = tree
        targets = (
            t.schema for p in pipeline.index(DbtProfile, "name").get(tree.project.profile, ()) for t in p.targets
        )
        self._schemas = {text.lower() for schema in targets if (text := _default(schema))}
        self._named_otherwise = bool(pipeline.index(DbtFile, _names_schemas))
        aliases = Counter(_alias(model).lower() for model in tree.models.values())
        self._elsewhere: dict[str, set[str]] = defaultdict(set)
        elsewhere = pipeline.index(DatasetAccess, _table_alias)
        for alias, count in aliases.items():
            if count == 1:
                names = (literal_text(access.target) for access in elsewhere.get(alias, ()))
                self._elsewhere[alias].update(name for name in names if name is not None)

    def written(self, model: DbtModel) -> Expr:
        """The table that a model makes."""
        alias = _alias(model)
        fitting = [name for name in self._elsewhere.get(alias.lower(), ()) if self._may_be(model, name)]
        return Literal(fitting[0]) if len(fitting) == 1 else Concat((_SCHEMA, Literal(f".{alias}")))

    def read(self, ref: DbtRef) -> Expr | None:
        """The table that a reference means."""
        if ref.kind == "ref":
            model = self._tree.model(ref)
            return self.written(model) if model is not None else None
        entries = self._tree.sources.get((ref.group, ref.name), ())
        return Literal(entries[0].relation) if entries and entries[0].relation else None

    def _may_be(self, model: DbtModel, name: str) -> bool:
        schema = name.split(".")[-2].lower()
        own = model.setting("schema")
        if own is None:
            return schema in self._schemas
        custom = (literal_text(own) or "").lower()
        if not custom:
            return False
        return schema in {f"{one}_{custom}" for one in self._schemas} or (self._named_otherwise and schema == custom)


def _alias(model: DbtModel) -> str:
    return literal_text(model.setting("alias")) or model.name


def _default(schema: Expr) -> str | None:
    """The text of a schema; of a variable, what it is where nobody sets it."""
    return literal_text(schema.default) if isinstance(schema, EnvVar) else literal_text(schema)
