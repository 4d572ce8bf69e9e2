"""What link makes of facts: processes, settings, images, environments' twins. Subjects of checks, like facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import (
    Argument,
    CallShape,
    CallShapes,
    Container,
    DatasetAccess,
    DbtExposure,
    DbtFile,
    DbtMacro,
    DbtProject,
    DbtProperties,
    DbtRef,
    Dockerfile,
    EnvRead,
    FeatureRead,
    FeatureService,
    FeatureSource,
    FeatureStore,
    FeatureView,
    FeatureWrite,
    Function,
    Handler,
    ImageBuild,
    JobStep,
    LockFile,
    ModelAccess,
    RequestModel,
    Requirement,
    RequirementFile,
    Router,
    Stage,
    Step,
    Workflow,
    WorkflowJob,
    Workload,
)
from pytest_mlbreaks.model.place import Place
from pytest_mlbreaks.model.value import Environment, Value

EntryKind = Literal["script", "module", "callable", "notebook", "tool", "unknown"]


class Entry(msgspec.Struct, frozen=True, eq=False):
    """What a process starts. *path* is the file of the tree, or None, and then *reason* says why.

    *written* is the script, module or callable as the command names it; *absent* is true where everything that
    could hold the file is known and nothing does; *looked* names the places that were looked at.
    *external*: it is a tool, or an installed package's module, not code of the tree.
    """

    kind: EntryKind
    written: str
    place: Place
    path: str | None = None
    function: str = ""
    reason: str = ""
    absent: bool = False
    external: bool = False
    looked: tuple[tuple[Place, str], ...] = ()
    arguments: tuple[str, ...] = ()


class Process(msgspec.Struct, frozen=True, eq=False):
    """One step or container in one environment.

    *variables*: what each environment variable is, by name, the most deciding source first among the origins.
    *closed*: every source of variables is known, so that a variable not in *variables* is not set; else *open_reason*
    says what is not known. *assumed*: on what the tie to the Dockerfile rests, where no build of the tree names the
    image; what is concluded from it is less sure. *modules*: files of the tree that its entries reach by imports,
    entries included.
    """

    called: ClassVar[str] = "process"

    identity: str
    name: str
    fact: Container | Step
    environment: Environment
    workload: Workload | None = None
    image: Value | None = None
    build: ImageBuild | None = None
    dockerfile: Dockerfile | None = None
    stage: Stage | None = None
    assumed: str = ""
    entries: tuple[Entry, ...] = ()
    variables: Mapping[str, Value] = msgspec.field(default_factory=dict)
    closed: bool = True
    open_reason: str = ""
    modules: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return self.fact.place


class Setting(msgspec.Struct, frozen=True, eq=False):
    """An environment variable as one process's code asks for it: *value* is what that process gets.

    *given*: something sets it for this process; *known*: whether that can be told at all.
    """

    called: ClassVar[str] = "environment variable that a process reads"

    process: Process
    read: EnvRead
    name: str
    value: Value
    given: bool
    known: bool

    @property
    def identity(self) -> str:
        return f"setting:{self.process.identity}:{self.name}"

    @property
    def place(self) -> Place:
        return self.read.place


class Image(msgspec.Struct, frozen=True, eq=False):
    """An image that the tree builds: by which Dockerfile, under which names, and who runs it.

    *repositories* are its names without tag or digest, as far as they can be told.
    """

    called: ClassVar[str] = "image built from a Dockerfile"

    identity: str
    dockerfile: Dockerfile
    stage: Stage
    context: str  # folder of the tree, "" for the root
    builds: tuple[ImageBuild, ...]
    repositories: tuple[str, ...]
    processes: tuple[Process, ...]

    @property
    def place(self) -> Place:
        return self.dockerfile.place


class Installed(msgspec.Struct, frozen=True, eq=False):
    """A package that an installation brings, and where that is written. *version* is the one version that it can be, ""
    where only *specifier* (PEP 440, "" where open) bounds it. *direct*: a list or the command asks for it; else it is
    known from a lock file alone. *source* as in `Requirement`."""

    name: str
    place: Place
    version: str = ""
    specifier: str = ""
    source: str = "index"
    direct: bool = True


class Install(msgspec.Struct, frozen=True, eq=False):
    """An installation of Python packages by a command of a Dockerfile, and the images that the packages end up in.

    *files*: the lists that it installs from, those that they include behind them; *requirements*: what they and the
    command itself ask for, each at its own place. *fixed*: what fixes the versions (lock, constraints, hashes), or
    "". *unknown*: why there may be more, or versions that something else decides; "" where all is known.

    *lock*: the lock file that it reads, where that is in the tree and reaches the image; *passed_over*: one that lies
    beside what it installs and that it does not read, for *passed_why*. *packages*: what it installs, with versions as
    far as they are told; *closed*: what comes along is among them, too. *stage*: the Dockerfile's stage that it is in.
    """

    called: ClassVar[str] = "installation of Python packages into an image"

    identity: str
    images: tuple[Image, ...]
    tool: str
    place: Place
    files: tuple[RequirementFile, ...]
    requirements: tuple[Requirement, ...]
    fixed: str = ""
    unknown: str = ""
    lock: LockFile | None = None
    passed_over: LockFile | None = None
    passed_why: str = ""
    packages: tuple[Installed, ...] = ()
    closed: bool = False
    stage: Stage | None = None

    @property
    def processes(self) -> tuple[Process, ...]:
        """Who runs the images."""
        return tuple(dict.fromkeys(process for image in self.images for process in image.processes))


class Packages(msgspec.Struct, frozen=True, eq=False):
    """The Python packages of an image that the tree builds: which, in which versions, and where that is written.

    *installed*: by normalised name, in the order of the commands; the last one is what is there in the end. *unknown*:
    why there may be others (a list that is not in the tree, a base image with libraries of its own); "" where there are
    none but those that come along with them. *closed*: those are told, too. *python*: the minor version (``3.12``) of
    the base image, "" where it can't be told, and *python_place* where that is written.
    """

    called: ClassVar[str] = "Python packages of an image"

    image: Image
    installs: tuple[Install, ...]
    installed: Mapping[str, tuple[Installed, ...]]
    unknown: str = ""
    closed: bool = False
    python: str = ""
    python_place: Place | None = None

    @property
    def identity(self) -> str:
        return f"packages:{self.image.identity}"

    @property
    def place(self) -> Place:
        return self.image.place

    def version(self, name: str) -> Installed | None:
        """The package of that normalised name, where its one version can be told; None where it can't, or it is not
        among them."""
        found = self.installed.get(name, ())
        versions = {one.version for one in found}
        return found[-1] if len(versions) == 1 and found[-1].version else None


class Twin(msgspec.Struct, frozen=True, eq=False):
    """One key that a production and a non-production artifact of one family both set: *key* names it.

    *family* is what the two are variants of (a config folder, a service, a workload).
    """

    called: ClassVar[str] = "key set both for production and for another environment"

    family: str
    key: str
    prod: Value
    nonprod: Value
    prod_environment: Environment
    nonprod_environment: Environment
    prod_place: Place
    nonprod_place: Place
    differing: tuple[str, ...] = ()  # other keys of the family in which the two do differ

    @property
    def identity(self) -> str:
        return f"twin:{self.family}:{self.key}:{self.nonprod_environment.name}"

    @property
    def place(self) -> Place:
        return self.nonprod_place


class Dataset(msgspec.Struct, frozen=True, eq=False):
    """A dataset or table that code of the tree reads or writes under one name.

    *name*: normalised, ``{*}`` for each part that can't be told or that changes from run to run.
    """

    name: str
    kind: Literal["path", "table"]
    accesses: tuple[DatasetAccess, ...]

    @property
    def identity(self) -> str:
        return f"dataset:{self.kind}:{self.name}"

    @property
    def place(self) -> Place:
        return self.accesses[0].place


class ModelReference(msgspec.Struct, frozen=True, eq=False):
    """A model as one access names it. *version*, *stage* and *alias* are what it asks for, "" where it does not,
    ``{*}`` where that can't be told. *processes* are those that come to it under that name."""

    access: ModelAccess
    version: str = ""
    stage: str = ""
    alias: str = ""
    processes: tuple[Process, ...] = ()


class Model(msgspec.Struct, frozen=True, eq=False):
    """A model that code of the tree loads, saves or registers under one name.

    *kind* ``run``: an artifact of a run of MLflow (``runs:/ID/NAME``). *makers* are the processes that save or register
    it, *users* those that load it. *external* says where it comes from where nothing of the tree makes it (a hub, a
    bucket, the tree itself); *assumed* on what the tie of makers and users rests where the names alone do not say it.
    A model that has neither a maker's access nor *external* comes from where the tree doesn't tell.
    """

    called: ClassVar[str] = "model"

    name: str
    kind: Literal["path", "registry", "hub", "run"]
    accesses: tuple[ModelAccess, ...]
    references: tuple[ModelReference, ...] = ()
    makers: tuple[Process, ...] = ()
    users: tuple[Process, ...] = ()
    made_in: tuple[ModelAccess, ...] = ()
    external: str = ""
    assumed: str = ""

    @property
    def tied(self) -> bool:
        """Whether it is known who makes it, or that nobody of this tree does."""
        return bool(self.made_in or self.external)

    @property
    def identity(self) -> str:
        return f"model:{self.kind}:{self.name}"

    @property
    def place(self) -> Place:
        return self.accesses[0].place


class Role(msgspec.Struct, frozen=True, eq=False):
    """What a process, or a script that no process is seen to start, does with models.

    ``train``: what it calls fits, and saves or registers a model. ``serve``: it answers requests. ``batch-infer``: it
    loads a model, lets it predict and writes data, and fits nothing. *path* is the file of the code, *saves* and
    *loads* are models that it comes to.
    """

    called: ClassVar[str] = "process that trains or serves"

    kind: Literal["train", "serve", "batch-infer"]
    path: str
    place: Place
    process: Process | None = None
    saves: tuple[Model, ...] = ()
    loads: tuple[Model, ...] = ()

    @property
    def identity(self) -> str:
        return f"role:{self.kind}:{self.process.identity if self.process is not None else self.path}"


class ModelEdge(msgspec.Struct, frozen=True, eq=False):
    """*user* serves, or predicts by, what *maker* trains. *model* is the one that both name, None where *assumed* says
    on what the edge rests instead; what is concluded from that is less sure."""

    called: ClassVar[str] = "model from training to serving"

    maker: Role
    user: Role
    model: Model | None = None
    assumed: str = ""

    @property
    def identity(self) -> str:
        return f"model-edge:{self.maker.identity}->{self.user.identity}:{self.model.identity if self.model else ''}"

    @property
    def place(self) -> Place:
        return self.user.place


class FeatureGroup(msgspec.Struct, frozen=True, eq=False):
    """A feature view of a store, with where its values come from and who asks for them.

    *name* is the one that readers ask by. *sources* are its sources, a push source's batch source among them;
    *datasets* what those are as datasets of the tree, and so who writes them. *columns* are what reads ask of it by
    name, with the reads; *reads* also hold those that ask by a feature service, which take all that the service takes.
    *readers* and *writers* are the processes that ask for it, and that fill the online store with it. *unsure* says why
    there may be more reads, or is "".
    """

    called: ClassVar[str] = "feature view with its readers"

    view: FeatureView
    name: str
    store: FeatureStore | None = None
    sources: tuple[FeatureSource, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    services: tuple[FeatureService, ...] = ()
    reads: tuple[FeatureRead, ...] = ()
    writes: tuple[FeatureWrite, ...] = ()
    columns: tuple[tuple[str, FeatureRead], ...] = ()
    readers: tuple[Process, ...] = ()
    writers: tuple[Process, ...] = ()
    unsure: str = ""

    @property
    def identity(self) -> str:
        return f"features:{self.view.path}#{self.name}"

    @property
    def place(self) -> Place:
        return self.view.place


class Host(msgspec.Struct, frozen=True, eq=False):
    """A name on a network of the tree, and the processes behind it.

    *network* keeps apart what can't reach each other: the compose file, or the folder and namespace of manifests.
    *ports*: what listens (inside the container) where that is told; *published*: outside port to inside port.
    """

    called: ClassVar[str] = "host"

    name: str
    network: str
    processes: tuple[Process, ...]
    ports: frozenset[int]
    published: Mapping[int, int]
    declared: Place

    @property
    def identity(self) -> str:
        return f"host:{self.network}#{self.name}"

    @property
    def place(self) -> Place:
        return self.declared


class JobRun(msgspec.Struct, frozen=True, eq=False):
    """A job of a GitHub workflow, as a workflow that events start comes to it: itself, or by the workflows of the tree
    that it calls (``uses: ./...``).

    *workflow* is the one that events start, *callers* the jobs on the way to this one, the outermost first. *steps* are
    the job's in order, with those of composite actions of the tree in the place of the call; what callers give for
    ``inputs`` is filled in, and so is a matrix whose values are written out, as a choice. A condition or
    ``continue-on-error`` of the call counts for each step behind it.
    *conditions* are those of the callers and the job's own, the same way. *groups* are the concurrency groups that it
    runs in. *inputs* are under the name by which they are asked for (``inputs.tag``). *unread* are calls that lead out
    of what is read, each with a reason.
    """

    called: ClassVar[str] = "workflow job"

    workflow: Workflow
    job: WorkflowJob
    callers: tuple[WorkflowJob, ...] = ()
    steps: tuple[JobStep, ...] = ()
    inputs: Mapping[str, Expr] = msgspec.field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    environment: Expr | None = None
    unread: tuple[tuple[Place, str], ...] = ()

    @property
    def identity(self) -> str:
        return f"run:{self.workflow.path}:{'/'.join(job.id for job in (*self.callers, self.job))}"

    @property
    def place(self) -> Place:
        return self.job.place


class Reached(msgspec.Struct, frozen=True, eq=False):
    """A function that a request handler comes to by calls, the handler's own included. *via*: the functions on the
    way, the handler's first; *sometimes*: it comes to it only in some cases (a cache that is still empty, a branch);
    *once*: a cache keeps the result of a function on the way, or of itself; *threaded*: FastAPI runs it in a thread, as
    it is, or is called by, a dependency that is no ``async def`` (https://fastapi.tiangolo.com/async/#dependencies)."""

    function: Function
    via: tuple[Function, ...] = ()
    sometimes: bool = False
    once: bool = False
    threaded: bool = False


class Endpoint(msgspec.Struct, frozen=True, eq=False):
    """A request handler, with the routes under which an application of the tree answers by it, and what it calls.

    *routes* are whole paths, ``{*}`` for each parameter; none where *reason* says why they can't be told. *body* is the
    class that its JSON body is read into, *answer* the one that its answer is made by, where that can be told.
    """

    called: ClassVar[str] = "request handler"

    handler: Handler
    routes: tuple[str, ...] = ()
    reason: str = ""
    reached: tuple[Reached, ...] = ()
    body: RequestModel | None = None
    answer: RequestModel | None = None

    @property
    def identity(self) -> str:
        return self.handler.identity

    @property
    def place(self) -> Place:
        return self.handler.place


class Application(msgspec.Struct, frozen=True, eq=False):
    """A web application of the tree, and all that it answers to. Where *reason* is not "", there may be more.

    *swallows* are prefixes below which something else answers (``app.mount``).
    """

    called: ClassVar[str] = "web application"

    router: Router
    endpoints: tuple[Endpoint, ...]
    routes: Mapping[str, tuple[Endpoint, ...]]
    swallows: tuple[str, ...] = ()
    reason: str = ""

    @property
    def identity(self) -> str:
        return f"application:{self.router.path}#{self.router.name}"

    @property
    def place(self) -> Place:
        return self.router.place


DbtKind = Literal["model", "seed", "snapshot"]


class DbtModel(msgspec.Struct, frozen=True, eq=False):
    """A model, seed or snapshot of a dbt project, in the file *path*.

    *described* is what properties files say of it; *config* its configuration by name: the project file's, its
    properties', then its own, the last one deciding.
    """

    called: ClassVar[str] = "dbt model"

    project: DbtProject
    kind: DbtKind
    name: str
    path: str
    file: DbtFile | None
    described: tuple[DbtProperties, ...] = ()
    config: Mapping[str, Argument] = msgspec.field(default_factory=dict)

    @property
    def identity(self) -> str:
        return f"{self.project.identity}/{self.name}"

    @property
    def place(self) -> Place:
        return Place(self.path, 1)

    @property
    def refs(self) -> tuple[DbtRef, ...]:
        """What its file refers to; of a snapshot that its properties define, what these do."""
        defined = tuple(ref for entry in self.described for ref in entry.refs)
        return (*self.file.refs, *defined) if self.file is not None else defined

    def setting(self, name: str) -> Expr | None:
        """The configuration *name*, or None where nothing gives it."""
        given = self.config.get(name)
        return given.value if given is not None else None


class DbtTree(msgspec.Struct, frozen=True, eq=False):
    """A dbt project with what is in it. *models* by name; *sources* by source and table; *described*: what properties
    files name, by name; *tests* are the files of its own tests. *incomplete* says why a model or source may be there
    that is not seen, or is ""; *packages* are those that it installs and that may bring models. *macros* are those of
    its own that refer to something, by name.
    """

    called: ClassVar[str] = "dbt project"

    project: DbtProject
    models: Mapping[str, DbtModel]
    sources: Mapping[tuple[str, str], tuple[DbtProperties, ...]]
    described: Mapping[str, tuple[DbtProperties, ...]]
    tests: tuple[DbtFile, ...] = ()
    exposures: tuple[DbtExposure, ...] = ()
    macros: Mapping[str, DbtMacro] = msgspec.field(default_factory=dict)
    incomplete: str = ""
    packages: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return self.project.identity

    @property
    def place(self) -> Place:
        return self.project.place

    def model(self, ref: DbtRef) -> DbtModel | None:
        """The model, seed or snapshot that *ref* means: of several versions, the one asked for, else the latest."""
        if ref.kind != "ref":
            return None
        for entry in self.described.get(ref.name, ()):
            for version in entry.versions:
                if ref.version == version.name or (not ref.version and version.latest):
                    return self.models.get(version.file) or self.models.get(ref.name)
        return self.models.get(ref.name)


class UnfitCall(msgspec.Struct, frozen=True, eq=False):
    """A call that does not fit the one function that it means. *names* are the arguments concerned: those that the
    function does not take (``unknown``), lacks (``missing``), gets twice (``twice``) or that stand in each other's
    place (``swapped``); of ``many``, how many are given by position and how many it takes so."""

    call: CallShape
    function: Function
    kind: Literal["unknown", "missing", "twice", "many", "swapped"]
    names: tuple[str, ...]


class FileCalls(msgspec.Struct, frozen=True, eq=False):
    """The calls of a file whose function in the tree is known: how many shapes of them were *told*, and which of them
    are *unfit*. *unawaited*: those of coroutines whose result nothing gets."""

    called: ClassVar[str] = "file that calls functions of the tree"

    shapes: CallShapes
    told: int
    unfit: tuple[UnfitCall, ...] = ()
    unawaited: tuple[tuple[CallShape, Function], ...] = ()

    @property
    def identity(self) -> str:
        return f"file-calls:{self.shapes.path}"

    @property
    def path(self) -> str:
        """The file."""
        return self.shapes.path

    @property
    def place(self) -> Place:
        return self.shapes.place
