"""What checks of installed packages have in common: whose image it is, and what code imports as which distribution."""

from __future__ import annotations

from mlbreaks_checks import _development
from pytest_mlbreaks.api import Install, Pipeline, Place, Process, aside, is_local, is_local_compose

_IMPORTED_AS = {
    "sklearn": ("scikit-learn",),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "PIL": ("pillow",),
    "yaml": ("pyyaml",),
    "bs4": ("beautifulsoup4",),
    "dotenv": ("python-dotenv",),
    "dateutil": ("python-dateutil",),
    "multipart": ("python-multipart",),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "skimage": ("scikit-image",),
    "imblearn": ("imbalanced-learn",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "docx": ("python-docx",),
    "pptx": ("python-pptx",),
    "magic": ("python-magic",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "attr": ("attrs",),
    "git": ("gitpython",),
    "slack_sdk": ("slack-sdk",),
    "googleapiclient": ("google-api-python-client",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "mlflow": ("mlflow", "mlflow-skinny"),
    "redis": ("redis",),
    "qdrant_client": ("qdrant-client",),
    "kafka": ("kafka-python", "kafka-python-ng"),
    "confluent_kafka": ("confluent-kafka",),
    "pkg_resources": ("setuptools",),
    "grpc": ("grpcio",),
    "google": (),  # a namespace of many: by the second part
    "azure": (),
    "opentelemetry": (),
}
"""Distributions that are imported under another name (the first part of it)."""

NAMESPACES = frozenset(name for name, found in _IMPORTED_AS.items() if not found)
"""What many distributions put something below."""


def distributions(target: str) -> set[str]:
    """The normalised names of the distributions that the import of *target* (``google.cloud.storage``) may mean."""
    top, _, rest = target.partition(".")
    known = _IMPORTED_AS.get(top)
    if known is None:
        return {top.lower().replace("_", "-")}
    if known:
        return set(known)
    parts = [top, *rest.split(".")]
    return {"-".join(parts[:n]).lower().replace("_", "-") for n in range(2, len(parts) + 1)}


def deployed(install: Install, pipeline: Pipeline) -> bool:
    """Whether something runs an image that the installation reaches, or CI pushes one."""
    return bool(_running(install.processes, pipeline)) or any(
        build.pushes for image in install.images for build in image.builds
    )


def _running(processes: tuple[Process, ...] | list[Process], pipeline: Pipeline) -> list[Process]:
    """Those that are no tests or examples, and not for a developer's machine alone."""
    return [process for process in processes if _counts(process) and not _development.is_local(process, pipeline)]


def _counts(process: Process) -> bool:
    """Whether what a process runs may be production. A compose file for a developer's machine builds the same image
    as production, unless the Dockerfile is for that machine, too."""
    if is_local_compose(process.place.path):
        return process.dockerfile is not None and not is_local(process.dockerfile.path)
    return not aside(process.place.path)


def who(processes: tuple[Process, ...] | list[Process], pipeline: Pipeline) -> str:
    """Who runs an image, in short, for a message."""
    processes = _running(processes, pipeline)
    if not processes:
        return "an image that CI pushes"
    others = len(processes) - 1
    return f"{processes[0].name} and {others} other{'s' if others > 1 else ''}" if others > 0 else processes[0].name


def run_by(processes: tuple[Process, ...] | list[Process], pipeline: Pipeline) -> tuple[tuple[Place, str], ...]:
    """The place of the first process that runs an image, as a related place of a finding."""
    return tuple((process.place, f"{process.name} runs the image") for process in _running(processes, pipeline)[:1])


def listed(names: list[str]) -> str:
    """Names in a sentence: all of up to four, else three and how many more."""
    if len(names) <= 4:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{', '.join(names[:3])} and {len(names) - 3} others"
