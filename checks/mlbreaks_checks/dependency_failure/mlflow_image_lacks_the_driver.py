"""MLflow's server runs by the official image, upon a database or a store whose driver is not in that image.

The image holds MLflow and what it requires, and that is no driver of a database and no client of S3.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests, _shells, _stores
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Install,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="static")

_IMAGE = "ghcr.io/mlflow/mlflow"
_STORE = "--backend-store-uri"
_ARTIFACTS = "--artifacts-destination"
_DRIVERS: dict[str, tuple[str, ...]] = {
    "postgresql": ("psycopg2", "psycopg2-binary", "psycopg"),
    "postgres": ("psycopg2", "psycopg2-binary", "psycopg"),
    "postgresql+psycopg2": ("psycopg2", "psycopg2-binary"),
    "postgresql+psycopg": ("psycopg", "psycopg-binary"),
    "mysql": ("mysqlclient",),
    "mysql+pymysql": ("pymysql",),
    "mysql+mysqldb": ("mysqlclient",),
    "mssql+pyodbc": ("pyodbc",),
    "mssql+pymssql": ("pymssql",),
    "s3": ("boto3",),
    "gs": ("google-cloud-storage",),
}
"""By scheme: distributions of which one has to be there.

Source: https://docs.sqlalchemy.org/en/20/dialects/ and https://mlflow.org/docs/latest/self-hosting/architecture/artifact-store
"""
_WITH_ALL = re.compile(r"mlflow\[[^\]]*\b(?:db|extras|sqlserver)\b")
_EXTRAS = frozenset({"db", "extras", "sqlserver"})
_INSTALLS = re.compile(r"\b(?:pip3?|uv|conda|apt-get|apt)\b[^\n;&|]*\b(?:install|add|sync)\b[^\n;&|]*")
_SCHEME = re.compile(r"([a-z0-9]+(?:\+[a-z0-9]+)?)://")


def _runs_the_image(process: Process, pipeline: Pipeline) -> bool:
    """Whether a container starts MLflow's server by the official image, or by one of the tree that is made from it."""
    return _image_of(process, pipeline) is not None and bool(_uris(process, pipeline))


def _image_of(process: Process, pipeline: Pipeline) -> str | None:
    """The official image that is run, itself or as a base; None where it is none, or one with all drivers."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return None
    if process.stage is not None:
        text = pipeline.pattern(process.stage.base, process) if process.stage.base_stage is None else ""
    else:
        text = pipeline.pattern(container.image, process) if not container.build else ""
    reference = references.split_reference(text)
    if reference.repository != _IMAGE or reference.tag.endswith("full"):
        return None
    return text


def _server(process: Process) -> tuple[str, ...] | None:
    """The arguments of ``mlflow server``, or ``mlflow ui``, that a container starts."""
    for entry in process.entries:
        if posixpath.basename(entry.written) == "mlflow" and entry.arguments[:1] in (("server",), ("ui",)):
            return entry.arguments
    return None


def _uris(process: Process, pipeline: Pipeline) -> list[tuple[str, str, Place]]:
    """The schemes of what the server keeps its runs and files in, with the option that says so, and where."""
    arguments = _server(process)
    if arguments is None:
        return []
    place = next(entry.place for entry in process.entries if entry.arguments is arguments)
    told = _stores.told(process, pipeline)
    found = []
    for option, variable in ((_STORE, "MLFLOW_BACKEND_STORE_URI"), (_ARTIFACTS, "MLFLOW_ARTIFACTS_DESTINATION")):
        text, where = _option(arguments, option), place
        if text is None and variable in told:
            text, where = told[variable]
        match = _SCHEME.match(text or "")
        if match is not None and match[1] in _DRIVERS:
            found.append((match[1], option, where))
    return found


def _option(arguments: tuple[str, ...], name: str) -> str | None:
    for index, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag == name:
            return value if equals else next(iter(arguments[index + 1 : index + 2]), None)
    return None


@check.over(Process, where=_runs_the_image)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that runs MLflow's server by the official image upon a database or an object store."""
    image = _image_of(process, pipeline)
    installed, doubt = _installed(process, pipeline)
    for scheme, option, place in _uris(process, pipeline):
        drivers = _DRIVERS[scheme]
        if not installed.isdisjoint(drivers):
            continue
        if doubt:
            yield Unjudged(place, doubt)
            continue
        ends = "the server ends as soon as it starts" if option == _STORE else "no file of a run is taken or given"
        yield Finding(
            at=process.place,
            message=f"{process.name} runs {image} upon {scheme}://, and {drivers[0]} is not in that image: {ends}.",
            because=((place, f"what it is told to use ({option})"),),
            about=(option, scheme),
        )


def _installed(process: Process, pipeline: Pipeline) -> tuple[set[str], str]:
    """The drivers that are put in besides, in the image or when the container starts; and why there may be more."""
    found: set[str] = set()
    doubt = _doubt(process, pipeline)
    known = {name for names in _DRIVERS.values() for name in names}
    for started in _shells.of_process(process, pipeline):
        for match in _INSTALLS.finditer(started.text):
            found |= _named(match[0], known)
            if re.search(r"\{\*\}|\$|\s(?:-r|--requirement)\b|\bsync\b", match[0]):
                doubt = "what is installed at its start can't be told"
    if process.dockerfile is not None:
        for run in process.stage.runs if process.stage is not None else ():
            text = " ".join(_words(run, process, pipeline))
            for match in _INSTALLS.finditer(text):
                found |= _named(match[0], known)
        for install in pipeline.index(Install, _file).get(process.dockerfile.path, ()):
            found |= {package.name for package in install.packages}
            if any(one.name == "mlflow" and not _EXTRAS.isdisjoint(one.extras) for one in install.requirements):
                found |= known
            if "base image" not in install.unknown:  # what the base holds is known here
                doubt = doubt or install.unknown
        if process.assumed:
            doubt = doubt or process.assumed
    return found, doubt


def _doubt(process: Process, pipeline: Pipeline) -> str:
    """Why more may be there than is installed; "" where nothing says so."""
    container = process.fact
    if not isinstance(container, facts.Container):
        return ""
    if "PYTHONPATH" in process.variables:
        return "PYTHONPATH leads to more packages"
    reference = references.split_reference(_image_of(process, pipeline) or "")
    if (reference.digest and not reference.tag) or "{*}" in reference.tag:
        return "which variant of the image it is can't be told"
    if _stores.said_elsewhere(container, pipeline):
        return _stores.SAID_ELSEWHERE
    if container.tool == "kubernetes":
        return _manifests.image_may_change(container.path, pipeline, container)
    return ""


def _named(text: str, known: set[str]) -> set[str]:
    """The drivers that a command for installing names."""
    if _WITH_ALL.search(text):
        return known
    words = {re.split(r"[=<>~!\[;]", word.strip("'\""))[0].lower().replace("_", "-") for word in text.split()}
    return words & known


def _words(run: facts.Command, process: Process, pipeline: Pipeline) -> Iterator[str]:
    for part in (*(run.argv or ()), *((run.shell,) if run.shell is not None else ())):
        yield pipeline.pattern(part, process)


def _file(install: Install) -> str:
    return install.place.path
