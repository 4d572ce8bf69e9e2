"""A store that keeps its data on a volume runs by a tag that moves to the next major release.

The release after next does not open the files of the one before: the store stays down until somebody migrates them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Fact,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.LOW, since="0.1")

_HUB = re.compile(r"^(?:(?:docker\.io|index\.docker\.io)/)?(?:library/)?")
_KEPT = frozenset({"bind", "volume", "claim", "host"})
_DEVELOPS = re.compile(r"manage\.py runserver\b|\b(npm|yarn|pnpm)( run)? (dev|start:dev)\b|\b(next|nuxt|vite) dev\b")
"""Servers for development: a compose file with one is a developer's own, and so is the store in it."""
_STAGE = re.compile(r"(?:^|_)(?:ENV|ENVIRONMENT|STAGE)$")
_DEVELOPMENT = frozenset({"dev", "development", "local"})
_URI = re.compile(r"--backend-store-uri[= ]+[\"']?((?:postgresql|mysql|mssql|sqlite)\S*)")


@dataclasses.dataclass(frozen=True)
class _Store:
    """A store: where it keeps its data, and what a new major release does with old data."""

    folder: str
    refuses: str


_POSTGRES = _Store(
    "/var/lib/postgresql",
    "a major release of PostgreSQL does not open the files of the one before",
)
_STORES = {
    "postgres": _POSTGRES,
    "postgis/postgis": _POSTGRES,
    "timescale/timescaledb": _POSTGRES,
    "mongo": _Store(
        "/data/db",
        "MongoDB opens data no older than one major release, counted from the one that it was last told to be like",
    ),
}
_MLFLOW = re.compile(r"(^|/)mlflow/mlflow$")
_SCHEMA = "MLflow's server refuses a database with the schema of an earlier release, until somebody upgrades it"


def _keeps_data(process: Process, pipeline: Pipeline) -> bool:
    """Whether a container that may be production runs a store known here, and keeps its data."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.image is None or container.build:
        return False
    if process.environment.tier is Tier.NONPROD or container.path in pipeline.index(Process, _says_development):
        return False
    if _kept(container, process, pipeline) is None:
        return False
    beside = pipeline.index(Process, _compose_file).get(container.path, ())
    return not any(_DEVELOPS.search(" ".join(_command(p.fact, p, pipeline))) for p in beside)


def _compose_file(process: Process) -> str | None:
    container = process.fact
    return container.path if isinstance(container, facts.Container) and container.tool == "compose" else None


def _says_development(process: Process) -> str | None:
    """The compose file of a service that is told to be one of a developer's machine; None for any other process."""
    if not isinstance(process.fact, facts.Container) or process.fact.tool != "compose":
        return None
    told = any(
        _STAGE.search(name) and (value.text or "").lower() in _DEVELOPMENT for name, value in process.variables.items()
    )
    return process.fact.path if told else None


@check.over(Process, where=_keeps_data)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs PostgreSQL, MongoDB or MLflow's server upon data that outlives it."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return
    image = pipeline.pattern(container.image, process)
    reference = references.split_reference(image)
    kept = _kept(container, process, pipeline)
    if kept is None or reference.digest or re.search(r"\d", reference.tag.replace("{*}", "")):
        return
    doubt = _manifests.image_may_change(container.path, pipeline, container) if container.tool == "kubernetes" else ""
    if "{*}" in reference.tag or doubt:
        yield Unjudged(process.place, doubt or "the tag that it runs can't be told")
        return
    refuses, place, where = kept
    anew = container.tool == "kubernetes" and container.pull_policy in ("", "Always")
    yield Finding(
        at=process.place,
        message=(
            f"{process.name} runs {image}, whatever release that is when it is pulled, upon data that stays: "
            f"{refuses}. After such a pull it does not start."
        ),
        because=((place, where),),
        about=(reference.repository,),
        severity=None if anew else Severity.MEDIUM,
        lowered="" if anew else "the image is pulled only when somebody asks for it",
    )


def _kept(container: facts.Container, process: Process, pipeline: Pipeline) -> tuple[str, Place, str] | None:
    """What happens to old data, and where it is said that the data stays; None for what is no such store, or keeps
    nothing."""
    repository = references.split_reference(pipeline.pattern(container.image, process)).repository
    store = _STORES.get(_HUB.sub("", repository))
    if store is not None:
        for mount in container.mounts:
            target = pipeline.pattern(mount.target, process)
            if mount.kind in _KEPT and f"{target}/".startswith(f"{store.folder}/"):
                return store.refuses, mount.place, f"its data stays in what is mounted at {target}"
        return None
    if _MLFLOW.search(repository):
        text = " ".join(_command(container, process, pipeline))
        match = _URI.search(text)
        variable = process.variables.get("MLFLOW_BACKEND_STORE_URI")
        given = match is not None or (
            variable is not None and re.match(r"(postgresql|mysql|mssql)", variable.text or "")
        )
        if given and "db upgrade" not in text and (container.mounts or not (match and match[1].startswith("sqlite"))):
            return _SCHEMA, process.place, "its database stays"
    return None


def _command(container: Fact, process: Process, pipeline: Pipeline) -> Iterator[str]:
    if not isinstance(container, facts.Container):
        return
    for command in (container.entrypoint, container.command):
        if command is not None:
            parts = (*(command.argv or ()), *((command.shell,) if command.shell is not None else ()))
            yield from (pipeline.pattern(part, process) for part in parts)
