"""A process that reads files of a folder for another one (`pytest_mlbreaks.workers`), and says what they say."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

import msgspec

from pytest_mlbreaks import packs
from pytest_mlbreaks.cache import digest_of, namespace
from pytest_mlbreaks.file_facts import FileCodec, read_file
from pytest_mlbreaks.reading import Source, Wanted
from pytest_mlbreaks.tree import FolderFiles
from pytest_mlbreaks.workers import Answer, Hello, receive, send


def main() -> None:
    """Answer on standard output what is asked on standard input, until that ends."""
    asked = sys.stdin.buffer
    # what some library prints must not get between the answers
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers, open(os.devnull, "wb") as nobody:
        os.dup2(nobody.fileno(), sys.stdout.fileno())
        first = receive(asked)
        if first is None:
            return
        hello = msgspec.msgpack.decode(first, type=Hello)
        try:
            installed = packs.load(checks_too=False)
        except packs.PackError:
            return
        wanted = Wanted(frozenset(hello.calls))
        if namespace(installed, wanted) != hello.namespace:
            return
        send(answers, b"ready")
        gc.disable()
        reader = _Reader(hello.root, installed, wanted)
        while (chunk := receive(asked)) is not None:
            paths = msgspec.msgpack.decode(chunk, type=list[str])
            send(answers, msgspec.msgpack.encode([reader.read(path) for path in paths]))


class _Reader:
    """Reads files of the folder *root* by the readers of *installed*, which are asked for what is *wanted*."""

    def __init__(self, root: str, installed: packs.Packs, wanted: Wanted) -> None:
        self._files = FolderFiles(root)
        self._readers = installed.readers
        self._wanted = wanted
        self._codec = FileCodec(installed.facts)

    def read(self, path: str) -> Answer:
        """What the file *path* says; nothing where that can't be told from here."""
        try:
            data = self._files.read(path)
            claiming = [reader for reader in self._readers if not reader.templates and reader.claims(path)]
        except (Exception, SystemExit):
            return Answer(b"", None)
        said = read_file(Source(path, data), claiming, self._wanted)
        return Answer(digest_of(data), self._codec.encode(said))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
