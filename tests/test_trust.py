"""What we never do to a judged tree: import it, run it, write to it - with pytest and without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("installed")

TRIAL = Path(__file__).parent / "packs" / "trial" / "src"

WATCHED = '''
"""Runs pytest or the command under an audit hook, and writes down what it did to a tree, and which programs it ran."""
import ast, builtins, json, os, sys

tree, log, what, *arguments = sys.argv[1:]
did, programs = [], []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
           "os.chown", "os.utime", "os.setxattr", "os.removexattr", "shutil.")
RUNS = ("os.system", "os.exec", "os.spawn", "os.startfile", "pty.spawn", "ctypes.dlopen")

def inside(value):
    if not isinstance(value, (str, bytes, os.PathLike)):
        return False
    name = os.fsdecode(value)
    if name.startswith("<"):
        return False  # code without a file
    path = os.path.normpath(os.path.join(os.getcwd(), name))
    return path == tree or path.startswith(tree + os.sep)

def hook(event, args):
    if event == "open":
        path, mode, flags = args
        if inside(path) and (set(mode or "") & set("wax+") or (flags or 0) & WRITES):
            did.append(f"open {path} {mode} {flags}")
    elif event == "exec" and inside(args[0].co_filename):
        did.append(f"exec {args[0].co_filename}")
    elif event == "import" and inside(args[1]):
        did.append(f"import {args[0]}")
    elif event in ("subprocess.Popen", "os.posix_spawn"):  # from 3.13 on the one starts programs through the other
        programs.append([os.fsdecode(arg) for arg in args[1]])
    elif event.startswith("socket.") and event != "socket.gethostname":
        did.append(event)
    elif event.startswith(RUNS) or event.startswith(CHANGES) and any(inside(arg) for arg in args):
        did.append(f"{event} {args}")

real_compile = builtins.compile
def watched_compile(source, filename, mode, flags=0, *args, **kwargs):
    if inside(filename) and not flags & ast.PyCF_ONLY_AST:
        did.append(f"compile {filename}")
    return real_compile(source, filename, mode, flags, *args, **kwargs)

builtins.compile = watched_compile
sys.addaudithook(hook)
if what == "pytest":
    import pytest
    code = pytest.main(arguments)
else:
    import trial_alone
    from pytest_mlbreaks.cli import main
    code = main(arguments)
found = [name for name, module in list(sys.modules.items()) if inside(getattr(module, "__file__", None))]
with open(log, "w") as file:
    json.dump({"did": did, "programs": programs, "imported": found, "code": int(code)}, file)
'''

EVIL = 'import os\nopen(os.environ["MARKER"], "a").write(__file__ + "\\n")\n'

PYTHON_FILES = (
    *("conftest.py", "sitecustomize.py", "usercustomize.py", "setup.py", "__init__.py", "test_evil.py"),
    *("yaml.py", "msgspec.py", "mlbreaks_checks.py", "evil_pack.py", "pkg/__init__.py", "pkg/conftest.py"),
    *("dags/__init__.py", "dags/train.py", "noxfile.py"),
)


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that comes to be if anything of the hostile tree runs."""
    marker = tmp_path / "marker"
    monkeypatch.setenv("MARKER", str(marker))
    return marker


@pytest.fixture
def hostile(tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository that runs something wherever it can."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    tree = tmp_path / "tree"
    for name in PYTHON_FILES:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EVIL)
    tree.joinpath("pipeline.marks").write_text("high\n")
    tree.joinpath("Dockerfile").write_text("FROM python:3.12\nCOPY . .\nCMD python dags/train.py\n")
    tree.joinpath("k8s.yaml").write_text(f"!!python/object/apply:os.system ['touch {marker}']\n---\na: 1\n")
    tree.joinpath("pytest.ini").write_text("[pytest]\npythonpath = .\nlog_file = pytest.log\ntestpaths = .\n")
    tree.joinpath(".gitattributes").write_text("*.py diff=evil filter=evil\n")
    info = tree / "evil-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text("[mlbreaks]\nevil = evil_pack\n")
    evil = tree / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {marker}\n")
    evil.chmod(0o755)
    shutil.copy(evil, tree / "git")
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "all")):
        subprocess.run((*git, *command), cwd=tree, check=True, capture_output=True)
    with tree.joinpath(".git/config").open("a") as config:
        config.write(
            "[core]\n\tfsmonitor = ./evil\n\thooksPath = hooks\n\tpager = ./evil\n\tsshCommand = ./evil\n"
            '[diff]\n\texternal = ./evil\n[diff "evil"]\n\ttextconv = ./evil\n\tcommand = ./evil\n'
            '[filter "evil"]\n\tclean = ./evil\n\tsmudge = ./evil\n\tprocess = ./evil\n[alias]\n\tls-files = !./evil\n'
        )
    hooks = tree / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman", "post-checkout"):
        shutil.copy(evil, hooks / name)
    os.utime(tree / "conftest.py", (1, 1))  # the index is out of date: a git that may would refresh and write it
    return tree


def state(tree: Path) -> dict[str, bytes | None]:
    """Every path below *tree*, and what the files hold."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(tree.rglob("*"))}


def watch(tree: Path, tmp_path: Path, what: str, *arguments: str) -> dict[str, Any]:
    """What pytest or the command did to *tree*, run in it."""
    script, log = tmp_path / "watched" / "watched.py", tmp_path / "log.json"
    script.parent.mkdir(exist_ok=True)
    script.write_text(WATCHED)
    command = [sys.executable, str(script), str(tree), str(log), what, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(TRIAL)}
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert log.exists(), ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(log.read_text())
    return found


def assert_safe(programs: list[list[str]]) -> None:
    """Only git ran, to read, with everything off by which the repository's configuration runs programs."""
    assert programs
    for program, *arguments in programs:
        assert Path(program).name == "git"
        assert {"core.fsmonitor=false", "core.hooksPath=/dev/null", "diff.external="} <= set(arguments)
        assert "--no-optional-locks" in arguments
        rest = arguments[arguments.index("-C") + 2 :]
        assert rest[0] in {"ls-files", "rev-parse", "ls-tree", "cat-file"}


@pytest.mark.parametrize(
    ("what", "arguments"),
    [
        ("pytest", ("-p", "trial_alone", "--mlbreaks-only")),
        ("pytest", ("-p", "trial_alone", "--mlbreaks-only", "-p", "no:randomly", "-v", "--mlbreaks-report", "json")),
        ("pytest", ("-p", "trial_alone", "mlbreaks::push-order::bad-mark", "--mlbreaks-only")),
        ("command", ("check",)),
        ("command", ("check", "--format", "json", "--revision", "HEAD")),
    ],
)
def test_nothing_of_the_tree_runs(
    hostile: Path, marker: Path, tmp_path: Path, what: str, arguments: tuple[str, ...]
) -> None:
    """Nothing is imported, compiled, executed or written; only git runs, safely; no socket; the tree is as it was."""
    before = state(hostile)
    found = watch(hostile, tmp_path, what, *arguments)
    assert found["code"] == 1
    assert found["did"] == []
    assert found["imported"] == []
    assert_safe(found["programs"])
    assert not marker.exists()
    assert state(hostile) == before


def test_the_watch_sees(hostile: Path, marker: Path, tmp_path: Path) -> None:
    """The same watch does see pytest import the tree, when pytest is asked to."""
    found = watch(hostile, tmp_path, "pytest", "-p", "no:cacheprovider")
    assert found["did"]
    assert "tree.conftest" in found["imported"]
    assert marker.exists()


@pytest.mark.parametrize(("module", "arguments"), [("pytest", ("--mlbreaks-only",)), ("pytest_mlbreaks", ("check",))])
def test_python_m(hostile: Path, marker: Path, module: str, arguments: tuple[str, ...]) -> None:
    """``python -m`` puts the tree first on the path; neither its modules nor its packs are taken for ours."""
    for name in ("sitecustomize.py", "usercustomize.py"):  # these are Python's to import, and it does not
        assert hostile.joinpath(name).exists()
    before = state(hostile)
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=hostile, capture_output=True, text=True, check=False
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    assert not marker.exists(), marker.read_text()
    assert state(hostile) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_repository_of_another_user(hostile: Path, marker: Path, tmp_path: Path) -> None:
    """git refuses it ("dubious ownership"): that is a diagnostic, and the files are listed without git."""
    for path in (hostile, *hostile.rglob("*")):
        os.chown(path, 12345, 12345)
    report = tmp_path / "report.json"
    arguments = ("--mlbreaks-only", "-p", "trial_alone", "--mlbreaks-report", f"json:{report}")
    found = watch(hostile, tmp_path, "pytest", *arguments)
    assert found["did"] == []
    assert not marker.exists()
    data = json.loads(report.read_text())
    assert any("dubious ownership" in diagnostic["message"] for diagnostic in data["diagnostics"])
    assert [finding["check"] for finding in data["findings"]] == ["bad-mark"]
