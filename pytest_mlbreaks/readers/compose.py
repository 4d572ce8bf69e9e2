"""Compose files: the services of one host, as workloads, containers and image builds.

Rules are those of the Compose specification (https://github.com/compose-spec/compose-spec): 12-interpolation,
05-services, build. What a service ``extends`` is put in by link; ``include``, overrides and ``.env`` are not.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import Literal as L

import msgspec

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, SecretKey, Unknown, literal_text
from pytest_mlbreaks.model.facts import (
    Command,
    Container,
    Dependency,
    ImageBuild,
    Label,
    LocalPurpose,
    Mount,
    Port,
    Probe,
    Quantity,
    RepeatedKey,
    Variable,
    VariableSource,
    Workload,
)
from pytest_mlbreaks.readers import _purposes
from pytest_mlbreaks.readers._repeated import repeated_keys
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url, secret_key
from pytest_mlbreaks.slots import Slots, plain, sealed

PORT_RANGE_LIMIT = 64
"""Ports. A longer range is stated as the text it is."""

DEPTH_LIMIT = 20
"""Interpolations within the defaults of others."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_MountKind = L["bind", "volume", "claim", "configmap", "secret", "empty", "host", "unknown"]


# ---------------------------------------------------------------------------------------------- interpolation


class _Invalid(ValueError):
    """An interpolation that Compose refuses; the text says which."""


class Template:
    """A text of a compose file with its interpolations in `slots`; `text` is what can be split and matched."""

    def __init__(self, text: str, depth: int = 0) -> None:
        """Raises ValueError where Compose would refuse the text."""
        self.slots = Slots()
        self.text = self.slots.redact(self._scan(plain(text), depth) if "$" in text else plain(text))

    def _scan(self, text: str, depth: int) -> str:
        pieces: list[str] = []
        position = 0
        while (dollar := text.find("$", position)) >= 0:
            pieces.append(text[position:dollar])
            follows = text[dollar + 1 : dollar + 2]
            if follows == "$":
                pieces.append("$")
                position = dollar + 2
            elif follows == "{":
                end = _closing_brace(text, dollar + 2)
                pieces.append(self.slots.hold(_braced(text[dollar + 2 : end], depth)))
                position = end + 1
            elif name := _VARIABLE.match(text, dollar + 1):
                pieces.append(self.slots.hold(EnvVar(name[0], Literal(""), "host")))
                position = name.end()
            else:
                raise _Invalid(f"'${follows}' is no interpolation")
        pieces.append(text[position:])
        return "".join(pieces)

    def expr(self, piece: str | None = None) -> Expr:
        """The expression of *piece*, a part of `text`; of the whole text where not given."""
        return self.slots.expr(self.text if piece is None else piece)


def interpolate(text: str) -> Expr:
    """The expression that a text of a compose file is.

    ``$V`` and ``${V}`` are V of the shell that starts compose, empty if unset; ``${V-d}`` d if unset, ``${V:-d}`` d
    if unset or empty; ``${V?e}`` and ``${V:?e}`` have no default; ``${V+r}`` and ``${V:+r}`` are r or empty; ``$$``
    is a dollar. What Compose refuses is Unknown.
    """
    try:
        return Template(text).expr()
    except ValueError as error:
        return Unknown(str(error))


def _closing_brace(text: str, start: int) -> int:
    """Index of the ``}`` that closes what starts before *start*, inner ``${...}`` skipped."""
    depth = 1
    position = start
    while position < len(text):
        if text.startswith("${", position):
            depth += 1
            position += 2
            continue
        if text[position] == "}":
            depth -= 1
            if not depth:
                return position
        position += 1
    raise _Invalid("'${' is not closed")


def _braced(body: str, depth: int) -> Expr:
    if depth > DEPTH_LIMIT:
        raise _Invalid("interpolations are nested too deeply")
    name = _VARIABLE.match(body)
    if name is None:
        raise _Invalid("'${' is not followed by a name")
    rest = body[name.end() :]
    empty_counts = rest.startswith(":")
    operator, word = rest[empty_counts : empty_counts + 1], rest[empty_counts + 1 :]
    if not rest:
        return EnvVar(name[0], Literal(""), "host")
    if operator == "-":
        return EnvVar(name[0], Template(word, depth + 1).expr(), "host", empty_counts)
    if operator == "?":
        return EnvVar(name[0], None, "host", empty_counts)
    if operator == "+":
        return Choice((Template(word, depth + 1).expr(), Literal("")))
    raise _Invalid(f"'${{{name[0]}' is followed by something that is no operator")


# ------------------------------------------------------------------------------------------------------ pieces


def _expr(node: YamlNode | None) -> Expr | None:
    text = node.text if node is not None else None
    return None if text is None else interpolate(text)


def _listed(node: YamlNode | None) -> Iterator[YamlNode]:
    """The elements of a sequence; a scalar counts as a list of one."""
    if node is None:
        return
    if node.is_scalar:
        if node.text is not None:
            yield node
    else:
        yield from node.elements()


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _texts(node: YamlNode | None) -> tuple[str, ...]:
    return tuple(element.text for element in _listed(node) if element.text)


def _seconds(node: YamlNode | None) -> float | None:
    """A duration (``1m30s``) in seconds; None where it is not given, or not written out."""
    text = _text(node).replace(" ", "")
    if not text:
        return None
    found = _DURATION.findall(text)
    if "".join(number + unit for number, unit in found) != text:
        return None
    return float(round(sum(float(number) * _SECONDS[unit] for number, unit in found), 9))


def _command(node: YamlNode | None) -> Command | None:
    """``command`` or ``entrypoint``: a list as it is; a string split into words as a shell would, without one."""
    if node is None:
        return None
    place = node.text_place
    if node.is_sequence:
        words = [_expr(element) or Literal("") for element in node.elements()]
        return Command(argv=_without_secrets(words), place=place)
    text = node.text
    if text is None:
        return None
    try:
        template = Template(text)
        pieces = shlex.split(template.text)
    except ValueError as error:
        reason = str(error) if isinstance(error, _Invalid) else "the quotes in it do not close"
        return Command(argv=(Unknown(reason),), place=place)
    return Command(argv=_without_secrets([_word(template.expr(piece), template) for piece in pieces]), place=place)


def _word(expr: Expr, template: Template) -> Expr:
    """A word of a split command. Compose splits after interpolation, so a default may be several words."""
    if template.slots and isinstance(expr, EnvVar):
        default = literal_text(expr.default)
        if default is not None and len(default.split()) > 1:
            return Unknown(f"${expr.key} may be several words")
    return expr


def _without_secrets(words: list[Expr]) -> tuple[Expr, ...]:
    """An argument list without the values after flags like ``--password``."""
    for index in range(1, len(words)):
        flag = literal_text(words[index - 1])
        if flag is not None and flag.startswith("-") and "=" not in flag and secret_key(flag):
            words[index] = sealed(words[index], Unknown("a secret"))
    return tuple(words)


def _variables(node: YamlNode | None) -> tuple[Variable, ...]:
    """``environment`` or build ``args``, as list or mapping. A name alone passes on the variable of the host."""
    if node is None:
        return ()
    if node.is_mapping:
        return tuple(_variable(key, value.text, key_node.place) for key, key_node, value in node.items())
    found: dict[str, Variable] = {}
    for element in node.elements():
        name, equals, value = (element.text or "").partition("=")
        if name:
            found[name] = _variable(name, value if equals else None, element.place)
    return tuple(found.values())


def _variable(name: str, text: str | None, place: Place) -> Variable:
    value: Expr = EnvVar(name, None, "host") if text is None else interpolate(text)
    if secret_key(name):
        value = sealed(value, SecretKey(place.path, name))
    return Variable(name=name, value=value, place=place)


def _sources(node: YamlNode | None) -> Iterator[VariableSource]:
    for element in [node] if node is not None and node.is_mapping else _listed(node):
        path = _expr(element.get("path") if element.is_mapping else element)
        if path is not None:
            required = element.get("required")
            optional = required is not None and required.scalar is False
            yield VariableSource(kind="env-file", name=path, optional=optional, place=element.place)


def _labels(node: YamlNode | None) -> Iterator[Label]:
    if node is None:
        return
    if node.is_mapping:
        for key, key_node, value in node.items():
            yield Label(key=key, value=_label_text(key, value.text or ""), place=key_node.place)
    for element in node.elements():
        key, _, text = (element.text or "").partition("=")
        if key:
            yield Label(key=key, value=_label_text(key, text), place=element.place)


def _label_text(key: str, text: str) -> str:
    return "***" if text and secret_key(key) else redact_url(text)


def _mounts(service: YamlNode) -> Iterator[Mount]:
    for element in _listed(service.get("volumes")):
        mount = _long_mount(element) if element.is_mapping else _short_mount(element)
        if mount is not None:
            yield mount
    for element in _listed(service.get("tmpfs")):
        target = _text(element).split(":", 1)[0]
        if target:
            yield Mount(kind="empty", source=Literal(""), target=interpolate(target), place=element.place)
    for element in _listed(service.get("secrets")):
        yield from _object_mount(element, "secret", "/run/secrets/")
    for element in _listed(service.get("configs")):
        yield from _object_mount(element, "configmap", "/")


def _short_mount(node: YamlNode) -> Mount | None:
    """``[SOURCE:]TARGET[:MODE]``."""
    if not node.text:
        return None
    try:
        template = Template(node.text)
    except ValueError as error:
        return Mount(kind="unknown", source=Unknown(str(error)), target=Unknown(str(error)), place=node.place)
    parts = template.text.split(":")
    if _DRIVE.match(template.text) and len(parts) > 1:
        parts[:2] = [f"{parts[0]}:{parts[1]}"]
    if len(parts) == 1:
        return Mount(kind="volume", source=Literal(""), target=template.expr(parts[0]), place=node.place)
    source = template.expr(parts[0])
    read_only = len(parts) > 2 and "ro" in parts[2].split(",")
    return Mount(
        kind=_mount_kind(source), source=source, target=template.expr(parts[1]), read_only=read_only, place=node.place
    )


def _mount_kind(source: Expr) -> _MountKind:
    """A folder if it is written as a path, a volume if as a name; a variable may be either."""
    if isinstance(source, Literal):
        text = str(source.value)
        return "bind" if text.startswith((".", "/", "~")) or _DRIVE.match(text) else "volume"
    if isinstance(source, Concat):
        first, *others = source.parts
        if isinstance(first, Literal):
            return _mount_kind(first)
        return "bind" if any("/" in (literal_text(part) or "") for part in others) else "unknown"
    if isinstance(source, EnvVar) and source.default is not None and literal_text(source.default) != "":
        return "bind" if _mount_kind(source.default) == "bind" else "unknown"
    return "unknown"


def _long_mount(node: YamlNode) -> Mount | None:
    kinds: dict[str, _MountKind] = {"bind": "bind", "volume": "volume", "tmpfs": "empty"}
    target = _expr(node.get("target"))
    if target is None:
        return None
    read_only = node.get("read_only")
    return Mount(
        kind=kinds.get(_text(node.get("type")), "unknown"),
        source=_expr(node.get("source")) or _expr(node.get("src")) or Literal(""),
        target=target,
        subpath=_text(node.get("volume", "subpath")),
        read_only=read_only is not None and read_only.scalar is True,
        place=node.place,
    )


def _object_mount(node: YamlNode, kind: _MountKind, folder: str) -> Iterator[Mount]:
    name = _text(node.get("source") if node.is_mapping else node)
    target = _text(node.get("target")) or name
    if name:
        path = target if target.startswith("/") else folder + target
        yield Mount(kind=kind, source=interpolate(name), target=interpolate(path), read_only=True, place=node.place)


def _ports(service: YamlNode) -> Iterator[Port]:
    for element in _listed(service.get("ports")):
        if element.is_mapping:
            container = _expr(element.get("target"))
            if container is not None:
                published = _expr(element.get("published"))
                yield from _port_range(_port(container), published, _text(element.get("name")), element.place)
        else:
            yield from _short_ports(element)
    for element in _listed(service.get("expose")):
        yield from _short_ports(element)


def _short_ports(node: YamlNode) -> Iterator[Port]:
    """``[[ADDRESS:]PUBLISHED:]CONTAINER[/PROTOCOL]``, both also as ranges."""
    if not node.text:
        return
    try:
        template = Template(node.text)
    except ValueError as error:
        yield Port(container=Unknown(str(error)), place=node.place)
        return
    parts = template.text.split("/", 1)[0].rsplit(":", 2)
    published = template.expr(parts[-2]) if len(parts) > 1 and parts[-2] else None
    yield from _port_range(_port(template.expr(parts[-1])), published, "", node.place)


def _port_range(container: Expr, published: Expr | None, name: str, place: Place) -> Iterator[Port]:
    inside, outside = _range(container), _range(published)
    if inside is None or (published is not None and (outside is None or len(outside) != len(inside))):
        outer = None if published is None else _port(published)
        yield Port(container=container, published=outer, name=name, place=place)
        return
    for index, number in enumerate(inside):
        outer = None if outside is None else Literal(outside[index])
        yield Port(container=Literal(number), published=outer, name=name, place=place)


def _range(expr: Expr | None) -> range | None:
    """The ports of ``8080`` or ``8000-8003``; None for others, and for a range over `PORT_RANGE_LIMIT`."""
    if not isinstance(expr, Literal):
        return None
    first, _, last = str(expr.value).strip().partition("-")
    last = last or first
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()) or len(first) + len(last) > 10:
        return None
    ports = range(int(first), int(last) + 1)
    return ports if 0 < len(ports) <= PORT_RANGE_LIMIT else None


def _port(expr: Expr) -> Expr:
    """A port number as a number, also where it is a variable's default."""
    if isinstance(expr, Literal):
        text = str(expr.value).strip()
        return Literal(int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else expr
    if isinstance(expr, EnvVar) and expr.default is not None:
        return EnvVar(expr.key, _port(expr.default), expr.scope, expr.empty_counts)
    return expr


def _probes(node: YamlNode | None) -> Iterator[Probe]:
    if node is None or not node.is_mapping:
        return
    disable = node.get("disable")
    test = node.get("test")
    first = next(iter(_texts(test)), "") if test is not None and test.is_sequence else ""
    if (disable is not None and disable.scalar is True) or first == "NONE":
        return
    retries = node.get("retries")
    failures = retries.scalar if retries is not None else None
    yield Probe(
        kind="healthcheck",
        command=_probe_command(test),
        period_seconds=_seconds(node.get("interval")),
        timeout_seconds=_seconds(node.get("timeout")),
        failures=failures if isinstance(failures, int) else None,
        delay_seconds=_seconds(node.get("start_period")),
        place=node.place,
    )


def _probe_command(test: YamlNode | None) -> Command | None:
    if test is None:
        return None
    if not test.is_sequence:
        shell = _expr(test)
        return Command(shell=shell, place=test.text_place) if shell is not None else None
    words = [_expr(element) or Literal("") for element in test.elements()]
    kind = literal_text(words[0]) if words else None
    if kind == "CMD-SHELL" and len(words) > 1:
        return Command(shell=words[1], place=test.text_place)
    if kind == "CMD":
        return Command(argv=_without_secrets(words[1:]), place=test.text_place)
    return None


def _dependencies(node: YamlNode | None) -> Iterator[Dependency]:
    if node is None:
        return
    for key, key_node, value in node.items():
        condition = _text(value.get("condition")) or "service_started"
        yield Dependency(name=key, condition=condition, place=key_node.place)
    for element in node.elements():
        if element.text:
            yield Dependency(name=element.text, place=element.place)


def _names(service: YamlNode) -> tuple[str, ...]:
    """Names beside the service's own by which other containers reach it; those with interpolations are left out."""
    names = [_text(service.get("container_name")), _text(service.get("hostname"))]
    networks = service.get("networks")
    if networks is not None:
        for _, _, network in networks.items():
            names.extend(_texts(network.get("aliases")))
    return tuple(dict.fromkeys(name for name in names if name and "$" not in name))


def _networks(node: YamlNode | None) -> tuple[str, ...]:
    if node is None:
        return ()
    return tuple(key for key, _, _ in node.items()) if node.is_mapping else _texts(node)


def _quantities(*pairs: tuple[str, YamlNode | None]) -> Iterator[Quantity]:
    for resource, node in pairs:
        amount = _expr(node)
        if node is not None and amount is not None:
            yield Quantity(resource=resource, amount=amount, place=node.place)


def _requests(service: YamlNode) -> Iterator[Quantity]:
    reserved = service.get("deploy", "resources", "reservations")
    yield from _quantities(
        ("cpu", reserved.get("cpus") if reserved else None),
        ("memory", (reserved.get("memory") if reserved else None) or service.get("mem_reservation")),
    )
    for device in _listed(reserved.get("devices") if reserved else None):
        yield from _gpus(device)
    gpus = service.get("gpus")
    if gpus is not None and gpus.text:
        yield Quantity(resource="nvidia.com/gpu", amount=interpolate(gpus.text), place=gpus.place)
    elif gpus is not None:
        for device in gpus.elements():
            yield from _gpus(device)


def _gpus(device: YamlNode) -> Iterator[Quantity]:
    driver = _text(device.get("driver"))
    capabilities = _texts(device.get("capabilities"))
    if driver != "nvidia" and (driver or "gpu" not in capabilities):
        return
    listed = device.get("device_ids")
    if listed is not None and listed.is_sequence:
        amount: Expr = Literal(str(len(list(listed.elements()))))
    else:
        amount = _expr(device.get("count")) or Literal("all")  # the specification's default
    yield Quantity(resource="nvidia.com/gpu", amount=amount, place=device.place)


def _limits(service: YamlNode) -> Iterator[Quantity]:
    limits = service.get("deploy", "resources", "limits")
    yield from _quantities(
        ("cpu", (limits.get("cpus") if limits else None) or service.get("cpus")),
        ("memory", (limits.get("memory") if limits else None) or service.get("mem_limit")),
    )


# ---------------------------------------------------------------------------------------------------- services


def _workload(path: str, name: str, place: Place, service: YamlNode) -> Workload:
    return Workload(
        tool="compose",
        kind="compose",
        name=name,
        scope=path,
        replicas=_expr(service.get("deploy", "replicas")) or _expr(service.get("scale")),
        labels=tuple(_labels(service.get("labels"))),
        restart_policy=_text(service.get("deploy", "restart_policy", "condition")),
        place=place,
    )


def _container(workload: str, name: str, place: Place, service: YamlNode) -> Container:
    return Container(
        tool="compose",
        workload=workload,
        name=name,
        image=_expr(service.get("image")),
        entrypoint=_command(service.get("entrypoint")),
        command=_command(service.get("command")),
        workdir=_expr(service.get("working_dir")),
        variables=_variables(service.get("environment")),
        variable_sources=tuple(_sources(service.get("env_file"))),
        mounts=tuple(_mounts(service)),
        ports=tuple(_ports(service)),
        probes=tuple(_probes(service.get("healthcheck"))),
        requests=tuple(_requests(service)),
        limits=tuple(_limits(service)),
        dependencies=tuple(_dependencies(service.get("depends_on"))),
        aliases=_names(service),
        networks=_networks(service.get("networks")),
        host_network=_text(service.get("network_mode")) == "host",
        extra_hosts=tuple(_extra_hosts(service.get("extra_hosts"))),
        shares_network_of=_shared_network(_text(service.get("network_mode"))),
        shared_memory=_expr(service.get("shm_size")),
        ipc=_text(service.get("ipc")),
        pull_policy=_text(service.get("pull_policy")),
        profiles=_texts(service.get("profiles")),
        restart=_text(service.get("restart")),
        place=place,
    )


def _extra_hosts(node: YamlNode | None) -> Iterator[str]:
    """The names of ``NAME=ADDRESS``, ``NAME:ADDRESS``, or of a mapping."""
    if node is not None and node.is_mapping:
        yield from (name for name, _, _ in node.items())
    else:
        yield from (re.split("[:=]", text, maxsplit=1)[0].strip() for text in _texts(node))


def _shared_network(mode: str) -> str:
    """The service of ``network_mode: service:NAME`` (docs.docker.com/reference/compose-file/services/#network_mode)."""
    kind, _, name = mode.partition(":")
    return name if kind == "service" else ""


def _build(service: YamlNode, owner: str) -> ImageBuild | None:
    node = service.get("build")
    if node is None or not (node.text or node.is_mapping):
        return None
    inline = node.get("dockerfile_inline")
    dockerfile = _expr(node.get("dockerfile")) if inline is None else Unknown("it is written in the compose file")
    images = [_expr(service.get("image")), *(_expr(tag) for tag in _listed(node.get("tags")))]
    return ImageBuild(
        builder="compose",
        owner=owner,
        images=tuple(image for image in images if image is not None),
        context=_expr(node) or _expr(node.get("context")) or Literal("."),
        dockerfile=dockerfile,
        dockerfile_in_context=True,
        target=_text(node.get("target")),
        arguments=_variables(node.get("args")),
        place=service.key_place("build"),
    )


def _service(path: str, name: str, key: YamlNode, service: YamlNode) -> Iterator[Fact | Diagnostic]:
    workload = _workload(path, name, key.place, service)
    yield workload
    container = _container(workload.identity, name, key.place, service)
    container = msgspec.structs.replace(container, extends=_extended(path, service.get("extends")))
    build = _build(service, container.identity)
    if build is None:
        yield container
    else:
        yield msgspec.structs.replace(container, build=build.identity)
        yield build


def _extended(path: str, node: YamlNode | None) -> str:
    """The workload that ``extends`` names: a service, or a service of another file, seen from this one."""
    if node is None:
        return ""
    service = _text(node) or _text(node.get("service"))
    file = _text(node.get("file"))
    where = posixpath.normpath(posixpath.join(path.rpartition("/")[0], file)) if file else path
    return Workload(tool="compose", kind="compose", name=service, scope=where, place=node.place).identity


def _claims(path: str) -> bool:
    folder, _, name = path.lower().rpartition("/")
    stem, _, extension = name.rpartition(".")
    if extension not in ("yml", "yaml") or "compose" not in stem or folder.endswith(".github/workflows"):
        return False
    return not {"compose", "dockercompose"}.isdisjoint(re.split(r"[-_.]", stem))


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    told = False
    for document in file.documents:
        services = document.get("services")
        if services is None or not services.is_mapping or document.get("apiVersion") is not None:
            continue
        if not told:
            told = True
            yield from _purposes.stated(file.path, file.text)
            yield from repeated_keys(file, "compose")
        for name, key, service in services.items():
            if service.is_mapping:
                yield from _service(file.path, name, key, service)
        if document.get("include") is not None:
            message = "'include' is not followed; services of the included files are read where they are"
            yield Diagnostic(document.key_place("include"), "note", message)


READER: Reader[YamlFile] = Reader(
    "compose", 6, YAML, (Workload, Container, ImageBuild, LocalPurpose, RepeatedKey), _claims, _read
)
