"""Containers and what owns them."""

from __future__ import annotations

from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.images import Command, Mount, Variable
from pytest_mlbreaks.model.place import Place


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
    *shared_memory* is the size that ``/dev/shm`` is given, *ipc* whose it has (``host``) where not its own.
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
    shared_memory: Expr | None = None
    ipc: str = ""
    pull_policy: str = ""
    profiles: tuple[str, ...] = ()
    restart: str = ""
    extends: str = ""  # the workload of the compose service that it inherits from
    untold: tuple[str, ...] = ()  # fields that a template of a chart, or what it extends, fills in or adds to; "*": any

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
    share a name: the file. *concurrency* is what a schedule does while the run before is not done, as written;
    *deadline_seconds* ends a run that takes longer.
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
    concurrency: str = ""  # Allow, Forbid, Replace
    deadline_seconds: int | None = None
    labels: tuple[Label, ...] = ()
    annotations: tuple[Label, ...] = ()
    pod_labels: tuple[Label, ...] = ()
    pod_annotations: tuple[Label, ...] = ()
    claim_templates: tuple[str, ...] = ()
    one_node: bool = False  # bound to one node, by its name or by an affinity to pods on it
    node_selector: bool = False
    restart_policy: str = ""
    untold: tuple[str, ...] = ()  # fields that a template of a chart fills in or adds to; "*": any

    @property
    def identity(self) -> str:
        return f"{self.tool}:{self.scope}#{self.kind}/{self.namespace}/{self.name}"
