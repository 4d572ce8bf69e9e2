"""Lock files: that they are there. What they pin is not read yet."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import LockFile
from pytest_mlbreaks.reading import Format, Reader, Source, Wanted

_TOOLS = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "Pipfile.lock": "pipenv",
    "pdm.lock": "pdm",
    "pixi.lock": "pixi",
    "conda-lock.yml": "conda-lock",
    "pylock.toml": "pylock",
}

LOCK: Format[Source] = Format("lock file", lambda source: source)
"""The content is not looked at."""


def claims(path: str) -> bool:
    """Lock files by name."""
    name = path.rpartition("/")[2]
    return name in _TOOLS or (name.startswith("pylock.") and name.endswith(".toml"))


def read(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """A `LockFile`."""
    name = source.path.rpartition("/")[2]
    yield LockFile(place=Place(source.path, 1), tool=_TOOLS.get(name, "pylock"))


READER: Reader[Source] = Reader("lock-files", 1, LOCK, (LockFile,), claims, read)
