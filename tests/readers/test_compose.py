"""What compose files say."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import Container, ImageBuild, Workload
from pytest_mlbreaks.readers.compose import READER, interpolate
from pytest_mlbreaks.reading import Source, Wanted

PATH = "deploy/docker-compose.yml"


def read(text: str) -> list[Fact | Diagnostic]:
    document = READER.format.parse(Source(PATH, dedent(text).encode()))
    return list(READER.read(document, Wanted()))


def container(service: str) -> Container:
    """The container of a file with the one service ``web``, whose keys are *service*."""
    body = "\n".join(f"    {line}" for line in dedent(service).strip("\n").split("\n"))
    return next(fact for fact in read(f"services:\n  web:\n{body}\n") if isinstance(fact, Container))


def host(key: str, default: Expr | None = None, *, empty_counts: bool = False) -> EnvVar:
    return EnvVar(key, default, "host", empty_counts)


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("compose.yml", True),
        ("a/compose.yaml", True),
        ("docker-compose.prod.yml", True),
        ("docker-compose-gpu.yaml", True),
        ("compose.override.yml", True),
        ("base.compose.yaml", True),
        ("app-docker-compose.local.yml", True),
        ("composer.yml", False),
        ("compose.json", False),
        ("decomposed.yml", False),
        (".github/workflows/compose-tests.yml", False),
    ],
)
def test_claims(path: str, claimed: bool) -> None:
    """Files are known by the word compose in their name."""
    assert READER.claims(path) is claimed


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("plain", Literal("plain")),
        ("$V", host("V", Literal(""))),
        ("${V}", host("V", Literal(""))),
        ("${V:-d}", host("V", Literal("d"), empty_counts=True)),
        ("${V-d}", host("V", Literal("d"))),
        ("${V:-}", host("V", Literal(""), empty_counts=True)),
        ("${V:?gone}", host("V", empty_counts=True)),
        ("${V?gone}", host("V")),
        ("${V:+r}", Choice((Literal("r"), Literal("")))),
        ("${V:-${W:-d}}", host("V", host("W", Literal("d"), empty_counts=True), empty_counts=True)),
        ("a:${V:-1}-b", Concat((Literal("a:"), host("V", Literal("1"), empty_counts=True), Literal("-b")))),
        ("$$HOME", Literal("$HOME")),
        ("$$${V}", Concat((Literal("$"), host("V", Literal(""))))),
        ("$1", Unknown("'$1' is no interpolation")),
        ("${V", Unknown("'${' is not closed")),
        ("${V!x}", Unknown("'${V' is followed by something that is no operator")),
    ],
)
def test_interpolation(text: str, expr: Expr) -> None:
    """Interpolation follows the specification: an unset variable is empty, ``:`` makes empty count as unset."""
    assert interpolate(text) == expr


@given(st.text(alphabet="${}:-?+VW a\ue000'\"", max_size=40))
def test_interpolation_never_raises(text: str) -> None:
    """Whatever stands there, there is an expression."""
    interpolate(text)


@given(st.text(alphabet="$V{}:-/\n\"'[]ab, ", max_size=30))
def test_reading_never_raises(text: str) -> None:
    """Odd values of any key cost nothing but themselves."""
    keys = ("command", "ports", "volumes", "environment", "healthcheck", "build", "env_file", "networks", "depends_on")
    quoted = text.replace("'", "''")
    read("services:\n  a:\n" + "".join(f"    {key}: '{quoted}'\n" for key in keys))
    read("services:\n  a:\n" + "".join(f"    {key}: ['{quoted}', {{target: '{quoted}'}}]\n" for key in keys))


def test_no_services() -> None:
    """A file without a mapping of services, or a manifest, is not a compose file, and nothing is said of it."""
    assert read("a: 1\n") == []
    assert read("services: [a, b]\n") == []
    assert read("apiVersion: v1\nservices: {a: {image: b}}\n") == []


def test_identity_and_place() -> None:
    """A service is a workload and a container, at its key."""
    workload, found = read("services:\n  web:\n    image: a:1\n")
    assert isinstance(workload, Workload)
    assert isinstance(found, Container)
    assert workload.identity == f"compose:{PATH}#compose//web"
    assert found.workload == workload.identity
    assert found.identity == f"container:{workload.identity}/web"
    assert (found.place.line, found.place.column) == (2, 3)
    assert found.image == Literal("a:1")


def test_commands() -> None:
    """A list is kept, a string is split into words without a shell; interpolations stay expressions."""
    found = container("entrypoint: [python, -m, serve]\ncommand: --port ${PORT:-80} --name 'a b' $$X")
    assert found.entrypoint is not None
    assert found.entrypoint.argv == (Literal("python"), Literal("-m"), Literal("serve"))
    assert found.command is not None
    assert found.command.shell is None
    assert found.command.argv == (
        Literal("--port"),
        host("PORT", Literal("80"), empty_counts=True),
        Literal("--name"),
        Literal("a b"),
        Literal("$X"),
    )


def test_commands_that_can_not_be_told() -> None:
    """A default of several words is split by Compose, so the word is not known; nor are words of open quotes."""
    found = container("command: ${CMD:-python train.py}\nentrypoint: sh -c 'x")
    assert found.command is not None
    assert found.command.argv == (Unknown("$CMD may be several words"),)
    assert found.entrypoint is not None
    assert found.entrypoint.argv == (Unknown("the quotes in it do not close"),)


def test_place_of_a_block() -> None:
    """A command in block style stands where its text starts."""
    found = container("command: >\n  python\n  train.py")
    assert found.command is not None
    assert found.command.place.line == 4
    assert found.command.argv == (Literal("python"), Literal("train.py"))


@pytest.mark.parametrize("style", ["mapping", "list"])
def test_environment(style: str) -> None:
    """Both forms say the same; a name alone passes the host's variable on."""
    mapping = "environment:\n  A: 1\n  B:\n  C: ''\n  D: ${X:-y}"
    listed = "environment:\n  - A=1\n  - B\n  - C=\n  - D=${X:-y}"
    found = container(mapping if style == "mapping" else listed)
    assert {v.name: v.value for v in found.variables} == {
        "A": Literal("1"),
        "B": host("B"),
        "C": Literal(""),
        "D": host("X", Literal("y"), empty_counts=True),
    }
    assert found.variables[1].place.line == 5


def test_secrets_do_not_enter() -> None:
    """No literal secret is kept, wherever it stands; what surrounds it is."""
    found = container(
        """
        environment:
          DB_PASSWORD: hunter2
          API_KEY: ${API_KEY:-hunter2}
          DATABASE_URL: postgres://u:hunter2@db/x
          OTHER_URL: postgres://${U:-u}:${P:-hunter2}@db/x
          THIRD_URL: ${URL:-postgres://u:hunter2@db/x}
        command: serve --password hunter2 --token=hunter2
        labels: {app.token: hunter2}
        """
    )
    assert "hunter2" not in repr(found)
    values = {v.name: v.value for v in found.variables}
    assert values["DB_PASSWORD"] == SecretKey(PATH, "DB_PASSWORD")
    assert values["API_KEY"] == host("API_KEY", SecretKey(PATH, "API_KEY"), empty_counts=True)
    assert values["DATABASE_URL"] == Literal("postgres://u:***@db/x")
    assert values["THIRD_URL"] == host("URL", Literal("postgres://u:***@db/x"), empty_counts=True)
    build = next(f for f in read("services: {a: {build: {args: {TOKEN: hunter2}}}}") if isinstance(f, ImageBuild))
    assert build.arguments[0].value == SecretKey(PATH, "TOKEN")


def test_env_files() -> None:
    """One path, several, and the long form with ``required``."""
    assert [s.name for s in container("env_file: .env").variable_sources] == [Literal(".env")]
    found = container("env_file:\n  - a.env\n  - path: b.env\n    required: false").variable_sources
    assert [(s.name, s.optional) for s in found] == [(Literal("a.env"), False), (Literal("b.env"), True)]


def test_mounts() -> None:
    """Paths are folders, names are volumes, and a variable may be either."""
    found = container(
        """
        volumes:
          - ./data:/data:ro
          - models:/models
          - /cache
          - ${DIR:-./x}:/x
          - ${WHAT:-name}:/y
          - ${PWD}/z:/z
          - {type: bind, source: ../src, target: /src, read_only: true}
          - {type: volume, source: v, target: /v, volume: {subpath: sub}}
        tmpfs: /tmp:size=1m
        secrets: [db, {source: s, target: /etc/s}]
        """
    )
    assert [(m.kind, m.read_only) for m in found.mounts] == [
        ("bind", True),
        ("volume", False),
        ("volume", False),
        ("bind", False),
        ("unknown", False),
        ("bind", False),
        ("bind", True),
        ("volume", False),
        ("empty", False),
        ("secret", True),
        ("secret", True),
    ]
    assert found.mounts[0].source == Literal("./data")
    assert found.mounts[3].target == Literal("/x")
    assert found.mounts[7].subpath == "sub"
    assert [m.target for m in found.mounts[8:]] == [Literal("/tmp"), Literal("/run/secrets/db"), Literal("/etc/s")]


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ('"8080:80"', [(80, 8080)]),
        ('"127.0.0.1:8080:80"', [(80, 8080)]),
        ('"[::1]:8080:80"', [(80, 8080)]),
        ('"3000"', [(3000, None)]),
        ('"6060:53/udp"', [(53, 6060)]),
        ('"9000-9001:8000-8001"', [(8000, 9000), (8001, 9001)]),
        ('"3000-3001"', [(3000, None), (3001, None)]),
        ('"9000-9002:80"', [(80, "9000-9002")]),
        ("{target: 80, published: '8080'}", [(80, 8080)]),
        ("22:22", [(22, 22)]),
    ],
)
def test_ports(text: str, ports: list[tuple[int, int | str | None]]) -> None:
    """Short and long forms, with addresses, protocols and ranges."""
    found = container(f"ports:\n  - {text}").ports
    told = [(p.container, p.published) for p in found]
    assert told == [(Literal(a), None if b is None else Literal(b)) for a, b in ports]


def test_ports_with_variables() -> None:
    """A published port that the host decides; a port that is only exposed."""
    found = container("ports: ['${PORT:-8080}:80']\nexpose: ['9000']").ports
    assert found[0].published == host("PORT", Literal(8080), empty_counts=True)
    assert (found[1].container, found[1].published) == (Literal(9000), None)


def test_dependencies() -> None:
    """A list waits for the start, a mapping may wait for more."""
    assert [(d.name, d.condition) for d in container("depends_on: [db]").dependencies] == [("db", "service_started")]
    found = container("depends_on:\n  db:\n    condition: service_healthy\n  cache: {}").dependencies
    assert [(d.name, d.condition) for d in found] == [("db", "service_healthy"), ("cache", "service_started")]


def test_health_check() -> None:
    """Durations are in seconds; CMD runs words, CMD-SHELL and a string run in a shell; NONE switches it off."""
    timing = "interval: 1m30s\n  timeout: 500ms\n  retries: 5\n  start_period: 1h"
    probe = container(f"healthcheck:\n  test: [CMD, curl, -f, http://localhost]\n  {timing}").probes[0]
    assert (probe.period_seconds, probe.timeout_seconds, probe.failures, probe.delay_seconds) == (90.0, 0.5, 5, 3600.0)
    assert probe.command is not None
    assert probe.command.argv == (Literal("curl"), Literal("-f"), Literal("http://localhost"))
    shell = container("healthcheck: {test: [CMD-SHELL, exit 1]}").probes[0].command
    assert shell is not None
    assert shell.shell == Literal("exit 1")
    assert container("healthcheck: {test: [NONE]}").probes == ()
    assert container("healthcheck: {disable: true}").probes == ()


def test_names_and_networks() -> None:
    """Names by which others reach a container; one that is computed is left out."""
    found = container("container_name: c\nhostname: ${H}\nnetworks:\n  back: {aliases: [db, c]}\n  front:")
    assert found.aliases == ("c", "db")
    assert found.networks == ("back", "front")
    assert container("network_mode: host").host_network


def test_resources_and_replicas() -> None:
    """Reservations are requests, also of GPUs; older keys are limits too."""
    text = """
    services:
      web:
        deploy:
          replicas: 3
          resources:
            limits: {cpus: '0.5', memory: 1g}
            reservations:
              memory: 512m
              devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]
      old: {mem_limit: 2g, scale: '${N:-2}'}
    """
    facts = read(text)
    web, old = (f for f in facts if isinstance(f, Container))
    assert [(q.resource, q.amount) for q in web.limits] == [("cpu", Literal("0.5")), ("memory", Literal("1g"))]
    assert [(q.resource, q.amount) for q in web.requests] == [
        ("memory", Literal("512m")),
        ("nvidia.com/gpu", Literal("1")),
    ]
    assert [(q.resource, q.amount) for q in old.limits] == [("memory", Literal("2g"))]
    replicas = [f.replicas for f in facts if isinstance(f, Workload)]
    assert replicas == [Literal("3"), host("N", Literal("2"), empty_counts=True)]


def test_builds() -> None:
    """A build names its result by ``image``, and its container names it."""
    text = """
    services:
      a: {build: ./a}
      b:
        image: me/b:${TAG:-1}
        build: {context: .., dockerfile: b/Dockerfile, target: prod, args: [V=1, W], tags: ['me/b:x']}
      c: {build: {dockerfile_inline: FROM x}}
    """
    facts = read(text)
    a, b, c = (f for f in facts if isinstance(f, ImageBuild))
    containers = [f for f in facts if isinstance(f, Container)]
    assert (a.context, a.dockerfile, a.images, a.dockerfile_in_context) == (Literal("./a"), None, (), True)
    assert b.images[1] == Literal("me/b:x")
    assert (b.context, b.dockerfile, b.target) == (Literal(".."), Literal("b/Dockerfile"), "prod")
    assert [(v.name, v.value) for v in b.arguments] == [("V", Literal("1")), ("W", host("W"))]
    assert c.dockerfile == Unknown("it is written in the compose file")
    assert [x.build for x in containers] == [a.identity, b.identity, c.identity]
    assert b.owner == containers[1].identity


def test_anchors_and_merges() -> None:
    """What an extension field gives through a merge is the service's own, at the place where it is written."""
    text = """
    x-common: &common
      image: base
      environment: &env
        A: 1
    services:
      web:
        <<: *common
        environment:
          <<: *env
          B: 2
    """
    found = next(fact for fact in read(text) if isinstance(fact, Container))
    assert found.image == Literal("base")
    assert [(v.name, v.place.line) for v in found.variables] == [("A", 5), ("B", 11)]


def test_other_settings() -> None:
    """Profiles, restart, working directory, pull policy."""
    found = container("profiles: [gpu]\nrestart: always\nworking_dir: /app\npull_policy: build")
    assert (found.profiles, found.restart, found.workdir, found.pull_policy) == (
        ("gpu",),
        "always",
        Literal("/app"),
        "build",
    )


def test_what_is_not_followed() -> None:
    """``include`` is noted, because what it brings is not known here; what a service extends is named."""
    facts = read("include: [a.yml]\nservices:\n  web:\n    extends: {file: b.yml, service: base}\n")
    notes = [f for f in facts if isinstance(f, Diagnostic)]
    assert [(n.level, n.place.line) for n in notes] == [("note", 1)]
    assert [f.extends for f in facts if isinstance(f, Container)] == ["compose:deploy/b.yml#compose//base"]


def test_the_network_of_another_service() -> None:
    """``network_mode: service:NAME`` names whose network it is; other modes name no service."""
    assert container("network_mode: service:vpn").shares_network_of == "vpn"
    assert container("network_mode: container:vpn").shares_network_of == ""
    assert container("network_mode: host").shares_network_of == ""


def test_extra_hosts() -> None:
    """The names that are given an address of their own, in each way to write them."""
    assert container('extra_hosts: ["api=10.0.0.1", "db:10.0.0.2"]').extra_hosts == ("api", "db")
    assert container("extra_hosts: {api: 10.0.0.1}").extra_hosts == ("api",)
