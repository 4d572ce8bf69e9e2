"""The cache of facts: what it keeps, when it is believed, and when it is not."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mlbreaks import cache, engine, file_facts, testing
from pytest_mlbreaks.engine import Means, _Claims
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.expr import ConfigKey, Literal
from pytest_mlbreaks.model.facts import Constant, Container
from pytest_mlbreaks.tree import FolderTree

WITH = Means(cached=True, processes=1)
OLD = 1_700_000_000
"""Seconds since the epoch, long before any test."""


@pytest.fixture
def folder(tmp_path: Path, small_repository: dict[str, str]) -> Path:
    """A small repository as files that were changed long ago."""
    root = tmp_path / "repository"
    for path, text in small_repository.items():
        write(root / path, text)
    return root


def write(path: Path, text: str) -> None:
    """Write a file of the repository, with an old time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (OLD, OLD))


def read(root: Path, means: Means = WITH) -> engine.Reading:
    """What reading the folder gives."""
    return engine.read(FolderTree(root), testing.installed(), lambda *told: None, means)


def the_file(own_cache: Path) -> Path:
    """The one file of the cache."""
    (found,) = (own_cache / "facts").iterdir()
    return found


def paths_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are parsed when the folder is read."""
    parsed = []
    original = file_facts.read_file

    def noted(source: Any, *rest: Any) -> Any:
        parsed.append(source.path)
        return original(source, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("pytest_mlbreaks.engine.read_file", noted)
        read(root)
    return parsed


def test_a_second_run_says_the_same_and_reads_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All facts, diagnostics and counts come back as they were, in order, without a file being parsed."""
    write(folder / "broken.py", "def (:\n")
    write(folder / "marked.py", "x = 1  # mlbreaks: ignore[some-check] a reason\n")
    without = read(folder, Means(processes=1))
    first = read(folder)
    assert paths_read(folder, monkeypatch) == []
    second = read(folder)
    assert without == first == second
    assert "marked.py" in second.marked
    assert any(told.place.path == "broken.py" for told in second.diagnostics)


def test_who_reads_a_file_is_asked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its path alone a reader says whether it wants a file; of one that was there before it is not asked again."""
    read(folder)
    write(folder / "new.py", "A = 1\n")
    asked = []
    original = _Claims.of

    def noted(self: _Claims, path: str, failed: Any) -> Any:
        asked.append(path)
        return original(self, path, failed)

    monkeypatch.setattr(_Claims, "of", noted)
    assert "new.py" in {fact.path for fact in read(folder).facts}
    assert asked == ["new.py"]


def test_a_reader_that_fails_is_told_each_time(folder: Path) -> None:
    """What its failure leaves out is not remembered as if nobody wanted it."""

    def fails(path: str) -> bool:
        raise RuntimeError

    packs = testing.installed()
    broken = dataclasses.replace(packs.readers[0], name="broken", claims=fails)
    packs = dataclasses.replace(packs, readers=(*packs.readers, broken))
    for _ in range(2):
        reading = engine.read(FolderTree(folder), packs, lambda *told: None, WITH)
        assert any("reader 'broken' failed" in told.message for told in reading.diagnostics)


def test_only_what_changed_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an edit the edited file is parsed, no other, and what it says is new; a file that is gone says nothing."""
    read(folder)
    write(folder / "app.py", "BUCKET = 'other'\n")
    (folder / "requirements.txt").unlink()
    assert paths_read(folder, monkeypatch) == ["app.py"]
    names = {fact.name for fact in read(folder).facts if isinstance(fact, Constant)}
    assert "BUCKET" in names
    assert not any(fact.path == "requirements.txt" for fact in read(folder).facts)


def test_a_new_checkout_is_compared_by_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other times and inodes alone are no change."""
    read(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (OLD + 5, OLD + 5))
    assert paths_read(folder, monkeypatch) == []


def test_a_change_within_a_tick_is_seen(folder: Path) -> None:
    """Same size, same time: where the file had only just been changed, its content is compared."""
    path = folder / "fresh.py"
    path.write_text("A = 1\n", encoding="utf-8")
    status = path.stat()
    read(folder)
    path.write_text("A = 2\n", encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    (value,) = (fact.value for fact in read(folder).facts if isinstance(fact, Constant) and fact.path == "fresh.py")
    assert getattr(value, "value", None) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text", "other version"])
def test_a_damaged_cache_counts_as_nothing(
    folder: Path, own_cache: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with the file: all is read again, nothing is told of it, and it is written anew."""
    right = read(folder)
    file = the_file(own_cache)
    data = file.read_bytes()
    if damage == "other version":
        monkeypatch.setattr(cache, "__version__", "0.0.0")
    else:
        middle = len(data) // 2
        file.write_bytes(
            {
                "truncated": data[:-7],
                "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "empty": b"",
                "text": b"hello",
            }[damage]
        )
    assert len(paths_read(folder, monkeypatch)) > 5
    assert read(folder) == right
    assert paths_read(folder, monkeypatch) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="the platform has no owners of files in this sense")
def test_a_cache_that_others_can_write_is_not_trusted(
    folder: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one that is a link to somewhere else."""
    read(folder)
    file = the_file(own_cache)
    file.chmod(0o666)
    assert len(paths_read(folder, monkeypatch)) > 5
    elsewhere = own_cache / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert len(paths_read(folder, monkeypatch)) > 5


def test_facts_about_another_file_are_refused() -> None:
    """What is kept for one file can't speak of another."""
    codec = file_facts.FileCodec(testing.installed().facts)
    fact = Constant(place=Place("a.py", 1), name="x", value=Literal(1))
    data = codec.encode(file_facts.FileFacts((fact,)))
    assert data is not None
    assert codec.decode("a.py", data) is not None
    assert codec.decode("b.py", data) is None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    """Data of whatever kind is refused, and raises nothing."""
    codec = file_facts.FileCodec(testing.installed().facts)
    said = codec.decode("a.py", data)
    assert said is None or all(fact.place.path == "a.py" for fact in said.facts)


def test_what_can_not_be_written_is_not_kept() -> None:
    """A number of more than 64 bits, half a character: such a file is read each time."""
    codec = file_facts.FileCodec(testing.installed().facts)
    for value in (2**70, "\ud800"):
        fact = Constant(place=Place("a.py", 1), name="x", value=Literal(value))
        assert codec.encode(file_facts.FileFacts((fact,))) is None


def test_nothing_is_written_into_the_tree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache folder would lie in the judged tree, there is no cache."""
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(folder / ".cache"))
    read(folder)
    assert not (folder / ".cache").exists()


def test_a_folder_that_can_not_be_written_is_no_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree is read without a cache then."""
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(blocked))
    assert read(folder).facts == read(folder, Means(processes=1)).facts


def test_old_caches_are_removed(folder: Path, own_cache: Path) -> None:
    """What nobody has used for long goes when something is written."""
    read(folder)
    forgotten = own_cache / "facts" / "forgotten"
    forgotten.write_bytes(b"")
    os.utime(forgotten, (OLD, OLD))
    write(folder / "app.py", "A = 3\n")
    read(folder)
    assert not forgotten.exists()
    assert the_file(own_cache).exists()


def test_no_secret_is_kept(folder: Path, own_cache: Path) -> None:
    """The value of a password in a .env file is in no fact, and so not on disk."""
    read(folder)
    assert b"hunter2hunter2" not in the_file(own_cache).read_bytes()


def test_a_template_is_kept_as_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a file is a template is told by another file: what is kept of it as one is for nothing else."""
    manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n    - {name: a, image: a}\n"
    write(folder / "chart/templates/pod.yaml", manifest.replace("image: a", "image: '{{ .Values.a }}'"))

    def images() -> list[object]:
        return [fact.image for fact in read(folder).facts if isinstance(fact, Container) and "chart" in fact.path]

    plain = images()
    write(folder / "chart/Chart.yaml", "name: a\n")
    assert [images(), images()] == [[ConfigKey("values/chart", "a")]] * 2
    assert paths_read(folder, monkeypatch) == []
    (folder / "chart/Chart.yaml").unlink()
    assert images() == plain
