"""Trees: a folder, a revision and memory show the same files in the same way (see also test_bad_input)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_mlbreaks.tree import FolderTree, GitTree, MemoryTree, ReadError, Tree, find_root

FILES = {
    "a.py": "A = 1\n",
    "b/c d.yaml": "a: 1\n",
    "b/\u00e9\u4e2d.py": "",
    "b/new\nline.py": "B = 1\n",
    "node_modules/x.py": "",
    "x/.venv/lib/x.py": "",
    "node_modules.py": "C = 1\n",
    ".github/workflows/ci.yml": "on: push\n",
}
SHOWN = (".github/workflows/ci.yml", "a.py", "b/c d.yaml", "b/new\nline.py", "b/\u00e9\u4e2d.py", "node_modules.py")


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody."""
    named = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *named, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, in no repository."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def repo(folder: Path) -> Path:
    """The same, committed."""
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_a_folder_with_and_without_git_and_a_revision_show_the_same(folder: Path) -> None:
    """Sorted, with ``/``, whatever characters are in the names; what tools made or fetched is left out."""
    plain: Tree = FolderTree(folder)
    assert (plain.paths(), plain.revision, plain.diagnostics) == (SHOWN, None, ())
    git(folder, "init", "-q")
    new = FolderTree(folder)
    assert (new.paths(), new.revision) == (SHOWN, None)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    head = git(folder, "rev-parse", "HEAD")
    both: tuple[Tree, Tree] = (FolderTree(folder), GitTree(folder, "HEAD"))
    for tree in both:
        assert (tree.paths(), tree.revision, tree.diagnostics, dict(tree.beyond)) == (SHOWN, head, (), {})
        assert {path: tree.read(path).decode() for path in SHOWN} == {path: FILES[path] for path in SHOWN}


def test_a_revision_is_not_the_work_tree(repo: Path) -> None:
    """What is changed, new or deleted since does not show there."""
    (repo / "a.py").write_text("A = 2\n")
    (repo / "new.py").write_text("")
    (repo / "node_modules.py").unlink()
    assert GitTree(repo, "HEAD").read("a.py") == b"A = 1\n"
    assert GitTree(repo, "HEAD").paths() == SHOWN
    assert set(FolderTree(repo).paths()) == {*SHOWN, "new.py"} - {"node_modules.py"}
    assert git(repo, "status", "--porcelain").count("\n") == 2


def test_a_folder_of_a_repository_is_a_tree_of_its_own(repo: Path) -> None:
    """Paths are relative to it, in both."""
    for tree in (FolderTree(repo / "b"), GitTree(repo / "b", "HEAD")):
        assert tree.paths() == ("c d.yaml", "new\nline.py", "\u00e9\u4e2d.py")
        assert tree.read("c d.yaml") == b"a: 1\n"


def test_the_root_is_the_top_of_the_repository(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """From wherever in it; a folder in no repository is its own root."""
    assert find_root(repo / "b") == repo
    assert find_root(repo) == repo
    alone = tmp_path_factory.mktemp("alone")
    assert find_root(alone) == alone


def test_an_ignored_folder_inside_a_repository_is_read(repo: Path) -> None:
    """Somebody who names it wants it read; that git ignores it is said."""
    (repo / ".gitignore").write_text("out/\n")
    (repo / "out").mkdir()
    (repo / "out" / "x.py").write_text("A = 1\n")
    tree = FolderTree(repo / "out")
    assert tree.paths() == ("x.py",)
    assert [d.message for d in tree.diagnostics] == ["git ignores this whole folder; all files are read"]


def test_a_file_that_went_away_is_a_read_error(repo: Path) -> None:
    """Files can change while we read."""
    tree = FolderTree(repo)
    (repo / "a.py").unlink()
    with pytest.raises(ReadError, match="No such file"):
        tree.read("a.py")


def test_a_slow_git_is_given_up(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are then read without it, and that is said."""

    def run(*command: object, **options: object) -> object:
        raise subprocess.TimeoutExpired("git", 1)

    monkeypatch.setattr("pytest_mlbreaks.tree.subprocess.run", run)
    tree = FolderTree(repo)
    assert tree.paths() == SHOWN
    assert ["git did not answer in time" in d.message for d in tree.diagnostics] == [True]


def test_a_virtual_environment_is_told_by_its_file(folder: Path) -> None:
    """Whatever it is called."""
    (folder / "python3-stuff").mkdir()
    (folder / "python3-stuff" / "pyvenv.cfg").touch()
    (folder / "python3-stuff" / "x.py").touch()
    assert FolderTree(folder).paths() == SHOWN


def test_a_tree_in_memory() -> None:
    """Text is UTF-8; the order in which the files are given does not count."""
    tree: Tree = MemoryTree({"b": "\u00e9", "a": b"\xff"})
    assert tree.paths() == ("a", "b")
    assert (tree.read("a"), tree.read("b")) == (b"\xff", "\u00e9".encode())
