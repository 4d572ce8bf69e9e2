"""What files said when they were read last, so that a second run reads what has changed.

It lies in the user's cache folder, one file for each tree, and holds data alone: nothing that is read back can run. It
is used only if it is this user's own, written by the same readers, whole, and of the types that readers may state;
whatever else is found there counts as nothing. A file of the tree is taken as unchanged if size, time and inode are; if
in doubt, its content is compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from pytest_mlbreaks import __version__
from pytest_mlbreaks.file_facts import FileCodec, FileFacts
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.reading import Wanted
from pytest_mlbreaks.tree import Status

FOLDER_VARIABLE = "MLBREAKS_CACHE_DIR"
"""The environment variable that names another folder for it."""

KEPT_DAYS = 30
"""After so many days the facts of a tree that nobody judged again are removed."""

TICK = 2_000_000_000
"""Nanoseconds: file systems keep times as roughly as this (FAT), so a file changed so shortly before it was remembered
may have been changed once more without a trace."""

_LIBRARIES = ("sqlglot", "jinja2", "PyYAML", "packaging")
"""Distributions whose version may change what a file is said to say."""

_MAGIC = b"mlbreaks-facts\n"
_DIGEST = 16


class Remembered(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was: its status, the digest of its content, and its encoded `FileFacts`."""

    status: Status
    digest: bytes
    said: bytes


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """The content of a cache file. *written*: nanoseconds since the epoch."""

    namespace: str
    written: int
    files: dict[str, Remembered]
    claims: dict[str, tuple[str, ...]]


class FactsCache:
    """The remembered facts of one tree. *path* is its file, *namespace* (`namespace`) what must have written it.

    A file that is read as a *template* of a chart is told from the same file read as itself: which it is, another file
    decides.
    """

    def __init__(self, path: Path, namespace: str, codec: FileCodec) -> None:
        self._path = path
        self._namespace = namespace
        self._codec = codec
        self._written = 0
        self._old: dict[str, Remembered] = {}
        self._new: dict[str, Remembered] = {}
        #: By path, the names of the readers that want it: theirs to say by the path alone.
        self.claims: dict[str, tuple[str, ...]] = {}
        stored = _load(path)
        if stored is not None and stored.namespace == namespace:
            self._old, self._written, self.claims = stored.files, stored.written, stored.claims

    def unchanged(self, path: str, status: Status | None, *, template: bool = False) -> FileFacts[Any] | None:
        """What the file *path* says, where its *status* is enough to tell that it is as it was."""
        old = self._old.get(_key(path, template))
        if old is None or status is None or old.status != status or status[1] > self._written - TICK:
            return None
        return self._recall(path, old, status, template)

    def same(self, path: str, status: Status | None, digest: bytes, *, template: bool = False) -> FileFacts[Any] | None:
        """What the file *path* says, where its content is as it was."""
        old = self._old.get(_key(path, template))
        if old is None or status is None or old.digest != digest:
            return None
        return self._recall(path, old, status, template)

    def knows(self, path: str, *, template: bool = False) -> bool:
        """Whether there is something of *path* to compare with."""
        return _key(path, template) in self._old

    def _recall(self, path: str, old: Remembered, status: Status, template: bool) -> FileFacts[Any] | None:
        said = self._codec.decode(path, old.said)
        if said is not None:
            kept = old if old.status == status else Remembered(status, old.digest, old.said)
            self._new[_key(path, template)] = kept
        return said

    def remember(
        self, path: str, status: Status | None, digest: bytes, encoded: bytes | None, *, template: bool = False
    ) -> None:
        """Note what the file *path* says; *status* is of before it was read. Without one of them nothing is noted."""
        if status is not None and encoded is not None:
            self._new[_key(path, template)] = Remembered(status, digest, encoded)

    def save(self) -> None:
        """Write what is known now, where that is not what was read. A cache that can't be written is none."""
        if self._new == self._old:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            body = msgspec.msgpack.encode(_Stored(self._namespace, time.time_ns(), self._new, self.claims))
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix="writing-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_MAGIC + digest_of(body) + body)
                os.replace(name, self._path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
            _forget_old(self._path.parent)


def _key(path: str, template: bool) -> str:
    return f"{path}\0" if template else path  # no path holds that


def open_cache(root: str, part: str, packs: Packs) -> FactsCache | None:
    """The cache of the tree in the folder *root*, of its pipeline *part* ("" for all of it); None where its place would
    be in that folder, into which nothing is written."""
    folder = cache_folder()
    real = Path(os.path.realpath(root))
    if Path(os.path.realpath(folder)).is_relative_to(real):
        return None
    name = hashlib.sha256(f"{real}\0{part}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return FactsCache(folder / "facts" / name, namespace(packs, packs.wanted()), FileCodec(packs.facts))


def cache_folder() -> Path:
    """The user's cache folder for this program, or what `FOLDER_VARIABLE` names."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).absolute() if given else platformdirs.user_cache_path("mlbreaks", appauthor=False)


def digest_of(data: bytes) -> bytes:
    """The digest of a file's content."""
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def namespace(packs: Packs, wanted: Wanted) -> str:
    """What facts depend on besides the file: the readers, their code and versions, what they are asked for (*wanted*),
    the Python whose grammar they read by, and the libraries that parse."""
    parts: list[str] = [__version__, sys.implementation.cache_tag or "", *sorted(wanted.calls)]
    parts += [f"{name} {version}" for name, version in sorted(packs.versions.items())]
    parts += [f"{reader.name} {reader.version} {reader.format.kind}" for reader in packs.readers]
    for library in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            parts.append(f"{library} {importlib.metadata.version(library)}")
    tops = {reader.read.__module__.partition(".")[0] for reader in packs.readers}
    parts += [line for top in sorted(tops) for line in _code(top)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _code(top: str) -> Iterator[str]:
    """Size and time of each module of a package: a reader may be changed without a new version, while it is written."""
    module = sys.modules.get(top)
    for folder in getattr(module, "__path__", ()):
        pending = [folder]
        while pending:
            with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.is_dir() and entry.name != "__pycache__":
                        pending.append(entry.path)
                    elif entry.name.endswith(".py"):
                        info = entry.stat()
                        yield f"{entry.path} {info.st_size} {info.st_mtime_ns}"


def _load(path: Path) -> _Stored | None:
    """What the cache file *path* holds; None where it is not there, not this user's alone, damaged or anything else."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not _is_own(os.fstat(handle)):
            return None
        try:
            data = file.read()
        except OSError:
            return None
    start = len(_MAGIC) + _DIGEST
    body = memoryview(data)[start:]
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : start] != hashlib.blake2b(body, digest_size=_DIGEST).digest():
        return None
    try:
        return msgspec.msgpack.decode(body, type=_Stored)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _is_own(info: os.stat_result) -> bool:
    """Whether a file is a regular one that nobody but this user could have written (where the platform can say)."""
    if not stat.S_ISREG(info.st_mode):
        return False
    user = getattr(os, "getuid", None)
    return user is None or (info.st_uid == user() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _forget_old(folder: Path) -> None:
    """Remove what has not been written for `KEPT_DAYS` days."""
    limit = time.time() - KEPT_DAYS * 86_400
    entries: Iterable[os.DirEntry[str]]
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < limit:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)
