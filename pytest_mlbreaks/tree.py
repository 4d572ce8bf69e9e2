"""Trees: where files are read from - a folder, a git revision, memory - and nothing else is.

A tree lists its files once and reads a file when asked. It follows no link, runs nothing of the tree, and says in
`diagnostics` what it had to leave out.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from pytest_mlbreaks.model import Diagnostic, Place

SIZE_LIMIT = 5_000_000
"""Bytes. A larger file is not read: configuration and code are far smaller, and data is not what we judge."""

NOTEBOOK_SIZE_LIMIT = 100_000_000
"""Bytes of a notebook: most of them are outputs, which are skipped."""

_PART = 65_536
"""Bytes that are read of a file that grew since its size was asked for."""

GIT_SECONDS = 60
"""How long git may take for one answer."""

SKIPPED_FOLDERS = frozenset(
    {
        *(".git", ".hg", ".svn", "node_modules", "__pycache__", "site-packages", ".tox", ".nox", ".venv", "venv"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints", ".eggs", ".terraform", ".idea"),
    }
)
"""Folders that hold what tools made or fetched; nobody's pipeline is written there."""


Status = tuple[int, int, int]
"""Of a file: bytes, time of its last change in nanoseconds, inode. Where they are as they were, it is unchanged."""


class ReadError(Exception):
    """A file of the tree that can't be read; the text says why, for people."""


class Tree(Protocol):
    """What readers and link see of a repository."""

    @property
    def root(self) -> str:
        """A name of the tree for people: a folder, or folder@revision."""

    @property
    def revision(self) -> str | None:
        """The full commit id that the tree shows, where it is known."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What could not be listed."""

    @property
    def beyond(self) -> Mapping[str, str]:
        """What the tree refers to and does not hold (submodules, files left out of a sparse checkout), and why."""

    def paths(self) -> tuple[str, ...]:
        """All files, relative to the root with ``/``, sorted."""

    def read(self, path: str) -> bytes:
        """The content of a file of `paths`. Raises ReadError."""

    @property
    def folder(self) -> str | None:
        """The folder whose files these are as they lie there, for who reads them in another process; None where the
        tree is something else."""

    def status(self, path: str) -> Status | None:
        """Of a file of `paths`, when it was listed; None where the tree is no folder."""


class MemoryTree:
    """A tree of given files, for pages and tests."""

    def __init__(self, files: Mapping[str, str | bytes], *, root: str = "memory") -> None:
        self._files = {p: c.encode() if isinstance(c, str) else c for p, c in files.items()}
        self.root = root
        self.revision: str | None = None
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self.beyond: Mapping[str, str] = {}
        self.folder: str | None = None

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self._files))

    def status(self, path: str) -> Status | None:
        return None

    def read(self, path: str) -> bytes:
        data = self._files[path]
        if len(data) > size_limit(path):
            raise ReadError(too_large(len(data), size_limit(path)))
        return data


class PartTree:
    """A tree without some of its files: those are not missing, they are beyond it.

    *left_out* tells for a path which folder or file on the way to it is left out, and why; None where it is not.
    """

    def __init__(self, tree: Tree, left_out: Callable[[str], tuple[str, str] | None]) -> None:
        self._tree = tree
        self.root = tree.root
        self.revision = tree.revision
        beyond = dict(tree.beyond)
        kept = []
        for path in tree.paths():
            told = left_out(path)
            if told is None:
                kept.append(path)
            else:
                beyond[told[0]] = told[1]
        self._paths = tuple(kept)
        self.folder = tree.folder
        self.beyond: Mapping[str, str] = beyond
        self.diagnostics = tuple(d for d in tree.diagnostics if left_out(d.place.path) is None)

    def paths(self) -> tuple[str, ...]:
        return self._paths

    def read(self, path: str) -> bytes:
        return self._tree.read(path)

    def status(self, path: str) -> Status | None:
        return self._tree.status(path)


class FolderFiles:
    """Reads files of a folder by their paths in it, none that is reached through a link."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: dict[str, bool] = {"": True}

    def read(self, path: str) -> bytes:
        """The content of a file. Raises ReadError."""
        if not self.is_inside(path):
            raise ReadError("reached through a link; not read")
        # O_NONBLOCK: a pipe that took a file's place since it was listed must not hang us.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(os.path.join(self._root, path), flags)
            try:
                info = os.fstat(handle)
                if not stat.S_ISREG(info.st_mode):
                    raise ReadError("not a regular file; not read")
                if info.st_size > size_limit(path):
                    raise ReadError(too_large(info.st_size, size_limit(path)))
                # in one call nearly always, since the size is known; then one that finds nothing more
                parts = [os.read(handle, info.st_size + 1)]
                while parts[-1]:
                    parts.append(os.read(handle, _PART))
                return b"".join(parts)
            finally:
                os.close(handle)
        except OSError as error:
            raise ReadError(f"can't be read: {error.strerror or type(error).__name__}") from error

    def is_inside(self, path: str) -> bool:
        """Whether no folder on the way to *path* is a link."""
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            own = not os.path.islink(os.path.join(self._root, folder))
            self._folders[folder] = own and self.is_inside(folder)
        return self._folders[folder]


class FolderTree:
    """The files of a folder: what git tracks or would track where it is a work tree, else all but `SKIPPED_FOLDERS`.

    Ignored files are left out so that a laptop and a clean checkout are judged alike.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder}: no such folder")
        self._folder = folder
        self.root = str(folder)
        self._diagnostics: list[Diagnostic] = []
        self.revision: str | None = None
        self.beyond: dict[str, str] = {}
        self.folder: str | None = self.root
        self._files = FolderFiles(self.root)
        self._statuses: dict[str, Status] = {}
        listed = self._list_with_git()
        paths = self._walk() if listed is None else self._only_files(listed)
        self._paths = tuple(sorted(path for path in paths if self._sane(path)))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(self._diagnostics)

    def paths(self) -> tuple[str, ...]:
        return self._paths

    def read(self, path: str) -> bytes:
        return self._files.read(path)

    def status(self, path: str) -> Status | None:
        return self._statuses.get(path)

    def _list_with_git(self) -> Iterable[str] | None:
        if not any((parent / ".git").exists() for parent in (self._folder, *self._folder.parents)):
            return None
        tracked = git(self._folder, "ls-files", "-z", "--stage")
        others = git(self._folder, "ls-files", "-z", "--others", "--exclude-standard")
        for listing in (tracked, others):
            if listing.returncode != 0:
                message = f"git could not be asked, all files are read: {_why(listing.stderr)}"
                self._diagnostics.append(Diagnostic(Place("."), "warning", message))
                return None
        names = {os.fsdecode(name) for name in others.stdout.split(b"\0") if name}
        for entry in tracked.stdout.split(b"\0"):
            meta, _, name = entry.partition(b"\t")
            if meta.startswith(b"160000"):
                self.beyond[os.fsdecode(name)] = "a submodule"
            elif name:
                names.add(os.fsdecode(name))
        if not names and any(entry.name != ".git" for entry in self._folder.iterdir()):
            message = "git ignores this whole folder; all files are read"
            self._diagnostics.append(Diagnostic(Place("."), "warning", message))
            return None
        head = git(self._folder, "rev-parse", "--verify", "--quiet", "HEAD")
        self.revision = head.stdout.decode().strip() or None if head.returncode == 0 else None
        return names

    def _only_files(self, paths: Iterable[str]) -> Iterable[str]:
        for path in paths:
            if any(part in SKIPPED_FOLDERS for part in path.split("/")[:-1]):
                continue
            try:
                info = os.lstat(os.path.join(self.root, path))
            except OSError:
                self.beyond[path] = "tracked by git, but not in the work tree"
                continue
            mode = info.st_mode
            if stat.S_ISREG(mode) and self._files.is_inside(path):
                self._statuses[path] = (info.st_size, info.st_mtime_ns, info.st_ino)
                yield path
            else:
                self._note_left_out(path, is_link=not stat.S_ISREG(mode) and stat.S_ISLNK(mode))

    def _note_left_out(self, path: str, *, is_link: bool) -> None:
        message = "a link; not followed" if is_link else "not a regular file, or reached through a link; not read"
        self._diagnostics.append(Diagnostic(Place(path), "note", message))
        self.beyond[path] = message

    def _sane(self, path: str) -> bool:
        """Whether a name is one that can be told in a report and leads nowhere else; notes it if not."""
        try:
            path.encode()
        except UnicodeEncodeError:
            shown = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
            self._diagnostics.append(Diagnostic(Place(shown), "error", "the file's name is not UTF-8; not read"))
            return False
        return not path.startswith("/") and not {"", ".", ".."} & set(path.split("/"))

    def _walk(self) -> Iterable[str]:
        pending = [""]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(os.path.join(self.root, folder)) as entries:
                    for entry in entries:
                        path = f"{folder}/{entry.name}" if folder else entry.name
                        if entry.is_symlink():
                            self._note_left_out(path, is_link=True)
                            continue
                        if entry.is_dir():
                            if entry.name not in SKIPPED_FOLDERS and not os.path.exists(
                                os.path.join(self.root, path, "pyvenv.cfg")
                            ):
                                pending.append(path)
                        elif entry.is_file():
                            info = os.lstat(os.path.join(self.root, path))  # on Windows an entry's own has no inode
                            self._statuses[path] = (info.st_size, info.st_mtime_ns, info.st_ino)
                            yield path
                        else:
                            self._note_left_out(path, is_link=False)
            except OSError as error:
                place = Place(folder or ".")
                self._diagnostics.append(Diagnostic(place, "error", f"folder can't be listed: {error.strerror}"))


class GitTree:
    """The files of a folder's repository at a revision, read from git's objects; the work tree is not touched."""

    def __init__(self, folder: Path, revision: str) -> None:
        found = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found.returncode != 0:
            raise ValueError(f"{folder}: git knows no revision {revision!r}")
        commit = found.stdout.decode().strip()
        self._folder = folder
        self.revision: str | None = commit
        self.root = f"{folder}@{commit[:12]}"
        self.folder: str | None = None
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self._objects: dict[str, tuple[str, int]] = {}
        self._blobs: dict[str, bytes] = {}
        # -l: sizes, so that a huge file is never loaded; --full-tree is not given: paths are relative to the folder
        listing = git(folder, "ls-tree", "-r", "-l", "-z", commit)
        if listing.returncode != 0:
            raise ValueError(f"{folder}: git can't list {revision!r}: {_why(listing.stderr)}")
        self.beyond: dict[str, str] = {}
        for entry in listing.stdout.split(b"\0"):
            if not entry:
                continue
            meta, _, name = entry.partition(b"\t")
            mode, kind, sha, size = meta.split()
            path = name.decode(errors="backslashreplace")
            if kind == b"commit":
                self.beyond[path] = "a submodule"
            if kind == b"blob" and mode != b"120000" and not any(p in SKIPPED_FOLDERS for p in path.split("/")[:-1]):
                self._objects[path] = (sha.decode(), int(size) if size.isdigit() else 0)

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self._objects))

    def read(self, path: str) -> bytes:
        sha, size = self._objects[path]
        if size > size_limit(path):
            raise ReadError(too_large(size, size_limit(path)))
        if not self._blobs:
            self._load()
        try:
            return self._blobs[sha]
        except KeyError:
            raise ReadError("git does not have its content") from None

    def status(self, path: str) -> Status | None:
        return None

    def _load(self) -> None:
        """Read all blobs of a readable size by one git process: a process for each would take minutes."""
        wanted = dict.fromkeys(sha for path, (sha, size) in self._objects.items() if size <= size_limit(path))
        answer = git(self._folder, "cat-file", "--batch", stdin="\n".join(wanted).encode()).stdout
        position = 0
        for sha in wanted:
            end = answer.find(b"\n", position)
            header = answer[position:end].split()
            position = end + 1
            if len(header) == 3:
                size = int(header[2])
                self._blobs[sha] = answer[position : position + size]
                position += size + 1


def size_limit(path: str) -> int:
    """The most bytes that a file of that name may have to be read."""
    return NOTEBOOK_SIZE_LIMIT if path.endswith(".ipynb") else SIZE_LIMIT


def too_large(size: int, limit: int = SIZE_LIMIT) -> str:
    """The sentence about a file over its limit."""
    return f"{size / 1e6:.0f} MB is over the limit of {limit / 1e6:.0f} MB; not read"


def find_root(start: Path) -> Path:
    """The top of the git repository that holds *start*, else *start* itself."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a read-only git command in *folder*, with everything off by which the repository's own configuration, or
    an attribute in it, could start a program. A git that is not installed answers like one that failed."""
    safe = (
        *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external="),
        *("-c", "core.pager=cat"),
        *("-c", "protocol.allow=never", "-c", "core.sshCommand=false", "-c", "credential.helper="),
        "--no-optional-locks",
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    program = shutil.which("git")
    if program is None or Path(program).resolve().is_relative_to(folder.resolve()):
        return subprocess.CompletedProcess(["git"], 127, b"", b"git is not installed")
    command = [program, *safe, "-C", str(folder), *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, env=environment, input=stdin, check=False, timeout=GIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, b"", b"git did not answer in time")
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, b"", str(error.strerror).encode())


def _why(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[0] if lines else "no reason given"
