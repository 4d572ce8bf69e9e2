"""Kubernetes manifests: workloads and their containers, configuration, services, autoscalers, claims.

Of other projects' kinds (KServe, Seldon, Knative, Ray, Kubeflow's jobs, Argo workflows), the containers are read.

Rules are those of the API reference (https://kubernetes.io/docs/reference/kubernetes-api/). A document that is not of
a kind listed here is left to others. Kustomize patches are manifests with parts missing, and read like them; of a
kustomization its generators are read, what it lists and whether it changes that. What needs several files (overlays,
Helm values) is done in link.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal as L

from pytest_mlbreaks.formats.helm import HELM, HelmFile
from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import ConfigKey, Context, EnvVar, Expr, Literal, SecretKey, Unknown, literal_text
from pytest_mlbreaks.model.facts import (
    Application,
    Autoscaler,
    Command,
    ConfigObject,
    Container,
    Ingress,
    IngressPath,
    Kustomization,
    Label,
    LimitRange,
    ModelAccess,
    Mount,
    NetworkService,
    PatchTarget,
    Port,
    Probe,
    Quantity,
    ScalingMetric,
    ServicePort,
    Variable,
    VariableSource,
    VolumeClaim,
    Workload,
)
from pytest_mlbreaks.placeholders import TEMPLATED, fill_in, kept_secret, written
from pytest_mlbreaks.readers._argo_cd import applications
from pytest_mlbreaks.readers._chart_templates import Settler, is_test_hook
from pytest_mlbreaks.readers._custom_pods import KINDS, Pods, model_uris
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url, secret_key
from pytest_mlbreaks.slots import Slots, plain, sealed

_MountKind = L["bind", "volume", "claim", "configmap", "secret", "empty", "host", "unknown"]

_GROUPS = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "DaemonSet"), ("apps", "extensions")),
    "StatefulSet": ("apps",),
    **dict.fromkeys(("Job", "CronJob"), ("batch",)),
    "Rollout": ("argoproj.io",),
    **dict.fromkeys(("Application", "ApplicationSet"), ("argoproj.io",)),
    "HorizontalPodAutoscaler": ("autoscaling",),
    "ScaledObject": ("keda.sh",),
    "Ingress": ("networking.k8s.io", "extensions"),
    "Kustomization": ("kustomize.config.k8s.io",),
    "Component": ("kustomize.config.k8s.io",),
    **dict.fromkeys(("Pod", "ConfigMap", "Secret", "Service", "PersistentVolumeClaim", "LimitRange"), ("",)),
}
"""The kinds that are read, and the API groups that they are of (Knative has a ``Service``, too, Volcano a ``Job``)."""

_TEMPLATES = {"Pod": (), "CronJob": ("spec", "jobTemplate", "spec", "template")}
_ANY_TEMPLATE = ("spec", "template")
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout"})

_VOLUMES: dict[str, tuple[_MountKind, str]] = {
    "persistentVolumeClaim": ("claim", "claimName"),
    "configMap": ("configmap", "name"),
    "secret": ("secret", "secretName"),
    "hostPath": ("host", "path"),
    "emptyDir": ("empty", ""),
}
"""Kinds of volumes, and the field that names what is mounted."""

_SOURCES: tuple[tuple[str, L["configmap", "secret"]], ...] = (("configMapRef", "configmap"), ("secretRef", "secret"))
_GENERATORS: tuple[tuple[str, L["configmap", "secret"]], ...] = (
    ("configMapGenerator", "configmap"),
    ("secretGenerator", "secret"),
)
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
_LISTING = ("resources", "bases", "components")
_PATCHING = ("patches", "patchesStrategicMerge", "patchesJson6902")
_CHANGING = (*_PATCHING, "components", "replicas", "images", "replacements", "vars", "transformers")
_MIXED_VOLUMES = frozenset({"projected", "downwardAPI"})

_REFERENCE = re.compile(r"\$\$|\$\(([^()\s]*)\)")
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
_SHELL_FLAG = re.compile(r"-[a-z]*c")
_SERVICE_VARIABLE = re.compile(r"[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT)")
_NOT_SHOWN = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})
_HOSTNAME = "kubernetes.io/hostname"
_PROBES = (("livenessProbe", "liveness"), ("readinessProbe", "readiness"), ("startupProbe", "startup"))


# ------------------------------------------------------------------------------------------------------ pieces


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _texts(node: YamlNode | None) -> tuple[str, ...]:
    return tuple(e.text for e in node.elements() if e.text) if node is not None else ()


def _true(node: YamlNode | None) -> bool:
    return node is not None and node.scalar is True


def _number(node: YamlNode | None) -> int | None:
    value = node.scalar if node is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _expr(node: YamlNode | None) -> Expr | None:
    """Text of a field in which Kubernetes replaces nothing: a ``$(NAME)`` there is kustomize's, or somebody else's."""
    if node is None:
        return None
    if node.is_template:
        return TEMPLATED
    text = node.text
    if text is None:
        return None
    return TEMPLATED if "$(" in text else written(text)


def _count(node: YamlNode | None) -> Expr | None:
    """A number, or the expression that is filled in where one belongs."""
    number = _number(node)
    return Literal(number) if number is not None else _expr(node)


def _labels(node: YamlNode | None) -> tuple[Label, ...]:
    if node is None:
        return ()
    return tuple(
        Label(key=key, value=_label_text(key, _text(value)), place=key_node.place)
        for key, key_node, value in node.items()
        if key not in _NOT_SHOWN
    )


def _label_text(key: str, text: str) -> str:
    return "***" if text and secret_key(key) else redact_url(text)


class _Object:
    """One object of a file: the document and what all objects have."""

    def __init__(self, path: str, kind: str, node: YamlNode, *, custom: bool = False) -> None:
        self.custom = custom  # of another project's API group
        self.path = path
        self.kind = kind
        self.node = node
        self.scope = path
        self.metadata = node.get("metadata")
        named = node.get("metadata", "name") or node.get("metadata", "generateName")
        self.name = _text(named)
        self.place: Place = named.place if named is not None else node.place
        self.namespace = _text(node.get("metadata", "namespace"))


# -------------------------------------------------------------------------------------- variables and commands


class _Variables:
    """The variables of one container, as far as ``$(NAME)`` can speak of them."""

    def __init__(self, container: YamlNode) -> None:
        env = container.get("env")
        names = (_text(e.get("name")) for e in env.elements()) if env is not None else iter(())
        self._names = frozenset(name for name in names if name)
        self._open = container.get("envFrom") is not None

    def expr(self, text: str, *, shell: bool) -> Expr:
        """The expression of a value or an argument. ``$(NAME)`` is the container's variable NAME and ``$$`` a dollar;
        a NAME that is not defined stays as it is, which in text for a *shell* is a command."""
        if "$" not in text:
            return written(text, shell=shell)
        slots = Slots()
        text = plain(text)
        try:
            text = _REFERENCE.sub(lambda match: self._replaced(match, slots, shell), text)
        except ValueError:
            return Unknown("too many references")
        return fill_in(text, slots, shell=shell)

    def _replaced(self, match: re.Match[str], slots: Slots, shell: bool) -> str:
        name = match[1]
        if name is None:
            return slots.hold(Literal("$"))
        if name in self._names:
            return slots.hold(EnvVar(name))
        if not shell:
            if _SERVICE_VARIABLE.fullmatch(name):
                return slots.hold(Unknown(f"{name} is given by Kubernetes"))
            return slots.hold(EnvVar(name, Unknown(f"{name} is not defined in this container")))
        if self._open and name.isidentifier() and name.isupper():
            return slots.hold(EnvVar(name, Literal(match[0])))
        return match[0]

    def command(self, node: YamlNode | None, shell: bool) -> Command | None:
        """``command`` or ``args``. Place: that of the text of several lines in it, if there is one."""
        if node is None or not node.is_sequence:
            return None
        elements = list(node.elements())
        words = [TEMPLATED if e.is_template else self.expr(e.text or "", shell=shell) for e in elements]
        for index in range(1, len(words)):
            flag = literal_text(words[index - 1])
            if flag is not None and flag.startswith("-") and "=" not in flag and secret_key(flag):
                words[index] = sealed(words[index], Unknown("a secret"))
        block = next((e for e in elements if e.block), None)
        return Command(argv=tuple(words), place=block.text_place if block is not None else node.place)


def _speaks_shell(container: YamlNode) -> bool:
    """Whether the arguments are given to a shell (``sh -c``), or start with a shell's ``-c``."""
    command, arguments = _texts(container.get("command")), _texts(container.get("args"))
    if any(word.rpartition("/")[2] in _SHELLS for word in (*command, *arguments)):
        return True
    return bool(arguments) and _SHELL_FLAG.fullmatch(arguments[0]) is not None


def _environment(path: str, container: YamlNode, variables: _Variables) -> Iterator[Variable]:
    env = container.get("env")
    for element in env.elements() if env is not None else ():
        name = element.get("name")
        if name is None or not name.text or element.get("$patch") is not None:
            continue
        value = _value(path, name.text, element, variables)
        yield Variable(name=name.text, value=value, optional=_is_optional(element), place=name.place)


def _is_optional(element: YamlNode) -> bool:
    """Whether the container starts, too, where the ConfigMap, the Secret or the key is missing."""
    source = element.get("valueFrom")
    fields = ("configMapKeyRef", "secretKeyRef")
    return source is not None and any(_true(source.get(field, "optional")) for field in fields)


def _value(path: str, name: str, element: YamlNode, variables: _Variables) -> Expr:
    source = element.get("valueFrom")
    if source is None or not source.is_mapping:
        node = element.get("value")
        if node is not None and node.is_template:
            return TEMPLATED
        text = _text(node)
        return kept_secret(name, text, path, variables.expr(text, shell=False))
    for field, store in (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")):
        reference = source.get(field)
        if reference is not None:
            holder, key = literal_text(_expr(reference.get("name"))), literal_text(_expr(reference.get("key")))
            if holder is None or key is None:
                return TEMPLATED
            return ConfigKey(f"{store}/{holder}", key) if store == "configmap" else SecretKey(f"{store}/{holder}", key)
    for what in (source.get("fieldRef", "fieldPath"), source.get("resourceFieldRef", "resource")):
        if what is not None and what.text:
            return Context("kubernetes", what.text)
    return Unknown("taken from where Kubernetes finds it when it runs")


def _sources(container: YamlNode) -> Iterator[VariableSource]:
    node = container.get("envFrom")
    for element in node.elements() if node is not None else ():
        for field, kind in _SOURCES:
            reference = element.get(field)
            if reference is not None:
                yield VariableSource(
                    kind=kind,
                    name=_expr(reference.get("name")) or Unknown("no name is given"),
                    prefix=_text(element.get("prefix")),
                    optional=_true(reference.get("optional")),
                    place=element.place,
                )


# -------------------------------------------------------------------------------------------------- containers


def _volumes(pod: YamlNode, claim_templates: tuple[str, ...]) -> dict[str, tuple[_MountKind, Expr]]:
    """What the volumes of a pod are, by name. A claim of a StatefulSet comes before a volume of the same name
    (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/stateful-set-v1/, volumeClaimTemplates)."""
    found: dict[str, tuple[_MountKind, Expr]] = {}
    node = pod.get("volumes")
    for volume in node.elements() if node is not None else ():
        name = _text(volume.get("name"))
        if name:
            found[name] = _volume(name, volume)
    return found | {name: ("claim", Literal(name)) for name in claim_templates}


def _volume(name: str, volume: YamlNode) -> tuple[_MountKind, Expr]:
    for field, _, value in volume.items():
        if field == "emptyDir" and value.is_scalar and _text(value):
            return "unknown", Unknown("a template decides what it is")
        if field in _VOLUMES:
            kind, key = _VOLUMES[field]
            source = _expr(value.get(key)) if key else Literal(name)
            return kind, source or Unknown("no name is given")
        if field in _MIXED_VOLUMES:
            return "unknown", Unknown(f"a {field} volume")
        if field not in ("name", "$patch"):
            return "volume", Literal(name)
    return "empty", Literal(name)


def _mounts(container: YamlNode, volumes: dict[str, tuple[_MountKind, Expr]]) -> Iterator[Mount]:
    node = container.get("volumeMounts")
    for element in node.elements() if node is not None else ():
        target = _expr(element.get("mountPath"))
        if target is None:
            continue
        name = _text(element.get("name"))
        kind, source = volumes.get(name, ("unknown", Unknown(f"volume {name} is not defined here")))
        yield Mount(
            kind=kind,
            source=source,
            target=target,
            subpath=_text(element.get("subPath")) or _text(element.get("subPathExpr")),
            read_only=_true(element.get("readOnly")),
            place=element.place,
        )


def _ports(container: YamlNode) -> Iterator[Port]:
    node = container.get("ports")
    for element in node.elements() if node is not None else ():
        port = _count(element.get("containerPort"))
        if port is not None:
            published = _count(element.get("hostPort"))
            yield Port(container=port, published=published, name=_text(element.get("name")), place=element.place)


def _probes(container: YamlNode, variables: _Variables) -> Iterator[Probe]:
    for field, kind in _PROBES:
        node = container.get(field)
        if node is None or not node.is_mapping:
            continue
        execute = node.get("exec", "command")
        shell = any(word.rpartition("/")[2] in _SHELLS for word in _texts(execute))
        port = node.get("httpGet", "port") or node.get("tcpSocket", "port") or node.get("grpc", "port")
        yield Probe(
            kind=kind,
            command=variables.command(execute, shell),
            port=_count(port),
            path=_text(node.get("httpGet", "path")),
            period_seconds=_number(node.get("periodSeconds")),
            timeout_seconds=_number(node.get("timeoutSeconds")),
            failures=_number(node.get("failureThreshold")),
            delay_seconds=_number(node.get("initialDelaySeconds")),
            place=container.key_place(field),
        )


def _quantities(node: YamlNode | None) -> Iterator[Quantity]:
    if node is None:
        return
    for resource, key, value in node.items():
        amount = _expr(value)
        if amount is not None:
            yield Quantity(resource=resource, amount=amount, place=key.place)


def _container(
    path: str, workload: str, node: YamlNode, volumes: dict[str, tuple[_MountKind, Expr]], pod: YamlNode, init: bool
) -> Container:
    variables = _Variables(node)
    shell = _speaks_shell(node)
    named = node.get("name")
    return Container(
        tool="kubernetes",
        workload=workload,
        name=_text(named),
        image=_expr(node.get("image")),
        entrypoint=variables.command(node.get("command"), shell),
        command=variables.command(node.get("args"), shell),
        workdir=_expr(node.get("workingDir")),
        variables=tuple(_environment(path, node, variables)),
        variable_sources=tuple(_sources(node)),
        mounts=tuple(_mounts(node, volumes)),
        ports=tuple(_ports(node)),
        probes=tuple(_probes(node, variables)),
        requests=tuple(_quantities(node.get("resources", "requests"))),
        limits=tuple(_quantities(node.get("resources", "limits"))),
        host_network=_true(pod.get("hostNetwork")),
        init=init,
        ipc="host" if _true(pod.get("hostIPC")) else "",
        pull_policy=_text(node.get("imagePullPolicy")),
        restart=_text(node.get("restartPolicy")),
        place=named.place if named is not None else node.place,
    )


# --------------------------------------------------------------------------------------------------- workloads


def _strategy(spec: YamlNode | None) -> tuple[str, str]:
    """How a workload is replaced, and how many pods more than wanted that may take (``maxSurge``)."""
    if spec is None:
        return "", ""
    node = spec.get("strategy") or spec.get("updateStrategy")
    if node is None:
        return "", ""
    for name in ("canary", "blueGreen"):
        if node.get(name) is not None:
            return name, _text(node.get(name, "maxSurge"))
    return _text(node.get("type")), _text(node.get("rollingUpdate", "maxSurge"))


def _claim_templates(spec: YamlNode | None) -> tuple[str, ...]:
    node = spec.get("volumeClaimTemplates") if spec is not None else None
    names = (_text(e.get("metadata", "name")) for e in node.elements()) if node is not None else iter(())
    return tuple(name for name in names if name)


def _on_one_node(pod: YamlNode) -> bool:
    """Whether the pod is bound to a node by name, or has to run where another pod (or its twin) runs."""
    if pod.get("nodeName") is not None or pod.get("nodeSelector", _HOSTNAME) is not None:
        return True
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = pod.get("affinity", "podAffinity", required)
    if any(_text(e.get("topologyKey")) == _HOSTNAME for e in (terms.elements() if terms is not None else ())):
        return True
    groups = pod.get("affinity", "nodeAffinity", required, "nodeSelectorTerms")
    for group in groups.elements() if groups is not None else ():
        rules = group.get("matchExpressions")
        for rule in rules.elements() if rules is not None else ():
            if _text(rule.get("key")) == _HOSTNAME and _text(rule.get("operator")) == "In":
                return True
    return False


def _deadline(object_: _Object, pod: YamlNode | None) -> int | None:
    """``activeDeadlineSeconds`` of the Job or workflow, or of its pod."""
    inner = {"CronJob": ("spec", "jobTemplate", "spec"), "CronWorkflow": ("spec", "workflowSpec")}
    written = object_.node.get(*inner.get(object_.kind, ("spec",)), "activeDeadlineSeconds")
    return _number(written or (pod.get("activeDeadlineSeconds") if pod is not None else None))


def _workload(object_: _Object) -> Iterator[Fact]:
    spec = object_.node.get("spec")
    template = object_.node.get(*_TEMPLATES.get(object_.kind, _ANY_TEMPLATE))
    yield from _with_containers(
        object_,
        Pods(
            "",
            pod=template.get("spec") if template is not None else None,
            metadata=template.get("metadata") if template is not None else None,
            replicas=spec.get("replicas") if spec is not None else None,
        ),
    )


def _custom_workload(object_: _Object) -> Iterator[Fact]:
    """An object of another project that runs pods: a workload for each sort of them."""
    for pods in KINDS[object_.kind][1](object_.node):
        yield from _with_containers(object_, pods)
    for uri in model_uris(object_.kind, object_.node):
        target = _expr(uri)
        if target is not None:
            yield ModelAccess(mode="load", target=target, api=object_.kind, place=uri.place)


def _with_containers(object_: _Object, pods: Pods) -> Iterator[Fact]:
    spec, pod = object_.node.get("spec"), pods.pod
    strategy, surge = ("", "") if object_.kind == "Pod" else _strategy(spec)
    claim_templates = _claim_templates(spec)
    workload = Workload(
        tool="kubernetes",
        kind=object_.kind,
        name=f"{object_.name}/{pods.part}" if pods.part else object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        replicas=_count(pods.replicas),
        strategy=strategy,
        max_surge=surge,
        schedule=_expr(spec.get("schedule")) if spec is not None else None,
        concurrency=_text(object_.node.get("spec", "concurrencyPolicy")),
        deadline_seconds=_deadline(object_, pod),
        labels=_labels(object_.node.get("metadata", "labels")),
        annotations=_labels(object_.node.get("metadata", "annotations")),
        pod_labels=_labels(pods.metadata.get("labels")) if pods.metadata is not None else (),
        pod_annotations=_labels(pods.metadata.get("annotations")) if pods.metadata is not None else (),
        claim_templates=claim_templates,
        one_node=pod is not None and _on_one_node(pod),
        node_selector=pod is not None and bool(pod.get("nodeSelector") or pod.get("affinity", "nodeAffinity")),
        restart_policy=_text(pod.get("restartPolicy")) if pod is not None else "",
        place=object_.place,
    )
    yield workload
    if pod is None:
        return
    volumes = _volumes(pod, claim_templates)
    for field in ("initContainers", "containers"):
        node = pod.get(field)
        for element in node.elements() if node is not None else ():
            if element.is_mapping and element.get("$patch") is None:
                init = field == "initContainers"
                yield _container(object_.path, workload.identity, element, volumes, pod, init)
    if pods.container is not None:
        yield _container(object_.path, workload.identity, pods.container, volumes, pod, init=False)


# ----------------------------------------------------------------------------------------------- other objects


def _config_map(object_: _Object) -> Iterator[Fact]:
    entries: list[Variable] = []
    for field in ("data", "binaryData"):
        node = object_.node.get(field)
        for key, key_node, value in node.items() if node is not None else ():
            if field == "binaryData":
                content: Expr = Unknown("binary content")
            else:
                text = TEMPLATED if value.is_template else written(_text(value))
                content = kept_secret(key, _text(value), f"configmap/{object_.name}", text)
            entries.append(Variable(name=key, value=content, place=key_node.place))
    yield _config_object(object_, "configmap", entries)


def _secret(object_: _Object) -> Iterator[Fact]:
    entries: dict[str, Variable] = {}
    for field in ("data", "stringData"):
        node = object_.node.get(field)
        for key, key_node, _ in node.items() if node is not None else ():
            entries[key] = Variable(name=key, value=SecretKey(f"secret/{object_.name}", key), place=key_node.place)
    yield _config_object(object_, "secret", list(entries.values()))


def _config_object(object_: _Object, kind: L["configmap", "secret"], entries: list[Variable]) -> ConfigObject:
    return ConfigObject(
        kind=kind,
        name=object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        entries=tuple(entries),
        immutable=_true(object_.node.get("immutable")),
        place=object_.place,
    )


def _service(object_: _Object) -> Iterator[Fact]:
    spec = object_.node.get("spec")
    selector = _labels(spec.get("selector")) if spec is not None else ()
    node = spec.get("ports") if spec is not None else None
    ports = []
    for element in node.elements() if node is not None else ():
        port = _count(element.get("port"))
        if port is not None:
            target = _count(element.get("targetPort"))
            ports.append(ServicePort(port=port, target=target, name=_text(element.get("name")), place=element.place))
    yield NetworkService(
        name=object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        selector=selector,
        ports=tuple(ports),
        external=not selector or _text(object_.node.get("spec", "type")) == "ExternalName",
        place=object_.place,
    )


def _ingress(object_: _Object) -> Iterator[Fact]:
    """https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1; the API before v1 names the
    Service and its port in the backend itself."""
    spec = object_.node.get("spec")
    if spec is None:
        return
    annotations = _labels(object_.node.get("metadata", "annotations"))
    by_annotation = next((a.value for a in annotations if a.key == "kubernetes.io/ingress.class"), "")
    paths = [_ingress_path(spec, spec.get("defaultBackend") or spec.get("backend"), "")]
    for rule in _elements(spec.get("rules")):
        host = _text(rule.get("host"))
        paths += [_ingress_path(e, e.get("backend"), host) for e in _elements(rule.get("http", "paths"))]
    yield Ingress(
        name=object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        version=_text(object_.node.get("apiVersion")),
        controller=_text(spec.get("ingressClassName")) or by_annotation,
        annotations=annotations,
        paths=tuple(path for path in paths if path is not None),
        place=object_.place,
    )


def _ingress_path(node: YamlNode, backend: YamlNode | None, host: str) -> IngressPath | None:
    """None where it leads to no Service (a backend may be another object)."""
    if backend is None:
        return None
    named = backend.get("service", "name") or backend.get("serviceName")
    service = _expr(named)
    if named is None or service is None:
        return None
    port = backend.get("service", "port", "number") or backend.get("service", "port", "name")
    return IngressPath(
        path=_text(node.get("path")),
        kind=_text(node.get("pathType")),
        host=host,
        service=service,
        port=_count(port or backend.get("servicePort")),
        place=named.place,
    )


def _autoscaler(object_: _Object) -> Iterator[Fact]:
    spec = object_.node.get("spec")
    if spec is None:
        return
    yield Autoscaler(
        name=object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        target_kind=_text(spec.get("scaleTargetRef", "kind")),
        target_name=_text(spec.get("scaleTargetRef", "name")),
        minimum=_count(spec.get("minReplicas")),
        maximum=_count(spec.get("maxReplicas")),
        metrics=tuple(_metrics(spec)),
        place=object_.place,
    )


def _scaled_object(object_: _Object) -> Iterator[Fact]:
    """An autoscaler of KEDA, which makes a HorizontalPodAutoscaler of it (https://keda.sh/docs/latest/reference)."""
    spec = object_.node.get("spec")
    if spec is None:
        return
    yield Autoscaler(
        name=object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        target_kind=_text(spec.get("scaleTargetRef", "kind")) or "Deployment",
        target_name=_text(spec.get("scaleTargetRef", "name")),
        minimum=_count(spec.get("minReplicaCount")),
        maximum=_count(spec.get("maxReplicaCount")),
        metrics=tuple(_triggers(spec)),
        place=object_.place,
    )


def _triggers(spec: YamlNode) -> Iterator[ScalingMetric]:
    """``cpu`` and ``memory`` are metrics of the pods' own; all others come from outside."""
    for element in _elements(spec.get("triggers")):
        kind = _text(element.get("type"))
        own = kind in ("cpu", "memory")
        container = _text(element.get("metadata", "containerName"))
        target = _text(element.get("metricType")) or _text(element.get("metadata", "type"))
        yield ScalingMetric(
            kind=("ContainerResource" if container else "Resource") if own else "External",
            name=kind,
            target=target if own else "",
            container=container,
            place=element.place,
        )


def _metrics(spec: YamlNode) -> Iterator[ScalingMetric]:
    """The metrics of autoscaling/v2 and its betas, and the CPU percentage of v1."""
    cpu = "targetCPUUtilizationPercentage"
    if spec.get(cpu) is not None:
        yield ScalingMetric(kind="Resource", name="cpu", target="Utilization", place=spec.key_place(cpu))
    node = spec.get("metrics")
    for element in node.elements() if node is not None else ():
        kind = _text(element.get("type"))
        detail = element.get(kind[:1].lower() + kind[1:])
        if detail is None:
            continue
        yield ScalingMetric(
            kind=kind,
            name=_text(detail.get("name")) or _text(detail.get("metric", "name")) or _text(detail.get("metricName")),
            target=_target(detail),
            container=_text(detail.get("container")),
            place=element.place,
        )


def _target(detail: YamlNode) -> str:
    beta = {"targetAverageUtilization": "Utilization", "targetAverageValue": "AverageValue", "targetValue": "Value"}
    found = next((target for field, target in beta.items() if detail.get(field) is not None), "")
    return _text(detail.get("target", "type")) or found


def _claim(object_: _Object) -> Iterator[Fact]:
    spec = object_.node.get("spec")
    if spec is None:
        return
    yield VolumeClaim(
        name=object_.name,
        namespace=object_.namespace,
        scope=object_.scope,
        access_modes=_texts(spec.get("accessModes")),
        storage_class=_text(spec.get("storageClassName")),
        size=_text(spec.get("resources", "requests", "storage")),
        place=object_.place,
    )


def _limit_range(object_: _Object) -> Iterator[Fact]:
    """Resources with a default request for containers. One without takes it from the default limit, which is the
    maximum if not given, and else from the minimum (SetDefaults_LimitRangeItem in Kubernetes' core/v1/defaults.go)."""
    node = object_.node.get("spec", "limits")
    found: dict[str, None] = {}
    for element in node.elements() if node is not None else ():
        if _text(element.get("type")) == "Container":
            for field in ("defaultRequest", "default", "max", "min"):
                holder = element.get(field)
                found.update(dict.fromkeys(resource for resource, _, _ in holder.items()) if holder is not None else {})
    yield LimitRange(namespace=object_.namespace, scope=object_.scope, requests=tuple(found), place=object_.place)


def _kustomization(object_: _Object) -> Iterator[Fact]:
    yield _taken_in(object_)
    for field, kind in _GENERATORS:
        node = object_.node.get(field)
        for element in node.elements() if node is not None else ():
            name = element.get("name")
            if name is None or not name.text:
                continue
            yield ConfigObject(
                kind=kind,
                name=name.text,
                namespace=_text(element.get("namespace")) or _text(object_.node.get("namespace")),
                scope=object_.scope,
                entries=tuple(_generated(element, kind, f"{kind}/{name.text}")),
                immutable=_true(element.get("options", "immutable")),
                generated=True,
                partial=_text(element.get("behavior")) == "merge" or bool(element.get("env") or element.get("envs")),
                place=name.place,
            )


def _taken_in(object_: _Object) -> Kustomization:
    """What a kustomization lists, and which of its fields may change that."""
    folder = object_.path.rpartition("/")[0]
    node = object_.node
    patches = [element for field in _PATCHING for element in _elements(node.get(field))]
    written_as_path = [_text(element.get("path")) if element.is_mapping else _text(element) for element in patches]
    return Kustomization(
        lists=_paths(folder, (_text(element) for field in _LISTING for element in _elements(node.get(field)))),
        patches=_paths(folder, written_as_path),
        changes=tuple(field for field in _CHANGING if any(True for _ in _elements(node.get(field)))),
        targets=tuple(target for field in _CHANGING for target in _targets(folder, field, node.get(field))),
        renames=bool(_text(node.get("namePrefix")) or _text(node.get("nameSuffix"))),
        place=node.place,
    )


def _targets(folder: str, field: str, node: YamlNode | None) -> Iterator[PatchTarget]:
    """What each element of a field concerns (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/)."""
    for element in _elements(node):
        if field in ("images", "replicas"):
            yield PatchTarget(field=field, name=_text(element.get("name")))
        elif field not in _PATCHING:
            yield PatchTarget(field=field)
        else:
            yield _patched(folder, field, element)


def _patched(folder: str, field: str, element: YamlNode) -> PatchTarget:
    """What a patch concerns: what its target says, else the object that it names itself."""
    target = element.get("target")
    if target is not None:
        return PatchTarget(field=field, kind=_text(target.get("kind")), name=_text(target.get("name")))
    text = element.text if element.is_scalar else _text(element.get("patch"))
    if text and "\n" in text:
        documents = YamlFile("", text).documents
        names = [(_text(d.get("kind")), _text(d.get("metadata", "name"))) for d in documents]
        if len(names) == 1 and all(names[0]):
            return PatchTarget(field=field, kind=re.escape(names[0][0]), name=re.escape(names[0][1]))
        return PatchTarget(field=field)
    paths = _paths(folder, [text or _text(element.get("path"))])
    return PatchTarget(field=field, path=paths[0] if paths else "")


def _application(object_: _Object) -> Iterator[Fact]:
    yield from applications(object_.node, object_.path, object_.place)


def _elements(node: YamlNode | None) -> Iterator[YamlNode]:
    return iter(node.elements()) if node is not None else iter(())


def _paths(folder: str, written_paths: Iterable[str]) -> tuple[str, ...]:
    """The paths of the tree that are meant by paths in a kustomization of *folder*; text that is none is left out."""
    found = (
        posixpath.normpath(posixpath.join(folder, path))
        for path in written_paths
        if path and "\n" not in path and "://" not in path
    )
    return tuple(dict.fromkeys(path for path in found if not path.startswith(("../", "/"))))


def _generated(element: YamlNode, kind: str, store: str) -> Iterator[Variable]:
    for field in ("literals", "files"):
        node = element.get(field)
        for entry in node.elements() if node is not None else ():
            key, equals, rest = _text(entry).partition("=")
            if not key:
                continue
            if field == "files":
                path = rest if equals else key
                key = key if equals else path.rpartition("/")[2]
                content: Expr = Unknown(f"the content of {path}")
            else:
                content = kept_secret(key, rest, store, written(_unquoted(rest)))
            yield Variable(name=key, value=SecretKey(store, key) if kind == "secret" else content, place=entry.place)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


# ------------------------------------------------------------------------------------------------------ reader

_READ: dict[str, Callable[[_Object], Iterator[Fact]]] = {
    **dict.fromkeys(_WORKLOADS, _workload),
    "ConfigMap": _config_map,
    "Secret": _secret,
    "Service": _service,
    "Ingress": _ingress,
    "HorizontalPodAutoscaler": _autoscaler,
    "ScaledObject": _scaled_object,
    "PersistentVolumeClaim": _claim,
    "LimitRange": _limit_range,
    "Kustomization": _kustomization,
    "Component": _kustomization,
    "Application": _application,
    "ApplicationSet": _application,
}


def _objects(file: YamlFile) -> Iterator[_Object]:
    """The objects of a file that are read, those in lists laid open."""
    unnamed = _is_kustomization(file.path)
    pending = list(reversed(file.documents))
    while pending:
        node = pending.pop()
        kind, version = _text(node.get("kind")), _text(node.get("apiVersion"))
        if not kind and unnamed and node.is_mapping:
            yield _Object(file.path, "Kustomization", node)
        elif not kind or not version:
            continue
        elif kind.endswith("List"):
            items = node.get("items")
            pending.extend(reversed(list(items.elements()) if items is not None else []))
        elif kind in _GROUPS and version.rpartition("/")[0] in _GROUPS[kind] and node.get("$patch") is None:
            yield _Object(file.path, kind, node)
        elif kind in KINDS and version.rpartition("/")[0] == KINDS[kind][0]:
            yield _Object(file.path, kind, node, custom=True)


def object_facts(path: str, node: YamlNode, scope: str) -> Iterator[Fact]:
    """What an object that other files had a part in says, written in the file *path* and deployed by *scope*."""
    kind, group = _text(node.get("kind")), _text(node.get("apiVersion")).rpartition("/")[0]
    custom = kind in KINDS and group == KINDS[kind][0]
    if not custom and group not in _GROUPS.get(kind, ()):
        return
    object_ = _Object(path, kind, node, custom=custom)
    object_.scope = scope
    yield from _custom_workload(object_) if custom else _READ[kind](object_)


def _is_kustomization(path: str) -> bool:
    return path.rpartition("/")[2].lower() in ("kustomization.yaml", "kustomization.yml", "kustomization")


def _claims(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    if not name.endswith((".yaml", ".yml")) or path.startswith(".github/") or "/.github/" in path:
        return False
    return not name.startswith(("compose.", "docker-compose", "compose-"))


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for object_ in _objects(file):
        yield from _custom_workload(object_) if object_.custom else _READ[object_.kind](object_)


def _claims_template(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and "/templates/tests/" not in path


def _read_template(file: HelmFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """As manifests are read, with expressions for what the template fills in."""
    settler = Settler(file)
    for object_ in _objects(file):
        said = list(_custom_workload(object_) if object_.custom else _READ[object_.kind](object_))
        if not any(is_test_hook(fact) for fact in said):
            yield from map(settler.settled, said)


_FACTS = (
    *(Workload, Container, ConfigObject, NetworkService, Autoscaler, VolumeClaim, LimitRange, Kustomization),
    *(Application, Ingress, ModelAccess),
)

READER: Reader[YamlFile] = Reader("kubernetes", 7, YAML, _FACTS, _claims, _read)

TEMPLATES: Reader[HelmFile] = Reader(
    "helm-templates", 2, HELM, _FACTS, _claims_template, _read_template, templates=True
)
