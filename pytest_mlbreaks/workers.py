"""Reading with more than one process: workers that read files of a folder and send back what these say.

A worker is a fresh interpreter that runs `pytest_mlbreaks.worker`, not a fork: it works on every platform, beside
threads, and below a program that is not ours. Where one can't be started, or is of another version, or ends too early,
its files are read here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

CHUNK = 24
"""Files that a worker is given at a time: few enough that all are done at about the same time."""

MOST = 4
"""Processes that read, this one included, if nobody says how many: from there on what is done here alone decides."""

WORTH_BYTES = 2_000_000
"""From so many bytes of source on a second process saves more than its start costs."""

_LENGTH = 8


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a worker says of a file: the digest of its content and its encoded `FileFacts`; None where it has to be read
    by who asked."""

    digest: bytes
    said: bytes | None


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The first message to a worker: the folder to read, the cache's namespace, which must be its own as well, and the
    callees that readers are asked for."""

    root: str
    namespace: str
    calls: tuple[str, ...] = ()


def available() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def read_with_workers(
    hello: Hello,
    workers: int,
    paths: Sequence[str],
    here: Callable[[str], None],
    there: Callable[[str, Answer], None],
) -> None:
    """Have each of *paths* read once, by one of so many *workers*, to whom *hello* is said, or by calling *here*. What
    workers answer is told to *there*, by this thread."""
    waiting = deque(paths)
    answers: deque[tuple[str, Answer]] = deque()
    hands = [_Hand(hello, waiting, answers) for _ in range(workers)]
    try:
        while waiting or any(hand.busy for hand in hands):
            _drain(answers, there)
            try:
                path = waiting.popleft()
            except IndexError:
                for hand in hands:
                    hand.join()  # what a worker could not do is waiting again
                continue
            here(path)
        _drain(answers, there)
    finally:
        for hand in hands:
            hand.stop()


def _drain(answers: deque[tuple[str, Answer]], there: Callable[[str, Answer], None]) -> None:
    while answers:
        there(*answers.popleft())


class _Hand:
    """A worker, and the thread that talks to it: takes files from the end of *waiting*, puts back what is not done."""

    def __init__(self, hello: Hello, waiting: deque[str], answers: deque[tuple[str, Answer]]) -> None:
        self._hello = hello
        self._waiting = waiting
        self._answers = answers
        self._process = _start()
        self._thread = threading.Thread(target=self._work, name="mlbreaks-worker", daemon=True)
        if self._process is not None:
            self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it may still answer or put something back."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until it has nothing left to do."""
        if self._process is not None:
            self._thread.join()

    def stop(self) -> None:
        """End the worker, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._thread.join()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _work(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            send(process.stdin, msgspec.msgpack.encode(self._hello))
            if receive(process.stdout) != b"ready":
                return
            while chunk := [*self._take()]:
                done = 0
                try:
                    send(process.stdin, msgspec.msgpack.encode(chunk))
                    answer = receive(process.stdout)
                    if answer is None:
                        return
                    said = msgspec.msgpack.decode(answer, type=list[Answer])
                    for path, one in zip(chunk, said, strict=True):
                        self._answers.append((path, one))
                        done += 1
                except msgspec.DecodeError:
                    return
                finally:
                    self._waiting.extend(chunk[done:])

    def _take(self) -> Iterator[str]:
        for _ in range(CHUNK):
            try:
                yield self._waiting.pop()
            except IndexError:
                return


def _start() -> subprocess.Popen[bytes] | None:
    if not sys.executable:
        return None
    # -P and the folder: what lies where somebody happens to stand, which may be the judged tree, is imported by nobody
    command = [sys.executable, "-P", "-m", "pytest_mlbreaks.worker"]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
        )
    except OSError:
        return None


def send(pipe: IO[bytes], data: bytes) -> None:
    """Write one message."""
    pipe.write(len(data).to_bytes(_LENGTH, "big") + data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Read one message; None where there is none any more."""
    head = pipe.read(_LENGTH)
    if len(head) != _LENGTH:
        return None
    length = int.from_bytes(head, "big")
    data = pipe.read(length)
    return data if len(data) == length else None
