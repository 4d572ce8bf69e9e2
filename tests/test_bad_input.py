"""Bad input: each costs a diagnostic with its place; nothing else is lost, nothing runs, no secret is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_mlbreaks import cli, engine, testing
from pytest_mlbreaks.report import Report
from pytest_mlbreaks.tree import SIZE_LIMIT, FolderTree, GitTree, MemoryTree, find_root

SECRET = "hunter2Zx9Qw8Er7Ty6"
ESCAPES = "\x1b[31m\u202e::error::x]]><script>\x07"

BROKEN: Mapping[str, tuple[bytes, int | None]] = {
    "bad/tabs.yaml": (b"a:\n\tb: 1\n", 2),
    "bad/aliases.yaml": (
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n, n, *[n - 1] * 8) for n in range(98, 108)),
        None,
    ),
    "bad/documents.yaml": (b"a: 1\n---\nb: [\n---\nc: 3\n", None),
    "bad/config/deep.yaml": (b"{a: " * 200 + b"1" + b"}" * 200 + b"\n", 1),
    "bad/deeper.yaml": (b"[" * 50_000 + b"]" * 50_000, None),
    "bad/go.yaml": (b"{{- if .Values.on }}\na: {{ .Values.a }}\n{{- end }}\n", None),
    "bad/latin.yaml": (b"a: 1\nb: caf\xe9\n", 2),
    "bad/null.yaml": (b"a: 1\nb: \0\n", None),
    "bad/pyproject.toml": (b"[project]\nname = \n", 2),
    "bad/requirements.txt": (b"numpy==1.0\n=== nonsense\n", 2),
    "bad/self/requirements.txt": (b"numpy==1.0\n-r requirements.txt\n", 2),
    "bad/uv.lock": (b"version = 99\n", 1),
    "bad/poetry.lock": (b"[metadata]\nlock-version = \n", 2),
    "bad/Pipfile.lock": (b'{\n"_meta": ]', 2),
    "bad/Pipfile": (b"[packages]\na = \n", 2),
    "bad/setup.cfg": (b"[options]\ninstall_requires\n[\n", None),
    "bad/python2.py": (b"import os\nprint 'x'\n", 2),
    "bad/syntax.py": (b"x = 1\ndef f(:\n", 2),
    "bad/deep.py": (b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", None),
    "bad/deep_calls.py": (b"x = 1\ny = a" + b".b()" * 50000 + b"\n", None),
    "bad/null.py": (b"x = 1\ny = '\0'\n", 2),
    "bad/latin.py": (b"x = 1\ny = 'caf\xe9'\n", None),
    "bad/utf16.py": ("x = 1\n".encode("utf-16"), None),
    "bad/codec.py": (b"# coding: no-such-codec\nx = 1\n", None),
    "bad/binary.py": (b"\x7fELF\x02\x01\x01\0\0\xff\xfe" * 50, None),
    "bad/indent.py": (b"if x:\n    a\n  b\n", 3),
    "bad/surrogate.py": (b"# coding: utf-8\nx = '\xed\xa0\x80'\n", None),
    "bad/broken.ipynb": (b'{\n"cells": [\n', None),
    "bad/cells.ipynb": (b'{"nbformat": 4, "metadata": {}}\n', None),
    "bad/cell.ipynb": (
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": ["def f(:\\n"]}]}',
        1,
    ),
    "bad/template.sql": (b"select 1\nfrom {{ ref('a' }}\n", 2),
    "bad/nobody_knows.sql": (b"select a\nfrom frobnicate ((( b where\n", None),
}
"""Content, and the line that the diagnostic names (None: any). All are read in part at most."""

SOUND: Mapping[str, bytes] = {
    "config/dev.yaml": b"db:\n  name: sales-prod\n  pool: 5\n",
    "config/prod.yaml": b"db:\n  name: sales-prod\n  pool: 50\n",
    "app/bom.py": b"\xef\xbb\xbfA = 1\n",
    "app/crlf.py": b"A = 1\r\nB = 2\r\n",
    "app/latin.py": b"# -*- coding: latin-1 -*-\nA = 'caf\xe9'\n",
    "app/duplicate.yaml": b"a: 1\na: 2\n",
    "app/crlf.yaml": b"a: 1\r\nb: 2\r\n",
    "app/bom.yaml": b"\xef\xbb\xbfa: 1\n",
    "app/utf16.yaml": "a: 1\n".encode("utf-16"),
    "app/old.py": b"A = 1\rB = 2\r",
    "app/wide.py": "A = '\U0001f600'; B = 2\n".encode(),
    "app/long.py": b"A = '" + b"x" * 100_000 + b"'\n",
    "app/sum.py": b"A = " + b"1 + " * 300 + b"1\n",
    "app/hostile.py": f"import os\nA = os.environ['{ESCAPES.encode('unicode_escape').decode()}']\n".encode(),
    "app/secret.py": f"import os\nDB_PASSWORD = '{SECRET}'\nU = os.environ.get('API_TOKEN', '{SECRET}')\n".encode(),
    "app/marker.py": b"import pathlib\npathlib.Path(__file__).with_name('EXECUTED').touch()\n",
    "conftest.py": b"import pathlib\npathlib.Path(__file__).with_name('EXECUTED').touch()\n",
    "setup.py": b"import pathlib\npathlib.Path(__file__).with_name('EXECUTED').touch()\n",
    "sitecustomize.py": b"import pathlib\npathlib.Path(__file__).with_name('EXECUTED').touch()\n",
    ".env": f"A=1\nDB_PASSWORD={SECRET}\nURL=postgres://u:{SECRET}@h/d\nnot a pair\n=x\n'\n".encode(),
    "Dockerfile": b'FROM python:3.11\nCOPY . /app\nENV A=1\nBOGUS\nRUN ["unclosed\nCMD ["python", "app/main.py"]\n',
    "chart/Chart.yaml": b"name: x\n",
    "chart/templates/d.yaml": b"{{ range .x }}\n- {{ . }}\n{{ end }}\n",
    "compose.yaml": (
        "services:\n  api:\n    build: .\n    environment:\n"
        f"      DB_PASSWORD: {SECRET}\n      URL: postgres://u:{SECRET}@db/x\n"
        f'      "K": {json.dumps(ESCAPES)}\n    command: python app/missing.py --token {SECRET}\n'
    ).encode(),
}
"""Files that are read, whatever else is wrong around them."""


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder with everything in it, no git."""
    root = tmp_path_factory.mktemp("bad")
    write(root, SOUND)
    write(root, {path: content for path, (content, _) in BROKEN.items()})
    with (root / "bad" / "huge.yaml").open("wb") as huge:
        huge.truncate(100_000_000)
    (root / "bad" / "loop").symlink_to(root)
    (root / "bad" / "self.py").symlink_to("self.py")
    (root / "bad" / "passwd.yaml").symlink_to("/etc/passwd")
    (root / "bad" / "nowhere.py").symlink_to("/no/such/file")
    os.mkfifo(root / "bad" / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(root / "bad")  # the path of a socket is short
        try:
            listening.bind("socket.py")
        finally:
            os.chdir(here)
        Path(os.fsdecode(os.fsencode(root / "bad") + b"/\xff\xfe.py")).write_bytes(b"A = 1\n")
        (root / "bad" / f"{ESCAPES.replace('/', '')}.yaml").write_bytes(b"a: [\n")
        if os.geteuid() != 0:
            (root / "closed").mkdir(mode=0)
            (root / "bad" / "closed.py").touch(mode=0)
        yield root
        if os.geteuid() != 0:
            (root / "closed").chmod(0o700)


def write(root: Path, files: Mapping[str, bytes | str]) -> None:
    """Write files below *root*."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(scope="module")
def report(bad: Path) -> Report:
    """What is said of it."""
    return engine.analyse(FolderTree(bad), testing.installed())


@pytest.mark.parametrize("path", sorted(BROKEN))
def test_each_costs_a_diagnostic_with_its_place(report: Report, path: str) -> None:
    """One or more, of that file, at the line where it is told; and it is no crash of a reader."""
    told = [d for d in report.diagnostics if d.place.path == path]
    assert told, path
    line = BROKEN[path][1]
    assert line is None or line in [d.place.line for d in told]
    assert len(told) == 1, told


def test_nothing_crashes(report: Report) -> None:
    """No reader fails, no check fails: each expects what is there."""
    crashes = [d for d in report.diagnostics if "failed" in d.message or d.message.endswith("Error")]
    assert crashes == []
    assert [result.check for result in report.results if result.outcome == "failed"] == []


def test_what_cannot_be_opened_is_told(report: Report) -> None:
    """Size, names that are no UTF-8, folders without permission."""
    told = {d.place.path: d.message for d in report.diagnostics}
    assert told["bad/huge.yaml"] == "100 MB is over the limit of 5 MB; not read"
    assert told["bad/\\xff\\xfe.py"] == "the file's name is not UTF-8; not read"
    if os.geteuid() != 0:
        assert "can't be listed" in told["closed"]
        assert "can't be read" in told["bad/closed.py"]


def test_links_pipes_and_sockets_are_no_files(bad: Path) -> None:
    """They are not listed, and reading one that took a file's place does not hang."""
    tree = FolderTree(bad)
    for name in ("loop", "self.py", "passwd.yaml", "nowhere.py", "pipe.yaml", "socket.py"):
        assert not [path for path in tree.paths() if path.startswith(f"bad/{name}")]
        with pytest.raises(Exception, match=r"not read|can't be read"):
            tree.read(f"bad/{name}")


def test_nothing_else_is_lost(bad: Path, report: Report) -> None:
    """The facts and findings of the sound files are those of a tree with only them."""
    packs = testing.installed()
    alone = MemoryTree(dict(SOUND))
    facts = [f for f in engine.read(FolderTree(bad), packs, lambda *t: None).facts if not f.path.startswith("bad/")]
    assert facts == list(engine.read(alone, packs, lambda *told: None).facts)
    expected = {(f.check, f.place, f.message) for f in engine.analyse(alone, packs).findings}
    assert len(expected) >= 2
    assert expected <= {(f.check, f.place, f.message) for f in report.findings}


def test_sound_files_cost_no_error(report: Report) -> None:
    """Byte order marks, line ends, declared encodings, duplicate keys, long lines: read; a doubt is a warning."""
    errors = [d for d in report.diagnostics if d.level == "error" and d.place.path in SOUND]
    assert errors == []
    assert [d.place.line for d in report.diagnostics if d.place.path == "app/duplicate.yaml"] == [2]


def test_nothing_runs(bad: Path, report: Report) -> None:
    """Nothing of the tree is imported, nothing is written into it."""
    assert not list(bad.rglob("EXECUTED"))
    assert not list(bad.rglob("__pycache__"))


@pytest.mark.parametrize("format_", ["terminal", "json", "sarif", "github", "markdown"])
def test_no_secret_and_no_control_reaches_a_report(bad: Path, format_: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the tree holds is text in what is printed, and passwords are not in it."""
    code = cli.main(["check", "--root", str(bad), "--format", format_, *(["-v"] if format_ == "terminal" else [])])
    said = capsys.readouterr()
    assert code in (0, 1), said.err
    for stream in (said.out, said.err):
        assert SECRET not in stream
        assert not {"\x1b", "\u202e", "\x07", "\x00", "\udcff"} & set(stream)
        commands = [line for line in stream.splitlines() if line.lstrip().startswith("::")]
        assert format_ == "github" or not commands
        assert all(line.startswith(("::error file=", "::warning file=", "::notice ")) for line in commands)
    if format_ == "json":
        assert json.loads(said.out)["version"] == 1


def test_strict_says_so_by_its_exit_code(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --strict, files that could not be read are an error."""
    assert cli.main(["check", "--root", str(bad), "--strict", "--fail-on", "never"]) == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("a.py", lambda n: b"x = " + b"[" * n + b"]" * n),
        ("a.py", lambda n: b"x = a" + b".b" * n),
        ("a.py", lambda n: b"x = a" + b"()" * n),
        ("a.py", lambda n: b"x = " + b"1 + " * n + b"1"),
        ("a.py", lambda n: b"x0 = 'a'\n" + b"".join(b"x%d = x%d + x%d\n" % (i + 1, i, i) for i in range(n))),
        ("a.py", lambda n: b"def f():\n" * 1 + b"".join(b" " * (i % 90 + 1) + b"if x:\n" for i in range(n))),
        ("a.yaml", lambda n: b"[" * n),
        ("a.yaml", lambda n: b"{a: " * n),
        ("a.yaml", lambda n: b"".join(b" " * i + b"a:\n" for i in range(min(n, 2000)))),
        ("a.yaml", lambda n: b"a: &a x\n" + b"b: *a\n" * n),
        ("config/a.json", lambda n: b"[" * n),
        ("pyproject.toml", lambda n: b"x = " + b"[" * n),
        ("pyproject.toml", lambda n: b"[" + b"a." * n + b"a]\nb=1\n"),
        ("requirements.txt", lambda n: b"a" + b"[" * n),
        ("requirements.txt", lambda n: b"a ; " + b"(" * n),
        ("requirements.txt", lambda n: b"a\\\n" * n),
        ("Dockerfile", lambda n: b"FROM a\nRUN " + b"\\\n" * n),
        ("Dockerfile", lambda n: b"ARG A=" + b"${A:-" * n),
        ("Dockerfile", lambda n: b"FROM a\nCMD " + b"[" * n),
        ("compose.yaml", lambda n: b"services: {a: {image: '" + b"${A:-" * n + b"'}}"),
        (".env", lambda n: b"A=" + b"${A:-" * n),
        (".env", lambda n: b"A='" + b"\\'" * n),
    ],
)
def test_depth_is_no_trap(path: str, make: Any) -> None:
    """However deep or repeated: an answer, no crash of ours."""
    for size in (50, 20_000):
        report = engine.analyse(MemoryTree({path: make(size)}), testing.installed())
        assert not [d for d in report.diagnostics if "failed" in d.message], size
        assert not [result for result in report.results if result.outcome == "failed"]


# ---------------------------------------------------------------------------------------------- the tree's git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A git repository with a commit."""
    root = tmp_path / "repo"
    root.mkdir()
    write(root, {"a.py": "A = 1\n", "b/c.yaml": "a: 1\n", "README.md": "x\n"})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    return root


def git(folder: Path, *arguments: str | Path) -> str:
    """Run git as somebody."""
    named = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", folder, *named, "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=clean).stdout.strip()


ALL = ("README.md", "a.py", "b/c.yaml")


@pytest.mark.parametrize("tree", ["folder", "revision"])
def test_a_repository_that_names_programs_runs_none(repo: Path, tree: str) -> None:
    """Its own configuration, attributes and hooks are data."""
    marker = repo.parent / "RAN"
    program = repo.parent / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {marker}\ncat\n')
    program.chmod(0o755)
    hooks = repo / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman", "query-watchman"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
        (repo / ".git" / "hooks" / name).write_text(program.read_text())
        (repo / ".git" / "hooks" / name).chmod(0o755)
    write(repo, {".gitattributes": "* filter=f diff=d merge=m\n"})
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "-q", "-m", "two")
    settings = {
        "core.fsmonitor": program,
        "core.hooksPath": hooks,
        "core.pager": program,
        "core.editor": program,
        "core.sshCommand": program,
        "core.askPass": program,
        "core.gitProxy": program,
        "core.alternateRefsCommand": program,
        "diff.external": program,
        "diff.d.textconv": program,
        "diff.d.command": program,
        "filter.f.clean": program,
        "filter.f.smudge": program,
        "filter.f.process": program,
        "filter.f.required": "true",
        "gpg.program": program,
        "credential.helper": f"!{program}",
        "alias.ls-files": f"!{program}",
        "pager.ls-files": program,
        "pager.ls-tree": program,
        "uploadpack.packObjectsHook": program,
        "include.path": "/no/such/file",
    }
    marker.unlink(missing_ok=True)
    for name, value in settings.items():
        git_config(repo, name, str(value))
    (repo / "a.py").write_text("A = 2\n")  # the index is stale: a look at it would ask fsmonitor and the filter
    read = FolderTree(repo) if tree == "folder" else GitTree(repo, "HEAD")
    assert "a.py" in read.paths()
    assert read.read("a.py") == (b"A = 2\n" if tree == "folder" else b"A = 1\n")
    assert not marker.exists(), marker.read_text()


def git_config(repo: Path, name: str, value: str) -> None:
    """Write a setting into the repository's own file, by no git that could act on it."""
    section, _, rest = name.partition(".")
    sub, _, key = rest.rpartition(".")
    head = f'[{section} "{sub}"]' if sub else f"[{section}]"
    with (repo / ".git" / "config").open("a") as file:
        file.write(f"{head}\n\t{key} = {json.dumps(value)}\n")


def test_a_git_in_the_judged_tree_is_not_run(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it comes first on the PATH, by its folder or by a relative one."""
    (repo / "git").write_text(f"#!/bin/sh\ntouch {repo}/RAN\n")
    (repo / "git").chmod(0o755)
    monkeypatch.chdir(repo)
    for first in (str(repo), ".", ""):
        monkeypatch.setenv("PATH", f"{first}{os.pathsep}{os.environ['PATH']}")
        assert "a.py" in FolderTree(repo).paths()
        assert not (repo / "RAN").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_told(repo: Path) -> None:
    """Git would not read it; all files are read without git, and that is said once."""
    for path in (repo, *repo.rglob("*")):
        os.chown(path, 12345, 12345)
    tree = FolderTree(repo)
    assert tree.paths() == ALL
    (diagnostic,) = tree.diagnostics
    assert "dubious ownership" in diagnostic.message
    assert diagnostic.place.path == "."


def test_no_git(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is not installed, all files are read, and that is said."""
    monkeypatch.setenv("PATH", str(repo.parent / "empty"))
    tree = FolderTree(repo)
    assert tree.paths() == ALL
    assert ["git is not installed" in d.message for d in tree.diagnostics] == [True]


def test_git_variables_of_the_surroundings_do_not_count(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a hook, where git sets them: they point to another repository."""
    other = repo.parent / "other"
    other.mkdir()
    git(other, "init", "-q")
    for name, value in (("GIT_DIR", other / ".git"), ("GIT_WORK_TREE", other), ("GIT_INDEX_FILE", other / "i")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {other}/RAN")
    tree = FolderTree(repo)
    assert (tree.paths(), tree.diagnostics) == (ALL, ())
    assert not (other / "RAN").exists()


def test_a_git_file_that_leads_nowhere_or_elsewhere(repo: Path) -> None:
    """A work tree's ``.git`` is a file: followed where git follows it; else all files are read, and that is said."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "-q", "-b", "b", linked)
    assert FolderTree(linked).paths() == ALL
    (linked / ".git").write_text("gitdir: /no/such/folder\n")
    tree = FolderTree(linked)
    assert [path for path in tree.paths() if path != ".git"] == list(ALL)
    assert len(tree.diagnostics) == 1
    (linked / ".git").write_text(f"gitdir: {repo}/.git\n")
    assert [path for path in FolderTree(linked).paths() if path != ".git"] == list(ALL)


def test_a_broken_repository_is_read_without_git(repo: Path) -> None:
    """A broken index is a diagnostic."""
    (repo / ".git" / "index").write_bytes(b"DIRCgarbage")
    tree = FolderTree(repo)
    assert tree.paths() == ALL
    assert len(tree.diagnostics) == 1


def test_a_submodule_is_beyond_the_tree(repo: Path) -> None:
    """It is not read, and what it could hold is not missing."""
    other = repo.parent / "other"
    other.mkdir()
    write(other, {"x.py": "A = 1\n"})
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "one")
    git(repo, "submodule", "add", "-q", str(other), "sub")
    git(repo, "commit", "-q", "-m", "two")
    for tree in (FolderTree(repo), GitTree(repo, "HEAD")):
        assert tree.beyond["sub"] == "a submodule"
        assert not [path for path in tree.paths() if path.startswith("sub")]
        reading = engine.read(tree, testing.installed(), lambda *told: None)
        assert engine.build(tree, reading).unread_near("sub/x.py") == "a submodule"


def test_what_a_sparse_checkout_leaves_out_is_beyond_the_tree(repo: Path) -> None:
    """Known by name, not read, not missing."""
    git(repo, "sparse-checkout", "set", "--no-cone", "/a.py")
    tree = FolderTree(repo)
    assert tree.paths() == ("a.py",)
    assert tree.beyond["b/c.yaml"] == "tracked by git, but not in the work tree"


def test_a_linked_folder_is_not_followed(repo: Path) -> None:
    """Also one that git tracks, and also one that took a folder's place since it was listed."""
    outside = repo.parent / "outside"
    outside.mkdir()
    (outside / "c.yaml").write_text("secret: 1\n")
    (repo / "link").symlink_to(outside)
    git(repo, "add", "link")
    assert FolderTree(repo).paths() == ALL
    (repo / "b" / "c.yaml").unlink()
    (repo / "b").rmdir()
    (repo / "b").symlink_to(outside)
    assert "b/c.yaml" not in FolderTree(repo).paths()


def test_ignored_files_are_not_read(repo: Path) -> None:
    """A laptop and a clean checkout are judged alike; files that are new are read."""
    write(repo, {".gitignore": "out/\n", "out/x.py": "A = 1\n", "new.py": "A = 1\n"})
    assert FolderTree(repo).paths() == (".gitignore", *ALL[:2], *ALL[2:], "new.py")


def test_an_empty_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No commit, no file: an answer, and exit code 0."""
    git(tmp_path, "init", "-q")
    tree = FolderTree(tmp_path)
    assert (tree.paths(), tree.revision, tree.diagnostics) == ((), None, ())
    assert cli.main(["check", str(tmp_path)]) == 0
    capsys.readouterr()
    with pytest.raises(ValueError, match="knows no revision 'HEAD'"):
        GitTree(tmp_path, "HEAD")


def test_revisions_are_no_options(repo: Path) -> None:
    """A revision that looks like an option is one that git does not know."""
    for revision in ("--help", "--output=/tmp/x", "-x", "no-such", "HEAD:a.py"):
        with pytest.raises(ValueError, match="knows no revision"):
            GitTree(repo, revision)


def test_a_path_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error, on one line."""
    assert cli.main(["check", str(tmp_path / "no-such")]) == 2
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert cli.main(["check", "--root", str(tmp_path / "no-such")]) == 2
    capsys.readouterr()
    with pytest.raises(NotADirectoryError):
        FolderTree(tmp_path / "no-such")


def test_a_file_as_the_path(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole repository is read; what is shown is about that file."""
    assert find_root(repo / "b") == repo
    assert cli.main(["check", str(repo / "a.py"), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["root"] == str(repo)
    assert "a.py" in data["partial"]


def test_limits_are_of_size_not_of_time(tmp_path: Path) -> None:
    """A file at the limit is read, one byte more is not; also from git and memory."""
    write(tmp_path, {"at.env": b"#" * SIZE_LIMIT, "over.env": b"#" * (SIZE_LIMIT + 1)})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    contents = {path.name: path.read_bytes() for path in tmp_path.glob("*.env")}
    for tree in (FolderTree(tmp_path), GitTree(tmp_path, "HEAD"), MemoryTree(contents)):
        assert len(tree.read("at.env")) == SIZE_LIMIT
        with pytest.raises(Exception, match="over the limit"):
            tree.read("over.env")


def test_a_judged_tree_cannot_be_imported_from(bad: Path) -> None:
    """The command run in the tree, where ``conftest.py`` and ``sitecustomize.py`` lie, imports none of it."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest_mlbreaks", "check", "--fail-on", "never"],
        cwd=bad,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(bad.rglob("EXECUTED"))
