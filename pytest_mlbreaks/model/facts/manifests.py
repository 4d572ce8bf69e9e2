"""Other objects of a cluster."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.containers import Label
from pytest_mlbreaks.model.facts.images import Variable
from pytest_mlbreaks.model.place import Place


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


class IngressPath(Part, frozen=True, kw_only=True):
    """A path of an Ingress, of one *host* ("" for any), and the Service that it leads to. *kind* is its ``pathType``; a
    default backend has no path and no kind. *port* is a number or the name of a port of the Service."""

    path: str = ""
    kind: str = ""
    host: str = ""
    service: Expr
    port: Expr | None = None
    place: Place


class Ingress(Fact, frozen=True, kw_only=True):
    """A Kubernetes Ingress: which Services answer from outside, under which paths. *controller* is its class, by field
    or by annotation; *version* the API's (``networking.k8s.io/v1``). *annotations* may have it change paths."""

    name: str
    namespace: str = ""
    scope: str = ""
    version: str = ""
    controller: str = ""
    annotations: tuple[Label, ...] = ()
    paths: tuple[IngressPath, ...] = ()

    @property
    def identity(self) -> str:
        return f"ingress:{self.scope}#{self.namespace}/{self.name}"


class ScalingMetric(Part, frozen=True, kw_only=True):
    """What an autoscaler looks at. *kind* as in the manifest: Resource, ContainerResource, Pods, External, Object."""

    kind: str
    name: str = ""
    target: str = ""  # Utilization, AverageValue, Value
    container: str = ""
    place: Place


class Application(Fact, frozen=True, kw_only=True):
    """What Argo CD brings to a cluster: the manifests, kustomization or chart in a folder of a repository (*source*),
    or a *chart* of another one, into *namespace*.

    *value_files* are relative to the folder; *parameters* are values of the chart by their dotted keys, *values_inline*
    whether it gives others. *sets_images*: it, or Argo's image updater, replaces images. *wave* is the order in which
    it is synchronised among others; *automated* is whether that happens with each push.
    """

    name: str
    source: Expr | None = None
    chart: str = ""
    value_files: tuple[Expr, ...] = ()
    parameters: tuple[Variable, ...] = ()
    values_inline: bool = False
    sets_images: bool = False
    namespace: str = ""
    wave: int = 0
    automated: bool = False

    @property
    def identity(self) -> str:
        return f"application:{self.path}#{self.name}"


class GuardedObject(Fact, frozen=True, kw_only=True):
    """An object of a Helm chart that is rendered only while the cluster does not have it (*guard* ``lookup``), or only
    when the chart is installed (``install``). Its place is that of the condition.

    *name* as it is written; *itself* is false where it can't be told whether it is what is looked up. *kept*: whether
    it has the annotation by which Helm does not delete it, None where a template makes its annotations.
    """

    called: ClassVar[str] = "guarded object of a chart"

    chart: str
    kind: str
    name: str
    guard: L["lookup", "install"]
    itself: bool = True
    kept: bool | None = False

    @property
    def identity(self) -> str:
        return f"guarded:{self.path}#{self.kind}/{self.name}"


class LastingJob(Fact, frozen=True, kw_only=True):
    """A Job of a Helm chart that is no hook, is called the same in each release (*name*, as it is written), and that
    nothing removes when it is done."""

    called: ClassVar[str] = "job of a chart that stays"

    chart: str
    name: str

    @property
    def identity(self) -> str:
        return f"lasting-job:{self.path}#{self.name}"


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


class PatchTarget(Part, frozen=True, kw_only=True):
    """Which objects a field of a kustomization changes: *kind* and *name* are patterns as kustomize takes them, "" for
    any; *path* the file of a patch that names its object itself. *field* is the kustomization's field."""

    field: str
    kind: str = ""
    name: str = ""
    path: str = ""


class Kustomization(Fact, frozen=True, kw_only=True):
    """A kustomization or a component of one: what it takes in, and whether it changes that; that is not applied.

    *lists* has the files and folders of its resources, bases and components, *patches* those of its patches, all as
    paths of the tree (``.`` for the root). *changes* names its fields that may change what it lists (``patches``,
    ``images`` ...), *targets* what each of these concerns; *renames* is whether it puts something before or after
    names.
    """

    lists: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    targets: tuple[PatchTarget, ...] = ()
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
