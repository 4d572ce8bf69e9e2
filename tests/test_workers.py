"""Reading with several processes."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_mlbreaks import engine, file_facts, testing, worker, workers
from pytest_mlbreaks.engine import Means
from pytest_mlbreaks.tree import FolderTree

FILES = 3 * workers.CHUNK


@pytest.fixture
def folder(tmp_path: Path, small_repository: dict[str, str]) -> Path:
    """A repository of enough files that each process gets some."""
    root = tmp_path / "repository"
    files = small_repository | {f"package/module_{n}.py": f"VALUE = {n}\n" for n in range(FILES)}
    files |= {"broken.py": "def (:\n", "big.py": f"BIG = {2**70}\n"}
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def read(root: Path, processes: int | None) -> engine.Reading:
    """What reading the folder gives."""
    return engine.read(FolderTree(root), testing.installed(), lambda *told: None, Means(processes=processes))


def test_the_reading_is_the_same(folder: Path) -> None:
    """Facts, diagnostics and counts, in the same order, however many processes read."""
    alone = read(folder, 1)
    assert len(alone.facts) > FILES
    assert read(folder, 3) == alone


def test_a_worker_says_of_each_file_what_is_said_here(folder: Path) -> None:
    """By the same readers, templates of charts aside: of every kind of file."""
    packs = testing.installed()
    codec = file_facts.FileCodec(packs.facts)
    reader = worker._Reader(str(folder), packs, packs.wanted())
    files: Counter[str] = Counter()
    facts: list[Any] = []
    for path in sorted(FolderTree(folder).paths()):
        said = codec.decode(path, reader.read(path).said or b"")
        if said is not None:
            facts += said.facts
            files.update(said.kinds)
    alone = read(folder, 1)
    assert facts == list(alone.facts)
    assert files == alone.files


def test_workers_do_a_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker answers is taken; this process waits for it where it has nothing left to do."""
    answered: list[str] = []
    original = workers.read_with_workers

    def patient(
        hello: workers.Hello,
        count: int,
        paths: Sequence[str],
        here: Callable[[str], None],
        there: Callable[[str, workers.Answer], None],
    ) -> None:
        def noted(path: str, answer: workers.Answer) -> None:
            answered.append(path)
            there(path, answer)

        original(hello, count, [path for path in paths if path.startswith("package/")], here, noted)

    monkeypatch.setattr(engine, "read_with_workers", patient)
    monkeypatch.setattr("pytest_mlbreaks.engine.read_file", _slowly(file_facts.read_file))
    reading = read(folder, 2)
    assert answered
    assert len({fact.path for fact in reading.facts}) == FILES


def _slowly(original: Callable[..., object]) -> Callable[..., object]:
    def slow(*arguments: object) -> object:
        time.sleep(0.2)
        return original(*arguments)

    return slow


@pytest.mark.parametrize("program", ["", "no/such/program"])
def test_without_a_worker_all_is_read_here(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Where no interpreter can be started, nothing is lost."""
    alone = read(folder, 1)
    monkeypatch.setattr(sys, "executable", program)
    assert read(folder, 3) == alone


def test_a_worker_of_another_version_is_not_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends, and its files are read here."""
    alone = read(folder, 1)
    monkeypatch.setattr(engine, "namespace", lambda packs, wanted: "another")
    assert read(folder, 2) == alone


def test_a_worker_that_dies_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was given and did not answer is read here."""
    alone = read(folder, 1)
    original = workers.receive

    def dying(pipe: object) -> bytes | None:
        return b"ready" if original(pipe) == b"ready" else None  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "receive", dying)
    assert read(folder, 2) == alone


def test_a_small_tree_is_read_by_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says how many, a second process is started only if there is much to read."""

    def never(*arguments: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(engine, "read_with_workers", never)
    assert read(folder, None).facts


def test_the_judged_tree_is_not_imported_by_a_worker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules in the current folder that are called like ours, or like a library, are not loaded."""
    trap = "import pathlib; pathlib.Path(__file__).with_name('executed').touch(); raise SystemExit(1)\n"
    for name in ("yaml", "msgspec", "pytest_mlbreaks", "json"):
        (folder / f"{name}.py").write_text(trap, encoding="utf-8")
    monkeypatch.chdir(folder)
    alone = read(folder, 1)
    assert read(folder, 2) == alone
    assert not (folder / "executed").exists()
