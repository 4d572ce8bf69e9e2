"""A database or tracking server keeps its data in its container alone.

What a container writes outside of a volume goes with the container: with the pod on Kubernetes, with the next
``docker compose up`` after a change under compose.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    aside,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_POSTGRES = ("/var/lib/postgresql",)
_DATA: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("postgres", "pgvector", "postgis", "timescaledb"), _POSTGRES),
    **dict.fromkeys(("mysql", "mariadb"), ("/var/lib/mysql",)),
    "mongo": ("/data",),
    "elasticsearch": ("/usr/share/elasticsearch/data",),
    "opensearch": ("/usr/share/opensearch/data",),
    "qdrant": ("/qdrant/storage",),
    "weaviate": ("/var/lib/weaviate",),
    "clickhouse-server": ("/var/lib/clickhouse",),
    "neo4j": ("/data",),
    "cp-kafka": ("/var/lib/kafka",),
    "minio": ("/data",),
}
"""Official images, by the last part of their names, and where they keep their data (their own documentation)."""
_MLFLOW = "mlflow"
_STAYING = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Rollout", "Pod", "compose"})
_SERVERS = frozenset(
    {"postgres", "docker-entrypoint.sh", "mongod", "mysqld", "mariadbd", "minio", "elasticsearch", "neo4j"}
)


def _is_store(process: Process, pipeline: Pipeline) -> bool:
    """Whether the container is a store whose data does not outlive it by itself, and is run to stay."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or container.init or workload is None:
        return False
    if workload.kind not in _STAYING or pipeline.environment(container).tier is Tier.NONPROD:
        return False
    if container.tool == "compose" and container.restart in ("", "no"):
        return False  # started by hand for a while, on somebody's machine
    if _mlflow_store(process) is not None:
        return True
    return container.tool == "kubernetes" and _image(process, pipeline) in _DATA and _starts_server(process)


def _image(process: Process, pipeline: Pipeline) -> str:
    container = process.fact
    if not isinstance(container, facts.Container) or container.image is None or process.dockerfile is not None:
        return ""
    return posixpath.basename(references.split_reference(pipeline.pattern(container.image, process)).repository)


def _starts_server(process: Process) -> bool:
    """Whether the container runs the image's server, and not one of its clients (``pg_dump``, ``mc``)."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.entrypoint is None:
        return True
    return any(posixpath.basename(entry.written) in _SERVERS for entry in process.entries)


def _mlflow_store(process: Process) -> str | None:
    """Where an MLflow server keeps its runs, if it keeps them in files: a path, "" for the folder that it starts in.
    None for other containers, and for servers with a database."""
    for entry in process.entries:
        if posixpath.basename(entry.written) == _MLFLOW and entry.arguments[:1] == ("server",):
            given = process.variables.get("MLFLOW_BACKEND_STORE_URI")
            return _path_of(_option(entry.arguments) or (None if given is None else given.text or "{*}"))
    return None


def _option(arguments: tuple[str, ...]) -> str | None:
    for index, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag in ("--backend-store-uri", "--file-store"):
            return value if equals else next(iter(arguments[index + 1 : index + 2]), "{*}")
    return None


def _path_of(uri: str | None) -> str | None:
    if uri is None:
        return ""
    if uri.startswith("sqlite:///"):
        return uri.removeprefix("sqlite:///")
    path = uri.removeprefix("file://").removeprefix("file:")
    return None if "://" in path or "{*}" in path else path


@check.over(Process, where=_is_store)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs a database, or an MLflow server that keeps its runs in files."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or workload is None:
        return
    if container.tool == "kubernetes" and (
        _manifests.may_be_patched(container.path, pipeline, of=workload) or _manifests.is_rendered(workload)
    ):
        yield Unjudged(container.place, _manifests.PATCHED)
        return
    if _manifests.is_templated(container, pipeline, "volumeMounts", "volumes"):
        yield Unjudged(container.place, _manifests.TEMPLATED)
        return
    store = _mlflow_store(process)
    folders = _DATA.get(_image(process, pipeline), ()) if store is None else (store,)
    kept = [mount for mount in container.mounts if mount.kind not in ("empty", "configmap", "secret")]
    targets = [pipeline.pattern(mount.target, process).rstrip("/") for mount in kept]
    if store is not None and not store.startswith("/") and targets:
        if not any(target.count("/") < 2 or "{*}" in target for target in targets):
            yield Unjudged(container.place, "the folder that the server starts in can't be told")
        return
    if any(_is_one(target, folder) for target in targets for folder in folders):
        return
    if any(target in text for target in targets for text in _told(process, container, pipeline)):
        return  # it is told to keep its data elsewhere (PGDATA, --dbpath), and that is on a volume
    yield _finding(process, container, workload, folders[0] if folders else "")


def _has_one_copy(storage: facts.BrokerStorage, pipeline: Pipeline) -> bool:
    """Whether some topic of the tree is kept by one broker alone."""
    return not aside(storage.path) and any(topic.replicas == 1 for topic in pipeline.all(facts.KafkaTopic))


@check.over(facts.BrokerStorage, where=_has_one_copy)
def find_brokers(storage: facts.BrokerStorage, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at brokers of Strimzi whose storage is ephemeral, and at the topics that they keep one copy of."""
    topics = [topic for topic in pipeline.all(facts.KafkaTopic) if topic.replicas == 1]
    name = f"{storage.kind} {storage.name}" if storage.name else f"The {storage.kind}"
    yield Finding(
        at=storage.place,
        message=f"{name} keeps its data on no volume, and a topic has one copy: what was sent and not yet read is gone "
        "when the pod of its broker is replaced.",
        because=tuple((topic.place, "it has one replica") for topic in topics[:1]),
        group="strimzi",
        note="so do these brokers",
    )


def _told(process: Process, container: facts.Container, pipeline: Pipeline) -> list[str]:
    """What the container is started with: its arguments, and the values of its variables."""
    commands = [command for command in (container.entrypoint, container.command) if command is not None]
    texts = [pipeline.pattern(word, process) for command in commands for word in command.argv or ()]
    return texts + [str(only.value) for value in process.variables.values() if (only := value.only) is not None]


def _is_one(target: str, folder: str) -> bool:
    if "{*}" in target or not target:
        return True
    return target == folder or folder.startswith(f"{target}/") or target.startswith(f"{folder}/")


def _finding(process: Process, container: facts.Container, workload: facts.Workload, folder: str) -> Finding:
    emptied = [mount for mount in container.mounts if mount.kind == "empty"]
    where = f" in {folder}" if folder else ""
    compose = container.tool == "compose"
    what = "the container is made anew" if compose else "the pod is replaced"
    name = f"Service {process.name}" if compose else f"{workload.kind} {workload.name}"
    return Finding(
        at=container.place,
        message=f"{name} keeps its data{where} on no volume: all of it is gone when {what}.",
        because=tuple((mount.place, "an emptyDir ends with the pod") for mount in emptied[:1]),
        severity=Severity.MEDIUM if compose else None,
        lowered="compose keeps a container until it is changed or removed" if compose else "",
    )
