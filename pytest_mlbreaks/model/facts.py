"""Facts: typed, frozen, located statements that a reader took from one file.

A fact says what is written, not what follows from it. Whatever needs a second file is done in link.
Every fact has an *identity* apart from its place: it stays the same when lines move, and is what fingerprints
and cross references are made of. Facts survive being written and read back (`pytest_mlbreaks.codec`).
"""

from __future__ import annotations

import itertools
from typing import ClassVar
from typing import Literal as L

import msgspec

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.place import Place


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True, omit_defaults=True):
    """The base of all facts, also of those that other packs bring. The class name is the fact's tag on disk."""

    #: What people call it, where the class's own name does not say it.
    called: ClassVar[str] = ""

    place: Place

    @property
    def identity(self) -> str:
        """A name that outlives a move of lines: ``airflow:daily_train/load``."""
        raise NotImplementedError(type(self).__name__)

    @property
    def path(self) -> str:
        """The file that the fact was taken from."""
        return self.place.path


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of what facts are made of."""


# ---------------------------------------------------------------------------------------------------- Python


class Import(Part, frozen=True, kw_only=True):
    """One imported name. ``from ..a import b as c`` is target ``a``, name ``b``, alias ``c``, level 2."""

    target: str
    alias: str
    name: str | None = None
    level: int = 0
    scope: str = ""
    guarded: bool = False  # under TYPE_CHECKING, or in a try that catches ImportError
    line: int


class PythonModule(Fact, frozen=True, kw_only=True):
    """A Python file. *package* is true for an ``__init__.py``, *main* where it has a ``__main__`` guard; *calls* are
    the callee names outside of functions and classes, import aliases expanded, each once."""

    imports: tuple[Import, ...] = ()
    calls: tuple[str, ...] = ()
    package: bool = False
    main: bool = False

    @property
    def identity(self) -> str:
        return f"python:{self.path}"


class Constant(Fact, frozen=True, kw_only=True):
    """A name bound at module level, or in a class body (``Settings.bucket``), to something that can be told."""

    name: str
    value: Expr
    annotation: str = ""

    @property
    def identity(self) -> str:
        return f"constant:{self.path}#{self.name}"


class Parameter(Part, frozen=True, kw_only=True):
    """A parameter of a function, with its default as written."""

    name: str
    default: Expr | None = None


class Function(Fact, frozen=True, kw_only=True):
    """A function or method. *calls* are the callee names inside it, import aliases expanded, each once."""

    name: str  # qualified: Model.predict, outer.inner
    parameters: tuple[Parameter, ...] = ()
    calls: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    asynchronous: bool = False

    @property
    def identity(self) -> str:
        return f"function:{self.path}#{self.name}"


class EnvRead(Fact, frozen=True, kw_only=True):
    """Code that asks for an environment variable, or a settings field that one fills.

    *scope* is the enclosing function ("" at module level); *required* is true where a missing variable raises;
    *field* names the settings field (``Settings.redis_url``) where there is one; *conditional* is true where its module
    or function comes to it only in some cases (below an ``if``, behind ``or``).
    """

    key: Expr
    default: Expr | None = None
    scope: str = ""
    required: bool = False
    field: str = ""
    conditional: bool = False
    api: str  # os.environ.get, os.getenv, pydantic, ...

    @property
    def identity(self) -> str:
        key = getattr(self.key, "value", None) or getattr(self.key, "name", "?")
        return f"env-read:{self.path}#{self.scope or self.field}:{key}"


class Address(Fact, frozen=True, kw_only=True):
    """A text of the code that holds ``scheme://host:port`` and is used as it is: no default that something may replace,
    nothing that is compared or only printed. The first of each host and port in a file; none of this machine."""

    called: ClassVar[str] = "address written out in code"

    scheme: str
    host: str
    port: int

    @property
    def identity(self) -> str:
        return f"address:{self.path}#{self.host}:{self.port}"


class Argument(Part, frozen=True, kw_only=True):
    """One argument of a call; *name* is "" for a positional one, ``*``/``**`` where it unpacks."""

    value: Expr
    name: str = ""
    place: Place


class Call(Fact, frozen=True, kw_only=True):
    """A call of a name that some check or reader asked for. *callee* has import aliases expanded; a method of an
    object that is not known is ``*.to_sql``. *loops* counts the enclosing loops within its scope."""

    callee: str
    arguments: tuple[Argument, ...] = ()
    scope: str = ""
    loops: int = 0
    result: str = ""  # the name that the result is bound to, if it is

    @property
    def identity(self) -> str:
        return f"call:{self.path}#{self.scope}:{self.callee}({', '.join(render(a.value) for a in self.arguments)})"

    def argument(self, name: str, position: int | None = None) -> Argument | None:
        """The argument passed under *name*, or at *position* (0-based) before anything is unpacked.

        None does not mean that it is not passed: ask `omits` for that.
        """
        for argument in self.arguments:
            if argument.name == name:
                return argument
        if position is None:
            return None
        leading = list(itertools.takewhile(lambda a: a.name == "", self.arguments))
        return leading[position] if position < len(leading) else None

    def omits(self, name: str, position: int | None = None) -> bool:
        """Whether the argument is certainly not passed: not there, and nothing unpacked that could hold it."""
        if any(a.name == "**" or (a.name == "*" and position is not None) for a in self.arguments):
            return False
        return self.argument(name, position) is None


class DatasetAccess(Fact, frozen=True, kw_only=True):
    """Code that reads or writes a dataset or table: *target* is what it names, *api* the call."""

    mode: L["read", "write", "append"]
    target: Expr
    api: str
    kind: L["path", "table"] = "path"
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"dataset-access:{self.path}#{self.scope}:{self.api}:{self.mode}:{render(self.target)}"


class ModelAccess(Fact, frozen=True, kw_only=True):
    """Code that loads, saves or registers a model: *target* is the path, URI, registered name or hub id."""

    mode: L["load", "save", "register"]
    target: Expr
    api: str
    kind: L["path", "registry", "hub"] = "path"
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"model-access:{self.path}#{self.scope}:{self.api}:{self.mode}:{render(self.target)}"


# ---------------------------------------------------------------------------------------------- dependencies


class Requirement(Fact, frozen=True, kw_only=True):
    """One declared dependency. *name* is normalised (PEP 503), "" for a repository that is named by its URL alone;
    *specifier* as PEP 440 text, "" where open.

    *group* is "" for the main list, else the extra or dependency group; *source* is "index", "conda", "workspace" (a
    project of the same repository), a VCS, archive or file URL. *branch*: the file says that the URL's reference is a
    branch.
    """

    name: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    group: str = ""
    source: str = "index"
    hashed: bool = False
    branch: bool = False

    @property
    def identity(self) -> str:
        return f"requirement:{self.path}#{self.group}:{self.name or self.source}"


class RequirementFile(Fact, frozen=True, kw_only=True):
    """A list of dependencies. *includes* and *constraints* are paths as written, relative to this file's folder.

    *python* is its ``requires-python``; *package* the name of the distribution that a project file builds;
    *compiled* is true where the file is a tool's full resolution (pip-compile, uv export) or every line is pinned;
    *resolved* is true for the former only.
    *unknown*: why its main list may hold more than is told (it is computed); "" where it does not. *defaults* are the
    groups that the file's tool installs without being asked (uv: ``dev``; Poetry: all that are not optional).
    """

    format: str  # requirements, pyproject, poetry, setup.py, setup.cfg, pipfile, conda
    includes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""
    package: str = ""
    scripts: tuple[str, ...] = ()  # console scripts that it installs
    compiled: bool = False
    resolved: bool = False
    indexes: tuple[str, ...] = ()  # package indexes, for conda its channels
    unknown: str = ""
    defaults: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"requirements:{self.path}"


class LockedPackage(Part, frozen=True, kw_only=True):
    """One package of a lock file, on *line*. *source*: "index", or a VCS, archive or file URL; for a project of the
    repository its folder relative to the lock, behind ``./``.

    *requires* are the packages that it brings along, ``name[extra]`` where it asks for an extra; *extras* those of each
    of its own extras, *groups* those of each of its dependency groups (a project of the repository only). *within* are
    the lock's groups that it belongs to, where the lock says so ("main" for none in particular).
    """

    name: str
    version: str = ""
    source: str = "index"
    line: int
    requires: tuple[str, ...] = ()
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    within: tuple[str, ...] = ()


class LockFile(Fact, frozen=True, kw_only=True):
    """A lock file: the packages that a tool has chosen. *version* is that of its format, *python* the versions that it
    is for. *graph*: it says which package brings which along. *read* is false where we know the tool alone.

    *digest* is its digest of the manifest that it was made from, "" where it holds none.
    """

    tool: str  # uv, poetry, pipenv, pdm, pylock, pixi, conda-lock
    version: str = ""
    python: str = ""
    packages: tuple[LockedPackage, ...] = ()
    graph: bool = False
    read: bool = False
    digest: str = ""

    @property
    def identity(self) -> str:
        return f"lock:{self.path}"


# -------------------------------------------------------------------------------------- images and processes


class Command(Part, frozen=True, kw_only=True):
    """A command as written: an argument list (*argv*), or text for a shell (*shell*). *workdir* as given with it.
    *mounts* are the ``--mount=type=bind`` of a Dockerfile's RUN, sources relative to the build context."""

    argv: tuple[Expr, ...] | None = None
    shell: Expr | None = None
    workdir: Expr | None = None
    mounts: tuple[Mount, ...] = ()
    place: Place


class Variable(Part, frozen=True, kw_only=True):
    """An environment variable given to a process."""

    name: str
    value: Expr
    place: Place


class Copy(Part, frozen=True, kw_only=True):
    """``COPY``/``ADD``: *sources* relative to the build context, or in the stage or image *origin*."""

    sources: tuple[Expr, ...]
    target: Expr
    origin: str = ""  # --from=
    add: bool = False
    inline: bool = False  # a here-document: the file is in the Dockerfile
    workdir: Expr | None = None
    place: Place


class Stage(Part, frozen=True, kw_only=True):
    """One stage of a Dockerfile. *base* is the image, or an earlier stage's name or index."""

    index: int
    name: str = ""
    base: Expr
    base_stage: int | None = None
    copies: tuple[Copy, ...] = ()
    runs: tuple[Command, ...] = ()
    variables: tuple[Variable, ...] = ()
    workdir: Expr | None = None  # the last one
    entrypoint: Command | None = None
    command: Command | None = None
    ports: tuple[Expr, ...] = ()
    volumes: tuple[str, ...] = ()
    place: Place


class Dockerfile(Fact, frozen=True, kw_only=True):
    """A Dockerfile. *arguments* are build arguments with defaults, in order of appearance."""

    stages: tuple[Stage, ...]
    arguments: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"dockerfile:{self.path}"


class IgnoreFile(Fact, frozen=True, kw_only=True):
    """A ``.dockerignore`` (*patterns* in order, as written)."""

    patterns: tuple[str, ...]

    @property
    def identity(self) -> str:
        return f"ignore:{self.path}"


class ImageBuild(Fact, frozen=True, kw_only=True):
    """Something that builds an image: a compose service, a CI step, a command.

    *images* are the references given to it; *context* and *dockerfile* as written (the latter relative to the
    repository for CI, to the context for compose: *dockerfile_in_context* tells). *pushes*: sent to a registry.
    *ordinal* counts the builds of one owner, from 0.
    """

    builder: str  # compose, github-actions, docker
    owner: str  # identity of the step or container that builds
    images: tuple[Expr, ...] = ()
    context: Expr
    dockerfile: Expr | None = None
    dockerfile_in_context: bool = False
    target: str = ""
    arguments: tuple[Variable, ...] = ()
    pushes: bool | None = None  # None: cannot tell
    ordinal: int = 0

    @property
    def identity(self) -> str:
        return f"image-build:{self.owner}#{self.ordinal}" if self.ordinal else f"image-build:{self.owner}"


class Mount(Part, frozen=True, kw_only=True):
    """Something mounted into a container at *target*: a folder of the tree, a volume, a claim, a config object."""

    kind: L["bind", "volume", "claim", "configmap", "secret", "empty", "host", "unknown"]
    source: Expr
    target: Expr
    subpath: str = ""
    read_only: bool = False
    place: Place


class VariableSource(Part, frozen=True, kw_only=True):
    """Where many variables come from at once: an env file, a ConfigMap, a Secret."""

    kind: L["env-file", "configmap", "secret", "unknown"]
    name: Expr
    prefix: str = ""
    optional: bool = False
    place: Place


class Port(Part, frozen=True, kw_only=True):
    """A port of a container: *container* inside it, *published* outside, where given."""

    container: Expr
    published: Expr | None = None
    name: str = ""
    place: Place


class Probe(Part, frozen=True, kw_only=True):
    """A health check. *kind*: liveness, readiness, startup, healthcheck."""

    kind: str
    command: Command | None = None
    port: Expr | None = None
    path: str = ""
    period_seconds: float | None = None
    timeout_seconds: float | None = None
    failures: int | None = None
    delay_seconds: float | None = None
    place: Place


class Quantity(Part, frozen=True, kw_only=True):
    """A resource request or limit: *resource* ``cpu``, ``memory``, ``nvidia.com/gpu``; *amount* as written."""

    resource: str
    amount: Expr
    place: Place


class Dependency(Part, frozen=True, kw_only=True):
    """Another container that has to be there first; *condition* as compose names it."""

    name: str
    condition: str = "service_started"
    place: Place


class Container(Fact, frozen=True, kw_only=True):
    """A container that a compose file or a manifest runs.

    *workload* is the identity of its `Workload`. *entrypoint* and *command* replace those of the image where given
    (Kubernetes ``command`` is *entrypoint*, ``args`` is *command*). *build* is the identity of its `ImageBuild`.
    """

    tool: str  # compose, kubernetes
    workload: str
    name: str
    image: Expr | None = None
    build: str = ""
    entrypoint: Command | None = None
    command: Command | None = None
    workdir: Expr | None = None
    variables: tuple[Variable, ...] = ()
    variable_sources: tuple[VariableSource, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    probes: tuple[Probe, ...] = ()
    requests: tuple[Quantity, ...] = ()
    limits: tuple[Quantity, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    aliases: tuple[str, ...] = ()  # names that others can reach it by, beside its own
    networks: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()  # names that are given an address of their own
    host_network: bool = False
    shares_network_of: str = ""  # the compose service whose network it is in, localhost included
    init: bool = False
    pull_policy: str = ""
    profiles: tuple[str, ...] = ()
    restart: str = ""

    @property
    def identity(self) -> str:
        return f"container:{self.workload}/{self.name}"


class Label(Part, frozen=True, kw_only=True):
    """A label or annotation."""

    key: str
    value: str
    place: Place


class Workload(Fact, frozen=True, kw_only=True):
    """What owns containers: a compose service, a Deployment, a StatefulSet, a Job, a CronJob, a bare Pod.

    *kind* is the manifest's own kind, or ``Service`` of compose written ``compose``. *scope* keeps apart what may
    share a name: the file.
    """

    tool: str  # compose, kubernetes
    kind: str
    name: str
    namespace: str = ""
    scope: str = ""
    replicas: Expr | None = None
    strategy: str = ""
    max_surge: str = ""
    schedule: Expr | None = None
    labels: tuple[Label, ...] = ()
    annotations: tuple[Label, ...] = ()
    pod_labels: tuple[Label, ...] = ()
    pod_annotations: tuple[Label, ...] = ()
    claim_templates: tuple[str, ...] = ()
    one_node: bool = False  # bound to one node, by its name or by an affinity to pods on it
    node_selector: bool = False
    restart_policy: str = ""

    @property
    def identity(self) -> str:
        return f"{self.tool}:{self.scope}#{self.kind}/{self.namespace}/{self.name}"


class ConfigObject(Fact, frozen=True, kw_only=True):
    """A ConfigMap or Secret: its literal values for a ConfigMap, its keys alone for a Secret.

    *partial*: it has other keys, which come from an env file or from the base that a kustomization adds these to.
    """

    kind: L["configmap", "secret"]
    name: str
    namespace: str = ""
    scope: str = ""
    entries: tuple[Variable, ...] = ()
    immutable: bool = False
    generated: bool = False  # by a kustomization: the real name carries a hash
    partial: bool = False

    @property
    def identity(self) -> str:
        return f"{self.kind}:{self.scope}#{self.namespace}/{self.name}"


class ServicePort(Part, frozen=True, kw_only=True):
    """A port of a Service, and the one of the pods that it leads to."""

    port: Expr
    target: Expr | None = None  # number or name of the container's port; the port itself where not given
    name: str = ""
    place: Place


class NetworkService(Fact, frozen=True, kw_only=True):
    """A Kubernetes Service: a name that other pods reach, and the pods behind it (*selector*)."""

    name: str
    namespace: str = ""
    scope: str = ""
    selector: tuple[Label, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    external: bool = False  # ExternalName, or no selector: what is behind it is not in the tree

    @property
    def identity(self) -> str:
        return f"service:{self.scope}#{self.namespace}/{self.name}"


class ScalingMetric(Part, frozen=True, kw_only=True):
    """What an autoscaler looks at. *kind* as in the manifest: Resource, ContainerResource, Pods, External, Object."""

    kind: str
    name: str = ""
    target: str = ""  # Utilization, AverageValue, Value
    container: str = ""
    place: Place


class Autoscaler(Fact, frozen=True, kw_only=True):
    """A HorizontalPodAutoscaler."""

    name: str
    namespace: str = ""
    scope: str = ""
    target_kind: str
    target_name: str
    minimum: Expr | None = None
    maximum: Expr | None = None
    metrics: tuple[ScalingMetric, ...] = ()

    @property
    def identity(self) -> str:
        return f"autoscaler:{self.scope}#{self.namespace}/{self.name}"


class VolumeClaim(Fact, frozen=True, kw_only=True):
    """A PersistentVolumeClaim."""

    name: str
    namespace: str = ""
    scope: str = ""
    access_modes: tuple[str, ...] = ()
    storage_class: str = ""
    size: str = ""

    @property
    def identity(self) -> str:
        return f"claim:{self.scope}#{self.namespace}/{self.name}"


class LimitRange(Fact, frozen=True, kw_only=True):
    """A namespace's defaults for containers. *requests* are resources that get a default request."""

    namespace: str = ""
    scope: str = ""
    requests: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"limit-range:{self.scope}#{self.namespace}"


class Kustomization(Fact, frozen=True, kw_only=True):
    """A kustomization or a component of one: what it takes in, and whether it changes that; that is not applied.

    *lists* has the files and folders of its resources, bases and components, *patches* those of its patches, all as
    paths of the tree (``.`` for the root). *changes* names its fields that may change what it lists (``patches``,
    ``images`` ...); *renames* is whether it puts something before or after names.
    """

    lists: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    renames: bool = False

    @property
    def identity(self) -> str:
        return f"kustomization:{self.path}"


class PodRestart(Fact, frozen=True, kw_only=True):
    """A script or Makefile with a command after which pods are new ones; *command* is the first such, in short.

    Not *certain* is one that writes into files, of which one may be the manifest that the script applies.
    """

    command: str
    certain: bool = True

    @property
    def identity(self) -> str:
        return f"pod-restart:{self.path}"


class Script(Fact, frozen=True, kw_only=True):
    """A shell script: its *text*, with nothing for values that look like secrets."""

    text: str

    @property
    def identity(self) -> str:
        return f"script:{self.path}"


class EnvFile(Fact, frozen=True, kw_only=True):
    """A file of ``KEY=value`` lines. Values under keys that look like secrets are `SecretKey`, never kept."""

    entries: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"env-file:{self.path}"


class ConfigEntry(Fact, frozen=True, kw_only=True):
    """One scalar of a YAML, TOML or JSON configuration file: *key* is its dotted path."""

    key: str
    value: Expr

    @property
    def identity(self) -> str:
        return f"config:{self.path}#{self.key}"


# --------------------------------------------------------------------------------- steps, order, orchestrators


class Callee(Part, frozen=True, kw_only=True):
    """A Python function that a step runs: *name* as seen from *path* (a decorated function, ``python_callable=``)."""

    path: str
    name: str


class Step(Fact, frozen=True, kw_only=True):
    """One schedulable unit of an orchestrator: an Airflow task, a job of a workflow.

    *pipeline* is the identity of its `Schedule`. *operator* is the class, decorator or action that runs it.
    *settings* are its other arguments by name, as expressions. Whether all edges of its pipeline could be told is said
    by the `Schedule`. *returns* is what the function of a branching task returns, one for each ``return`` with a value.
    """

    orchestrator: str
    pipeline: str
    name: str
    operator: str = ""
    callee: Callee | None = None
    commands: tuple[Command, ...] = ()
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    trigger_rule: str = ""
    returns: tuple[Expr, ...] = ()
    mapped: bool = False
    group: str = ""

    @property
    def identity(self) -> str:
        return f"{self.pipeline}/{self.name}"

    def setting(self, name: str) -> Argument | None:
        """The argument given under *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class Edge(Fact, frozen=True, kw_only=True):
    """*after* runs after *before* (identities of steps)."""

    before: str
    after: str

    @property
    def identity(self) -> str:
        return f"edge:{self.before}->{self.after}"


class Schedule(Fact, frozen=True, kw_only=True):
    """What starts a pipeline: an Airflow DAG, a GitHub workflow. *when* is its cron, preset, timetable or None.

    *complete* is false where tasks or edges could not all be told (factories, loops over what is not known);
    *reason* then says why.
    """

    orchestrator: str
    name: str
    scope: str = ""  # the file, where names are unique only within one
    when: Expr | None = None
    settings: tuple[Argument, ...] = ()
    complete: bool = True
    reason: str = ""

    @property
    def identity(self) -> str:
        return f"{self.orchestrator}:{self.scope}#{self.name}" if self.scope else f"{self.orchestrator}:{self.name}"

    def setting(self, name: str) -> Argument | None:
        """The argument given under *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class Wait(Fact, frozen=True, kw_only=True):
    """A step that waits for another pipeline: *target_pipeline* and *target_step* name it as written."""

    called: ClassVar[str] = "sensor that waits for another pipeline"

    step: str
    target_pipeline: Expr
    target_step: Expr | None = None
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"wait:{self.step}"


class Trigger(Fact, frozen=True, kw_only=True):
    """A step that starts another pipeline; *waits* is true where it also waits for it to finish."""

    step: str
    target_pipeline: Expr
    waits: bool = False

    @property
    def identity(self) -> str:
        return f"trigger:{self.step}"


class WorkflowEvent(Part, frozen=True, kw_only=True):
    """An event that starts a workflow, with its filters as written."""

    event: str
    branches: tuple[str, ...] = ()
    branches_ignore: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tags_ignore: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    paths_ignore: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    crons: tuple[str, ...] = ()
    place: Place


class WorkflowInput(Part, frozen=True, kw_only=True):
    """An input that a reusable workflow or an action declares; *default* is what holds where the caller gives none."""

    name: str
    default: Expr | None = None
    required: bool = False
    place: Place


class Workflow(Fact, frozen=True, kw_only=True):
    """A GitHub Actions workflow. Its pipeline identity is that of its `Schedule` (``github-actions:PATH``).

    *inputs* and *secrets* are what it declares for those that call it (``on.workflow_call``), *variables* its ``env``.
    """

    name: str = ""
    events: tuple[WorkflowEvent, ...] = ()
    concurrency: str = ""
    cancels: bool | None = None
    inputs: tuple[WorkflowInput, ...] = ()
    secrets: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"workflow:{self.path}"


class JobStep(Part, frozen=True, kw_only=True):
    """One step of a job: an action (*uses* with *inputs*) or a command (*run*, for the *shell* that is named: "" where
    none is)."""

    index: int
    id: str = ""
    name: str = ""
    uses: str = ""
    inputs: tuple[Variable, ...] = ()
    run: Command | None = None
    shell: str = ""
    variables: tuple[Variable, ...] = ()
    condition: str = ""
    continue_on_error: bool = False
    place: Place


class ContextRead(Part, frozen=True, kw_only=True):
    """An expression of a job that asks for what another job (``needs.NAME``) or another of its steps (``steps.NAME``)
    has left: *field* is what follows the name (``outputs.label``, ``result``).

    *key* is the job's key that it stands in (``if``, ``env``, ``outputs``, ``steps``), *step* the index of the step.
    """

    of: L["needs", "steps"]
    name: str
    field: str = ""
    key: str
    step: int | None = None
    place: Place


class CompositeAction(Fact, frozen=True, kw_only=True):
    """An action of the tree that is made of steps (``runs.using: composite``)."""

    called: ClassVar[str] = "composite action"

    inputs: tuple[WorkflowInput, ...] = ()
    outputs: tuple[str, ...] = ()
    steps: tuple[JobStep, ...] = ()

    @property
    def identity(self) -> str:
        return f"action:{self.path}"


class WorkflowJob(Fact, frozen=True, kw_only=True):
    """A job of a GitHub workflow, in the tool's own terms. The `Step` of the same identity is its common face."""

    workflow: str  # identity of the Workflow
    step: str  # identity of the Step
    id: str
    name: str = ""
    needs: tuple[str, ...] = ()
    condition: str = ""
    environment: Expr | None = None
    uses: str = ""  # a reusable workflow
    inputs: tuple[Variable, ...] = ()
    matrix: tuple[str, ...] = ()  # the names of its dimensions
    concurrency: str = ""
    cancels: bool | None = None
    continue_on_error: bool = False
    steps: tuple[JobStep, ...] = ()
    reads: tuple[ContextRead, ...] = ()
    outputs: tuple[Variable, ...] = ()
    values: tuple[Variable, ...] = ()  # those of the matrix's dimensions, one for each value that is written out
    secrets: tuple[str, ...] = ()  # names that it passes to a reusable workflow; "*" where all (``inherit``)

    called: ClassVar[str] = "workflow job"

    @property
    def identity(self) -> str:
        return f"job:{self.workflow}/{self.id}"


# ------------------------------------------------------------------------------------------- training and serving code


class CommandOption(Fact, frozen=True, kw_only=True):
    """An option of a command line that a *library* takes apart: argparse (``add_argument``), click, or typer.

    *flags* as written, *destination* the attribute that holds it; *kind* the qualified name of ``type=``, *action* the
    name or class of ``action=``. *read* tells whether code of the file asks for it: ``unknown`` where the parsed
    options go where that can't be seen. *disowned*: its help says that it does nothing, or hides it.
    """

    called: ClassVar[str] = "command-line option"

    library: L["argparse", "click", "typer"] = "argparse"
    flags: tuple[str, ...]
    destination: str
    kind: str = ""
    action: str = ""
    default: Expr | None = None
    scope: str = ""
    read: L["yes", "no", "unknown"] = "unknown"
    disowned: bool = False

    @property
    def identity(self) -> str:
        return f"option:{self.path}#{self.scope}:{self.destination}"


class BuiltinHash(Fact, frozen=True, kw_only=True):
    """A call of the builtin ``hash``, outside of ``__hash__`` and ``__eq__``.

    *of*: what is hashed, as far as the code tells. *use*: ``modulo`` (``hash(x) % n``), ``name`` (it becomes part of a
    text), ``seed``, or ``other``. *into*: what it is divided by, or the text goes to (a call, ``return``), "" where
    that stays inside of the function. *about*: names around it that say what it is for.
    """

    called: ClassVar[str] = "call of hash()"

    of: L["text", "number", "unknown"] = "unknown"
    use: L["modulo", "name", "seed", "other"] = "other"
    into: str = ""
    about: tuple[str, ...] = ()
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"hash:{self.path}#{self.scope}:{self.use}:{self.into}"


class GuardedLoad(Fact, frozen=True, kw_only=True):
    """A model or checkpoint that is loaded inside of a ``try``.

    *api* is the call, *catches* what the first handler that takes any error of it names (``Exception``; "" for all).
    *then*: that handler ``stops`` (raises, exits), ``returns``, does something ``other`` (another load), or only
    ``reports`` it and code goes on behind it. *replaced*: what the handler sets to a constant instead. *handler* is its
    place; *answers_503*: the file answers some requests with 503.
    """

    called: ClassVar[str] = "model loaded in a try"

    api: str
    catches: str = ""
    then: L["stops", "returns", "other", "reports"] = "other"
    replaced: tuple[str, ...] = ()
    handler: Place
    scope: str = ""
    answers_503: bool = False

    @property
    def identity(self) -> str:
        return f"guarded-load:{self.path}#{self.scope}:{self.api}:{','.join(self.replaced)}"


class FolderCreation(Fact, frozen=True, kw_only=True):
    """A folder that is made (``os.makedirs``) by code that several ranks of a distributed job run.

    *ranks* names the call that makes it distributed. *checked*: it stands below a test that the folder is not there.
    *tolerant*: it does not mind that the folder is there. *one_rank*: a condition around it, or around every call of
    its function, asks for the rank.
    """

    called: ClassVar[str] = "folder made by distributed code"

    api: str
    target: Expr
    ranks: str
    ranks_place: Place
    checked: bool = False
    tolerant: bool = False
    one_rank: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"folder:{self.path}#{self.scope}:{render(self.target)}"


class ValidationRun(Fact, frozen=True, kw_only=True):
    """A run of a library that tells by its result whether data is as it should be, and does not raise.

    *verdict*: the part of the result that says so is asked for in the file (``read``), or not (``unread``), or the
    function hands the result on (``returned``).
    """

    called: ClassVar[str] = "validation of data"

    library: str
    api: str
    verdict: L["read", "unread", "returned"]
    wanted: str  # what would have to be asked for: success, anomaly_info
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"validation:{self.path}#{self.scope}:{self.api}"


class Assertion(Part, frozen=True, kw_only=True):
    """An ``assert``. *shape*: how its test is written, where it is always true (``tuple``, ``generator``, ``text``,
    ``method``: a method that is not called), else "". *acts*: a call inside of it that changes something.
    *narrows*: it only tells a type checker something (``is not None``, ``isinstance``)."""

    shape: L["", "tuple", "generator", "text", "method"] = ""
    subject: str = ""
    acts: str = ""
    narrows: bool = False
    place: Place


class Assertions(Fact, frozen=True, kw_only=True):
    """The asserts of a module that is no test."""

    called: ClassVar[str] = "module with asserts"

    asserts: tuple[Assertion, ...]

    @property
    def identity(self) -> str:
        return f"assertions:{self.path}"


class SavedResponse(Fact, frozen=True, kw_only=True):
    """The body of an HTTP response that code writes into a file. *api* is the request, *written* the place of the
    write. *checked*: the function looks at the status."""

    called: ClassVar[str] = "response saved to a file"

    api: str
    checked: bool
    written: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"saved-response:{self.path}#{self.scope}:{self.api}"


FACTS: tuple[type[Fact], ...] = tuple(
    value
    for value in list(globals().values())
    if isinstance(value, type) and issubclass(value, Fact) and value is not Fact
)
