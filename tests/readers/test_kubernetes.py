"""What Kubernetes manifests say."""

from __future__ import annotations

import json
from textwrap import dedent, indent
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.model import FACTS, Fact
from pytest_mlbreaks.model.expr import Concat, ConfigKey, Context, EnvVar, Expr, Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import (
    Autoscaler,
    ConfigObject,
    Container,
    Ingress,
    Kustomization,
    LimitRange,
    NetworkService,
    VolumeClaim,
    Workload,
)
from pytest_mlbreaks.readers.kubernetes import READER
from pytest_mlbreaks.reading import Source, Wanted

PATH = "k8s/overlays/prod/model.yaml"
TEMPLATED = Unknown("filled in by a template")

F = TypeVar("F", bound=Fact)


def read(text: str, path: str = PATH) -> list[Fact]:
    """The facts of a manifest; they survive being written and read back."""
    document = READER.format.parse(Source(path, dedent(text).encode()))
    facts = [fact for fact in READER.read(document, Wanted()) if isinstance(fact, Fact)]
    assert {type(fact) for fact in facts} <= set(READER.facts)
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(facts))) == facts
    return facts


def one(kind: type[F], text: str, path: str = PATH) -> F:
    """The one fact of a kind in a manifest."""
    found = [fact for fact in read(text, path) if isinstance(fact, kind)]
    assert len(found) == 1
    return found[0]


def container(text: str, pod: str = "") -> Container:
    """The container of a Pod whose container has the fields *text*, and whose spec has the fields *pod*."""
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
    body = indent(dedent(pod), "  ") + "  containers:\n  - name: c\n" + indent(dedent(text), "    ")
    return one(Container, head + body)


def variable(text: str, name: str = "A", more: str = "") -> Expr:
    """The value of the variable *name* in a container with the ``env`` elements *text*."""
    found = container("env:\n" + dedent(text) + dedent(more))
    return next(v.value for v in found.variables if v.name == name)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: model
  namespace: serving-prod
  labels: {app: model}
  annotations: {reloader: "true", kubectl.kubernetes.io/last-applied-configuration: "{}"}
spec:
  replicas: 3
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%}}
  template:
    metadata:
      labels: {app: model, tier: web}
      annotations: {checksum/config: abc}
    spec:
      hostNetwork: true
      restartPolicy: Always
      nodeSelector: {gpu: "yes"}
      initContainers:
      - name: fetch
        image: busybox:1
      - name: proxy
        image: proxy:1
        restartPolicy: Always
      containers:
      - name: server
        image: registry.example.com/model:1.2
        imagePullPolicy: Always
        workingDir: /app
        ports:
        - {name: http, containerPort: 8080, hostPort: 80}
        resources:
          requests: {cpu: 500m, nvidia.com/gpu: 1}
          limits: {memory: 2Gi}
        livenessProbe:
          httpGet: {path: /live, port: http}
          periodSeconds: 5
          timeoutSeconds: 2
          failureThreshold: 4
          initialDelaySeconds: 30
        readinessProbe: {exec: {command: [sh, -c, "test -f $READY"]}}
        startupProbe: {grpc: {port: 9000}}
"""


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("k8s/a.yaml", True),
        ("a.yml", True),
        ("kustomization.yaml", True),
        ("docker-compose.prod.yml", False),
        ("compose.yaml", False),
        (".github/workflows/ci.yml", False),
        ("a.json", False),
    ],
)
def test_claims(path: str, claimed: bool) -> None:
    """Any YAML may be a manifest, but compose files and what is GitHub's."""
    assert READER.claims(path) is claimed


def test_a_deployment() -> None:
    """A workload is stated with what decides how it runs and is replaced."""
    workload = one(Workload, DEPLOYMENT)
    assert workload.identity == "kubernetes:k8s/overlays/prod/model.yaml#Deployment/serving-prod/model"
    assert (workload.kind, workload.name, workload.namespace) == ("Deployment", "model", "serving-prod")
    assert (workload.replicas, workload.strategy, workload.max_surge) == (Literal(3), "RollingUpdate", "25%")
    assert [(label.key, label.value) for label in workload.annotations] == [("reloader", "true")]
    assert [label.key for label in workload.pod_labels] == ["app", "tier"]
    assert [label.key for label in workload.pod_annotations] == ["checksum/config"]
    assert (workload.node_selector, workload.restart_policy, workload.place.line) == (True, "Always", 4)


def test_containers_of_a_pod() -> None:
    """Init containers come first and are marked; one that restarts always is a sidecar."""
    found = [fact for fact in read(DEPLOYMENT) if isinstance(fact, Container)]
    assert [(c.name, c.init, c.restart, c.host_network) for c in found] == [
        ("fetch", True, "", True),
        ("proxy", True, "Always", True),
        ("server", False, "", True),
    ]
    assert {c.workload for c in found} == {one(Workload, DEPLOYMENT).identity}


def test_a_container() -> None:
    """Image, ports, resources and probes are stated as written; a limit is no request."""
    server = next(f for f in read(DEPLOYMENT) if isinstance(f, Container) and f.name == "server")
    assert server.image == Literal("registry.example.com/model:1.2")
    assert (server.pull_policy, server.workdir) == ("Always", Literal("/app"))
    assert [(p.container, p.published, p.name) for p in server.ports] == [(Literal(8080), Literal(80), "http")]
    assert [(q.resource, q.amount) for q in server.requests] == [
        ("cpu", Literal("500m")),
        ("nvidia.com/gpu", Literal("1")),
    ]
    assert [(q.resource, q.amount) for q in server.limits] == [("memory", Literal("2Gi"))]
    live, ready, start = server.probes
    assert (live.kind, live.port, live.path) == ("liveness", Literal("http"), "/live")
    assert (live.period_seconds, live.timeout_seconds, live.failures, live.delay_seconds) == (5, 2, 4, 30)
    assert ready.command is not None
    assert ready.command.argv == (Literal("sh"), Literal("-c"), Literal("test -f $READY"))
    assert (start.kind, start.port) == ("startup", Literal(9000))


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("extensions/v1beta1", "Deployment"),
        ("batch/v1", "Job"),
        ("argoproj.io/v1alpha1", "Rollout"),
    ],
)
def test_workload_kinds(version: str, kind: str) -> None:
    """Every kind with a pod template is a workload."""
    text = f"""
    apiVersion: {version}
    kind: {kind}
    metadata: {{name: x}}
    spec: {{template: {{spec: {{containers: [{{name: c, image: i}}]}}}}}}
    """
    assert one(Workload, text).kind == kind
    assert one(Container, text).image == Literal("i")


def test_a_cron_job() -> None:
    """A CronJob has a schedule, and its pod one template deeper."""
    text = """
    apiVersion: batch/v1
    kind: CronJob
    metadata: {generateName: nightly-}
    spec:
      schedule: "0 3 * * *"
      jobTemplate:
        spec:
          template:
            metadata: {labels: {a: b}}
            spec: {restartPolicy: Never, containers: [{name: train, image: i}]}
    """
    workload = one(Workload, text)
    assert (workload.name, workload.schedule) == ("nightly-", Literal("0 3 * * *"))
    assert (workload.restart_policy, workload.pod_labels[0].key) == ("Never", "a")
    assert one(Container, text).name == "train"


def test_strategies() -> None:
    """The way of replacement has other names in other kinds."""
    rollout = """
    apiVersion: argoproj.io/v1alpha1
    kind: Rollout
    metadata: {name: x}
    spec: {strategy: {canary: {maxSurge: 1}}}
    """
    stateful = """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: x}
    spec: {updateStrategy: {type: OnDelete}, volumeClaimTemplates: [{metadata: {name: data}}]}
    """
    assert (one(Workload, rollout).strategy, one(Workload, rollout).max_surge) == ("canary", "1")
    assert (one(Workload, stateful).strategy, one(Workload, stateful).claim_templates) == ("OnDelete", ("data",))


def test_lists_are_laid_open() -> None:
    """The items of a List are objects like others, in their order."""
    text = """
    apiVersion: v1
    kind: List
    items:
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
    - apiVersion: v1
      kind: SecretList
      items: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
    """
    assert [f.name for f in read(text) if isinstance(f, ConfigObject)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "- 1\n- 2",
        "a: 1",
        "kind: Deployment\nmetadata: {name: x}",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}",
        "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: x}",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x}",
        "apiVersion: apps/v1\nkind: Deployment\n$patch: delete\nmetadata: {name: x}",
        "apiVersion: [1]\nkind: {a: b}",
        "apiVersion: v1\nkind: List\nitems: x",
    ],
)
def test_other_documents_are_silently_left_alone(text: str) -> None:
    """What is no object of a kind we read says nothing."""
    assert read(text) == []


@pytest.mark.parametrize("kind", ["Pod", "Service", "ConfigMap", "Secret", "PersistentVolumeClaim", "LimitRange"])
@pytest.mark.parametrize("rest", ["", "spec: 1", "spec: [1]", "data: x\nmetadata: y", "spec: {containers: [1, [2]]}"])
def test_objects_of_the_wrong_shape(kind: str, rest: str) -> None:
    """An object that the API would refuse costs nothing."""
    read(f"apiVersion: v1\nkind: {kind}\n{rest}\n")


def test_a_patch_reads_as_it_is() -> None:
    """A strategic-merge patch is a workload without image; elements that it deletes are not there."""
    text = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: model}
    spec:
      template:
        spec:
          containers:
          - name: server
            env:
            - {name: STAGE, value: prod}
            - {name: OLD, $patch: delete}
          - {name: gone, $patch: delete}
    """
    found = one(Container, text)
    assert (found.name, found.image) == ("server", None)
    assert [v.name for v in found.variables] == ["STAGE"]


# ------------------------------------------------------------------------------------------- variables and text


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("{name: A, value: x}", Literal("x")),
        ("{name: A, value: 1}", Literal("1")),
        ("{name: A, value: yes}", Literal("yes")),
        ("{name: A}", Literal("")),
        ("{name: A, value: }", Literal("")),
        ("{name: A, valueFrom: {configMapKeyRef: {name: m, key: k}}}", ConfigKey("configmap/m", "k")),
        ("{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}", SecretKey("secret/s", "k")),
        ("{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}", Context("kubernetes", "metadata.name")),
        ("{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}", Context("kubernetes", "limits.cpu")),
        ("{name: A, valueFrom: {fileKeyRef: {}}}", Unknown("taken from where Kubernetes finds it when it runs")),
        ("{name: A, valueFrom: {configMapKeyRef: {name: '{{ m }}', key: k}}}", TEMPLATED),
        ("{name: A, value: '{{ x }}'}", TEMPLATED),
        ("{name: A, value: {{ x }}}", TEMPLATED),
        ("{name: A, value: '{{ x }}/y'}", Concat((TEMPLATED, Literal("/y")))),
        ("{name: A, value: '${HOST}'}", EnvVar("HOST", None, "host")),
        ("{name: A, value: __TOKEN__}", TEMPLATED),
        ("{name: A, value: AIRFLOW__CORE__DAGS}", Literal("AIRFLOW__CORE__DAGS")),
        ("{name: A, value: <BUCKET>}", TEMPLATED),
        ("{name: A, value: a < b}", Literal("a < b")),
        ("{name: A, value: $$(B)}", Literal("$(B)")),
        ("{name: A, value: $(B)/x}", Concat((EnvVar("B"), Literal("/x")))),
        ("{name: A, value: $(C)}", EnvVar("C", Unknown("C is not defined in this container"))),
        ("{name: A, value: $(DB_SERVICE_HOST)}", Unknown("DB_SERVICE_HOST is given by Kubernetes")),
        ("{name: A, value: 'postgres://u:hunter2@db/x'}", Literal("postgres://u:***@db/x")),
        (
            "{name: A, value: 'postgres://u:$(B)@db/x'}",
            Concat((Literal("postgres://u:"), EnvVar("B"), Literal("@db/x"))),
        ),
    ],
)
def test_variables(element: str, value: Expr) -> None:
    """A variable is text, a reference, or what somebody else fills in."""
    assert variable(f"- {element}\n- {{name: B, value: b}}\n") == value


@pytest.mark.parametrize(
    ("source", "optional"),
    [
        ("configMapKeyRef: {name: m, key: k, optional: true}", True),
        ("secretKeyRef: {name: s, key: k, optional: true}", True),
        ("secretKeyRef: {name: s, key: k, optional: false}", False),
        ("secretKeyRef: {name: s, key: k}", False),
        ("fieldRef: {fieldPath: metadata.name}", False),
    ],
)
def test_a_variable_says_whether_the_container_starts_without_it(source: str, optional: bool) -> None:
    """Kubernetes starts a container without a key that is optional."""
    text = f"""
    apiVersion: v1
    kind: Pod
    metadata: {{name: a}}
    spec: {{containers: [{{name: a, env: [{{name: A, valueFrom: {{{source}}}}}]}}]}}
    """
    assert [v.optional for v in one(Container, text).variables] == [optional]


def test_secrets_in_plain_sight_are_left_out() -> None:
    """A value under a secret's name, or after a secret's flag, never enters a fact."""
    found = container(
        """
        env:
        - {name: DB_PASSWORD, value: hunter2}
        - {name: DEBUG_TOKEN, value: "true"}
        args: [serve, --api-key, hunter2, --password=hunter2, --port, "80"]
        """
    )
    assert "hunter2" not in repr(found)
    assert [v.value for v in found.variables] == [SecretKey(PATH, "DB_PASSWORD"), Literal("true")]
    assert found.command is not None
    assert found.command.argv is not None
    assert found.command.argv[-2:] == (Literal("--port"), Literal("80"))


def test_variable_sources() -> None:
    """``envFrom`` gives many variables at once."""
    sources = container(
        """
        envFrom:
        - {configMapRef: {name: m}}
        - {secretRef: {name: s, optional: true}, prefix: P_}
        """
    ).variable_sources
    assert [(s.kind, s.name, s.prefix, s.optional) for s in sources] == [
        ("configmap", Literal("m"), "", False),
        ("secret", Literal("s"), "P_", True),
    ]


def test_command_and_arguments() -> None:
    """``command`` replaces the entrypoint and ``args`` the command, with the container's variables in them."""
    found = container(
        """
        command: [python, -m, train]
        args: [--epochs, 3, --data=$(DATA), '--stage=${STAGE}']
        env: [{name: DATA, value: s3://b}]
        """
    )
    assert found.entrypoint is not None
    assert found.entrypoint.argv == (Literal("python"), Literal("-m"), Literal("train"))
    assert found.command is not None
    assert found.command.argv == (
        Literal("--epochs"),
        Literal("3"),
        Concat((Literal("--data="), EnvVar("DATA"))),
        Concat((Literal("--stage="), EnvVar("STAGE", None, "host"))),
    )


@pytest.mark.parametrize("command", ["command: [sh, -c]", "command: [/bin/bash, -ec]", "args: [-c, x]"])
def test_text_for_a_shell_stays(command: str) -> None:
    """In text for a shell ``${X}`` is the shell's, and ``$(date)`` a command; ``$(NAME)`` is still Kubernetes'."""
    text = 'python train.py ${X} $(date) "$Y"'
    field = "args: [-c, '%s $(N)']" if command.startswith("args") else f"{command}\nargs: ['%s $(N)']"
    found = container(f"{field % text}\nenv: [{{name: N, value: n}}]\n")
    assert found.command is not None
    assert found.command.argv is not None
    assert found.command.argv[-1] == Concat((Literal(f"{text} "), EnvVar("N")))


def test_an_undefined_reference_in_a_shell_may_come_from_a_source() -> None:
    """With ``envFrom`` a name that is not in ``env`` may be defined all the same; else it stays as it is."""
    found = container("command: [sh, -c, 'echo $(N)']\nenvFrom: [{configMapRef: {name: m}}]\n")
    assert found.entrypoint is not None
    assert found.entrypoint.argv is not None
    assert found.entrypoint.argv[-1] == Concat((Literal("echo "), EnvVar("N", Literal("$(N)"))))


def test_place_of_a_script() -> None:
    """A command with a text of several lines stands where the text does."""
    found = container("command: [sh, -c]\nargs:\n- |\n  cd /app\n  python train.py\n")
    assert found.command is not None
    assert found.command.place.line == 10


@pytest.mark.parametrize(
    ("image", "expr"),
    [
        ("a/b:1", Literal("a/b:1")),
        ("${REGISTRY}/b:${TAG}", None),
        ("'{{ .Values.image }}'", TEMPLATED),
        ("{{ image }}", TEMPLATED),
        ("<IMAGE>", TEMPLATED),
        ("$(image)", TEMPLATED),
        ("<ACCOUNT>.dkr.ecr/b", Concat((TEMPLATED, Literal(".dkr.ecr/b")))),
    ],
)
def test_images(image: str, expr: Expr | None) -> None:
    """An image with a place to fill in is no literal; Kubernetes replaces nothing in it."""
    registry, tag = EnvVar("REGISTRY", None, "host"), EnvVar("TAG", None, "host")
    assert container(f"image: {image}\n").image == (expr or Concat((registry, Literal("/b:"), tag)))


def test_mounts() -> None:
    """A mount is of the kind of its volume."""
    pod = """
    volumes:
    - {name: claim, persistentVolumeClaim: {claimName: data}}
    - {name: map, configMap: {name: settings}}
    - {name: secret, secret: {secretName: keys}}
    - {name: host, hostPath: {path: /mnt}}
    - {name: tmp, emptyDir: {}}
    - {name: nfs, nfs: {server: s, path: /x}}
    - {name: mixed, projected: {sources: []}}
    """
    names = ("claim", "map", "secret", "host", "tmp", "nfs", "mixed", "missing")
    mounts = "".join(f"- {{name: {name}, mountPath: /{name}, subPath: a.yaml}}\n" for name in names)
    found = container(f"volumeMounts:\n{mounts}", pod).mounts
    assert [(m.kind, m.source) for m in found] == [
        ("claim", Literal("data")),
        ("configmap", Literal("settings")),
        ("secret", Literal("keys")),
        ("host", Literal("/mnt")),
        ("empty", Literal("tmp")),
        ("volume", Literal("nfs")),
        ("unknown", Unknown("a projected volume")),
        ("unknown", Unknown("volume missing is not defined here")),
    ]
    assert (found[0].target, found[0].subpath) == (Literal("/claim"), "a.yaml")


def test_mounts_of_claim_templates() -> None:
    """A StatefulSet's claim templates are volumes by their names."""
    text = """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: x}
    spec:
      volumeClaimTemplates: [{metadata: {name: data}}]
      template: {spec: {containers: [{name: c, volumeMounts: [{name: data, mountPath: /d, readOnly: true}]}]}}
    """
    (mount,) = one(Container, text).mounts
    assert (mount.kind, mount.source, mount.read_only) == ("claim", Literal("data"), True)


# ----------------------------------------------------------------------------------------------- other objects


def test_a_config_map() -> None:
    """A ConfigMap's values are stated, but for secrets and binary content."""
    text = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings, namespace: prod}
    immutable: true
    data:
      BUCKET: s3://b
      WORKERS: "4"
      TEMPLATED: "${X}"
      API_KEY: hunter2
      app.yaml: |
        db:
          password: hunter2
          host: db
    binaryData: {logo: aGk=}
    """
    found = one(ConfigObject, text)
    assert (found.kind, found.name, found.namespace, found.immutable) == ("configmap", "settings", "prod", True)
    assert {e.name: e.value for e in found.entries} == {
        "BUCKET": Literal("s3://b"),
        "WORKERS": Literal("4"),
        "TEMPLATED": EnvVar("X", None, "host"),
        "API_KEY": SecretKey("configmap/settings", "API_KEY"),
        "app.yaml": Literal("db:\n  password: ***\n  host: db\n"),
        "logo": Unknown("binary content"),
    }


def test_a_secret_has_keys_only() -> None:
    """Of a Secret, only names are kept."""
    text = """
    apiVersion: v1
    kind: Secret
    metadata: {name: s}
    data: {a: aHVudGVyMg==}
    stringData: {a: hunter2, b: hunter2}
    """
    found = one(ConfigObject, text)
    assert found.kind == "secret"
    assert [(e.name, e.value) for e in found.entries] == [
        ("a", SecretKey("secret/s", "a")),
        ("b", SecretKey("secret/s", "b")),
    ]


def test_services() -> None:
    """A Service has a selector and ports; without a selector, what is behind it is elsewhere."""
    text = """
    apiVersion: v1
    kind: Service
    metadata: {name: model}
    spec:
      selector: {app: model}
      ports:
      - {name: http, port: 80, targetPort: http}
      - {port: 81, targetPort: 8081}
      - {port: 82}
    """
    found = one(NetworkService, text)
    assert [(label.key, label.value) for label in found.selector] == [("app", "model")]
    assert [(p.port, p.target, p.name) for p in found.ports] == [
        (Literal(80), Literal("http"), "http"),
        (Literal(81), Literal(8081), ""),
        (Literal(82), None, ""),
    ]
    assert not found.external
    outside = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {type: ExternalName, externalName: db.x}\n"
    assert one(NetworkService, outside).external


def test_ingresses() -> None:
    """An Ingress has its paths with host, Service and port, and a default backend without a path."""
    fact = one(
        Ingress,
        """\
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: front
          namespace: shop
          annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}
        spec:
          ingressClassName: nginx
          defaultBackend: {service: {name: start, port: {name: http}}}
          rules:
            - host: shop.example.org
              http:
                paths:
                  - path: /api(/|$)(.*)
                    pathType: ImplementationSpecific
                    backend: {service: {name: api, port: {number: 8000}}}
                  - path: /files
                    pathType: Prefix
                    backend: {resource: {kind: Bucket, name: files}}
        """,
    )
    assert (fact.name, fact.namespace, fact.version, fact.controller) == (
        "front",
        "shop",
        "networking.k8s.io/v1",
        "nginx",
    )
    assert [(a.key, a.value) for a in fact.annotations] == [("nginx.ingress.kubernetes.io/rewrite-target", "/$2")]
    assert [(p.path, p.kind, p.host, p.service, p.port) for p in fact.paths] == [
        ("", "", "", Literal("start"), Literal("http")),
        ("/api(/|$)(.*)", "ImplementationSpecific", "shop.example.org", Literal("api"), Literal(8000)),
    ]
    assert fact.identity == f"ingress:{PATH}#shop/front"


def test_an_ingress_of_an_older_api() -> None:
    """Before v1 the backend names Service and port itself, and an annotation the class."""
    fact = one(
        Ingress,
        """\
        apiVersion: extensions/v1beta1
        kind: Ingress
        metadata: {name: front, annotations: {kubernetes.io/ingress.class: traefik}}
        spec:
          rules:
            - http: {paths: [{path: /, backend: {serviceName: api, servicePort: http}}]}
        """,
    )
    assert fact.controller == "traefik"
    assert [(p.path, p.service, p.port) for p in fact.paths] == [("/", Literal("api"), Literal("http"))]


def test_autoscalers() -> None:
    """The metrics of v1, v2 and v2beta1."""
    head = "kind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec:\n"
    target = "  scaleTargetRef: {kind: Deployment, name: model}\n  minReplicas: 1\n  maxReplicas: 5\n"
    old = one(Autoscaler, f"apiVersion: autoscaling/v1\n{head}{target}  targetCPUUtilizationPercentage: 80\n")
    assert (old.target_kind, old.target_name, old.minimum, old.maximum) == (
        "Deployment",
        "model",
        Literal(1),
        Literal(5),
    )
    assert [(m.kind, m.name, m.target) for m in old.metrics] == [("Resource", "cpu", "Utilization")]
    metrics = """\
      metrics:
      - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
      - {type: ContainerResource, containerResource: {name: memory, container: c, target: {type: AverageValue}}}
      - {type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue}}}
      - {type: External, external: {metric: {name: lag}, target: {type: Value}}}
      - {type: Object, object: {metric: {name: hits}, target: {type: Value}}}
      - {type: Resource, resource: {name: memory, targetAverageUtilization: 60}}
      - {type: Resource}
    """
    new = one(Autoscaler, f"apiVersion: autoscaling/v2\n{head}{target}{indent(dedent(metrics), '  ')}")
    assert [(m.kind, m.name, m.target, m.container) for m in new.metrics] == [
        ("Resource", "cpu", "Utilization", ""),
        ("ContainerResource", "memory", "AverageValue", "c"),
        ("Pods", "rps", "AverageValue", ""),
        ("External", "lag", "Value", ""),
        ("Object", "hits", "Value", ""),
        ("Resource", "memory", "Utilization", ""),
    ]


def test_claims_of_volumes() -> None:
    """A PersistentVolumeClaim."""
    text = """
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 10Gi}}}
    """
    found = one(VolumeClaim, text)
    assert (found.access_modes, found.storage_class, found.size) == (("ReadWriteOnce",), "fast", "10Gi")


def test_limit_ranges() -> None:
    """A default request comes of a default request, a default limit, a maximum or a minimum for containers."""
    text = """
    apiVersion: v1
    kind: LimitRange
    metadata: {name: x, namespace: n}
    spec:
      limits:
      - {type: Pod, max: {ephemeral-storage: 1Gi}}
      - {type: Container, default: {cpu: 1}, min: {memory: 1Mi}}
    """
    found = one(LimitRange, text)
    assert (found.namespace, found.requests) == ("n", ("cpu", "memory"))


def test_kustomizations() -> None:
    """Generators make config objects; those that take an env file, or add to a base, are partial."""
    text = """
    namespace: prod
    configMapGenerator:
    - name: settings
      literals: [BUCKET=s3://b, "MODE='fast'"]
      files: [conf/app.yaml, other.yaml=conf/b.yaml]
    - {name: more, envs: [params.env]}
    - {name: added, behavior: merge, literals: [A=1]}
    secretGenerator:
    - {name: keys, literals: [token=hunter2]}
    patches: [{path: x.yaml}]
    """
    facts = read(text, "k8s/kustomization.yaml")
    found = {fact.name: fact for fact in facts if isinstance(fact, ConfigObject)}
    assert len(facts) == 5
    assert "hunter2" not in repr(facts)
    assert all(fact.generated for fact in found.values())
    assert {name: fact.partial for name, fact in found.items()} == {
        "settings": False,
        "more": True,
        "added": True,
        "keys": False,
    }
    assert found["settings"].namespace == "prod"
    assert {e.name: e.value for e in found["settings"].entries} == {
        "BUCKET": Literal("s3://b"),
        "MODE": Literal("fast"),
        "app.yaml": Unknown("the content of conf/app.yaml"),
        "other.yaml": Unknown("the content of conf/b.yaml"),
    }
    assert [e.value for e in found["keys"].entries] == [SecretKey("secret/keys", "token")]


def test_kustomizations_state_what_they_list_and_change() -> None:
    """Paths are those of the tree; remote ones, and patches written in place, are no paths."""
    text = """
    resources: [../base, service.yaml, https://example.com/crd.yaml]
    bases: [../../shared/]
    components: [../parts/gpu]
    namePrefix: prod-
    patches:
    - {path: patch.yaml}
    - patch: |
        - op: remove
          path: /spec
    patchesStrategicMerge: [../other.yaml]
    images: []
    """
    facts = read(text, "k8s/prod/kustomization.yaml")
    found = [fact for fact in facts if type(fact) is Kustomization]
    assert [(fact.lists, fact.patches, fact.changes, fact.renames) for fact in found] == [
        (
            ("k8s/base", "k8s/prod/service.yaml", "shared", "k8s/parts/gpu"),
            ("k8s/prod/patch.yaml", "k8s/other.yaml"),
            ("patches", "patchesStrategicMerge", "components"),
            True,
        )
    ]


def test_a_plain_kustomization_changes_nothing() -> None:
    """At the root of the tree, and above it."""
    facts = read("resources: [.., a.yaml, ../../out.yaml]", "k8s/kustomization.yaml")
    assert [(fact.lists, fact.changes, fact.renames) for fact in facts if type(fact) is Kustomization] == [
        ((".", "k8s/a.yaml"), (), False)
    ]


def test_scope_keeps_overlays_apart() -> None:
    """One workload in two overlays is two."""
    assert one(Workload, DEPLOYMENT).identity != one(Workload, DEPLOYMENT, "k8s/overlays/dev/model.yaml").identity


def affinity(kind: str, terms: object) -> dict[str, object]:
    """A pod's required affinity of *kind*."""
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


def on_host(operator: str) -> dict[str, object]:
    """Terms of a node affinity to one host."""
    rule = {"key": "kubernetes.io/hostname", "operator": operator, "values": ["worker-1"]}
    return {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}


@pytest.mark.parametrize(
    ("pod", "bound"),
    [
        ({}, False),
        ({"nodeSelector": {"accelerator": "gpu"}}, False),
        ({"nodeName": "worker-1"}, True),
        ({"nodeSelector": {"kubernetes.io/hostname": "worker-1"}}, True),
        (affinity("podAffinity", [{"topologyKey": "kubernetes.io/hostname"}]), True),
        (affinity("podAffinity", [{"topologyKey": "topology.kubernetes.io/zone"}]), False),
        (affinity("podAntiAffinity", [{"topologyKey": "kubernetes.io/hostname"}]), False),
        (affinity("nodeAffinity", on_host("In")), True),
        (affinity("nodeAffinity", on_host("NotIn")), False),
    ],
)
def test_bound_to_one_node(pod: dict[str, object], bound: bool) -> None:
    """A workload is bound to one node by the node's name, or by having to run where another pod runs."""
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "model"},
        "spec": {"template": {"spec": {"containers": [{"name": "model"}], **pod}}},
    }
    assert one(Workload, json.dumps(deployment)).one_node is bound


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["x", "$(A)", "${B}", "{{ c }}", "<D>", "$$", "a=b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "metadata",
                        "spec",
                        "template",
                        "containers",
                        "env",
                        "name",
                        "value",
                        "valueFrom",
                        "image",
                        "args",
                    ),
                    *("command", "volumes", "volumeMounts", "ports", "metrics", "type", "limits", "data", "selector"),
                    *("configMap", "strategy", "livenessProbe", "exec", "resources", "secretKeyRef", "envFrom"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(
        [
            *("apps/v1 Deployment", "v1 Pod", "v1 ConfigMap", "v1 Service", "networking.k8s.io/v1 Ingress"),
            "autoscaling/v2 HorizontalPodAutoscaler",
        ]
    ),
    TREES,
    TREES,
)
def test_no_shape_raises(kind: str, spec: object, rest: object) -> None:
    """Whatever stands where a field is expected, reading ends."""
    version, _, name = kind.partition(" ")
    read(json.dumps({"apiVersion": version, "kind": name, "spec": spec, "metadata": rest, "data": rest}))


@pytest.mark.parametrize(
    ("text", "workloads"),
    [
        (
            """\
            apiVersion: serving.kserve.io/v1beta1
            kind: InferenceService
            metadata: {name: fraud}
            spec:
              predictor:
                minReplicas: 2
                sklearn: {storageUri: "s3://models/fraud", resources: {limits: {memory: 1Gi}}}
              transformer:
                containers: [{name: kserve-container, image: "acme/transform:1"}]
            """,
            [
                ("InferenceService", "fraud/predictor", [""]),
                ("InferenceService", "fraud/transformer", ["kserve-container"]),
            ],
        ),
        (
            """\
            apiVersion: machinelearning.seldon.io/v1
            kind: SeldonDeployment
            metadata: {name: fraud}
            spec:
              predictors:
                - name: main
                  replicas: 2
                  componentSpecs: [{spec: {containers: [{name: model, image: "acme/model:1"}]}}]
            """,
            [("SeldonDeployment", "fraud/main", ["model"])],
        ),
        (
            """\
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: api}
            spec: {template: {spec: {containers: [{image: "acme/api:1"}]}}}
            """,
            [("Service", "api", [""])],
        ),
        (
            """\
            apiVersion: ray.io/v1
            kind: RayService
            metadata: {name: ray}
            spec:
              rayClusterConfig:
                headGroupSpec: {template: {spec: {containers: [{name: head, image: "rayproject/ray:2.9.0"}]}}}
                workerGroupSpecs:
                  - groupName: gpu
                    replicas: 3
                    template: {spec: {containers: [{name: worker, image: "rayproject/ray:2.9.0-gpu"}]}}
            """,
            [("RayService", "ray/head", ["head"]), ("RayService", "ray/gpu", ["worker"])],
        ),
        (
            """\
            apiVersion: kubeflow.org/v1
            kind: PyTorchJob
            metadata: {name: train}
            spec:
              pytorchReplicaSpecs:
                Master: {replicas: 1, template: {spec: {containers: [{name: pytorch, image: "acme/train:1"}]}}}
                Worker: {replicas: 3, template: {spec: {containers: [{name: pytorch, image: "acme/train:1"}]}}}
            """,
            [("PyTorchJob", "train/master", ["pytorch"]), ("PyTorchJob", "train/worker", ["pytorch"])],
        ),
        (
            """\
            apiVersion: argoproj.io/v1alpha1
            kind: CronWorkflow
            metadata: {name: nightly}
            spec:
              schedule: "0 2 * * *"
              concurrencyPolicy: Forbid
              workflowSpec:
                activeDeadlineSeconds: 3600
                entrypoint: main
                templates:
                  - name: main
                    steps: [[{name: a, template: train}]]
                  - name: train
                    container: {image: "acme/train:1", command: [python, train.py]}
                  - name: report
                    script: {image: "python:3.12", command: [python], source: "print(1)"}
            """,
            [("CronWorkflow", "nightly/train", [""]), ("CronWorkflow", "nightly/report", [""])],
        ),
        ("apiVersion: example.com/v1\nkind: RayCluster\nmetadata: {name: other}\n", []),
        ("apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: empty}\nspec: {headGroupSpec: []}\n", []),
    ],
)
def test_pods_of_other_projects(text: str, workloads: list[tuple[str, str, list[str]]]) -> None:
    """Objects of KServe, Seldon, Knative, Ray, Kubeflow and Argo are a workload for each sort of pods that they run."""
    facts = read(text)
    found = []
    for workload in facts:
        if isinstance(workload, Workload):
            containers = [c.name for c in facts if isinstance(c, Container) and c.workload == workload.identity]
            found.append((workload.kind, workload.name, containers))
    assert found == workloads


def test_schedules_of_jobs_say_what_ends_a_run() -> None:
    """A CronJob has its own rule for runs beside each other; the deadline is that of the Job, or of its pod."""
    text = """\
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: refresh}
        spec:
          schedule: "*/15 * * * *"
          concurrencyPolicy: Forbid
          jobTemplate:
            spec:
              activeDeadlineSeconds: 840
              template: {spec: {containers: [{name: r, image: "acme/refresh:1"}]}}
        """
    job = one(Workload, text)
    assert (job.concurrency, job.deadline_seconds) == ("Forbid", 840)
    text = text.replace("              activeDeadlineSeconds: 840\n", "")
    pod = one(Workload, text.replace("{spec: {containers", "{spec: {activeDeadlineSeconds: 60, containers"))
    assert pod.deadline_seconds == 60


def test_scaled_object() -> None:
    """An autoscaler of KEDA aims at a Deployment unless it says otherwise; only cpu and memory are the pods' own."""
    scaler = one(
        Autoscaler,
        """\
        apiVersion: keda.sh/v1alpha1
        kind: ScaledObject
        metadata: {name: workers}
        spec:
          scaleTargetRef: {name: worker}
          maxReplicaCount: 10
          triggers:
            - type: cpu
              metricType: Utilization
              metadata: {value: "60"}
            - type: rabbitmq
              metadata: {queueName: jobs}
        """,
    )
    assert (scaler.target_kind, scaler.target_name, scaler.maximum) == ("Deployment", "worker", Literal(10))
    assert [(m.kind, m.name, m.target) for m in scaler.metrics] == [
        ("Resource", "cpu", "Utilization"),
        ("External", "rabbitmq", ""),
    ]
