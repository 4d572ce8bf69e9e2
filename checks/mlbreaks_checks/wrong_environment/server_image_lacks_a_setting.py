"""A server's image is given no value for a setting without which it does not start.

The images of PostgreSQL, MySQL and others refuse to set up an empty database without a password, and end at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests, _stores
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_Needs = tuple[tuple[str, ...], ...]

_POSTGRES: _Needs = (("POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD"),)
_MYSQL = (
    *("MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE", "MYSQL_ALLOW_EMPTY_PASSWORD"),
    *("MYSQL_RANDOM_ROOT_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD_FILE"),
)
_MARIADB = (
    *("MARIADB_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD_FILE", "MARIADB_ROOT_PASSWORD_HASH"),
    *("MARIADB_ROOT_PASSWORD_HASH_FILE", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD"),
)
_NEEDS: dict[str, _Needs] = {
    **dict.fromkeys(
        ("postgres", "pgvector/pgvector", "ankane/pgvector", "postgis/postgis", "timescale/timescaledb"), _POSTGRES
    ),
    "mysql": (_MYSQL,),
    "mariadb": ((*_MARIADB, *_MYSQL),),
    "mcr.microsoft.com/mssql/server": (("ACCEPT_EULA",), ("MSSQL_SA_PASSWORD", "SA_PASSWORD")),
    "confluentinc/cp-kafka": (
        ("KAFKA_ADVERTISED_LISTENERS", "KAFKA_PROCESS_ROLES"),
        ("KAFKA_ZOOKEEPER_CONNECT", "KAFKA_PROCESS_ROLES"),
    ),
    "confluentinc/cp-zookeeper": (("ZOOKEEPER_CLIENT_PORT", "ZOOKEEPER_SECURE_CLIENT_PORT"),),
    "opensearchproject/opensearch": (
        (
            *("OPENSEARCH_INITIAL_ADMIN_PASSWORD", "DISABLE_SECURITY_PLUGIN", "DISABLE_INSTALL_DEMO_CONFIG"),
            "plugins.security.disabled",
        ),
    ),
}
"""By image: of each group one variable has to be set. What says so stands on the check's page."""

_OPENSEARCH_ASKS = (2, 12)
"""The release of OpenSearch from which on a password is asked for."""


def _needs(process: Process, pipeline: Pipeline) -> _Needs:
    container = process.fact
    if not isinstance(container, facts.Container) or container.init or not _stores.starts_its_own(container):
        return ()
    repository = _stores.repository(process, pipeline)
    if repository == "opensearchproject/opensearch":
        tag = references.split_reference(pipeline.pattern(container.image, process)).tag
        match = re.match(r"(\d+)\.(\d+)", tag)
        if match is None or (int(match[1]), int(match[2])) < _OPENSEARCH_ASKS:
            return ()
    return _NEEDS.get(repository, ())


def _is_such_a_server(process: Process, pipeline: Pipeline) -> bool:
    return bool(_needs(process, pipeline))


@check.over(Process, where=_is_such_a_server)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs the server of such an image."""
    container = process.fact
    lacking = next((one for one in _needs(process, pipeline) if process.variables.keys().isdisjoint(one)), None)
    if lacking is None or not isinstance(container, facts.Container):
        return
    doubt = _doubt(process, container, pipeline)
    if doubt:
        yield Unjudged(container.place, doubt)
        return
    image = pipeline.pattern(container.image, process)
    yield Finding(
        at=container.place,
        message=f"{process.name} runs {image} without {lacking[0]}: upon an empty volume it ends as soon as it starts.",
        because=tuple(_unused(process, container, lacking, pipeline)),
        about=(lacking[0],),
    )


def _doubt(process: Process, container: facts.Container, pipeline: Pipeline) -> str:
    """Why the setting may be given all the same; "" where it is not."""
    if not process.closed:
        return process.open_reason
    if container.tool == "compose":
        if _stores.said_elsewhere(container, pipeline):
            return _stores.SAID_ELSEWHERE
        return "a service that another file completes" if container.extends else ""
    workload = process.workload
    if workload is None or _manifests.may_be_patched(container.path, pipeline, of=workload):
        return _manifests.PATCHED
    if _manifests.is_templated(container, pipeline, "env", "envFrom"):
        return _manifests.TEMPLATED
    return ""


def _unused(
    process: Process, container: facts.Container, lacking: tuple[str, ...], pipeline: Pipeline
) -> Iterator[tuple[Place, str]]:
    """A ConfigMap or Secret of the namespace that holds the setting, and that the container does not take in."""
    workload = process.workload
    if container.tool != "kubernetes" or workload is None:
        return
    for name in lacking:
        for holder in pipeline.index(facts.ConfigObject, _keys, each=True).get(name, ()):
            if holder.namespace == workload.namespace:
                yield holder.place, f"{holder.kind} {holder.name} holds {name}, and the container does not take it in"
                return


def _keys(holder: facts.ConfigObject) -> tuple[str, ...]:
    return tuple(entry.name for entry in holder.entries)
