"""Where configuration is read from: the judged tree, and never through a link out of it; or the machine, for what the
command line and installed packages name."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import posixpath
import stat
import sys
from pathlib import Path
from typing import Protocol

from pytest_mlbreaks.tree import SIZE_LIMIT, ReadError, Tree, too_large

PACKAGE = "package:"


class Files(Protocol):
    """Files by path; *inside* tells whether they are of the judged tree, which names nothing outside of itself."""

    @property
    def inside(self) -> bool: ...

    def read(self, path: str) -> bytes | None:
        """The content of a file, None where there is none. Raises ReadError."""

    def shown(self, path: str) -> str:
        """The path as people know it."""


class RootFiles:
    """The files of the judged folder, by path relative to it. Links are followed within it alone."""

    inside = True

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    def read(self, path: str) -> bytes | None:
        if "\0" in path:
            return None
        real = os.path.realpath(os.path.join(self._root, path))
        if not Path(real).is_relative_to(self._root):
            raise ReadError("is a link that leads out of the repository")
        return _read(real)

    def shown(self, path: str) -> str:
        return path


class TreeFiles:
    """The files of a tree that is no folder: a git revision."""

    inside = True

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths = frozenset(tree.paths())

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path) if path in self._paths else None

    def shown(self, path: str) -> str:
        return path


class DiskFiles:
    """Files of the machine, by absolute path; *name* stands for the folder *base* where people are told of them."""

    inside = False

    def __init__(self, base: Path, name: str = "") -> None:
        self._base, self._name = base, name

    def read(self, path: str) -> bytes | None:
        return b"" if path == os.devnull else _read(path)

    def shown(self, path: str) -> str:
        try:
            relative = Path(path).relative_to(self._base).as_posix()
        except ValueError:
            return path
        return f"{self._name}/{relative}" if self._name else relative


def joined(files: Files, folder_of: str, path: str) -> str | None:
    """*path* as written in the file *folder_of*; None where it leads out of the judged tree."""
    if not files.inside:
        return os.path.normpath(os.path.join(os.path.dirname(folder_of), path))
    if path.startswith("/") or "\\" in path or ":" in path.partition("/")[0]:
        return None
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(folder_of), path))
    return None if whole.startswith("../") or whole in ("..", ".") else whole


def below(root: Path, folder: Path) -> str:
    """*folder* relative to *root*, with ``/``; "" where it is not below it: the configuration is then the root's."""
    real, top = Path(os.path.realpath(folder)), Path(os.path.realpath(root))
    return "" if real == top or not real.is_relative_to(top) else real.relative_to(top).as_posix()


def package_folder(name: str, root: Path) -> Path | None:
    """The folder of the installed package *name* (dashes may stand for underscores), found without importing anything.

    What lies in the judged tree is no installed package, except in the environment that runs us: else a repository
    could put a package of its own in the place of its organisation's.
    """
    module = name.replace("-", "_")
    if not module.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    for location in _locations(spec):
        folder = Path(os.path.realpath(location))
        environment = any(folder.is_relative_to(os.path.realpath(prefix)) for prefix in {sys.prefix, sys.base_prefix})
        if environment or not folder.is_relative_to(os.path.realpath(root)):
            return folder
    return None


def _locations(spec: importlib.machinery.ModuleSpec | None) -> list[str]:
    return list(spec.submodule_search_locations or ()) if spec is not None else []


def _read(path: str) -> bytes | None:
    try:
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode):
            raise ReadError("is not a regular file")
        if info.st_size > SIZE_LIMIT:
            raise ReadError(too_large(info.st_size))
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ReadError(f"can't be read: {getattr(error, 'strerror', None) or type(error).__name__}") from error
