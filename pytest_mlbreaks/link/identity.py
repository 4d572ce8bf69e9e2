"""Identity: which datasets, tables and hosts are one and the same. When in doubt: none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from pytest_mlbreaks.link.values import LEFT_OPEN, Values
from pytest_mlbreaks.model import Dataset, Host, Pipeline, Place, Process, Value
from pytest_mlbreaks.model.facts import Container, DatasetAccess, Label, ModelAccess, NetworkService
from pytest_mlbreaks.model.near import deployment, distance, one_deployment, one_namespace

MOST_NAMES = 6
"""Names of one access, at most; code that opens more than these opens whatever it is given."""

_SCHEMES = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs", "wasbs": "wasb"}
_COMMON = frozenset({"data", "tmp", "output", "outputs", "input", "inputs", "model", "models", "temp"})
# What a scheduler fills in, or code takes from the clock: another value in every run of one and the same step.
_RUN_PARTS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{[^}]*\}|\$\([^)]*\)|%[YmdHMSjyB](?:[-_/]?%[YmdHMSjyB])*")
_TABLE = re.compile(r"[\w{}*$-]+(\.[\w{}*$-]+){1,2}$")


def dataset_name(text: str, kind: str) -> str | None:
    """The normal name of a dataset, or None where it is too vague to be anybody's.

    Scheme aliases, ``./`` and trailing slashes go; run dates and templates become ``{*}``. A path needs a part of at
    least three characters that says something; a table needs two or three parts, in lower case.
    """
    name = _RUN_PARTS.sub("{*}", text).strip()
    name = re.sub(r"(\{\*\})+", "{*}", name)
    if kind == "table":
        name = name.replace("`", "").replace('"', "").lower()
        last = name.rpartition(".")[2]
        return name if _TABLE.match(name) and "{*}" not in last else None
    scheme, separator, rest = name.partition("://")
    if separator:
        name = f"{_SCHEMES.get(scheme.lower(), scheme.lower())}://{rest}"
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".")]
    telling = [p for p in parts if len(p.replace("{*}", "")) >= 3 and p.lower() not in _COMMON and not p.endswith(":")]
    if not telling:
        return None
    return re.sub(r"(?<!:)/{2,}", "/", name).removeprefix("./").rstrip("/")


def datasets(pipeline: Pipeline, values: Values) -> Iterator[Dataset]:
    """All datasets that code names in a way that can be told."""
    found: dict[tuple[str, str], list[DatasetAccess]] = defaultdict(list)
    for access in pipeline.all(DatasetAccess):
        name_of = _path_name if access.kind == "path" else _table_name
        for name in _names(access, pipeline, values, name_of):
            found[name, access.kind].append(access)
    for (name, kind), accesses in found.items():
        yield Dataset(name, kind, tuple(sorted(accesses, key=in_notebook)))  # type: ignore[arg-type]


def _path_name(text: str) -> str | None:
    return dataset_name(text, "path")


def _table_name(text: str) -> str | None:
    return dataset_name(text, "table")


def _names(
    access: DatasetAccess | ModelAccess, pipeline: Pipeline, values: Values, name_of: Callable[[str], str | None]
) -> list[str]:
    """The names of what *access* opens: by what its code says; where that is one of several things, each of them; where
    a process decides, by each process that starts the file. None where that can't be told in full."""
    name = name_of(values.pattern(access.target))
    if name is not None:
        return [name]
    value = values.resolve(access.target)
    processes = pipeline.index(Process, _started, each=True).get(access.path, ())
    if value.complete or not processes:
        found = _each(value, name_of)
    else:
        each = (values.resolve(access.target, process) for process in processes[:MOST_NAMES])
        found = [name for one in each if one.complete for name in _each(one, name_of)]
    if not found and not value.complete:
        found = _each_pattern(values.patterns(access.target), name_of)
    found = list(dict.fromkeys(found))
    return found if len(found) <= MOST_NAMES else []


def _each_pattern(patterns: list[str], name_of: Callable[[str], str | None]) -> list[str]:
    """The names of all *patterns*; none where one of them says nothing by itself."""
    named = [name_of(text) for text in patterns]
    return [name for name in named if name is not None] if None not in named else []


def _each(value: Value, name_of: Callable[[str], str | None]) -> list[str]:
    """The names of all that *value* can be; its defaults, where only whoever runs the code may say otherwise."""
    defaults = value.reason.startswith(LEFT_OPEN)
    if not (value.complete or defaults) or len(value.alternatives) > MOST_NAMES:
        return []
    texts = [a.value for a in value if isinstance(a.value, str) and not a.secret]
    return [name for name in map(name_of, texts) if name is not None]


def _started(process: Process) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.path for entry in process.entries if entry.path is not None))


def in_notebook(access: DatasetAccess | ModelAccess) -> bool:
    """Modules go first: the first access is where the dataset or model stands, and a notebook is often nobody's."""
    return access.path.endswith(".ipynb")


def hosts(pipeline: Pipeline, values: Values) -> Iterator[Host]:
    """Compose services by each of their names, and Kubernetes Services."""
    by_name: dict[tuple[str, str], list[tuple[Process, Place]]] = defaultdict(list)
    by_labels: dict[tuple[str, str], list[Process]] = defaultdict(list)
    for process in pipeline.all(Process):
        fact = process.fact
        if not isinstance(fact, Container) or process.workload is None:
            continue
        if fact.tool == "compose":
            for name in dict.fromkeys((process.workload.name, *fact.aliases)):
                by_name[fact.place.path, name].append((process, fact.place))
        else:
            for label in process.workload.pod_labels:
                by_labels[label.key, label.value].append(process)
    for (network, name), behind in by_name.items():
        processes = tuple(process for process, _ in behind)
        ports, published = _ports(processes, values)
        yield Host(name, network, processes, ports, published, behind[0][1])
    for service in pipeline.all(NetworkService):
        if service.external:
            continue
        processes = _nearest_of(service, _selected(service.selector, by_labels))
        published = {}
        for port in service.ports:
            outer = _number(values.resolve(port.port).only)
            inner = _number(values.resolve(port.target).only) if port.target is not None else outer
            if outer is not None and inner is not None:
                published[outer] = inner
        network = f"{(deployment(service.scope) or service.path).rpartition('/')[0]}#{service.namespace}"
        yield Host(service.name, network, processes, _ports(processes, values)[0], published, service.place)


def _selected(selector: tuple[Label, ...], by_labels: dict[tuple[str, str], list[Process]]) -> list[Process]:
    if not selector:
        return []
    groups = [by_labels.get((label.key, label.value), []) for label in selector]
    rest = [{id(p) for p in group} for group in groups[1:]]
    return [p for p in groups[0] if all(id(p) in ids for ids in rest)]


def _nearest_of(service: NetworkService, processes: list[Process]) -> tuple[Process, ...]:
    """Those of *processes* in the service's namespace whose manifests lie nearest: overlays hold others."""
    reachable = [
        (distance(service.path, p.place.path)[1], p)
        for p in processes
        if p.workload is not None
        and one_namespace(service.namespace, p.workload.namespace)
        and one_deployment(service.scope, p.workload.scope)
    ]
    least = min((far for far, _ in reachable), default=None)
    return tuple(p for far, p in reachable if far == least)


def _ports(processes: tuple[Process, ...], values: Values) -> tuple[frozenset[int], dict[int, int]]:
    inside: set[int] = set()
    published: dict[int, int] = {}
    for process in processes:
        fact = process.fact
        if not isinstance(fact, Container):
            continue
        for port in fact.ports:
            inner = _number(values.resolve(port.container, process).only)
            outer = _number(values.resolve(port.published, process).only) if port.published is not None else None
            if inner is not None:
                inside.add(inner)
                if outer is not None:
                    published[outer] = inner
        for exposed in process.stage.ports if process.stage else ():
            number = _number(values.resolve(exposed, process).only)
            if number is not None:
                inside.add(number)
    return frozenset(inside), published


def _number(alternative: object) -> int | None:
    value = getattr(alternative, "value", None)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value).partition("/")[0] if value is not None else ""
    return int(text) if text.isdecimal() and len(text) < 7 else None
